"""The backup watch: when each target is backed up, and what is known of its backups.

Owns: alarms for slots, overdue runs and retries, the backup actions, and the
regular look at what other processes added. Must not know: how a backup is
taken, signals, HTTP.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import structlog

from watchdog import schedule
from watchdog.backups import catalogue
from watchdog.backups.destination import Destinations
from watchdog.backups.pipeline import Pipeline, settings_of
from watchdog.backups.status import Known, known_of, status_of
from watchdog.clock import Clock
from watchdog.engines import Engine
from watchdog.model import Action, Failure, Kind, Lane, Outcome, Result, Target
from watchdog.report import BACKUP, Report
from watchdog.results import BackupStatus, ResultStore
from watchdog.scheduling.runner import TIMER, Runner
from watchdog.scheduling.scheduler import Scheduler

# An overdue backup waits this long after a start, so that a machine that boots
# is not busy with dumps; retries back off so.
_SETTLE: Final = timedelta(minutes=10)
_RETRIES: Final = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15))
_RETRYABLE: Final = frozenset({Kind.REACH, Kind.TIMEOUT, Kind.STATE, Kind.CAPACITY, Kind.QUERY})

# A last attempt that lies in the future was written before the clock was set
# back; within this much its slot still counts as run.
_TRUSTED_FUTURE: Final = timedelta(hours=25)

_RESCAN: Final = 45.0  # seconds; what others add is seen within a minute
_LOCK_TIME: Final = 600.0  # seconds that a run may wait for another process

_log = structlog.get_logger("watchdog.backups")


@dataclass(slots=True)
class _Planned:
    """One target that is backed up."""

    target: Target
    schedule: schedule.Schedule
    offset: timedelta
    retries: int = 0
    next_at: datetime | None = None
    last_run_at: datetime | None = None
    runs: int = 0
    failures: int = 0


class BackupWatch:
    """Backs targets up when their slots come. ``configure`` may be called again and again."""

    def __init__(
        self,
        engines: Mapping[str, Engine],
        clock: Clock,
        report: Report,
        store: ResultStore,
        runner: Runner,
        scheduler: Scheduler,
        destinations: Destinations,
    ) -> None:
        self._clock = clock
        self._report = report
        self._store = store
        self._runner = runner
        self._scheduler = scheduler
        self._destinations = destinations
        self._pipeline = Pipeline(
            {name: engine.backups for name, engine in engines.items()}, destinations, clock
        )
        self._planned: dict[str, _Planned] = {}
        self._stamp: object = None

    # ------------------------------------------------------------------ what is backed up

    async def configure(self, targets: Sequence[Target]) -> None:
        """Back up exactly those of *targets* that ask for it."""
        wanted = {target.name: target for target in targets if target.backup is not None}
        for name in [n for n, p in self._planned.items() if wanted.get(n) != p.target]:
            await self._end(name)
        for target in targets:
            if target.backup is None:
                self._report.take_backup(target.name, BackupStatus(enabled=False))
            elif target.name not in self._planned:
                self._planned[target.name] = self._plan(target)
        for planned in self._planned.values():
            await self._refresh(planned)
            if planned.next_at is None:
                self._set_first_alarm(planned)

    def _plan(self, target: Target) -> _Planned:
        settings = settings_of(target)
        return _Planned(
            target,
            schedule.parse(settings.schedule, settings.timezone),
            timedelta(seconds=schedule.spread(target.name, settings.spread)),
        )

    async def _end(self, name: str) -> None:
        planned = self._planned.pop(name)
        await self._runner.cancel(
            lambda action: action.lane is Lane.BACKUPS and action.subject == planned.target
        )
        # Last, for a run that is cancelled sets the alarm of the next one.
        self._scheduler.clear_alarm(_alarm(planned.target))

    # ------------------------------------------------------------------ when

    def reschedule(self) -> None:
        """Find the next slots again: the wall clock was set."""
        now = self._clock.now()
        for planned in self._planned.values():
            if planned.next_at is not None and planned.next_at <= now:
                self._set_alarm(planned, now + _SETTLE)  # its slot was jumped over
            else:
                self._set_first_alarm(planned)

    def _set_first_alarm(self, planned: _Planned) -> None:
        now = self._clock.now()
        last = self._last_attempt(planned, now)
        settings = settings_of(planned.target)
        if last is None:
            start = now if settings.run_on_start else None
            self._set_alarm(planned, start or self._next_slot(planned, now))
        elif self._next_slot(planned, last) <= now:
            _log.info("backup overdue", target=planned.target.name, last_attempt=str(last))
            self._set_alarm(planned, now + _SETTLE)
        else:
            self._set_alarm(planned, self._next_slot(planned, last))

    def _last_attempt(self, planned: _Planned, now: datetime) -> datetime | None:
        last = planned.last_run_at
        if last is None or last <= now:
            return last
        # A slot that was run stays run; a period that counts from it begins anew.
        slots = not isinstance(planned.schedule, schedule.Every)
        return last if slots and last <= now + _TRUSTED_FUTURE else now

    def _next_slot(self, planned: _Planned, after: datetime) -> datetime:
        # An attempt within a slot's spread belongs to that slot.
        return planned.schedule.next_after(after - planned.offset) + planned.offset

    def _set_alarm(self, planned: _Planned, moment: datetime) -> None:
        planned.next_at = moment
        self._scheduler.set_alarm(
            _alarm(planned.target), moment, lambda: self._ring(planned, moment)
        )
        status = self._store.status(planned.target.name)
        if status is not None and status.backup.enabled:
            self._report.take_backup(
                planned.target.name, replace(status.backup, next_run_at=moment)
            )

    def _ring(self, planned: _Planned, slot: datetime) -> None:
        late = (self._clock.now() - slot).total_seconds()
        if late > 60:
            _log.warning("backup starts late", target=planned.target.name, seconds=round(late))
        self._runner.kick(self._action(planned), TIMER)

    # ------------------------------------------------------------------ one backup

    def _action(self, planned: _Planned) -> Action:
        return Action(
            name=BACKUP,
            subject=planned.target,
            lane=Lane.BACKUPS,
            deadline=settings_of(planned.target).timeout + _LOCK_TIME + 60.0,
            work=lambda: self._back_up(planned),
        )

    async def _back_up(self, planned: _Planned) -> Result:
        target, started, started_at = planned.target, self._clock.monotonic(), self._clock.now()
        self._mark_running(planned, started_at)
        _log.info("backup begins", target=target.name, engine=target.engine)
        try:
            report = await self._pipeline.back_up(target, wait=_LOCK_TIME)
        except BaseException:
            planned.runs += 1
            planned.failures += 1
            self._set_alarm(planned, self._next_slot(planned, self._clock.now()))
            raise
        planned.runs += 1
        planned.failures += not report.ok
        for trouble in report.troubles:
            _log.warning("backup warning", target=target.name, message=trouble.message)
        for removed in report.removed:
            _log.info("backup pruned", target=target.name, backup=removed.id)
        self._plan_next(planned, report.failure)
        status = await self._status(planned)
        finished = self._clock.monotonic()
        return Result(
            subject=target,
            action=BACKUP,
            outcome=Outcome.OK if report.ok else Outcome.FAILED,
            started_at=started_at,
            finished=finished,
            duration=finished - started,
            failure=report.failure,
            facts={"backup": status},
        )

    def _plan_next(self, planned: _Planned, failure: Failure | None) -> None:
        now = self._clock.now()
        slot = self._next_slot(planned, now)
        if failure is None or failure.kind not in _RETRYABLE:
            planned.retries = 0
        elif planned.retries < len(_RETRIES):
            again = now + _RETRIES[planned.retries]
            planned.retries += 1
            if again < slot:
                _log.info("backup will be tried again", target=planned.target.name, at=str(again))
                slot = again
        else:
            planned.retries = 0
        self._set_alarm(planned, slot)

    def _mark_running(self, planned: _Planned, since: datetime) -> None:
        status = self._store.status(planned.target.name)
        if status is not None:
            running = replace(status.backup, running_since=since)
            self._report.take_backup(planned.target.name, running)

    # ------------------------------------------------------------------ what is known

    async def rescan_regularly(self) -> None:
        """Look every 45 seconds at what others added or took away, until cancelled."""
        while True:
            await asyncio.sleep(_RESCAN)
            await self.rescan()

    async def rescan(self) -> None:
        """Look once; read the catalogue only where a folder has changed."""
        stamp = await asyncio.to_thread(self._current_stamp)
        changed, self._stamp = stamp != self._stamp, stamp
        for planned in list(self._planned.values()):
            if changed or self._is_blind(planned):
                await self._refresh(planned)

    def _is_blind(self, planned: _Planned) -> bool:
        status = self._store.status(planned.target.name)
        return status is not None and status.backup.destination_free is None

    def _current_stamp(self) -> object:
        return catalogue.stamp(self._directories())

    def _directories(self) -> list[Path]:
        return sorted({settings_of(planned.target).directory for planned in self._planned.values()})

    async def _refresh(self, planned: _Planned) -> None:
        self._report.take_backup(planned.target.name, await self._status(planned))

    async def _status(self, planned: _Planned) -> BackupStatus:
        known: Known = await asyncio.to_thread(known_of, planned.target, self._destinations)
        planned.last_run_at = known.last_run_at
        status = self._store.status(planned.target.name)
        running = any(
            ticket.action.subject == planned.target
            for ticket in self._runner.in_flight(Lane.BACKUPS)
        )
        return replace(
            status_of(known, planned.schedule, self._clock.now()),
            runs=planned.runs,
            failures=planned.failures,
            next_run_at=planned.next_at,
            running_since=status.backup.running_since if status and running else None,
        )

    async def documents(self) -> Sequence[Mapping[str, Any]]:
        """Return the sealed backups of all configured targets as documents, newest first."""
        names = set(self._planned)
        listing = await asyncio.to_thread(catalogue.scan, self._directories())
        return [b.document() for b in listing.backups if b.manifest.target in names]


def _alarm(target: Target) -> str:
    return f"backup of {target.name}"
