"""What a visit finds in the target's own database.

Owns: proof that this login can read there, and that it cannot write. Sources:
``pg_class``, ``transaction_read_only``, ``pg_is_in_recovery()``.
"""

from __future__ import annotations

import time
from typing import Final

from watchdog.engines import Probe
from watchdog.engines.postgresql.session import PostgresqlSession
from watchdog.model import Answer, Metric, MetricType, Role, Scope

READ_DURATION: Final = Metric(
    "watchdog_postgresql_visit_query_duration_seconds",
    MetricType.GAUGE,
    "How long a fresh session in the database itself took to read its catalogue (pg_class).",
)
READ_ONLY: Final = Metric(
    "watchdog_postgresql_database_read_only",
    MetricType.GAUGE,
    "Whether the database takes no writes by default: 1 on a standby, or where ALTER DATABASE or"
    " ALTER ROLE ALL sets default_transaction_read_only (pg_db_role_setting), else 0.",
)

# Our own session is read-only by its start-up parameter, so its settings say
# nothing about those that others get.
_QUERY: Final = """
select exists (select 1 from pg_class where relkind in ('r', 'p')) as readable,
       pg_is_in_recovery() as in_recovery,
       pg_is_in_recovery()
         or exists (select 1 from pg_db_role_setting s
                     where s.setrole = 0
                       and s.setdatabase in (0, (select oid from pg_database
                                                  where datname = current_database()))
                       and 'default_transaction_read_only=on' = any(s.setconfig)) as read_only
"""


async def ask(session: PostgresqlSession) -> Answer:
    """Read the catalogue of the database that was connected to."""
    began = time.perf_counter()
    (row,) = await session.fetch_first(_QUERY)
    spent = time.perf_counter() - began
    session.facts["role"] = Role.STANDBY if row["in_recovery"] else Role.PRIMARY
    return Answer(
        (READ_DURATION.sample(spent), READ_ONLY.sample(row["read_only"])),
        facts={"encrypted": session.encrypted, "pooler": session.pooler},
    )


PROBE: Final = Probe("target", Scope.TARGET, (READ_DURATION, READ_ONLY), ask, leading=True)
