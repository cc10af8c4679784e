"""What the store knows of a target or server, as samples of the core metrics.

Owns: which core series exist when; unknown is absent, never 0. Must not know:
formats, when anything is rendered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from watchdog.metrics import names
from watchdog.model import Kind, Metric, Phase, ProbeRun, Sample
from watchdog.results import BackupStatus, ServerStatus, Status

# In the order of BackupStatus' fields: an instant that never was reads as 0.
_INSTANTS: tuple[tuple[Metric, str], ...] = (
    (names.BACKUP_RECOVERY_POINT, "recovery_point"),
    (names.BACKUP_LAST_SUCCESS, "last_success_at"),
    (names.BACKUP_LAST_ATTEMPT, "last_attempt_at"),
    (names.BACKUP_LAST_VERIFIED, "last_verified_at"),
    (names.BACKUP_LAST_RESTORED, "last_restored_at"),
    (names.BACKUP_NEXT_RUN, "next_run_at"),
    (names.BACKUP_LAST_DRILL, "drilled_at"),
)
_MEASURES: tuple[tuple[Metric, str], ...] = (
    (names.BACKUP_INTERVAL, "interval"),
    (names.BACKUP_LAST_SIZE, "last_size"),
    (names.BACKUP_LAST_DURATION, "last_duration"),
    (names.BACKUP_RESTORE_DURATION, "restore_duration"),
    (names.BACKUP_VERIFIED_LEVEL, "verified_level"),
)
_MEASURED: tuple[tuple[Metric, str], ...] = (
    (names.SQLITE_QUICK_CHECK, "quick_check_seconds"),
    (names.SQLITE_INTEGRITY_CHECK, "integrity_check_seconds"),
    (names.SQLITE_COPY_STALL, "copy_stall_seconds"),
    (names.SQLITE_FOREIGN_KEYS, "foreign_key_violations"),
    (names.SQLITE_OTHER_TABLES, "other_tables"),
    (names.SQLITE_OTHER_TABLES_SIZE, "other_table_bytes"),
)


def state(status: Status) -> Iterator[Sample]:
    """Yield what never expires: the verdict, failures and hints."""
    if status.up is not None:
        yield names.UP.sample(float(status.up))
    for kind in Kind:
        yield names.FAILURES.sample(status.failures_by_kind.get(kind, 0), kind)
    if status.up is False and status.failure is not None:
        phase = status.failure.phase or ""
        yield names.FAILURE_ACTIVE.sample(1, status.failure.kind, phase)
    active = dict.fromkeys(hint.id for hint in status.hints if hint.id)
    yield names.HINTS.sample(len(active))
    for hint in dict.fromkeys((*status.hints_by_id, *active)):
        if hint not in status.unanswered:  # nobody knows
            yield names.HINT_ACTIVE.sample(float(hint in active), hint)
        yield names.HINTS_TOTAL.sample(status.hints_by_id.get(hint, 1), hint)


def visit(phases: Mapping[Phase, float], duration: float) -> Iterator[Sample]:
    """Yield the durations of a finished round or visit, in seconds."""
    for phase, seconds in phases.items():
        yield names.CONNECT_DURATION.sample(seconds, phase)
    yield names.ROUND_DURATION.sample(duration)


def run(probe: ProbeRun) -> Iterator[Sample]:
    """Yield how the probe's last run went; this expires with its values."""
    labels = (probe.probe,)
    yield Sample(names.PROBE_SUCCESS, float(probe.success), labels)
    yield Sample(names.PROBE_DURATION, probe.duration, labels)


def times(probe: ProbeRun, last_success: datetime | None) -> Iterator[Sample]:
    """Yield when the probe ran; timestamps tell their own age and never expire."""
    labels = (probe.probe,)
    yield Sample(names.PROBE_INTERVAL, probe.interval, labels)
    yield Sample(names.PROBE_LAST_RUN, probe.finished_at.timestamp(), labels)
    if last_success is not None:
        yield Sample(names.PROBE_LAST_SUCCESS, last_success.timestamp(), labels)


def server(status: ServerStatus) -> Iterator[Sample]:
    """Yield what the server said of itself, if it answers."""
    facts = status.facts
    if status.ok and facts:
        said = (str(facts.get(label, "")) for label in names.SERVER_INFO.labels)
        yield names.SERVER_INFO.sample(1, *said)


def backup(status: Status) -> Iterator[Sample]:
    """Yield the state of the target's backups; but for ``enabled`` nothing where they are off."""
    enabled = status.target.backup is not None or status.backup.enabled
    yield names.BACKUP_ENABLED.sample(float(enabled))
    if status.backup.enabled:
        yield from _backup(status.backup)


def _backup(known: BackupStatus) -> Iterator[Sample]:
    if known.last_attempt_successful is not None:
        yield names.BACKUP_LAST_ATTEMPT_SUCCESSFUL.sample(float(known.last_attempt_successful))
    yield names.BACKUP_RUNS.sample(known.runs)
    yield names.BACKUP_FAILURES.sample(known.failures)
    yield from _punctual(known)
    yield from _objectives(known)
    for metric, name in _INSTANTS:
        moment: datetime | None = getattr(known, name)
        if moment is not None:
            yield metric.sample(moment.timestamp())
        elif known.listed:
            yield metric.sample(0)  # never; where nobody could look it is unknown, and absent
    for metric, name in _MEASURES:
        value: float | None = getattr(known, name)
        if value is not None:
            yield metric.sample(value)
    yield from _proven(known)
    if known.listed:
        yield names.BACKUP_SUSPECT.sample(known.suspect is not None)
        yield names.BACKUP_RETENTION_HALTED.sample(bool(known.retention_halt))
        yield names.BACKUPS.sample(known.count)
        yield names.BACKUP_STORED.sample(known.stored_bytes)
    yield from _measured(known)
    if known.destination_free is not None:
        yield names.DESTINATION_FREE.sample(known.destination_free, known.destination)


def _punctual(known: BackupStatus) -> Iterator[Sample]:
    """Yield whether backups begin when they are due."""
    yield names.BACKUP_LATE.sample(known.late)
    yield names.BACKUP_RETRIES.sample(known.retries)
    for reason, count in known.skipped.items():
        yield names.BACKUP_SKIPPED.sample(count, reason)
    until = known.paused_until
    yield names.BACKUP_PAUSED_UNTIL.sample(until.timestamp() if until is not None else 0)


def _proven(known: BackupStatus) -> Iterator[Sample]:
    """Yield what later proofs of stored backups have shown."""
    if known.oldest_proof_at is not None:
        yield names.BACKUP_OLDEST_PROOF.sample(known.oldest_proof_at.timestamp())
    if known.drilled_at is not None:
        yield names.BACKUP_LAST_DRILL_SUCCESSFUL.sample(known.drill_failure is None)
    if known.listed:
        yield names.BACKUP_ROTTEN.sample(len(known.rotten))


def _measured(known: BackupStatus) -> Iterator[Sample]:
    """Yield what the proof of a copy has shown of the database itself."""
    measures = known.measures
    if known.measured_at is None or "integrity_check_seconds" not in measures:
        return
    yield names.SQLITE_CHECKED.sample(known.measured_at.timestamp())
    for metric, name in _MEASURED:
        if name in measures:
            yield metric.sample(measures[name])
    for table, size in measures.get("table_bytes", {}).items():
        yield names.SQLITE_TABLE_SIZE.sample(size, table)


def _objectives(known: BackupStatus) -> Iterator[Sample]:
    """Yield what was asked for, and whether it is met where that is known."""
    missed = {failure.facts.get("objective") for failure in known.breaches}
    for name, limit, unknown in (
        ("rpo", known.rpo, known.recovery_point is None and not known.listed),
        ("rto", known.rto, known.restore_duration is None),
    ):
        if limit is None:
            continue
        yield names.BACKUP_OBJECTIVE.sample(limit, name)
        if not unknown:
            yield names.BACKUP_OBJECTIVE_MET.sample(name not in missed, name)
