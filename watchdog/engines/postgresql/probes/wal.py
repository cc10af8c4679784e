"""How much WAL is made, and where it stands.

Owns: the position (``pg_current_wal_lsn()``, on a standby
``pg_last_wal_replay_lsn()``) and ``pg_stat_wal`` (14 and later; 18 keeps its
writes and syncs in ``pg_stat_io``).
"""

from __future__ import annotations

from typing import Final

from watchdog.engines import Probe
from watchdog.engines.postgresql.probes._columns import (
    MILLISECONDS,
    Column,
    counter,
    metrics,
    readings,
    sample,
)
from watchdog.engines.postgresql.session import PostgresqlSession
from watchdog.model import Answer, Scope

POSITION: Final = counter(
    "wal_position_bytes_total",
    "The end of the WAL, counted from the beginning (pg_current_wal_lsn; on a standby what it has"
    " replayed, pg_last_wal_replay_lsn).",
)
COLUMNS: Final = (
    Column("wal_records", counter("wal_records_total", "WAL records made (pg_stat_wal).")),
    Column("wal_fpi", counter("wal_full_pages_total", "Full pages put in WAL (pg_stat_wal).")),
    Column("wal_bytes", counter("wal_bytes_total", "Bytes of WAL made (pg_stat_wal).")),
    Column(
        "wal_buffers_full",
        counter("wal_buffers_full_total", "Times that wal_buffers was full (pg_stat_wal)."),
    ),
    Column(
        "wal_write",
        counter("wal_writes_total", "Times that WAL was written (pg_stat_wal, up to 17)."),
    ),
    Column(
        "wal_sync", counter("wal_syncs_total", "Times that WAL was synced (pg_stat_wal, up to 17).")
    ),
    Column(
        "wal_write_time",
        counter(
            "wal_write_seconds_total",
            "Time spent writing WAL, with track_wal_io_timing (pg_stat_wal, up to 17).",
        ),
        MILLISECONDS,
    ),
    Column(
        "wal_sync_time",
        counter(
            "wal_sync_seconds_total",
            "Time spent syncing WAL, with track_wal_io_timing (pg_stat_wal, up to 17).",
        ),
        MILLISECONDS,
    ),
)

_QUERY: Final = """
select pg_wal_lsn_diff(case when pg_is_in_recovery() then pg_last_wal_replay_lsn()
                            else pg_current_wal_lsn() end, '0/0')::float8 as position {view}
"""
_VIEW_SINCE: Final = 14


async def ask(session: PostgresqlSession) -> Answer:
    """Ask for the position and the statistics."""
    view = ", w.* from pg_stat_wal w" if session.version >= _VIEW_SINCE else ""
    row = await session.fetchrow(_QUERY.format(view=view))
    return Answer((*sample(POSITION, row["position"]), *readings(COLUMNS, row)))


PROBE: Final = Probe("wal", Scope.SERVER, (POSITION, *metrics(COLUMNS)), ask, interval=120.0)
