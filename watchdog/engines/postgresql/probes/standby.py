"""What a standby knows of its own replay.

Owns: the parts of replication lag and one figure that does not lie: with the
primary dead, or the link cut, everything received is replayed and the naive
lag is 0; here it then grows with the age of the last transaction. Sources:
``pg_stat_wal_receiver``, ``pg_last_wal_receive_lsn()``,
``pg_last_wal_replay_lsn()``, ``pg_last_xact_replay_timestamp()``,
``pg_is_wal_replay_paused()``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from watchdog.engines import Probe
from watchdog.engines.postgresql.probes._columns import gauge, sample
from watchdog.engines.postgresql.session import PostgresqlSession
from watchdog.model import Answer, Failure, Kind, Role, Sample, Scope

STREAMING: Final = gauge(
    "wal_receiver_streaming",
    "Whether the standby is connected to its primary and receives WAL: 1 or 0"
    " (pg_stat_wal_receiver); 0 also where WAL only comes from an archive.",
)
EXPECTED: Final = gauge(
    "wal_receiver_expected",
    "Whether the standby is told to stream from a primary: 1 or 0 (the setting primary_conninfo);"
    " absent without pg_monitor.",
)
LAG: Final = gauge(
    "replication_lag_seconds",
    "How far the standby is behind: 0 only while it streams, has heard of its primary within a"
    " minute and has replayed all; else the age of the last replayed transaction"
    " (pg_last_xact_replay_timestamp).",
)
GAP: Final = gauge(
    "receive_replay_gap_bytes",
    "WAL that is received and not yet replayed (pg_last_wal_receive_lsn less"
    " pg_last_wal_replay_lsn).",
)
REPLAYED: Final = gauge(
    "last_transaction_replay_timestamp_seconds",
    "When the last replayed transaction was committed on the primary, in Unix time"
    " (pg_last_xact_replay_timestamp).",
)
HEARD: Final = gauge(
    "wal_receiver_last_message_timestamp_seconds",
    "When the primary was last heard of, in Unix time"
    " (pg_stat_wal_receiver.last_msg_receipt_time).",
)
LATEST_END: Final = gauge(
    "wal_receiver_latest_end_timestamp_seconds",
    "When the primary last told the end of its WAL, in Unix time"
    " (pg_stat_wal_receiver.latest_end_time).",
)
PAUSED: Final = gauge(
    "replay_paused", "Whether somebody paused the replay: 1 or 0 (pg_is_wal_replay_paused)."
)

FRESH: Final = 60.0  # seconds since the primary was heard of; it sends at least every 30

_QUERY: Final = """
select coalesce(r.status = 'streaming', false) as streaming,
       extract(epoch from clock_timestamp() - r.last_msg_receipt_time)::float8 as silence,
       extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp())::float8 as age,
       pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())::float8 as gap,
       pg_last_xact_replay_timestamp() as replayed, r.last_msg_receipt_time as heard,
       r.latest_end_time as latest_end, pg_is_wal_replay_paused() as paused,
       case when pg_has_role('pg_read_all_settings', 'USAGE')
            then current_setting('primary_conninfo') <> '' end as expected
  from (select) s left join pg_stat_wal_receiver r on true
"""


async def ask(session: PostgresqlSession) -> Answer:
    """Ask the standby for its replay and its receiver."""
    row = await session.fetchrow(_QUERY)
    troubles: tuple[Failure, ...] = ()
    if row["expected"] and not row["streaming"]:
        behind = f"; its data are {row['age']:.0f} s old" if row["age"] is not None else ""
        troubles = (
            session.trouble(
                Kind.REPLICATION,
                f"the standby {session.url.server_name} does not receive WAL from its primary"
                f"{behind}",
                hint="standby_disconnected",
            ),
        )
    return Answer(tuple(_samples(row)), troubles)


def _samples(row: Any) -> Iterator[Sample]:
    yield STREAMING.sample(row["streaming"])
    yield from sample(EXPECTED, row["expected"])
    yield from sample(LAG, _lag(row))
    yield from sample(GAP, row["gap"])
    yield from sample(REPLAYED, row["replayed"])
    yield from sample(HEARD, row["heard"])
    yield from sample(LATEST_END, row["latest_end"])
    yield PAUSED.sample(row["paused"])


def _lag(row: Any) -> float | None:
    """Return the seconds behind; nothing where no transaction has ever been replayed."""
    heard = row["silence"] is not None and row["silence"] < FRESH
    if row["streaming"] and heard and row["gap"] is not None and row["gap"] <= 0:
        return 0.0
    return None if row["age"] is None else max(0.0, row["age"])


PROBE: Final = Probe(
    "standby",
    Scope.SERVER,
    (STREAMING, EXPECTED, LAG, GAP, REPLAYED, HEARD, LATEST_END, PAUSED),
    ask,
    role=Role.STANDBY,
    privileges=("pg_monitor",),
)
