"""The SQLite library that reads the file here; the application's own may be another."""

from __future__ import annotations

import sqlite3

from watchdog.engines import Probe
from watchdog.engines.sqlite.session import SqliteSession
from watchdog.model import Answer, Metric, MetricType, Scope

_INFO = Metric(
    "watchdog_sqlite_library_info",
    MetricType.INFO,
    "Version of the SQLite library of this process (sqlite3_libversion).",
    ("version",),
)


async def _ask(session: SqliteSession) -> Answer:  # noqa: ARG001
    return Answer(
        (_INFO.sample(1, sqlite3.sqlite_version),),
        facts={"sqlite_library": sqlite3.sqlite_version},
    )


PROBE = Probe("library", Scope.TARGET, (_INFO,), _ask)
