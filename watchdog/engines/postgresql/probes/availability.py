"""Whether the server answers a question, and how fast.

Owns: the round trip of ``SELECT 1`` on the held session.
"""

from __future__ import annotations

import time
from typing import Final

from watchdog.engines import Probe
from watchdog.engines.postgresql.session import PostgresqlSession
from watchdog.model import Answer, Metric, MetricType, Scope

QUERY_DURATION: Final = Metric(
    "watchdog_postgresql_query_duration_seconds",
    MetricType.GAUGE,
    "Round trip of SELECT 1 on the session that is kept on the server.",
)


async def ask(session: PostgresqlSession) -> Answer:
    """Ask for nothing and time the answer."""
    began = time.perf_counter()
    await session.fetchval("select 1")
    return Answer((QUERY_DURATION.sample(time.perf_counter() - began),))


PROBE: Final = Probe("availability", Scope.SERVER, (QUERY_DURATION,), ask)
