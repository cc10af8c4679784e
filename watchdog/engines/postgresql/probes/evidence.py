"""Who is connected, what they do and who waits for whom: what a person asks after an outage.

Owns: the evidence that is kept of the last rounds, so that it is known what
was before a failure. No metrics: names of sessions change too often for
series. Sources: ``pg_stat_activity``, ``pg_replication_slots``, and
``pg_blocking_pids`` of those that wait for a lock only (it takes the lock
manager's own locks). Literals in statements are left out: they may
hold what is nobody's business.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from watchdog.engines import Probe
from watchdog.engines.postgresql.session import PostgresqlSession
from watchdog.model import Answer, Scope
from watchdog.secret import mask

_LONGEST: Final = 200  # characters of a statement or a name

_HOLDERS: Final = """
select coalesce(usename::text, '') as usename, coalesce(datname::text, '') as datname,
       coalesce(application_name, '') as application_name, coalesce(state, 'hidden') as state,
       coalesce(host(client_addr), '') as client, count(*)::int as connections
  from pg_stat_activity
 where backend_type = 'client backend' or (backend_type is null and datid is not null)
 group by 1, 2, 3, 4, 5 order by 6 desc, 1, 2, 3, 4, 5 limit 12
"""

# Those that do something or hold something, the longest transaction first.
_SESSIONS: Final = """
select pid, coalesce(usename::text, '') as usename, coalesce(datname::text, '') as datname,
       coalesce(application_name, '') as application_name,
       coalesce(host(client_addr), '') as client,
       coalesce(state, 'hidden') as state, coalesce(wait_event_type, '') as wait_event_type,
       coalesce(wait_event, '') as wait_event,
       extract(epoch from clock_timestamp() - xact_start)::float8 as transaction_seconds,
       extract(epoch from clock_timestamp() - query_start)::float8 as statement_seconds,
       case when wait_event_type = 'Lock' then pg_blocking_pids(pid) end as blocked_by,
       left(query, 1000) as statement
  from pg_stat_activity
 where pid <> pg_backend_pid() and state is distinct from 'idle'
   and (backend_type = 'client backend' or (backend_type is null and datid is not null))
 order by xact_start nulls last limit 20
"""

_SLOTS: Final = """
select slot_name::text as name, slot_type as type, active, coalesce(wal_status, '') as wal_status,
       case when not pg_is_in_recovery()
            then pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::int8 end as retained_bytes
  from pg_replication_slots order by restart_lsn nulls last limit 20
"""

# Strings, whole or cut off at the end, and dollar-quoted ones.
_LITERAL: Final = re.compile(r"'(?:[^']|'')*(?:'|$)|(\$\w*\$).*?(?:\1|$)", re.DOTALL)


def without_literals(statement: str) -> str:
    """Return *statement* on one line, its string literals left out, not longer than a line."""
    text = " ".join(_LITERAL.sub("'…'", statement).split())
    return mask(text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…")


async def ask(session: PostgresqlSession) -> Answer:
    """Remember who is connected and who waits for whom."""
    holders = [dict(row) for row in await session.fetch(_HOLDERS)]
    sessions = [_session(row) for row in await session.fetch(_SESSIONS)]
    slots = [dict(row) for row in await session.fetch(_SLOTS)]
    evidence = {"holders": holders, "sessions": sessions, "slots": slots}
    return Answer(facts={"evidence": evidence})


def _session(row: Mapping[str, Any]) -> dict[str, Any]:
    seen = dict(row)
    for name in ("transaction_seconds", "statement_seconds"):
        if seen[name] is not None:
            seen[name] = round(seen[name], 3)
    seen["application_name"] = mask(seen["application_name"][:_LONGEST])
    seen["blocked_by"] = list(seen["blocked_by"] or ())
    seen["statement"] = without_literals(seen["statement"] or "")
    return seen


PROBE: Final = Probe("evidence", Scope.SERVER, (), ask)
