"""The look before a dump: whether one can be taken, by which client, and of what size.

Owns: the session of a backup, and the choice of the client. Source:
``pg_database_size``. Must not know: how a dump is taken.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import asyncpg

from watchdog.database_url import PostgresqlUrl
from watchdog.engines import Preflight
from watchdog.engines.postgresql import clients, identity, pooling, tools
from watchdog.engines.postgresql.clients import Client
from watchdog.engines.postgresql.connection import Connection, Limits, Poolers, connect
from watchdog.engines.postgresql.credentials import Credentials
from watchdog.engines.postgresql.errors import LineError
from watchdog.engines.postgresql.failures import classify, timed_out
from watchdog.engines.postgresql.wire import Timing
from watchdog.model import ActionFailed, Phase, Target

# Seconds.
_LOGIN: Final = 15.0
_STATEMENT: Final = 30.0

# The archive holds no indexes and is packed: rather too little than a refusal
# of a backup that would have fitted.
_SHARE_OF_DATABASE: Final = 4
_EMPTY_DATABASE: Final = 7 << 20  # bytes of system catalogues, which no dump holds

_LOOK: Final = """
select current_setting('server_version_num')::int as number,
       current_setting('server_version') as version,
       pg_catalog.pg_database_size(pg_catalog.current_database()) as size
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the look before a dump has shown; ``size`` of the database in bytes.

    ``warning`` is what is to be told of the way to it, "" for nothing.
    """

    major: int
    version: str
    size: int
    identity: Mapping[str, Any]
    warning: str = ""


async def look(target: Target, url: PostgresqlUrl) -> Preflight:
    """Look with a session, choose the client. Raises ``ActionFailed``."""
    seen = await _look(target, url)
    client = await _client_for(seen, target, url)
    return Preflight(
        {"server": seen.version, "pg_dump": client.version},
        estimated_bytes=max(0, seen.size - _EMPTY_DATABASE) // _SHARE_OF_DATABASE,
        identity=seen.identity,
        warnings=(seen.warning,) if seen.warning else (),
    )


async def session(url: PostgresqlUrl, target: Target | None, timing: Timing) -> Connection:
    """Log in with a session of our own. Raises ``ActionFailed``."""
    limits = Limits(login=_LOGIN, statement=_STATEMENT)
    url = replace(url, password=await tools.password_of(url, target))
    named = tools.facts(url, target, None)
    try:
        async with asyncio.timeout(_LOGIN):
            return await connect(url, Credentials(url), timing, limits, Poolers())
    except TimeoutError as error:
        failure = timed_out(timing.phase, _LOGIN, named)
        raise ActionFailed(failure) from error
    except (OSError, LineError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise ActionFailed(classify(error, timing.phase, named)) from error


async def _look(target: Target, url: PostgresqlUrl) -> Seen:
    timing = Timing()
    connection = await session(url, target, timing)
    named = tools.facts(url, target, None)
    try:
        warning = await pooling.warning_for(
            connection, target, url, lambda: session(url, target, Timing())
        )
        row: Any = await connection.driver.fetchrow(_LOOK, timeout=_STATEMENT)
        which = await identity.read(connection, row["size"], _STATEMENT)
    except TimeoutError as error:
        raise ActionFailed(timed_out(Phase.PREFLIGHT, _STATEMENT, named)) from error
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise ActionFailed(classify(error, Phase.PREFLIGHT, named)) from error
    finally:
        await connection.close()
    return Seen(row["number"] // 10000, row["version"], row["size"], which, warning)


async def _client_for(seen: Seen, target: Target, url: PostgresqlUrl) -> Client:
    client = await clients.newest()
    if client is None:
        raise no_client(seen, target, url)
    package = f"postgresql-client-{seen.major}"
    if client.major < seen.major:
        raise tools.refusal(
            tools.TOO_OLD,
            f"the newest pg_dump here is {client.version} ({client.pg_dump}) and cannot dump"
            f" {target.name}, whose server is {seen.version}: install {package}",
            Phase.PREFLIGHT,
            {
                **tools.facts(url, target, None),
                "version": str(seen.major),
                "server_version": seen.version,
                "client_version": client.version,
                "package": package,
            },
        )
    return client


def no_client(seen: Seen | None, target: Target, url: PostgresqlUrl) -> ActionFailed:
    """Return that there is no client here; *seen* is what is known of the server."""
    package = f"postgresql-client-{seen.major}" if seen else "postgresql-client"
    return tools.refusal(
        tools.NOT_FOUND,
        f"there is no pg_dump on this machine to back {target.name} up: install {package},"
        f" or name its folder in {clients.VARIABLE}",
        Phase.PREFLIGHT,
        {
            **tools.facts(url, target, None),
            "package": package,
            **({"version": str(seen.major), "server_version": seen.version} if seen else {}),
        },
        code="ENOENT",
    )
