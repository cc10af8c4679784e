"""Proof that a copy is a whole database.

Owns: ``integrity_check`` on files of our own, read so that nothing appears
beside them. Must not know: hashes and sizes, which the manifest has.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

import aiosqlite

from watchdog.engines import Proof
from watchdog.engines.sqlite.files import uri
from watchdog.engines.sqlite.troubles import SqliteTrouble

_INTEGRITY: Final = 3
_SHOWN: Final = 5  # complaints of integrity_check in a message
_TABLES: Final = r"""
SELECT count(*) FROM sqlite_master
 WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\'
"""


async def prove(artefact: Path) -> Proof:
    """Return level 3 for a copy that is whole. Raises ``SqliteTrouble``, ``sqlite3.Error``.

    *artefact* must be a file that nobody writes. ``quick_check`` runs first:
    it is several times faster and finds most damage.
    """
    size = (await asyncio.to_thread(artefact.stat)).st_size
    if size == 0:
        raise SqliteTrouble(
            f"the backup {artefact} is empty",
            code="SQLITE_EMPTY",
            hint="backup_zero_bytes",
            component=str(artefact),
        )
    source = _source(artefact)
    async with aiosqlite.connect(source, uri=True) as connection:
        try:
            for pragma in ("quick_check", "integrity_check"):
                await _passes(connection, pragma, artefact)
            row = await (await connection.execute(_TABLES)).fetchone()
        except asyncio.CancelledError:
            await connection.interrupt()  # or closing would wait for the statement
            raise
    assert row is not None
    return Proof(_INTEGRITY, int(row[0]))


def _source(artefact: Path) -> str:
    return uri(str(artefact.absolute()), mode="ro", immutable="1")


async def _passes(connection: aiosqlite.Connection, pragma: str, artefact: Path) -> None:
    rows = await connection.execute_fetchall(f"PRAGMA {pragma}({_SHOWN})")
    complaints = [str(row[0]) for row in rows]
    if complaints != ["ok"]:
        raise SqliteTrouble(
            f"{pragma} of {artefact} says: {'; '.join(complaints)}",
            code="SQLITE_CORRUPT",
            hint="sqlite_corrupt",
            component=str(artefact),
        )
