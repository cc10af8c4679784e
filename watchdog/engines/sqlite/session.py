"""One visit of a SQLite target and the session it opens.

Owns: the one statement that every visit asks, and the questions of probes.
No file stays open between two questions: a handle that is kept would go on
reading a file that has been replaced, and would hold its locks. Must not
know: the opening rules, classification.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final

from watchdog.engines.sqlite.activity import Activity
from watchdog.engines.sqlite.failures import path_of
from watchdog.engines.sqlite.fsync import Disks
from watchdog.engines.sqlite.reading import Progress, Seen, Way, read
from watchdog.engines.sqlite.troubles import SqliteTrouble
from watchdog.model import Phase, Target
from watchdog.slots import Slots

_LONGEST_BUSY: Final = 5.0
# Of the target's timeout, so that a locked file is reported as locked and not as slow.
_BUSY_SHARE: Final = 0.5

# Table-valued pragma functions (https://www.sqlite.org/pragma.html#pragfunc):
# everything in one statement, for each statement is a chance to meet a writer.
_FACTS: Final = r"""
SELECT (SELECT count(*) FROM sqlite_master
         WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\'),
       (SELECT page_size FROM pragma_page_size),
       (SELECT page_count FROM pragma_page_count),
       (SELECT freelist_count FROM pragma_freelist_count),
       (SELECT user_version FROM pragma_user_version),
       (SELECT schema_version FROM pragma_schema_version),
       (SELECT application_id FROM pragma_application_id),
       (SELECT auto_vacuum FROM pragma_auto_vacuum),
       (SELECT encoding FROM pragma_encoding)
"""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the visit's statement answered."""

    tables: int
    page_size: int  # bytes
    pages: int
    free_pages: int
    user_version: int
    schema_version: int
    application_id: int
    auto_vacuum: int  # 0 none, 1 full, 2 incremental
    encoding: str


@dataclass(frozen=True, slots=True)
class Space:
    """The file system under the file, as statvfs(3) has it: bytes and inodes."""

    size: int
    available: int
    inodes: int
    inodes_available: int


@dataclass(frozen=True, slots=True)
class Visited:
    """What a visit found; ``seen.value`` is ``None`` where the file was not opened."""

    seen: Seen[Facts]
    space: Space | None  # None on a network file system


class SqliteSession:
    """The session of a visit: what was found at its start, and further questions."""

    def __init__(
        self,
        target: Target,
        visited: Visited,
        slots: Slots,
        replaced: int,
        activity: Activity,
        disks: Disks | None = None,
    ) -> None:
        self.target = target
        self.disks = disks or Disks()
        self.activity = activity
        self.files = visited.seen.files
        self.way = visited.seen.way
        self.wal_mode = visited.seen.wal_mode
        self.facts = visited.seen.value
        self.locks = visited.seen.locks  # header, WAL index and who holds which lock
        self.space = visited.space
        self.replaced = replaced
        self._slots = slots
        self._progress: Progress | None = None

    async def run(self, work: Callable[[], Any]) -> Any:
        """Return what blocking *work* on this file makes, in its own slot off the loop."""
        return await self._slots.run(_slot(self.target), work)

    async def read(self, work: Callable[[sqlite3.Connection], Any]) -> Any:
        """Return what *work* makes of a read-only connection; it may be called several times.

        *work* runs on another thread. Raises ``SqliteTrouble`` where the file
        cannot be opened without hurting it, ``sqlite3.Error`` and ``TimeoutError``.
        """
        progress = self._progress = Progress()
        path, busy = path_of(self.target), busy_seconds(self.target)
        seen: Seen[Any] = await self._slots.run(
            _slot(self.target),
            lambda: read(path, work, busy=busy, progress=progress),
            progress.cancel,
        )
        if not seen.way.opened:
            raise SqliteTrouble(
                f"{path} is only looked at from outside ({seen.way})", code="SQLITE_CANTOPEN"
            )
        return seen.value

    async def fetch(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of one statement. Raises as ``read`` does."""
        rows: list[tuple[Any, ...]] = await self.read(
            lambda connection: connection.execute(sql, parameters).fetchall()
        )
        return rows

    async def close(self) -> None:
        """End it; nothing is open between questions."""
        self.abort()

    def abort(self) -> None:
        """Interrupt a question that is under way."""
        if self._progress is not None:
            self._progress.cancel()


class SqliteVisit:
    """A visit: stat, open and read of the schema, on a thread that nobody else needs."""

    def __init__(
        self,
        target: Target,
        slots: Slots,
        count_replaced: Callable[[str, tuple[int, int]], int],
        activity_of: Callable[[str, tuple[int, int]], Activity],
        disks: Disks | None = None,
    ) -> None:
        self._target = target
        self._slots = slots
        self._count_replaced = count_replaced
        self._activity_of = activity_of
        self._disks = disks
        self._progress = Progress()
        self._session: SqliteSession | None = None

    @property
    def phase(self) -> Phase:
        """Where it stands now."""
        return self._progress.phase

    @phase.setter
    def phase(self, phase: Phase) -> None:
        self._progress.enter(phase)

    @property
    def phases(self) -> Mapping[Phase, float]:
        """Seconds of each finished phase."""
        return dict(self._progress.phases)

    @phases.setter
    def phases(self, phases: Mapping[Phase, float]) -> None:
        self._progress.phases = dict(phases)

    async def __aenter__(self) -> SqliteSession:
        path, busy = path_of(self._target), busy_seconds(self._target)
        progress = self._progress
        visited = await self._slots.run(
            _slot(self._target), lambda: _visit(path, busy, progress), progress.cancel
        )
        identity = visited.seen.files.main.identity
        replaced, activity = self._count_replaced(path, identity), self._activity_of(path, identity)
        self._session = SqliteSession(
            self._target, visited, self._slots, replaced, activity, self._disks
        )
        return self._session

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()

    def __repr__(self) -> str:
        return f"<visit of {self._target.name}, {self.phase}>"


def _slot(target: Target) -> str:
    """Return whose slot its work takes: two targets on one file have each their own verdict."""
    return f"{target.name} {path_of(target)}"


def busy_seconds(target: Target) -> float:
    """Return how long a reader waits for a writer: well below the target's timeout."""
    return min(_LONGEST_BUSY, target.probe.timeout * _BUSY_SHARE)


def _visit(path: str, busy: float, progress: Progress) -> Visited:
    seen = read(path, _ask, busy=busy, progress=progress)
    space = None if seen.way is Way.STAT else _space(seen.files.path)
    progress.finish()
    return Visited(seen, space)


def _ask(connection: sqlite3.Connection) -> Facts:
    return Facts(*connection.execute(_FACTS).fetchone())


def _space(path: str) -> Space | None:
    try:
        found = os.statvfs(path)
    except OSError:  # the file has just gone; the next visit says so
        return None
    unit = found.f_frsize
    return Space(found.f_blocks * unit, found.f_bavail * unit, found.f_files, found.f_favail)
