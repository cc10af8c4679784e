"""One instant of a database, held: the dump and the counts are both of it.

Owns: the transaction that exports its snapshot, counting beside the dump and
the bounds of that. Counting is never a reason for a dump to fail or to wait:
whatever goes wrong here becomes the reason why something was not counted.
Must not know: tools, archives.

The counts begin once the dump has locked its tables and end at the latest
as long after it as it took itself (a minute is always allowed).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final

from watchdog.content import Content
from watchdog.engines.postgresql import counting
from watchdog.engines.postgresql.connection import Connection
from watchdog.engines.postgresql.counting import TROUBLES, Tally
from watchdog.model import ProofMode
from watchdog.secret import mask

# ``proof: auto`` counts up to here: a table is counted at a few hundred MB a second.
AUTO_LIMIT: Final = 100 << 30  # bytes

_OPENING: Final = 60.0  # seconds for the first questions, which read the catalogues alone
_GRACE: Final = 60.0
_SINCE_TIMEOUT: Final = 17
_SIZE: Final = "select pg_catalog.pg_database_size(pg_catalog.current_database())"
_EXPORT: Final = "select pg_catalog.pg_export_snapshot()"

# Beside the bounds of every session of ours: the digests must not depend on
# what a database or role is configured to show, and no row may be hidden.
_SETTINGS: Final[dict[str, str]] = {
    "row_security": "off",
    "lock_timeout": "2s",
    "datestyle": "ISO, YMD",
    "intervalstyle": "postgres",
    "timezone": "UTC",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "xmloption": "content",
    "lc_monetary": "C",
}


class Instant:
    """An instant that is held, or the reason why none is.

    ``snapshot`` is what the dump is to be taken from, "" for none;
    ``recovery_point`` the last moment whose commits are surely in it, UTC.
    """

    def __init__(self, mode: ProofMode) -> None:
        self.recovery_point = datetime.now(UTC)
        self.snapshot = ""
        self.reason = "proof: off" if mode is ProofMode.OFF else ""
        self._began = time.monotonic()
        self._driver: Any = None
        self._tally = Tally(digests_too=mode is ProofMode.DIGESTS)
        self._counting: asyncio.Task[None] | None = None

    def begin_counting(self) -> None:
        """Begin to count, if there is anything to: the dump has its locks. May be called again."""
        if self._counting is None and self.snapshot and not self.reason:
            self._counting = asyncio.ensure_future(self._count())

    async def content(self, dumped: Collection[int]) -> Content:
        """Return what was there, *dumped* being the tables with data in the archive, by oid."""
        self.begin_counting()
        late = self.reason
        if self._counting is not None:
            grace = max(_GRACE, time.monotonic() - self._began)
            _, pending = await asyncio.wait([self._counting], timeout=grace)
            if pending:
                late = f"not done {grace:.0f} s after the dump"
                await self._stop()
            late = late or self.reason
        return self._tally.content(dumped, late)

    async def open(self, connection: Connection, mode: ProofMode, limit: float) -> None:
        """Begin the transaction and export its snapshot; *limit* in seconds for everything."""
        self._driver = connection.driver
        try:
            async with asyncio.timeout(_OPENING):
                await self._open(connection, mode, limit)
        except TimeoutError:
            self.reason = f"the server gave no snapshot within {_OPENING:g} s"
            self.snapshot = ""
        except TROUBLES as error:
            self.reason = _words(error)
            if not self._tally.listed:
                self.snapshot = ""

    async def _open(self, connection: Connection, mode: ProofMode, limit: float) -> None:
        driver = self._driver
        await driver.execute("begin isolation level repeatable read, read only")
        await driver.execute(settings_for(connection.driver.get_server_version().major, limit))
        self.recovery_point = datetime.now(UTC)
        self.snapshot = await driver.fetchval(_EXPORT)
        size = await driver.fetchval(_SIZE) if mode is ProofMode.AUTO else 0
        await counting.look_around(driver, self._tally)
        if size > AUTO_LIMIT:
            self._tally.listed = False
            self.reason = (
                f"proof: auto leaves the counts out above {AUTO_LIMIT >> 30} GiB,"
                f" the database has {size >> 30} GiB"
            )

    async def _count(self) -> None:
        try:
            await counting.count(self._driver, self._tally)
        except TROUBLES as error:
            self.reason = _words(error)

    async def _stop(self) -> None:
        if self._counting is not None and not self._counting.done():
            self._counting.cancel()
            await asyncio.wait([self._counting])

    async def close(self) -> None:
        """End the counting, whatever it does."""
        await self._stop()
        if self._counting is not None and not self._counting.cancelled():
            self._counting.result()  # a defect of ours shows


@asynccontextmanager
async def held(
    connection: Connection | None, mode: ProofMode, limit: float, why_none: str = ""
) -> AsyncIterator[Instant]:
    """Hold an instant on *connection*, which is ended after; without one there is a reason why."""
    instant = Instant(mode)
    instant.reason = instant.reason or why_none
    if connection is None:
        yield instant
        return
    try:
        await instant.open(connection, mode, limit)
        yield instant
    finally:
        try:
            await instant.close()
        finally:
            await connection.close()


def settings_for(major: int, limit: float) -> str:
    """Return the settings of a transaction that counts, for it alone.

    Behind a pooler the session is not ours. *limit* in seconds.
    """
    milliseconds = str(max(1, round(limit * 1000)))
    settings = {
        **_SETTINGS,
        "search_path": "pg_catalog",
        "jit": "off",
        "max_parallel_workers_per_gather": "0",
        "statement_timeout": milliseconds,
        # Idle from the end of the counts to that of the dump.
        "idle_in_transaction_session_timeout": milliseconds,
    }
    if major >= _SINCE_TIMEOUT:
        settings["transaction_timeout"] = "0"
    return "; ".join(f"set local {name} = '{value}'" for name, value in settings.items())


def _words(error: BaseException) -> str:
    state = getattr(error, "sqlstate", "") or ""
    text = mask(str(error)).splitlines()
    return f"{state} {text[0] if text else type(error).__name__}".strip()
