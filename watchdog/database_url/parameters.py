"""The one table of query keys: what a session and libpq's tools make of each, or why not.

Owns: every key of libpq, and those of asyncpg, SQLAlchemy, JDBC, Prisma and
others that people bring along. Must not know: how URLs are taken apart.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Parameter:
    """What a query key means.

    ``address``: it says where to connect or as whom, and ends up in a field
    of the URL. ``tls``: asyncpg reads it from its DSN. ``session``: sessions
    honour it; otherwise it is for tools only, because sessions have their
    own way (keep-alive) or it changes nothing. ``server_setting``: sent to
    the server at start-up. ``tools``: libpq's tools are given it, those
    older than ``since`` are not. ``refused``: by value (``*`` is any), what to write
    instead. ``same``: the key that it is another name of. ``ignored``: the
    application's own, without a meaning here.
    """

    address: bool = False
    tls: bool = False
    session: bool = True
    server_setting: bool = False
    tools: bool = True
    since: int = 0
    variable: str = ""
    values: tuple[str, ...] = ()
    number: bool = False
    path: bool = False
    secret: bool = False
    refused: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    same: str = ""
    ignored: bool = False


_MODES: Final = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_VERSIONS: Final = ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
_FLAG: Final = ("0", "1")


def _tls(variable: str, *, since: int = 0, **more: object) -> Parameter:
    return Parameter(tls=True, variable=variable, since=since, **more)  # type: ignore[arg-type]


def _refused(what_to_write: str, variable: str = "") -> Parameter:
    return Parameter(tools=False, session=False, variable=variable, refused={"*": what_to_write})


_OWN: Final = Parameter(tools=False, session=False, ignored=True)
_TOOLS_FLAG: Final = Parameter(session=False, values=_FLAG)
_TOOLS_NUMBER: Final = Parameter(session=False, number=True)

PARAMETERS: Final[Mapping[str, Parameter]] = MappingProxyType(
    {
        # --- where and as whom
        "host": Parameter(address=True, variable="PGHOST"),
        "hostaddr": Parameter(address=True, variable="PGHOSTADDR"),
        "port": Parameter(address=True, variable="PGPORT"),
        "user": Parameter(address=True, variable="PGUSER"),
        "password": Parameter(address=True, variable="PGPASSWORD", secret=True, tools=False),
        "dbname": Parameter(address=True, variable="PGDATABASE"),
        "service": Parameter(address=True, variable="PGSERVICE", tools=False),
        "passfile": Parameter(variable="PGPASSFILE", path=True),
        "database": Parameter(same="dbname"),
        "username": Parameter(same="user"),
        "unix_sock": Parameter(same="host"),  # pg8000
        # --- TLS
        "sslmode": _tls("PGSSLMODE", values=_MODES),
        "sslrootcert": _tls("PGSSLROOTCERT", path=True),
        "sslcert": _tls("PGSSLCERT", path=True),
        "sslkey": _tls(
            "PGSSLKEY",
            path=True,
            refused={"engine:": "a key in a hardware engine cannot be used: write a file's path"},
        ),
        "sslcrl": _tls("PGSSLCRL", path=True),
        "sslpassword": Parameter(tls=True, secret=True, tools=False),
        "sslnegotiation": _tls("PGSSLNEGOTIATION", values=("postgres", "direct"), since=17),
        "ssl_min_protocol_version": _tls("PGSSLMINPROTOCOLVERSION", values=_VERSIONS, since=13),
        "ssl_max_protocol_version": _tls("PGSSLMAXPROTOCOLVERSION", values=_VERSIONS, since=13),
        "ssl": Parameter(  # asyncpg and SQLAlchemy
            same="sslmode",
            refused={
                "true": "write sslmode=require (encrypted) or sslmode=verify-full (the server "
                "proven, too)",
                "false": "write sslmode=disable",
            },
        ),
        "tls": _refused("write sslmode=require or sslmode=verify-full"),
        "sslaccept": _refused("write sslmode=verify-full for strict, sslmode=require otherwise"),
        "sslidentity": _refused("write sslcert=FILE and sslkey=FILE, in PEM"),
        "direct_tls": _refused("write sslnegotiation=direct"),
        "sslcrldir": _refused(
            "sessions read no folder of revocations: write sslcrl=FILE", "PGSSLCRLDIR"
        ),
        "sslcertmode": Parameter(
            tools=False,
            variable="PGSSLCERTMODE",
            values=("allow", "disable", "require"),
            refused={
                "disable": "remove it, and sslcert= with it",
                "require": "remove it: sslcert= is sent whenever the server asks",
            },
        ),
        "sslsni": Parameter(session=False, variable="PGSSLSNI", values=_FLAG, since=14),
        "sslcompression": Parameter(
            tools=False, session=False, variable="PGSSLCOMPRESSION", values=_FLAG, ignored=True
        ),
        # --- authentication
        "channel_binding": Parameter(
            session=False,
            variable="PGCHANNELBINDING",
            values=("disable", "prefer", "require"),
            since=13,
            refused={
                "require": "sessions cannot bind to the channel: write channel_binding=prefer, "
                "and sslmode=verify-full to be as sure of the server"
            },
        ),
        "require_auth": _refused(
            "sessions cannot insist on a method: remove it, and ask for it in pg_hba.conf",
            "PGREQUIREAUTH",
        ),
        "requirepeer": _refused(
            "sessions cannot ask who owns the socket: remove it", "PGREQUIREPEER"
        ),
        "gssencmode": Parameter(
            session=False,
            variable="PGGSSENCMODE",
            values=("disable", "prefer", "require"),
            refused={"require": "sessions encrypt by TLS only: write sslmode=require"},
        ),
        "krbsrvname": Parameter(variable="PGKRBSRVNAME"),
        "gsslib": Parameter(variable="PGGSSLIB", values=("gssapi", "sspi")),
        "gssdelegation": Parameter(
            session=False, variable="PGGSSDELEGATION", values=_FLAG, since=17
        ),
        "scram_client_key": _refused("write the password"),
        "scram_server_key": _refused("write the password"),
        "oauth_issuer": _refused("sessions cannot log in by OAuth: use another method"),
        "oauth_client_id": _refused("sessions cannot log in by OAuth: use another method"),
        "oauth_client_secret": _refused("sessions cannot log in by OAuth: use another method"),
        "oauth_scope": _refused("sessions cannot log in by OAuth: use another method"),
        # --- which of several hosts
        "target_session_attrs": Parameter(
            variable="PGTARGETSESSIONATTRS",
            values=("any", "read-write", "read-only", "primary", "standby", "prefer-standby"),
        ),
        "load_balance_hosts": Parameter(
            session=False,
            tools=False,
            variable="PGLOADBALANCEHOSTS",
            values=("disable", "random"),
            refused={
                "random": "hosts are tried in the order written, so that one knows which is "
                "probed: remove it"
            },
        ),
        # --- the connection
        "connect_timeout": Parameter(variable="PGCONNECT_TIMEOUT", number=True),
        "keepalives": _TOOLS_FLAG,
        "keepalives_idle": _TOOLS_NUMBER,
        "keepalives_interval": _TOOLS_NUMBER,
        "keepalives_count": _TOOLS_NUMBER,
        "tcp_user_timeout": Parameter(session=False, number=True, since=12),
        "application_name": Parameter(variable="PGAPPNAME", server_setting=True),
        "fallback_application_name": Parameter(session=False, tools=False, ignored=True),
        "options": Parameter(variable="PGOPTIONS", server_setting=True),
        "client_encoding": Parameter(
            session=False, tools=False, variable="PGCLIENTENCODING", ignored=True
        ),
        "min_protocol_version": Parameter(session=False, variable="PGMINPROTOCOLVERSION", since=18),
        "max_protocol_version": Parameter(session=False, variable="PGMAXPROTOCOLVERSION", since=18),
        "replication": _refused("remove it: dumps and probes need an ordinary connection"),
        "servicefile": _refused("write it into the variable PGSERVICEFILE"),
        # --- other drivers' keys that would change what is probed
        "search_path": _refused("write options=-csearch_path%3D…"),
        "currentschema": _refused("write options=-csearch_path%3D…"),
        "statement_timeout": _refused(
            "remove it: every statement here is bounded by probe.timeout"
        ),
        "connecttimeout": Parameter(same="connect_timeout"),
        "timeout": _refused("write connect_timeout=SECONDS"),
        "applicationname": Parameter(same="application_name"),
        "targetservertype": _refused("write target_session_attrs=primary (or standby)"),
        "rootcert": _refused("write sslrootcert=FILE"),
        "sslca": _refused("write sslrootcert=FILE"),
        "server_settings": _refused("write options=-cNAME%3DVALUE"),
        # --- other drivers' keys that are the application's own
        **dict.fromkeys(
            (
                "prepared_statement_cache_size",
                "prepared_statement_name_func",
                "statement_cache_size",
                "max_cached_statement_lifetime",
                "max_cacheable_statement_size",
                "command_timeout",
                "async_fallback",
                "async_creator",
                "schema",
                "pgbouncer",
                "connection_limit",
                "pool_timeout",
                "socket_timeout",
                "pool_size",
                "max_overflow",
                "pool_max_conns",
                "pool_min_conns",
                "serverversion",
                "charset",
            ),
            _OWN,
        ),
    }
)


def resolve(key: str) -> tuple[str, Parameter] | None:
    """Return the name and meaning of *key* (another name followed), ``None`` if it is unknown."""
    name = key if key in PARAMETERS else key.lower()
    parameter = PARAMETERS.get(name)
    if parameter is None:
        return None
    if parameter.same:
        return parameter.same, PARAMETERS[parameter.same]
    return name, parameter


def unknown(key: str) -> str:
    """Say that *key* is unknown and what was perhaps meant."""
    candidates = [name for name, parameter in PARAMETERS.items() if "*" not in parameter.refused]
    near = difflib.get_close_matches(key.lower(), candidates, n=1, cutoff=0.7)
    if near:
        return f"unknown key {key!r} in the query: did you mean {near[0]}?"
    return (
        f"unknown key {key!r} in the query: remove it, or write options=-c{key}%3D… "
        "if it is a setting of the server"
    )


def objection(key: str, value: str) -> str | None:
    """Say what is wrong with *value* for *key* as it was written, ``None`` if nothing is."""
    written = PARAMETERS.get(key) or PARAMETERS[key.lower()]
    name, parameter = resolve(key) or (key, written)
    for rule in (written, parameter):
        for refused, what_to_write in rule.refused.items():
            if refused in ("*", value.lower()) or (
                refused.endswith(":") and value.startswith(refused)
            ):
                shown = key if refused == "*" else f"{key}={value}"
                return f"{shown} is not possible here: {what_to_write}"
    if parameter.values and value not in parameter.values:
        return f"{key}={value} is not known: write one of {', '.join(parameter.values)}"
    if parameter.number and not value.lstrip("-").isdigit():
        return f"{name} must be a whole number, not {value!r}"
    return None
