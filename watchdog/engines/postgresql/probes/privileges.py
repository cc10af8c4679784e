"""Whether our role sees enough: without ``pg_monitor`` much reads as zero that is not.

Owns: saying that we are blind. Source: ``pg_has_role``.
"""

from __future__ import annotations

from typing import Final

from watchdog.engines import Probe
from watchdog.engines.postgresql.session import PostgresqlSession
from watchdog.model import Answer, Kind, Metric, MetricType, Scope

OK: Final = Metric(
    "watchdog_privileges_ok",
    MetricType.GAUGE,
    "Whether the probing role has pg_monitor: with 0 it is blind to other people's sessions.",
)

_QUERY: Final = """
select pg_has_role('pg_monitor', 'USAGE') as sees, current_user::text as role,
       quote_ident(current_user) as quoted
"""


async def ask(session: PostgresqlSession) -> Answer:
    """Ask for membership in ``pg_monitor``."""
    row = await session.fetchrow(_QUERY)
    session.facts["blind"] = not row["sees"]
    if row["sees"]:
        return Answer((OK.sample(1),), facts={"blind": False})
    grant = f"GRANT pg_monitor TO {row['quoted']};"
    trouble = session.trouble(
        Kind.PRIVILEGE,
        f"role {row['role']} lacks pg_monitor on {session.url.server_name}: what other sessions"
        f" do is hidden from it; as a superuser: {grant}",
        hint="blind_role",
        role=row["role"],
        grant=grant,
    )
    return Answer((OK.sample(0),), (trouble,), facts={"blind": True})


PROBE: Final = Probe("privileges", Scope.SERVER, (OK,), ask, interval=240.0, leading=True)
