"""What restore drills of all engines have in common.

Owns: the levels that they claim, and the failures that are of the place or
of the user's assertions. Must not know: any one engine.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from watchdog.content import Content
from watchdog.engines import Exercise, Unproven, _scratch
from watchdog.model import Failure, Kind, Phase
from watchdog.secret import mask

RESTORED: Final = 3  # it came back, and there was nothing to compare it with
COMPARED: Final = 4

NO_PLACE: Final = "drill_no_place"
ASSERTION: Final = "backup_assertion_false"
DIFFERS: Final = "backup_content_differs"


@asynccontextmanager
async def folder(where: Path | None, needed: Callable[[], int]) -> AsyncIterator[Path]:
    """Give a scratch folder in *where* (the usual place) with *needed* bytes for the block's time.

    What dead drills have left there goes first. Whenever it is cancelled, the
    folder goes. Raises ``OSError``.
    """
    making = asyncio.ensure_future(asyncio.to_thread(_make, where, needed))
    try:
        made, number = await asyncio.shield(making)
    except asyncio.CancelledError:
        await asyncio.wait([making])
        if making.exception() is None:
            _scratch.remove(*making.result())
        raise
    try:
        yield made
    finally:
        await asyncio.shield(asyncio.to_thread(_scratch.remove, made, number))


def _make(where: Path | None, needed: Callable[[], int]) -> tuple[Path, int]:
    _scratch.sweep(where)
    _scratch.require_room(where, needed())
    return _scratch.make(where)


def level(content: Content | None, failure: Failure | None) -> int:
    """Return what a restore has proven that was compared with *content*."""
    compared = content is not None and content.complete
    return COMPARED if compared and failure is None else RESTORED


def uncompared(content: Content | None) -> tuple[str, ...]:
    """Say why the counts could not be compared, all of them; nothing if they could."""
    if content is None:
        return ("no counts were taken with it to compare with",)
    return () if content.complete else (f"compared in part: {content.why_incomplete}",)


def no_place(exercise: Exercise, reason: str, code: str = "") -> Unproven:
    """Return the failure of a drill that has nowhere to restore."""
    place = str(exercise.settings.directory or _scratch.usual())
    name = exercise.target.name if exercise.target is not None else ""
    facts = {"path": place, "directory": place, **({"target": name} if name else {})}
    return Unproven(Failure(Kind.BACKUP, mask(reason), Phase.VERIFY, code, NO_PLACE, facts))


def no_scratch(exercise: Exercise, error: OSError) -> Unproven:
    """Return the failure of a scratch folder that cannot be made."""
    place = exercise.settings.directory or _scratch.usual()
    reason = f"no scratch place for a drill in {place}: {error.strerror or error}"
    return no_place(exercise, reason, errno.errorcode.get(error.errno or 0, ""))


def against(exercise: Exercise, reason: str) -> Failure:
    """Return the failure of an assertion that does not hold."""
    facts = {"path": str(exercise.artefact)}
    return Failure(Kind.BACKUP, mask(reason), Phase.VERIFY, "", ASSERTION, facts)
