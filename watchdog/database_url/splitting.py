"""Taking a PostgreSQL URL apart where people forgot to percent-encode.

Owns: which ``@`` ends the password. The rule: what RFC 3986 says wins if
all of it makes sense; otherwise the only reading that does; two readings, or
none, is an error that never shows a piece of the text. Must not know:
meanings of keys beyond whether they exist, the environment.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from watchdog.database_url.parameters import resolve
from watchdog.database_url.types import DatabaseUrlError

ENCODE: Final = (
    "percent-encode special characters of user, password and database: "
    "@ as %40, : as %3A, / as %2F, ? as %3F, # as %23, % as %25"
)
FORM: Final = "postgresql://USER:PASSWORD@HOST:PORT/DATABASE"

_HOST = r"(?:\[[0-9A-Za-z:.%_-]+\]|(?:[\w.~-]|%[0-9A-Fa-f]{2})*)(?::[0-9]*)?"
_TAIL: Final = re.compile(
    rf"(?P<hosts>{_HOST}(?:,{_HOST})*)(?:/(?P<database>[^?]*))?(?:\?(?P<query>.*))?", re.DOTALL
)
_HOST_PORT: Final = re.compile(r"(?P<host>\[[^\]]*\]|[^:]*)(?::(?P<port>[0-9]*))?")
_DELIMITER: Final = re.compile(r"[/?#]")


@dataclass(frozen=True, slots=True, repr=False)
class Pieces:
    """A URL taken apart and percent-decoded; ``None`` is what it does not say."""

    user: str | None
    password: str | None
    hosts: tuple[tuple[str, int | None], ...]
    database: str | None
    query: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, repr=False)
class _Reading:
    userinfo: str | None
    hosts: str
    database: str | None
    query: str | None
    regular: bool  # as RFC 3986 splits it


def split(rest: str) -> Pieces:
    """Take apart what follows ``scheme://``. Raises ``DatabaseUrlError``."""
    reading = _only(_readings(rest), rest)
    user, password = _userinfo(reading.userinfo)
    return Pieces(
        user=user,
        password=password,
        hosts=tuple(_host(part) for part in _hosts(reading.hosts)),
        database=_decoded(reading.database, "database") if reading.database else None,
        query=tuple(_query(reading.query)),
    )


def _readings(rest: str) -> list[_Reading]:
    authority = _DELIMITER.split(rest, maxsplit=1)[0]
    regular_at = authority.rfind("@")
    found = []
    for at in [-1, *(index for index, char in enumerate(rest) if char == "@")]:
        match = _TAIL.fullmatch(rest, at + 1)
        if match is None or "/" in (match["database"] or ""):
            continue
        found.append(
            _Reading(
                userinfo=rest[:at] if at >= 0 else None,
                hosts=match["hosts"],
                database=match["database"],
                query=match["query"],
                regular=at == regular_at,
            )
        )
    return found


def _only(readings: list[_Reading], rest: str) -> _Reading:
    for reading in readings:
        if reading.regular and "@" not in (reading.database or "") and _keys_known(reading.query):
            return reading
    if len(readings) == 1:
        return readings[0]
    if readings:
        raise DatabaseUrlError(
            f"it is not clear where the password ends: {ENCODE}. The form is {FORM}"
        )
    hint = ENCODE if "@" in rest else "PORT is a number, DATABASE has no slash"
    raise DatabaseUrlError(f"the URL cannot be taken apart: the form is {FORM}; {hint}")


def _keys_known(query: str | None) -> bool:
    if not query:
        return True
    keys = (unquote(pair.partition("=")[0]) for pair in query.split("&"))
    return "@" not in query or all(resolve(key) is not None for key in keys)


def _userinfo(text: str | None) -> tuple[str | None, str | None]:
    if text is None:
        return None, None
    user, colon, password = text.partition(":")
    return (
        _decoded(user, "user") if user else None,
        _decoded(password, "password") if colon and password else None,
    )


def _hosts(text: str) -> list[str]:
    if not text:
        return []
    parts = text.split(",")
    if len(parts) > 1 and not all(part and not part.startswith(":") for part in parts):
        raise DatabaseUrlError(
            "a name is missing in the list of hosts: write HOST1:PORT,HOST2:PORT"
        )
    return parts


def _host(text: str) -> tuple[str, int | None]:
    match = _HOST_PORT.fullmatch(text)
    if match is None:
        raise DatabaseUrlError(f"the host cannot be read: the form is {FORM}")
    host = match["host"]
    host = host[1:-1] if host.startswith("[") else host
    return host_name(_decoded(host, "host")), port_number(match["port"]) if match["port"] else None


def host_name(host: str) -> str:
    """Return *host* if it can be one. Raises ``DatabaseUrlError``."""
    if host.startswith("@"):
        raise DatabaseUrlError("abstract Unix sockets are not possible: write the socket's folder")
    if "/" in host and not host.startswith("/"):
        raise DatabaseUrlError("a socket folder must be absolute: write ?host=/run/postgresql")
    if any(char.isspace() for char in host) and not host.startswith("/"):
        raise DatabaseUrlError("a host name has no spaces")
    return host


def port_number(text: str) -> int:
    """Return the port. Raises ``DatabaseUrlError`` without showing *text*."""
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 0 < int(text) < 65536:
        raise DatabaseUrlError("the port must be a number from 1 to 65535")
    return int(text)


def _decoded(text: str, what: str) -> str:
    # A % that starts no percent-encoding is meant as it stands; drivers read it so, too.
    try:
        value = unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise DatabaseUrlError(f"the {what} is not UTF-8 after percent-decoding") from None
    if "\0" in value:
        raise DatabaseUrlError(f"the {what} has a NUL, which PostgreSQL cannot take")
    return value


def _query(text: str | None) -> list[tuple[str, str]]:
    pairs = []
    for pair in (text or "").split("&"):
        if not pair:
            continue
        key, equals, value = pair.partition("=")
        if not equals:
            raise DatabaseUrlError("a key in the query has no value: write ?KEY=VALUE&KEY=VALUE")
        pairs.append((_decoded(key, "query"), _decoded(value, "query")))
    return pairs
