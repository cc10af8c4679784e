"""Who may do everything: once a day, and only said where it is more than it need be.

Owns: the superusers that can log in, beside the first one. Source:
``pg_roles``, which any role may read.
"""

from __future__ import annotations

from typing import Final

from watchdog.engines import Probe
from watchdog.engines.postgresql.probes._columns import gauge
from watchdog.engines.postgresql.session import PostgresqlSession
from watchdog.model import Answer, Failure, Kind, Scope

NUMBER: Final = gauge(
    "superusers", "Superusers that can log in, the first one included (pg_roles)."
)

NAMED: Final = 5  # in the message

_QUERY: Final = """
select rolname::text as name, oid::bigint = 10 as first
  from pg_roles
 where rolsuper and rolcanlogin and (rolvaliduntil is null or rolvaliduntil > now())
 order by 1
"""


async def ask(session: PostgresqlSession) -> Answer:
    """Name those beside the first one, which initdb makes with the oid 10."""
    rows = await session.fetch(_QUERY)
    more = [row["name"] for row in rows if not row["first"]]
    troubles: tuple[Failure, ...] = ()
    if more:
        names = ", ".join(more[:NAMED]) + (", …" if len(more) > NAMED else "")
        troubles = (
            session.trouble(
                Kind.PRIVILEGE,
                f"superusers log in to {session.url.server_name} beside the first one: {names}",
                hint="superusers",
                role=more[0],
            ),
        )
    return Answer((NUMBER.sample(len(rows)),), troubles)


PROBE: Final = Probe("superusers", Scope.SERVER, (NUMBER,), ask, interval=86_400.0)
