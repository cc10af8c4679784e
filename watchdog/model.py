"""The words of the house as types.

Owns: target, server, action, sample, failure, hint, result and their closed
lists. Standard library only; must not know any engine, file format or page.
"""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from watchdog.database_url import DatabaseUrl
from watchdog.errors import WatchdogError

_EMPTY: Mapping[str, Any] = MappingProxyType({})


def _nothing() -> Mapping[str, Any]:
    return _EMPTY


class Kind(enum.StrEnum):
    """The family of a failure: those of the hint catalogue, ``timeout`` and ``internal``."""

    REACH = "reach"
    TLS = "tls"
    AUTH = "auth"
    CAPACITY = "capacity"
    STATE = "state"
    QUERY = "query"
    STORAGE = "storage"
    PRIVILEGE = "privilege"
    START = "start"
    POOLER = "pooler"
    SCHEMA = "schema"
    REPLICATION = "replication"
    BACKUP = "backup"
    SQLITE = "sqlite"
    TIMEOUT = "timeout"  # a deadline of ours passed; the phase says where
    INTERNAL = "internal"  # a defect of ours


class Phase(enum.StrEnum):
    """Where in an action a failure happened."""

    RESOLVE = "resolve"
    CONNECT = "connect"
    TLS = "tls"
    AUTHENTICATE = "authenticate"
    QUERY = "query"
    STAT = "stat"
    OPEN = "open"
    READ = "read"
    PREFLIGHT = "preflight"
    DUMP = "dump"
    COPY = "copy"
    VERIFY = "verify"
    PUBLISH = "publish"
    PRUNE = "prune"


class Outcome(enum.StrEnum):
    """How an action ended."""

    OK = "ok"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Lane(enum.StrEnum):
    """Which pool of slots an action runs in, so that a long dump never starves probes."""

    PROBES = "probes"
    BACKUPS = "backups"
    DIAGNOSES = "diagnoses"


class Scope(enum.StrEnum):
    """Whether a probe asks about a whole server or about one target."""

    SERVER = "server"
    TARGET = "target"


class Role(enum.StrEnum):
    """What a server is among those that hold the same data."""

    PRIMARY = "primary"
    STANDBY = "standby"


class ProofMode(enum.StrEnum):
    """How exactly the content of a backup is taken down at the instant of its data."""

    AUTO = "auto"  # the rows of each table, unless the database is too large for that
    COUNTS = "counts"  # the rows of each table
    DIGESTS = "digests"  # and a digest of what is in them
    OFF = "off"


class SessionMode(enum.StrEnum):
    """Whether the server's session is kept between rounds."""

    HELD = "held"
    PER_ROUND = "per-round"


class MetricType(enum.StrEnum):
    """The OpenMetrics type of a metric."""

    GAUGE = "gauge"
    COUNTER = "counter"
    INFO = "info"


# ------------------------------------------------------------------ what is configured


@dataclass(frozen=True, slots=True)
class ProbeSettings:
    """How a target is probed. Times in seconds.

    ``tables`` and ``statements`` are how many of each have series of their
    own; the rest is counted and added up.
    """

    interval: float = 15.0
    timeout: float = 5.0
    connect_interval: float = 60.0
    session: SessionMode = SessionMode.HELD
    write_lock: bool = False  # whether SQLite files are opened for writing to time the lock
    tables: int = 20
    statements: int = 0


@dataclass(frozen=True, slots=True)
class Keep:
    """Which backups stay, as counts of calendar periods; ``None`` keeps none for that reason.

    ``min_free`` keeps whatever no other rule keeps as long as the destination
    has so many bytes left.
    """

    last: int | None = 3
    hourly: int | None = None
    daily: int | None = None
    weekly: int | None = None
    monthly: int | None = None
    yearly: int | None = None
    min_free: int | None = None


@dataclass(frozen=True, slots=True)
class Objectives:
    """How much may be lost and how long the way back may take, in seconds; ``None``: not said."""

    rpo: float | None = None
    rto: float | None = None


@dataclass(frozen=True, slots=True)
class DrillSettings:
    """When and where a backup is restored into scratch. Times in seconds.

    ``server`` is ``local`` (a server of our own for the time of the drill),
    ``auto`` (the same, and no drill where its programs are not installed),
    ``same`` (the watched one) or the URL of a server for it. ``assertions``
    are queries that each have to answer true on the restored copy.
    ``directory`` is where scratch files lie, ``None`` for the usual place.
    """

    schedule: str = "@every 7d"
    server: DatabaseUrl | str = "auto"
    assertions: tuple[str, ...] = ()
    directory: Path | None = None
    timeout: float = 6 * 3600.0


@dataclass(frozen=True, slots=True)
class Selection:
    """Schemas and tables by pg_dump's patterns; ``data`` are tables whose rows alone are meant."""

    schemas: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    data: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.schemas or self.tables or self.data)


@dataclass(frozen=True, slots=True)
class BackupSettings:
    """When and where a target is backed up. Times in seconds.

    ``no_progress`` is how long a dump or copy may write nothing, ``yield_after`` how
    long others may wait behind its locks (``None``: as long as it takes).
    """

    schedule: str  # crontab(5) line, or "@every 6h" and its like
    directory: Path  # absolute; the target's folder is below it
    timezone: str = "UTC"
    keep: Keep = field(default_factory=Keep)
    url: DatabaseUrl | None = None  # the direct server, where the target's own URL is a pooler
    spread: float = 0.0
    run_on_start: bool = False
    timeout: float = 6 * 3600.0  # a dump longer than this is cancelled
    no_progress: float = 900.0
    yield_after: float | None = None
    role_globals: bool = True  # whether roles and tablespaces are written beside a dump
    include: Selection = field(default_factory=Selection)
    exclude: Selection = field(default_factory=Selection)
    objectives: Objectives = field(default_factory=Objectives)
    proof: ProofMode = ProofMode.AUTO
    drill: DrillSettings | None = field(default_factory=DrillSettings)


@dataclass(frozen=True, slots=True)
class Target:
    """A database that we watch."""

    name: str
    engine: str
    url: DatabaseUrl
    labels: Mapping[str, str] = field(default_factory=_nothing)
    probe: ProbeSettings = field(default_factory=ProbeSettings)
    backup: BackupSettings | None = None
    password_file: Path | None = None  # read again when a login fails

    @property
    def subject(self) -> str:
        """The key under which results about it are stored."""
        return f"target:{self.name}"


@dataclass(frozen=True, slots=True)
class Server:
    """A server that several targets may share; ``name`` is ``host:port``."""

    name: str
    engine: str

    @property
    def subject(self) -> str:
        """The key under which results about it are stored."""
        return f"server:{self.name}"

    @property
    def place(self) -> str:
        """The gate of the one connection that we may have there beside the held session."""
        return f"place at {self.name}"


Subject = Target | Server


# ------------------------------------------------------------------ what is measured


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric as its owner declares it.

    ``name`` is full (``watchdog_…``, counters with ``_total``, infos with
    ``_info``); ``labels`` are those beside ``target`` or ``server`` and
    ``engine``, which are added where lines are rendered; ``help`` names the
    source view or file.
    """

    name: str
    type: MetricType
    help: str
    labels: tuple[str, ...] = ()

    def sample(self, value: float, *labels: str) -> Sample:
        """Return a reading of this metric; *labels* in the declared order."""
        if len(labels) != len(self.labels):
            raise ValueError(f"{self.name} takes labels {self.labels}, not {labels}")
        return Sample(self, float(value), labels)


class Sample(NamedTuple):
    """One reading. There are thousands of them: a tuple is made and compared fastest."""

    metric: Metric
    value: float
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """What a closer look found: one plain sentence in each language; ``step`` is who looked."""

    step: str
    en: str
    ru: str

    def text(self, language: str) -> str:
        """Return the sentence in *language*; English where there is none."""
        return self.ru if language == "ru" else self.en


@dataclass(frozen=True, slots=True)
class Failure:
    """An error after classification. The message has its secrets masked already.

    ``code`` is the SQLSTATE, the SQLite result code's name (``SQLITE_BUSY``)
    or the errno's name; "" where there is none. ``hint`` is the id of the
    best cause in the catalogue, "" where none fits. ``facts`` fill the
    placeholders of its steps (host, port, database, user, path, …);
    ``findings`` are what a closer look found since.
    """

    kind: Kind
    message: str
    phase: Phase | None = None
    code: str = ""
    hint: str = ""
    facts: Mapping[str, str] = field(default_factory=_nothing)
    findings: tuple[Finding, ...] = ()

    def same_as(self, other: Failure | None) -> bool:
        """Whether *other* is the same trouble, so that it is not announced twice."""
        return other is not None and (self.kind, self.phase, self.code, self.hint) == (
            other.kind,
            other.phase,
            other.code,
            other.hint,
        )


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What a closer look at the failure *of* found.

    ``facts`` are what is known beside those of the failure; ``hint`` is a
    better cause than the failure's own, "" where that one stands, and
    ``kind`` that cause's family: a better one always says why in ``findings``.
    ``evidence`` is kept for the record only.
    """

    of: Failure
    findings: tuple[Finding, ...] = ()
    facts: Mapping[str, str] = field(default_factory=_nothing)
    hint: str = ""
    kind: Kind | None = None
    evidence: Mapping[str, Any] = field(default_factory=_nothing)

    def refined(self, failure: Failure) -> Failure:
        """Return *failure* with what was found, if it is the one that was looked at."""
        if not self.findings or failure.findings == self.findings or not self.of.same_as(failure):
            return failure
        return replace(
            failure,
            kind=self.kind or failure.kind,
            hint=self.hint or failure.hint,
            facts={**failure.facts, **self.facts},
            findings=self.findings,
        )

    def is_about(self, failure: Failure) -> bool:
        """Whether *failure* is the one that was looked at, refined already or not."""
        return self.of.same_as(failure) or self.refined(self.of).same_as(failure)


class ActionFailed(WatchdogError):  # noqa: N818 - it reads as what happened
    """An action met a failure that has been classified already."""

    def __init__(self, failure: Failure) -> None:
        self.failure = failure
        super().__init__(failure.message)


@dataclass(frozen=True, slots=True)
class Hint:
    """What to do about a failure, in one language, with the target's own names filled in.

    ``findings`` are what a closer look at it found.
    """

    id: str
    title: str
    cause: str
    steps: tuple[str, ...]
    documentation: str
    findings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a probe found: samples, troubles that do not make the target down, facts for pages.

    ``troubles`` are failures of the database's health, not of the probe: the
    target stays up, the hint becomes active.
    """

    samples: tuple[Sample, ...] = ()
    troubles: tuple[Failure, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=_nothing)


class ProbeRun(NamedTuple):
    """One probe, asked once. ``finished`` is monotonic, ``finished_at`` UTC, the rest seconds."""

    probe: str
    success: bool
    duration: float
    interval: float  # how often it is asked: the age at which its values expire follows from it
    finished: float
    finished_at: datetime
    answer: Answer = Answer()
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What came of an action.

    ``finished`` is monotonic; ``phases`` are seconds; ``absent`` names the
    targets of a server that its session says cannot be reached at all
    (dropped, not accepting connections) with the failure of each. ``told`` is
    the failure of a server in the words of each of its targets, by name.
    """

    subject: Subject
    action: str
    outcome: Outcome
    started_at: datetime
    finished: float
    duration: float
    failure: Failure | None = None
    phases: Mapping[Phase, float] = field(default_factory=dict)
    probes: tuple[ProbeRun, ...] = ()
    absent: Mapping[str, Failure] = field(default_factory=_nothing)
    told: Mapping[str, Failure] = field(default_factory=_nothing)
    facts: Mapping[str, Any] = field(default_factory=_nothing)
    run_id: str = ""


# ------------------------------------------------------------------ what is done


@dataclass(frozen=True, slots=True)
class Action:
    """A piece of work on a target or server.

    ``key`` is the single flight: while one action of a key runs, another of
    the same key is an overlap and is not started. ``gate`` names a resource
    that only one action at a time may use (a server's visiting connection);
    actions wait for it in turn, and waiting is not part of their deadline.
    ``work`` answers with a Result or ``None`` when nothing was due.
    """

    name: str
    subject: Subject
    lane: Lane
    deadline: float  # seconds
    work: Callable[[], Awaitable[Result | None]]
    gate: str = ""

    @property
    def key(self) -> str:
        """The single-flight key."""
        return f"{self.name}:{self.subject.subject}"
