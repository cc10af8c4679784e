"""The documents that commands and pages show of backups.

Owns: their shapes. Must not know: who asks, how they are printed.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from watchdog.backups import losses
from watchdog.backups.catalogue import Backup, Listing
from watchdog.backups.documents import failure_document, moment_text
from watchdog.backups.places import settings_of
from watchdog.backups.run import Report
from watchdog.model import Objectives, Target
from watchdog.results import BackupStatus


def of_backups(backups: Iterable[Backup]) -> dict[str, Any]:
    """Return sealed backups, in their order."""
    return {"backups": [backup.document() for backup in backups]}


def of_listing(listing: Listing, configured: frozenset[str]) -> dict[str, Any]:
    """Return sealed backups, and beside them what is damaged beyond being listed.

    ``orphans`` are targets that are not among the *configured* ones any more.
    """
    damaged = [{"path": str(each.path), "reason": each.reason} for each in listing.damaged]
    orphans = sorted({backup.target for backup in listing.backups} - configured)
    return {**of_backups(listing.backups), "damaged": damaged, "orphans": orphans}


def of_loss(target: Target, status: BackupStatus, now: datetime) -> dict[str, Any]:
    """Return what would be lost of *target* if it burnt now; seconds, null where unknown."""
    loss, objectives = losses.of(status, now), Objectives(status.rpo, status.rto)
    rpo_met, rto_met = loss.meets(objectives)
    paused = {"until": moment_text(status.paused_until), "reason": status.pause_reason}
    return {
        "name": target.name,
        "everything": loss.everything,
        "lost_seconds": loss.lost,
        "back_seconds": loss.back,
        "recovery_point": moment_text(status.recovery_point),
        "objectives": {
            "rpo_seconds": status.rpo,
            "rpo_met": rpo_met,
            "rto_seconds": status.rto,
            "rto_met": rto_met,
        },
        "paused": paused if status.paused_until is not None else None,
        "suspect": failure_document(status.suspect),
        "held": status.held,
    }


def of_reports(reports: Iterable[Report]) -> dict[str, Any]:
    """Return what came of runs, the failed ones included."""
    return {"backups": [of_report(report) for report in reports]}


def of_report(report: Report) -> dict[str, Any]:
    """Return what came of one run: the backup, or the same keys with a failure."""
    if report.backup is not None and report.ok:
        return {**report.backup.document(), "outcome": report.attempt.outcome.value}
    return {
        "id": None,
        "target": report.target.name,
        "engine": report.target.engine,
        "taken_at": moment_text(report.attempt.started_at),
        "recovery_point": None,
        "size_bytes": None,
        "sha256": None,
        "path": None,
        "destination": str(settings_of(report.target).directory),
        "outcome": report.attempt.outcome.value,
        "failure": failure_document(report.failure),
        "verified_level": None,
        "verified_at": None,
        "restored_at": None,
        "restore_duration_seconds": None,
        "tables": None,
        "duration_seconds": round(report.attempt.duration, 3),
        "damage": None,
        "warnings": [],
    }
