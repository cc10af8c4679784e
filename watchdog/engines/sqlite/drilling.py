"""The restore drill of a SQLite copy: put back into a scratch file, counted, asked.

Owns: the scratch file, the comparison of what came back and the user's
assertions on it. Must not know: how a copy is restored, when a drill is due.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

from watchdog.content import Content
from watchdog.database_url import DatabaseUrl, SqliteUrl
from watchdog.engines import Drilled, Exercise, _drills
from watchdog.engines.sqlite import counting
from watchdog.engines.sqlite.files import uri
from watchdog.engines.sqlite.proof import compare
from watchdog.engines.sqlite.reading import Progress
from watchdog.slots import Slots

if TYPE_CHECKING:
    import aiosqlite

_ROOM: Final = 1.1  # of the artefact's size
_LINGER: Final = 1.0

Restore = Callable[[Path, DatabaseUrl, Callable[[int], None]], Awaitable[object]]


async def drill(exercise: Exercise, slots: Slots, restore: Restore, stage: Progress) -> Drilled:
    """Restore into a scratch file, compare it with what was there, ask the assertions.

    Raises ``Unproven``, ``ActionFailed``, ``SqliteTrouble``, ``sqlite3.Error``.
    """
    scratch = _drills.folder(exercise.settings.directory, lambda: _needed(exercise))
    async with AsyncExitStack() as held:
        try:
            folder = await held.enter_async_context(scratch)
        except OSError as error:
            raise _drills.no_scratch(exercise, error) from error
        place = folder / "restored.sqlite"
        began = time.monotonic()
        await restore(exercise.artefact, SqliteUrl(str(place)), lambda _: None)
        seconds = time.monotonic() - began
        found = await slots.run(
            f"drill:{place}", lambda: _look(place, exercise, stage), stage.cancel, _LINGER
        )
        against = await _asked(place, exercise.settings.assertions)
    failure = _drills.against(exercise, against) if against else None
    return Drilled(
        level=_drills.level(exercise.content, failure),
        seconds=seconds,
        where="a scratch file",
        tables=len(found.rows),
        rows=found.total,
        notes=_drills.uncompared(exercise.content),
        failure=failure,
    )


def _needed(exercise: Exercise) -> int:
    return int(exercise.artefact.stat().st_size * _ROOM)


def _look(place: Path, exercise: Exercise, stage: Progress) -> Content:
    """Return what the restored file holds; ``SqliteTrouble`` if that is not what was there."""
    source = uri(str(place), mode="ro", immutable="1")
    opened = sqlite3.connect(source, uri=True, check_same_thread=False, isolation_level=None)
    with closing(opened) as connection:
        stage.use(connection)
        try:
            if exercise.content is None:
                return counting.count(connection, digests=False, stop=lambda: None)
            return compare(connection, exercise.artefact, exercise.content, stage)
        finally:
            stage.use(None)


async def _asked(place: Path, assertions: tuple[str, ...]) -> str:
    """Return what the assertions say against the file, "" for nothing."""
    if not assertions:
        return ""
    import aiosqlite  # noqa: PLC0415 - few drills ask anything, and none runs most of the time

    source = uri(str(place), mode="ro", immutable="1")
    async with aiosqlite.connect(source, uri=True) as connection:
        try:
            for query in assertions:
                if against := await _against(connection, query):
                    return against
        except asyncio.CancelledError:
            await connection.interrupt()  # or closing would wait for the statement
            raise
    return ""


async def _against(connection: aiosqlite.Connection, query: str) -> str:
    try:
        row = await (await connection.execute(query)).fetchone()
    except (sqlite3.Error, sqlite3.Warning) as error:
        return f"the assertion {query!r} cannot be asked: {error}"
    if row is None or not row[0]:
        answer = "without a row" if row is None else repr(row[0])
        return f"the assertion {query!r} does not hold: it answers {answer}"
    return ""
