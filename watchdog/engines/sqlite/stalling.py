"""Ending work on a file that does not answer, as on a dead file server.

Owns: how long work may go without moving, and the failure that says so. The
thread that hangs is left behind (see ``slots``). Must not know: what the work
does.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

from watchdog.engines.sqlite import failures
from watchdog.engines.sqlite.reading import Progress
from watchdog.model import ActionFailed, Failure, Kind, Phase, Target
from watchdog.secret import mask

T = TypeVar("T")

HANGS: Final = "file_system_hangs"


async def while_it_moves(
    work: Coroutine[Any, Any, T], progress: Progress, limit: float, target: Target, path: str
) -> T:
    """Return what *work* does; cancel it once *progress* has not moved for *limit* seconds.

    Raises ``ActionFailed`` then.
    """
    progress.moves()
    task = asyncio.ensure_future(work)
    try:
        while not task.done():
            left = progress.moved_at + limit - time.monotonic()
            if left <= 0:
                raise ActionFailed(_silent(progress.phase, limit, target, path))
            await asyncio.wait([task], timeout=min(left, limit))
        return task.result()
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait([task])


def _silent(phase: Phase, limit: float, target: Target, path: str) -> Failure:
    text = (
        f"nothing moved for {limit:g} s in the backup of {path}, which was ended: the file system"
        " of the database or that of the backups does not answer"
    )
    facts = failures.facts_of(target, path)
    return Failure(Kind.TIMEOUT, mask(text), phase, "ETIMEDOUT", failures.known(HANGS), facts)
