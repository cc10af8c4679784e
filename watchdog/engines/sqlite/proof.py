"""Proof that a copy is a whole database, and the one that was there.

Owns: ``quick_check``, ``integrity_check``, ``foreign_key_check`` and the
counts on files of our own, read so that nothing appears beside them.
Blocking, for slot threads. Must not know: hashes and sizes, which the
manifest has.
"""

from __future__ import annotations

import re
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from watchdog.content import Content, differences, shown
from watchdog.engines import Proof
from watchdog.engines.sqlite import counting, measuring
from watchdog.engines.sqlite.copying import count_tables
from watchdog.engines.sqlite.files import uri
from watchdog.engines.sqlite.reading import Progress
from watchdog.engines.sqlite.troubles import SqliteTrouble

_READ: Final = 2
_INTEGRITY: Final = 3
_SHOWN: Final = 5  # complaints of integrity_check in a message
_INDEX: Final = re.compile(
    r"missing from index|wrong # of entries in index|non-unique entry in index"
    r"|values differ from index|missing row for index"
)
_VIOLATIONS: Final = 1000  # nobody needs to know of more


def prove(artefact: Path, content: Content | None, level: int | None, progress: Progress) -> Proof:
    """Return level 3 for a copy that is whole and holds *content*; 2 with nothing to compare.

    *artefact* must be a file that nobody writes. ``quick_check`` runs first:
    it is several times faster, finds most damage, and is all that *level* 2
    asks for. Raises ``SqliteTrouble``, ``sqlite3.Error``, ``OSError``.
    """
    if artefact.stat().st_size == 0:
        raise SqliteTrouble(
            f"the backup {artefact} is empty",
            code="SQLITE_EMPTY",
            hint="backup_zero_bytes",
            component=str(artefact),
        )
    source = uri(str(artefact.absolute()), mode="ro", immutable="1")
    opened = sqlite3.connect(source, uri=True, check_same_thread=False, isolation_level=None)
    with closing(opened) as connection:
        progress.use(connection)
        try:
            return _prove(connection, artefact, content, level, progress)
        finally:
            progress.use(None)


def _prove(
    connection: sqlite3.Connection,
    artefact: Path,
    content: Content | None,
    level: int | None,
    progress: Progress,
) -> Proof:
    measures: dict[str, Any] = {"quick_check_seconds": _passes(connection, "quick_check", artefact)}
    tables = count_tables(connection)
    if level == _READ:
        return Proof(_READ, tables, measures=measures)
    _stop_if_cancelled(progress)
    measures["integrity_check_seconds"] = _passes(connection, "integrity_check", artefact)
    remarks, violations = _violations(connection)
    if violations is not None:
        measures["foreign_key_violations"] = violations
    _stop_if_cancelled(progress)
    measures |= measuring.table_sizes(connection)
    if content is None:
        remarks += ("no counts were taken with it to compare with",)
        return Proof(_READ, tables, remarks, measures)
    _stop_if_cancelled(progress)
    compare(connection, artefact, content, progress)
    if not content.complete:
        return Proof(_READ, tables, (*remarks, content.why_incomplete), measures)
    return Proof(_INTEGRITY, tables, remarks, measures)


def compare(
    connection: sqlite3.Connection, artefact: Path, content: Content, progress: Progress
) -> Content:
    """Count what *connection* holds; raise ``SqliteTrouble`` if that is not *content*."""
    found = counting.count(
        connection,
        digests=bool(content.digests),
        stop=lambda: _stop_if_cancelled(progress),
        reason=content.reason,
    )
    other = differences(content, found) if not content.reason else _of_schema(content, found)
    if other:
        raise SqliteTrouble(
            f"{artefact} does not hold what the database held when it was taken: {shown(other)}",
            code="SQLITE_MISMATCH",
            hint="backup_content_differs",
            component=str(artefact),
        )
    return found


def _of_schema(content: Content, found: Content) -> tuple[str, ...]:
    return () if content.schema == found.schema else ("the schema is not the same",)


def _violations(connection: sqlite3.Connection) -> tuple[tuple[str, ...], int | None]:
    """Return what foreign keys say: a copy is as its source was, so this is no fault of it.

    The number is ``None`` where they cannot be looked at, and ends at 1000.
    """
    try:
        found = connection.execute("PRAGMA foreign_key_check").fetchmany(_VIOLATIONS)
    except sqlite3.OperationalError as error:
        if getattr(error, "sqlite_errorname", "") == "SQLITE_INTERRUPT":
            raise
        return (f"the foreign keys of the database cannot be looked at: {error}",), None
    if not found:
        return (), 0
    tables = ", ".join(sorted({str(row[0]) for row in found})[:_SHOWN])
    number = f"{len(found)} or more" if len(found) == _VIOLATIONS else str(len(found))
    said = f"{number} rows of the database point to rows that are not there, in {tables}"
    return (said,), len(found)


def _passes(connection: sqlite3.Connection, pragma: str, artefact: Path) -> float:
    """Return what it took, in seconds; raise ``SqliteTrouble`` if it has complaints."""
    began = time.monotonic()
    rows = connection.execute(f"PRAGMA {pragma}({_SHOWN})").fetchall()
    complaints = [str(row[0]) for row in rows]
    if complaints != ["ok"]:
        raise SqliteTrouble(
            f"{pragma} of {artefact} says: {'; '.join(complaints)}",
            code="SQLITE_CORRUPT",
            hint="sqlite_index_corrupt" if _of_an_index(complaints) else "sqlite_corrupt",
            component=str(artefact),
        )
    return round(time.monotonic() - began, 3)


def _of_an_index(complaints: list[str]) -> bool:
    """Whether every complaint is of an index that does not fit its table, which has all rows."""
    return all(map(_INDEX.search, complaints))


def _stop_if_cancelled(progress: Progress) -> None:
    if progress.cancelled.is_set():
        raise SqliteTrouble("the proof was cancelled", code="SQLITE_INTERRUPT")
