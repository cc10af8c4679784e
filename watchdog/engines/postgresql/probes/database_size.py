"""How large the watched databases are.

Owns: asking for it seldom, for it walks through every file: one database at a
time, each bounded by itself, all of them by a budget. Source:
``pg_database_size``, for which CONNECT or ``pg_read_all_stats`` is needed.
"""

from __future__ import annotations

import time
from typing import Final

import asyncpg

from watchdog.engines import Probe
from watchdog.engines.postgresql.session import PostgresqlSession
from watchdog.model import Answer, Metric, MetricType, Sample, Scope

SIZE: Final = Metric(
    "watchdog_postgresql_database_size_bytes",
    MetricType.GAUGE,
    "Size of the database on disk (pg_database_size); absent where it may not be asked.",
    ("datname",),
)

INTERVAL: Final = 300.0  # seconds

_ALLOWED: Final = """
select datname::text as name from pg_database
 where datname = any($1::name[]) and datallowconn and datconnlimit <> -2
   and (has_database_privilege(oid, 'CONNECT') or pg_has_role('pg_read_all_stats', 'USAGE'))
 order by 1
"""


async def ask(session: PostgresqlSession) -> Answer:
    """Ask for the size of each watched database.

    Raises the last error if none could be had in time; databases that were
    dropped meanwhile, or whose size takes too long, are left out.
    """
    rows = await session.fetch(_ALLOWED, sorted(session.databases))
    until = time.monotonic() + session.limits.statement
    samples: list[Sample] = []
    last: asyncpg.PostgresError | None = None
    for row in rows:
        try:
            size = await session.fetchval("select pg_database_size($1::name)", row["name"])
        except (asyncpg.QueryCanceledError, asyncpg.InvalidCatalogNameError) as error:
            last = error
        else:
            samples.append(SIZE.sample(size, row["name"]))
        if time.monotonic() > until:
            break
    if last is not None and not samples:
        raise last
    return Answer(tuple(samples))


PROBE: Final = Probe("database_size", Scope.SERVER, (SIZE,), ask, interval=INTERVAL)
