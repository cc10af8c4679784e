"""Database URLs: parsing, masking, and what each query key means.

Owns: every URL form of both engines. Standard library only; must not know
drivers or configuration files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from watchdog.secret import Secret


@dataclass(frozen=True, slots=True)
class SqliteUrl:
    """A SQLite file; ``path`` is absolute once ``base_dir`` has been applied."""

    path: str
    engine: str = "sqlite"

    @property
    def masked(self) -> str:
        """The URL as people may see it."""
        return f"sqlite:///{self.path}"

    def __str__(self) -> str:
        return self.masked


@dataclass(frozen=True, slots=True)
class PostgresqlUrl:
    """A PostgreSQL database. ``hosts`` are (host, port); a host that starts with ``/`` is a socket folder.

    ``parameters`` holds libpq's names only (``sslmode``, ``sslrootcert``,
    ``connect_timeout``, ``target_session_attrs``, ``application_name``, …).
    """

    hosts: tuple[tuple[str, int], ...]
    user: str
    database: str
    password: Secret | None = None
    parameters: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    engine: str = "postgresql"


DatabaseUrl = SqliteUrl | PostgresqlUrl
