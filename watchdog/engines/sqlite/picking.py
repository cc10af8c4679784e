"""A database with some of its tables only.

Owns: which objects belong to a table, and leaving the others out. Works on a
file of our own that nobody else has open. Must not know: restoring.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Final

from watchdog.engines.sqlite.files import uri
from watchdog.engines.sqlite.reading import Progress
from watchdog.engines.sqlite.troubles import SqliteTrouble
from watchdog.visible import visible

_OBJECTS: Final = r"""
SELECT type, name, tbl_name FROM sqlite_master
 WHERE type IN ('table', 'view', 'trigger') AND name NOT LIKE 'sqlite\_%' ESCAPE '\'
"""
_BARE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SHADOWS: Final = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'shadow'"


def pick(path: Path, tables: Iterable[str], progress: Progress) -> None:
    """Leave in the database at *path* only *tables*, with their indexes and triggers.

    Raises ``SqliteTrouble`` for a table that is not there, ``sqlite3.Error``.
    """
    source = uri(str(path), mode="rw")
    opened = sqlite3.connect(source, uri=True, isolation_level=None, check_same_thread=False)
    with closing(opened) as connection:
        progress.use(connection)
        try:
            _pick(connection, tuple(tables))
        finally:
            progress.use(None)


def _pick(connection: sqlite3.Connection, tables: tuple[str, ...]) -> None:
    for setting in ("journal_mode = MEMORY", "foreign_keys = OFF", "legacy_alter_table = ON"):
        connection.execute(f"PRAGMA {setting}")
    objects = connection.execute(_OBJECTS).fetchall()
    shadows = {str(row[0]) for row in connection.execute(_SHADOWS)}
    there = {str(name).casefold(): str(name) for kind, name, _ in objects if kind == "table"}
    # Names may be given as they are, and as the list below writes them.
    there |= {_shown(name).casefold(): name for name in there.values()}
    missing = [table for table in tables if table.casefold() not in there]
    if missing:
        has = ", ".join(sorted({_shown(name) for name in there.values()})) or "none"
        raise SqliteTrouble(
            visible(f"the backup has no table {', '.join(missing)}; it has {has}"),
            code="SQLITE_NOTFOUND",
        )
    wanted = {there[table.casefold()] for table in tables}
    connection.execute("BEGIN")
    for kind, name, table in objects:
        leaves = table not in wanted if kind == "trigger" else name not in wanted
        if leaves and name not in shadows:  # those go with the table that they belong to
            connection.execute(f"DROP {kind} IF EXISTS {_quoted(str(name))}")
    connection.execute("COMMIT")
    connection.execute("VACUUM")


def _shown(name: str) -> str:
    return name if _BARE.fullmatch(name) else _quoted(name)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
