"""Whether the WAL archive is kept up: point-in-time recovery has no gap, pg_wal does not grow.

Owns: ``pg_stat_archiver`` and how many segments wait
(``pg_ls_archive_statusdir()``, which needs ``pg_monitor``). Nothing where
``archive_mode`` is off, or on a standby that does not archive.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from watchdog.engines import Probe
from watchdog.engines.postgresql.probes._columns import counter, gauge, sample
from watchdog.engines.postgresql.session import PostgresqlSession
from watchdog.model import Answer, Failure, Kind, Sample, Scope

ARCHIVED: Final = counter("archived_segments_total", "WAL segments archived (pg_stat_archiver).")
FAILED: Final = counter("archive_failures_total", "Failed attempts to archive (pg_stat_archiver).")
LAST_ARCHIVED: Final = gauge(
    "archive_last_success_timestamp_seconds",
    "When a segment was last archived, in Unix time (pg_stat_archiver); absent if never.",
)
LAST_FAILED: Final = gauge(
    "archive_last_failure_timestamp_seconds",
    "When archiving last failed, in Unix time (pg_stat_archiver); absent if never.",
)
FAILING: Final = gauge(
    "archive_failing",
    "Whether the last attempt to archive failed: 1 or 0 (pg_stat_archiver, last_failed_time after"
    " last_archived_time).",
)
READY: Final = gauge(
    "archive_waiting_segments",
    "Segments that wait to be archived (pg_ls_archive_statusdir); absent without pg_monitor.",
)

_QUERY: Final = """
select *, current_setting('archive_mode') as mode, pg_is_in_recovery() as standby,
       last_failed_time is not null
         and last_failed_time > coalesce(last_archived_time, '-infinity') as failing,
       has_function_privilege('pg_ls_archive_statusdir()', 'EXECUTE') as may_list
  from pg_stat_archiver
"""
_READY: Final = """
select count(*)::int from pg_ls_archive_statusdir() where name like '%.ready'
"""


async def ask(session: PostgresqlSession) -> Answer:
    """Ask for the archiver where there is one."""
    row = await session.fetchrow(_QUERY)
    if row["mode"] == "off" or (row["standby"] and row["mode"] != "always"):
        return Answer()
    ready = await session.fetchval(_READY) if row["may_list"] else None
    troubles: tuple[Failure, ...] = ()
    if row["failing"]:
        wait = f"; {ready} segments wait" if ready is not None else ""
        troubles = (
            session.trouble(
                Kind.REPLICATION,
                f"archiving {row['last_failed_wal']} failed on {session.url.server_name}{wait}",
                hint="wal_archive_failed",
            ),
        )
    return Answer(tuple(_samples(row, ready)), troubles)


def _samples(row: Any, ready: int | None) -> Iterator[Sample]:
    yield ARCHIVED.sample(row["archived_count"])
    yield FAILED.sample(row["failed_count"])
    yield from sample(LAST_ARCHIVED, row["last_archived_time"])
    yield from sample(LAST_FAILED, row["last_failed_time"])
    yield FAILING.sample(row["failing"])
    yield from sample(READY, ready)


PROBE: Final = Probe(
    "archiver",
    Scope.SERVER,
    (ARCHIVED, FAILED, LAST_ARCHIVED, LAST_FAILED, FAILING, READY),
    ask,
    interval=240.0,
    privileges=("pg_monitor",),
)
