"""``masked``: any text that may be a database URL, as people may see it.

Owns: masking without understanding more than needed. Must not know: the
environment, files.
"""

from __future__ import annotations

import re
from typing import Final

from watchdog.database_url.parameters import resolve
from watchdog.database_url.splitting import Pieces, split
from watchdog.database_url.types import DatabaseUrlError, quoted
from watchdog.secret import MASK

SCHEME: Final = re.compile(
    r"\s*(?P<scheme>(?:jdbc:)?[A-Za-z][A-Za-z0-9+.-]*)://(?P<rest>.*)", re.DOTALL
)
_POSTGRESQL: Final = re.compile(r"postgres(?:ql)?(?:\+\w*)?", re.IGNORECASE)
_SQLITE: Final = re.compile(r"sqlite(?:\+(?:aiosqlite|pysqlite))?", re.IGNORECASE)
_PATH_ONLY: Final = re.compile(r"/[^?@]*")


def masked(text: str) -> str:
    """Return the URL *text* without its password; ``SCHEME://***`` if it cannot be taken apart.

    >>> masked("postgresql+asyncpg://codelab:pw@postgres/auth_db?sslmode=require")
    'postgresql+asyncpg://codelab:***@postgres/auth_db?sslmode=require'
    """
    match = SCHEME.match(text)
    if match is None:
        return MASK
    scheme, rest = match["scheme"], match["rest"].strip()
    if _SQLITE.fullmatch(scheme) and _PATH_ONLY.fullmatch(rest):
        return f"{scheme}://{rest}"
    if not _POSTGRESQL.fullmatch(scheme):
        return f"{scheme}://{MASK}"
    try:
        return f"{scheme}://{_assembled(split(rest))}"
    except DatabaseUrlError:
        return f"{scheme}://{MASK}"


def _assembled(pieces: Pieces) -> str:
    password = f":{MASK}" if pieces.password is not None else ""
    account = f"{quoted(pieces.user or '')}{password}@" if pieces.user or password else ""
    hosts = ",".join(_host(host, port) for host, port in pieces.hosts)
    database = f"/{quoted(pieces.database)}" if pieces.database else ""
    query = "&".join(f"{quoted(key)}={_value(key, value)}" for key, value in pieces.query)
    return f"{account}{hosts}{database}{'?' if query else ''}{query}"


def _host(host: str, port: int | None) -> str:
    name = f"[{host}]" if ":" in host and not host.startswith("/") else quoted(host)
    return name if port is None else f"{name}:{port}"


def _value(key: str, value: str) -> str:
    resolved = resolve(key)
    if resolved is None or resolved[1].secret or "*" in resolved[1].refused:
        return MASK
    return quoted(value, "/:,@+")
