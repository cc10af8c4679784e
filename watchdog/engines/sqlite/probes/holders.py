"""Processes that still use a file that has been replaced or deleted under them.

What they write is lost when they close it. From ``/proc``; a daemon that may
not look at the processes of other users does not know, and says nothing.
"""

from __future__ import annotations

from typing import Final

from watchdog.engines import Probe
from watchdog.engines.sqlite.failures import trouble
from watchdog.engines.sqlite.processes import Deleted, deleted, name_of
from watchdog.engines.sqlite.session import SqliteSession
from watchdog.model import Answer, Metric, MetricType, Scope

_HOLDERS = Metric(
    "watchdog_sqlite_deleted_file_holders",
    MetricType.GAUGE,
    "Processes that have a deleted file of this path open (/proc/PID/fd): another one took its "
    "place; absent where not every process can be seen and none was found.",
)
_SUFFIXES: Final = ("", "-wal")


async def _ask(session: SqliteSession) -> Answer:
    path = session.files.path
    found: Deleted = await session.run(deleted)
    pids = sorted({pid for suffix in _SUFFIXES for pid in found.holders.get(path + suffix, ())})
    if not pids:
        return Answer((_HOLDERS.sample(0),) if found.complete else ())
    names = ", ".join(name_of(pid) for pid in pids)
    text = (
        f"{names} still uses a file that was at {path} and has been replaced or deleted since: "
        "what it writes will be lost, and nobody else sees it"
    )
    facts = {"process": names, "pid": str(pids[0])}
    return Answer(
        (_HOLDERS.sample(len(pids)),),
        (trouble("sqlite_replaced_in_use", text, "", session.target, facts=facts),),
    )


PROBE = Probe("holders", Scope.TARGET, (_HOLDERS,), _ask, interval=300.0)
