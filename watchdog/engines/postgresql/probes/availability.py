"""Whether the server answers a question, how fast, and in which role.

Owns: the round trip of the round's first question on the held session, and
the role that it tells, for a promotion ends no session: whatever is asked of a
standby alone has to know in this very round that it is none any more.
"""

from __future__ import annotations

import time
from typing import Final

from watchdog.engines import Probe
from watchdog.engines.postgresql.session import PostgresqlSession
from watchdog.model import Answer, Metric, MetricType, Role, Scope

QUERY_DURATION: Final = Metric(
    "watchdog_postgresql_query_duration_seconds",
    MetricType.GAUGE,
    "Round trip of the round's first question, a small one, on the session that is kept on the"
    " server.",
)

_REMEMBERED: Final = "round trip"


def remember(session: PostgresqlSession, seconds: float, *, standby: bool) -> None:
    """Take note of what the round's first question has told, and how long it took."""
    session.facts["role"] = Role.STANDBY if standby else Role.PRIMARY
    session.remembered[_REMEMBERED] = seconds


async def ask(session: PostgresqlSession) -> Answer:
    """Take what the first question has told; ask for the role where nothing was asked yet."""
    if _REMEMBERED not in session.remembered:
        began = time.perf_counter()
        standby = await session.fetchval("select pg_is_in_recovery()")
        remember(session, time.perf_counter() - began, standby=standby)
    seconds = session.remembered.pop(_REMEMBERED)
    assert isinstance(seconds, float)
    return Answer((QUERY_DURATION.sample(seconds),))


PROBE: Final = Probe("availability", Scope.SERVER, (QUERY_DURATION,), ask, leading=True)
