"""The scheduler: says when, and nothing else. The only importer of apscheduler.

Owns: timers grouped by interval with phases spread by a stable hash, one-shot
wall-clock alarms, and re-anchoring after a step of the wall clock. Must not
know: what an alarm is for, or whether the last one has ended.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.date import DateTrigger

from watchdog.clock import Clock

# A wheel turns in at most this many steps, so that ten thousand targets of one
# interval cost a few wake-ups a second and not ten thousand timers.
_STEPS: Final = 60

Kick = Callable[[], None]


class _Every(BaseTrigger):  # type: ignore[misc] # apscheduler has no types
    """Fires every *period* seconds; after a clock step forward just once."""

    def __init__(self, period: float) -> None:
        self._period = timedelta(seconds=period)

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime:
        following = (previous or now) + self._period
        return following if following > now else now + self._period


@dataclass(frozen=True, slots=True)
class Timer:
    """A regular kick. ``key`` decides its place in the interval: the same after every restart."""

    key: str
    interval: float  # seconds
    kick: Kick


class _Wheel:
    """All timers of one interval, each at its own phase. Time here is monotonic."""

    def __init__(self, interval: float, timers: list[Timer], clock: Clock) -> None:
        self.period = interval / min(_STEPS, max(1, len(timers)))
        self._interval = interval
        self._clock = clock
        self._timers = sorted((phase(timer.key) * interval, timer) for timer in timers)
        self._turned_to = clock.monotonic()

    def turn(self) -> None:
        """Kick every timer whose phase was passed since the last turn, each once."""
        now = self._clock.monotonic()
        since = max(self._turned_to, now - self._interval)
        self._turned_to = now
        for offset, timer in self._timers:
            # the first instant of this timer's phase after `since`
            passed = math.floor((since - offset) / self._interval) + 1
            if passed * self._interval + offset <= now:
                timer.kick()


class Scheduler:
    """Timers and alarms on apscheduler."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._scheduler = AsyncIOScheduler(timezone=UTC)
        self._wheels: dict[float, _Wheel] = {}
        self.last_turn = clock.monotonic()

    @property
    def longest_silence(self) -> float:
        """Seconds between two turns at the most, when all is well; 0 without timers."""
        return max((wheel.period for wheel in self._wheels.values()), default=0.0)

    def start(self) -> None:
        """Begin; the running loop is the one that timers kick from."""
        self._scheduler.start()

    def stop(self) -> None:
        """End; no kick comes after the next turn of the loop."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def set_timers(self, timers: list[Timer]) -> None:
        """Replace all timers. Wheels whose timers stay the same keep turning in step."""
        by_interval: dict[float, list[Timer]] = {}
        for timer in timers:
            by_interval.setdefault(timer.interval, []).append(timer)
        for interval in self._wheels.keys() - by_interval.keys():
            self._scheduler.remove_job(_job_id(interval))
        self._wheels = {
            interval: _Wheel(interval, members, self._clock)
            for interval, members in by_interval.items()
        }
        for interval, wheel in self._wheels.items():
            self._scheduler.add_job(
                self._turn,
                _Every(wheel.period),
                args=[interval],
                id=_job_id(interval),
                replace_existing=True,
                misfire_grace_time=None,
                coalesce=True,
                max_instances=1,
            )

    def set_alarm(self, name: str, moment: datetime, kick: Kick) -> None:
        """Kick once at *moment* (aware); an earlier alarm of the same name is replaced."""
        self._scheduler.add_job(
            _ring,
            DateTrigger(moment),
            args=[kick],
            id=f"alarm {name}",
            replace_existing=True,
            misfire_grace_time=None,
            coalesce=True,
        )

    def clear_alarm(self, name: str) -> None:
        """Forget an alarm, if there is one."""
        if self._scheduler.get_job(f"alarm {name}") is not None:
            self._scheduler.remove_job(f"alarm {name}")

    def reanchor(self) -> None:
        """Put all timers in step again after the wall clock was set."""
        now = self._clock.now()
        for interval, wheel in self._wheels.items():
            self._scheduler.modify_job(
                _job_id(interval), next_run_time=now + timedelta(seconds=wheel.period)
            )

    async def _turn(self, interval: float) -> None:
        # A coroutine, so that apscheduler runs it on the loop and not in a thread.
        wheel = self._wheels.get(interval)
        if wheel is not None:
            self.last_turn = self._clock.monotonic()
            wheel.turn()


async def _ring(kick: Kick) -> None:
    kick()


def _job_id(interval: float) -> str:
    return f"every {interval:g} s"


def phase(key: str) -> float:
    """Return the place of *key* in its interval, 0 up to 1, the same on every machine and start."""
    return zlib.crc32(key.encode()) / 2**32
