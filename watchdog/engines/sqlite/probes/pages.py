"""The pages of the database: how large, how many, how many of them are free."""

from __future__ import annotations

from watchdog.engines import Probe
from watchdog.engines.sqlite.session import SqliteSession
from watchdog.model import Answer, Metric, MetricType, Scope

_SIZE = Metric(
    "watchdog_sqlite_page_size_bytes", MetricType.GAUGE, "Size of a page, PRAGMA page_size."
)
_PAGES = Metric(
    "watchdog_sqlite_pages", MetricType.GAUGE, "PRAGMA page_count, with what is in the -wal."
)
_FREE = Metric(
    "watchdog_sqlite_freelist_pages",
    MetricType.GAUGE,
    "PRAGMA freelist_count: pages that VACUUM would give back.",
)


async def _ask(session: SqliteSession) -> Answer:
    facts = session.facts
    if facts is None:
        return Answer()
    return Answer(
        (
            _SIZE.sample(facts.page_size),
            _PAGES.sample(facts.pages),
            _FREE.sample(facts.free_pages),
        )
    )


PROBE = Probe("pages", Scope.TARGET, (_SIZE, _PAGES, _FREE), _ask)
