"""What a SQLite database holds: rows, digests, the shape of its schema.

Owns: the questions, asked on a connection that the caller has opened and, of
a live file, within the transaction that the caller holds. Blocking, for slot
threads. Must not know: copies, manifests.
"""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from typing import Final

from watchdog import units
from watchdog.content import Content
from watchdog.model import ProofMode

# ``proof: auto`` counts up to here. In rollback mode nobody can commit while
# a reader is at it, so that there a large file is copied and no more.
AUTO_LIMIT: Final = 20 << 30  # bytes
AUTO_LIMIT_BLOCKING: Final = 1 << 30

_SCHEMA: Final = "SELECT type, name, tbl_name, sql FROM sqlite_master"
_ROWS_PER_LOOK: Final = 10_000
_MODULUS: Final = 1 << 128

Row = tuple[str, str, str, str | None]


def why_not(mode: ProofMode, size: int, *, blocking: bool) -> str:
    """Return why a database of *size* bytes is not to be counted, "" if it is.

    *blocking*: writers have to wait meanwhile.
    """
    if mode is ProofMode.OFF:
        return "proof: off"
    limit = AUTO_LIMIT_BLOCKING if blocking else AUTO_LIMIT
    if mode is not ProofMode.AUTO or size <= limit:
        return ""
    because = ", for writers of a database in rollback mode would wait" if blocking else ""
    return (
        f"proof: auto leaves the counts out above {units.size(limit)}{because}:"
        f" the database has {units.size(size)}"
    )


def count(
    connection: sqlite3.Connection, *, digests: bool, stop: Callable[[], None], reason: str = ""
) -> Content:
    """Count every table; *stop* is called now and then and raises to end it.

    With a *reason* why not, only the shape of the schema is taken. Raises
    ``sqlite3.Error``; what one table alone meets is noted with it.
    """
    began = time.monotonic()
    connection.text_factory = _text
    schema: list[Row] = connection.execute(_SCHEMA).fetchall()
    rows: dict[str, int] = {}
    found: dict[str, str] = {}
    passed: dict[str, str] = {}
    uncounted: dict[str, str] = {}
    for kind, name, _, sql in schema:
        if kind != "table" or name.startswith("sqlite_"):
            continue
        stop()
        shown = _shown(name)
        if (sql or "").lstrip()[:14].upper() == "CREATE VIRTUAL":
            passed[shown] = "virtual table: its module keeps the rows, in tables of its own or not"
            continue
        if reason:
            continue
        try:
            rows[shown] = _count(connection, name)
            if digests:
                found[shown] = _digest(connection, name, stop)
        except (sqlite3.OperationalError, UnicodeError) as error:
            if getattr(error, "sqlite_errorname", "") == "SQLITE_INTERRUPT":
                raise
            rows.pop(shown, None)
            uncounted[shown] = (
                "its name is not text" if isinstance(error, UnicodeError) else str(error)
            )
    return Content(
        rows=rows,
        digests=found,
        passed_over=passed,
        uncounted=uncounted,
        reason=reason,
        schema=schema_digest(schema),
        objects=dict(Counter(f"{kind}s" if kind != "index" else "indexes" for kind, *_ in schema)),
        seconds=time.monotonic() - began,
    )


def schema_digest(schema: list[Row]) -> str:
    """Return the sha256 of the schema, independent of its order; "" for none at all."""
    if not schema:
        return ""
    lines = sorted("\x1f".join(field or "" for field in row) for row in schema)
    return hashlib.sha256("\x1e".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def _count(connection: sqlite3.Connection, table: str) -> int:
    (number,) = connection.execute(f"SELECT count(*) FROM {_quoted(table)}").fetchone()  # noqa: S608
    return int(number)


def _digest(connection: sqlite3.Connection, table: str, stop: Callable[[], None]) -> str:
    """Return the sum of a hash of each row: in whatever order, it is the same."""
    total = 0
    cursor = connection.execute(f"SELECT * FROM {_quoted(table)}")  # noqa: S608
    while rows := cursor.fetchmany(_ROWS_PER_LOOK):
        for row in rows:
            hashed = hashlib.blake2b(repr(row).encode("utf-8", "surrogateescape"), digest_size=16)
            total += int.from_bytes(hashed.digest(), "big")
        stop()
    return f"{total % _MODULUS:032x}"


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _shown(name: str) -> str:
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
