"""What happens to the tables: dead rows, vacuums, scans.

Owns: which tables have series of their own (those with most dead rows, then
the largest), and the sum of the others. Source: ``pg_stat_user_tables``, every
column that the version has, read only for the tables chosen; they are chosen
by ``pg_stat_get_dead_tuples``. No lock on any table is asked for.
"""

from __future__ import annotations

from typing import Any, Final

from watchdog.engines import Probe
from watchdog.engines.postgresql.probes._columns import (
    MILLISECONDS,
    Column,
    counter,
    gauge,
    metrics,
    readings,
)
from watchdog.engines.postgresql.probes._relations import OF_USERS, OTHER
from watchdog.engines.postgresql.session import PostgresqlSession
from watchdog.model import Answer, Metric, Sample, Scope

_LABELS: Final = ("schemaname", "relname")
_VIEW: Final = "(pg_stat_user_tables)."


def _now(name: str, text: str) -> Metric:
    return gauge(f"table_{name}", f"{text} {_VIEW}", *_LABELS)


def _sum(name: str, text: str) -> Metric:
    return counter(f"table_{name}_total", f"{text} {_VIEW}", *_LABELS)


LIVE: Final = _now("live_rows", "Rows, estimated; relname other is all tables without own series")
DEAD: Final = _now("dead_rows", "Dead rows, estimated; relname other is all tables without series")
COLUMNS: Final = (
    Column("n_live_tup", LIVE),
    Column("n_dead_tup", DEAD),
    Column("n_mod_since_analyze", _now("rows_changed_since_analyze", "Rows changed since then")),
    Column("n_ins_since_vacuum", _now("rows_inserted_since_vacuum", "Rows inserted since then")),
    Column("seq_scan", _sum("sequential_scans", "Scans of the whole table")),
    Column("seq_tup_read", _sum("sequential_rows_read", "Rows read by them")),
    Column("idx_scan", _sum("index_scans", "Scans by an index")),
    Column("idx_tup_fetch", _sum("index_rows_fetched", "Rows fetched by them")),
    Column("n_tup_ins", _sum("rows_inserted", "Rows inserted")),
    Column("n_tup_upd", _sum("rows_updated", "Rows updated")),
    Column("n_tup_del", _sum("rows_deleted", "Rows deleted")),
    Column("n_tup_hot_upd", _sum("rows_hot_updated", "Rows updated without a change of indexes")),
    Column(
        "n_tup_newpage_upd", _sum("rows_newpage_updated", "Rows moved to a new page by updates")
    ),
    Column(
        "last_seq_scan", _now("last_sequential_scan_timestamp_seconds", "Unix time of the last")
    ),
    Column("last_idx_scan", _now("last_index_scan_timestamp_seconds", "Unix time of the last one")),
    Column("last_vacuum", _now("last_vacuum_timestamp_seconds", "Unix time of the last by hand")),
    Column("last_autovacuum", _now("last_autovacuum_timestamp_seconds", "Unix time of the last")),
    Column("last_analyze", _now("last_analyze_timestamp_seconds", "Unix time of the last by hand")),
    Column("last_autoanalyze", _now("last_autoanalyze_timestamp_seconds", "Unix time of the last")),
    Column("vacuum_count", _sum("vacuums", "Vacuums by hand")),
    Column("autovacuum_count", _sum("autovacuums", "Vacuums by the daemon")),
    Column("analyze_count", _sum("analyzes", "Analyzes by hand")),
    Column("autoanalyze_count", _sum("autoanalyzes", "Analyzes by the daemon")),
    Column("total_vacuum_time", _sum("vacuum_seconds", "Time in vacuums by hand"), MILLISECONDS),
    Column(
        "total_autovacuum_time",
        _sum("autovacuum_seconds", "Time in vacuums by the daemon"),
        MILLISECONDS,
    ),
    Column("total_analyze_time", _sum("analyze_seconds", "Time in analyzes by hand"), MILLISECONDS),
    Column(
        "total_autoanalyze_time",
        _sum("autoanalyze_seconds", "Time in analyzes by the daemon"),
        MILLISECONDS,
    ),
)
TABLES: Final = gauge("tables", "Tables and materialised views of the database (pg_class).")
LEFT_OUT: Final = gauge(
    "tables_left_out",
    "Of them, those without series of their own, because of probe.tables in the configuration.",
)

_CHOSEN: Final = f"""
select oid, number, sum(dead) over ()::float8 as all_dead, sum(live) over ()::float8 as all_live,
       dead, live
  from (select c.oid, c.relpages, count(*) over ()::int as number,
               coalesce(pg_stat_get_dead_tuples(c.oid), 0) as dead,
               coalesce(pg_stat_get_live_tuples(c.oid), 0) as live
          from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where c.relkind in ('r', 'm') and {OF_USERS}) t
 order by dead desc, relpages desc, oid limit $1
"""  # noqa: S608 - constants


async def ask(session: PostgresqlSession) -> Answer:
    """Choose the tables and ask for their statistics."""
    # One is asked for even where none may have series: it carries the sums.
    chosen = await session.fetch(_CHOSEN, max(1, session.settings.tables))
    if not chosen:
        return Answer((TABLES.sample(0), LEFT_OUT.sample(0)))
    shown = chosen[: session.settings.tables]
    number = chosen[0]["number"]
    samples = [TABLES.sample(number), LEFT_OUT.sample(number - len(shown))]
    if number > len(shown):
        samples += _others(chosen[0], shown)
    if shown:
        oids = [row["oid"] for row in shown]
        rows = await session.fetch(
            "select * from pg_stat_user_tables where relid = any($1::oid[])", oids
        )
        for row in rows:
            samples += readings(COLUMNS, row, row["schemaname"], row["relname"])
    return Answer(tuple(samples))


def _others(sums: Any, shown: list[Any]) -> list[Sample]:
    dead = sums["all_dead"] - sum(row["dead"] for row in shown)
    live = sums["all_live"] - sum(row["live"] for row in shown)
    return [DEAD.sample(dead, "", OTHER), LIVE.sample(live, "", OTHER)]


PROBE: Final = Probe(
    "tables", Scope.TARGET, (*metrics(COLUMNS), TABLES, LEFT_OUT), ask, interval=300.0
)
