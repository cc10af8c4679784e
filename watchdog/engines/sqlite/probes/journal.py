"""The journal mode, from the header's bytes 18 and 19 (https://www.sqlite.org/fileformat2.html)."""

from __future__ import annotations

from watchdog.engines import Probe
from watchdog.engines.sqlite.failures import trouble
from watchdog.engines.sqlite.session import SqliteSession
from watchdog.model import Answer, Failure, Metric, MetricType, Scope

# Which of the rollback modes it is (delete, truncate, persist) is a property
# of the application's connection and not of the file.
_MODE = Metric(
    "watchdog_sqlite_journal_mode_info",
    MetricType.INFO,
    "Journal mode of the file: wal or rollback, from its header.",
    ("mode",),
)


async def _ask(session: SqliteSession) -> Answer:
    troubles = _troubles(session)
    if session.wal_mode is None:
        return Answer(troubles=troubles)
    mode = "wal" if session.wal_mode else "rollback"
    return Answer((_MODE.sample(1, mode),), troubles, {"journal_mode": mode})


def _troubles(session: SqliteSession) -> tuple[Failure, ...]:
    """Tell of WAL mode on a network; of a file that is only looked at, its -wal shows it."""
    files = session.files
    in_wal_mode = files.wal is not None if session.wal_mode is None else session.wal_mode
    if not in_wal_mode or files.mount is None or not files.mount.is_network:
        return ()
    text = (
        f"{files.path} is in WAL mode on {files.mount.kind} ({files.mount.point}): processes on "
        "different machines would corrupt it"
    )
    return (trouble("sqlite_wal_on_network_fs", text, "", session.target),)


PROBE = Probe("journal", Scope.TARGET, (_MODE,), _ask)
