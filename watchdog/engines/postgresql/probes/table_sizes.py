"""How large the tables are, without a lock on any of them.

Owns: sizes by ``pg_class.relpages``, as of each relation's last vacuum or
analyze: ``pg_relation_size`` and its like queue behind whoever locks the
table. And the age of each table's oldest row. One that was never analyzed has
no size rather than 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from watchdog.engines import Probe
from watchdog.engines.postgresql.probes._columns import Column, gauge, metrics, readings
from watchdog.engines.postgresql.probes._relations import OF_USERS, OTHER
from watchdog.engines.postgresql.session import PostgresqlSession
from watchdog.model import Answer, Sample, Scope

_LABELS: Final = ("schemaname", "relname")
_SIZES: Final = (
    Column(
        "heap",
        gauge(
            "table_size_bytes",
            "Size of the table's own rows as of its last vacuum or analyze (pg_class.relpages);"
            " relname other is all tables without series of their own.",
            *_LABELS,
        ),
    ),
    Column(
        "indexes",
        gauge(
            "table_indexes_size_bytes",
            "Size of the table's indexes, likewise (pg_class.relpages).",
            *_LABELS,
        ),
    ),
    Column(
        "toast",
        gauge(
            "table_toast_size_bytes",
            "Size of the table's long values, likewise (pg_class.relpages of its TOAST table).",
            *_LABELS,
        ),
    ),
)
COLUMNS: Final = (
    *_SIZES,
    Column(
        "xid_age",
        gauge(
            "table_transaction_id_age",
            "How many transactions old the table's oldest row may be (age(pg_class.relfrozenxid)).",
            *_LABELS,
        ),
    ),
)
OLDEST: Final = gauge(
    "oldest_table_transaction_id_age",
    "The greatest of these ages in the database, catalogues included (pg_class.relfrozenxid).",
)
UNSIZED: Final = gauge(
    "tables_never_analyzed",
    "Tables of which nobody knows a size, for they were never vacuumed or analyzed"
    " (pg_class.reltuples).",
)

_QUERY: Final = f"""
select schemaname, relname, xid_age, known,
       case when known then heap * block end::float8 as heap,
       case when known then coalesce(indexes, 0) * block end::float8 as indexes,
       case when known then coalesce(toast, 0) * block end::float8 as toast
  from (select n.nspname::text as schemaname, c.relname::text as relname, c.oid,
               c.relpages::bigint as heap, c.reltuples >= 0 and (c.relpages > 0 or {{analyzed}})
                 as known,
               age(c.relfrozenxid) as xid_age, t.relpages::bigint as toast, i.pages as indexes,
               current_setting('block_size')::bigint as block
          from pg_class c join pg_namespace n on n.oid = c.relnamespace
          left join pg_class t on t.oid = c.reltoastrelid
          left join (select x.indrelid, sum(r.relpages) as pages
                       from pg_index x join pg_class r on r.oid = x.indexrelid group by 1) i
            on i.indrelid = c.oid
         where c.relkind in ('r', 'm') and {OF_USERS}) s
 order by known desc, heap + coalesce(indexes, 0) + coalesce(toast, 0) desc, oid
"""  # noqa: S608 - constants
_OLDEST: Final = "select max(age(relfrozenxid)) from pg_class where relkind in ('r', 'm', 't')"
_NEVER_SINCE: Final = 14  # from here on reltuples is -1 until the first analyze


async def ask(session: PostgresqlSession) -> Answer:
    """Ask for the sizes of all tables; the largest have series of their own."""
    analyzed = "true" if session.version >= _NEVER_SINCE else "c.reltuples > 0"
    rows = await session.fetch(_QUERY.format(analyzed=analyzed))
    oldest = await session.fetchval(_OLDEST)
    samples = [OLDEST.sample(oldest), UNSIZED.sample(sum(not row["known"] for row in rows))]
    shown = session.settings.tables
    for row in rows[:shown]:
        samples += readings(COLUMNS, row, row["schemaname"], row["relname"])
    return Answer((*samples, *_others(rows[shown:])))


def _others(rows: list[Any]) -> Iterator[Sample]:
    if rows:
        for column in _SIZES:
            total = sum(row[column.name] or 0.0 for row in rows)
            yield column.metric.sample(total, "", OTHER)


PROBE: Final = Probe(
    "table_sizes", Scope.TARGET, (*metrics(COLUMNS), OLDEST, UNSIZED), ask, interval=900.0
)
