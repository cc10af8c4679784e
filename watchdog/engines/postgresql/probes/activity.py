"""How long sessions have been at it: transactions, queries, idle ones, dumps.

Owns: the ages that make bloat and blocking, told apart from dumps and from
ourselves, whose long transactions are no trouble. Source:
``pg_stat_activity``, one scan of the function behind it. Without
``pg_monitor`` the sessions of others show nothing: then the ages are absent,
not 0.
"""

from __future__ import annotations

from typing import Any, Final

from watchdog.engines import Probe
from watchdog.engines.postgresql.probes import blocking
from watchdog.engines.postgresql.probes._columns import gauge
from watchdog.engines.postgresql.session import PostgresqlSession
from watchdog.model import Answer, Failure, Kind, Scope

OLDEST_TRANSACTION: Final = gauge(
    "oldest_transaction_seconds",
    "Age of the oldest transaction of a client (pg_stat_activity.xact_start), without dumps and"
    " ourselves; 0 if there is none, absent without pg_monitor.",
)
OLDEST_IDLE: Final = gauge(
    "oldest_idle_in_transaction_seconds",
    "How long a client has been idle in its transaction at most (pg_stat_activity.state_change);"
    " absent without pg_monitor.",
)
LONGEST_QUERY: Final = gauge(
    "longest_query_seconds",
    "How long a client's present query has been running at most (pg_stat_activity.query_start),"
    " without dumps and ourselves; absent without pg_monitor.",
)
LONGEST_DUMP: Final = gauge(
    "longest_dump_seconds",
    "How long a dump (application_name pg_dump) has been running at most; 0 if there is none,"
    " absent without pg_monitor.",
)
HIDDEN: Final = gauge(
    "hidden_sessions",
    "Sessions of which our role sees nothing (pg_stat_activity): grant pg_monitor.",
)
WORKERS: Final = gauge(
    "autovacuum_workers",
    "Autovacuum workers at work now (pg_stat_activity); absent without pg_monitor.",
)
WORKERS_LIMIT: Final = gauge(
    "autovacuum_workers_limit",
    "How many of them there can be at once (the setting autovacuum_max_workers).",
)

LONG: Final = 3600.0  # seconds of a transaction from which on it is told as a trouble
LONG_IDLE: Final = 600.0  # the same, for one that only waits for its client

_DUMPS: Final = "application_name in ('pg_dump', 'pg_dumpall', 'pg_basebackup')"
_CLIENTS: Final = (
    "backend_type = 'client backend' and pid <> pg_backend_pid()"
    " and application_name not like 'db-watchdog%'"
)
_QUERY: Final = f"""
select max(extract(epoch from now - xact_start)) filter (where client and not dump)::float8
         as transaction,
       max(extract(epoch from now - state_change))
         filter (where client and not dump and state like 'idle in transaction%')::float8 as idle,
       max(extract(epoch from now - query_start))
         filter (where client and not dump and state = 'active')::float8 as query,
       max(extract(epoch from now - xact_start)) filter (where client and dump)::float8 as dump,
       count(*) filter (where backend_type is null and datid is not null)::int as hidden,
       count(*) filter (where backend_type = 'autovacuum worker')::int as workers,
       count(*) filter (where wait_event_type = 'Lock')::int as waiting,
       current_setting('autovacuum_max_workers')::int as workers_limit
  from (select *, clock_timestamp() as now, {_DUMPS} as dump, {_CLIENTS} as client
          from pg_stat_get_activity(null)) a
"""  # noqa: S608 - constants of this module

_OLDEST: Final = f"""
select pid, coalesce(usename::text, '') as usename, coalesce(datname::text, '') as datname,
       coalesce(application_name, '') as application_name, coalesce(state, '') as state
  from pg_stat_activity
 where {_CLIENTS} and not {_DUMPS} and xact_start is not null
 order by case when state like 'idle in transaction%' then 0 else 1 end, xact_start limit 1
"""  # noqa: S608 - constants of this module


async def ask(session: PostgresqlSession) -> Answer:
    """Ask for the ages, and who is the oldest if that is too old."""
    row = await session.fetchrow(_QUERY)
    if not row["hidden"]:
        blocking.remember(session, row["waiting"])
    samples = [HIDDEN.sample(row["hidden"]), WORKERS_LIMIT.sample(row["workers_limit"])]
    if row["hidden"]:
        return Answer(tuple(samples))
    ages = (OLDEST_TRANSACTION, OLDEST_IDLE, LONGEST_QUERY, LONGEST_DUMP)
    names = ("transaction", "idle", "query", "dump")
    samples += [
        metric.sample(max(0.0, row[name] or 0.0)) for metric, name in zip(ages, names, strict=True)
    ]
    samples.append(WORKERS.sample(row["workers"]))
    troubles: tuple[Failure, ...] = ()
    if (row["transaction"] or 0.0) >= LONG or (row["idle"] or 0.0) >= LONG_IDLE:
        troubles = await _told(session, row)
    return Answer(tuple(samples), troubles)


async def _told(session: PostgresqlSession, ages: Any) -> tuple[Failure, ...]:
    rows = await session.fetch(_OLDEST)
    if not rows:
        return ()  # it has just ended
    who = rows[0]
    idle = who["state"].startswith("idle in transaction")
    minutes = round(((ages["idle"] if idle else ages["transaction"]) or 0.0) / 60)
    application = f" ({who['application_name']})" if who["application_name"] else ""
    what = "idle in its transaction" if idle else "in its transaction"
    trouble = session.trouble(
        Kind.QUERY,
        f"session {who['pid']} of {who['usename'] or '?'}{application} in {who['datname'] or '?'}"
        f" on {session.url.server_name} has been {what} for {minutes} minutes",
        hint="long_transaction",
        pid=str(who["pid"]),
        holders=f"{who['usename']} in {who['datname']}{application}",
    )
    return (trouble,)


PROBE: Final = Probe(
    "activity",
    Scope.SERVER,
    (
        OLDEST_TRANSACTION,
        OLDEST_IDLE,
        LONGEST_QUERY,
        LONGEST_DUMP,
        HIDDEN,
        WORKERS,
        WORKERS_LIMIT,
    ),
    ask,
    interval=60.0,
    privileges=("pg_monitor",),
)
