"""The WAL index: how far the log goes, how far it is in the database, who keeps it there.

Owns: the layout of the first 136 bytes of a ``-shm`` and what its locks mean
(https://www.sqlite.org/walformat.html#the_wal_index_file_format), and the
fields of the file's header that tell of writers
(https://www.sqlite.org/fileformat2.html#the_database_header). Pure; must not
know: how the bytes were read.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from watchdog.engines.sqlite.keeper import Holder, Locks

_HEADER: Final = struct.Struct("=IIIBBHII24s")  # one of two equal copies, the byte order is ours
_CHECKPOINT: Final = struct.Struct("=I5I")  # nBackfill, aReadMark
_COPY: Final = 48
_SIZE: Final = 2 * _COPY + _CHECKPOINT.size
_UNUSED: Final = 0xFFFFFFFF  # a mark that no reader has taken

_WRITE: Final = 0
_READERS: Final = slice(3, 8)
_IN_USE: Final = 8

_CHANGES: Final = slice(24, 28)  # file change counter
_LIBRARY: Final = slice(96, 100)  # SQLITE_VERSION_NUMBER of who wrote last


@dataclass(frozen=True, slots=True)
class Pin:
    """A reader that keeps frames in the log: its process (0: unknown) and the frame it reads at."""

    pid: int
    frame: int


@dataclass(frozen=True, slots=True)
class WalIndex:
    """What a WAL index says. Frames are pages in the log."""

    changes: int  # committed transactions since the index was made
    frames: int
    backfilled: int  # of them, those that are in the database already
    salt: bytes  # another one after each restart of the log
    pin: Pin | None

    @property
    def backlog(self) -> int:
        """Frames that wait for a checkpoint."""
        return max(0, self.frames - self.backfilled)

    @property
    def pinned(self) -> int:
        """Frames that no checkpoint can move while the oldest reader is there."""
        return 0 if self.pin is None else max(0, self.frames - self.pin.frame)


def parse(locks: Locks) -> WalIndex | None:
    """Return what the index of *locks* says; ``None`` where there is none, or half of one."""
    data = locks.index
    if len(data) < _SIZE or data[:_COPY] != data[_COPY : 2 * _COPY]:
        return None  # none is open, or it is being written at this moment
    _, _, changes, ready, _, _, frames, _, sums = _HEADER.unpack_from(data)
    if not ready:
        return None
    backfilled, *marks = _CHECKPOINT.unpack_from(data, 2 * _COPY)
    pin = _oldest(tuple(marks), locks.slots[_READERS], backfilled)
    return WalIndex(changes, frames, min(backfilled, frames), sums[8:16], pin)


def writer(locks: Locks) -> Holder | None:
    """Return who is in the middle of a write transaction."""
    return locks.slots[_WRITE] or locks.reserved


def in_use(locks: Locks) -> bool:
    """Whether a connection has the WAL index open, so that it is not a crash's leftover."""
    return locks.slots[_IN_USE] is not None


def change_counter(header: bytes) -> int:
    """Return the file change counter: one more with each commit in rollback mode."""
    return int.from_bytes(header[_CHANGES], "big")


def library(header: bytes) -> str:
    """Return the version of the library that wrote the file's first page last, "" if unknown."""
    number = int.from_bytes(header[_LIBRARY], "big")
    if number < 3_000_000:
        return ""
    return f"{number // 1_000_000}.{number // 1000 % 1000}.{number % 1000}"


def _oldest(
    marks: tuple[int, ...], readers: tuple[Holder | None, ...], backfilled: int
) -> Pin | None:
    """Return the reader whose mark is the lowest; mark 0 reads the database file alone."""
    pins = []
    for number, (mark, reader) in enumerate(zip(marks, readers, strict=True)):
        if reader is None or reader.exclusive or mark == _UNUSED:
            continue  # an exclusive lock is a checkpoint's or a new reader's, for a moment
        pins.append(Pin(max(0, reader.pid), mark if number else backfilled))
    return min(pins, key=lambda pin: pin.frame, default=None)
