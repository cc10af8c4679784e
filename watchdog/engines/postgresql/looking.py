"""One look at the sessions of a server, for all who ask about them in one round.

Owns: the one statement about who is connected, who does or holds something,
and what the slots keep; the settings that say how many may connect. Sources:
``pg_stat_activity``, ``pg_replication_slots``, and ``pg_blocking_pids`` of
those that wait for a lock only (it takes the lock manager's own locks). Must
not know: what is made of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from watchdog.engines.postgresql.session import PostgresqlSession

_REMEMBERED: Final = "look"

# A session that is just logging in has neither role nor database yet.
_QUERY: Final = """
with seen as materialized (
  select * from pg_stat_activity
   where backend_type = 'client backend' or (backend_type is null and datid is not null)),
holders as (
  select coalesce(usename::text, '') as usename, coalesce(datname::text, '') as datname,
         coalesce(application_name, '') as application_name, coalesce(state, 'hidden') as state,
         coalesce(host(client_addr), '') as client, count(*)::int as connections
    from seen group by 1, 2, 3, 4, 5 order by 6 desc, 1, 2, 3, 4, 5),
-- Those that do something or hold something, the longest transaction first.
busy as (
  select pid, coalesce(usename::text, '') as usename, coalesce(datname::text, '') as datname,
         coalesce(application_name, '') as application_name,
         coalesce(host(client_addr), '') as client,
         coalesce(state, 'hidden') as state, coalesce(wait_event_type, '') as wait_event_type,
         coalesce(wait_event, '') as wait_event,
         extract(epoch from clock_timestamp() - xact_start)::float8 as transaction_seconds,
         extract(epoch from clock_timestamp() - query_start)::float8 as statement_seconds,
         case when wait_event_type = 'Lock' then pg_blocking_pids(pid) end as blocked_by,
         left(query, 1000) as statement
    from seen where pid <> pg_backend_pid() and state is distinct from 'idle'
   order by xact_start nulls last limit 20),
slots as (
  select slot_name::text as name, slot_type as type, active,
         coalesce(wal_status, '') as wal_status,
         case when not pg_is_in_recovery()
              then pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::int8 end as retained_bytes
    from pg_replication_slots order by restart_lsn nulls last limit 20)
select current_setting('max_connections')::int as most,
       current_setting('superuser_reserved_connections')::int
       + coalesce(nullif(current_setting('reserved_connections', true), ''), '0')::int as reserved,
       (select json_agg(h) from holders h)::text as holders,
       (select json_agg(b) from busy b)::text as busy,
       (select json_agg(s) from slots s)::text as slots
"""


@dataclass(frozen=True, slots=True)
class Sessions:
    """What one look has shown, at one instant.

    ``limit`` is how many connections there can be and ``reserved`` how many
    of them ordinary roles cannot have. ``holders`` counts the ``connections``
    by ``usename datname application_name state client``, the largest first;
    we are among them. ``busy`` are up to 20 sessions but ours that do or hold
    something, ``slots`` up to 20 replication slots.
    """

    limit: int
    reserved: int
    holders: Sequence[Mapping[str, Any]]
    busy: Sequence[Mapping[str, Any]]
    slots: Sequence[Mapping[str, Any]]


async def look(session: PostgresqlSession) -> Sessions:
    """Look now; what is as it was is the same object. Raises as ``PostgresqlSession.fetch``."""
    row = await session.fetchrow(_QUERY)
    known = session.looked
    if known is None or known[0] != row:
        parts = (json.loads(row[part] or "[]") for part in ("holders", "busy", "slots"))
        known = session.looked = row, Sessions(row["most"], row["reserved"], *parts)
    session.remembered[_REMEMBERED] = known[1]
    return known[1]


async def again(session: PostgresqlSession) -> Sessions:
    """Return what the last look has shown that nobody has asked for again, or look now."""
    seen = session.remembered.pop(_REMEMBERED, None)
    return seen if isinstance(seen, Sessions) else await look(session)
