"""How many clients come over TLS.

Owns: ``pg_stat_ssl`` joined to ``pg_stat_activity``; connections by socket do
not count. Needs ``pg_monitor``: where a client is hidden there is no figure.
"""

from __future__ import annotations

from typing import Final

from watchdog.engines import Probe
from watchdog.engines.postgresql.probes._columns import gauge
from watchdog.engines.postgresql.session import PostgresqlSession
from watchdog.model import Answer, Scope

CONNECTIONS: Final = gauge(
    "network_connections",
    "Client connections by network, with TLS (encrypted yes) and without (no) (pg_stat_ssl);"
    " absent without pg_monitor.",
    "encrypted",
)

_QUERY: Final = """
select count(*) filter (where s.ssl)::int as encrypted,
       count(*) filter (where not s.ssl)::int as plain
  from pg_stat_ssl s join pg_stat_activity a using (pid)
 where a.backend_type = 'client backend' and a.client_addr is not null
"""


async def ask(session: PostgresqlSession) -> Answer:
    """Count both kinds, unless we are blind."""
    if session.facts.get("blind") is not False:
        return Answer()
    row = await session.fetchrow(_QUERY)
    return Answer(
        (CONNECTIONS.sample(row["encrypted"], "yes"), CONNECTIONS.sample(row["plain"], "no"))
    )


PROBE: Final = Probe(
    "encryption", Scope.SERVER, (CONNECTIONS,), ask, interval=900.0, privileges=("pg_monitor",)
)
