"""Foreign keys without an index on the side that refers: once a day, as a hint.

Owns: which of them count: on tables that are large enough for a delete on the
other side to be slow. Sources: ``pg_constraint``, ``pg_index``.
"""

from __future__ import annotations

from typing import Final

from watchdog.engines import Probe
from watchdog.engines.postgresql.probes._columns import gauge
from watchdog.engines.postgresql.probes._relations import named
from watchdog.engines.postgresql.session import PostgresqlSession
from watchdog.model import Answer, Failure, Kind, Scope

NUMBER: Final = gauge(
    "foreign_keys_without_index",
    "Foreign keys of large tables whose columns lead no index, so that a delete of the row they"
    " refer to reads the whole table (pg_constraint, pg_index).",
)

LARGE: Final = 1280  # pages of the referring table: 10 MiB

_QUERY: Final = """
select k.conrelid::regclass::text as relation, quote_ident(k.conname) as name
  from pg_constraint k
  join pg_class c on c.oid = k.conrelid
 where k.contype = 'f' and c.relkind = 'r' and c.relpages >= $1
   and not exists (
     select 1 from pg_index i
      where i.indrelid = k.conrelid and i.indisvalid and i.indpred is null
        and (i.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey)
 order by c.relpages desc, 1, 2
"""


async def ask(session: PostgresqlSession) -> Answer:
    """Ask for the names of such keys."""
    rows = await session.fetch(_QUERY, LARGE)
    troubles: tuple[Failure, ...] = ()
    if rows:
        names = named(f"{row['name']} of {row['relation']}" for row in rows)
        troubles = (
            session.trouble(
                Kind.SCHEMA,
                f"foreign keys of {session.url.database} on {session.url.server_name} have no"
                f" index: {names}",
                hint="foreign_key_without_index",
                relation=rows[0]["relation"],
            ),
        )
    return Answer((NUMBER.sample(len(rows)),), troubles)


PROBE: Final = Probe("foreign_keys", Scope.TARGET, (NUMBER,), ask, interval=86_400.0)
