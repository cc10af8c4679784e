"""How many locks there are, by database and mode, against how many there can be.

Owns: ``pg_locks``, which nobody is hidden from. Only what is there has a
series: no zero for each mode of each database.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from watchdog.engines import Probe
from watchdog.engines.postgresql.probes._columns import gauge
from watchdog.engines.postgresql.session import PostgresqlSession
from watchdog.model import Answer, Scope

LOCKS: Final = gauge(
    "locks",
    "Locks that are held or waited for, by mode (pg_locks), in the watched databases; datname is"
    " empty for locks of the whole server or of other databases.",
    "datname",
    "mode",
)
WAITING: Final = gauge("locks_waiting", "Locks that are waited for (pg_locks).")
LIMIT: Final = gauge(
    "locks_limit",
    "How many locks of objects the shared table is made for (max_locks_per_transaction *"
    " (max_connections + max_prepared_transactions)).",
)

_QUERY: Final = """
select current_setting('max_locks_per_transaction')::bigint
       * (current_setting('max_connections')::bigint
          + current_setting('max_prepared_transactions')::bigint) as most,
       coalesce(d.datname::text, '') as datname, l.mode, l.granted,
       l.pid is not distinct from pg_backend_pid() as ours, count(*)::int as n
  from pg_locks l
  left join pg_database d on d.oid = l.database and d.datname = any($1::name[])
 group by d.datname, l.mode, l.granted, l.pid is not distinct from pg_backend_pid()
"""


async def ask(session: PostgresqlSession) -> Answer:
    """Count the locks of everybody but ourselves."""
    every = await session.fetch(_QUERY, sorted(session.databases))
    rows = [row for row in every if not row["ours"]]
    held: Counter[tuple[str, str]] = Counter()
    for row in rows:
        held[row["datname"], row["mode"]] += row["n"]
    waiting = sum(row["n"] for row in rows if not row["granted"])
    limit = every[0]["most"]  # to read them is to hold one
    samples = [LOCKS.sample(n, *labels) for labels, n in sorted(held.items())]
    return Answer((WAITING.sample(waiting), LIMIT.sample(limit), *samples))


PROBE: Final = Probe("locks", Scope.SERVER, (LOCKS, WAITING, LIMIT), ask, interval=120.0)
