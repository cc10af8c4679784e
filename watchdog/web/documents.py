"""The documents of the JSON API, which ``--json`` of the commands prints too.

Owns: their keys and units: times RFC 3339 UTC, durations seconds, sizes
bytes. Pure. Must not know: HTTP, the terminal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from watchdog import hints
from watchdog.clock import rfc3339
from watchdog.model import Failure, Hint, ProbeRun
from watchdog.results import ActiveHint, Status
from watchdog.secret import mask

Document = dict[str, Any]


def hint_of(failure: Failure, language: str, known: Mapping[str, str]) -> Hint | None:
    """Return the hint of *failure*, ``None`` where the catalogue has none."""
    return hints.hint_of(failure, language, known)


def moment(value: datetime | None) -> str | None:
    """Return an instant as RFC 3339 in UTC."""
    return rfc3339(value) if value is not None else None


def targets_document(statuses: Iterable[Status], language: str) -> Document:
    """Return the document of ``probe`` and `/api/v1/targets`."""
    return {"targets": [target_document(status, language) for status in statuses]}


def target_document(status: Status, language: str) -> Document:
    """Return one target as it stands."""
    target = status.target
    active = status.hints[0] if status.hints else None
    return {
        "name": target.name,
        "engine": target.engine,
        "url": target.url.masked,
        "server": status.server.name if status.server is not None else None,
        "labels": dict(target.labels),
        "up": status.up,
        "since": moment(status.since),
        "duration_seconds": status.round_duration,
        "phases": {phase.value: seconds for phase, seconds in status.phases.items()},
        "failure": failure_document(status.failure),
        "hint": _active_document(active, language, status.known),
        "hints": [_active_document(hint, language, status.known) for hint in status.hints],
        "probes": [_probe_document(run) for run in status.probes.values()],
        "backup": _backup_document(status),
    }


def failure_document(failure: Failure | None) -> Document | None:
    """Return a failure: ``phase`` and ``code`` are null where there is none."""
    if failure is None:
        return None
    return {
        "kind": failure.kind.value,
        "phase": failure.phase.value if failure.phase is not None else None,
        "code": failure.code or None,
        "message": mask(failure.message),
    }


def hint_document(hint: Hint) -> Document:
    """Return a hint."""
    return {
        "id": hint.id,
        "title": hint.title,
        "cause": hint.cause,
        "steps": list(hint.steps),
        "documentation": hint.documentation,
        "findings": list(hint.findings),
    }


def explanations_document(found: Iterable[tuple[Hint, float]]) -> Document:
    """Return the document of ``explain TEXT``: hints with their confidence, best first."""
    return {"hints": [hint_document(hint) | {"confidence": sure} for hint, sure in found]}


def backups_document(backups: Iterable[Mapping[str, Any]]) -> Document:
    """Return the document of ``backups``, `/api/v1/backups` and their like."""
    return {"backups": [dict(backup) for backup in backups]}


def _active_document(
    active: ActiveHint | None, language: str, known: Mapping[str, str]
) -> Document | None:
    if active is None:
        return None
    hint = hint_of(active.failure, language, known)
    if hint is None:
        return None
    return hint_document(hint) | {"since": moment(active.since)}


def _probe_document(run: ProbeRun) -> Document:
    return {
        "name": run.probe,
        "success": run.success,
        "duration_seconds": run.duration,
        "finished_at": moment(run.finished_at),
        "failure": failure_document(run.failure),
    }


def _backup_document(status: Status) -> Document:
    known = status.backup
    return {
        "enabled": status.target.backup is not None or known.enabled,
        "last_attempt_at": moment(known.last_attempt_at),
        "last_attempt_successful": known.last_attempt_successful,
        "last_success_at": moment(known.last_success_at),
        "recovery_point": moment(known.recovery_point),
        "next_run_at": moment(known.next_run_at),
        "running_since": moment(known.running_since),
        "failure": failure_document(known.last_failure),
        "suspect": failure_document(known.suspect),
        "held": known.held,
        "retention_halt": known.retention_halt or None,
        "paused_until": moment(known.paused_until),
        "pause_reason": known.pause_reason or None,
        "restore_duration_seconds": known.restore_duration,
        "objectives": {"rpo_seconds": known.rpo, "rto_seconds": known.rto},
        "breaches": [failure_document(failure) for failure in known.breaches],
    }
