"""Whether everybody may create objects in schema public: once a day, as a hint.

Owns: ``pg_namespace.nspacl``. Up to 14 that is how a database is made; whoever
can log in can then put a function where others find it first.
"""

from __future__ import annotations

from typing import Final

from watchdog.engines import Probe
from watchdog.engines.postgresql.probes._columns import gauge
from watchdog.engines.postgresql.session import PostgresqlSession
from watchdog.model import Answer, Failure, Kind, Scope

OPEN: Final = gauge(
    "public_schema_open",
    "Whether every role may create objects in schema public: 1 or 0 (pg_namespace.nspacl).",
)

_QUERY: Final = """
select exists (select 1 from pg_namespace n, aclexplode(n.nspacl) a
                where n.nspname = 'public' and a.grantee = 0 and a.privilege_type = 'CREATE')
"""


async def ask(session: PostgresqlSession) -> Answer:
    """Ask for the grant to PUBLIC."""
    is_open = await session.fetchval(_QUERY)
    troubles: tuple[Failure, ...] = ()
    if is_open:
        troubles = (
            session.trouble(
                Kind.PRIVILEGE,
                f"every role may create objects in schema public of {session.url.database} on"
                f" {session.url.server_name}",
                hint="public_schema_open",
            ),
        )
    return Answer((OPEN.sample(is_open),), troubles)


PROBE: Final = Probe("public_schema", Scope.TARGET, (OPEN,), ask, interval=86_400.0)
