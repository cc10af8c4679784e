"""The ResultStore: the last word on every target and server.

Owns: the last result per subject and action, the last run of each probe,
recent failures (kept apart from successes), the verdict up or down with its
exact times, the hints that apply, and the backup status. Must not know: who
reads it, what a hint says.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from watchdog import bygone
from watchdog.clock import Clock
from watchdog.model import (
    Diagnosis,
    Failure,
    Kind,
    Outcome,
    Phase,
    ProbeRun,
    Result,
    Server,
    Target,
)

_KEPT_FAILURES: Final = 50


@dataclass(frozen=True, slots=True)
class ActiveHint:
    """A hint that applies now; ``since`` is UTC."""

    failure: Failure
    since: datetime

    @property
    def id(self) -> str:
        """The cause id."""
        return self.failure.hint


@dataclass(frozen=True, slots=True)
class BackupStatus:
    """What is known of a target's backups. Instants are UTC or ``None`` for never; times seconds.

    ``runs`` and ``failures`` count since the process started. ``listed`` is
    whether what the destination holds is known: where it has not been seen
    since the start, no backups does not mean never. ``suspect`` is why the
    newest backup is held apart; ``retention_halt`` why nothing at all is
    removed; ``breaches`` are objectives (``rpo``, ``rto``) that are not met
    now. ``late``, ``retries`` and ``skipped`` (by reason)
    count since the process started, as ``runs`` does. ``measures`` are what
    the proof of the newest good backup, at ``measured_at``, has shown of the
    database. ``drilled_at`` is when the last restore drill was tried, and
    ``drill_failure`` why that did not succeed; ``rotten`` are the failures of
    stored backups that are no longer what they were, and ``oldest_proof_at``
    when the hash was last proven of the one for which that is longest ago.
    """

    enabled: bool = False
    listed: bool = True
    runs: int = 0
    failures: int = 0
    last_attempt_at: datetime | None = None
    last_attempt_successful: bool | None = None
    last_failure: Failure | None = None
    recovery_point: datetime | None = None
    last_success_at: datetime | None = None
    last_verified_at: datetime | None = None
    last_restored_at: datetime | None = None
    next_run_at: datetime | None = None
    interval: float | None = None
    last_size: int | None = None
    last_duration: float | None = None
    restore_duration: float | None = None
    verified_level: int | None = None
    count: int = 0
    stored_bytes: int = 0
    destination: str = ""
    destination_free: int | None = None
    running_since: datetime | None = None
    suspect: Failure | None = None
    held: int = 0
    paused_until: datetime | None = None
    pause_reason: str = ""
    retention_halt: str = ""
    measures: Mapping[str, Any] = field(default_factory=dict)
    measured_at: datetime | None = None
    rpo: float | None = None
    rto: float | None = None
    breaches: tuple[Failure, ...] = ()
    late: int = 0
    retries: int = 0
    skipped: Mapping[str, int] = field(default_factory=dict)
    drilled_at: datetime | None = None
    drill_failure: Failure | None = None
    rotten: tuple[Failure, ...] = ()
    oldest_proof_at: datetime | None = None


@dataclass(slots=True)
class Status:
    """A target as it stands. Read it, do not change it: only the store writes.

    ``up`` is ``None`` until the first round or its deadline. ``observed`` and
    ``down`` are seconds up to ``counted_to`` (monotonic); ``seconds`` brings
    them up to the present. ``blinded_at`` (monotonic) is when its server last
    said that it cannot be reached: only a younger visit can lift that.
    ``diagnoses`` are of what is wrong now; the failures and hints here have
    what they found in them already. ``unanswered`` are the hints, by their
    beginning, of which nobody knows whether they still apply, as their question
    goes unanswered; ``last_told`` are the hints of each probe's last answer.
    """

    target: Target
    server: Server | None
    up: bool | None = None
    since: datetime | None = None
    failure: Failure | None = None
    hints: tuple[ActiveHint, ...] = ()
    unanswered: Mapping[str, datetime] = field(default_factory=dict)
    visit: Result | None = None
    round_duration: float | None = None
    round_at: datetime | None = None
    phases: Mapping[Phase, float] = field(default_factory=dict)
    probes: dict[str, ProbeRun] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    failures_by_kind: dict[Kind, int] = field(default_factory=dict)
    hints_by_id: dict[str, int] = field(default_factory=dict)
    recent: deque[Incident] = field(default_factory=lambda: deque(maxlen=_KEPT_FAILURES))
    backup: BackupStatus = field(default_factory=BackupStatus)
    diagnoses: tuple[Diagnosis, ...] = ()
    last_told: dict[str, frozenset[str]] = field(default_factory=dict)
    observed: float = 0.0
    down: float = 0.0
    counted_to: float | None = None
    blinded_at: float | None = None

    def seconds(self, monotonic: float) -> tuple[float, float]:
        """Return exact (observed, down) seconds as of *monotonic*."""
        if self.counted_to is None:
            return self.observed, self.down
        more = max(0.0, monotonic - self.counted_to)
        return self.observed + more, self.down + (0.0 if self.up else more)

    @property
    def known(self) -> Mapping[str, str]:
        """What else fills the hints of its failures: that there is nothing to restore."""
        seen = self.backup.enabled and self.backup.listed
        none = self.target.backup is None or (seen and not self.backup.count)
        return {"backups": "none"} if none else {}

    def is_back_since(self, ended: datetime | None, duration: float | None) -> bool:
        """Whether the target came up after an attempt that *ended* then began."""
        if ended is None or self.up is not True or self.since is None:
            return False
        return self.since > ended - timedelta(seconds=duration or 0.0)


@dataclass(slots=True)
class ServerStatus:
    """A server as it stands; its own failure is a reason for its targets' being down."""

    server: Server
    ok: bool | None = None
    failure: Failure | None = None
    finished: float = 0.0
    phases: Mapping[Phase, float] = field(default_factory=dict)
    probes: dict[str, ProbeRun] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    absent: Mapping[str, Failure] = field(default_factory=dict)
    told: Mapping[str, Failure] = field(default_factory=dict)  # its failure, by target
    targets: tuple[str, ...] = ()
    troubles: tuple[Failure, ...] = ()  # all that its probes have told
    last_told: dict[str, frozenset[str]] = field(default_factory=dict)  # hints, by probe
    judgements: int = 0  # rounds after which its targets were judged anew


@dataclass(frozen=True, slots=True)
class Incident:
    """A failure as it happened, UTC."""

    at: datetime
    failure: Failure


class ResultStore:
    """Everything that pages and metrics read.

    One event loop, no locks. ``configure`` is for the composition root,
    ``put``, ``put_backup`` and ``put_diagnosis`` are for ``report``, the rest is
    for anybody.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._targets: dict[str, Status] = {}
        self._servers: dict[str, ServerStatus] = {}

    # -------------------------------------------------------------- reading

    def __iter__(self) -> Iterator[Status]:
        return iter(self.statuses())

    def statuses(self) -> list[Status]:
        """Return all targets in the order of the configuration."""
        return list(self._targets.values())

    def status(self, name: str) -> Status | None:
        """Return one target, ``None`` if there is no such one."""
        return self._targets.get(name)

    def servers(self) -> list[ServerStatus]:
        """Return all servers."""
        return list(self._servers.values())

    def server(self, name: str) -> ServerStatus | None:
        """Return one server by its ``host:port``."""
        return self._servers.get(name)

    def failures(self, name: str) -> list[Incident]:
        """Return the recent failures of a target, newest first."""
        status = self._targets.get(name)
        return list(reversed(status.recent)) if status else []

    # -------------------------------------------------------------- writing

    def configure(self, targets: Iterable[tuple[Target, Server | None]]) -> None:
        """Take the targets: new ones appear, removed ones go, moved ones start afresh."""
        statuses: dict[str, Status] = {}
        servers: dict[str, ServerStatus] = {}
        for target, server in targets:
            old = self._targets.get(target.name)
            if old is not None and old.target.url == target.url and old.server == server:
                old.target = target
                statuses[target.name] = old
            else:
                statuses[target.name] = Status(target, server)
            if server is None:
                continue
            if server.name not in servers:
                servers[server.name] = self._servers.get(server.name) or ServerStatus(server)
                servers[server.name].targets = ()
            servers[server.name].targets += (target.name,)
        self._targets, self._servers = statuses, servers

    def put(self, result: Result) -> tuple[str, ...]:
        """Take the result of a round or visit; return the names of the targets judged by it.

        A round that says what the last one said judges none.
        """
        if isinstance(result.subject, Server):
            return self._put_server(result)
        return self._put_target(result)

    def put_backup(self, name: str, backup: BackupStatus) -> None:
        """Take what is now known of a target's backups."""
        status = self._targets.get(name)
        if status is None:
            return  # removed by a reload while its backup was under way
        if backup.failures > status.backup.failures and backup.last_failure is not None:
            _increment(status.failures_by_kind, backup.last_failure.kind)
        status.backup = backup
        self._activate_hints(status)

    def put_diagnosis(self, name: str, diagnosis: Diagnosis) -> bool:
        """Take what a closer look found; return whether it is about what is wrong now."""
        status = self._targets.get(name)
        if status is None or not any(diagnosis.is_about(each) for each in self._troubles(status)):
            return False  # it has passed meanwhile
        others = (each for each in status.diagnoses if not each.of.same_as(diagnosis.of))
        status.diagnoses = (*others, diagnosis)
        if status.failure is not None:
            status.failure = diagnosis.refined(status.failure)
        self._activate_hints(status)
        return True

    def _put_server(self, result: Result) -> tuple[str, ...]:
        server = self._servers.get(result.subject.name)
        if server is None:
            return ()  # removed by a reload while its round was under way
        healthy = server.failure is None and not server.absent
        troubles = server.troubles
        server.ok = result.outcome is Outcome.OK
        server.failure = result.failure
        server.finished = result.finished
        server.absent = result.absent  # a round that could not ask knows of none
        server.told = result.told
        server.probes.update({run.probe: run for run in result.probes})
        server.troubles = tuple(_told_by(server.probes))
        _remember(result.probes, server.last_told)
        if server.ok:
            server.phases = result.phases or server.phases
            server.facts.update(result.facts)
        healthy = healthy and server.failure is None and not server.absent
        names = server.targets
        if healthy and server.troubles == troubles:
            # The server says what it said before: so is the verdict on those that are up.
            names = tuple([name for name in names if not self._targets[name].up])
        for name in names:
            status = self._targets[name]
            self._judge(status)
            if status.blinded_at == result.finished and status.failure is not None:
                _increment(status.failures_by_kind, status.failure.kind)
        server.judgements += bool(names)
        return names

    def _put_target(self, result: Result) -> tuple[str, ...]:
        name = result.subject.name
        status = self._targets.get(name)
        if status is None:
            return ()
        status.visit = result
        status.round_duration = result.duration
        status.round_at = result.started_at
        status.phases = result.phases
        status.probes.update({run.probe: run for run in result.probes})
        status.facts.update(result.facts)
        _remember(result.probes, status.last_told)
        if result.failure is not None:
            _increment(status.failures_by_kind, result.failure.kind)
        self._judge(status)
        return (name,)

    # -------------------------------------------------------------- the verdict

    def _judge(self, status: Status) -> None:
        """Set up or down from the last visit and, where there is one, the server's session."""
        verdict, failure = self._verdict(status)
        if verdict is None:
            return
        if failure is not None:
            failure = _refined(failure, status.diagnoses)
        if failure is not None and not (status.up is False and failure.same_as(status.failure)):
            status.recent.append(Incident(self._clock.now(), failure))
        now = self._clock.monotonic()
        status.observed, status.down = status.seconds(now)
        status.counted_to = now
        if status.up is not verdict:
            status.up = verdict
            status.since = self._clock.now()
        status.failure = failure
        self._activate_hints(status)

    def _verdict(self, status: Status) -> tuple[bool | None, Failure | None]:
        server = self._servers.get(status.server.name) if status.server else None
        if server is not None:
            failure = server.absent.get(status.target.name)
            if server.failure is not None and blinds_all(server.failure):
                failure = server.told.get(status.target.name, server.failure)
            if failure is not None:
                status.blinded_at = server.finished
                return False, failure
        visit = status.visit
        if visit is None:
            return None, None
        if visit.outcome is not Outcome.OK:
            return False, visit.failure
        started = visit.finished - visit.duration
        if status.blinded_at is not None and started < status.blinded_at:
            return False, status.failure
        return True, None

    def _activate_hints(self, status: Status) -> None:
        since = {**status.unanswered, **{hint.id: hint.since for hint in status.hints}}
        active: dict[str, ActiveHint] = {}
        for failure in self._refined_troubles(status):
            if failure.hint and failure.hint not in active:
                if failure.hint not in since:
                    _increment(status.hints_by_id, failure.hint)
                moment = since.get(failure.hint) or self._clock.now()
                active[failure.hint] = ActiveHint(failure, moment)
        status.hints = tuple(active.values())
        status.unanswered = {}
        if since:
            left = since.keys() - active.keys()
            status.unanswered = {each: since[each] for each in self._unanswered(status) & left}

    def _unanswered(self, status: Status) -> set[str]:
        """Return the hints of questions that are not answered now, so that nobody knows."""
        down = status.failure is not None
        found: set[str] = set()
        server = self._servers.get(status.server.name) if status.server else None
        asked = [(status.last_told, status.probes)]
        if server is not None:
            asked.append((server.last_told, server.probes))
        for told, runs in asked:
            for probe, ids in told.items():
                if down or not runs[probe].success:
                    found |= ids
        return found

    def _refined_troubles(self, status: Status) -> Iterable[Failure]:
        """Return all that is wrong with what was found about it; forget what has passed."""
        if not status.diagnoses:
            return self._troubles(status)
        if status.backup.last_failure is not None:
            known = _refined(status.backup.last_failure, status.diagnoses)
            status.backup = replace(status.backup, last_failure=known)
        troubles = [_refined(failure, status.diagnoses) for failure in self._troubles(status)]
        status.diagnoses = tuple(
            each for each in status.diagnoses if any(each.is_about(trouble) for trouble in troubles)
        )
        return troubles

    def _troubles(self, status: Status) -> Iterator[Failure]:
        """All that is wrong with a target, the gravest first."""
        if status.failure is not None:
            yield status.failure
        else:
            server = self._servers.get(status.server.name) if status.server else None
            yield from _told_by(status.probes)
            if server is not None:
                yield from server.troubles
        yield from _of_last_backup(status)
        if status.backup.suspect is not None:
            yield status.backup.suspect
        yield from status.backup.breaches
        yield from status.backup.rotten
        if status.backup.drill_failure is not None:
            yield status.backup.drill_failure


# A server that gives one of these answers has answered: a standby that
# cancelled one question for its replay, or that takes no writes.
_ANSWERS: Final = frozenset({"recovery_conflict", "in_recovery_read_only", "read_only_transaction"})


def blinds_all(failure: Failure) -> bool:
    """Whether a failure of a server's own session means that no target on it can be reached."""
    return failure.kind in (Kind.REACH, Kind.TIMEOUT, Kind.STATE) and failure.hint not in _ANSWERS


def _told_by(probes: Mapping[str, ProbeRun]) -> Iterator[Failure]:
    for run in probes.values():
        yield from run.answer.troubles
        if run.failure is not None:
            yield run.failure


def _remember(runs: Iterable[ProbeRun], told: dict[str, frozenset[str]]) -> None:
    """Note which hints the last answers hold; a question that fails takes nothing back."""
    for run in runs:
        if run.success and not run.answer.troubles:
            told.pop(run.probe, None)
            continue
        ids = frozenset([failure.hint for failure in run.answer.troubles if failure.hint])
        if not run.success:
            failed = run.failure.hint if run.failure is not None else ""
            ids = told.get(run.probe, frozenset()) | {failed} - {""}
        told[run.probe] = ids


def _of_last_backup(status: Status) -> Iterator[Failure]:
    """Yield why the last backup failed: as of now, or as of then if the database is back since."""
    backup = status.backup
    failure = backup.last_failure
    if backup.last_attempt_successful is not False or failure is None:
        return
    past = bygone.is_of_reaching(failure) and bygone.is_told_by_visits(status.target)
    if past and status.is_back_since(backup.last_attempt_at, backup.last_duration):
        assert backup.last_attempt_at is not None
        at, next_at = backup.last_attempt_at, backup.next_run_at
        yield bygone.of(failure, status.target.name, at, next_at)
    elif not past or status.up is not None:  # of one that was not visited yet nobody knows
        yield failure


def _refined(failure: Failure, diagnoses: Iterable[Diagnosis]) -> Failure:
    for diagnosis in diagnoses:
        failure = diagnosis.refined(failure)
    return failure


def _increment(counts: dict[Any, int], key: object) -> None:
    counts[key] = counts.get(key, 0) + 1
