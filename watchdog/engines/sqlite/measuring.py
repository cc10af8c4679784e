"""What the proof of a copy shows of the database itself: figures that are dear on a live file.

Owns: the names of these figures and the sizes of tables, by ``dbstat``
(https://www.sqlite.org/dbstat.html). Blocking, for slot threads. Must not
know: metrics, manifests.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from typing import Any, Final

_LARGEST: Final = 20  # tables that are named; the rest is added up
_SIZES: Final = "SELECT name, pgsize FROM dbstat WHERE aggregate = TRUE"
# Joined here: SQLite would read all of sqlite_master again for each table.
_OWNERS: Final = "SELECT name, tbl_name FROM sqlite_master"


def table_sizes(connection: sqlite3.Connection) -> dict[str, Any]:
    """Return the bytes of the largest tables and of all others; {} where SQLite cannot tell.

    Reads every page. Raises ``sqlite3.OperationalError`` when interrupted.
    """
    try:
        sizes = connection.execute(_SIZES).fetchall()
        owners = dict(connection.execute(_OWNERS))
    except sqlite3.OperationalError as error:
        if getattr(error, "sqlite_errorname", "") == "SQLITE_INTERRUPT":
            raise
        return {}  # a library without dbstat
    # An index counts for its table; what is of SQLite itself, too.
    tables: Counter[str] = Counter()
    for name, size in sizes:
        tables[str(owners.get(name, name))] += int(size)
    rows = sorted(tables.items(), key=lambda each: (-each[1], each[0]))
    named, rest = rows[:_LARGEST], rows[_LARGEST:]
    return {
        "table_bytes": dict(named),
        "other_tables": len(rest),
        "other_table_bytes": sum(size for _, size in rest),
    }
