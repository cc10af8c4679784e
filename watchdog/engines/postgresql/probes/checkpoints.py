"""Checkpoints and the writing of buffers in the background.

Owns: ``pg_stat_bgwriter``, which 17 split into itself and
``pg_stat_checkpointer``: the same metrics from whichever view has them. And
when the last checkpoint was (``pg_control_checkpoint()``).
"""

from __future__ import annotations

from typing import Final

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
from watchdog.model import Answer, Metric, Scope


def _count(name: str, text: str) -> Metric:
    return counter(f"{name}_total", text)


_TIMED: Final = _count(
    "checkpoints_timed",
    "Checkpoints begun because of checkpoint_timeout (pg_stat_bgwriter, 17: pg_stat_checkpointer).",
)
_REQUESTED: Final = _count(
    "checkpoints_requested",
    "Checkpoints begun because of max_wal_size or on request (pg_stat_bgwriter, 17:"
    " pg_stat_checkpointer).",
)
_WRITE: Final = _count(
    "checkpoint_write_seconds",
    "Time that checkpoints spent writing (pg_stat_bgwriter, 17: pg_stat_checkpointer).",
)
_SYNC: Final = _count(
    "checkpoint_sync_seconds",
    "Time that checkpoints spent in fsync (pg_stat_bgwriter, 17: pg_stat_checkpointer).",
)
_BUFFERS: Final = _count(
    "checkpoint_buffers",
    "Buffers that checkpoints wrote (pg_stat_bgwriter, 17: pg_stat_checkpointer).",
)
COLUMNS: Final = (
    Column("checkpoints_timed", _TIMED),
    Column("num_timed", _TIMED),
    Column("checkpoints_req", _REQUESTED),
    Column("num_requested", _REQUESTED),
    Column("num_done", _count("checkpoints_done", "Checkpoints finished (pg_stat_checkpointer).")),
    Column("checkpoint_write_time", _WRITE, MILLISECONDS),
    Column("write_time", _WRITE, MILLISECONDS),
    Column("checkpoint_sync_time", _SYNC, MILLISECONDS),
    Column("sync_time", _SYNC, MILLISECONDS),
    Column("buffers_checkpoint", _BUFFERS),
    Column("buffers_written", _BUFFERS),
    Column(
        "slru_written",
        _count("checkpoint_slru_buffers", "SLRU buffers written (pg_stat_checkpointer)."),
    ),
    Column(
        "restartpoints_timed",
        _count(
            "restartpoints_timed",
            "Restart points of a standby begun by time (pg_stat_checkpointer).",
        ),
    ),
    Column(
        "restartpoints_req",
        _count(
            "restartpoints_requested",
            "Restart points of a standby begun on request (pg_stat_checkpointer).",
        ),
    ),
    Column(
        "restartpoints_done",
        _count(
            "restartpoints_done", "Restart points of a standby finished (pg_stat_checkpointer)."
        ),
    ),
    Column(
        "buffers_clean",
        _count(
            "background_buffers", "Buffers that the background writer wrote (pg_stat_bgwriter)."
        ),
    ),
    Column(
        "maxwritten_clean",
        _count(
            "background_stops",
            "Times that the background writer stopped at bgwriter_lru_maxpages (pg_stat_bgwriter).",
        ),
    ),
    Column(
        "buffers_backend",
        _count(
            "backend_buffers",
            "Buffers that backends wrote themselves (pg_stat_bgwriter, up"
            " to 16; later in pg_stat_io).",
        ),
    ),
    Column(
        "buffers_backend_fsync",
        _count(
            "backend_fsyncs",
            "Times that backends called fsync themselves (pg_stat_bgwriter,"
            " up to 16; later in pg_stat_io).",
        ),
    ),
    Column("buffers_alloc", _count("buffers_allocated", "Buffers allocated (pg_stat_bgwriter).")),
)
LAST: Final = gauge(
    "checkpoint_last_timestamp_seconds",
    "When the last checkpoint was, in Unix time (pg_control_checkpoint).",
)

_CHECKPOINTER_SINCE: Final = 17

_QUERY: Final = """
select c.checkpoint_time as last, b.* {columns}
  from pg_control_checkpoint() c, pg_stat_bgwriter b {view}
"""


async def ask(session: PostgresqlSession) -> Answer:
    """Ask the view or views of this version."""
    view = ", pg_stat_checkpointer p" if session.version >= _CHECKPOINTER_SINCE else ""
    columns = ", p.*" if view else ""
    row = await session.fetchrow(_QUERY.format(view=view, columns=columns))
    return Answer((*readings(COLUMNS, row), *sample(LAST, row["last"])))


PROBE: Final = Probe("checkpoints", Scope.SERVER, (*metrics(COLUMNS), LAST), ask, interval=120.0)
