"""When the next backup of one target begins, and which slot it is for.

Owns: what a missed, paused, overdue or late run is, and their counts. Blocks
nothing, awaits nothing. Must not know: timers, how a backup is taken.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from watchdog import schedule
from watchdog.backups import failures
from watchdog.backups.pauses import Pause
from watchdog.backups.places import settings_of
from watchdog.backups.status import Known
from watchdog.model import Failure, Kind, Target

# An overdue backup waits this long after a start, so that a machine that boots
# is not busy with dumps; retries back off so.
SETTLE: Final = timedelta(minutes=10)
RETRIES: Final = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15))
_RETRYABLE: Final = frozenset({Kind.REACH, Kind.TIMEOUT, Kind.STATE, Kind.CAPACITY, Kind.QUERY})
# Somebody else is at it, whatever the kind: that passes.
_IN_THE_WAY: Final = ("EWOULDBLOCK", "EAGAIN", "SQLITE_BUSY", "SQLITE_LOCKED")
_AWAY: Final = (failures.DESTINATION_MISSING, failures.FOLDER_MISSING, failures.SILENT)

# A last attempt that lies in the future was written before the clock was set
# back; within this much its slot still counts as run.
_TRUSTED_FUTURE: Final = timedelta(hours=25)

LATE: Final = 60.0  # seconds after its slot from which a run is late
_MOST_MISSED: Final = 1000  # slots that are counted before it does not matter any more

# Why slots went by without a run of their own.
OVERLAP: Final = "overlap"  # the run before took too long, or its disk was busy with others
PAUSED: Final = "paused"
DOWNTIME: Final = "downtime"
CLOCK: Final = "clock"
REASONS: Final = (OVERLAP, PAUSED, DOWNTIME, CLOCK)


@dataclass(slots=True)
class Planned:
    """One target that is backed up, and when. Moments UTC.

    ``next_at`` is when the next run begins, ``due`` when its slot was or will
    be: the earlier of both where the run has to wait, for ``reason``.
    ``waiting_since`` (monotonic): another process is at it.
    """

    target: Target
    schedule: schedule.Schedule
    offset: timedelta
    next_at: datetime | None = None
    due: datetime | None = None
    reason: str = ""
    tries: int = 0
    waiting_since: float | None = None
    looked_at: bool = False  # whether what its files say has ever been seen
    last_run_at: datetime | None = None
    never: bool = False  # no backup exists, and that is known
    pause: Pause | None = None
    disk: int | None = None
    away: bool = False  # the destination is not there, or silent
    returned: bool = False  # it was away since the last run, and is there again
    missed: bool = False  # the last run failed for that
    unreached: datetime | None = None  # when the last run failed to reach its database
    changed: bool = False  # how it is reached was configured anew since
    recoveries: int = 0  # runs since the last success that began because it was back
    runs: int = 0
    failures: int = 0
    late: int = 0
    retries: int = 0
    skipped: Counter[str] = field(default_factory=Counter)

    def learn(self, known: Known) -> None:
        """Take what the files say."""
        self.looked_at, self.last_run_at = True, known.last_run_at
        self.never, self.pause, self.disk = known.never, known.pause, known.disk
        away = known.missing is not None
        self.returned = not away and (self.away or self.returned)
        self.away = away
        self.unreached = known.unreached_at

    def counts(self) -> Mapping[str, int]:
        """Return the slots that went by, by every reason."""
        return {reason: self.skipped[reason] for reason in REASONS}

    # ------------------------------------------------------------------ what comes next

    def next_slot(self, after: datetime) -> datetime:
        """Return the first slot later than *after*; an attempt within the spread has its slot."""
        return self.schedule.next_after(after - self.offset) + self.offset

    def anew(self, now: datetime, *, starting: bool) -> bool:
        """Find the next run from what is known; return whether it is overdue.

        *starting*: the target is new to this process, so that a machine may
        just be booting, and ``run_on_start`` applies.
        """
        self.waiting_since = None
        if starting and self.never and settings_of(self.target).run_on_start:
            self._set(now, now, "")
            self.hold(now)
            return False
        last = self._last_attempt(now)
        slot = self.next_slot(now if last is None else last)
        overdue = slot <= now
        reason = (DOWNTIME if starting else self.reason or CLOCK) if overdue else ""
        self._set(now + SETTLE if overdue else slot, slot, reason)
        self.hold(now)
        return overdue

    def jumped(self, now: datetime) -> None:
        """Follow a wall clock that was set."""
        if self.next_at is None:
            return  # its destination has not answered yet
        if self.next_at <= now:
            self._set(now + SETTLE, self.due or self.next_at, CLOCK)
            self.hold(now)
        else:
            self.anew(now, starting=False)

    def hold(self, now: datetime) -> bool:
        """Put the next run off to the end of a pause; return whether that changed anything."""
        if self.next_at is None or self.pause is None or not self.pause.active(now):
            return False
        until, due = self.pause.until, self.due or self.next_at
        made_shorter = self.reason == PAUSED and self.next_at > until
        if self.next_at >= until and not made_shorter:
            return False
        self._set(max(until, due), due, PAUSED if due < until else "")
        return True

    def resumed(self, now: datetime) -> bool:
        """Whether the pause that the next run waits for has ended early."""
        paused = self.pause is not None and self.pause.active(now)
        waits = self.next_at is not None and self.next_at > now
        return self.reason == PAUSED and waits and not paused

    def resume(self, now: datetime) -> None:
        """Let the run that a pause held up begin when its slot is, or at once."""
        due = self.due or now
        self._set(max(now, due), due, PAUSED if due <= now else "")

    def begin(self, now: datetime) -> float:
        """Count a run that begins at *now*; return the seconds that it is late, 0 if it is not."""
        due, reason, self.reason = self.due or now, self.reason or OVERLAP, ""
        missed = self._slots_between(due, now)
        self.skipped[reason] += missed
        late = (now - due).total_seconds()
        if late <= LATE:
            return 0.0
        self.late += 1
        return late

    def ended(self, began: datetime, now: datetime, failure: Failure | None) -> bool:
        """Find the run after one that has ended; return whether it is another try."""
        self.waiting_since = None
        self.missed, self.returned = failure is not None and failure.hint in _AWAY, False
        self.changed = False
        if failure is None:
            self.recoveries = 0
        slot = self.next_slot(now)
        if not isinstance(self.schedule, schedule.Every):
            self.skipped[OVERLAP] += self._slots_between(began, now)
        again = self._try_again(now, slot, failure)
        self._set(again or slot, again or slot, "")
        self.hold(now)
        return again is not None

    def back(self, now: datetime) -> bool:
        """Let a run that failed for want of its destination begin now that it is there again."""
        if not (self.missed and self.returned):
            return False
        self.missed = self.returned = False
        self._set(now, now, "")
        self.hold(now)
        return True

    def recovered(self, now: datetime, *, back: bool) -> bool:
        """Let a run that failed to reach its database begin now that this is *back*.

        Of one that comes and goes: a minute, five, fifteen after the attempt before.
        """
        if not back or self.unreached is None or self.next_at is None:
            return False
        pause = RETRIES[min(self.recoveries, len(RETRIES) - 1)]
        moment = max(now, self.unreached + pause)
        if moment >= self.next_at:
            return False  # one that is planned comes first
        self.recoveries += 1
        self.changed = False
        self._set(moment, moment, "")
        self.hold(now)
        return True

    def waits(self, now: datetime, moment: datetime) -> None:
        """Look again at *moment* whether the other process is done."""
        self._set(moment, self.due or now, self.reason or OVERLAP)

    def _set(self, moment: datetime, due: datetime, reason: str) -> None:
        self.next_at, self.due, self.reason = moment, due, reason

    def _try_again(self, now: datetime, slot: datetime, failure: Failure | None) -> datetime | None:
        if failure is None or not is_retryable(failure) or self.tries >= len(RETRIES):
            self.tries = 0
            return None
        again = now + RETRIES[self.tries]
        self.tries += 1
        if again >= slot:
            return None
        self.retries += 1
        return again

    def _last_attempt(self, now: datetime) -> datetime | None:
        last = self.last_run_at
        if last is None or last <= now:
            return last
        # A slot that was run stays run; a period that counts from it begins anew.
        slots = not isinstance(self.schedule, schedule.Every)
        return last if slots and last <= now + _TRUSTED_FUTURE else now

    def _slots_between(self, after: datetime, now: datetime) -> int:
        count, slot = 0, self.next_slot(after)
        while slot <= now and count < _MOST_MISSED:
            count, slot = count + 1, self.next_slot(slot)
        return count


def plan(target: Target, before: Planned | None = None) -> Planned:
    """Return the plan of *target*; the counts of *before* go on: a new plan is no new target."""
    settings = settings_of(target)
    planned = Planned(
        target,
        schedule.parse(settings.schedule, settings.timezone),
        timedelta(seconds=schedule.spread(target.name, settings.spread)),
    )
    if before is not None:
        planned.runs, planned.failures = before.runs, before.failures
        planned.late, planned.retries = before.late, before.retries
        planned.skipped = before.skipped
        planned.recoveries = before.recoveries
        planned.changed = before.changed or _way_to(before.target) != _way_to(target)
    return planned


def _way_to(target: Target) -> tuple[object, ...]:
    return target.url, settings_of(target).url, target.password_file


def is_retryable(failure: Failure) -> bool:
    """Whether *failure* may pass by itself."""
    passes = failure.kind in _RETRYABLE or failure.hint in (*_AWAY, failures.TOOL_KILLED)
    return passes or failure.code.startswith(_IN_THE_WAY)
