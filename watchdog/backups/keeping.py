"""Retention of a target as it stands on its disk.

Owns: gathering what a decision depends on, and what is said when retention
does nothing. Blocking: callers go through a thread. Must not know: how a
backup is removed.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from watchdog import schedule
from watchdog.backups import catalogue, destination, failures, retention
from watchdog.backups.catalogue import Backup
from watchdog.backups.places import folder_of, settings_of
from watchdog.backups.retention import Decision, Surroundings
from watchdog.model import Failure, Phase, Target


def decide(target: Target, now: datetime) -> tuple[Decision[Backup], ...]:
    """Decide on the backups of *target*, newest first. Raises ``UsageError``."""
    return retention.decide(_backups(target), settings_of(target).keep, _surroundings(target, now))


def troubles(target: Target, now: datetime) -> Iterator[Failure]:
    """Yield why retention cannot do what it is asked to."""
    backups, around = _backups(target), _surroundings(target, now)
    paused = retention.pause(backups, around)
    # That a database is another one is said in words of its own.
    if paused and not any(backup.held for backup in backups):
        yield _said(target, f"retention of {target.name} pauses: {paused}")
    decisions = retention.decide(backups, settings_of(target).keep, around)
    missing = retention.shortage(decisions, settings_of(target).keep, around.free)
    if missing:
        yield _said(
            target,
            f"{settings_of(target).directory} has {missing >> 20} MiB less than min_free left,"
            f" and every backup of {target.name} is kept by another rule: keep less, or give it"
            " a larger disk",
        )


def _said(target: Target, message: str) -> Failure:
    return failures.of_backup("", message, Phase.PRUNE, folder_of(target), target.name)


def _backups(target: Target) -> tuple[Backup, ...]:
    return catalogue.scan_folder(folder_of(target)).of(target.name).backups


def _surroundings(target: Target, now: datetime) -> Surroundings:
    settings = settings_of(target)
    planned = schedule.parse(settings.schedule, settings.timezone)
    return Surroundings(
        now,
        settings.timezone,
        destination.free_bytes(settings.directory),
        planned.longest_gap(now).total_seconds(),
    )
