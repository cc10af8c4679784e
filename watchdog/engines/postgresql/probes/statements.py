"""What the statements of the database cost, if ``pg_stat_statements`` is there.

Owns: the sums of the extension's entries and, where the configuration asks for
it, the most expensive ones by their id; never their text, which is not even
read. An older version of the extension lacks columns, and then has no metric
of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import asyncpg

from watchdog.engines import Probe
from watchdog.engines.postgresql.probes._columns import (
    MILLISECONDS,
    Column,
    counter,
    gauge,
    metrics,
    readings,
    sample,
)
from watchdog.engines.postgresql.session import PostgresqlSession
from watchdog.model import Answer, Metric, Sample, Scope


def _sum(name: str, text: str) -> Metric:
    text = f"{text} (pg_stat_statements, its entries added up; falls when entries are dropped)."
    return gauge(f"statements_{name}", text)


def _of_one(name: str, text: str) -> Metric:
    return counter(f"statement_{name}_total", f"{text} (pg_stat_statements).", "queryid")


AVAILABLE: Final = gauge(
    "statements_available",
    "Whether pg_stat_statements can be read in this database: 1, or 0 where the extension is not"
    " made or its library not loaded.",
)
ENTRIES: Final = gauge("statements_entries", "Statements of this database (pg_stat_statements).")
DROPPED: Final = counter(
    "statements_dropped_total",
    "Times that the least executed entries were dropped, for there are more than"
    " pg_stat_statements.max (pg_stat_statements_info.dealloc).",
)
RESET: Final = gauge(
    "statements_reset_timestamp_seconds",
    "When all entries were last dropped, in Unix time (pg_stat_statements_info.stats_reset).",
)
# Columns of the function as they are called today, by what they were called before.
_RENAMED: Final = {
    "blk_read_time": "shared_blk_read_time",
    "blk_write_time": "shared_blk_write_time",
    "total_time": "total_exec_time",
}
TOTALS: Final = (
    Column("calls", _sum("calls", "Executions")),
    Column("total_exec_time", _sum("execution_seconds", "Time in execution"), MILLISECONDS),
    Column("total_plan_time", _sum("planning_seconds", "Time in planning"), MILLISECONDS),
    Column("rows", _sum("rows", "Rows returned or changed")),
    Column("shared_blks_hit", _sum("blocks_hit", "Blocks found in shared buffers")),
    Column("shared_blks_read", _sum("blocks_read", "Blocks read")),
    Column("shared_blks_dirtied", _sum("blocks_dirtied", "Blocks changed")),
    Column("shared_blks_written", _sum("blocks_written", "Blocks written")),
    Column("temp_blks_read", _sum("temporary_blocks_read", "Temporary blocks read")),
    Column("temp_blks_written", _sum("temporary_blocks_written", "Temporary blocks written")),
    Column("shared_blk_read_time", _sum("read_seconds", "Time reading blocks"), MILLISECONDS),
    Column("shared_blk_write_time", _sum("write_seconds", "Time writing blocks"), MILLISECONDS),
    Column("wal_bytes", _sum("wal_bytes", "WAL made")),
)
STATEMENT: Final = (
    Column("calls", _of_one("calls", "Executions of the statement")),
    Column("total_exec_time", _of_one("execution_seconds", "Time in its execution"), MILLISECONDS),
    Column("rows", _of_one("rows", "Rows that it returned or changed")),
    Column("shared_blks_read", _of_one("blocks_read", "Blocks that it read")),
    Column(
        "shared_blk_read_time",
        _of_one("read_seconds", "Time it spent reading blocks"),
        MILLISECONDS,
    ),
    Column(
        "shared_blk_write_time",
        _of_one("write_seconds", "Time it spent writing blocks"),
        MILLISECONDS,
    ),
)

_LIBRARY: Final = """
select quote_ident(n.nspname) as schema, p.proargnames as columns,
       exists (select 1 from pg_proc i join pg_depend d on d.objid = i.oid
                and d.classid = 'pg_proc'::regclass and d.refobjid = e.oid
               where i.proname = 'pg_stat_statements_info') as has_info
  from pg_extension e
  join pg_namespace n on n.oid = e.extnamespace
  join pg_depend d on d.refclassid = 'pg_extension'::regclass and d.refobjid = e.oid
   and d.classid = 'pg_proc'::regclass
  join pg_proc p on p.oid = d.objid and p.proname = 'pg_stat_statements'
 where e.extname = 'pg_stat_statements'
"""


async def ask(session: PostgresqlSession) -> Answer:
    """Ask for the sums, and for the most expensive statements if that is wanted."""
    found = await session.fetch(_LIBRARY)
    if not found:
        return Answer((AVAILABLE.sample(0),))
    library = found[0]
    source = f"{library['schema']}.pg_stat_statements(false)"
    try:
        totals = await session.fetchrow(_totals(source, set(library["columns"])))
    except asyncpg.ObjectNotInPrerequisiteStateError:
        return Answer((AVAILABLE.sample(0),))  # its library is not loaded
    samples = [AVAILABLE.sample(1), ENTRIES.sample(totals["entries"])]
    samples += readings(TOTALS, totals)
    samples += await _information(session, library)
    if session.settings.statements:
        samples += await _most_expensive(session, source, set(library["columns"]))
    return Answer(tuple(samples))


def _sums(columns: tuple[Column, ...], present: set[str]) -> str:
    """Return the sums of *columns* under their present-day names, as far as they are there."""
    former = {new: old for old, new in _RENAMED.items()}
    parts = []
    for column in columns:
        name = column.name if column.name in present else former.get(column.name, "")
        if name in present:
            parts.append(f"sum({name})::float8 as {column.name}")
    return ", ".join(parts)


def _totals(source: str, present: set[str]) -> str:
    return (
        f"select count(*)::int as entries, {_sums(TOTALS, present)} from {source} s"  # noqa: S608
        " where s.dbid = (select oid from pg_database where datname = current_database())"
    )


async def _information(session: PostgresqlSession, library: Any) -> Iterator[Sample]:
    if not library["has_info"]:
        return iter(())
    row = await session.fetchrow(
        f"select dealloc, stats_reset from {library['schema']}.pg_stat_statements_info()"  # noqa: S608
    )
    return iter((DROPPED.sample(row["dealloc"]), *sample(RESET, row["stats_reset"])))


async def _most_expensive(
    session: PostgresqlSession, source: str, present: set[str]
) -> Iterator[Sample]:
    """Return the samples of the statements with the greatest total time, whoever executed them."""
    rows = await session.fetch(
        f"select queryid::text as queryid, {_sums(STATEMENT, present)} from {source} s"  # noqa: S608
        " where s.dbid = (select oid from pg_database where datname = current_database())"
        " and queryid is not null group by 1 order by total_exec_time desc, 1 limit $1",
        session.settings.statements,
    )
    return iter([each for row in rows for each in readings(STATEMENT, row, row["queryid"])])


PROBE: Final = Probe(
    "statements",
    Scope.TARGET,
    (AVAILABLE, ENTRIES, DROPPED, RESET, *metrics(TOTALS), *metrics(STATEMENT)),
    ask,
    interval=300.0,
    privileges=("pg_monitor, for the ids of other people's statements",),
)
