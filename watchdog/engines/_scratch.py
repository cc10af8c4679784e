"""Scratch folders for restore drills, of which a killed one leaves nothing for long.

Owns: their marked names, the lock by which a living drill is known, and the
sweep of what dead ones have left. Blocking. Must not know: what is put there.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

from watchdog import units

PREFIX: Final = "db-watchdog-drill-"
_ATTEMPTS: Final = 5


def usual() -> Path:
    """Return where scratch folders lie unless another place is given."""
    try:
        return Path(tempfile.gettempdir())
    except FileNotFoundError:  # nothing can be written anywhere: said by who tries
        return Path("/tmp")  # noqa: S108 - only its name is told


def make(where: Path | None) -> tuple[Path, int]:
    """Make a folder below *where* (the usual place); return it and its lock's descriptor.

    The lock goes with the descriptor, however this process ends. Raises ``OSError``.
    """
    for _ in range(_ATTEMPTS):
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=where or usual()))
        number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if folder.exists():  # a sweep may have been faster than our lock
                return folder, number
        os.close(number)
    raise OSError(f"{where or usual()}: the scratch folder vanishes at once")


def remove(folder: Path, number: int) -> None:
    """Remove the folder and end its lock."""
    shutil.rmtree(folder, ignore_errors=True)
    os.close(number)


def sweep(where: Path | None) -> list[Path]:
    """Remove the folders of drills that are no more; return them."""
    swept = []
    for found in (where or usual()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            if found.is_symlink() or found.stat().st_uid != os.geteuid():
                continue
            number = os.open(found, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(found, ignore_errors=True)
                swept.append(found)
            finally:
                os.close(number)
    return swept


def require_room(where: Path | None, needed: int) -> None:
    """Raise ``OSError`` if the scratch place has not *needed* bytes left."""
    found = os.statvfs(where or usual())
    free = found.f_bavail * found.f_frsize
    if free < needed:
        reason = f"{units.size(free)} are left, about {units.size(needed)} are needed"
        raise OSError(errno.ENOSPC, f"{os.strerror(errno.ENOSPC)}: {reason}")
