"""Whether text is still sorted as it was when the indexes were built.

Owns: comparing the version of the database's own collation, and of those that
its indexes use, with what the libraries of today say: after a new image or
system, indexes over text may be silently wrong. Sources:
``pg_database.datcollversion`` (15 and later), ``pg_collation.collversion``.
"""

from __future__ import annotations

from typing import Final

from watchdog.engines import Probe
from watchdog.engines.postgresql.probes._columns import gauge
from watchdog.engines.postgresql.probes._relations import named
from watchdog.engines.postgresql.session import PostgresqlSession
from watchdog.model import Answer, Failure, Kind, Scope

MISMATCHES: Final = gauge(
    "collation_mismatches",
    "Collations of the database whose version is not that of the library now: its own"
    " (pg_database.datcollversion) and those that indexes use (pg_collation.collversion).",
)

_QUERY: Final = """
select 'of the database itself' as name from pg_database
 where datname = current_database() and datcollversion is not null
   and datcollversion is distinct from pg_database_collation_actual_version(oid)
 union all
select quote_ident(c.collname) from pg_collation c
 where c.oid in (select distinct unnest(indcollation::oid[]) from pg_index)
   and c.collversion is not null
   and c.collversion is distinct from pg_collation_actual_version(c.oid)
"""


async def ask(session: PostgresqlSession) -> Answer:
    """Ask for those that differ."""
    names = [row["name"] for row in await session.fetch(_QUERY)]
    troubles: tuple[Failure, ...] = ()
    if names:
        troubles = (
            session.trouble(
                Kind.STORAGE,
                f"collations of {session.url.database} on {session.url.server_name} are not of the"
                f" version that its indexes were built with: {named(names)}",
                hint="collation_mismatch",
            ),
        )
    return Answer((MISMATCHES.sample(len(names)),), troubles)


PROBE: Final = Probe(
    "collations", Scope.TARGET, (MISMATCHES,), ask, interval=3600.0, minimum_version=15
)
