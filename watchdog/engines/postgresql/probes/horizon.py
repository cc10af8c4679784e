"""What keeps old row versions from being cleaned, and how far back.

Owns: the age of the oldest snapshot by who holds it. Sources:
``pg_stat_activity.backend_xmin``, ``pg_replication_slots``,
``pg_prepared_xacts``, ``pg_stat_replication.backend_xmin`` (a standby with
``hot_standby_feedback``). Sessions and standbys need ``pg_monitor``.
"""

from __future__ import annotations

from typing import Final

from watchdog.engines import Probe
from watchdog.engines.postgresql.probes._columns import gauge
from watchdog.engines.postgresql.session import PostgresqlSession
from watchdog.model import Answer, Scope

AGE: Final = gauge(
    "oldest_snapshot_age_transactions",
    "How many transactions ago the oldest snapshot was taken that keeps dead rows from being"
    " cleaned, by who holds it: sessions (pg_stat_activity), replication_slots,"
    " prepared_transactions, standbys (pg_stat_replication); 0 if none does.",
    "holder",
)

_QUERY: Final = """
select (select max(greatest(age(backend_xmin), age(backend_xid))) from pg_stat_activity
         where pid <> pg_backend_pid() and backend_type <> 'walsender') as sessions,
       (select max(greatest(age(xmin), age(catalog_xmin))) from pg_replication_slots)
         as replication_slots,
       (select max(age(transaction)) from pg_prepared_xacts) as prepared_transactions,
       (select max(age(backend_xmin)) from pg_stat_replication) as standbys
"""
_VISIBLE_TO_ALL: Final = ("replication_slots", "prepared_transactions")
_FOR_MONITORS: Final = ("sessions", "standbys")


async def ask(session: PostgresqlSession) -> Answer:
    """Ask each kind of holder; those that are hidden from us are left out."""
    row = await session.fetchrow(_QUERY)
    seeing = session.facts.get("blind") is False
    holders = _VISIBLE_TO_ALL + (_FOR_MONITORS if seeing else ())
    return Answer(tuple(AGE.sample(row[holder] or 0, holder) for holder in holders))


PROBE: Final = Probe(
    "horizon", Scope.SERVER, (AGE,), ask, interval=240.0, privileges=("pg_monitor",)
)
