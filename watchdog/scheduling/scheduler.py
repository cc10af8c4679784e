"""The scheduler: says when, and nothing else. The only importer of apscheduler.

Owns: timers grouped by interval with phases spread by a stable hash, one-shot
wall-clock alarms, and re-anchoring after a step of the wall clock. Must not
know: what an alarm is for, or whether the last one has ended.
"""

from __future__ import annotations

import asyncio
import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from apscheduler.executors.debug import DebugExecutor
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.date import DateTrigger

from watchdog.clock import Clock

# A wheel turns in at most this many steps, so that ten thousand targets of one
# interval cost a few wake-ups a second and not ten thousand timers.
_STEPS: Final = 60

_LATE: Final = 10.0  # seconds that a turn may be late on a busy machine

Kick = Callable[[], None]


class _Every(BaseTrigger):  # type: ignore[misc] # apscheduler has no types
    """Fires when *wait*, asked each time, says so; after a clock step forward just once."""

    def __init__(self, wait: Callable[[], float]) -> None:
        self._wait = wait

    def get_next_fire_time(self, _previous: datetime | None, now: datetime) -> datetime:
        return now + timedelta(seconds=self._wait())


@dataclass(frozen=True, slots=True)
class Timer:
    """A regular kick. ``key`` decides its place in the interval: the same after every restart."""

    key: str
    interval: float  # seconds
    kick: Kick


class _Wheel:
    """All timers of one interval, each at its own place. Time here is monotonic.

    The wheel has as many places as it makes turns in an interval. A turn that
    comes a little early or late counts as the one that it was to be: else a
    timer near the edge of its place would be kicked now after half of its
    interval, now after one and a half.
    """

    def __init__(self, interval: float, timers: list[Timer], clock: Clock) -> None:
        self._steps = min(_STEPS, max(1, len(timers)))
        self.period = interval / self._steps
        self._clock = clock
        self._began = self.turned_at = clock.monotonic()
        self._turns = 0
        self.fill(timers)

    def fill(self, timers: list[Timer]) -> None:
        """Put these timers where the others were."""
        self.keys = frozenset(timer.key for timer in timers)
        self._places: list[list[Timer]] = [[] for _ in range(self._steps)]
        for timer in timers:
            self._places[int(phase(timer.key) * self._steps)].append(timer)

    def wait(self) -> float:
        """Return the seconds until the next turn."""
        following = (self._due() + 1) * self.period
        return self._began + following - self._clock.monotonic()

    def turn(self) -> None:
        """Kick every timer whose place was passed since the last turn, each once."""
        self.turned_at, due = self._clock.monotonic(), self._due()
        passed = range(max(self._turns, due - self._steps), due)
        self._turns = max(self._turns, due)
        for turn in passed:
            for timer in self._places[turn % self._steps]:
                timer.kick()

    def _due(self) -> int:
        """Return how many turns there are to have been by now."""
        return math.floor((self._clock.monotonic() - self._began) / self.period + 0.5)


class Scheduler:
    """Timers and alarms on apscheduler."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        # Our jobs only hand a kick to the loop: apscheduler runs them where they fall due. Its own
        # executor makes a task of each and, when it is shut down, complains of those it cancels.
        self._scheduler = AsyncIOScheduler(timezone=UTC, executors={"default": DebugExecutor()})
        self._wheels: dict[float, _Wheel] = {}
        self._ended = False

    def turning(self) -> bool:
        """Whether every wheel has turned within three of its turns and ten seconds."""
        now = self._clock.monotonic()
        return all(now - w.turned_at < 3 * w.period + _LATE for w in self._wheels.values())

    def start(self) -> None:
        """Begin; the running loop is the one that timers kick from."""
        self._scheduler.start()

    def stop(self) -> None:
        """End; no kick comes any more, of what has rung already either."""
        self._ended = True
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def set_timers(self, timers: list[Timer]) -> None:
        """Replace all timers. Wheels whose timers stay the same keep turning in step."""
        by_interval: dict[float, list[Timer]] = {}
        for timer in timers:
            by_interval.setdefault(timer.interval, []).append(timer)
        if self._ended:
            return
        for interval in self._wheels.keys() - by_interval.keys():
            self._scheduler.remove_job(_job_id(interval))
            del self._wheels[interval]
        for interval, members in by_interval.items():
            wheel = self._wheels.get(interval)
            if wheel is not None and wheel.keys == {timer.key for timer in members}:
                wheel.fill(members)
            else:
                self._start_wheel(interval, _Wheel(interval, members, self._clock))

    def _start_wheel(self, interval: float, wheel: _Wheel) -> None:
        self._wheels[interval] = wheel
        self._scheduler.add_job(
            self._soon,
            _Every(wheel.wait),
            args=[self._turn, interval],
            id=_job_id(interval),
            replace_existing=True,
            misfire_grace_time=None,
            coalesce=True,
            max_instances=1,
        )

    def set_alarm(self, name: str, moment: datetime, kick: Kick) -> None:
        """Kick once at *moment* (aware); an earlier alarm of the same name is replaced."""
        if self._ended:
            return
        self._scheduler.add_job(
            self._soon,
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
        if self._ended:
            return
        now = self._clock.now()
        for interval, wheel in self._wheels.items():
            self._scheduler.modify_job(
                _job_id(interval), next_run_time=now + timedelta(seconds=wheel.wait())
            )

    def _soon(self, kick: Callable[..., None], *values: float) -> None:
        # Not at once: apscheduler is in the midst of its own list, and a kick may set an alarm.
        asyncio.get_running_loop().call_soon(self._unless_ended, kick, *values)

    def _unless_ended(self, kick: Callable[..., None], *values: float) -> None:
        if not self._ended:
            kick(*values)

    def _turn(self, interval: float) -> None:
        wheel = self._wheels.get(interval)
        if wheel is not None:
            wheel.turn()


def _job_id(interval: float) -> str:
    return f"every {interval!r} s"


def phase(key: str) -> float:
    """Return the place of *key* in its interval, 0 up to 1, the same on every machine and start."""
    return zlib.crc32(key.encode()) / 2**32
