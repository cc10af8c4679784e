"""The write-ahead log: what waits for a checkpoint, and which reader keeps it there.

Read from the WAL index by a child process, without a lock and without opening
the database; absent while no connection has the index open.
"""

from __future__ import annotations

import time
from typing import Final

from watchdog.engines import Probe
from watchdog.engines.sqlite.activity import pinning
from watchdog.engines.sqlite.failures import trouble
from watchdog.engines.sqlite.processes import name_of
from watchdog.engines.sqlite.session import SqliteSession
from watchdog.engines.sqlite.wal_index import WalIndex, in_use, parse
from watchdog.model import Answer, Failure, Metric, MetricType, Scope

_FRAMES = Metric(
    "watchdog_sqlite_wal_frames",
    MetricType.GAUGE,
    "Frames (pages) in use in the -wal, mxFrame of the WAL index.",
)
_BACKLOG = Metric(
    "watchdog_sqlite_wal_backlog_frames",
    MetricType.GAUGE,
    "Frames that are not in the database file yet: mxFrame less nBackfill of the WAL index.",
)
_PINNED = Metric(
    "watchdog_sqlite_wal_pinned_frames",
    MetricType.GAUGE,
    "Frames that no checkpoint can move while the oldest reader is there (aReadMark, and who "
    "holds its lock).",
)
_PINNED_SECONDS = Metric(
    "watchdog_sqlite_wal_pinned_seconds",
    MetricType.GAUGE,
    "For how long at least the same reader has kept frames in the -wal; 0 without one.",
)

# A reader that is there for minutes while others write makes the log grow without end.
_LONG: Final = 300.0
_MANY: Final = 1000  # frames: SQLite itself begins a checkpoint at so many


async def _ask(session: SqliteSession) -> Answer:
    locks = session.locks
    index = parse(locks) if locks is not None and in_use(locks) else None
    if index is None:
        return Answer()
    seconds = session.activity.stay("pin", pinning(index), time.monotonic())
    samples = (
        _FRAMES.sample(index.frames),
        _BACKLOG.sample(index.backlog),
        _PINNED.sample(index.pinned),
        _PINNED_SECONDS.sample(seconds),
    )
    return Answer(samples, _troubles(session, index, seconds))


def _troubles(session: SqliteSession, index: WalIndex, seconds: float) -> tuple[Failure, ...]:
    if index.pin is None or seconds < _LONG or index.pinned < _MANY:
        return ()
    who = name_of(index.pin.pid)
    reader = f"the process {who}" if who else "a process that cannot be seen from here"
    text = (
        f"{reader} has been reading {session.files.path} for at least {seconds:.0f} s: "
        f"{index.pinned} pages stay in its -wal, which grows with every write"
    )
    return (
        trouble(
            "sqlite_wal_pinned",
            text,
            "",
            session.target,
            facts={"pid": str(index.pin.pid or ""), "process": who},
        ),
    )


PROBE = Probe("wal", Scope.TARGET, (_FRAMES, _BACKLOG, _PINNED, _PINNED_SECONDS), _ask)
