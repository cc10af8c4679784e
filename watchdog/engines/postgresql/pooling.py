"""A dump and the pooler in its way.

Owns: the refusal of a dump whose settings and transaction may end up in
different sessions of the server. Must not know: tools, archives.

In transaction mode a pooler gives each transaction to whichever session of
the server is free. ``pg_dump`` first empties the search path for its session
and dumps in a transaction after that: if both are not the same session, names
in the dump lack their schemas, and an application gets the one whose search
path is empty. Where each client keeps a session of its own nothing of that
happens; nobody tells which it is, so that has to be said by ``backup.url``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import asyncpg

from watchdog.database_url import PostgresqlUrl
from watchdog.engines.postgresql import tools
from watchdog.engines.postgresql.connection import Connection
from watchdog.model import ActionFailed, Phase, Target

THROUGH_POOLER: Final = "backup_through_pooler"

_TURNS: Final = 3
_PATIENCE: Final = 2.0  # seconds; a pool of one whole session has none for us
_WHICH: Final = "select pg_catalog.pg_backend_pid()"


async def warning_for(
    connection: Connection,
    target: Target,
    url: PostgresqlUrl,
    another: Callable[[], Awaitable[Connection]],
) -> str:
    """Return what is to be told of a dump over such a *connection*, "" for nothing.

    *another* opens one more. Raises ``ActionFailed`` where a dump would not
    be safe, or where nobody has said that it is.
    """
    if not connection.pooler:
        return ""
    if target.backup is None or target.backup.url is None:
        raise _refused(target, url, "the address of the server itself as backup.url")
    if await _is_shared(connection, another):
        raise _refused(target, url, "backup.url the address of the server itself")
    return (
        f"backup.url leads through a pooler ({url.server_name}): that is safe only if each client"
        " keeps a session of its own there (pool_mode = session); better give the server itself"
    )


async def _is_shared(connection: Connection, another: Callable[[], Awaitable[Connection]]) -> bool:
    """Whether somebody else was seen in the session that *connection* has just used."""
    seen = {await connection.driver.fetchval(_WHICH) for _ in range(_TURNS)}
    if len(seen) > 1:
        return True
    try:
        other = await another()
        try:
            return await other.driver.fetchval(_WHICH, timeout=_PATIENCE) in seen
        finally:
            await other.close()
    except (ActionFailed, TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False


def _refused(target: Target, url: PostgresqlUrl, what: str) -> ActionFailed:
    return tools.refusal(
        THROUGH_POOLER,
        f"{url.server_name} is a pooler (PgBouncer or its like), through which {target.name} cannot"
        f" be dumped safely: give {what}",
        Phase.PREFLIGHT,
        tools.facts(url, target, None),
    )
