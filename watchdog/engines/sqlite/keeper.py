"""The keeper: a small child process that looks into live database files for us.

Owns: starting, asking and ending the children (``_keeper_child``), of which
two are usually enough; each is lent to one thread at a time, and one that does
not answer is killed and replaced. Blocking: called from slot threads only.
Must not know: the opening rules.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from watchdog.process import Companion, Silent

_PROGRAM: Final = str(Path(__file__).with_name("_keeper_child.py"))
_IDLE: Final = 2  # children kept between requests
_TURN: Final = 0.1  # seconds to wait for one of those: a look takes a millisecond, a start thirty
_PATIENCE: Final = 2.0  # seconds that opening a file and reading its header may take
_JOURNAL_MAGIC: Final = bytes.fromhex("d9d505f920a163d7")
_HEADER_MAGIC: Final = b"SQLite format 3\x00"
_WAL_VERSION: Final = 2
_NOBODY: Final = (None,) * 9


class KeeperSilent(TimeoutError):  # noqa: N818 - it reads as what happened
    """The child did not answer in time: the file system under the file hangs."""


class KeeperImpossible(RuntimeError):  # noqa: N818 - it reads as what happened
    """The child cannot be started: that says nothing about any database."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has a lock: ``pid`` is 0 or less for a process of another namespace or machine."""

    pid: int
    exclusive: bool


@dataclass(frozen=True, slots=True)
class Locks:
    """What is written in the header and the WAL index, and who holds which lock.

    *header* is 100 bytes of the file, *index* up to 136 of its ``-shm``;
    *reserved* is the writer of rollback mode, *slots* the locks of the WAL
    index: write, checkpoint, recover, five readers, and the one that every
    open connection shares.
    """

    header: bytes
    index: bytes
    reserved: Holder | None
    slots: tuple[Holder | None, ...]


@dataclass(frozen=True, slots=True)
class Look:
    """What the child saw; *journal* is 8 bytes of the ``-journal``."""

    exclusive: bool  # somebody writes, or waits to: nobody can begin to read
    held: bool  # the child has the shared lock for us
    locks: Locks
    journal: bytes

    @property
    def header(self) -> bytes:
        """The first 100 bytes of the file."""
        return self.locks.header

    @property
    def is_database(self) -> bool:
        """Whether the file starts as a SQLite database does."""
        return self.header.startswith(_HEADER_MAGIC)

    @property
    def is_wal(self) -> bool:
        """Whether the file says that it is in WAL mode (header bytes 18 and 19)."""
        return self.is_database and _WAL_VERSION in self.header[18:20]

    @property
    def has_journal(self) -> bool:
        """Whether a rollback journal with a valid start lies beside it: hot, or a writer's."""
        return self.journal == _JOURNAL_MAGIC


class Keeper:
    """One child. Not thread-safe: borrow it."""

    def __init__(self) -> None:
        self._holds = False
        try:
            self._child = Companion([sys.executable, "-I", "-S", _PROGRAM])
        except OSError as error:
            raise KeeperImpossible(
                f"a child process cannot be started by {sys.executable}: {error.strerror}; see to"
                " this Python and to the limits of processes and memory"
            ) from error

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._child.pid

    @property
    def alive(self) -> bool:
        """Whether the child still runs."""
        return self._child.alive

    def look(self, path: str, *, hold: bool, wait: float) -> Look:
        """Look at *path*; with *hold* keep its shared lock until ``release``.

        *wait* is how long a writer is waited for, in seconds. Raises ``OSError``
        as opening the file does, with the name of the file that could not be
        opened, and ``KeeperSilent`` if the child does not answer in time.
        """
        verb = "hold" if hold else "look"
        patience = (wait if hold else 0.0) + _PATIENCE
        self._holds = hold
        words = self._ask(f"{verb} {wait:.3f} {os.fsencode(path).hex()}", patience).split()
        if words[:1] == ["error"]:
            number = int(words[1])
            name = path + ("" if words[2] == "-" else words[2])
            raise OSError(number, os.strerror(number), name)
        if len(words) != 6 or words[0] != "ok":
            raise KeeperSilent(f"the keeper process gave no answer about {path!r}")
        _, lock, header, index, names, journal = words
        reserved, *slots = (_holder(name) for name in names.split(","))
        locks = Locks(_bytes(header), _bytes(index), reserved, tuple(slots) or _NOBODY)
        return Look(lock == "exclusive", lock == "held", locks, _bytes(journal))

    def release(self) -> None:
        """Let go of the lock, if it has one."""
        if self._holds:
            self._ask("release", _PATIENCE)
            self._holds = False

    def end(self) -> None:
        """End the child."""
        self._child.end()

    def _ask(self, request: str, timeout: float) -> str:
        try:
            return self._child.ask(request, timeout)
        except Silent as silent:
            raise KeeperSilent(f"the file system does not answer: {silent}") from None


_idle: list[Keeper] = []
_lent = 0
_returned = threading.Condition()


@contextmanager
def borrow() -> Iterator[Keeper]:
    """Lend a keeper for the length of the block; whatever it holds is released at the end."""
    keeper = _take()
    healthy = False
    try:
        yield keeper
        keeper.release()
        healthy = True
    except KeeperSilent:
        raise
    except Exception:
        keeper.release()  # an error of the caller's: the child itself is well
        healthy = True
        raise
    finally:
        _give_back(keeper, healthy=healthy)


def _take() -> Keeper:
    """Return an idle child or, where none comes back in time, one more."""
    global _lent  # noqa: PLW0603 - the children are the process's
    with _returned:
        if not _idle and _lent >= _IDLE:
            _returned.wait_for(lambda: _idle or _lent < _IDLE, _TURN)
        keeper = _idle.pop() if _idle else None
        _lent += 1
    try:
        if keeper is not None and not keeper.alive:
            keeper.end()
            keeper = None
        return keeper or Keeper()
    except BaseException:
        _count_back()
        raise


def _give_back(keeper: Keeper, *, healthy: bool) -> None:
    kept = _count_back(keeper if healthy else None)
    if not kept:
        keeper.end()


def _count_back(keeper: Keeper | None = None) -> bool:
    """Note that one is lent no longer; keep it if it is given and wanted."""
    global _lent  # noqa: PLW0603 - the children are the process's
    with _returned:
        _lent -= 1
        kept = keeper is not None and len(_idle) < _IDLE
        if keeper is not None and kept:
            _idle.append(keeper)
        _returned.notify()
        return kept


@atexit.register
def end_all() -> None:
    """End the idle children."""
    with _returned:
        keepers, _idle[:] = list(_idle), []
    for keeper in keepers:
        keeper.end()


def _holder(word: str) -> Holder | None:
    return None if word == "-" else Holder(int(word[1:]), word[0] == "w")


def _bytes(word: str) -> bytes:
    return b"" if word == "-" else bytes.fromhex(word)
