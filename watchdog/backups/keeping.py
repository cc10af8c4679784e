"""Retention of a target as it stands on its disk.

Owns: gathering what a decision depends on, and what is said when retention
does nothing. Blocking: callers go through a thread. Must not know: how a
backup is removed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from watchdog import schedule, units
from watchdog.backups import catalogue, destination, failures, retention
from watchdog.backups.catalogue import Backup
from watchdog.backups.places import folder_of, settings_of
from watchdog.backups.retention import Decision, Halt, Surroundings
from watchdog.model import Failure, Keep, Phase, Target


def decide(target: Target, now: datetime) -> tuple[Decision[Backup], ...]:
    """Decide on the backups of *target*, newest first. Raises ``UsageError``."""
    backups = _backups(target)
    return retention.decide(backups, _keep(target, backups), _surroundings(target, now))


def troubles(target: Target, now: datetime) -> Iterator[Failure]:
    """Yield why retention cannot do what it is asked to."""
    backups, around = _backups(target), _surroundings(target, now)
    halted = retention.halt(backups, around)
    # That a database is another one is said in words of its own.
    if halted is not None and halted.halt is not Halt.DIFFERENT:
        yield _said(target, f"retention of {target.name} pauses: {halted.reason}")
    keep = _keep(target, backups)
    decisions = retention.decide(backups, keep, around)
    missing = retention.shortage(decisions, keep, around.free)
    if missing:
        yield _said(
            target,
            f"{settings_of(target).directory} has {units.size(missing)} less than min_free left,"
            f" and every backup of {target.name} is kept by another rule: keep less, or give it"
            " a larger disk",
        )


def _keep(target: Target, backups: Sequence[Backup]) -> Keep:
    """Return the rules; what fills space leaves room for the next backup at least."""
    settings = settings_of(target)
    last = next((backup.size_bytes for backup in backups if backup.good), None)
    if settings.keep.min_free is None or last is None:
        return settings.keep
    try:
        room = destination.room(settings.directory, last)
    except OSError:
        return settings.keep
    return replace(settings.keep, min_free=max(settings.keep.min_free, room))


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
