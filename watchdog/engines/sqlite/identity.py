"""Which SQLite database a copy is of.

Owns: what tells one file from another, and how much it holds. Reads the copy,
never the source, of which only ``stat`` is asked. Blocking. Must not know:
what is made of a difference.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from watchdog.engines._sketch import sketch
from watchdog.engines.sqlite.files import Files, uri

_TABLES: Final = r"""
SELECT name FROM sqlite_master
 WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\'
"""
_PAGES: Final = """
SELECT (page_count - freelist_count) * page_size
  FROM pragma_page_count, pragma_freelist_count, pragma_page_size
"""


def of_source(files: Files) -> dict[str, Any]:
    """Return what ``stat`` tells of the database at its path."""
    return {"device": files.main.device, "inode": files.main.inode}


def of_copy(copy: Path) -> dict[str, Any]:
    """Return what the copy tells; ``size_bytes`` leaves free pages out. Raises ``sqlite3.Error``.

    *copy* must be a file that nobody writes.
    """
    source = uri(str(copy.absolute()), mode="ro", immutable="1")
    with closing(sqlite3.connect(source, uri=True)) as connection:
        connection.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
        names = [name for (name,) in connection.execute(_TABLES)]
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (size,) = connection.execute(_PAGES).fetchone()
    return {
        "application_id": application,
        "tables": len(names),
        "names": sketch(names),
        "size_bytes": size,
    }
