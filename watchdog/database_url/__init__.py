"""Database URLs: parsing, masking, and what each query key means.

Owns: every URL form of both engines. Standard library only; must not know
drivers or configuration files.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from watchdog.database_url import postgresql, sqlite
from watchdog.database_url.masking import SCHEME, masked
from watchdog.database_url.parameters import PARAMETERS, Parameter
from watchdog.database_url.postgresql import absolute, hidden
from watchdog.database_url.types import (
    DatabaseUrl,
    DatabaseUrlError,
    PostgresqlUrl,
    SqliteUrl,
    conninfo_value,
)

__all__ = [
    "PARAMETERS",
    "DatabaseUrl",
    "DatabaseUrlError",
    "Parameter",
    "PostgresqlUrl",
    "SqliteUrl",
    "absolute",
    "conninfo_value",
    "engine_of",
    "family_of",
    "hidden",
    "masked",
    "parse",
]

_FORMS: Final = "postgresql://USER:PASSWORD@HOST:PORT/DATABASE or sqlite:///FILE"
_POSTGRESQL: Final = frozenset({"postgresql", "postgres"})
_NEARLY_POSTGRESQL: Final = frozenset({"pgsql", "psql", "pg", "postgis", "postgre", "cockroachdb"})
_MISTAKEN: Final = (
    (re.compile(r"[\"']"), "the quotes are part of the value: remove them"),
    (
        re.compile(r"(?:host|hostaddr|port|dbname|user|password|service)\s*="),
        "this is a libpq keyword string: write postgresql://USER:PASSWORD@HOST:PORT/DATABASE",
    ),
    (
        re.compile(r"jdbc:sqlite:"),
        "this is a JDBC URL: write sqlite:///relative.db or sqlite:////absolute.db",
    ),
    (
        re.compile(r"file:"),
        "a file: URI is not a database URL: write sqlite:////absolute.db",
    ),
    (re.compile(r":memory:"), sqlite.MEMORY),
)


def engine_of(text: str) -> str | None:
    """Return the engine that a URL's scheme names, ``None`` if *text* is not such a URL."""
    family = family_of(text)
    return family if family in ("postgresql", "sqlite") else None


def family_of(text: str) -> str | None:
    """Return the scheme of any URL without its driver, ``None`` if *text* is no URL.

    Quotes around it do not count here: ``parse`` says that they are wrong.
    """
    match = SCHEME.match(text.strip().lstrip("\"'"))
    if match is None:
        return None
    family = match["scheme"].lower().partition("+")[0]
    return "postgresql" if family in _POSTGRESQL else family


def parse(text: str, *, environ: Mapping[str, str], base_dir: Path) -> DatabaseUrl:
    """Read the database URL *text*.

    *environ* gives ``PG*`` for what the URL does not say and ``HOME``;
    relative paths are under *base_dir*. Raises ``DatabaseUrlError``, which
    says what is wrong and what to write and never shows the password.
    """
    match = SCHEME.fullmatch(text.strip())
    if match is None:
        raise DatabaseUrlError(_no_url(text.strip()))
    family, _, driver = match["scheme"].lower().partition("+")
    rest = match["rest"]
    if family in _POSTGRESQL:
        return postgresql.parse(rest, environ, base_dir)
    if family == "sqlite":
        return sqlite.parse(driver, rest, base_dir)
    raise DatabaseUrlError(_other_scheme(family))


def _other_scheme(family: str) -> str:
    if family == "jdbc:postgresql":
        return (
            "this is a JDBC URL: write postgresql://USER:PASSWORD@HOST:PORT/DATABASE "
            "(the user and the password go before the @)"
        )
    if family in _NEARLY_POSTGRESQL:
        return f"the scheme {family}:// is not known: write postgresql://"
    if family.startswith("sqlite"):
        return f"the scheme {family}:// is not known: write sqlite:///FILE"
    if family == "file":
        return "a file: URI is not a database URL: write sqlite:////absolute.db"
    return f"{family}:// is not a database that can be watched: write {_FORMS}"


def _no_url(text: str) -> str:
    if not text:
        return f"the URL is empty: write {_FORMS}"
    for pattern, answer in _MISTAKEN:
        if pattern.match(text):
            return answer
    if text.startswith(("sqlite:", "/", "./", "../")) or text.endswith(
        (".db", ".sqlite", ".sqlite3")
    ):
        return "write the file as sqlite:///relative.db or sqlite:////absolute.db"
    return f"this is not a database URL: write {_FORMS}"
