"""What is known of a target's backups, from the destination and the attempts.

Owns: which backup gives the recovery point, what is said when the
destination is away. ``known_of`` reads files and blocks; ``status_of`` is
pure. Must not know: who shows it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from watchdog import bygone
from watchdog.backups import (
    catalogue,
    damage,
    destination,
    drills,
    failures,
    guard,
    losses,
    pauses,
    retention,
)
from watchdog.backups.attempts import Attempt
from watchdog.backups.catalogue import Backup, Listing
from watchdog.backups.destination import Destinations
from watchdog.backups.drills import Drill
from watchdog.backups.pauses import Pause
from watchdog.backups.places import folder_of, settings_of
from watchdog.model import ActionFailed, Failure, Outcome, Phase, Target
from watchdog.results import BackupStatus
from watchdog.schedule import Schedule


@dataclass(frozen=True, slots=True)
class Known:
    """What the files say. ``missing`` is why the destination cannot be looked at, if so.

    ``attempts`` are those that ended by themselves: one that was cancelled, by
    a person or a stop, says nothing of the next, and is due again.
    ``listing`` is then what was last seen there by this process, and
    ``listed`` whether it ever saw anything.
    """

    target: Target
    directory: Path
    listing: Listing = field(default_factory=Listing)
    listed: bool = True
    attempts: tuple[Attempt, ...] = ()
    free: int | None = None
    missing: Failure | None = None
    pause: Pause | None = None
    disk: int | None = None  # the device that the destination lies on
    drills: tuple[Drill, ...] = ()

    @property
    def never(self) -> bool:
        """Whether it is known that there is no backup at all."""
        return self.listed and not self.listing.backups

    @property
    def last_run_at(self) -> datetime | None:
        """When the last run that ended by itself began."""
        begun = [each.started_at for each in self.attempts]
        sealed = [backup.taken_at for backup in self.listing.backups]
        return max(begun + sealed, default=None)

    @property
    def unreached_at(self) -> datetime | None:
        """When the last attempt ended, if it failed because the database could not be reached."""
        last = self.attempts[-1] if self.attempts else None
        if last is None or last.failure is None or not bygone.is_of_reaching(last.failure):
            return None
        return last.finished_at


def known_of(target: Target, destinations: Destinations) -> Known:
    """Read what there is to know about *target*. Raises ``UsageError`` where backups are off."""
    directory, folder = settings_of(target).directory, folder_of(target)
    attempts = destinations.attempts.load(folder)
    known = Known(
        target,
        directory,
        attempts=tuple(each for each in attempts if each.outcome is not Outcome.CANCELLED),
        pause=pauses.read(folder, destinations.state),
        disk=destination.device(directory),
    )
    try:
        destinations.require(directory, target.name, Phase.PREFLIGHT)
    except ActionFailed as error:
        seen = destinations.recall(folder)
        known = replace(known, listed=seen is not None, missing=error.failure)
        return replace(known, listing=seen) if seen is not None else known
    listing = catalogue.scan_folder(folder).of(target.name)
    destinations.keep(folder, listing)
    free, drilled = destination.free_bytes(directory), drills.load(folder)
    return replace(known, listing=listing, free=free, drills=drilled)


def status_of(known: Known, schedule: Schedule, now: datetime) -> BackupStatus:
    """Return the status but for what only the daemon knows: its counts, next and present run."""
    backups = known.listing.backups
    last = known.attempts[-1] if known.attempts else None
    newest = backups[0] if backups else None
    proven = known.listing.newest_good()
    good = [backup for backup in backups if backup.good]
    restored_at, restore_duration = _last_restored(known)
    drilled = known.drills[-1] if known.drills else None
    measured = next((each for each in good if each.manifest.details.get("measures")), None)
    held = guard.pending(backups)
    pause = known.pause if known.pause is not None and known.pause.active(now) else None
    interval = schedule.longest_gap(now).total_seconds()
    halted = retention.halt(backups, retention.Surroundings(now, interval=interval))
    objectives = settings_of(known.target).objectives
    status = BackupStatus(
        enabled=True,
        listed=known.listed,
        last_attempt_at=last.finished_at if last else None,
        last_attempt_successful=_successful(known, last),
        last_failure=known.missing or (last.failure if last else None),
        # Not the newest manifest but the newest data that is proven.
        recovery_point=max((backup.manifest.recovery_point for backup in good), default=None),
        last_success_at=_last_success(known.attempts, newest),
        # Nor does an old backup that is proven again make the newest look so.
        last_verified_at=proven.verified_at if proven else None,
        last_restored_at=restored_at,
        interval=interval,
        last_size=newest.manifest.size_bytes if newest else None,
        last_duration=last.duration if last else None,
        restore_duration=restore_duration,
        verified_level=_level(proven, newest),
        count=len(backups),
        stored_bytes=sum(backup.manifest.size_bytes for backup in backups),
        destination=str(known.directory),
        destination_free=known.free,
        suspect=guard.trouble(held[0]) if held else None,
        held=sum(backup.held for backup in backups),
        measures=measured.manifest.details["measures"] if measured else {},
        measured_at=measured.manifest.recovery_point if measured else None,
        paused_until=pause.until if pause else None,
        pause_reason=pause.reason if pause else "",
        retention_halt=halted.halt.value if halted is not None else "",
        rpo=objectives.rpo,
        rto=objectives.rto,
        drilled_at=drilled.at if drilled else None,
        drill_failure=drilled.failure if drilled else None,
        rotten=tuple(_rotten(backups)),
        oldest_proof_at=min((_hashed_at(each) for each in backups), default=None),
    )
    return judged(status, known.target.name, now)


def judged(status: BackupStatus, target: str, now: datetime) -> BackupStatus:
    """Return *status* with the objectives that are not met at *now*."""
    return replace(status, breaches=tuple(losses.breaches(status, target, now)))


def _level(proven: Backup | None, newest: Backup | None) -> int | None:
    """Return the level of the backup that counts or, where none does, of the newest."""
    shown = proven or newest
    return None if shown is None else shown.level


def _successful(known: Known, last: Attempt | None) -> bool | None:
    if known.missing is not None:
        return False
    return None if last is None else last.outcome is Outcome.OK


def _last_success(attempted: tuple[Attempt, ...], newest: Backup | None) -> datetime | None:
    """Return when the last success ended; a backup whose record is lost counts by its start."""
    ended = [each.finished_at for each in attempted if each.outcome is Outcome.OK]
    begun = [newest.taken_at] if newest else []
    return max(ended or begun, default=None)


def _last_restored(known: Known) -> tuple[datetime | None, float | None]:
    """Return when a backup was last restored, and how long that took.

    A drill is remembered longer than the backup that it restored.
    """
    proofs = [backup.verification for backup in known.listing.backups]
    found = [(proof.restored_at, proof.restore_duration) for proof in proofs if proof.restored_at]
    found += [
        (drill.at, drill.restore_duration) for drill in known.drills if drill.level is not None
    ]
    return max(found, key=lambda each: each[0], default=(None, None))


def _rotten(backups: Iterable[Backup]) -> Iterator[Failure]:
    """Yield why stored backups are not what they were."""
    for backup in backups:
        if backup.verification.failure is not None:
            yield backup.verification.failure
        elif backup.damage:
            cause = damage.cause_of(backup.damage, backup.manifest)
            yield failures.of_backup(cause, backup.damage, Phase.VERIFY, backup.path, backup.target)


def _hashed_at(backup: Backup) -> datetime:
    return backup.verification.hashed_at or backup.taken_at
