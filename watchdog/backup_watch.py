"""The backup watch: when each target is backed up.

Owns: alarms for slots, overdue runs and retries, and the backup actions: one
at a time per disk. Must not know: how a backup is taken, when a run is late
or missed (``backup_plan``), what is known of backups (``backup_sight``),
signals, HTTP.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from watchdog import backup_plan
from watchdog.backup_plan import Planned
from watchdog.backup_sight import Sight
from watchdog.backups.destination import Destinations
from watchdog.backups.lock import BusyError
from watchdog.backups.looking import silent
from watchdog.backups.pipeline import Pipeline
from watchdog.backups.places import settings_of
from watchdog.clock import Clock, rfc3339
from watchdog.engines import BackupEngines, Engine
from watchdog.model import Action, Failure, Lane, Outcome, Result, Target
from watchdog.report import BACKUP, Report
from watchdog.results import BackupStatus, ResultStore
from watchdog.scheduling.runner import TIMER, Runner
from watchdog.scheduling.scheduler import Scheduler

_LOCK_TIME: Final = 600.0  # seconds that a run may wait for another process
_LOCK_TRY: Final = 2.0  # seconds of them at a stretch, before others get their turn
_LOCK_PERIOD: Final = timedelta(seconds=10)

_log = structlog.get_logger("watchdog.backups")


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
        self._pipeline = Pipeline(BackupEngines(engines), destinations, clock)
        self._planned: dict[str, Planned] = {}
        self._sight = Sight(
            self._planned, clock, report, store, destinations, self._is_running, self._learned
        )

    # ------------------------------------------------------------------ what is backed up

    async def configure(self, targets: Sequence[Target]) -> None:
        """Back up exactly those of *targets* that ask for it."""
        wanted = {target.name: target for target in targets if target.backup is not None}
        before: dict[str, Planned] = {}
        for name, planned in list(self._planned.items()):
            if _same_backups(planned.target, wanted.get(name)):
                planned.target = wanted[name]
            else:
                before[name] = await self._end(name)
        for target in targets:
            if target.backup is None:
                self._report.take_backup(target.name, BackupStatus(enabled=False))
            elif target.name not in self._planned:
                self._planned[target.name] = backup_plan.plan(target, before.get(target.name))
        await asyncio.gather(*map(self._sight.refresh, list(self._planned.values())))

    async def _end(self, name: str) -> Planned:
        planned = self._planned.pop(name)
        await self._runner.cancel(lambda action: _is_backup_of(planned.target, action))
        # Last, for a run that is cancelled sets the alarm of the next one.
        self._scheduler.clear_alarm(_alarm(planned.target))
        return planned

    # ------------------------------------------------------------------ what is known

    async def rescan_regularly(self) -> None:
        """Look every 45 seconds at what others added, took away or filled, until cancelled."""
        await self._sight.rescan_regularly()

    async def rescan(self) -> None:
        """Look once at what others added, took away or filled."""
        await self._sight.rescan()

    async def documents(self) -> Sequence[Mapping[str, Any]]:
        """Return the sealed backups of all configured targets as documents, newest first."""
        return await self._sight.documents()

    def _is_running(self, planned: Planned) -> bool:
        return any(
            _is_backup_of(planned.target, ticket.action)
            for ticket in self._runner.in_flight(Lane.BACKUPS)
        )

    def _learned(self, planned: Planned) -> None:
        """Set the first alarm once anything is known, and follow pauses."""
        now, target = self._clock.now(), planned.target.name
        if not planned.looked_at:
            return
        if planned.next_at is None:
            if planned.anew(now, starting=True):
                last, missed = _told(planned.last_run_at), _told(planned.due)
                _log.info("backup overdue", target=target, last_attempt=last, slot=missed)
            self._set_alarm(planned)
        elif self._is_running(planned):
            pass  # what comes next is found when it ends
        elif planned.resumed(now):
            planned.resume(now)
            _log.info("backups resumed", target=target, next_run=_told(planned.next_at))
            self._set_alarm(planned)
        elif planned.hold(now):
            self._say_paused(planned)
            self._set_alarm(planned)
        elif planned.back(now):
            _log.info("destination is back", target=target)
            self._set_alarm(planned)
        elif planned.recovered(now, back=self._is_back(planned)):
            moment = _told(planned.next_at)
            _log.info("database is back, its backup will be tried again", target=target, at=moment)
            self._set_alarm(planned)

    def _is_back(self, planned: Planned) -> bool:
        """Whether the database answers since its backup failed, or now that its URL is another."""
        status = self._store.status(planned.target.name)
        if status is None:
            return False
        known = status.backup
        back = status.is_back_since(known.last_attempt_at, known.last_duration)
        return back or (planned.changed and status.up is True)

    # ------------------------------------------------------------------ when

    def reschedule(self) -> None:
        """Find the next slots again: the wall clock was set."""
        for planned in self._planned.values():
            planned.jumped(self._clock.now())
            self._set_alarm(planned)

    def _set_alarm(self, planned: Planned) -> None:
        moment = planned.next_at
        if moment is None:
            return
        self._scheduler.set_alarm(_alarm(planned.target), moment, lambda: self._ring(planned))
        status = self._store.status(planned.target.name)
        if status is not None and status.backup.enabled:
            # Not the counts: a run that ends is told of with all that came of it.
            known = replace(status.backup, next_run_at=moment)
            self._report.take_backup(planned.target.name, known)

    def _ring(self, planned: Planned) -> None:
        self._runner.kick(self._action(planned), TIMER)

    def _say_paused(self, planned: Planned) -> None:
        pause = planned.pause
        if pause is not None:
            _log.warning(
                "backups are paused",
                target=planned.target.name,
                until=_told(pause.until),
                reason=pause.reason,
            )

    # ------------------------------------------------------------------ one backup

    def _action(self, planned: Planned) -> Action:
        return Action(
            name=BACKUP,
            subject=planned.target,
            lane=Lane.BACKUPS,
            deadline=_deadline(planned.target),
            work=lambda: self._back_up(planned),
            # Two dumps on one disk take longer than one after the other.
            gate=f"disk {planned.disk}" if planned.disk is not None else "",
        )

    async def _back_up(self, planned: Planned) -> Result | None:
        target, started, started_at = planned.target, self._clock.monotonic(), self._clock.now()
        try:
            failure = await self._run(planned, started_at)
        except BusyError:
            self._wait_for_another(planned)
            return None
        except _HeldUpError:
            self._set_alarm(planned)
            return None
        except BaseException as error:
            cancelled = isinstance(error, asyncio.CancelledError)
            if not cancelled or self._clock.monotonic() - started >= _deadline(target):
                planned.runs += 1
                planned.failures += 1
            planned.ended(started_at, self._clock.now(), None)
            self._set_alarm(planned)
            raise
        planned.runs += 1
        planned.failures += failure is not None
        if planned.ended(started_at, self._clock.now(), failure):
            _log.info("backup will be tried again", target=target.name, at=_told(planned.next_at))
        self._set_alarm(planned)
        status = replace(await self._sight.status(planned), running_since=None)
        finished = self._clock.monotonic()
        return Result(
            subject=target,
            action=BACKUP,
            outcome=Outcome.OK if failure is None else Outcome.FAILED,
            started_at=started_at,
            finished=finished,
            duration=finished - started,
            failure=failure,
            facts={"backup": status},
        )

    async def _run(self, planned: Planned, started_at: datetime) -> Failure | None:
        """Take the backup; return why there is none.

        Raises ``BusyError`` if another process is at it, ``_HeldUpError`` in a pause.
        """
        target = planned.target
        try:
            # A destination that hangs would keep the disk's turn from its other targets.
            await self._sight.look(planned)
        except TimeoutError:
            return silent(settings_of(target).directory, target.name)
        if planned.pause is not None and planned.pause.active(started_at):
            planned.next_at, planned.waiting_since = started_at, None
            planned.hold(started_at)
            self._say_paused(planned)
            raise _HeldUpError
        waited = 0.0
        if planned.waiting_since is None:
            self._begin(planned, started_at)
        else:
            waited = self._clock.monotonic() - planned.waiting_since
        self._mark_running(planned, started_at)
        report = await self._pipeline.back_up(
            target,
            wait=min(_LOCK_TRY, _LOCK_TIME),
            waited=waited,
            give_way=waited + _LOCK_TRY < _LOCK_TIME,
        )
        for trouble in report.troubles:
            _log.warning("backup warning", target=target.name, message=trouble.message)
        for removed in report.removed:
            _log.info("backup pruned", target=target.name, backup=removed.id)
        return report.failure

    def _begin(self, planned: Planned, now: datetime) -> None:
        target, reason = planned.target, planned.reason
        late = planned.begin(now)
        if late:
            _log.warning(
                "backup starts late",
                target=target.name,
                seconds=round(late),
                slot=_told(planned.due),
                reason=reason or backup_plan.OVERLAP,
            )
        _log.info("backup begins", target=target.name, engine=target.engine)

    def _wait_for_another(self, planned: Planned) -> None:
        """Let others have the disk while another process backs this target up."""
        if planned.waiting_since is None:
            planned.waiting_since = self._clock.monotonic()
            _log.info("backup waits for another process", target=planned.target.name)
        now = self._clock.now()
        planned.waits(now, now + _LOCK_PERIOD)
        self._mark_running(planned, None)
        self._set_alarm(planned)

    def _mark_running(self, planned: Planned, since: datetime | None) -> None:
        status = self._store.status(planned.target.name)
        if status is not None:
            running = replace(status.backup, running_since=since)
            self._report.take_backup(planned.target.name, running)


class _HeldUpError(Exception):
    """Somebody has paused the backups of the target meanwhile."""


def _told(moment: datetime | None) -> str | None:
    return rfc3339(moment) if moment is not None else None


def _deadline(target: Target) -> float:
    return settings_of(target).timeout + _LOCK_TIME + 60.0


def _alarm(target: Target) -> str:
    return f"backup of {target.name}"


def _is_backup_of(target: Target, action: Action) -> bool:
    return action.name == BACKUP and action.subject.subject == target.subject


def _same_backups(one: Target, other: Target | None) -> bool:
    """Whether backups of both are the same work: what only probes and pages read may differ."""
    return other is not None and replace(one, labels=other.labels, probe=other.probe) == other
