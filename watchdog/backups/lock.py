"""One backup of a target at a time, across processes.

Owns: the advisory lock on the target's folder. The kernel drops it with its
holder, however that ends. Every call on the file, its closing included, may
hang where the folder is a dead file server's, so all go through a thread.
Must not know: what is done under it.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import os
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final, TypeVar

from watchdog.backups import failures, files, names
from watchdog.model import ActionFailed, Phase

T = TypeVar("T")

WAIT: Final = 600.0
_LOOK_AGAIN: Final = 0.2
_BUSY = (errno.EACCES, errno.EAGAIN)


class BusyError(ActionFailed):
    """Another process holds the lock and did not let go in time."""


@contextlib.asynccontextmanager
async def held(folder: Path, wait: float = WAIT, waited: float = 0.0) -> AsyncIterator[None]:
    """Hold the lock of *folder*, waiting up to *wait* seconds for another holder.

    *waited* is for how long the caller has been at it. Raises ``BusyError`` if
    it is not to be had in time, ``OSError`` where the lock file cannot be made.
    """
    number = await _whole(lambda: _open(folder), undo=os.close)
    try:
        await _acquire(number, folder, wait, waited)
        yield
    finally:
        await _whole(lambda: os.close(number))


def _open(folder: Path) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
    number = os.open(folder / names.LOCK, flags | os.O_NOFOLLOW, files.FILE_MODE)
    files.adopt(folder / names.LOCK)
    return number


async def _acquire(number: int, folder: Path, wait: float, waited: float) -> None:
    until = time.monotonic() + wait
    while not await _whole(lambda: _try(number)):
        left = until - time.monotonic()
        if left <= 0:
            raise BusyError(
                failures.of_backup(
                    failures.LOCKED,
                    f"another backup of {folder.name} has been running for longer than"
                    f" {wait + waited:.3g} s: wait for it, or give a longer --wait",
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


async def _whole(work: Callable[[], T], undo: Callable[[T], None] | None = None) -> T:
    """Await *work* in a thread to its end, even when cancelled; *undo* what came of it then.

    A number that a thread still uses must not be closed: it would soon mean another file.
    """
    task = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        if undo is not None and not task.cancelled() and task.exception() is None:
            await asyncio.to_thread(undo, task.result())
        raise
