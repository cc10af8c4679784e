"""Indexes that are not valid: they cost every write and serve no query.

Owns: what a failed ``CREATE INDEX CONCURRENTLY`` left behind, without those
that are being built now. Sources: ``pg_index``,
``pg_stat_progress_create_index``.
"""

from __future__ import annotations

from typing import Final

from watchdog.engines import Probe
from watchdog.engines.postgresql.probes._columns import gauge
from watchdog.engines.postgresql.probes._relations import named
from watchdog.engines.postgresql.session import PostgresqlSession
from watchdog.model import Answer, Failure, Kind, Scope

INVALID: Final = gauge(
    "invalid_indexes",
    "Indexes that no query can use and that are not being built (pg_index.indisvalid); absent"
    " while our role cannot see what is being built.",
)
BUILDING: Final = gauge(
    "indexes_building",
    "Indexes that are being built in the database (pg_stat_progress_create_index).",
)

# Without pg_monitor a build shows neither its table nor its index.
_QUERY: Final = """
with building as (select relid, index_relid from pg_stat_progress_create_index
                   where datname = current_database())
select (select count(*)::int from building) as building,
       (select count(*)::int from building where relid is null) as hidden,
       array(select quote_ident(n.nspname) || '.' || quote_ident(c.relname)
               from pg_index i
               join pg_class c on c.oid = i.indexrelid
               join pg_namespace n on n.oid = c.relnamespace
              where not i.indisvalid and c.relkind = 'i'
                and not exists (select 1 from building b where b.index_relid = i.indexrelid
                                   or (b.relid = i.indrelid and b.index_relid = 0))
              order by c.relpages desc, 1) as invalid
"""


async def ask(session: PostgresqlSession) -> Answer:
    """Ask for the names of invalid indexes."""
    row = await session.fetchrow(_QUERY)
    if row["hidden"] and row["invalid"]:
        return Answer((BUILDING.sample(row["building"]),))
    samples = (INVALID.sample(len(row["invalid"])), BUILDING.sample(row["building"]))
    troubles: tuple[Failure, ...] = ()
    if row["invalid"]:
        names = named(row["invalid"])
        troubles = (
            session.trouble(
                Kind.SCHEMA,
                f"indexes of {session.url.database} on {session.url.server_name} are not valid:"
                f" {names}",
                hint="invalid_index",
                index=row["invalid"][0],
            ),
        )
    return Answer(samples, troubles)


PROBE: Final = Probe(
    "indexes",
    Scope.TARGET,
    (INVALID, BUILDING),
    ask,
    interval=300.0,
    privileges=("pg_monitor",),
)
