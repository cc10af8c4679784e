"""The clock guard: notices when the wall clock is set and when the loop is late.

Owns: the comparison of wall and monotonic time. Must not know: what is
re-anchored when a step is seen.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from watchdog.clock import Clock

_PERIOD: Final = 1.0
_STEP: Final = 2.0

_log = structlog.get_logger("watchdog.clock")


class ClockGuard:
    """Calls *on_step* with the seconds that the wall clock was set by (negative: back)."""

    def __init__(self, clock: Clock, on_step: Callable[[float], None]) -> None:
        self._clock = clock
        self._on_step = on_step
        self.steps = 0
        self.loop_lag = 0.0  # seconds that the loop was late at the last look

    async def watch(self) -> None:
        """Look once a second, until cancelled."""
        offset = self._offset()
        while True:
            before = self._clock.monotonic()
            await asyncio.sleep(_PERIOD)
            self.loop_lag = max(0.0, self._clock.monotonic() - before - _PERIOD)
            step = self._offset() - offset
            if abs(step) > _STEP:
                self.steps += 1
                offset += step
                _log.warning("the wall clock was set", step_seconds=round(step, 1))
                self._on_step(step)

    def _offset(self) -> float:
        return self._clock.now().timestamp() - self._clock.monotonic()
