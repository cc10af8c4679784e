"""From what the driver raises to a Failure: kind, phase, code, hint.

Owns: classification, by SQLSTATE and the server's routine first, then by
exception type, errno and phase; the text never decides where one of them
does, for servers speak many languages. Must not know: what is done about it.
"""

from __future__ import annotations

import errno
import os
import re
import socket
import ssl
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

import asyncpg

from watchdog.database_url import PostgresqlUrl
from watchdog.engines.postgresql.errors import LineError
from watchdog.hints import Evidence, family_of, match
from watchdog.model import ActionFailed, Failure, Kind, Phase
from watchdog.secret import mask

_ENGINE: Final = "postgresql"

# Below this a cause is a guess, and no hint is better than a wrong one.
_CONFIDENT: Final = 0.4

# What SQLSTATEs mean where the catalogue knows no cause: the whole code, then its class.
_KINDS: Final[Mapping[str, Kind]] = {
    "08": Kind.REACH,
    "08P01": Kind.POOLER,  # a server never says so to this driver; poolers do
    "25006": Kind.STATE,
    "28": Kind.AUTH,
    "3D": Kind.AUTH,
    "3F": Kind.SCHEMA,
    "42": Kind.SCHEMA,
    "42501": Kind.PRIVILEGE,
    "53": Kind.CAPACITY,
    "53100": Kind.STORAGE,
    "53200": Kind.STORAGE,
    "53400": Kind.STORAGE,
    "57P": Kind.STATE,
    "57P04": Kind.AUTH,
    "58": Kind.STORAGE,
    "XX001": Kind.STORAGE,
    "XX002": Kind.STORAGE,
}

_WORDS: Final[Mapping[Phase | None, str]] = {
    Phase.RESOLVE: "cannot resolve the name of {server}",
    Phase.CONNECT: "cannot connect to {server}",
    Phase.TLS: "cannot agree on TLS with {server}",
    Phase.AUTHENTICATE: "cannot log in to database {database} on {server} as {user}",
    Phase.QUERY: "cannot ask database {database} on {server}",
    None: "cannot use database {database} on {server}",
}

_LATE: Final[Mapping[Phase | None, str]] = {
    Phase.RESOLVE: "the name of {server} did not resolve within {seconds:.3g} s",
    Phase.CONNECT: "{server} did not take the connection within {seconds:.3g} s",
    Phase.TLS: "{server} did not agree on TLS within {seconds:.3g} s",
    Phase.AUTHENTICATE: "{server} did not finish the login of {user} to database {database}"
    " within {seconds:.3g} s",
    Phase.QUERY: "database {database} on {server} did not answer a question within {seconds:.3g} s",
    None: "{server} did not answer within {seconds:.3g} s",
}

_LATE_HINTS: Final[Mapping[Phase | None, str]] = {
    Phase.RESOLVE: "dns_failure",
    Phase.CONNECT: "connect_timeout",
    Phase.TLS: "connect_timeout",
    Phase.AUTHENTICATE: "connect_timeout",
    Phase.QUERY: "server_not_answering",
}

# The first process of a container that only passes signals on to the second.
_RELAYS: Final = ("docker-init", "tini", "catatonit", "dumb-init", "podman-init")


@cache
def in_own_container() -> bool:
    """Whether this process has a container to itself: there ``localhost`` is never the database.

    In a container with an init of its own a database may well run beside us, and whoever is
    left by its parent there becomes a child of that.
    """
    if not any(os.path.exists(mark) for mark in ("/.dockerenv", "/run/.containerenv")):  # noqa: PTH110
        return False
    return os.getpid() == 1 or (os.getppid() == 1 and _name_of_first() in _RELAYS)


def _name_of_first() -> str:
    try:
        with open("/proc/1/comm") as file:  # noqa: PTH123
            return file.read().strip()
    except OSError:
        return ""


def facts_of(url: PostgresqlUrl, target: str = "") -> dict[str, str]:
    """Return what fills the steps of a hint: the target's own names, nothing secret."""
    host, port = url.hosts[0]
    return {
        "host": host,
        "port": str(port),
        "server": url.server_name,
        "database": url.database,
        "user": url.user,
        "target": target,
        "sslmode": url.parameters.get("sslmode", "prefer"),
        "container": "yes" if in_own_container() else "no",
    }


def classify(error: BaseException, phase: Phase | None, facts: Mapping[str, str]) -> Failure:
    """Return *error* as a failure; what nothing explains is a defect of ours."""
    if isinstance(error, ActionFailed):
        return error.failure
    if isinstance(error, TimeoutError) and not error.errno:
        return _failure(Kind.TIMEOUT, "no answer in time", phase, facts, "", _late_hint(phase))
    for family, explain in _BY_TYPE:
        if isinstance(error, family):
            return explain(error, phase, facts)
    return _defect(error, phase, facts)


def timed_out(phase: Phase | None, seconds: float, facts: Mapping[str, str]) -> Failure:
    """Return the failure of a deadline of ours that passed in *phase*."""
    message = _LATE.get(phase, _LATE[None]).format(seconds=seconds, **facts)
    return Failure(Kind.TIMEOUT, mask(message), phase, "", _late_hint(phase), facts)


def trouble(
    kind: Kind,
    message: str,
    facts: Mapping[str, str],
    *,
    code: str = "",
    hint: str = "",
    phase: Phase = Phase.QUERY,
) -> Failure:
    """Return a failure that no error has told of but a probe has seen."""
    return Failure(kind, mask(message), phase, code, hint, facts)


def _of_line(error: LineError, phase: Phase | None, facts: Mapping[str, str]) -> Failure:
    # Certificates are looked at before anything is sent; the phase they belong to is TLS.
    where = Phase.TLS if error.kind is Kind.TLS else phase
    return _failure(error.kind, str(error), where, facts, error.code, error.cause)


def _of_tls(error: ssl.SSLError, phase: Phase | None, facts: Mapping[str, str]) -> Failure:
    if isinstance(error, ssl.SSLCertVerificationError):
        reason = getattr(error, "verify_message", "") or error
        text = f"the server's certificate does not verify: {reason}"
    else:
        text = error.reason or str(error)
    return _explained(error, phase, facts, Kind.TLS, "", text)


def _defect(error: BaseException, phase: Phase | None, facts: Mapping[str, str]) -> Failure:
    return _failure(Kind.INTERNAL, f"{type(error).__name__}: {error}", phase, facts, "", "")


def _of_server(
    error: asyncpg.PostgresError, phase: Phase | None, facts: Mapping[str, str]
) -> Failure:
    code = error.sqlstate or ""
    routine = getattr(error, "server_source_function", None) or ""
    if not routine and isinstance(error, asyncpg.ConnectionDoesNotExistError):
        if isinstance(error.__cause__, asyncpg.PostgresError):  # the server's last words
            return _of_server(error.__cause__, phase, facts)
        # The driver's own way to say that the connection ended under it.
        return _failure(Kind.REACH, _lost(error), phase, facts, code, "server_closed_connection")
    text = getattr(error, "message", None) or str(error)
    detail = getattr(error, "detail", None)
    fallback = _KINDS.get(code) or _KINDS.get(code[:3]) or _KINDS.get(code[:2]) or Kind.QUERY
    shown = f"{text} ({detail})" if detail else text
    return _explained(error, phase, facts, fallback, code, shown, routine)


def _of_driver(
    error: asyncpg.InterfaceError, phase: Phase | None, facts: Mapping[str, str]
) -> Failure:
    if isinstance(error, asyncpg.InternalClientError | asyncpg.ClientConfigurationError):
        return _defect(error, phase, facts)
    if "closed" in str(error) or "released" in str(error):  # the driver's text, English only
        return _failure(Kind.REACH, _lost(error), phase, facts, "", "server_closed_connection")
    return _explained(error, phase, facts, Kind.AUTH, "", str(error))


def _of_system(error: OSError, phase: Phase | None, facts: Mapping[str, str]) -> Failure:
    if isinstance(error, socket.gaierror):
        code = _GAI.get(error.errno or 0, "")
        return _explained(error, Phase.RESOLVE, facts, Kind.REACH, code, str(error.strerror))
    number = _errno_of(error)
    code = errno.errorcode.get(number, "")
    if not code and isinstance(error, ConnectionError):
        return _failure(Kind.REACH, str(error), phase, facts, "", "server_closed_connection")
    kind = {errno.EMFILE: Kind.CAPACITY, errno.ENFILE: Kind.CAPACITY}.get(number, Kind.REACH)
    text = os.strerror(number) if number else str(error)
    return _explained(error, phase, facts, kind, code, text)


def _explained(
    error: BaseException,
    phase: Phase | None,
    facts: Mapping[str, str],
    fallback: Kind,
    code: str,
    text: str,
    routine: str = "",
) -> Failure:
    """Ask the catalogue for the cause; without one the *fallback* kind stands."""
    evidence = Evidence(
        engine=_ENGINE,
        phase=phase,
        code=code,
        routine=routine,
        exception=type(error).__name__,
        text=text,
        facts=facts,
    )
    best = next(iter(match(evidence)), None)
    if best is None or best.confidence < _CONFIDENT:
        return _failure(fallback, text, phase, facts, code, "")
    cause = best.id
    if cause == "tls_required" and facts.get("sslmode") != "disable":
        cause = "hba_rejected"  # TLS was tried already
    return _failure(family_of(cause), text, phase, facts, code, cause)


def _failure(
    kind: Kind, text: str, phase: Phase | None, facts: Mapping[str, str], code: str, hint: str
) -> Failure:
    head = _WORDS.get(phase, _WORDS[None]).format(**facts)
    tail = f" ({code})" if code and code not in text else ""
    return Failure(kind, mask(f"{head}: {text}{tail}"), phase, code, hint, facts)


def _late_hint(phase: Phase | None) -> str:
    return _LATE_HINTS.get(phase, "")


def _lost(error: BaseException) -> str:
    return f"the connection was lost: {error}"


def _errno_of(error: OSError) -> int:
    """Return the errno, also of the loop's "Multiple exceptions: [Errno 111] …" that has none."""
    if error.errno:
        return error.errno
    found = re.findall(r"\[Errno (\d+)\]", str(error))
    return int(found[0]) if found else 0


_GAI: Final[Mapping[int, str]] = {
    getattr(socket, name): name
    for name in ("EAI_NONAME", "EAI_AGAIN", "EAI_FAIL", "EAI_NODATA", "EAI_FAMILY", "EAI_SERVICE")
    if hasattr(socket, name)
}

# From the most to the least specific: SSLError is an OSError.
_BY_TYPE: Final[
    tuple[tuple[type, Callable[[Any, Phase | None, Mapping[str, str]], Failure]], ...]
] = (
    (LineError, _of_line),
    (asyncpg.PostgresError, _of_server),
    (asyncpg.InterfaceError, _of_driver),
    (ssl.SSLError, _of_tls),
    (OSError, _of_system),
)
