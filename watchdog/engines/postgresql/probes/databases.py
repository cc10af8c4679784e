"""What each watched database has done: transactions, rows, blocks, sessions, failures.

Owns: ``pg_stat_database``, every column that the version has. Databases that
nobody watches have no series; ``watchdog_postgresql_databases`` counts them.
"""

from __future__ import annotations

import time
from typing import Any, Final

from watchdog.engines import Probe
from watchdog.engines.postgresql.probes._columns import (
    MILLISECONDS,
    Column,
    counter,
    gauge,
    metrics,
    number,
    readings,
)
from watchdog.engines.postgresql.session import PostgresqlSession
from watchdog.model import Answer, Failure, Kind, Metric, Sample, Scope


def _count(name: str, text: str) -> Metric:
    return counter(f"database_{name}_total", f"{text} (pg_stat_database).", "datname")


COLUMNS: Final = (
    Column(
        "numbackends",
        gauge("database_sessions", "Sessions in the database (pg_stat_database).", "datname"),
    ),
    Column("xact_commit", _count("commits", "Transactions committed")),
    Column("xact_rollback", _count("rollbacks", "Transactions rolled back")),
    Column("blks_read", _count("blocks_read", "Blocks read from outside the buffer cache")),
    Column("blks_hit", _count("blocks_hit", "Blocks found in the buffer cache")),
    Column("tup_returned", _count("rows_scanned", "Rows read by scans (tup_returned)")),
    Column("tup_fetched", _count("rows_fetched", "Rows fetched by index scans")),
    Column("tup_inserted", _count("rows_inserted", "Rows inserted")),
    Column("tup_updated", _count("rows_updated", "Rows updated")),
    Column("tup_deleted", _count("rows_deleted", "Rows deleted")),
    Column("conflicts", _count("conflicts", "Queries cancelled by the replay of a standby")),
    Column("temp_files", _count("temporary_files", "Temporary files written")),
    Column("temp_bytes", _count("temporary_bytes", "Bytes of temporary files written")),
    Column("deadlocks", _count("deadlocks", "Deadlocks broken")),
    Column("checksum_failures", _count("checksum_failures", "Pages whose checksum was wrong")),
    Column(
        "checksum_last_failure",
        gauge(
            "database_checksum_last_failure_timestamp_seconds",
            "When a page's checksum was last wrong, in Unix time (pg_stat_database).",
            "datname",
        ),
    ),
    Column(
        "blk_read_time",
        _count("block_read_seconds", "Time spent reading blocks, with track_io_timing"),
        MILLISECONDS,
    ),
    Column(
        "blk_write_time",
        _count("block_write_seconds", "Time spent writing blocks, with track_io_timing"),
        MILLISECONDS,
    ),
    Column(
        "session_time", _count("session_seconds", "Time in sessions, idle or not"), MILLISECONDS
    ),
    Column("active_time", _count("active_seconds", "Time in statements"), MILLISECONDS),
    Column(
        "idle_in_transaction_time",
        _count("idle_in_transaction_seconds", "Time idle in a transaction"),
        MILLISECONDS,
    ),
    Column("sessions", _count("sessions_begun", "Sessions begun")),
    Column("sessions_abandoned", _count("sessions_abandoned", "Sessions whose client was lost")),
    Column("sessions_fatal", _count("sessions_fatal", "Sessions ended by a fatal error")),
    Column("sessions_killed", _count("sessions_killed", "Sessions ended by an operator")),
    Column(
        "parallel_workers_to_launch",
        _count("parallel_workers_planned", "Parallel workers that plans asked for"),
    ),
    Column(
        "parallel_workers_launched",
        _count("parallel_workers_launched", "Parallel workers that were launched"),
    ),
    Column(
        "stats_reset",
        gauge(
            "database_statistics_reset_timestamp_seconds",
            "When these statistics were last reset, in Unix time (pg_stat_database).",
            "datname",
        ),
    ),
)
SHARED: Final = counter(
    "shared_checksum_failures_total",
    "Pages of shared catalogues whose checksum was wrong (pg_stat_database).",
)

RECENT: Final = 86_400.0  # seconds for which a wrong checksum is told as a trouble


async def ask(session: PostgresqlSession) -> Answer:
    """Ask for the row of every watched database and for that of the shared catalogues."""
    rows = await session.fetch(
        "select * from pg_stat_database where datname = any($1::name[]) or datid = 0",
        sorted(session.databases),
    )
    samples: list[Sample] = []
    corrupt: list[str] = []
    for row in rows:
        last = number(row["checksum_last_failure"])
        if last is not None and time.time() - last < RECENT:
            corrupt.append(row["datname"] or "shared catalogues")
        if row["datname"] is not None:
            samples += _of_database(session, row)
        elif row["checksum_failures"] is not None:
            samples.append(SHARED.sample(row["checksum_failures"]))
    return Answer(tuple(samples), _told(session, corrupt))


def _of_database(session: PostgresqlSession, row: Any) -> tuple[Sample, ...]:
    """Return what a row says; a quiet database says what it said before."""
    kept = session.kept.get((PROBE.name, row["datname"]))
    if kept is None or kept[0] != row:
        kept = row, tuple(readings(COLUMNS, row, row["datname"]))
        session.kept[PROBE.name, row["datname"]] = kept
    return kept[1]


def _told(session: PostgresqlSession, corrupt: list[Any]) -> tuple[Failure, ...]:
    if not corrupt:
        return ()
    names = ", ".join(sorted(corrupt))
    return (
        session.trouble(
            Kind.STORAGE,
            f"pages with a wrong checksum were read within a day on {session.url.server_name}:"
            f" {names}",
            hint="corruption",
        ),
    )


PROBE: Final = Probe("databases", Scope.SERVER, (*metrics(COLUMNS), SHARED), ask, interval=60.0)
