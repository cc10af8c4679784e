"""The two kinds of database URL as types.

Owns: ``SqliteUrl``, ``PostgresqlUrl``, their masked text and what tools and
drivers are given. Must not know: how a text is taken apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from urllib.parse import quote

from watchdog.database_url.parameters import PARAMETERS
from watchdog.errors import WatchdogError
from watchdog.secret import MASK, Secret

_NONE: Mapping[str, str] = MappingProxyType({})

# What a person reads in a path as it is, and what must be encoded to read it back.
_LEGIBLE = "/!$&'()*+,;=:@~-._[]{}|^<>\"\\`"


class DatabaseUrlError(WatchdogError, ValueError):
    """A text is no usable database URL: what is wrong, what to write; never the password."""


def quoted(text: str, safe: str = "") -> str:
    """Percent-encode *text*, leaving letters of every language as they are."""
    return "".join(
        char if char.isalnum() or char in safe else quote(char, safe="-._~", errors="replace")
        for char in text
    )


@dataclass(frozen=True, slots=True)
class SqliteUrl:
    """A SQLite file; ``path`` is absolute once ``base_dir`` has been applied.

    ``ignored`` names query keys that are the application's own and mean
    nothing here.
    """

    path: str
    engine: str = "sqlite"
    ignored: tuple[str, ...] = field(default=(), compare=False)

    @property
    def masked(self) -> str:
        """The URL as people may see it."""
        return f"sqlite:///{quoted(self.path, _LEGIBLE)}"

    def __str__(self) -> str:
        return self.masked


@dataclass(frozen=True, slots=True)
class PostgresqlUrl:
    """A PostgreSQL database.

    ``hosts`` are (host, port); a host that starts with ``/`` is a socket folder.
    ``parameters`` holds libpq's names only (``sslmode``, ``sslrootcert``,
    ``connect_timeout``, ``target_session_attrs``, ``application_name``, …),
    paths absolute, nothing secret: the pass phrase of a client key is
    ``sslpassword``. ``ignored`` as of ``SqliteUrl``.
    """

    hosts: tuple[tuple[str, int], ...]
    user: str
    database: str
    password: Secret | None = None
    parameters: Mapping[str, str] = field(default_factory=lambda: _NONE, hash=False)
    engine: str = "postgresql"
    sslpassword: Secret | None = None
    ignored: tuple[str, ...] = field(default=(), compare=False)

    @property
    def server_name(self) -> str:
        """``host:port``, several joined by commas; ``/run/postgresql:5432`` for a socket folder."""
        return ",".join(f"{_bracketed(host)}:{port}" for host, port in self.hosts)

    @property
    def masked(self) -> str:
        """The URL as people may see it: ``postgresql://codelab:***@postgres:5432/agent_runtime``."""
        password = f":{MASK}" if self.password is not None else ""
        hosts = ",".join(
            f"{quoted(host) if host.startswith('/') else _bracketed(host)}:{port}"
            for host, port in self.hosts
        )
        return f"postgresql://{quoted(self.user)}{password}@{hosts}/{quoted(self.database)}"

    def __str__(self) -> str:
        return self.masked

    def with_password(self, password: Secret | None) -> PostgresqlUrl:
        """Return the same URL with another password."""
        return replace(self, password=password)

    def with_database(self, database: str) -> PostgresqlUrl:
        """Return the same server and user with another database."""
        return replace(self, database=database)

    # ------------------------------------------------------------ what libpq's tools are given

    def libpq_parameters(self, client: int | None = None) -> dict[str, str]:
        """Return host, port, user, dbname and parameters by libpq's names, without any secret.

        *client* is the tool's major version: a key that it does not know yet
        is left out.
        """
        found = {
            "host": ",".join(host for host, _ in self.hosts),
            "port": ",".join(str(port) for _, port in self.hosts),
            "user": self.user,
            "dbname": self.database,
        }
        for name, value in self.parameters.items():
            parameter = PARAMETERS[name]
            if parameter.tools and (client is None or client >= parameter.since):
                found[name] = value
        return found

    def libpq_conninfo(self, client: int | None = None, **more: str) -> str:
        """Return a connection string for libpq's tools, without any secret.

        *more* adds or replaces keys (``passfile=…``, ``dbname=…``). A
        password goes into a passfile of mode 0600: see ``passfile_text``.
        """
        pairs = {**self.libpq_parameters(client), **more}
        return " ".join(f"{name}={conninfo_value(value)}" for name, value in pairs.items())

    def libpq_environment(self, client: int | None = None) -> dict[str, str]:
        """Return the same as ``PG*`` variables; keys that have no variable are left out."""
        found = {}
        for name, value in self.libpq_parameters(client).items():
            if variable := PARAMETERS[name].variable:
                found[variable] = value
        return found

    def passfile_text(self) -> str:
        """Return the one line of a private passfile (mode 0600) that carries the password.

        Raises ``DatabaseUrlError`` if there is none, or it has a line break
        or NUL, which no passfile can hold.
        """
        if self.password is None:
            raise DatabaseUrlError("there is no password to put into a passfile")
        value = self.password.reveal()
        if any(char in value for char in "\r\n\0"):
            raise DatabaseUrlError(
                "the password has a line break or NUL, which no passfile can hold: change it"
            )
        escaped = value.replace("\\", "\\\\").replace(":", "\\:")
        return f"*:*:*:*:{escaped}\n"

    # ------------------------------------------------------------ what asyncpg is given

    def tls_parameters(self) -> dict[str, str]:
        """Return the TLS parameters (``sslmode``, …) that are set, by libpq's names."""
        return {name: value for name, value in self.parameters.items() if PARAMETERS[name].tls}

    def server_settings(self) -> dict[str, str]:
        """Return the start-up settings that the URL asks for: ``options``, ``application_name``."""
        return {
            name: value
            for name, value in self.parameters.items()
            if PARAMETERS[name].server_setting
        }


DatabaseUrl = SqliteUrl | PostgresqlUrl


def conninfo_value(value: str) -> str:
    """Quote *value* for a libpq connection string."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("/") else host
