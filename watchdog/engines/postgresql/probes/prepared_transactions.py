"""Prepared transactions: one that everybody forgot holds its locks and the cleaning of rows.

Owns: how many there are and how old the oldest is. Source:
``pg_prepared_xacts``, which any role may read.
"""

from __future__ import annotations

from typing import Final

from watchdog.engines import Probe
from watchdog.engines.postgresql.probes._columns import gauge
from watchdog.engines.postgresql.session import PostgresqlSession
from watchdog.model import Answer, Failure, Kind, Scope

NUMBER: Final = gauge(
    "prepared_transactions", "Prepared transactions that are not finished (pg_prepared_xacts)."
)
OLDEST: Final = gauge(
    "oldest_prepared_transaction_seconds",
    "Age of the oldest prepared transaction (pg_prepared_xacts.prepared); 0 if there is none.",
)

FORGOTTEN: Final = 3600.0  # seconds: whoever finishes them does so within moments

_QUERY: Final = """
select gid, database::text as datname, owner::text as owner,
       extract(epoch from clock_timestamp() - prepared)::float8 as age
  from pg_prepared_xacts order by prepared
"""


async def ask(session: PostgresqlSession) -> Answer:
    """Ask for all of them; there are few, or the oldest is what matters."""
    rows = await session.fetch(_QUERY)
    oldest = max(0.0, rows[0]["age"]) if rows else 0.0
    samples = (NUMBER.sample(len(rows)), OLDEST.sample(oldest))
    troubles: tuple[Failure, ...] = ()
    if oldest >= FORGOTTEN:
        gid, datname = rows[0]["gid"], rows[0]["datname"]
        troubles = (
            session.trouble(
                Kind.QUERY,
                f"transaction {gid!r} of {rows[0]['owner']} in {datname} on"
                f" {session.url.server_name} has been prepared for {oldest / 3600:.1f} hours and is"
                " neither committed nor rolled back",
                hint="forgotten_prepared_transaction",
                transaction=gid,
                database=datname,
            ),
        )
    return Answer(samples, troubles)


PROBE: Final = Probe("prepared_transactions", Scope.SERVER, (NUMBER, OLDEST), ask, interval=240.0)
