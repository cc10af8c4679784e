"""A store filled with what a busy day looks like, for tests and for looking at pages.

Both engines; up, down, not yet known, with hints, backups fresh, failed,
running and off. Nothing here touches a database. ``python -m
tests.support.demo`` serves the status page of it.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType

from watchdog.backups.status import judged
from watchdog.database_url import PostgresqlUrl, SqliteUrl
from watchdog.metrics.exposition import Exposition
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
from watchdog.results import BackupStatus, ResultStore
from watchdog.secret import Secret
from watchdog.web.application import build
from watchdog.web.server import HttpServer
from watchdog.web.services import Health, Services

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
PASSWORD = "correct-horse-battery"  # must never be seen anywhere

CONNECTIONS_USED = Metric(
    "watchdog_postgresql_connections_used", MetricType.GAUGE, "Used (pg_stat_activity)."
)
CONNECTIONS_LIMIT = Metric(
    "watchdog_postgresql_connections_limit", MetricType.GAUGE, "The setting max_connections."
)
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
WAL_SIZE = Metric("watchdog_sqlite_wal_size_bytes", MetricType.GAUGE, "Size of the WAL (stat).")
DISK_FREE = Metric(
    "watchdog_sqlite_filesystem_free_bytes", MetricType.GAUGE, "Free space (statvfs)."
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
    "backup_no_space",
    MappingProxyType(
        {"path": "/var/lib/db-watchdog/backups", "folder": "/var/lib/db-watchdog/backups"}
    ),
)


# ------------------------------------------------------------------ a busy day


def busy_day(clock: FakeClock) -> ResultStore:
    """Return a store in which everything that can be seen happens at once."""
    store = ResultStore(clock)
    server = Server("postgres:5432", "postgresql")
    other = Server("10.0.4.17:5432", "postgresql")
    well = [
        postgresql("agent-runtime", labels={"team": "codelab"}, backup=backed_up("@every 6h")),
        postgresql("billing", backup=backed_up()),
        postgresql("sessions"),
    ]
    auth = postgresql("auth-service", database="auth_db", backup=backed_up())
    reports = postgresql("reports", host="10.0.4.17", backup=backed_up())
    notes = sqlite("notes", labels={"team": "codelab"}, backup=backed_up())
    telemetry = sqlite("telemetry", "/mnt/fast/telemetry/2026/telemetry.db", backup=backed_up())
    fresh = sqlite("scratch")
    placed = [(target, server) for target in (*well, auth)]
    store.configure([*placed, (reports, other), (notes, None), (telemetry, None), (fresh, None)])

    clock.advance(-3 * 86400 - 15000)
    _everyone_up(clock, store, [*well, auth, reports, notes, telemetry], (server, other))
    clock.advance(3 * 86400 + 15000 - 2400)
    store.put(server_round(clock, other, failure=REFUSED))
    store.put(visit(clock, reports, failure=REFUSED))
    clock.advance(2400 - 190)
    store.put(visit(clock, auth, failure=WRONG_PASSWORD))
    clock.advance(190)
    _everyone_up(clock, store, [*well, notes, telemetry], (server,))
    _backups(clock, store)
    return store


def _everyone_up(
    clock: FakeClock, store: ResultStore, targets: list[Target], servers: tuple[Server, ...]
) -> None:
    for server in servers:
        readings = run(
            clock,
            "connections",
            CONNECTIONS_USED.sample(91 if len(targets) < 8 else 23),
            CONNECTIONS_LIMIT.sample(100),
            troubles=(CROWDED,) if server.name == "postgres:5432" and clock.wall == NOW else (),
        )
        sizes = {"agent_runtime": 3.41e9, "billing": 812e6, "sessions": 96.4e6, "auth_db": 47e6}
        size = run(
            clock,
            "database_size",
            *(DATABASE_SIZE.sample(count, name) for name, count in sizes.items()),
            interval=300,
        )
        store.put(
            server_round(
                clock,
                server,
                readings,
                size,
                facts={"version": "17.10 (Debian 17.10-1)", "role": "primary"},
            )
        )
    for target in targets:
        if target.engine == "sqlite":
            large = target.name == "telemetry"
            found = [FILE_SIZE.sample(5.9e9 if large else 38.2e6), WAL_SIZE.sample(4.1e6)]
            free = run(clock, "filesystem", DISK_FREE.sample(1.2e9 if large else 212e9))
            store.put(visit(clock, target, run(clock, "file", *found), free, run(clock, "pages")))
        else:
            store.put(visit(clock, target, run(clock, "target")))


def _backups(clock: FakeClock, store: ResultStore) -> None:
    def ago(hours: float) -> datetime:
        return clock.now() - timedelta(hours=hours)

    good = BackupStatus(
        enabled=True,
        runs=9,
        last_attempt_at=ago(9),
        last_attempt_successful=True,
        recovery_point=ago(9),
        last_success_at=ago(8.99),
        last_verified_at=ago(8.98),
        next_run_at=ago(-15.2),
        interval=86400,
        last_size=612_000_000,
        last_duration=41.7,
        verified_level=3,
        count=14,
        stored_bytes=8_260_000_000,
        destination="/var/lib/db-watchdog/backups",
        destination_free=212_000_000_000,
    )
    store.put_backup("agent-runtime", replace(good, recovery_point=ago(2.1), next_run_at=ago(-3.9)))
    store.put_backup("auth-service", good)
    store.put_backup("notes", replace(good, recovery_point=ago(9.2), count=7, verified_level=4))
    store.put_backup("billing", replace(good, running_since=clock.now() - timedelta(seconds=95)))
    store.put_backup("reports", replace(good, recovery_point=ago(33)))
    failed = replace(
        good,
        failures=1,
        last_attempt_successful=False,
        last_failure=DISK_FULL,
        recovery_point=ago(33),
        last_success_at=ago(33),
    )
    store.put_backup("telemetry", failed)


def one_down(clock: FakeClock) -> ResultStore:
    """Return a store in which one login fails and all else is well: the picture of the page."""
    store = ResultStore(clock)
    server = Server("postgres:5432", "postgresql")
    auth = postgresql("auth-service", database="auth_db", backup=backed_up())
    well = [
        postgresql("agent-runtime", labels={"team": "codelab"}, backup=backed_up()),
        postgresql("billing", backup=backed_up()),
        sqlite("notes", backup=backed_up()),
        sqlite("telemetry", backup=backed_up()),
        sqlite("search-index", backup=backed_up()),
        sqlite("feature-flags"),
    ]
    placed = [(target, server if target.engine == "postgresql" else None) for target in well]
    store.configure([(auth, server), *placed])
    clock.advance(-3 * 86400 - 15000)
    _everyone_up(clock, store, [auth, *well], (server,))
    clock.advance(3 * 86400 + 15000 - 190)
    store.put(visit(clock, auth, failure=WRONG_PASSWORD))
    clock.advance(191)
    _everyone_up(clock, store, [*well, *well], (server,))
    clock.advance(-1)
    _backups(clock, store)
    store.put_backup("search-index", store.status("notes").backup)
    store.put_backup("telemetry", store.status("notes").backup)
    return store


def calm_day(clock: FakeClock, targets: int = 12) -> ResultStore:
    """Return a store in which all is well."""
    store = ResultStore(clock)
    server = Server("postgres:5432", "postgresql")
    half = targets // 2
    shared = [postgresql(f"service-{number:03}", backup=backed_up()) for number in range(half)]
    files = [sqlite(f"file-{number:03}", backup=backed_up()) for number in range(targets - half)]
    store.configure([*((t, server) for t in shared), *((t, None) for t in files)])
    clock.advance(-90000)
    _everyone_up(clock, store, [*shared, *files], (server,))
    clock.advance(90001)
    _everyone_up(clock, store, [*shared, *files], (server,))
    clock.advance(-1)
    for target in (*shared, *files):
        store.put_backup(
            target.name,
            BackupStatus(
                enabled=True,
                last_attempt_successful=True,
                recovery_point=clock.now() - timedelta(hours=7),
                last_success_at=clock.now() - timedelta(hours=7),
                next_run_at=clock.now() + timedelta(hours=17),
                count=3,
                stored_bytes=3_000_000,
            ),
        )
    return store


SUSPECT = Failure(
    Kind.SCHEMA,
    "20261123T030000Z-1f3a5c of billing is held apart, the older backups are kept and the recovery"
    " point stays: the server is another one (system identifier 7300000000000000002, it was"
    " 7300000000000000001); it has 0 tables, it had 41. If this is right: db-watchdog accept"
    " billing",
    Phase.VERIFY,
    hint="different_database",
    facts=MappingProxyType({"target": "billing", "server": "postgres:5432"}),
)


def guarded_day(clock: FakeClock) -> ResultStore:
    """Return a store with a suspect database, a pause and objectives met and missed."""
    store = calm_day(clock, 6)
    names = [status.target.name for status in store]
    for name, changes in zip(
        names,
        (
            {"suspect": SUSPECT, "held": 3, "rpo": 86400.0, "retention_halt": "different"},
            {"paused_until": clock.now() + timedelta(minutes=42), "pause_reason": "moving a disk"},
            {"rpo": 6 * 3600.0, "rto": 900.0, "restore_duration": 250.0},
            {"rpo": 86400.0, "rto": 900.0, "restore_duration": 1200.0},
            {"rpo": 86400.0, "rto": 900.0},
            {},
        ),
        strict=True,
    ):
        known = replace(store.status(name).backup, **changes)
        store.put_backup(name, judged(known, name, clock.now()))
    return store


# ------------------------------------------------------------------ to look at


def services(store: ResultStore, clock: FakeClock, **more: object) -> Services:
    """Return services that read *store* and touch nothing."""

    async def probe_now(name: str, seconds: float) -> bool:
        return True

    async def catalogue() -> list[dict[str, object]]:
        return []

    given: dict[str, object] = {
        "store": store,
        "exposition": Exposition(store, clock, describe),
        "clock": clock,
        "probe_now": probe_now,
        "catalogue": catalogue,
        "awaited": list,
        "health": lambda: Health(ok=True),
        "configuration": "config/watchdog.yaml",
    }
    return Services(**(given | more))  # type: ignore[arg-type]


def describe(target: Target) -> dict[str, str]:
    """Return what configuration alone tells, as engines do."""
    if isinstance(target.url, PostgresqlUrl):
        host, port = target.url.hosts[0]
        return {"server": f"{host}:{port}", "datname": target.url.database}
    return {"path": target.url.path}


async def _serve(listen: str, scene: str, language: str) -> None:
    clock = FakeClock()
    store = {
        "busy": busy_day,
        "one": one_down,
        "calm": calm_day,
        "guarded": guarded_day,
        "empty": ResultStore,
    }[scene](clock)
    server = HttpServer(build(services(store, clock, language=language)))
    await server.start(listen)
    print(*server.addresses, flush=True)
    async with asyncio.TaskGroup() as group:
        group.create_task(server.run())
        while True:
            await asyncio.sleep(1)
            clock.advance(1)


if __name__ == "__main__":
    arguments = [*sys.argv[1:], "127.0.0.1:0", "busy", "en"][:3]
    asyncio.run(_serve(*arguments))
