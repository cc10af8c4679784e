"""The visit: a fresh session on one target's own database with its own credentials.

Owns: opening, timing and ending it. Must not know: which probes are asked.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType

from watchdog.database_url import PostgresqlUrl
from watchdog.engines.postgresql.connection import Limits, Poolers, connect
from watchdog.engines.postgresql.credentials import Credentials
from watchdog.engines.postgresql.session import PostgresqlSession
from watchdog.engines.postgresql.wire import Timing
from watchdog.model import Phase, Target

# A statement ends on the server before the visit's own deadline, so that a
# slow one fails by itself and does not read as a dead server.
STATEMENT_SHARE = 0.4

# No further question is begun after this share of it: with the statement's own
# share that is less than the whole, so that slow questions do not read as down.
ROUND_SHARE = 0.55


class PostgresqlVisit:
    """An asynchronous context manager; see ``watchdog.engines.Visit``."""

    def __init__(self, target: Target, credentials: Credentials, poolers: Poolers) -> None:
        self._target = target
        self._credentials = credentials
        self._poolers = poolers
        self._timing = Timing()
        self._session: PostgresqlSession | None = None

    @property
    def phase(self) -> Phase:
        """Where it stands."""
        return self._timing.phase

    @property
    def phases(self) -> Mapping[Phase, float]:
        """The seconds of each finished phase."""
        return self._timing.phases

    async def __aenter__(self) -> PostgresqlSession:
        url = self._target.url
        assert isinstance(url, PostgresqlUrl)
        timeout = self._target.probe.timeout
        began = time.monotonic()
        limits = Limits(login=timeout, statement=timeout * STATEMENT_SHARE)
        try:
            connection = await connect(url, self._credentials, self._timing, limits, self._poolers)
        except BaseException:
            self._timing.drop()
            raise
        self._session = PostgresqlSession(
            connection, url, limits, (url.database,), self._target.name, self._target.probe
        )
        self._session.ask_until(began + timeout * ROUND_SHARE)
        self._timing.enter(Phase.QUERY)
        return self._session

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._session is None:
            return
        if kind is not None:
            self._timing.drop()
            self._session.abort()
            return
        self._timing.stop()
        await self._session.close()
