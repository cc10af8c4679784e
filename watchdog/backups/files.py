"""File work that survives a crash.

Owns: atomic replacement, syncing, hashing, modes. Everything here blocks:
callers go through a thread. Must not know: what the files mean.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from watchdog import units

FILE_MODE: Final = 0o600
FOLDER_MODE: Final = 0o700
_CHUNK: Final = 1 << 20


class HashAbandonedError(Exception):
    """Hashing was told to stop."""


def make_folder(path: Path) -> None:
    """Create *path* and its parents where they lack, for us alone. Raises ``OSError``."""
    for folder in reversed([path, *path.parents]):
        if not folder.is_dir():
            with contextlib.suppress(FileExistsError):
                folder.mkdir(mode=FOLDER_MODE)
                adopt(folder)


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Replace *path* whole, as ``write_text`` does."""
    write_text(path, json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Replace *path* whole: written beside it, synced, renamed, the folder synced."""
    # One writer at a time holds the lock, but restores and verifications may meet.
    beside = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.new")
    try:
        with open_private(beside) as number:
            rest = memoryview(text.encode("utf-8", "surrogateescape"))
            while rest:
                rest = rest[os.write(number, rest) :]
            os.fsync(number)
        beside.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise
    sync_folder(path.parent)


@contextlib.contextmanager
def open_private(path: Path) -> Iterator[int]:
    """Open *path* anew for writing with mode 0600, whatever the umask; yields the descriptor."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
    number = os.open(path, flags, FILE_MODE)
    try:
        os.fchmod(number, FILE_MODE)
        adopt(path)
        yield number
    finally:
        os.close(number)


def adopt(path: Path) -> None:
    """Give what root has made to the owner of its folder, who could not read it otherwise.

    A daemon runs as a user of its own, and its administrator's commands as root.
    """
    if os.geteuid() != 0:
        return
    owner = path.parent.stat()
    if owner.st_uid != 0:
        with contextlib.suppress(PermissionError):  # a share that does not know our root
            os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def sync_file(path: Path) -> None:
    """Wait until the content of *path* is on the disk."""
    number = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def sync_folder(path: Path) -> None:
    """Wait until the names in *path* are on the disk."""
    sync_file(path)


def sha256(path: Path, abandon: threading.Event | None = None, rate: float | None = None) -> str:
    """Return the hexadecimal SHA-256 of *path*; raises ``HashAbandonedError`` once told to.

    With *rate*, in bytes per second, it is read no faster than that and what
    was read is not kept in the page cache, where a database may need the room.
    """
    digest = hashlib.sha256()
    gone = abandon or threading.Event()
    done, began = 0, time.monotonic()
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            if gone.is_set():
                raise HashAbandonedError
            if rate is not None:
                os.posix_fadvise(file.fileno(), done, len(chunk), os.POSIX_FADV_DONTNEED)
                done += len(chunk)
                gone.wait(max(0.0, began + done / rate - time.monotonic()))
    return digest.hexdigest()


def free_bytes(path: Path) -> int:
    """Return what the file system of *path* has left for us. Raises ``OSError``."""
    stat = os.statvfs(path)
    return stat.f_bavail * stat.f_frsize


def left(path: Path) -> str:
    """Return in words what the file system of *path* has left for us. Raises ``OSError``."""
    stat = os.statvfs(path)
    if stat.f_files and not stat.f_favail:
        return "no inode is free (df -i)"
    return f"{units.size(stat.f_bavail * stat.f_frsize)} are free"


def total_bytes(path: Path) -> int:
    """Return the size of the file system of *path*. Raises ``OSError``."""
    stat = os.statvfs(path)
    return stat.f_blocks * stat.f_frsize
