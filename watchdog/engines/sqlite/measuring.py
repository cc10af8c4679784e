"""What the proof of a copy shows of the database itself: figures that are dear on a live file.

Owns: the names of these figures and the sizes of tables, by ``dbstat``
(https://www.sqlite.org/dbstat.html). Blocking, for slot threads. Must not
know: metrics, manifests.
"""

from __future__ import annotations

import sqlite3
from typing import Any, Final

_LARGEST: Final = 20  # tables that are named; the rest is added up
# An index counts for its table; what is of SQLite itself, too.
_SIZES: Final = """
SELECT coalesce(m.tbl_name, s.name) AS relname, sum(s.pgsize) AS size
  FROM dbstat AS s LEFT JOIN sqlite_master AS m ON m.name = s.name
 WHERE s.aggregate = TRUE
 GROUP BY 1 ORDER BY 2 DESC, 1
"""


def table_sizes(connection: sqlite3.Connection) -> dict[str, Any]:
    """Return the bytes of the largest tables and of all others; {} where SQLite cannot tell.

    Reads every page. Raises ``sqlite3.OperationalError`` when interrupted.
    """
    try:
        rows = connection.execute(_SIZES).fetchall()
    except sqlite3.OperationalError as error:
        if getattr(error, "sqlite_errorname", "") == "SQLITE_INTERRUPT":
            raise
        return {}  # a library without dbstat
    named, rest = rows[:_LARGEST], rows[_LARGEST:]
    return {
        "table_bytes": {str(name): int(size) for name, size in named},
        "other_tables": len(rest),
        "other_table_bytes": sum(int(size) for _, size in rest),
    }
