"""Who writes: commits, the write transaction that is open now, and by which library.

From the file's header and the WAL index, read by a child process without a lock.
"""

from __future__ import annotations

import time
from typing import Final

from watchdog.engines import Probe
from watchdog.engines.sqlite import wal_index
from watchdog.engines.sqlite.failures import trouble
from watchdog.engines.sqlite.keeper import Locks
from watchdog.engines.sqlite.processes import name_of
from watchdog.engines.sqlite.session import SqliteSession
from watchdog.model import Answer, Failure, Metric, MetricType, Sample, Scope

_COMMITS = Metric(
    "watchdog_sqlite_commits_total",
    MetricType.COUNTER,
    "Commits seen between our looks: iChange of the WAL index, or the header's file change "
    "counter in rollback mode.",
)
_TRANSACTION = Metric(
    "watchdog_sqlite_write_transaction_seconds",
    MetricType.GAUGE,
    "For how long at least the same process has held the write lock without a commit; 0 if "
    "nobody holds it.",
)
_WRITER = Metric(
    "watchdog_sqlite_writer_info",
    MetricType.INFO,
    "Version of the SQLite library that wrote last, SQLITE_VERSION_NUMBER of the header.",
    ("version",),
)
_AFFECTED = Metric(
    "watchdog_sqlite_wal_reset_bug",
    MetricType.GAUGE,
    "1 if the file is in WAL mode and was written by a library with the WAL-reset bug (3.7.0 to "
    "3.51.2 but 3.44.6 and 3.50.7): several connections may, very rarely, corrupt it.",
)

_LONG: Final = 60.0  # seconds; others get SQLITE_BUSY all the while


async def _ask(session: SqliteSession) -> Answer:
    locks = session.locks
    if locks is None:
        return Answer()
    index = wal_index.parse(locks) if wal_index.in_use(locks) else None
    changes: int | None = None
    if session.wal_mode is False:
        changes = wal_index.change_counter(locks.header)
    elif index is not None:
        changes = index.changes
    samples: list[Sample] = []
    if changes is not None:
        commits = session.activity.count(wal=index is not None, changes=changes)
        samples.append(_COMMITS.sample(commits))
    holder = wal_index.writer(locks)
    who = None if holder is None else (holder.pid, changes)
    seconds = session.activity.stay("writer", who, time.monotonic())
    samples.append(_TRANSACTION.sample(seconds))
    samples += _library(session, locks)
    pid = 0 if holder is None else holder.pid
    return Answer(tuple(samples), _troubles(session, pid, seconds))


def _library(session: SqliteSession, locks: Locks) -> list[Sample]:
    version = wal_index.library(locks.header)
    if not version:
        return []
    samples = [_WRITER.sample(1, version)]
    if session.wal_mode is not None:
        samples.append(_AFFECTED.sample(session.wal_mode and _has_wal_reset_bug(version)))
    return samples


def _has_wal_reset_bug(version: str) -> bool:
    """Whether a library of *version* has it (https://www.sqlite.org/wal.html#walresetbug)."""
    number = tuple(int(part) for part in version.split("."))
    if (3, 44, 6) <= number < (3, 45) or (3, 50, 7) <= number < (3, 51):
        return False
    return (3, 7, 0) <= number < (3, 51, 3)


def _troubles(session: SqliteSession, pid: int, seconds: float) -> tuple[Failure, ...]:
    if seconds < _LONG:
        return ()
    who = name_of(pid)
    writer = f"the process {who}" if who else "a process that cannot be seen from here"
    text = (
        f"{writer} has held the write lock of {session.files.path} for at least {seconds:.0f} s "
        "without a commit: every other writer is told that the database is locked"
    )
    facts = {"pid": str(pid) if pid > 0 else "", "process": who}
    return (trouble("sqlite_busy", text, "", session.target, facts=facts),)


PROBE = Probe("writing", Scope.TARGET, (_COMMITS, _TRANSACTION, _WRITER, _AFFECTED), _ask)
