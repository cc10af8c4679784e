"""The pages of the database: how large, how many, how many are free, and what becomes of those."""

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
_FORMAT = Metric(
    "watchdog_sqlite_format_info",
    MetricType.INFO,
    "How the file was made: PRAGMA auto_vacuum (none, full, incremental; with none, free pages stay"
    " until VACUUM) and PRAGMA encoding.",
    ("auto_vacuum", "encoding"),
)
_AUTO_VACUUM = {0: "none", 1: "full", 2: "incremental"}


async def _ask(session: SqliteSession) -> Answer:
    facts = session.facts
    if facts is None:
        return Answer()
    return Answer(
        (
            _SIZE.sample(facts.page_size),
            _PAGES.sample(facts.pages),
            _FREE.sample(facts.free_pages),
            _FORMAT.sample(1, _AUTO_VACUUM[facts.auto_vacuum], facts.encoding),
        )
    )


PROBE = Probe("pages", Scope.TARGET, (_SIZE, _PAGES, _FREE, _FORMAT), _ask)
