"""The sizes and times of the database's files, by stat(2); a replaced file is counted."""

from __future__ import annotations

from watchdog.engines import Probe
from watchdog.engines.sqlite.session import SqliteSession
from watchdog.model import Answer, Metric, MetricType, Scope

_SIZE = Metric(
    "watchdog_sqlite_file_size_bytes", MetricType.GAUGE, "Size of the database file, by stat(2)."
)
_WAL = Metric(
    "watchdog_sqlite_wal_size_bytes",
    MetricType.GAUGE,
    "Size of the -wal file, by stat(2); absent while there is none.",
)
_JOURNAL = Metric(
    "watchdog_sqlite_journal_size_bytes",
    MetricType.GAUGE,
    "Size of the rollback -journal, by stat(2); absent while there is none.",
)
_MODIFIED = Metric(
    "watchdog_sqlite_file_modified_timestamp_seconds",
    MetricType.GAUGE,
    "When the database or its -wal was last written, by stat(2), Unix time.",
)
_REPLACED = Metric(
    "watchdog_sqlite_file_replaced_total",
    MetricType.COUNTER,
    "How often another file took the database's place (another inode at its path).",
)


async def _ask(session: SqliteSession) -> Answer:
    files = session.files
    written = max(each.mtime_ns for each in (files.main, files.wal) if each is not None)
    samples = [
        _SIZE.sample(files.main.size),
        _MODIFIED.sample(written / 1e9),
        _REPLACED.sample(session.replaced),
    ]
    if files.wal is not None:
        samples.append(_WAL.sample(files.wal.size))
    if files.journal is not None:
        samples.append(_JOURNAL.sample(files.journal.size))
    facts = {"inode": files.main.inode, "resolved_path": files.path}
    return Answer(tuple(samples), facts=facts)


PROBE = Probe("file", Scope.TARGET, (_SIZE, _WAL, _JOURNAL, _MODIFIED, _REPLACED), _ask)
