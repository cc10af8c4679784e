"""How much room the WAL takes on disk.

Owns: reading the folder seldom, for it has a file for every 16 MiB. Source:
``pg_ls_waldir()``, which needs ``pg_monitor``.
"""

from __future__ import annotations

from typing import Final

from watchdog.engines import Probe
from watchdog.engines.postgresql.probes._columns import gauge
from watchdog.engines.postgresql.session import PostgresqlSession
from watchdog.model import Answer, Scope

SEGMENTS: Final = gauge(
    "wal_segments", "Segments in pg_wal (pg_ls_waldir); absent without pg_monitor."
)
SIZE: Final = gauge(
    "wal_size_bytes", "What they take on disk (pg_ls_waldir); absent without pg_monitor."
)

_MAY: Final = "select has_function_privilege('pg_ls_waldir()', 'EXECUTE')"
_QUERY: Final = """
select count(*)::int as segments, coalesce(sum(size), 0)::float8 as size
  from pg_ls_waldir() where name ~ '^[0-9A-F]{24}$'
"""


async def ask(session: PostgresqlSession) -> Answer:
    """List the folder where that is allowed."""
    if not await session.fetchval(_MAY):
        return Answer()
    row = await session.fetchrow(_QUERY)
    return Answer((SEGMENTS.sample(row["segments"]), SIZE.sample(row["size"])))


PROBE: Final = Probe(
    "wal_directory",
    Scope.SERVER,
    (SEGMENTS, SIZE),
    ask,
    interval=300.0,
    privileges=("pg_monitor",),
)
