"""Copying a database that a crash left to be recovered, and recovering the copy.

Owns: the plain copy of a file that nobody has open, with its ``-wal`` or
``-journal``, by a child process, and the proof that nobody touched it
meanwhile. SQLite then recovers *the copy*; the source stays as the crash left
it. Must not know: how a live database is copied.
"""

from __future__ import annotations

import sqlite3
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from watchdog import process
from watchdog.engines.sqlite import counting
from watchdog.engines.sqlite.copying import (
    Copied,
    count_tables,
    create,
    discard,
    make_standalone,
    no_tables,
    opened,
)
from watchdog.engines.sqlite.files import Files, survey
from watchdog.engines.sqlite.keeper import borrow
from watchdog.engines.sqlite.reading import Way
from watchdog.engines.sqlite.troubles import SqliteTrouble
from watchdog.model import ProofMode
from watchdog.slots import Slots

NEEDS_RECOVERY: Final = ("SQLITE_READONLY_ROLLBACK", "SQLITE_READONLY_CANTINIT")
_GRACE: Final = 0.5  # seconds for cp to end by itself when we are cancelled


async def copy_recovered(
    path: str, into: Path, slots: Slots, mode: ProofMode = ProofMode.AUTO
) -> Copied:
    """Copy what a crash left of the database at *path* to *into*, and recover it there.

    Raises ``SqliteTrouble``, ``sqlite3.Error``, ``OSError``.
    """
    key = f"copy:{into}"
    files = await slots.run(key, lambda: _begin(path, into))
    moment, began = datetime.now(UTC), time.monotonic()
    # A child's: closing the file in our own process would drop our locks on it.
    for suffix, found in (("", files.main), ("-wal", files.wal), ("-journal", files.journal)):
        if found is not None:
            await _cp(f"{files.path}{suffix}", f"{into}{suffix}")
    return await slots.run(
        key, lambda: _finish(files, into, moment, time.monotonic() - began, mode)
    )


async def _cp(source: str, destination: str) -> None:
    done = await process.run(["cp", "--", source, destination], grace=_GRACE)
    if done.returncode != 0:
        raise SqliteTrouble(
            f"cannot copy {source}: {done.stderr}", code="SQLITE_IOERR", component=source
        )


def _begin(path: str, into: Path) -> Files:
    files = survey(path)
    _refuse_if_locked(files)
    create(into)
    for suffix, found in (("-wal", files.wal), ("-journal", files.journal)):
        if found is not None:
            create(Path(f"{into}{suffix}"))  # before cp, so that it is never readable by others
    return files


def _finish(files: Files, into: Path, moment: datetime, seconds: float, mode: ProofMode) -> Copied:
    try:
        _refuse_if_touched(files)
        with opened(into) as connection:
            tables = count_tables(connection)  # the first read recovers
            (page_size,) = connection.execute("PRAGMA page_size").fetchone()
            (pages,) = connection.execute("PRAGMA page_count").fetchone()
            # The source cannot be asked: what a later look at the copy is compared
            # with is the copy itself, as it was recovered.
            content = counting.count(
                connection,
                digests=mode is ProofMode.DIGESTS,
                stop=lambda: None,
                reason=counting.why_not(mode, page_size * pages, blocking=False),
            )
        make_standalone(into)
    except (SqliteTrouble, sqlite3.Error, OSError):
        discard(into)
        raise
    if not content.schema:
        discard(into)
        raise no_tables(files.path)
    wal = files.wal is not None and files.wal.size > 0
    way = Way.RECOVERED
    return Copied(moment, tables, content, page_size, pages, way, wal, seconds, 0.0, "", files)


def _refuse_if_touched(files: Files) -> None:
    _refuse_if_locked(files)
    if survey(files.path).signature != files.signature:
        raise SqliteTrouble(
            f"somebody opened {files.path} while it was copied: try again",
            code="SQLITE_BUSY",
            hint="sqlite_busy",
        )


def _refuse_if_locked(files: Files) -> None:
    with borrow() as keeper:
        if keeper.look(files.path, hold=False, wait=0.0).exclusive:
            raise SqliteTrouble(
                f"a writer has {files.path} locked: try again",
                code="SQLITE_BUSY",
                hint="sqlite_busy",
            )
