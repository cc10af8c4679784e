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
    if session.wal_mode is None:
        return Answer()
    mode = "wal" if session.wal_mode else "rollback"
    mount = session.files.mount
    troubles: tuple[Failure, ...] = ()
    if session.wal_mode and mount is not None and mount.is_network:
        text = (
            f"{session.files.path} is in WAL mode on {mount.kind} ({mount.point}): processes on "
            "different machines would corrupt it"
        )
        troubles = (trouble("sqlite_wal_on_network_fs", text, "", session.target),)
    return Answer((_MODE.sample(1, mode),), troubles, {"journal_mode": mode})


PROBE = Probe("journal", Scope.TARGET, (_MODE,), _ask)
