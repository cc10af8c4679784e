"""The vacuums that run now, and how far each is.

Owns: ``pg_stat_progress_vacuum``, every column that the version has: 17 turned
the dead rows it remembers into bytes, which have a metric of their own. The
name of the table is only known in its database, so the series carry its oid.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from watchdog.engines import Probe
from watchdog.engines.postgresql.probes._columns import (
    MILLISECONDS,
    Column,
    gauge,
    metrics,
    readings,
)
from watchdog.engines.postgresql.session import PostgresqlSession
from watchdog.model import Answer, Metric, Scope


def _of_vacuum(name: str, text: str) -> Metric:
    text = f"{text} (pg_stat_progress_vacuum)."
    return gauge(f"vacuum_{name}", text, "datname", "relid")


VACUUMS: Final = gauge(
    "vacuums", "Vacuums that run now, by phase (pg_stat_progress_vacuum).", "phase"
)
COLUMNS: Final = (
    Column("heap_blks_total", _of_vacuum("heap_blocks", "Blocks of the table")),
    Column("heap_blks_scanned", _of_vacuum("heap_blocks_scanned", "Of them, those scanned")),
    Column("heap_blks_vacuumed", _of_vacuum("heap_blocks_vacuumed", "Of them, those vacuumed")),
    Column("index_vacuum_count", _of_vacuum("index_passes", "Passes over the indexes")),
    Column("max_dead_tuples", _of_vacuum("dead_rows_limit", "Dead rows remembered at most")),
    Column("num_dead_tuples", _of_vacuum("dead_rows", "Dead rows since the last pass")),
    Column("num_dead_item_ids", _of_vacuum("dead_items", "Dead items since the last pass")),
    Column("max_dead_tuple_bytes", _of_vacuum("dead_rows_limit_bytes", "Memory for dead rows")),
    Column("dead_tuple_bytes", _of_vacuum("dead_rows_bytes", "Of it, what is used")),
    Column("indexes_total", _of_vacuum("indexes", "Indexes to be vacuumed in this pass")),
    Column("indexes_processed", _of_vacuum("indexes_processed", "Of them, those done")),
    Column(
        "delay_time",
        _of_vacuum("delay_seconds", "Time slept because of its cost limit, if tracked"),
        MILLISECONDS,
    ),
)

SHOWN: Final = 20  # vacuums, those of the largest tables first


async def ask(session: PostgresqlSession) -> Answer:
    """Ask for the vacuums of all databases."""
    rows: list[Any] = await session.fetch(
        "select * from pg_stat_progress_vacuum order by heap_blks_total desc nulls last, pid"
    )
    phases = Counter(row["phase"] for row in rows if row["phase"] is not None)
    samples = [VACUUMS.sample(n, phase) for phase, n in sorted(phases.items())]
    if session.facts.get("blind") is False and not rows:
        samples.append(VACUUMS.sample(0, ""))
    for row in rows[:SHOWN]:
        if row["relid"] is not None:
            samples += readings(COLUMNS, row, row["datname"] or "", str(row["relid"]))
    return Answer(tuple(samples))


PROBE: Final = Probe(
    "vacuum_progress",
    Scope.SERVER,
    (VACUUMS, *metrics(COLUMNS)),
    ask,
    interval=120.0,
    privileges=("pg_monitor",),
)
