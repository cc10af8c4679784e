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
from functools import partial
from pathlib import Path
from typing import Any, Final

import structlog

from watchdog import schedule
from watchdog.backups import catalogue, destination
from watchdog.backups.catalogue import Backup
from watchdog.backups.destination import Destinations
from watchdog.backups.looking import Looks, silent
from watchdog.backups.pipeline import Pipeline
from watchdog.backups.places import folder_of, settings_of
from watchdog.backups.status import known_of, status_of
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
# Somebody else is at it, whatever the kind: that passes.
_IN_THE_WAY: Final = ("EWOULDBLOCK", "EAGAIN", "SQLITE_BUSY", "SQLITE_LOCKED")

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
    looked_at: bool = False  # whether what its files say has ever been seen
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
        self._looks = Looks()
        self._pipeline = Pipeline(
            {name: engine.backups for name, engine in engines.items()}, destinations, clock
        )
        self._planned: dict[str, _Planned] = {}
        self._stamp: object = None

    # ------------------------------------------------------------------ what is backed up

    async def configure(self, targets: Sequence[Target]) -> None:
        """Back up exactly those of *targets* that ask for it."""
        wanted = {target.name: target for target in targets if target.backup is not None}
        before: dict[str, _Planned] = {}
        for name, planned in list(self._planned.items()):
            if _same_backups(planned.target, wanted.get(name)):
                planned.target = wanted[name]
            else:
                before[name] = await self._end(name)
        for target in targets:
            if target.backup is None:
                self._report.take_backup(target.name, BackupStatus(enabled=False))
            elif target.name not in self._planned:
                self._planned[target.name] = self._plan(target, before.get(target.name))
        await asyncio.gather(*(self._refresh(planned) for planned in self._planned.values()))

    def _plan(self, target: Target, before: _Planned | None) -> _Planned:
        settings = settings_of(target)
        return _Planned(
            target,
            schedule.parse(settings.schedule, settings.timezone),
            timedelta(seconds=schedule.spread(target.name, settings.spread)),
            # counters go on: a new plan is not a new target
            runs=before.runs if before else 0,
            failures=before.failures if before else 0,
        )

    async def _end(self, name: str) -> _Planned:
        planned = self._planned.pop(name)
        await self._runner.cancel(lambda action: _is_backup_of(planned.target, action))
        # Last, for a run that is cancelled sets the alarm of the next one.
        self._scheduler.clear_alarm(_alarm(planned.target))
        return planned

    # ------------------------------------------------------------------ when

    def reschedule(self) -> None:
        """Find the next slots again: the wall clock was set."""
        now = self._clock.now()
        for planned in self._planned.values():
            if planned.next_at is None:
                continue  # its destination has not answered yet
            if planned.next_at <= now:
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
            failure = await self._run(planned)
        except BaseException:
            planned.runs += 1
            planned.failures += 1
            self._set_alarm(planned, self._next_slot(planned, self._clock.now()))
            raise
        planned.runs += 1
        planned.failures += failure is not None
        self._plan_next(planned, failure)
        status = replace(await self._status(planned), running_since=None)
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

    async def _run(self, planned: _Planned) -> Failure | None:
        """Take the backup; return why there is none."""
        target = planned.target
        try:
            # A destination that hangs would keep the lane from all other targets.
            await self._look(planned)
        except TimeoutError:
            return silent(settings_of(target).directory, target.name)
        report = await self._pipeline.back_up(target, wait=_LOCK_TIME)
        for trouble in report.troubles:
            _log.warning("backup warning", target=target.name, message=trouble.message)
        for removed in report.removed:
            _log.info("backup pruned", target=target.name, backup=removed.id)
        return report.failure

    def _plan_next(self, planned: _Planned, failure: Failure | None) -> None:
        now = self._clock.now()
        slot = self._next_slot(planned, now)
        if failure is None or not _is_retryable(failure):
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
        """Look every 45 seconds at what others added, took away or filled, until cancelled."""
        while True:
            await asyncio.sleep(_RESCAN)
            await self.rescan()

    async def rescan(self) -> None:
        """Look once; read the catalogue only where a folder has changed."""
        seen = {directory: await self._glance(directory) for directory in self._directories()}
        stamp = [found for found, _ in seen.values()]
        changed, self._stamp = stamp != self._stamp, stamp
        for planned in list(self._planned.values()):
            _, free = seen.get(settings_of(planned.target).directory, (None, None))
            if changed or free is None or self._is_blind(planned):
                await self._refresh(planned)
            else:
                self._tell_free(planned, free)

    async def _glance(self, directory: Path) -> tuple[object, int | None]:
        """Return what changes with the folders, and the free space; nothing of a silent one."""
        try:
            return await self._looks.at(
                directory,
                lambda: (catalogue.stamp([directory]), destination.free_bytes(directory)),
            )
        except TimeoutError:
            return None, None

    def _tell_free(self, planned: _Planned, free: int) -> None:
        # Others fill the disk as well, and change no folder of ours.
        status = self._store.status(planned.target.name)
        if status is not None and status.backup.destination_free != free:
            known = replace(status.backup, destination_free=free)
            self._report.take_backup(planned.target.name, known)

    def _is_blind(self, planned: _Planned) -> bool:
        status = self._store.status(planned.target.name)
        return status is not None and status.backup.destination_free is None

    def _directories(self) -> list[Path]:
        return sorted({settings_of(planned.target).directory for planned in self._planned.values()})

    async def _refresh(self, planned: _Planned) -> None:
        """Say what is known of *planned*; once that is anything, set its first alarm."""
        status = await self._status(planned)
        if self._planned.get(planned.target.name) is not planned:
            return  # replaced by a reload meanwhile, or backed up no more
        self._report.take_backup(planned.target.name, status)
        if planned.looked_at and planned.next_at is None:
            self._set_first_alarm(planned)

    async def _status(self, planned: _Planned) -> BackupStatus:
        try:
            found = await self._look(planned)
        except TimeoutError:
            found = self._unseen(planned)
        before = self._store.status(planned.target.name)
        running = any(
            _is_backup_of(planned.target, ticket.action)
            for ticket in self._runner.in_flight(Lane.BACKUPS)
        )
        return replace(
            found,
            runs=planned.runs,
            failures=planned.failures,
            next_run_at=planned.next_at,
            running_since=before.backup.running_since if before and running else None,
        )

    async def _look(self, planned: _Planned) -> BackupStatus:
        """Look at what the files say. Raises ``TimeoutError`` where the destination is silent."""
        target = planned.target
        known = await self._looks.at(
            settings_of(target).directory, lambda: known_of(target, self._destinations)
        )
        planned.looked_at, planned.last_run_at = True, known.last_run_at
        return status_of(known, planned.schedule, self._clock.now())

    def _unseen(self, planned: _Planned) -> BackupStatus:
        """Return what was known before, and that the destination does not answer now."""
        target, directory = planned.target, settings_of(planned.target).directory
        before = self._store.status(target.name)
        known = before.backup if before else BackupStatus()
        return replace(
            known,
            enabled=True,
            listed=known.enabled and known.listed,
            last_attempt_successful=False,
            last_failure=silent(directory, target.name),
            interval=planned.schedule.longest_gap(self._clock.now()).total_seconds(),
            destination=str(directory),
            destination_free=None,
        )

    async def documents(self) -> Sequence[Mapping[str, Any]]:
        """Return the sealed backups of all configured targets as documents, newest first.

        Of a destination that does not answer: what was last seen there.
        """
        found: list[Backup] = []
        for directory in self._directories():
            try:
                listing = await self._looks.at(directory, partial(catalogue.scan, [directory]))
                found += listing.backups
            except TimeoutError:
                for target in (planned.target for planned in self._planned.values()):
                    if settings_of(target).directory == directory:
                        seen = self._destinations.recall(folder_of(target))
                        found += seen.backups if seen is not None else ()
        found.sort(key=lambda backup: (backup.taken_at, backup.id), reverse=True)
        names = set(self._planned)
        return [backup.document() for backup in found if backup.manifest.target in names]


def _alarm(target: Target) -> str:
    return f"backup of {target.name}"


def _is_backup_of(target: Target, action: Action) -> bool:
    return action.lane is Lane.BACKUPS and action.subject.subject == target.subject


def _is_retryable(failure: Failure) -> bool:
    return failure.kind in _RETRYABLE or failure.code.startswith(_IN_THE_WAY)


def _same_backups(one: Target, other: Target | None) -> bool:
    """Whether backups of both are the same work: what only probes and pages read may differ."""
    return other is not None and replace(one, labels=other.labels, probe=other.probe) == other
