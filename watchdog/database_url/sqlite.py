"""SQLite URLs: which file is meant, and which are refused with what to write.

Owns: every form of SQLAlchemy and SQLite's own URI. Must not know: how files
are opened; that is ours to choose, whatever ``mode=`` the application uses.
"""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from watchdog.database_url.types import DatabaseUrlError, SqliteUrl

_DRIVERS: Final = ("", "aiosqlite", "pysqlite", "sqlite3")
_IGNORED: Final = frozenset(
    {
        "mode", "cache", "immutable", "nolock", "psow", "uri", "timeout", "check_same_thread",
        "isolation_level", "detect_types", "cached_statements", "autocommit", "journal_mode",
        "busy_timeout", "foreign_keys", "synchronous", "connection_limit", "socket_timeout",
    }
)  # fmt: skip
_ENCRYPTED: Final = frozenset(
    {"key", "hexkey", "textkey", "cipher", "kdf_iter", "cipher_page_size"}
)
MEMORY: Final = (
    "a database in memory lives inside its own process and cannot be watched: "
    "write sqlite:///relative.db or sqlite:////absolute.db"
)


def parse(driver: str, rest: str, base_dir: Path) -> SqliteUrl:
    """Build the URL from what follows ``sqlite+DRIVER://``. Raises ``DatabaseUrlError``."""
    if driver not in _DRIVERS:
        raise DatabaseUrlError(
            f"sqlite+{driver} cannot be read: only plain SQLite files, as sqlite:///FILE"
        )
    location, _, query = rest.partition("?")
    ignored = _ignored(query)
    if location in ("", "/", "/:memory:", ":memory:", "/file::memory:"):
        raise DatabaseUrlError(MEMORY)
    if not location.startswith("/"):
        raise DatabaseUrlError(
            "after sqlite: come three slashes for a relative path, four for an absolute one: "
            "write sqlite:///relative.db or sqlite:////absolute.db"
        )
    return SqliteUrl(_path(location[1:], base_dir), ignored=ignored)


def _path(text: str, base_dir: Path) -> str:
    if text.startswith("file:"):
        text = text.removeprefix("file:")
        if text.startswith("//"):
            authority, slash, path = text[2:].partition("/")
            if authority not in ("", "localhost"):
                raise DatabaseUrlError("a file: URI has no host: write sqlite:////absolute.db")
            text = slash + path
    try:
        path = unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise DatabaseUrlError("the path is not UTF-8 after percent-decoding") from None
    if "\0" in path:
        raise DatabaseUrlError("the path has a NUL, which no file name can hold")
    if path.startswith("~"):
        raise DatabaseUrlError("~ is not expanded in URLs: write the whole path, sqlite:////home/…")
    if not path or path.endswith("/"):
        raise DatabaseUrlError("the path names a folder: write the database's file")
    return os.path.normpath(base_dir / path)


def _ignored(query: str) -> tuple[str, ...]:
    found = []
    for pair in filter(None, query.split("&")):
        key, _, value = pair.partition("=")
        key = unquote(key).lower()
        if (key, value.lower()) == ("mode", "memory"):
            raise DatabaseUrlError(MEMORY)
        if key in _ENCRYPTED:
            raise DatabaseUrlError(
                f"{key}= means an encrypted database (SQLCipher), which plain SQLite cannot read"
            )
        if key == "vfs":
            raise DatabaseUrlError("vfs= is not possible: files are read by SQLite's own VFS")
        if key not in _IGNORED and not key.startswith("_"):
            near = difflib.get_close_matches(key, sorted(_IGNORED), n=1, cutoff=0.7)
            hint = f"did you mean {near[0]}?" if near else "remove it, or write ? in a path as %3F"
            raise DatabaseUrlError(f"unknown key {key!r} in the query: {hint}")
        found.append(key)
    return tuple(sorted(set(found)))
