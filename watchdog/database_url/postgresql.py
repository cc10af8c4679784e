"""From the pieces of a PostgreSQL URL to a ``PostgresqlUrl``.

Owns: what is taken from where: the URL, then ``service=``, then ``PG*``,
then libpq's defaults. Must not know: drivers, configuration files.
"""

from __future__ import annotations

import os
import pwd
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

from watchdog.database_url import service
from watchdog.database_url.parameters import PARAMETERS, objection, resolve, unknown
from watchdog.database_url.splitting import Pieces, host_name, port_number, split
from watchdog.database_url.types import DatabaseUrlError, PostgresqlUrl
from watchdog.secret import Secret

_SOCKET: Final = re.compile(r"(?P<folder>/.*)/\.s\.PGSQL\.(?P<port>[0-9]+)")
_SOCKET_FOLDERS: Final = ("/run/postgresql", "/var/run/postgresql", "/tmp")  # noqa: S108 - libpq's
_HOST_PORT: Final = re.compile(r"(?:\[(?P<six>[^\]]+)\]|(?P<name>[^:]*))(?::(?P<port>[0-9]+))?")

Hosts = tuple[tuple[str, int | None], ...]


@dataclass(slots=True, repr=False)
class _Settings:
    """What has been found so far; whoever comes first has the say."""

    values: dict[str, str] = field(default_factory=dict)
    hosts: Hosts = ()
    ignored: list[str] = field(default_factory=list)

    def offer(self, key: str, value: str, origin: str = "") -> None:
        """Take *value* for *key* unless there is one. Raises ``DatabaseUrlError``."""
        resolved = resolve(key)
        if resolved is None:
            raise DatabaseUrlError(origin + unknown(key))
        name, parameter = resolved
        wrong = objection(key, value)
        if wrong:
            raise DatabaseUrlError(origin + wrong)
        if parameter.ignored:
            if not origin:
                self.ignored.append(name)
        else:
            self.values.setdefault(name, value)


def parse(rest: str, environ: Mapping[str, str], base_dir: Path) -> PostgresqlUrl:
    """Build the URL from what follows ``scheme://``. Raises ``DatabaseUrlError``."""
    pieces = split(rest)
    settings = _Settings()
    _from_url(settings, pieces)
    name = settings.values.pop("service", None) or environ.get("PGSERVICE")
    if name:
        for key, value in service.lookup(name, environ).items():
            settings.offer(key, value, f"service {name!r}: ")
        settings.values.pop("service", None)
    _from_environment(settings, environ)
    return _build(settings, environ, base_dir)


def _from_url(settings: _Settings, pieces: Pieces) -> None:
    given = {"user": pieces.user, "password": pieces.password, "dbname": pieces.database}
    for key, value in given.items():
        if value:
            settings.values[key] = value
    wrong: list[str] = []
    seen: dict[str, str] = {}
    for key, value in _joined(pieces.query):
        name = (resolve(key) or (key, None))[0]
        before = seen.get(name, settings.values.get(name))
        if before is not None and before != value:
            wrong.append(f"{name} is given twice with different values: write it once")
            continue
        seen[name] = value
        try:
            settings.offer(key, _spaced(value) if name == "options" else value)
        except DatabaseUrlError as error:
            wrong.append(str(error))
    named = tuple((host, port) for host, port in pieces.hosts if host)
    if named and "host" in seen:
        wrong.append("the host is given twice, before the path and as host=: write it once")
    if "port" in seen and any(port is not None for _, port in pieces.hosts):
        wrong.append("the port is given twice, with the host and as port=: write it once")
    if wrong:
        raise DatabaseUrlError("; ".join(wrong))
    settings.hosts = named
    lone = [port for host, port in pieces.hosts if not host and port is not None]
    if lone:
        settings.values["port"] = str(lone[0])


def _spaced(options: str) -> str:
    # SQLAlchemy and asyncpg write and read a space as +, libpq does not. Between
    # options a + can only be a space; in a value (GMT+3) it is itself.
    return re.sub(r"(?<=-c)\+|\+(?=-)", " ", options)


def _joined(query: tuple[tuple[str, str], ...]) -> list[tuple[str, str]]:
    # SQLAlchemy writes several hosts as host=A:5432&host=B:5432
    hosts = [value for key, value in query if key == "host"]
    joined = [(key, value) for key, value in query if key != "host"]
    return [*joined, ("host", ",".join(hosts))] if hosts else joined


def _from_environment(settings: _Settings, environ: Mapping[str, str]) -> None:
    for name, parameter in PARAMETERS.items():
        value = environ.get(parameter.variable) if parameter.variable else None
        if not value or name in ("service", "hostaddr", "host", "port") or name in settings.values:
            continue
        settings.offer(name, value, f"{parameter.variable}: ")
    if not settings.hosts and "host" not in settings.values and "hostaddr" not in settings.values:
        for name in ("host", "hostaddr"):
            if environ.get(PARAMETERS[name].variable):
                settings.values[name] = environ[PARAMETERS[name].variable]
                break
    if environ.get("PGPORT") and "port" not in settings.values:
        settings.values["port"] = environ["PGPORT"]


def _build(settings: _Settings, environ: Mapping[str, str], base_dir: Path) -> PostgresqlUrl:
    values = settings.values
    user = values.get("user") or _account()
    database = values.get("dbname") or user
    hosts = _hosts(settings)
    secret = values.get("password")
    public = {user, database, *(host for host, _ in hosts)}
    key_secret = values.get("sslpassword")
    return PostgresqlUrl(
        hosts=hosts,
        user=user,
        database=database,
        password=hidden(secret, public) if secret else None,
        parameters=MappingProxyType(_parameters(values, environ, base_dir)),
        sslpassword=hidden(key_secret, public) if key_secret else None,
        ignored=tuple(sorted(set(settings.ignored))),
    )


def hidden(value: str, public: set[str]) -> Secret:
    """Return *value* as a secret.

    One that equals a name that people must see (``postgres`` is both user
    and password on many a machine) cannot be hidden in every text without
    hiding the name: it is masked by its place in a URL alone.
    """
    names = {name.lower() for name in public} | {"postgres", "postgresql", "localhost"}
    return Secret(value, listed=value.lower() not in names)


def _account() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        raise DatabaseUrlError(
            "no user is given and this account has no name: write postgresql://USER@…"
        ) from None


def _hosts(settings: _Settings) -> tuple[tuple[str, int], ...]:
    named = settings.hosts
    ports = [
        port_number(part.strip()) for part in settings.values.get("port", "").split(",") if part
    ]
    given, address = settings.values.get("host"), settings.values.get("hostaddr")
    if address and (given or named):
        raise DatabaseUrlError("hostaddr beside a host is not possible: write one of them")
    if not named:
        text = given or address
        named = tuple(_listed(part) for part in text.split(",")) if text else ()
    if not named:
        port = ports[0] if ports else 5432
        named = ((_socket_folder(port), None),)
    if len(ports) > 1 and len(ports) != len(named):
        raise DatabaseUrlError(
            f"{len(ports)} ports for {len(named)} hosts: write one port, or one for each host"
        )
    if len(ports) <= 1:
        ports = (ports or [5432]) * len(named)
    return tuple(
        (host, port if port is not None else default)
        for (host, port), default in zip(named, ports, strict=True)
    )


def _listed(text: str) -> tuple[str, int | None]:
    """Read one host of ``host=``: a name, an address, ``name:port`` or a socket."""
    text = text.strip()
    socket = _SOCKET.fullmatch(text)
    if socket:
        return socket["folder"], port_number(socket["port"])
    if text.startswith("/"):
        return text.rstrip("/") or "/", None
    if text.count(":") > 1 and not text.startswith("["):
        return text, None  # an IPv6 address as libpq writes it here
    match = _HOST_PORT.fullmatch(text)
    host = (match["six"] or match["name"]) if match else ""
    if match is None or not host:
        raise DatabaseUrlError(
            "host= cannot be read: write a name, an address or a socket's folder"
        )
    return host_name(host), port_number(match["port"]) if match["port"] else None


def _socket_folder(port: int) -> str:
    for folder in _SOCKET_FOLDERS:
        if Path(folder, f".s.PGSQL.{port}").exists():
            return folder
    return _SOCKET_FOLDERS[0]


def _parameters(
    values: Mapping[str, str], environ: Mapping[str, str], base_dir: Path
) -> dict[str, str]:
    found = {}
    for name in PARAMETERS:  # the table's order, so that equal URLs read the same
        parameter, value = PARAMETERS[name], values.get(name)
        if value is None or parameter.address or parameter.secret:
            continue
        if name == "sslrootcert" and value == "system":
            found[name] = _system_roots()
            if values.get("sslmode", "verify-full") != "verify-full":
                raise DatabaseUrlError("sslrootcert=system needs sslmode=verify-full: write that")
            found["sslmode"] = "verify-full"
        elif parameter.path:
            found[name] = str(absolute(value, environ, base_dir))
        else:
            found[name] = value
    return found


def absolute(text: str, environ: Mapping[str, str], base_dir: Path) -> Path:
    """Return the path that *text* names; ``~/`` is the home folder, else under *base_dir*."""
    if text.startswith("~/"):
        folder = service.home(environ)
        if folder is None:
            raise DatabaseUrlError("~ is not known, for HOME is not set: write the whole path")
        return folder / text[2:]
    return base_dir / text


def _system_roots() -> str:
    # One bundle for sessions and tools: libpq before 16 takes "system" for a file's name.
    paths = ssl.get_default_verify_paths()
    for candidate in (paths.cafile, paths.openssl_cafile, "/etc/ssl/certs/ca-certificates.crt"):
        if candidate and Path(candidate).is_file():
            return candidate
    raise DatabaseUrlError(
        "sslrootcert=system: this machine has no bundle of certificates: install ca-certificates "
        "or write sslrootcert=FILE"
    )
