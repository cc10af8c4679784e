"""The proof watch: when stored backups are proven again.

Owns: alarms for restore drills, the round of hashes over everything stored,
and the actions of both: one at a time over all targets. Must not know: how a
proof is done, when backups are taken, signals, HTTP.

Each stored backup's hash is proven again within a week, the one first whose
proof is oldest, at a bounded rate. A backup that begins meanwhile takes the
place of a hash, which is done later.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

import structlog

from watchdog import schedule
from watchdog.backups import catalogue
from watchdog.backups.catalogue import Backup, Listing
from watchdog.backups.drill import drill, without_place
from watchdog.backups.looking import Looks
from watchdog.backups.places import folder_of, settings_of
from watchdog.backups.proving import HASH
from watchdog.backups.verify import Verdict, verify
from watchdog.clock import Clock
from watchdog.engines import BackupEngines, Engine
from watchdog.model import Action, DrillSettings, Lane, Target
from watchdog.report import BACKUP, DRILL, REHASH
from watchdog.results import ResultStore
from watchdog.scheduling.runner import TIMER, Runner
from watchdog.scheduling.scheduler import Scheduler

# What is due at a start waits this long, so that a machine that boots is not busy with it.
SETTLE: Final = timedelta(minutes=10)
# A week less the time that a round may take.
HASH_AGE: Final = timedelta(days=6)
_AGAIN: Final = timedelta(hours=6)  # after a look that taught nothing
_BETWEEN: Final = timedelta(minutes=5)  # between two looks for a hash that is due
_RATE: Final = 64.0 * (1 << 20)  # bytes per second
_HASHING: Final = 24 * 3600.0
_PROVING: Final = 6 * 3600.0  # of a drill: the hash and the reading before the restore
_ALARM: Final = "hash of a stored backup"

_log = structlog.get_logger("watchdog.backups")


@dataclass(slots=True)
class _Planned:
    """One target whose backups are restored in drills."""

    target: Target
    settings: DrillSettings
    schedule: schedule.Schedule
    next_at: datetime | None = None


class ProofWatch:
    """Proves stored backups again. ``configure`` may be called again and again.

    *look_again* is called when something has been proven or refuted.
    """

    def __init__(
        self,
        engines: Mapping[str, Engine],
        clock: Clock,
        store: ResultStore,
        runner: Runner,
        scheduler: Scheduler,
        look_again: Callable[[], Awaitable[None]],
    ) -> None:
        self._engines = BackupEngines(engines)
        self._clock = clock
        self._store = store
        self._runner = runner
        self._scheduler = scheduler
        self._look_again = look_again
        self._looks = Looks()
        self._targets: dict[str, Target] = {}
        self._planned: dict[str, _Planned] = {}
        self._in_vain: dict[str, datetime] = {}  # when a hash could not be proven at all
        self._hashing = False

    # ------------------------------------------------------------------ what is proven

    async def configure(self, targets: Sequence[Target]) -> None:
        """Prove the backups of exactly those of *targets* that are backed up."""
        self._targets = {each.name: each for each in targets if each.backup is not None}
        for name, planned in list(self._planned.items()):
            if _same(planned.target, self._targets.get(name)):
                planned.target = self._targets[name]
            else:
                await self._end(name)
        for name, target in self._targets.items():
            settings = settings_of(target)
            if settings.drill is not None and name not in self._planned:
                when = schedule.parse(settings.drill.schedule, settings.timezone)
                self._planned[name] = _Planned(target, settings.drill, when)
                self.on_backup(name)
        if not self._hashing:
            self._hashing = True
            self._scheduler.set_alarm(_ALARM, self._clock.now() + SETTLE, self._kick_hash)

    async def _end(self, name: str) -> None:
        target = self._planned.pop(name).target
        await self._runner.cancel(
            lambda action: action.name in (DRILL, REHASH) and action.subject.name == name
        )
        self._scheduler.clear_alarm(_alarm(target))

    def on_backup(self, name: str) -> None:
        """Hear that something new is known of the backups of a target: plan its first drill."""
        planned, status = self._planned.get(name), self._store.status(name)
        if planned is None or status is None:
            return
        if planned.next_at is None and status.backup.recovery_point is not None:
            self._plan(planned, starting=True)
        if status.backup.running_since is not None:
            self._give_way()

    def reschedule(self) -> None:
        """Find the next drills again: the wall clock was set."""
        for planned in self._planned.values():
            if planned.next_at is not None:
                self._plan(planned, starting=True)

    # ------------------------------------------------------------------ drills

    def _plan(self, planned: _Planned, *, starting: bool = False) -> None:
        """Set the alarm of the next drill; one that is overdue, or the first, comes soon."""
        now = self._clock.now()
        status = self._store.status(planned.target.name)
        last = status.backup.drilled_at if status is not None else None
        if last is not None and last > now:
            last = now  # the clock was set back
        every = isinstance(planned.schedule, schedule.Every)
        if last is None:
            moment = now if every else planned.schedule.next_after(now)
        else:
            moment = planned.schedule.next_after(last)
        planned.next_at = max(moment, now + SETTLE if starting else now)
        self._scheduler.set_alarm(
            _alarm(planned.target), planned.next_at, partial(self._kick_drill, planned)
        )

    def _kick_drill(self, planned: _Planned) -> None:
        self._runner.kick(
            Action(
                name=DRILL,
                subject=planned.target,
                lane=Lane.BACKUPS,
                deadline=planned.settings.timeout + _PROVING,
                work=lambda: self._drill(planned),
                gate="proof of stored backups",
            ),
            TIMER,
        )

    async def _drill(self, planned: _Planned) -> None:
        target = planned.target
        try:
            backup = (await self._listing(target)).newest_good()
            if backup is None:
                return
            _log.info("drill begins", target=target.name, backup=backup.id)
            verdict = await drill(backup, self._engines, self._clock, planned.settings, target)
            self._say_drilled(verdict, planned.settings)
            await self._look_again()
        except TimeoutError:
            _log.warning("drill put off: the destination does not answer", target=target.name)
        finally:
            if self._planned.get(target.name) is planned:
                self._plan_after(planned)

    def _plan_after(self, planned: _Planned) -> None:
        planned.next_at = planned.schedule.next_after(self._clock.now())
        self._scheduler.set_alarm(
            _alarm(planned.target), planned.next_at, partial(self._kick_drill, planned)
        )

    def _say_drilled(self, verdict: Verdict, settings: DrillSettings) -> None:
        backup, drilled = verdict.backup, verdict.drilled
        said = _log.bind(target=backup.target, backup=backup.id)
        if verdict.failure is not None and without_place(verdict, settings):
            said.info("no drill: there is nowhere to restore", message=verdict.failure.message)
        elif verdict.failure is not None:
            said.error("drill failed", message=verdict.failure.message)
        elif drilled is not None:
            said.info(
                "drill passed",
                restore_seconds=round(drilled.seconds, 3),
                level=verdict.level,
                tables=drilled.tables,
                rows=drilled.rows,
                where=drilled.where,
            )
        for remark in verdict.remarks:
            said.warning("drill remark", message=remark)

    # ------------------------------------------------------------------ hashes

    def _kick_hash(self) -> None:
        """Begin the hash that is due, if there is one, and look again in some minutes."""
        now = self._clock.now()
        self._scheduler.set_alarm(_ALARM, now + _BETWEEN, self._kick_hash)
        target = self._stalest(now)
        if target is not None and not self._busy():
            self._runner.kick(
                Action(
                    name=REHASH,
                    subject=target,
                    lane=Lane.BACKUPS,
                    deadline=_HASHING,
                    work=lambda: self._hash(target),
                    gate="proof of stored backups",
                ),
                TIMER,
            )

    def _stalest(self, now: datetime) -> Target | None:
        """Return the target with the oldest hash, if that is due."""
        found: list[tuple[datetime, str]] = []
        for name in self._targets:
            status = self._store.status(name)
            oldest = status.backup.oldest_proof_at if status is not None else None
            tried = self._in_vain.get(name)
            if tried is not None and timedelta() <= now - tried < _AGAIN:
                continue
            if oldest is not None and (now - oldest > HASH_AGE or oldest > now + _BETWEEN):
                found.append((oldest, name))
        return self._targets[min(found)[1]] if found else None

    async def _hash(self, target: Target) -> None:
        self._in_vain[target.name] = self._clock.now()
        try:
            listing = await self._listing(target)
        except TimeoutError:
            return
        backup = min(listing.backups, key=_proven_at, default=None)
        if backup is None:
            return
        verdict = await verify(backup, self._engines, self._clock, HASH, _RATE)
        said = _log.bind(target=target.name, backup=backup.id)
        if verdict.gone:
            return
        if verdict.failure is None or not verdict.backup.level:
            del self._in_vain[target.name]
        if verdict.failure is not None:
            said.error("a stored backup is not what it was", message=verdict.failure.message)
        else:
            said.debug("hash proven again", seconds=round(verdict.seconds, 3))
        await self._look_again()

    def _busy(self) -> bool:
        return any(
            ticket.action.name in (BACKUP, DRILL, REHASH)
            for ticket in self._runner.in_flight(Lane.BACKUPS)
        )

    def _give_way(self) -> None:
        """End a hash that is under way: a backup has begun, and the hash can wait."""
        for ticket in self._runner.in_flight(Lane.BACKUPS):
            if ticket.action.name == REHASH and ticket.task is not None:
                ticket.task.cancel()

    async def _listing(self, target: Target) -> Listing:
        directory, folder = settings_of(target).directory, folder_of(target)
        return await self._looks.at(directory, lambda: _scan(folder, target.name))


def _scan(folder: Path, target: str) -> Listing:
    return catalogue.scan_folder(folder).of(target)


def _proven_at(backup: Backup) -> datetime:
    return backup.verification.hashed_at or backup.taken_at


def _alarm(target: Target) -> str:
    return f"drill of {target.name}"


def _same(one: Target, other: Target | None) -> bool:
    """Whether the backups of both are proven alike."""
    return other is not None and (one.url, one.backup) == (other.url, other.backup)
