"""The standbys and subscribers that this server sends its WAL to, and how far each is behind.

Owns: ``pg_stat_replication`` as the sender sees it: a standby that is gone
has no series, ``watchdog_postgresql_standbys`` falls. A base backup is no
standby. Needs ``pg_monitor``: without it only how many there are is known.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from watchdog.engines import Probe
from watchdog.engines.postgresql.probes._columns import Column, gauge, metrics, readings
from watchdog.engines.postgresql.session import PostgresqlSession
from watchdog.model import Answer, Sample, Scope

_LABELS: Final = ("application_name", "client_addr")
STANDBYS: Final = gauge(
    "standbys", "Connected standbys and subscribers, without base backups (pg_stat_replication)."
)
COLUMNS: Final = (
    Column(
        "streaming",
        gauge(
            "standby_streaming",
            "Whether the standby has caught up and streams: 1 or 0 (pg_stat_replication.state).",
            *_LABELS,
        ),
    ),
    Column(
        "synchronous",
        gauge(
            "standby_synchronous",
            "Whether commits wait for this standby: 1 or 0 (pg_stat_replication.sync_state is sync"
            " or quorum).",
            *_LABELS,
        ),
    ),
    Column(
        "sent_lag",
        gauge(
            "standby_sent_lag_bytes",
            "WAL that is not yet sent to the standby (pg_stat_replication.sent_lsn).",
            *_LABELS,
        ),
    ),
    Column(
        "replay_lag",
        gauge(
            "standby_replay_lag_bytes",
            "WAL that the standby has not yet replayed (pg_stat_replication.replay_lsn).",
            *_LABELS,
        ),
    ),
    Column(
        "write_seconds",
        gauge(
            "standby_write_lag_seconds",
            "Time until recent WAL was written by the standby (pg_stat_replication.write_lag);"
            " absent while all is quiet.",
            *_LABELS,
        ),
    ),
    Column(
        "flush_seconds",
        gauge(
            "standby_flush_lag_seconds",
            "Time until recent WAL was flushed by the standby (pg_stat_replication.flush_lag);"
            " absent while all is quiet.",
            *_LABELS,
        ),
    ),
    Column(
        "replay_seconds",
        gauge(
            "standby_replay_lag_seconds",
            "Time until recent WAL was replayed by the standby (pg_stat_replication.replay_lag);"
            " absent while all is quiet.",
            *_LABELS,
        ),
    ),
    Column(
        "reply_time",
        gauge(
            "standby_reply_timestamp_seconds",
            "When the standby last answered, in Unix time (pg_stat_replication.reply_time).",
            *_LABELS,
        ),
    ),
)

SHOWN: Final = 50  # standbys, the furthest behind first

# Two standbys of one name at one address are told together by the worse.
_QUERY: Final = """
with sender as (
  select coalesce(application_name, '') as application_name,
         coalesce(host(client_addr), '') as client_addr, state, sync_state, sent_lsn, replay_lsn,
         write_lag, flush_lag, replay_lag, reply_time,
         case when pg_is_in_recovery() then pg_last_wal_receive_lsn()
              else pg_current_wal_lsn() end as here
    from pg_stat_replication
   where state is distinct from 'backup')
select application_name, client_addr, count(*)::int as number, count(state)::int as visible,
       min((state = 'streaming')::int) as streaming,
       min((sync_state in ('sync', 'quorum'))::int) as synchronous,
       max(greatest(pg_wal_lsn_diff(here, sent_lsn), 0))::float8 as sent_lag,
       max(greatest(pg_wal_lsn_diff(here, replay_lsn), 0))::float8 as replay_lag,
       max(extract(epoch from write_lag))::float8 as write_seconds,
       max(extract(epoch from flush_lag))::float8 as flush_seconds,
       max(extract(epoch from replay_lag))::float8 as replay_seconds,
       min(reply_time) as reply_time
  from sender group by 1, 2 order by replay_lag desc nulls last
"""


async def ask(session: PostgresqlSession) -> Answer:
    """Ask the senders of WAL."""
    rows = await session.fetch(_QUERY)
    return Answer(tuple(_samples(rows)))


def _samples(rows: list[Any]) -> Iterator[Sample]:
    yield STANDBYS.sample(sum(row["number"] for row in rows))
    for row in rows[:SHOWN]:
        if row["visible"]:
            yield from readings(COLUMNS, row, row["application_name"], row["client_addr"])


PROBE: Final = Probe(
    "standbys",
    Scope.SERVER,
    (STANDBYS, *metrics(COLUMNS)),
    ask,
    interval=60.0,
    privileges=("pg_monitor",),
)
