"""How long a writer waits for the write lock. Opt-in: it opens the file for writing."""

from __future__ import annotations

from watchdog.engines import Probe
from watchdog.engines.sqlite.failures import path_of, trouble
from watchdog.engines.sqlite.locking import wait_for_write_lock
from watchdog.engines.sqlite.session import SqliteSession, busy_seconds
from watchdog.model import Answer, Metric, MetricType, Scope

_WAIT = Metric(
    "watchdog_sqlite_write_lock_wait_seconds",
    MetricType.GAUGE,
    "Time that BEGIN IMMEDIATE took, rolled back at once; only with probe.write_lock.",
)


async def _ask(session: SqliteSession) -> Answer:
    if not session.target.probe.write_lock:
        return Answer()
    path, longest = path_of(session.target), busy_seconds(session.target) / 2
    found = await session.run(lambda: wait_for_write_lock(path, longest))
    if found is None:
        return Answer()
    waited, granted = found
    if granted:
        return Answer((_WAIT.sample(waited),))
    text = f"the write lock of {path} was not free for {waited:.1f} s: writers are turned away"
    return Answer(
        (_WAIT.sample(waited),), (trouble("sqlite_busy", text, "SQLITE_BUSY", session.target),)
    )


PROBE = Probe("write_lock", Scope.TARGET, (_WAIT,), _ask)
