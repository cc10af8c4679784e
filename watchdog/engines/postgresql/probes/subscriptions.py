"""Logical subscriptions of this server's databases: whether each works, and its errors.

Owns: ``pg_subscription`` (without its connection strings, which nobody but
superusers may read), ``pg_stat_subscription`` and, from 15 on,
``pg_stat_subscription_stats``.
"""

from __future__ import annotations

from typing import Any, Final

from watchdog.engines import Probe
from watchdog.engines.postgresql.probes._columns import Column, counter, gauge, metrics, readings
from watchdog.engines.postgresql.session import PostgresqlSession
from watchdog.model import Answer, Failure, Kind, Metric, Sample, Scope

_LABELS: Final = ("subname", "datname")


def _count(name: str, text: str) -> Metric:
    text = f"{text} (pg_stat_subscription_stats)."
    return counter(f"subscription_{name}_total", text, *_LABELS)


COLUMNS: Final = (
    Column(
        "enabled",
        gauge(
            "subscription_enabled",
            "Whether the subscription is to work: 1 or 0 (pg_subscription.subenabled).",
            *_LABELS,
        ),
    ),
    Column(
        "running",
        gauge(
            "subscription_running",
            "Whether a worker applies changes: 1 or 0 (pg_stat_subscription.pid).",
            *_LABELS,
        ),
    ),
    Column(
        "last_msg_receipt_time",
        gauge(
            "subscription_last_message_timestamp_seconds",
            "When the publisher was last heard of, in Unix time (pg_stat_subscription).",
            *_LABELS,
        ),
    ),
    Column(
        "latest_end_time",
        gauge(
            "subscription_latest_end_timestamp_seconds",
            "When the publisher was last told how far the changes are applied, in Unix time"
            " (pg_stat_subscription).",
            *_LABELS,
        ),
    ),
)
STATISTICS: Final = (
    Column("apply_error_count", _count("apply_errors", "Errors while changes were applied")),
    Column("sync_error_count", _count("sync_errors", "Errors while tables were first copied")),
    Column(
        "confl_insert_exists", _count("insert_exists_conflicts", "Inserts of a row that exists")
    ),
    Column(
        "confl_update_origin_differs",
        _count("update_origin_differs_conflicts", "Updates of a row that another origin changed"),
    ),
    Column(
        "confl_update_exists", _count("update_exists_conflicts", "Updates to a key that exists")
    ),
    Column(
        "confl_update_missing", _count("update_missing_conflicts", "Updates of a row that is gone")
    ),
    Column(
        "confl_delete_origin_differs",
        _count("delete_origin_differs_conflicts", "Deletes of a row that another origin changed"),
    ),
    Column(
        "confl_delete_missing", _count("delete_missing_conflicts", "Deletes of a row that is gone")
    ),
    Column(
        "confl_multiple_unique_conflicts",
        _count("multiple_unique_conflicts", "Changes that violate several unique constraints"),
    ),
)

SHOWN: Final = 50  # subscriptions, by their names

_QUERY: Final = """
select s.oid, s.subname::text as subname, d.datname::text as datname, s.subenabled as enabled,
       w.pid is not null as running, w.last_msg_receipt_time, w.latest_end_time
  from pg_subscription s
  join pg_database d on d.oid = s.subdbid
  left join pg_stat_subscription w on w.subid = s.oid and w.relid is null {leaders}
 order by s.subname, d.datname
"""
_LEADERS_SINCE: Final = 16  # a parallel worker has a row of its own, and a leader
_STATISTICS_SINCE: Final = 15


async def ask(session: PostgresqlSession) -> Answer:
    """Ask for every subscription of every database."""
    leaders = "and w.leader_pid is null" if session.version >= _LEADERS_SINCE else ""
    rows = await session.fetch(_QUERY.format(leaders=leaders))
    if not rows:
        return Answer()
    statistics: dict[int, Any] = {}
    if session.version >= _STATISTICS_SINCE:
        found = await session.fetch("select * from pg_stat_subscription_stats")
        statistics = {row["subid"]: row for row in found}
    samples: list[Sample] = []
    troubles: list[Failure] = []
    for row in rows[:SHOWN]:
        labels = (row["subname"], row["datname"])
        samples += readings(COLUMNS, row, *labels)
        if row["oid"] in statistics:
            samples += readings(STATISTICS, statistics[row["oid"]], *labels)
        if row["enabled"] and not row["running"]:
            troubles.append(_told(session, row))
    return Answer(tuple(samples), tuple(troubles))


def _told(session: PostgresqlSession, row: Any) -> Failure:
    return session.trouble(
        Kind.REPLICATION,
        f"subscription {row['subname']} of database {row['datname']} on"
        f" {session.url.server_name} is enabled and no worker applies its changes",
        hint="subscription_stopped",
        database=row["datname"],
        subscription=row["subname"],
    )


PROBE: Final = Probe(
    "subscriptions",
    Scope.SERVER,
    metrics((*COLUMNS, *STATISTICS)),
    ask,
    interval=240.0,
    privileges=("pg_monitor",),
)
