"""The one connection that a diagnosis may open on a server.

Owns: as whom it is opened, and that it is ended. Read-only and time-limited
as every session. Must not know: what is asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from watchdog.database_url import PostgresqlUrl
from watchdog.diagnosis.case import Case
from watchdog.diagnosis.place import one_connection
from watchdog.engines.postgresql.engine import PostgresqlEngine
from watchdog.model import Target

if TYPE_CHECKING:  # the driver is imported only where there is a PostgreSQL target
    from watchdog.engines.postgresql.session import PostgresqlSession

_MAINTENANCE: Final = "postgres"

_LOGIN: Final = 1.5  # seconds
_STATEMENT: Final = 1.0
_TEMPLATE: Final = "template1"  # lets everybody in, where postgres was dropped


@asynccontextmanager
async def maintenance(case: Case, login: Target | None = None) -> AsyncIterator[PostgresqlSession]:
    """Open a session in the maintenance database with *login*'s credentials (the target's own).

    Raises what ``connect`` raises for the last database that was tried, and
    ``ConnectionRefusedError`` where the server is full: none is opened then.
    """
    if not case.has_room:
        raise ConnectionRefusedError("the server has no connection to spare")
    target = login or case.target
    async with one_connection(case):
        session = await _first_opened(case, target, (_MAINTENANCE, _TEMPLATE))
        try:
            yield session
        except BaseException:
            session.abort()
            raise
        await session.close()


async def _first_opened(case: Case, target: Target, databases: Sequence[str]) -> PostgresqlSession:
    for last, database in enumerate(databases, start=1):
        try:
            return await _opened(case, target, database)
        except Exception:
            if last == len(databases):
                raise
    raise AssertionError("there is a database to try")


async def _opened(case: Case, target: Target, database: str) -> PostgresqlSession:
    from watchdog.engines.postgresql.connection import Limits, connect  # noqa: PLC0415
    from watchdog.engines.postgresql.session import PostgresqlSession  # noqa: PLC0415
    from watchdog.engines.postgresql.wire import Timing  # noqa: PLC0415

    assert isinstance(target.url, PostgresqlUrl)
    assert isinstance(case.engine, PostgresqlEngine)
    url, limits, timing = target.url.with_database(database), Limits(_LOGIN, _STATEMENT), Timing()
    async with asyncio.timeout(_LOGIN):
        connection = await connect(
            url, case.engine.credentials(target), timing, limits, case.engine.poolers
        )
    return PostgresqlSession(connection, url, limits, (database,), target.name)
