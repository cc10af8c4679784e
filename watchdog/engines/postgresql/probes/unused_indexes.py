"""Indexes that no query has used for long: once a day, as a hint.

Owns: which indexes count: large enough to matter, serving no constraint, on
statistics that are old enough to tell. Sources: ``pg_index``,
``pg_stat_get_numscans``, ``pg_stat_database.stats_reset``. A standby counts
for itself, so it is only asked of a primary.
"""

from __future__ import annotations

from typing import Final

from watchdog import units
from watchdog.engines import Probe
from watchdog.engines.postgresql.probes._columns import gauge
from watchdog.engines.postgresql.probes._relations import OF_USERS, named
from watchdog.engines.postgresql.session import PostgresqlSession
from watchdog.model import Answer, Failure, Kind, Role, Scope

SIZE: Final = gauge(
    "unused_indexes_bytes",
    "What indexes take that no query of this server has used (pg_stat_get_numscans,"
    " pg_class.relpages); absent while the statistics are younger than a week.",
)

TELLING: Final = 7 * 86_400.0  # seconds that statistics must be old
LARGE: Final = 1280  # pages: 10 MiB

_QUERY: Final = f"""
with age as (
  select extract(epoch from now() - greatest(stats_reset, pg_postmaster_start_time()))::float8 > $1
           as telling
    from pg_stat_database where datname = current_database())
select quote_ident(n.nspname) || '.' || quote_ident(c.relname) as name,
       c.relpages::bigint * current_setting('block_size')::bigint as size
  from pg_index i
  join pg_class c on c.oid = i.indexrelid
  join pg_namespace n on n.oid = c.relnamespace
 where (select telling from age) and {OF_USERS} and c.relkind = 'i' and i.indisvalid
   and not i.indisunique and not i.indisexclusion and not i.indisreplident
   and not exists (select 1 from pg_constraint k where k.conindid = i.indexrelid)
   and coalesce(pg_stat_get_numscans(i.indexrelid), 0) = 0 and c.relpages >= $2
 union all
select null, null from age where telling
 order by size desc nulls last
"""  # noqa: S608 - constants


async def ask(session: PostgresqlSession) -> Answer:
    """Ask for the names and sizes of indexes that nobody uses."""
    rows = await session.fetch(_QUERY, TELLING, LARGE)
    if not rows:
        return Answer()  # nobody can tell yet
    unused = [row for row in rows if row["name"] is not None]
    total = sum(row["size"] for row in unused)
    troubles: tuple[Failure, ...] = ()
    if unused:
        names = named(row["name"] for row in unused)
        troubles = (
            session.trouble(
                Kind.SCHEMA,
                f"indexes of {session.url.database} on {session.url.server_name} that nobody uses"
                f" take {units.size(total)}: {names}",
                hint="unused_indexes",
                index=unused[0]["name"],
            ),
        )
    return Answer((SIZE.sample(total),), troubles)


PROBE: Final = Probe(
    "unused_indexes", Scope.TARGET, (SIZE,), ask, interval=86_400.0, role=Role.PRIMARY
)
