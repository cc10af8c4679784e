"""Who waits for whose lock.

Owns: how many sessions are blocked, how long, and by whom; how many may be known from the
probe ``activity``, which goes over all sessions as it is. Sources:
``pg_stat_activity`` (or ``pg_locks``, which nobody is hidden from), and for
the waiters alone ``pg_locks.waitstart`` (14 and later) and
``pg_blocking_pids``, which takes every lock partition while it looks.
"""

from __future__ import annotations

from typing import Any, Final

from watchdog.engines import Probe
from watchdog.engines.postgresql.probes._columns import gauge
from watchdog.engines.postgresql.session import PostgresqlSession
from watchdog.model import Answer, Failure, Kind, Scope

BLOCKED: Final = gauge(
    "blocked_sessions", "Sessions that wait for a lock that another one holds (pg_locks)."
)
LONGEST: Final = gauge(
    "longest_block_seconds",
    "How long one of them has been waiting at most (pg_locks.waitstart; 0 if none waits).",
)
BLOCKING: Final = gauge(
    "blocking_sessions",
    "Sessions and prepared transactions that others wait for and that wait for nobody themselves"
    " (pg_blocking_pids of the twenty that wait longest).",
)

LONG: Final = 60.0  # seconds of waiting from which on it is told as a trouble
EXAMINED: Final = 20  # waiters: asking who blocks one is not free
_SINCE_WAITSTART: Final = 14
_REMEMBERED: Final = "waiters"

_WAITERS: Final = (
    "select count(*)::int from pg_stat_get_activity(null) where wait_event_type = 'Lock'"
)
_WAITERS_BLIND: Final = "select count(distinct pid)::int from pg_locks where not granted"

_DETAILS: Final = """
select l.pid, l.mode, l.locktype,
       extract(epoch from clock_timestamp() - coalesce({waitstart}, a.state_change))::float8
         as seconds,
       pg_blocking_pids(l.pid) as blockers
  from (select distinct on (pid) * from pg_locks where not granted order by pid) l
  left join pg_stat_activity a on a.pid = l.pid
 order by seconds desc nulls last limit {examined}
"""

_BLOCKERS: Final = """
select pid, coalesce(usename::text, '') as usename, coalesce(datname::text, '') as datname,
       coalesce(application_name, '') as application_name, coalesce(state, '') as state
  from pg_stat_activity where pid = any($1::int[]) order by xact_start nulls last limit 3
"""


def remember(session: PostgresqlSession, waiting: int) -> None:
    """Take note of how many sessions wait for a lock, of whoever has seen all sessions."""
    session.remembered[_REMEMBERED] = waiting


async def ask(session: PostgresqlSession) -> Answer:
    """Count the waiters, unless that is known; only if there are any, look closer."""
    waiting = session.remembered.pop(_REMEMBERED, None)
    if waiting is None:
        seeing = session.facts.get("blind") is False
        waiting = await session.fetchval(_WAITERS if seeing else _WAITERS_BLIND)
    assert isinstance(waiting, int)
    if not waiting:
        return Answer((BLOCKED.sample(0), LONGEST.sample(0), BLOCKING.sample(0)))
    waitstart = "l.waitstart" if session.version >= _SINCE_WAITSTART else "null"
    rows = await session.fetch(_DETAILS.format(waitstart=waitstart, examined=EXAMINED))
    blocked = {row["pid"] for row in rows if row["blockers"]}
    roots = {pid for row in rows for pid in row["blockers"]} - blocked
    longest = max((row["seconds"] or 0.0 for row in rows if row["blockers"]), default=0.0)
    # More wait than were examined: then all of them count.
    number = waiting if len(rows) >= EXAMINED else len(blocked)
    samples = (BLOCKED.sample(number), LONGEST.sample(max(0.0, longest)))
    troubles: tuple[Failure, ...] = ()
    if longest >= LONG:
        troubles = (await _told(session, number, longest, roots),)
    return Answer((*samples, BLOCKING.sample(len(roots))), troubles)


async def _told(
    session: PostgresqlSession, number: int, longest: float, roots: set[int]
) -> Failure:
    rows = await session.fetch(_BLOCKERS, sorted(roots - {0}))
    who = ", ".join(_named(row) for row in rows)
    if 0 in roots:  # that is how pg_blocking_pids names what has no session
        who = ", ".join(filter(None, (who, "a prepared transaction")))
    waits = f"{number} session waits" if number == 1 else f"{number} sessions wait"
    return session.trouble(
        Kind.QUERY,
        f"{waits} for a lock on {session.url.server_name}, the longest for {longest:.0f} s,"
        f" behind {who or 'a session that is not visible'}",
        hint="sessions_blocked",
        holders=who,
        pid=str(rows[0]["pid"]) if rows else "",
    )


def _named(row: Any) -> str:
    application = f", {row['application_name']}" if row["application_name"] else ""
    state = f", {row['state']}" if row["state"] else ""
    return f"{row['pid']} ({row['usename'] or '?'} in {row['datname'] or '?'}{application}{state})"


PROBE: Final = Probe(
    "blocking",
    Scope.SERVER,
    (BLOCKED, LONGEST, BLOCKING),
    ask,
    interval=60.0,
    privileges=("pg_monitor",),
)
