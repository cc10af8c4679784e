"""Indexes that are there twice: once a day, as a hint.

Owns: which indexes are the same: table, columns, operators, collations, order,
expressions and condition. Source: ``pg_index``.
"""

from __future__ import annotations

from typing import Final

from watchdog import units
from watchdog.engines import Probe
from watchdog.engines.postgresql.probes._columns import gauge
from watchdog.engines.postgresql.probes._relations import OF_USERS, named
from watchdog.engines.postgresql.session import PostgresqlSession
from watchdog.model import Answer, Failure, Kind, Scope

SIZE: Final = gauge(
    "duplicate_indexes_bytes",
    "What the copies of indexes take that are there more than once (pg_index, pg_class.relpages).",
)

LARGE: Final = 128  # pages: 1 MiB

# Of equal ones the one to keep comes first: it serves a constraint, or is the oldest.
_QUERY: Final = f"""
select names[2:] as copies, names[1] as kept, size
  from (select array_agg(quote_ident(n.nspname) || '.' || quote_ident(c.relname)
                         order by i.indisprimary desc, i.indisunique desc, c.oid) as names,
               (sum(c.relpages) - max(c.relpages))::bigint * current_setting('block_size')::bigint
                 as size
          from pg_index i
          join pg_class c on c.oid = i.indexrelid
          join pg_namespace n on n.oid = c.relnamespace
         where {OF_USERS} and c.relkind = 'i' and i.indisvalid and c.relpages >= $1
         group by i.indrelid, c.relam, i.indkey::text, i.indclass::text, i.indcollation::text,
                  i.indoption::text, i.indexprs::text, i.indpred::text
        having count(*) > 1) d
 order by size desc
"""  # noqa: S608 - constants


async def ask(session: PostgresqlSession) -> Answer:
    """Ask for the copies."""
    rows = await session.fetch(_QUERY, LARGE)
    total = sum(row["size"] for row in rows)
    troubles: tuple[Failure, ...] = ()
    if rows:
        names = named(f"{', '.join(row['copies'])} as {row['kept']}" for row in rows)
        troubles = (
            session.trouble(
                Kind.SCHEMA,
                f"indexes of {session.url.database} on {session.url.server_name} are there twice"
                f" ({units.size(total)}): {names}",
                hint="duplicate_indexes",
                index=rows[0]["copies"][0],
            ),
        )
    return Answer((SIZE.sample(total),), troubles)


PROBE: Final = Probe("duplicate_indexes", Scope.TARGET, (SIZE,), ask, interval=86_400.0)
