"""The program of the child that lets a restored file take the place of a SQLite database.

Owns: recovering what a crash left of the old database, the lock that keeps
everybody out of it meanwhile, keeping it aside as a whole set, and the order
of all that: killed at any point, the old database or the new one is there
under the name, with nothing beside it that belongs to the other. It runs in
a process of its own because closing any descriptor of a file drops every
POSIX lock that the process has on it. Standard library only; nothing imports
it: it is run as a script with ``-I -S``.

One request on standard input: ``PLACE ASIDE READY``, each in hexadecimal. One
answer: ``ok``, ``kept CODE`` (done, but the old one could not be recovered
and is kept as it was found), ``busy`` or ``error ERRNO PATH``.

Byte ranges: https://www.sqlite.org/src/doc/trunk/src/os.h (PENDING_BYTE).
"""

from __future__ import annotations

import errno
import fcntl
import os
import sqlite3
import sys
from pathlib import Path
from urllib.parse import quote

_PENDING = 0x40000000
_LOCKS = 512  # pending, reserved and shared bytes
_JOURNAL = bytes.fromhex("d9d505f920a163d7")
_KEPT = ("-journal", "-wal")  # what belongs to the content; a -shm is rebuilt
_BUSY = 5.0
_HOPELESS = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_IOERR)
_HELD = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


class BusyError(Exception):
    """Somebody has the old database open."""


def swap(place: Path, aside: Path, ready: Path) -> str:
    """Do it and return the answer."""
    forget_interrupted(place)
    unrecovered = take_in(place, aside) if has_leftovers(place) else ""
    descriptor = os.open(place, os.O_RDWR | os.O_CLOEXEC)
    try:
        keep_out(descriptor)
        if has_leftovers(place) and not unrecovered:
            raise BusyError  # somebody came and went since
        keep(place, aside)
        sync(place.parent)
        # The set that is kept is whole. What stays under the old name must never be
        # paired with the new file.
        for end in (*_KEPT, "-shm"):
            beside(place, end).unlink(missing_ok=True)
        ready.rename(place)
        sync(place.parent)
    finally:
        os.close(descriptor)
    return f"kept {unrecovered}" if unrecovered else "ok"


def take_in(place: Path, aside: Path) -> str:
    """Recover the database; what SQLite cannot take in is kept under its second name.

    Return the code of what makes it impossible, "" if it is done.
    """
    second = []
    try:
        for end in _KEPT:
            if os.path.lexists(beside(place, end)):
                beside(aside, end).hardlink_to(beside(place, end))
                second.append(beside(aside, end))
        unrecovered = recover(place)
    except BaseException:
        drop(second)
        raise
    if not unrecovered:
        drop(second)
    return unrecovered


def drop(paths: list[Path]) -> None:
    """Remove files that may not be there."""
    for path in paths:
        path.unlink(missing_ok=True)


def recover(place: Path) -> str:
    """Let SQLite take in what a crash left; return the code of what makes that impossible."""
    source = f"file://{quote(os.fsencode(place))}?mode=rw"
    connection = sqlite3.connect(source, uri=True, timeout=_BUSY, isolation_level=None)
    try:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in _HELD:
            raise BusyError from error
        if code in _HOPELESS:
            return error.sqlite_errorname
        number = {sqlite3.SQLITE_FULL: errno.ENOSPC}.get(code, errno.EACCES)
        raise OSError(number, str(error), str(place)) from error
    finally:
        connection.close()
    return ""


def keep_out(descriptor: int) -> None:
    """Take the exclusive lock of SQLite's protocol: who opens it now waits for us, or fails."""
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, _LOCKS, _PENDING)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EAGAIN):
            raise BusyError from error
        raise


def keep(place: Path, aside: Path) -> None:
    """Give the old file its second name, so that it never lacks one."""
    try:
        aside.hardlink_to(place)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK):
            raise
        place.rename(aside)  # a file system without links: for a moment there is no file


def forget_interrupted(place: Path) -> None:
    """Remove the second names that a killed swap gave: what they name is still there."""
    second: dict[str, dict[str, Path]] = {}
    for entry in place.parent.iterdir():
        if entry.name.startswith(f"{place.name}.before-"):
            end = next((end for end in _KEPT if entry.name.endswith(end)), "")
            second.setdefault(entry.name.removesuffix(end), {})[end] = entry
    for names in second.values():
        if all(same(path, beside(place, end)) for end, path in names.items()):
            drop(list(names.values()))


def same(path: Path, other: Path) -> bool:
    """Whether two names are of one file."""
    try:
        return path.samefile(other)
    except FileNotFoundError:
        return False


def has_leftovers(place: Path) -> bool:
    """Whether something beside the file belongs to its content."""
    try:
        if beside(place, "-wal").stat().st_size > 0:
            return True
    except FileNotFoundError:
        pass
    try:
        with beside(place, "-journal").open("rb") as journal:
            return journal.read(len(_JOURNAL)) == _JOURNAL
    except FileNotFoundError:
        return False


def beside(place: Path, end: str) -> Path:
    """Return the file beside the database whose name ends in *end*."""
    return place.with_name(place.name + end)


def sync(folder: Path) -> None:
    """Wait until the names in the folder are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def main() -> None:
    """Answer one request."""
    place, aside, ready = (Path(os.fsdecode(bytes.fromhex(word))) for word in input().split())
    try:
        answer = swap(place, aside, ready)
    except BusyError:
        answer = "busy"
    except OSError as error:
        path = os.fsencode(error.filename or place).hex()
        answer = f"error {error.errno or errno.EIO} {path}"
    sys.stdout.write(answer + "\n")


if __name__ == "__main__":
    main()
