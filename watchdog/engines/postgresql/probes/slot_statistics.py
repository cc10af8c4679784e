"""What logical decoding streams and spills for each slot.

Owns: ``pg_stat_replication_slots`` (14 and later): spilling says that
``logical_decoding_work_mem`` is too small for the transactions there are.
"""

from __future__ import annotations

from typing import Any, Final

from watchdog.engines import Probe
from watchdog.engines.postgresql.probes._columns import Column, counter, metrics, readings
from watchdog.engines.postgresql.session import PostgresqlSession
from watchdog.model import Answer, Metric, Scope


def _count(name: str, text: str) -> Metric:
    return counter(f"slot_{name}_total", f"{text} (pg_stat_replication_slots).", "slot_name")


COLUMNS: Final = (
    Column("spill_txns", _count("spilled_transactions", "Transactions spilled to disk")),
    Column("spill_count", _count("spills", "Times that transactions were spilled to disk")),
    Column("spill_bytes", _count("spilled_bytes", "Bytes of transactions spilled to disk")),
    Column("stream_txns", _count("streamed_transactions", "Transactions streamed in progress")),
    Column("stream_count", _count("streams", "Times that transactions in progress were streamed")),
    Column("stream_bytes", _count("streamed_bytes", "Bytes of transactions streamed in progress")),
    Column("total_txns", _count("decoded_transactions", "Transactions sent to the slot's reader")),
    Column("total_bytes", _count("decoded_bytes", "Bytes decoded for the slot's reader")),
)

SHOWN: Final = 50  # slots, those with the most bytes first


async def ask(session: PostgresqlSession) -> Answer:
    """Ask for the statistics of every logical slot."""
    rows: list[Any] = await session.fetch(
        "select * from pg_stat_replication_slots order by total_bytes desc limit $1", SHOWN
    )
    return Answer(tuple(s for row in rows for s in readings(COLUMNS, row, row["slot_name"])))


PROBE: Final = Probe(
    "slot_statistics", Scope.SERVER, metrics(COLUMNS), ask, interval=240.0, minimum_version=14
)
