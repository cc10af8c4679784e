"""Extensions older than what is installed beside the server: once a day, as a hint.

Owns: comparing ``pg_extension.extversion`` with the default version of
``pg_available_extensions``, which reads the folder of control files.
"""

from __future__ import annotations

from typing import Final

from watchdog.engines import Probe
from watchdog.engines.postgresql.probes._columns import gauge
from watchdog.engines.postgresql.probes._relations import named
from watchdog.engines.postgresql.session import PostgresqlSession
from watchdog.model import Answer, Failure, Kind, Scope

OUTDATED: Final = gauge(
    "outdated_extensions",
    "Extensions of the database that are not of the version that its server would make now"
    " (pg_available_extensions).",
)

_QUERY: Final = """
select e.extname::text as name, e.extversion as old, a.default_version as new
  from pg_extension e join pg_available_extensions a on a.name = e.extname
 where a.default_version is distinct from e.extversion order by 1
"""


async def ask(session: PostgresqlSession) -> Answer:
    """Ask for the names and versions."""
    rows = await session.fetch(_QUERY)
    troubles: tuple[Failure, ...] = ()
    if rows:
        names = named(f"{row['name']} {row['old']} (now {row['new']})" for row in rows)
        troubles = (
            session.trouble(
                Kind.SCHEMA,
                f"extensions of {session.url.database} on {session.url.server_name} are out of"
                f" date: {names}",
                hint="extension_outdated",
                extension=rows[0]["name"],
            ),
        )
    return Answer((OUTDATED.sample(len(rows)),), troubles)


PROBE: Final = Probe("extensions", Scope.TARGET, (OUTDATED,), ask, interval=86_400.0)
