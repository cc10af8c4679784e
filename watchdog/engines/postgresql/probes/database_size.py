"""How large the watched databases are.

Owns: asking for it seldom, for it walks through every file: one database at a
time, each bounded by itself, all of them by a budget. Source:
``pg_database_size``, for which CONNECT or ``pg_read_all_stats`` is needed.
"""

from __future__ import annotations

import time
from typing import Any, Final

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

INTERVAL: Final = 1800.0  # seconds
# Of the time that one statement may take, the share after which no other is
# begun: the round has other questions and its own deadline.
BUDGET: Final = 0.5

_ALLOWED: Final = """
select datname::text as name from pg_database
 where datname = any($1::name[]) and datallowconn and datconnlimit <> -2
   and (has_database_privilege(oid, 'CONNECT') or pg_has_role('pg_read_all_stats', 'USAGE'))
 order by 1
"""


async def ask(session: PostgresqlSession) -> Answer:
    """Ask for the size of each watched database.

    Raises the error if not one could be had in time; databases that were
    dropped meanwhile, or whose turn did not come, are left out.
    """
    rows = await session.fetch(_ALLOWED, sorted(session.databases))
    now = time.monotonic()
    samples: list[Sample] = []
    slow: asyncpg.PostgresError | None = None
    for row in _turned(rows, round(now / INTERVAL)):
        try:
            size = await session.fetchval("select pg_database_size($1::name)", row["name"])
        except asyncpg.InvalidCatalogNameError:
            continue
        except asyncpg.QueryCanceledError as error:
            slow = error
            break
        samples.append(SIZE.sample(size, row["name"]))
        if time.monotonic() - now > session.limits.statement * BUDGET:
            break
    if slow is not None and not samples:
        raise slow
    return Answer(tuple(samples))


def _turned(rows: list[Any], turn: int) -> list[Any]:
    """Begin with another one each time, so that a slow one is not in the way of the same others."""
    first = turn % len(rows) if rows else 0
    return rows[first:] + rows[:first]


PROBE: Final = Probe("database_size", Scope.SERVER, (SIZE,), ask, interval=INTERVAL)
