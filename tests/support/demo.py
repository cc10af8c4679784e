"""A store filled with what a busy day looks like, for tests and for looking at pages.

Both engines; up, down, not yet known, with hints, backups fresh, failed,
running and off. Nothing here touches a database. ``python -m
tests.support.demo`` serves the status page of it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType

from watchdog.database_url import PostgresqlUrl, SqliteUrl
from watchdog.model import (
    Answer,
    BackupSettings,
    Failure,
    Kind,
    Metric,
    MetricType,
    Outcome,
    Phase,
    ProbeRun,
    Result,
    Sample,
    Server,
    Target,
)
from watchdog.secret import Secret

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
PASSWORD = "correct-horse-battery"  # must never be seen anywhere

CONNECTIONS = Metric(
    "watchdog_postgresql_connections",
    MetricType.GAUGE,
    "Client connections (pg_stat_activity).",
    ("state",),
)
DATABASE_SIZE = Metric(
    "watchdog_postgresql_database_size_bytes",
    MetricType.GAUGE,
    "Size of the database (pg_database_size).",
    ("datname",),
)
FILE_SIZE = Metric("watchdog_sqlite_file_size_bytes", MetricType.GAUGE, "Size of the file (stat).")


class FakeClock:
    """Both clocks, set by hand."""

    def __init__(self, now: datetime = NOW, monotonic: float = 1000.0) -> None:
        self.wall = now
        self.seconds = monotonic

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return self.wall

    def advance(self, seconds: float) -> None:
        """Let *seconds* pass on both clocks."""
        self.seconds += seconds
        self.wall += timedelta(seconds=seconds)


def postgresql(name: str, host: str = "postgres", database: str = "", **more: object) -> Target:
    """Return a PostgreSQL target with a password that must not show."""
    url = PostgresqlUrl(
        hosts=((host, 5432),),
        user="codelab",
        database=database or name.replace("-", "_"),
        password=Secret(PASSWORD),
    )
    return Target(name, "postgresql", url, **more)  # type: ignore[arg-type]


def sqlite(name: str, path: str = "", **more: object) -> Target:
    """Return a SQLite target."""
    return Target(name, "sqlite", SqliteUrl(path or f"/srv/data/{name}.db"), **more)  # type: ignore[arg-type]


def backed_up(schedule: str = "0 3 * * *") -> BackupSettings:
    """Return backup settings of the usual kind."""
    return BackupSettings(schedule, Path("/var/lib/db-watchdog/backups"))


def run(
    clock: FakeClock,
    probe: str,
    *found: Sample,
    success: bool = True,
    interval: float = 15.0,
    failure: Failure | None = None,
    troubles: tuple[Failure, ...] = (),
) -> ProbeRun:
    """Return a run of a probe that ends now."""
    return ProbeRun(
        probe=probe,
        success=success,
        duration=0.0042,
        interval=interval,
        finished=clock.monotonic(),
        finished_at=clock.now(),
        answer=Answer(tuple(found), troubles),
        failure=failure,
    )


def visit(
    clock: FakeClock,
    target: Target,
    *runs: ProbeRun,
    failure: Failure | None = None,
    **more: object,
) -> Result:
    """Return a visit of *target* that ends now."""
    if target.engine == "postgresql":
        phases = {
            Phase.RESOLVE: 0.0011,
            Phase.CONNECT: 0.0006,
            Phase.TLS: 0.0031,
            Phase.AUTHENTICATE: 0.0068,
            Phase.QUERY: 0.0009,
        }
    else:
        phases = {Phase.STAT: 0.0001, Phase.OPEN: 0.0004, Phase.READ: 0.0007}
    if failure is not None:
        phases = dict(list(phases.items())[:1])
    return Result(
        subject=target,
        action="connect",
        outcome=Outcome.OK if failure is None else Outcome.FAILED,
        started_at=clock.now(),
        finished=clock.monotonic(),
        duration=sum(phases.values()),
        failure=failure,
        phases=phases,
        probes=runs,
        **more,  # type: ignore[arg-type]
    )


def server_round(
    clock: FakeClock,
    server: Server,
    *runs: ProbeRun,
    failure: Failure | None = None,
    **more: object,
) -> Result:
    """Return a round of *server* that ends now."""
    return Result(
        subject=server,
        action="round",
        outcome=Outcome.OK if failure is None else Outcome.FAILED,
        started_at=clock.now(),
        finished=clock.monotonic(),
        duration=0.0031,
        failure=failure,
        probes=runs,
        **more,  # type: ignore[arg-type]
    )


WRONG_PASSWORD = Failure(
    Kind.AUTH,
    'password authentication failed for user "codelab"',
    Phase.AUTHENTICATE,
    "28P01",
    "auth_failed",
    MappingProxyType(
        {
            "host": "postgres",
            "port": "5432",
            "user": "codelab",
            "database": "auth_db",
            "target": "auth-service",
        }
    ),
)
REFUSED = Failure(
    Kind.REACH,
    "connect to 10.0.4.17:5432: connection refused",
    Phase.CONNECT,
    "ECONNREFUSED",
    "connection_refused",
    MappingProxyType(
        {
            "host": "10.0.4.17",
            "port": "5432",
            "user": "codelab",
            "database": "reports",
            "target": "reports",
        }
    ),
)
CROWDED = Failure(
    Kind.CAPACITY,
    "91 of 97 connections are in use",
    None,
    "",
    "too_many_connections",
    MappingProxyType(
        {"host": "postgres", "port": "5432", "user": "codelab", "database": "billing"}
    ),
)
DISK_FULL = Failure(
    Kind.BACKUP,
    "no space left on /var/lib/db-watchdog/backups: 1.2 GB free, 3.4 GB needed",
    Phase.PREFLIGHT,
    "ENOSPC",
    "backup_destination_full",
    MappingProxyType({"path": "/var/lib/db-watchdog/backups"}),
)
