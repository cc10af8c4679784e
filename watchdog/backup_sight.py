"""What is known of the backups of every target, looked up again and again.

Owns: the regular look at what other processes added, paused, accepted or
filled, and the patience with destinations that do not answer. Must not know:
when a backup is due, how one is taken.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from watchdog.backup_plan import Planned
from watchdog.backups import catalogue, destination
from watchdog.backups.catalogue import Backup
from watchdog.backups.destination import Destinations
from watchdog.backups.looking import Looks, silent
from watchdog.backups.places import folder_of, settings_of
from watchdog.backups.status import judged, known_of, status_of
from watchdog.clock import Clock
from watchdog.report import Report
from watchdog.results import BackupStatus, ResultStore

_RESCAN: Final = 45.0  # seconds; what others add is seen within a minute


class Sight:
    """Looks at the destinations of *planned*, by target name; *learned* hears of each look.

    *running* tells whether a backup of a target is under way.
    """

    def __init__(
        self,
        planned: dict[str, Planned],
        clock: Clock,
        report: Report,
        store: ResultStore,
        destinations: Destinations,
        running: Callable[[Planned], bool],
        learned: Callable[[Planned], None],
    ) -> None:
        self._planned = planned
        self._clock = clock
        self._report = report
        self._store = store
        self._destinations = destinations
        self._running = running
        self._learned = learned
        self._looks = Looks()
        self._stamp: object = None

    # ------------------------------------------------------------------ regularly

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
                await self.refresh(planned)
            else:
                self._tell_time(planned, free)
                self._learned(planned)

    async def refresh(self, planned: Planned) -> None:
        """Say what is known of *planned*."""
        status = await self.status(planned)
        if self._planned.get(planned.target.name) is not planned:
            return  # replaced by a reload meanwhile, or backed up no more
        self._report.take_backup(planned.target.name, status)
        self._learned(planned)

    async def _glance(self, directory: Path) -> tuple[object, int | None]:
        """Return what changes with the folders, and the free space; nothing of a silent one."""
        state = self._destinations.state
        places = [directory] if state is None else [directory, state]
        try:
            return await self._looks.at(
                directory,
                lambda: (catalogue.stamp(places), destination.free_bytes(directory)),
            )
        except TimeoutError:
            return None, None

    def _tell_time(self, planned: Planned, free: int) -> None:
        """Say what changes though no folder does: others fill the disk, and time goes by."""
        status = self._store.status(planned.target.name)
        if status is None:
            return
        now = self._clock.now()
        known = judged(replace(status.backup, destination_free=free), planned.target.name, now)
        if known.paused_until is not None and known.paused_until <= now:
            known = replace(known, paused_until=None, pause_reason="")
        if known != status.backup:
            self._report.take_backup(planned.target.name, known)

    def _is_blind(self, planned: Planned) -> bool:
        status = self._store.status(planned.target.name)
        return status is not None and status.backup.destination_free is None

    def _directories(self) -> list[Path]:
        return sorted({settings_of(planned.target).directory for planned in self._planned.values()})

    # ------------------------------------------------------------------ one look

    async def status(self, planned: Planned) -> BackupStatus:
        """Return all that is known of *planned* now."""
        try:
            found = await self.look(planned)
        except TimeoutError:
            found = self._unseen(planned)
        before = self._store.status(planned.target.name)
        running = self._running(planned)
        return replace(
            found,
            **self.counts(planned),
            next_run_at=planned.next_at,
            running_since=before.backup.running_since if before and running else None,
        )

    @staticmethod
    def counts(planned: Planned) -> Mapping[str, Any]:
        """Return what only this process knows."""
        return {
            "runs": planned.runs,
            "failures": planned.failures,
            "late": planned.late,
            "retries": planned.retries,
            "skipped": planned.counts(),
        }

    async def look(self, planned: Planned) -> BackupStatus:
        """Look at what the files say. Raises ``TimeoutError`` where the destination is silent."""
        target = planned.target
        try:
            known = await self._looks.at(
                settings_of(target).directory, lambda: known_of(target, self._destinations)
            )
        except TimeoutError:
            planned.away = True
            raise
        planned.learn(known)
        return status_of(known, planned.schedule, self._clock.now())

    def _unseen(self, planned: Planned) -> BackupStatus:
        """Return what was known before, and that the destination does not answer now."""
        target, directory = planned.target, settings_of(planned.target).directory
        before = self._store.status(target.name)
        known = before.backup if before else BackupStatus()
        now = self._clock.now()
        unseen = replace(
            known,
            enabled=True,
            listed=known.enabled and known.listed,
            last_attempt_successful=False,
            last_failure=silent(directory, target.name),
            interval=planned.schedule.longest_gap(now).total_seconds(),
            destination=str(directory),
            destination_free=None,
        )
        return judged(unseen, target.name, now)

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
