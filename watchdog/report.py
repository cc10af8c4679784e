"""The one place where a result fans out: store, transition log, hint, listeners.

Owns: what is said on a transition and when it is said again. Awaits nothing.
Must not know: pages, schedules, databases.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import structlog

from watchdog import hints
from watchdog.clock import Clock
from watchdog.model import Failure, Hint, Result
from watchdog.results import BackupStatus, ResultStore, Status

# A trouble that lasts is said again this often, in seconds.
REMINDER: Final = 3600.0

BACKUP: Final = "backup"  # the action whose results tell of backups

_log = structlog.get_logger("watchdog")


@dataclass(slots=True)
class _Told:
    """What has been said of a target, and when (monotonic)."""

    up: bool | None = None
    failure: Failure | None = None
    hints: dict[str, float] = field(default_factory=dict)
    failed_probes: frozenset[str] = frozenset()
    backup_runs: int = 0


class Report:
    """Takes results. *listeners* hear of each once the store has it.

    With *announce* off nothing is logged.
    """

    def __init__(
        self, store: ResultStore, clock: Clock, language: str = "en", *, announce: bool = True
    ) -> None:
        self._store = store
        self._clock = clock
        self._told: dict[str, _Told] = {}
        self.language = language
        self._announces = announce
        self.listeners: list[Callable[[Result], None]] = []
        self.backup_listeners: list[Callable[[str], None]] = []

    def take(self, result: Result) -> None:
        """Take the result of a round, a visit or a backup."""
        if result.action == BACKUP:
            self._take_backup_result(result)
            return
        names = self._store.put(result)
        # Metrics first: a defect in words must not leave an old verdict on a page.
        for listener in self.listeners:
            listener(result)
        for name in names:
            self._announce(name)

    def take_backup(self, name: str, backup: BackupStatus) -> None:
        """Take what is now known of a target's backups."""
        self._store.put_backup(name, backup)
        for listener in self.backup_listeners:
            listener(name)
        self._announce(name)

    def _take_backup_result(self, result: Result) -> None:
        status = self._store.status(result.subject.name)
        if status is None:
            return
        known = result.facts.get("backup")
        if not isinstance(known, BackupStatus):
            # It ended in a way that nobody foresaw: a failed attempt all the same.
            known = replace(
                status.backup,
                runs=status.backup.runs + 1,
                failures=status.backup.failures + 1,
                last_attempt_at=result.started_at,
                last_attempt_successful=False,
                last_failure=result.failure,
                running_since=None,
            )
        self.take_backup(result.subject.name, known)

    def forget(self, names: Sequence[str]) -> None:
        """Forget what was said of targets that are no longer configured."""
        for name in names:
            self._told.pop(name, None)

    # ------------------------------------------------------------------ what is said

    def _announce(self, name: str) -> None:
        status = self._store.status(name)
        if status is None or not self._announces:
            return
        told = self._told.setdefault(name, _Told())
        log = _log.bind(target=name, engine=status.target.engine)
        self._announce_verdict(status, told, log)
        self._announce_backup(status, told, log)
        self._announce_hints(status, told, log)
        self._announce_probes(status, told, log)

    def _announce_verdict(self, status: Status, told: _Told, log: Any) -> None:
        if status.up is None or (status.up is told.up and _same(status.failure, told.failure)):
            return
        now = self._clock.monotonic()
        if status.failure is not None:
            event = "target down" if told.up is not False else "target still down, another reason"
            log.error(event, **self._fields(status.failure))
            if status.failure.hint:
                told.hints[status.failure.hint] = now
        else:
            observed, down = status.seconds(now)
            log.info(
                "target up",
                duration_seconds=round(status.round_duration or 0.0, 4),
                down_seconds_total=round(down, 1),
                observed_seconds_total=round(observed, 1),
            )
        told.up, told.failure = status.up, status.failure

    def _announce_backup(self, status: Status, told: _Told, log: Any) -> None:
        backup = status.backup
        told_of, told.backup_runs = told.backup_runs, backup.runs
        if backup.runs <= told_of:
            return
        if backup.last_attempt_successful:
            log.info(
                "backup taken",
                size_bytes=backup.last_size,
                duration_seconds=round(backup.last_duration or 0.0, 3),
                verified_level=backup.verified_level,
                destination=backup.destination,
            )
        elif backup.last_failure is not None:
            log.error("backup failed", **self._fields(backup.last_failure))
            if backup.last_failure.hint:
                told.hints[backup.last_failure.hint] = self._clock.monotonic()

    def _announce_hints(self, status: Status, told: _Told, log: Any) -> None:
        now = self._clock.monotonic()
        active = {hint.id: hint.failure for hint in status.hints}
        for cause in told.hints.keys() - active.keys():
            del told.hints[cause]
            log.info("trouble over", hint=cause)
        for cause, failure in active.items():
            said = told.hints.get(cause)
            if said is None or now - said >= REMINDER:
                event = "trouble" if said is None else "trouble goes on"
                log.warning(event, **self._fields(failure))
                told.hints[cause] = now

    def _announce_probes(self, status: Status, told: _Told, log: Any) -> None:
        failed = frozenset(run.probe for run in status.probes.values() if not run.success)
        for name in sorted(failed - told.failed_probes):
            failure = status.probes[name].failure
            # a failure with a hint has been said above
            if failure is not None and not failure.hint:
                log.warning("probe failed", probe=name, **self._fields(failure))
        told.failed_probes = failed

    def _fields(self, failure: Failure) -> Mapping[str, object]:
        fields: dict[str, object] = {"kind": failure.kind.value, "message": failure.message}
        if failure.phase is not None:
            fields["phase"] = failure.phase.value
        if failure.code:
            fields["code"] = failure.code
        hint = self.hint(failure)
        if hint is not None:
            fields |= {
                "hint": hint.id,
                "title": hint.title,
                "cause": hint.cause,
                "steps": list(hint.steps),
                "documentation": hint.documentation,
            }
        return fields

    def hint(self, failure: Failure) -> Hint | None:
        """Return the hint of *failure* in the configured language, ``None`` for an unknown one."""
        if not failure.hint:
            return None
        try:
            return hints.render(failure.hint, failure.facts, self.language)
        except KeyError:
            return None  # a failure kept from a version whose catalogue knew it


def _same(one: Failure | None, other: Failure | None) -> bool:
    return one is other is None or (one is not None and one.same_as(other))
