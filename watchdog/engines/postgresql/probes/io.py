"""Who reads and writes what, by kind of process.

Owns: ``pg_stat_io`` (16 and later), with its contexts added up. 18 counts
bytes itself and has WAL as an object; before, an operation has a fixed size.
"""

from __future__ import annotations

from typing import Any, Final

from watchdog.engines import Probe
from watchdog.engines.postgresql.probes._columns import (
    MILLISECONDS,
    Column,
    counter,
    metrics,
    readings,
)
from watchdog.engines.postgresql.session import PostgresqlSession
from watchdog.model import Answer, Metric, Scope


def _count(name: str, text: str) -> Metric:
    return counter(f"io_{name}_total", f"{text} (pg_stat_io).", "backend_type", "object")


COLUMNS: Final = (
    Column("reads", _count("reads", "Read operations")),
    Column("read_bytes", _count("read_bytes", "Bytes read")),
    Column("read_time", _count("read_seconds", "Time in reads, if it is tracked"), MILLISECONDS),
    Column("writes", _count("writes", "Write operations")),
    Column("write_bytes", _count("written_bytes", "Bytes written")),
    Column("write_time", _count("write_seconds", "Time in writes, if tracked"), MILLISECONDS),
    Column("extends", _count("extends", "Extensions of relations")),
    Column("extend_bytes", _count("extended_bytes", "Bytes by which relations were extended")),
    Column("hits", _count("hits", "Blocks found in shared buffers")),
    Column("evictions", _count("evictions", "Buffers given up for another block")),
    Column("fsyncs", _count("fsyncs", "Calls of fsync")),
    Column("fsync_time", _count("fsync_seconds", "Time in fsync, if tracked"), MILLISECONDS),
)

# NULL is what cannot happen there: it stays NULL in the sum. What has done
# nothing at all since the reset has no series.
_QUERY: Final = """
select backend_type, object, sum(reads)::float8 as reads, sum({read})::float8 as read_bytes,
       sum(read_time) as read_time, sum(writes)::float8 as writes,
       sum({write})::float8 as write_bytes, sum(write_time) as write_time,
       sum(extends)::float8 as extends, sum({extend})::float8 as extend_bytes,
       sum(hits)::float8 as hits, sum(evictions)::float8 as evictions,
       sum(fsyncs)::float8 as fsyncs, sum(fsync_time) as fsync_time
  from pg_stat_io group by 1, 2
having sum(coalesce(reads, 0) + coalesce(writes, 0) + coalesce(extends, 0) + coalesce(hits, 0)
           + coalesce(fsyncs, 0)) > 0
"""
_BYTES_SINCE: Final = 18


async def ask(session: PostgresqlSession) -> Answer:
    """Ask for the sums by kind of process and object."""
    if session.version >= _BYTES_SINCE:
        query = _QUERY.format(read="read_bytes", write="write_bytes", extend="extend_bytes")
    else:
        query = _QUERY.format(
            read="reads * op_bytes", write="writes * op_bytes", extend="extends * op_bytes"
        )
    rows: list[Any] = await session.fetch(query)
    return Answer(
        tuple(s for row in rows for s in readings(COLUMNS, row, row["backend_type"], row["object"]))
    )


PROBE: Final = Probe("io", Scope.SERVER, metrics(COLUMNS), ask, interval=120.0, minimum_version=16)
