"""The program of the keeper's child process: looks into a database file, holds its shared lock.

Owns: the only raw ``open()`` of watched SQLite files. It runs in a process of
its own because closing any descriptor of a file drops every POSIX lock that
the process has on it. Standard library only; nothing imports it: it is run as
a script with ``-I -S`` and must stay small in memory.

One request a line on standard input, one answer a line on standard output:

``look 0 PATH`` (PATH in hexadecimal): read the header, ask who holds locks, take none.
``hold SECONDS PATH``: the same, and keep the shared lock of SQLite's protocol until
``release``; if a writer has it, wait for it in the kernel's queue, at most so long.

An answer is ``ok LOCK HEADER INDEX HOLDERS JOURNAL`` with LOCK one of ``free
exclusive held``, HEADER the file's first 100 bytes, INDEX the first 136 of its
``-shm`` and JOURNAL the first 8 of its ``-journal`` in hexadecimal (``-`` for
none), HOLDERS, comma-separated, ``rPID`` (shared), ``wPID`` (exclusive) or
``-`` for the reserved byte of the file and the nine lock bytes of the
``-shm``; or ``error ERRNO SUFFIX``.

Byte ranges: https://www.sqlite.org/src/doc/trunk/src/os.h (PENDING_BYTE) and
https://www.sqlite.org/walformat.html (the locks of the WAL index).
"""

from __future__ import annotations

import fcntl
import os
import signal
import stat
import struct
import sys

_PENDING = 0x40000000
_SHARED = _PENDING + 2
_SHARED_SIZE = 510
_RESERVED = _PENDING + 1
_INDEX_LOCKS = range(120, 129)  # write, checkpoint, recover, five readers, dead man's switch
_INDEX_SIZE = 136
_FLOCK = struct.Struct("hhqqi4x")


def _written_by_another(descriptor: int) -> bool:
    """Whether somebody holds the pending or the exclusive lock; asks, takes nothing."""
    for start, length in ((_PENDING, 1), (_SHARED, _SHARED_SIZE)):
        question = _FLOCK.pack(fcntl.F_RDLCK, os.SEEK_SET, start, length, 0)
        answer = fcntl.fcntl(descriptor, fcntl.F_GETLK, question)
        if _FLOCK.unpack(answer)[0] != fcntl.F_UNLCK:
            return True
    return False


def _holder(descriptor: int, byte: int) -> str:
    """Say who holds *byte* in a way that a writer of it would have to wait for."""
    question = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, byte, 1, 0)
    kind, _, _, _, pid = _FLOCK.unpack(fcntl.fcntl(descriptor, fcntl.F_GETLK, question))
    if kind == fcntl.F_UNLCK:
        return "-"
    return f"{'w' if kind == fcntl.F_WRLCK else 'r'}{pid}"


def _index(path: bytes) -> tuple[str, list[str]]:
    """Return the WAL index of *path* and who holds its locks; nothing of one that is not there."""
    try:
        descriptor = os.open(path + b"-shm", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:  # one that may not be read is for whoever opens the database to say
        return "-", ["-"] * len(_INDEX_LOCKS)
    try:
        holders = [_holder(descriptor, byte) for byte in _INDEX_LOCKS]
        return os.pread(descriptor, _INDEX_SIZE, 0).hex() or "-", holders
    finally:
        os.close(descriptor)


class _TimeUpError(Exception):
    """The timer rang while we waited for a lock."""


def _ring(_number: int, _frame: object) -> None:
    raise _TimeUpError


def _share(descriptor: int, seconds: float) -> bool:
    """Take the shared lock as a SQLite reader does; False if a writer keeps it from us."""
    if not _written_by_another(descriptor):
        seconds = max(seconds, 0.01)  # may just have come: no reason to give up
    if seconds <= 0:
        return False
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds)
        fcntl.lockf(descriptor, fcntl.LOCK_SH, 1, _PENDING)
        fcntl.lockf(descriptor, fcntl.LOCK_SH, _SHARED_SIZE, _SHARED)
        signal.setitimer(signal.ITIMER_REAL, 0)
    except _TimeUpError:  # it rings once: from here on nothing is interrupted
        return False
    finally:
        fcntl.lockf(descriptor, fcntl.LOCK_UN, 1, _PENDING)
    return True


def _journal(path: bytes) -> str:
    try:
        descriptor = os.open(path + b"-journal", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return "-"
    try:
        return os.pread(descriptor, 8, 0).hex() or "-"
    finally:
        os.close(descriptor)


class Keeper:
    """Answers requests; holds at most one file open."""

    def __init__(self) -> None:
        self._held: int | None = None

    def answer(self, line: str) -> str:
        """Carry out one request and return the answer's line."""
        words = line.split()
        self._release()
        if words[0] == "release":
            return "released"
        seconds, path = float(words[1]), bytes.fromhex(words[2])
        suffix = "-"
        try:
            answer = self._look(path, seconds if words[0] == "hold" else None)
            suffix = "-journal"
            return f"{answer} {_journal(path)}"
        except OSError as error:
            self._release()
            return f"error {error.errno or 0} {suffix}"

    def _look(self, path: bytes, hold: float | None) -> str:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        self._held = descriptor
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            self._release()
            return "ok free - - -"
        lock = "free"
        if hold is not None:
            lock = "held" if _share(descriptor, hold) else "exclusive"
        elif _written_by_another(descriptor):
            lock = "exclusive"
        header = os.pread(descriptor, 100, 0).hex() or "-"
        reserved = _holder(descriptor, _RESERVED)
        if lock != "held":
            self._release()
        index, holders = _index(path)
        return f"ok {lock} {header} {index} {','.join([reserved, *holders])}"

    def _release(self) -> None:
        if self._held is not None:
            os.close(self._held)
            self._held = None


def main() -> None:
    """Serve until standard input ends, which it does when the parent does."""
    signal.signal(signal.SIGALRM, _ring)
    keeper = Keeper()
    for line in sys.stdin:
        sys.stdout.write(keeper.answer(line) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
