"""Queries that a standby cancelled for its replay, by the reason.

Owns: ``pg_stat_database_conflicts``, every column that the version has; on a
primary it is always 0, so it is only asked of standbys.
"""

from __future__ import annotations

from typing import Final

from watchdog.engines import Probe
from watchdog.engines.postgresql.probes._columns import counter
from watchdog.engines.postgresql.session import PostgresqlSession
from watchdog.model import Answer, Role, Scope

CANCELLED: Final = counter(
    "conflicts_cancelled_total",
    "Queries cancelled for the replay, by the reason: tablespace, lock, snapshot, bufferpin,"
    " deadlock, active_logicalslot (16) (pg_stat_database_conflicts).",
    "datname",
    "reason",
)

_PREFIX: Final = "confl_"


async def ask(session: PostgresqlSession) -> Answer:
    """Ask for the watched databases."""
    rows = await session.fetch(
        "select * from pg_stat_database_conflicts where datname = any($1::name[])",
        sorted(session.databases),
    )
    return Answer(
        tuple(
            CANCELLED.sample(value, row["datname"], column.removeprefix(_PREFIX))
            for row in rows
            for column, value in row.items()
            if column.startswith(_PREFIX) and value is not None
        )
    )


PROBE: Final = Probe("conflicts", Scope.SERVER, (CANCELLED,), ask, interval=60.0, role=Role.STANDBY)
