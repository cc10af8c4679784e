"""How long the disk takes to keep what is written, measured in a folder of our own.

Owns: timing fsync(2) of a small file in a folder of our own, once in a while
for each file system, and what counts as slow. Blocking, for slot threads.
Must not know: targets, probes.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from watchdog.engines.sqlite.mounts import Mount
from watchdog.slots import Slots, StillStuckError

_PAGE: Final = bytes(4096)
_TIMES: Final = 5
_ENOUGH: Final = 0.6  # seconds: one that takes longer tells enough
_LONGEST: Final = 1.5  # seconds that a visit waits for it
_REST: Final = 300.0  # seconds for which a measurement stands

# A disk that keeps a page within this is an ordinary one, also a busy one; what
# is passed through by a hypervisor or a user process is slow long before that.
_SLOW: Final = 0.25
_SLOW_PASSED_THROUGH: Final = 0.05


@dataclass(slots=True)
class _Known:
    measured_at: float  # monotonic
    seconds: float
    before: float | None = None  # the measurement before this one


class Disks:
    """What has been measured, by file system; ``scratch`` is the folder of ours, if any."""

    def __init__(self) -> None:
        self.scratch: Path | None = None
        self._known: dict[int, _Known] = {}
        self._slots = Slots()

    async def measure(self, device: int, limit: float) -> tuple[float, bool] | None:
        """Return the seconds of a commit on *device*, and whether that is slow, seen twice.

        ``None`` where our folder is on another file system, may not be written
        to, or hangs. A slow one, above *limit*, is measured again at the next
        call: a busy moment is no slow disk.
        """
        folder, known, now = self.scratch, self._known.get(device), time.monotonic()
        if folder is None:
            return None
        suspicious = known is not None and known.seconds > limit and known.before is None
        if known is None or suspicious or now - known.measured_at > _REST:
            seconds = await self._measure(folder, device)
            if seconds is None:
                return None
            before = known.seconds if known is not None else None
            known = self._known[device] = _Known(now, seconds, before)
        slow = known.seconds > limit and (known.before or 0.0) > limit
        return known.seconds, slow

    async def _measure(self, folder: Path, device: int) -> float | None:
        """Measure on a thread that may hang; a visit waits for it no longer than ``_LONGEST``."""
        try:
            async with asyncio.timeout(_LONGEST):
                return await self._slots.run(f"{device}", lambda: _measured(folder, device))
        except StillStuckError:
            return None  # another one is at it, or it hangs
        except TimeoutError:
            return _LONGEST


def limit_of(mount: Mount | None) -> float:
    """Return the seconds above which a commit on *mount* is slow."""
    return _SLOW_PASSED_THROUGH if mount is not None and mount.is_network else _SLOW


def _measured(folder: Path, device: int) -> float | None:
    """Return the median of a few, seconds."""
    try:
        there = next(each for each in (folder, *folder.parents) if each.is_dir())
        if there.stat().st_dev != device:
            return None
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        number, name = tempfile.mkstemp(prefix=".fsync-", dir=folder)
    except OSError:
        return None
    try:
        return statistics.median(_timed(number))
    except OSError:
        return None
    finally:
        os.close(number)
        with contextlib.suppress(OSError):
            os.unlink(name)  # noqa: PTH108 - beside mkstemp


def _timed(number: int) -> list[float]:
    seconds: list[float] = []
    while len(seconds) < _TIMES and sum(seconds) < _ENOUGH:
        os.pwrite(number, _PAGE, len(_PAGE) * len(seconds))
        began = time.monotonic()
        os.fsync(number)
        seconds.append(time.monotonic() - began)
    return seconds
