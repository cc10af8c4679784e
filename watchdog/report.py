"""The one place where a result fans out: store, transition log, hint, listeners.

Owns: what is said on a transition and when it is said again. Awaits nothing.
Must not know: pages, schedules, databases.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import structlog

from watchdog import hints
from watchdog.clock import Clock
from watchdog.model import Diagnosis, Failure, Kind, Phase, ProbeRun, Result, Server
from watchdog.results import BackupStatus, ResultStore, Status

# A trouble that lasts is said again this often, in seconds; mere advice once a day.
REMINDER: Final = 3600.0
REMINDER_OF_ADVICE: Final = 86_400.0

BACKUP: Final = "backup"  # the action whose results tell of backups
# Actions that prove stored backups: what came of them is read from the files.
DRILL: Final = "drill"
REHASH: Final = "rehash"
DIAGNOSE: Final = "diagnose"  # the action whose results tell what a closer look found

_NAMED: Final = 20  # targets named in one line about a server

_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})

_log = structlog.get_logger("watchdog")


class _Reason(NamedTuple):
    """What makes two failures the same trouble."""

    kind: Kind
    phase: Phase | None
    code: str
    hint: str


@dataclass(slots=True)
class _Told:
    """What has been said of a target, and when (monotonic)."""

    up: bool | None = None
    failure: Failure | None = None
    reasons: dict[_Reason, float] = field(default_factory=dict)  # of this time of being down
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
        self._told_of_servers: dict[str, frozenset[str]] = {}
        self._remind_at = math.inf  # no trouble is to be said again before, monotonic
        self.language = language
        self._announces = announce
        self.listeners: list[Callable[[Result], None]] = []
        self.backup_listeners: list[Callable[[str], None]] = []

    def take(self, result: Result) -> None:
        """Take the result of a round, a visit, a backup or a closer look."""
        if result.action == BACKUP:
            self._take_backup_result(result)
            return
        if result.action in (DRILL, REHASH):
            return
        if result.action == DIAGNOSE:
            self._take_diagnosis(result)
            return
        names = self._store.put(result)
        # Metrics first: a defect in words must not leave an old verdict on a page.
        for listener in self.listeners:
            listener(result)
        for name in names:
            self._announce(name)
        if isinstance(result.subject, Server):
            self._announce_probes_of(result.subject)
            self._remind(result.subject)

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

    def _take_diagnosis(self, result: Result) -> None:
        diagnosis = result.facts.get("diagnosis")
        if not isinstance(diagnosis, Diagnosis):
            return  # it ended in a way that nobody foresaw, and the runner has said so
        about = []
        for name in result.facts["targets"]:
            if not self._store.put_diagnosis(name, diagnosis):
                continue
            about.append(name)
            for listener in self.backup_listeners:
                listener(name)
        if about and diagnosis.findings and self._announces:
            self._announce_diagnosis(about, diagnosis)

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
        where = {"target": name, "engine": status.target.engine}
        told.failed_probes = self._failed(status.probes, told.failed_probes, where)
        self._remind_at = min(self._remind_at, self._clock.monotonic() + REMINDER)

    def _remind(self, server: Server) -> None:
        """Say again what lasts on *server*: a round that changes nothing judges no target."""
        if self._clock.monotonic() < self._remind_at:
            return
        status = self._store.server(server.name)
        for name in status.targets if status is not None else ():
            self._announce(name)
        self._remind_at = min(
            (
                said + _patience(cause)
                for told in self._told.values()
                for cause, said in told.hints.items()
            ),
            default=math.inf,
        )

    def _announce_verdict(self, status: Status, told: _Told, log: Any) -> None:
        if status.up is None or (status.up is told.up and _same(status.failure, told.failure)):
            return
        now = self._clock.monotonic()
        if status.failure is not None:
            self._announce_down(status, status.failure, told, log)
        else:
            told.reasons.clear()
            observed, down = status.seconds(now)
            log.info(
                "target up",
                duration_seconds=round(status.round_duration or 0.0, 4),
                down_seconds_total=round(down, 1),
                observed_seconds_total=round(observed, 1),
            )
        told.up, told.failure = status.up, status.failure

    def _announce_down(self, status: Status, failure: Failure, told: _Told, log: Any) -> None:
        """Say why a target is down; reasons that take turns are said once an hour each."""
        now = self._clock.monotonic()
        reason = _Reason(failure.kind, failure.phase, failure.code, failure.hint)
        said = told.reasons.get(reason)
        if said is None or now - said >= REMINDER:
            event = "target down" if told.up is not False else "target still down, another reason"
            log.error(event, **self._fields(failure, status.known))
            told.reasons[reason] = now
            said = now
        if failure.hint:
            told.hints.setdefault(failure.hint, said)

    def _announce_diagnosis(self, names: Sequence[str], diagnosis: Diagnosis) -> None:
        """Say what a closer look found: one line, however many targets it is about."""
        now = self._clock.monotonic()
        failure = diagnosis.refined(diagnosis.of)
        for name in names:
            told, status = self._told.setdefault(name, _Told()), self._store.status(name)
            if status is not None and told.failure is not None and status.failure is not None:
                told.failure = status.failure  # the same one, better known
            if failure.hint:
                told.hints[failure.hint] = told.hints.pop(diagnosis.of.hint, now)
        status = self._store.status(names[0])
        assert status is not None
        where: dict[str, object] = {"target": names[0], "engine": status.target.engine}
        if len(names) > 1 and status.server is not None:
            where = {"server": status.server.name, "targets": list(names[:_NAMED])} | where
            del where["target"]
        _log.warning("diagnosis", **where, **self._fields(failure, status.known))

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
        # What takes turns with another reason is not over while the target is down;
        # nor is what nobody knows while its question goes unanswered.
        lasting = {reason.hint for reason in told.reasons} | status.unanswered.keys()
        if status.up is None:
            lasting |= told.hints.keys()
        for cause in told.hints.keys() - active.keys() - lasting:
            del told.hints[cause]
            log.info("trouble over", hint=cause)
        for cause, failure in active.items():
            said = told.hints.get(cause)
            if said is None or now - said >= _patience(cause):
                event = "trouble" if said is None else "trouble goes on"
                advice = hints.is_advice(cause)
                say = log.info if advice else log.warning
                say("advice" if advice else event, **self._fields(failure, status.known))
                told.hints[cause] = now

    def _announce_probes_of(self, server: Server) -> None:
        """Say once which questions a server does not answer, however many targets it has."""
        status = self._store.server(server.name)
        if status is not None and self._announces:
            told = self._told_of_servers.get(server.name, frozenset())
            where = {"server": server.name, "engine": server.engine}
            self._told_of_servers[server.name] = self._failed(status.probes, told, where)

    def _failed(
        self, runs: Mapping[str, ProbeRun], told: frozenset[str], where: Mapping[str, str]
    ) -> frozenset[str]:
        """Say which probes fail that did not before; return those that fail now."""
        failed = frozenset([run.probe for run in runs.values() if not run.success])
        for name in sorted(failed - told):
            failure = runs[name].failure
            # a failure with a hint is said as the target's trouble
            if failure is not None and not failure.hint:
                _log.warning("probe failed", probe=name, **where, **self._fields(failure))
        return failed

    def _fields(
        self, failure: Failure, known: Mapping[str, str] = _NOTHING
    ) -> Mapping[str, object]:
        fields: dict[str, object] = {"kind": failure.kind.value, "message": failure.message}
        if failure.phase is not None:
            fields["phase"] = failure.phase.value
        if failure.code:
            fields["code"] = failure.code
        if failure.findings:
            fields["found"] = [found.text(self.language) for found in failure.findings]
        hint = hints.hint_of(failure, self.language, known)
        if hint is not None:
            fields |= {
                "hint": hint.id,
                "title": hint.title,
                "cause": hint.cause,
                "steps": list(hint.steps),
                "documentation": hint.documentation,
            }
        return fields


def _patience(cause: str) -> float:
    """Return after how many seconds *cause* is said again."""
    return REMINDER_OF_ADVICE if hints.is_advice(cause) else REMINDER


def _same(one: Failure | None, other: Failure | None) -> bool:
    return one is other is None or (one is not None and one.same_as(other))
