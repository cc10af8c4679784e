"""One backup of a target at a time, across processes.

Owns: the advisory lock on the target's folder. The kernel drops it with its
holder, however that ends. Must not know: what is done under it.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from watchdog.backups import failures, files, names
from watchdog.model import ActionFailed, Phase

WAIT: Final = 600.0
_LOOK_AGAIN: Final = 0.2
_BUSY = (errno.EACCES, errno.EAGAIN)


@contextlib.asynccontextmanager
async def held(folder: Path, wait: float = WAIT) -> AsyncIterator[None]:
    """Hold the lock of *folder*, waiting up to *wait* seconds for another holder.

    Raises ``ActionFailed`` if it is not to be had in time, ``OSError`` where
    the lock file cannot be made.
    """
    number = await asyncio.to_thread(_open, folder)
    try:
        await _acquire(number, folder, wait)
        yield
    finally:
        os.close(number)


def _open(folder: Path) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
    return os.open(folder / names.LOCK, flags, files.FILE_MODE)


async def _acquire(number: int, folder: Path, wait: float) -> None:
    until = time.monotonic() + wait
    while not _try(number):
        left = until - time.monotonic()
        if left <= 0:
            raise ActionFailed(
                failures.of_backup(
                    failures.LOCKED,
                    f"another backup of {folder.name} has been running for longer than"
                    f" {wait:g} s: wait for it, or give a longer --wait",
                    Phase.PREFLIGHT,
                    folder,
                    folder.name,
                    code="EWOULDBLOCK",
                )
            )
        await asyncio.sleep(min(_LOOK_AGAIN, left))


def _try(number: int) -> bool:
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _BUSY:
            return False
        raise
    return True
