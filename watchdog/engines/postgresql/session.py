"""One open session as probes see it.

Owns: asking: bounded, read-only, and behind a pooler each question in a
transaction of its own. Must not know: what is asked, how logins go.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import asyncpg

from watchdog.database_url import PostgresqlUrl
from watchdog.engines.postgresql.connection import Connection, Limits
from watchdog.engines.postgresql.errors import RoundSpentError
from watchdog.engines.postgresql.failures import facts_of, trouble
from watchdog.model import Answer, Failure, Kind, ProbeSettings, Role, Sample

_USUAL: Final = ProbeSettings()

T = TypeVar("T")


class PostgresqlSession:
    """An open, read-only, time-limited session.

    ``facts`` is what is known of the server and is kept by whoever learns
    more; ``databases`` are the names of the watched databases that it may be
    asked about; ``version`` is the major version (17); ``settings`` says how
    many tables and statements may have series of their own.
    """

    def __init__(
        self,
        connection: Connection,
        url: PostgresqlUrl,
        limits: Limits,
        databases: Sequence[str] = (),
        target: str = "",
        settings: ProbeSettings = _USUAL,
    ) -> None:
        self.facts: dict[str, Any] = {}
        self.databases = tuple(databases)
        self.settings = settings
        self.url = url
        self.target = target
        self.pooler = connection.pooler
        self.ending = False  # by ourselves: its end is no loss
        self._connection = connection
        self._limits = limits
        self._until: float | None = None
        # The last row about each thing of a probe, and what it was read as.
        self.kept: dict[tuple[str, str], tuple[Any, tuple[Sample, ...]]] = {}
        # The last look at the sessions, and what probes made of it.
        self.looked: tuple[Any, Any] | None = None
        self.made: dict[str, tuple[Any, Answer]] = {}
        # What one question of a round has found out for another one.
        self.remembered: dict[str, object] = {}

    # -------------------------------------------------------------- what it is

    @property
    def version(self) -> int:
        """The server's major version."""
        return int(self._connection.driver.get_server_version().major)

    @property
    def role(self) -> Role | None:
        """Whether it is a primary or a standby; ``None`` until a probe has asked."""
        said = self.facts.get("role")
        return Role(said) if said else None

    @property
    def alive(self) -> bool:
        """Whether it may still be asked, as far as is known without asking."""
        return not self.ending and not self._connection.driver.is_closed()

    @property
    def encrypted(self) -> bool:
        """Whether it goes over TLS."""
        return self._connection.wire.encrypted

    @property
    def certificate(self) -> bytes:
        """The certificate that the server showed, in DER; empty without TLS."""
        return self._connection.wire.certificate

    @property
    def limits(self) -> Limits:
        """The bounds it was opened with."""
        return self._limits

    # -------------------------------------------------------------- asking

    def ask_until(self, monotonic: float) -> None:
        """Begin no question after this instant: a slow server must not read as a dead one.

        Without it the questions of a round, each of them answered in time,
        could together outlast the round's deadline.
        """
        self._until = monotonic
        self.remembered.clear()

    async def fetch(self, query: str, *arguments: object) -> list[Any]:
        """Return the rows (asyncpg records) that *query* gives.

        Raises ``asyncpg.PostgresError``, ``asyncpg.InterfaceError``,
        ``OSError``; ``RoundSpentError`` after ``ask_until``; ``TimeoutError``
        when a server that does not keep its own time limit leaves the
        question unanswered: then the session is gone.
        """
        if self._until is not None and time.monotonic() > self._until:
            raise RoundSpentError(
                "the server answers slowly, so that the round had no time left for this question"
            )
        return await self.fetch_first(query, *arguments)

    async def fetch_first(self, query: str, *arguments: object) -> list[Any]:
        """Return the rows as ``fetch`` does, however late it is: the round's first question."""
        try:
            # The server's own limit comes first, unless the server hangs.
            async with asyncio.timeout(self._limits.statement + 1.0):
                if self.pooler:
                    return await self._fetch_in_transaction(query, arguments)
                rows: list[Any] = await self._connection.driver.fetch(query, *arguments)
                return rows
        except (TimeoutError, asyncio.CancelledError):
            self.abort()
            raise

    async def fetchrow(self, query: str, *arguments: object) -> Any:
        """Return the first row. Raises ``LookupError`` if there is none, else as ``fetch``."""
        rows = await self.fetch(query, *arguments)
        if not rows:
            raise LookupError(f"the server gave no row for: {query}")
        return rows[0]

    async def fetchval(self, query: str, *arguments: object) -> Any:
        """Return the first column of the first row. Raises as ``fetchrow``."""
        return (await self.fetchrow(query, *arguments))[0]

    async def _fetch_in_transaction(self, query: str, arguments: tuple[object, ...]) -> list[Any]:
        """Ask in a transaction of its own: no setting leaks into other people's sessions."""
        driver = self._connection.driver
        settings = self._limits.settings()
        del settings["default_transaction_read_only"]
        local = "".join(f"; SET LOCAL {name} = '{value}'" for name, value in settings.items())
        await driver.execute(f"BEGIN READ ONLY{local}")
        try:
            rows: list[Any] = await driver.fetch(query, *arguments)
        except asyncpg.PostgresError:
            await driver.execute("ROLLBACK")
            raise
        await driver.execute("COMMIT")
        return rows

    def make(self, name: str, seen: T, answer: Callable[[PostgresqlSession, T], Answer]) -> Answer:
        """Return the answer of the probe *name* to what was *seen*; of the same, the same one."""
        known = self.made.get(name)
        if known is None or known[0] is not seen:
            known = self.made[name] = seen, answer(self, seen)
        return known[1]

    def when_lost(self, callback: Callable[[PostgresqlSession], None]) -> None:
        """Have *callback* called when the connection ends and it was not ourselves who ended it."""

        def ended(_: object) -> None:
            if not self.ending:
                self.ending = True
                callback(self)

        self._connection.driver.add_termination_listener(ended)

    def trouble(
        self, kind: Kind, message: str, *, code: str = "", hint: str = "", **facts: str
    ) -> Failure:
        """Return a trouble for a probe's answer, with this session's names among its facts."""
        known = facts_of(self.url, self.target)
        return trouble(kind, message, {**known, **facts}, code=code, hint=hint)

    # -------------------------------------------------------------- ending

    async def close(self) -> None:
        """End it politely within a second."""
        self.ending = True
        await self._connection.close()

    def abort(self) -> None:
        """End it at once by RST."""
        self.ending = True
        self._connection.abort()
