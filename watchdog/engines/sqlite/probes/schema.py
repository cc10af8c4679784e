"""The schema: how many tables, and the versions that applications keep in the header."""

from __future__ import annotations

from watchdog.engines import Probe
from watchdog.engines.sqlite.failures import trouble
from watchdog.engines.sqlite.reading import Way
from watchdog.engines.sqlite.session import SqliteSession
from watchdog.model import Answer, Metric, MetricType, Scope

_TABLES = Metric(
    "watchdog_sqlite_tables",
    MetricType.GAUGE,
    "Tables of the schema (sqlite_schema), but SQLite's own.",
)
_USER_VERSION = Metric(
    "watchdog_sqlite_user_version",
    MetricType.GAUGE,
    "PRAGMA user_version, the application's number.",
)
_SCHEMA_VERSION = Metric(
    "watchdog_sqlite_schema_version",
    MetricType.GAUGE,
    "PRAGMA schema_version: changes with every change of the schema.",
)
_APPLICATION = Metric(
    "watchdog_sqlite_application_id",
    MetricType.GAUGE,
    "The application's own mark, PRAGMA application_id.",
)


async def _ask(session: SqliteSession) -> Answer:
    path = session.files.path
    if session.way is Way.EMPTY:
        text = (
            f"{path} is a file of zero bytes: no table is in it (made by a mistaken path, "
            "or migrations have not run)"
        )
        return Answer(
            (_TABLES.sample(0),),
            (trouble("sqlite_no_such_table", text, "", session.target),),
        )
    if session.way is Way.UNRECOVERED:
        text = (
            f"a crash left {path}-wal with data that is not yet in the database: the next "
            "program that opens it for writing takes it in; until then a reader cannot see it all"
        )
        return Answer(
            troubles=(
                trouble("sqlite_needs_recovery", text, "SQLITE_READONLY_CANTINIT", session.target),
            )
        )
    facts = session.facts
    if facts is None:
        return Answer()
    return Answer(
        (
            _TABLES.sample(facts.tables),
            _USER_VERSION.sample(facts.user_version),
            _SCHEMA_VERSION.sample(facts.schema_version),
            _APPLICATION.sample(facts.application_id),
        ),
        facts={"tables": facts.tables},
    )


PROBE = Probe("schema", Scope.TARGET, (_TABLES, _USER_VERSION, _SCHEMA_VERSION, _APPLICATION), _ask)
