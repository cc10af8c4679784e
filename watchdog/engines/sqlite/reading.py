"""The rules by which a watched database file is opened: it is never hurt.

Owns: choosing between not opening, ``immutable=1`` and ``mode=ro``, and the
proof that what was read is what was there. Blocking, for slot threads. Must
not know: targets, probes, the loop.

What must never happen, and how it is ruled out:

- ``mode=ro`` on a WAL database creates a missing ``-wal`` and ``-shm``, which
  would belong to us and could lock the application out. So with no ``-wal``
  the file is read with ``immutable=1``, which opens nothing else and locks
  nothing, and believed only if ``stat`` says the same before and after. With
  a ``-wal`` it is opened with ``mode=ro&readonly_shm=1`` (the ``-shm`` is
  neither created, nor truncated, nor written) while the keeper holds the
  shared lock: whoever closes the database last cannot remove the ``-wal``
  between our look and SQLite's.
- ``immutable=1`` would read past a writer's lock or a hot journal: the keeper
  asks for locks and looks at the journal first.
- A ``-wal`` without ``-shm`` is a crash's leftover: it cannot be read without
  writing, so it is not opened, and said.
- SQLite deletes the ``-wal`` of a database of zero bytes: never opened.

https://www.sqlite.org/uri.html, walformat.html, and wal.html on read-only
databases.
"""

from __future__ import annotations

import enum
import math
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from watchdog.engines.sqlite.files import Files, again, survey, unreachable, uri
from watchdog.engines.sqlite.keeper import Keeper, Locks, Look, borrow
from watchdog.engines.sqlite.troubles import SqliteTrouble
from watchdog.model import Phase

T = TypeVar("T")

# A file system stamps times by a clock that ticks every 4 to 10 ms: two writes
# within one tick look the same. A file this young is looked at again.
_YOUNG_NS: Final = 20_000_000
_IMMUTABLE_ATTEMPTS: Final = 3
_STARTING_NS: Final = 250_000_000  # how long an application may be between -wal and -shm
_RECOVERING: Final = ("SQLITE_READONLY_RECOVERY", "SQLITE_READONLY_CANTINIT")
_BUSY_TURN: Final = 0.02  # seconds: SQLite tries at 0, 1, 3, 8 and 18 ms
_PAUSE: Final = 0.005
_LONGEST_PAUSE: Final = 0.1


class Way(enum.StrEnum):
    """How a file was read."""

    STAT = "stat"  # from outside only: on a network file system
    EMPTY = "empty"  # zero bytes: a valid database with nothing in it, not opened
    UNRECOVERED = "unrecovered"  # a crash's -wal that only a writer can take in: not opened
    IMMUTABLE = "immutable"
    SHARED = "shared"  # mode=ro, as an ordinary reader
    RECOVERED = "recovered"  # of copies only: a crash's leftovers taken in, in the copy

    @property
    def opened(self) -> bool:
        """Whether SQLite read the file."""
        return self in (Way.IMMUTABLE, Way.SHARED)


@dataclass(frozen=True, slots=True)
class Seen(Generic[T]):
    """What was found; ``value`` is ``None`` where the file was not opened."""

    files: Files
    way: Way
    wal_mode: bool | None = None
    value: T | None = None
    locks: Locks | None = None  # as they were before we opened it ourselves


@dataclass(slots=True)
class Progress:
    """Where a reading stands: phase, seconds of the finished ones, and a way to stop it."""

    phase: Phase = Phase.STAT
    phases: dict[Phase, float] = field(default_factory=dict)
    cancelled: threading.Event = field(default_factory=threading.Event)
    moved: Callable[[], bool] = bool  # whether what is read now will not count; for long work
    moved_at: float = field(default_factory=time.monotonic)  # when work was last seen to go on
    _connection: sqlite3.Connection | None = None
    _began: float = field(default_factory=time.monotonic)

    def enter(self, phase: Phase) -> None:
        """Finish the present phase and begin another."""
        now = time.monotonic()
        self.phases[self.phase] = self.phases.get(self.phase, 0.0) + now - self._began
        self.phase, self._began = phase, now

    def finish(self) -> None:
        """Count the present phase's seconds."""
        self.enter(self.phase)

    def moves(self, *, unseen: bool = False) -> None:
        """Note that the work goes on; *unseen*: from now on it does so without a sign."""
        self.moved_at = math.inf if unseen else time.monotonic()

    def use(self, connection: sqlite3.Connection | None) -> None:
        """Make *connection* the one that ``cancel`` interrupts."""
        self._connection = connection

    def cancel(self) -> None:
        """Stop as soon as SQLite can; from any thread."""
        self.cancelled.set()
        connection = self._connection
        if connection is not None:
            connection.interrupt()


class _MovedError(Exception):
    """The file was written while we looked: what was read does not count."""


def read(
    path: str,
    work: Callable[[sqlite3.Connection], T],
    *,
    busy: float,
    progress: Progress,
    immutable_attempts: int = _IMMUTABLE_ATTEMPTS,
    network: bool = False,
) -> Seen[T]:
    """Read the database at *path* with *work*, which may be called again if somebody writes.

    *busy* is how long to wait for a writer, in seconds; the time that *work*
    takes does not count. After *immutable_attempts* a database in rollback
    mode is read under a lock. With *network* a file on a network file system
    is opened too. Raises ``SqliteTrouble``, ``sqlite3.Error``, ``KeeperSilent``.
    """
    reader = _Reader(path, work, progress, immutable_attempts, network, time.monotonic() + busy)
    while True:
        reader.attempt += 1
        try:
            return reader.try_once()
        except _MovedError as moved:
            left = reader.deadline - time.monotonic()
            if left <= 0 or progress.cancelled.is_set():
                raise SqliteTrouble(
                    f"{moved}; waited {busy:g} s: {path}", code="SQLITE_BUSY", hint="sqlite_busy"
                ) from None
            pause = min(_PAUSE * 2 ** min(reader.attempt, 8), _LONGEST_PAUSE, left)
            progress.cancelled.wait(pause)


@dataclass(slots=True)
class _Reader(Generic[T]):
    """One call of ``read``: its attempts share a deadline (monotonic seconds)."""

    path: str
    work: Callable[[sqlite3.Connection], T]
    progress: Progress
    immutable_attempts: int
    network: bool
    deadline: float
    attempt: int = 0
    recovering: float = 0.0  # since when nothing but a recovery is in the way

    def try_once(self) -> Seen[T]:
        """Look, choose, read; raises ``_MovedError`` if it has to be done again."""
        self.progress.enter(Phase.STAT)
        files = survey(self.path)
        if files.on_network and not self.network:
            return Seen(files, Way.STAT, True if files.wal is not None else None)
        if files.main.size == 0:
            return Seen(files, Way.EMPTY)
        self.progress.enter(Phase.OPEN)
        with borrow() as keeper:
            way, look = self._choose(keeper, files)
            if way is Way.SHARED:
                return self._read_locked(files, look)
        if not way.opened:
            return Seen(files, way, look.is_wal, locks=look.locks)
        return Seen(files, way, look.is_wal, self._read_unmoved(files), look.locks)

    def _choose(self, keeper: Keeper, files: Files) -> tuple[Way, Look]:
        """Decide how to open; in WAL mode the keeper has the shared lock then."""
        live_wal = files.wal is not None and files.shm is not None
        look = self._look(keeper, files, hold=live_wal)
        if not look.is_database:
            raise _not_a_database(files)
        if live_wal:
            if not look.held:
                raise _MovedError("a writer has the file locked")
            return Way.SHARED, look
        if files.wal is None and not look.is_wal:
            return self._choose_rollback(look), look
        if look.exclusive:
            raise _MovedError("a writer has the file locked")
        if files.wal is not None and files.wal.size > 0:
            # Whatever the header says: whoever writes next takes it in.
            # An application that starts makes -wal first and -shm at once after it.
            if 0 <= time.time_ns() - files.wal.mtime_ns < _STARTING_NS:
                raise _MovedError("somebody is just opening the file")
            return Way.UNRECOVERED, look
        if look.has_journal:
            raise _needs_recovery(files)
        return Way.IMMUTABLE, look

    def _choose_rollback(self, look: Look) -> Way:
        """Decide about a file in rollback mode, where nothing but a -wal could be made by us.

        The keeper must not hold it: a writer that waits for that lock keeps
        new readers out, SQLite's own among them.
        """
        at_rest = not (look.exclusive or look.has_journal)
        if at_rest and self.attempt <= self.immutable_attempts:
            return Way.IMMUTABLE
        return Way.SHARED

    def _look(self, keeper: Keeper, files: Files, *, hold: bool) -> Look:
        wait = max(0.0, self.deadline - time.monotonic())
        try:
            return keeper.look(files.path, hold=hold, wait=wait)
        except FileNotFoundError:
            raise _MovedError("the file is being replaced") from None
        except TimeoutError:
            raise
        except OSError as error:
            raise unreachable(error, error.filename or files.path) from error

    def _read_locked(self, files: Files, look: Look) -> Seen[T]:
        """Read as an ordinary reader; in WAL mode the keeper's lock keeps the -wal there."""
        now = again(files)
        if (
            now.main.identity != files.main.identity
            or now.main.size == 0
            or (now.wal is None) is not (files.wal is None)
            or (now.shm is None) is not (files.shm is None)
        ):
            raise _MovedError("somebody opens and closes the file all the time")
        try:
            value = self._query(files, mode="ro", readonly_shm="1")
        except sqlite3.OperationalError as error:
            code = getattr(error, "sqlite_errorname", "")
            if code == "SQLITE_CANTOPEN" and _replaced(files):
                raise _MovedError("the file is being replaced") from None
            if code not in _RECOVERING:
                raise
            # An application that is just opening it is about to put that right.
            self.recovering = self.recovering or time.monotonic()
            if time.monotonic() - self.recovering < _STARTING_NS / 1e9:
                raise _MovedError("somebody is just opening the file") from None
            return Seen(files, Way.UNRECOVERED, look.is_wal, locks=look.locks)
        return Seen(files, Way.SHARED, look.is_wal, value, look.locks)

    def _read_unmoved(self, files: Files) -> T:
        """Read without locks, and believe it only if nobody wrote."""
        began = time.time_ns()
        error: sqlite3.Error | SqliteTrouble | None = None
        value: Any = None
        self.progress.moved = lambda: _replaced(files)
        try:
            value = self._query(files, mode="ro", immutable="1")
            moved = self.progress.moved()
        except (sqlite3.Error, SqliteTrouble) as caught:
            error, moved = caught, self.progress.moved()
        finally:
            self.progress.moved = bool
        young = 0 <= began - files.main.mtime_ns < _YOUNG_NS
        if (young or moved) and not self.progress.cancelled.is_set():
            raise _MovedError("somebody writes all the time")
        if error is not None:
            raise error
        return value  # type: ignore[no-any-return]

    def _query(self, files: Files, **parameters: str) -> T:
        connection = sqlite3.connect(
            uri(files.path, **parameters),
            uri=True,
            timeout=_BUSY_TURN,
            isolation_level=None,
            check_same_thread=False,  # interrupt() comes from another thread
        )
        began = time.monotonic()
        try:
            self.progress.use(connection)
            self.progress.enter(Phase.READ)
            if self.progress.cancelled.is_set():
                raise SqliteTrouble("cancelled", code="SQLITE_INTERRUPT")
            return self._work_in_turn(connection)
        except sqlite3.Error as error:
            _explain(error, files)
            raise
        finally:
            self.progress.use(None)
            connection.close()
            self.deadline += time.monotonic() - began

    def _work_in_turn(self, connection: sqlite3.Connection) -> T:
        """Do the work as soon as no writer is in the way.

        SQLite's own patience grows to tries 0.1 s apart, and never finds the
        gaps of a writer that hardly rests: many short ones do.
        """
        while True:
            try:
                return self.work(connection)
            except sqlite3.OperationalError as error:
                busy = getattr(error, "sqlite_errorname", "").startswith("SQLITE_BUSY")
                if not busy or time.monotonic() > self.deadline or self.progress.cancelled.is_set():
                    raise


def _replaced(files: Files) -> bool:
    """Whether anything is no longer as it was in *files*."""
    try:
        return again(files).signature != files.signature
    except SqliteTrouble:  # gone meanwhile: the next attempt says so
        return True


def _not_a_database(files: Files) -> Exception:
    """Say what the header shows: SQLite takes a file of a few bytes for an empty database."""
    if 0 <= time.time_ns() - files.main.mtime_ns < _STARTING_NS:
        return _MovedError("the file is being written, and is not a database yet")
    return SqliteTrouble(
        f"{files.path} is not a SQLite database (or an encrypted one): it does not begin with "
        "'SQLite format 3'",
        code="SQLITE_NOTADB",
        hint="sqlite_notadb",
        component=files.path,
    )


def _needs_recovery(files: Files) -> SqliteTrouble:
    return SqliteTrouble(
        f"a crash left a journal beside {files.path}: the next program that opens it for "
        "writing repairs it, a reader may not",
        code="SQLITE_READONLY_ROLLBACK",
        hint="sqlite_needs_recovery",
        component=f"{files.path}-journal",
    )


def _explain(error: sqlite3.Error, files: Files) -> None:
    """Raise something better where SQLite's own words would mislead."""
    code = getattr(error, "sqlite_errorname", "")
    if code == "SQLITE_READONLY_ROLLBACK":
        raise _needs_recovery(files) from error
    if code != "SQLITE_CANTOPEN":
        return
    for name in (files.path, f"{files.path}-wal", f"{files.path}-shm"):
        if os.path.lexists(name) and not os.access(name, os.R_OK):
            raise unreachable(PermissionError(13, "Permission denied", name), name) from error
