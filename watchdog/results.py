"""The ResultStore: the last word on every target and server.

Owns: the last result per subject and action, the last run of each probe,
recent failures (kept apart from successes), the verdict up or down with its
exact times, and the backup status. Must not know: who reads it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from watchdog.clock import Clock
from watchdog.model import Failure, Outcome, Phase, ProbeRun, Result, Server, Target

ROUND: Final = "round"
CONNECT: Final = "connect"
BACKUP: Final = "backup"

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

    ``runs`` and ``failures`` count since the process started.
    """

    enabled: bool = False
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


@dataclass(slots=True)
class Status:
    """A target as it stands. Read it, do not change it: only the store writes.

    ``up`` is ``None`` until the first round or its deadline. ``observed`` and
    ``down`` are seconds up to ``counted_to`` (monotonic); ``seconds`` brings
    them up to the present.
    """

    target: Target
    server: Server | None
    up: bool | None = None
    since: datetime | None = None
    failure: Failure | None = None
    hints: tuple[ActiveHint, ...] = ()
    round_duration: float | None = None
    round_at: datetime | None = None
    phases: Mapping[Phase, float] = field(default_factory=dict)
    probes: dict[str, ProbeRun] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    failures_by_kind: dict[str, int] = field(default_factory=dict)
    hints_by_id: dict[str, int] = field(default_factory=dict)
    backup: BackupStatus = field(default_factory=BackupStatus)
    observed: float = 0.0
    down: float = 0.0
    counted_to: float | None = None

    def seconds(self, monotonic: float) -> tuple[float, float]:
        """Return exact (observed, down) seconds as of *monotonic*."""
        if self.counted_to is None:
            return self.observed, self.down
        more = max(0.0, monotonic - self.counted_to)
        return self.observed + more, self.down + (0.0 if self.up else more)


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
    targets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Incident:
    """A failure as it happened, UTC."""

    at: datetime
    failure: Failure


class ResultStore:
    """Everything that pages and metrics read. One loop, no locks; ``put`` and its like are for ``report``."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._targets: dict[str, Status] = {}
        self._servers: dict[str, ServerStatus] = {}
        self._visits: dict[str, Result] = {}
        self._failures: dict[str, deque[Incident]] = {}

    # -------------------------------------------------------------- reading

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
        return list(reversed(self._failures.get(name, ())))

    def visited(self, name: str) -> Result | None:
        """Return the last visit of a target."""
        return self._visits.get(name)

    # -------------------------------------------------------------- writing

    def configure(self, targets: Iterable[tuple[Target, Server | None]]) -> None:
        """Take the configured targets: new ones appear, removed ones go, changed ones start afresh."""
        fresh: dict[str, Status] = {}
        servers: dict[str, ServerStatus] = {}
        for target, server in targets:
            old = self._targets.get(target.name)
            if old is not None and old.target.url == target.url and old.server == server:
                old.target = target
                fresh[target.name] = old
            else:
                fresh[target.name] = Status(target, server)
                self._visits.pop(target.name, None)
                self._failures.pop(target.name, None)
            if server is not None:
                status = self._servers.get(server.name) or ServerStatus(server)
                members = servers[server.name].targets if server.name in servers else ()
                status.targets = (*members, target.name)
                servers[server.name] = status
        for name in self._targets.keys() - fresh.keys():
            self._visits.pop(name, None)
            self._failures.pop(name, None)
        self._targets, self._servers = fresh, servers

    def put(self, result: Result) -> tuple[str, ...]:
        """Take a result of a round or visit and return the names of the targets it tells about."""
        if isinstance(result.subject, Server):
            return self._put_server(result)
        return self._put_target(result)

    def put_backup(self, name: str, status: BackupStatus) -> None:
        """Take what is now known of a target's backups."""
        if name in self._targets:
            self._targets[name].backup = status

    def _put_server(self, result: Result) -> tuple[str, ...]:
        status = self._servers.get(result.subject.name)
        if status is None:
            return ()  # removed by a reload while its round was under way
        status.ok = result.outcome is Outcome.OK
        status.failure = result.failure
        status.finished = result.finished
        status.probes.update({run.probe: run for run in result.probes})
        if status.ok:
            status.phases = result.phases or status.phases
            status.facts.update(result.facts)
            status.absent = result.absent
        for name in status.targets:
            self._judge(self._targets[name])
        return status.targets

    def _put_target(self, result: Result) -> tuple[str, ...]:
        name = result.subject.name
        status = self._targets.get(name)
        if status is None:
            return ()
        self._visits[name] = result
        status.round_duration = result.duration
        status.round_at = result.started_at
        status.phases = result.phases
        status.probes.update({run.probe: run for run in result.probes})
        status.facts.update(result.facts)
        self._judge(status)
        return (name,)

    # -------------------------------------------------------------- the verdict

    def _judge(self, status: Status) -> None:
        """Set up or down from the last visit and, where there is one, the server's session."""
        verdict, failure = self._verdict(status)
        if verdict is None:
            return
        self._count(status, verdict)
        status.failure = failure
        if failure is not None and not failure.same_as(self._latest_failure(status)):
            self._failures.setdefault(status.target.name, deque(maxlen=_KEPT_FAILURES)).append(
                Incident(self._clock.now(), failure)
            )

    def _verdict(self, status: Status) -> tuple[bool | None, Failure | None]:
        visit = self._visits.get(status.target.name)
        server = self._servers.get(status.server.name) if status.server else None
        if server is not None:
            if server.failure is not None and blinds_all(server.failure):
                return False, server.failure
            absent = server.absent.get(status.target.name)
            if absent is not None:
                return False, absent
        if visit is None:
            return None, None
        if visit.outcome is Outcome.OK:
            stale = status.up is False and self._was_blind_since(visit, server, status)
            return (None, None) if stale else (True, None)
        return False, visit.failure

    @staticmethod
    def _was_blind_since(visit: Result, server: ServerStatus | None, status: Status) -> bool:
        """Whether the target went down after this successful visit: only a newer one can lift that."""
        return (
            server is not None
            and status.counted_to is not None
            and visit.finished < status.counted_to
        )

    def _latest_failure(self, status: Status) -> Failure | None:
        kept = self._failures.get(status.target.name)
        return kept[-1].failure if kept and status.up is False else None

    def _count(self, status: Status, verdict: bool) -> None:  # noqa: FBT001 - a private step
        now = self._clock.monotonic()
        status.observed, status.down = status.seconds(now)
        status.counted_to = now
        if status.up is not verdict:
            status.up = verdict
            status.since = self._clock.now()

    def __iter__(self) -> Iterator[Status]:
        return iter(self._targets.values())


def blinds_all(failure: Failure) -> bool:
    """Whether a failure of a server's own session means that no target on it can be reached."""
    from watchdog.model import Kind  # noqa: PLC0415

    return failure.kind in (Kind.REACH, Kind.TIMEOUT, Kind.STATE)


__all__ = [
    "BACKUP",
    "CONNECT",
    "ROUND",
    "ActiveHint",
    "BackupStatus",
    "Incident",
    "ResultStore",
    "ServerStatus",
    "Status",
    "blinds_all",
    "replace",
]
