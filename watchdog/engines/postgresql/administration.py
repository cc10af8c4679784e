"""Sessions that may write: what a restore does to a server beside ``pg_restore``.

Owns: logging in for writing, without the limits of our other sessions, and
quoting. Must not know: what is restored.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

import asyncpg

from watchdog.database_url import PostgresqlUrl
from watchdog.engines.postgresql import tools
from watchdog.engines.postgresql.connection import Connection
from watchdog.engines.postgresql.failures import classify
from watchdog.engines.postgresql.pooling import THROUGH_POOLER
from watchdog.engines.postgresql.preflight import session
from watchdog.engines.postgresql.wire import Timing
from watchdog.model import ActionFailed, Phase, Target

MAINTENANCE: Final = ("postgres", "template1")

_ERRORS: Final = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)
_IDLE_LIMIT_SINCE: Final = 14
# What our other sessions have to bound them would stand in the way here.
_UNBOUND: Final = (
    "default_transaction_read_only = off",
    "statement_timeout = 0",
    "idle_in_transaction_session_timeout = 0",
)


class Administration:
    """One session in one database. All methods raise ``ActionFailed``."""

    def __init__(self, connection: Connection, url: PostgresqlUrl) -> None:
        self._connection = connection
        self.url = url

    @property
    def driver(self) -> Any:
        """The driver's connection, for questions that are asked elsewhere too."""
        return self._connection.driver

    @property
    def major(self) -> int:
        """The server's major version."""
        return int(self._connection.driver.get_server_version().major)

    async def rows(self, query: str, *arguments: object) -> list[Any]:
        """Return the rows that *query* gives."""
        try:
            found: list[Any] = await self._connection.driver.fetch(query, *arguments)
        except _ERRORS as error:
            raise self.failed(error) from error
        return found

    async def value(self, query: str, *arguments: object) -> Any:
        """Return the first column of the first row."""
        try:
            return await self._connection.driver.fetchval(query, *arguments)
        except _ERRORS as error:
            raise self.failed(error) from error

    async def do(self, *statements: str) -> None:
        """Run *statements* in their order."""
        for statement in statements:
            try:
                await self._connection.driver.execute(statement)
            except _ERRORS as error:
                raise self.failed(error) from error

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """Run the block in one transaction."""
        await self.do("begin")
        try:
            yield
        except BaseException:
            if not self._connection.driver.is_closed():
                await self.do("rollback")
            raise
        await self.do("commit")

    def failed(self, error: Exception) -> ActionFailed:
        """Return *error* as what this room raises."""
        return ActionFailed(classify(error, Phase.QUERY, tools.facts(self.url, None, None)))


@asynccontextmanager
async def open_in(url: PostgresqlUrl, target: Target | None) -> AsyncIterator[Administration]:
    """Log in to the database of *url* for writing. Raises ``ActionFailed``."""
    connection = await session(url, target, Timing())
    try:
        if connection.pooler:
            raise _refuse_pooler(url)
        administration = Administration(connection, url)
        settings = list(_UNBOUND)
        if administration.major >= _IDLE_LIMIT_SINCE:
            settings.append("idle_session_timeout = 0")
        await administration.do(*(f"set {setting}" for setting in settings), "set lock_timeout = 0")
        yield administration
    finally:
        await connection.close()


@asynccontextmanager
async def maintenance(url: PostgresqlUrl, target: Target | None) -> AsyncIterator[Administration]:
    """Log in to the server of *url*: in a database that every server has, or in that of *url*."""
    async with AsyncExitStack() as held:
        yield await _first(held, url, target)


async def _first(held: AsyncExitStack, url: PostgresqlUrl, target: Target | None) -> Administration:
    first: ActionFailed | None = None
    for name in (*MAINTENANCE, url.database):
        try:
            return await held.enter_async_context(open_in(url.with_database(name), target))
        except ActionFailed as error:
            first = first or error
    assert first is not None
    raise first


def quoted(name: str) -> str:
    """Return *name* as an identifier of SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return *text* as a string of SQL, whatever ``standard_conforming_strings`` is."""
    body = text.replace("'", "''")
    return f"E'{body.replace(chr(92), chr(92) * 2)}'" if "\\" in body else f"'{body}'"


def _refuse_pooler(url: PostgresqlUrl) -> ActionFailed:
    return tools.refusal(
        THROUGH_POOLER,
        f"{url.server_name} is a pooler (PgBouncer or its like), through which nothing can be"
        " restored safely: give the address of the server itself, in --to or as backup.url",
        Phase.PREFLIGHT,
        tools.facts(url, None, None),
    )
