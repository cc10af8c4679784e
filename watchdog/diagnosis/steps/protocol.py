"""Who answers at the port: a PostgreSQL server, with TLS or without, or something else.

Sends the request for TLS that every PostgreSQL client begins with (protocol
flow, "SSL Session Encryption"); a stranger is then asked, one connection
after another, what it is.
"""

from __future__ import annotations

import struct
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Final

from watchdog.database_url import PostgresqlUrl
from watchdog.diagnosis import certificate
from watchdog.diagnosis.case import Case, Found, Step
from watchdog.diagnosis.certificate import Certificate
from watchdog.diagnosis.line import said, shake_hands
from watchdog.diagnosis.place import one_connection
from watchdog.diagnosis.words import found, listed
from watchdog.engines.postgresql.resolver import Address
from watchdog.model import Finding

_NAME: Final = "protocol"
_SSL_REQUEST: Final = struct.pack("!ii", 8, 80877103)
_ANSWERS: Final = (b"S", b"N", b"E")
_SILENT: Final = ("connect_timeout", "server_not_answering", "")
_BANNER_PATIENCE: Final = 0.4
_MYSQL_VERSION: Final = 10  # of the handshake that MySQL sends unasked, after four bytes of length


async def look(case: Case) -> Found:
    """Ask for TLS at the open address, and go where the answer leads."""
    async with one_connection(case):
        return await _asked(case, case.notes["open"])


async def _asked(case: Case, address: Address) -> Found:
    answer = await said(address, _SSL_REQUEST, seconds=1.0)
    if answer is None:
        return await _silent(case, address)
    if answer == b"":
        return await _stranger(address, b"")
    if answer[:1] not in _ANSWERS or (len(answer) > 1 and answer[:1] != b"E"):
        return await _stranger(address, answer)
    if answer == b"N":
        return Found(
            (
                found(
                    _NAME,
                    "a PostgreSQL server answers there, and it does not offer TLS",
                    "там отвечает сервер PostgreSQL, и TLS он не предлагает",
                ),
            )
        )
    if answer[:1] == b"S":
        return await _encrypted(case, address)
    return Found()


async def _silent(case: Case, address: Address) -> Found:
    """Tell a server that hangs from a protocol whose server speaks first."""
    banner = await said(address, b"", seconds=_BANNER_PATIENCE)
    if banner:
        return await _stranger(address, banner)
    hint = "server_not_answering" if case.cause in _SILENT else ""
    return Found(
        (
            found(
                _NAME,
                "the connection is taken, but nothing answers a PostgreSQL client's first words:"
                " the server hangs or is overloaded, a proxy has no server behind it, or it is"
                " another service",
                "подключение принимается, но на первые слова клиента PostgreSQL никто не отвечает:"
                " сервер завис или перегружен, за прокси нет сервера, либо это другой сервис",
            ),
        ),
        hint=hint,
    )


async def _stranger(address: Address, first: bytes) -> Found:
    name = _named(first)
    if not name and not first:
        banner = await said(address, b"", seconds=_BANNER_PATIENCE)
        name = _named(banner or b"")
    for question in (b"PING\r\n", b"GET / HTTP/1.0\r\n\r\n"):
        if not name:
            name = _named(await said(address, question, seconds=_BANNER_PATIENCE) or b"")
    if not name and not first:
        return Found(
            (
                found(
                    _NAME,
                    "whoever listens there closes the connection at a PostgreSQL client's first"
                    " words",
                    "тот, кто там слушает, закрывает подключение при первых словах клиента"
                    " PostgreSQL",
                ),
            )
        )
    who_en = name or "another service"
    who_ru = name or "другой сервис"
    return Found(
        (
            found(
                _NAME,
                f"what answers there is {who_en}, not PostgreSQL",
                f"там отвечает {who_ru}, а не PostgreSQL",
            ),
        ),
        {"service": name} if name else {},
        "not_a_postgres_server",
    )


def _named(answer: bytes) -> str:
    """Return what the first bytes of a service tell of it, "" if nothing."""
    if answer[4:5] == bytes((_MYSQL_VERSION,)) and len(answer) > 5:
        return "MySQL or MariaDB"
    for start, name in _STARTS:
        if answer.startswith(start):
            return name
    return ""


_STARTS: Final = (
    (b"HTTP/", "an HTTP server"),
    (b"+PONG", "Redis"),
    (b"-ERR", "Redis"),
    (b"-NOAUTH", "Redis"),
    (b"-DENIED", "Redis"),
    (b"SSH-", "an SSH server"),
    (b"220 ", "a mail or FTP server"),
    (b"AMQP", "RabbitMQ"),
    (b"ERROR\r\n", "memcached"),
    (b"\x15\x03", "a TLS server of another protocol"),
    (b"<html", "an HTTP server"),
)


async def _encrypted(case: Case, address: Address) -> Found:
    assert isinstance(case.url, PostgresqlUrl)
    host = case.url.hosts[0][0]
    try:
        seen = await shake_hands(address, _SSL_REQUEST, host, 1.5)
        shown = certificate.read(seen.certificate)
    except (OSError, TimeoutError, ValueError) as error:
        reason = getattr(error, "reason", "") or str(error) or type(error).__name__
        return Found(
            (
                found(
                    _NAME,
                    f"the server offers TLS, and shaking hands fails: {reason}",
                    f"сервер предлагает TLS, но согласовать его не удаётся: {reason}",
                ),
            )
        )
    findings = [
        found(
            _NAME,
            f"the server offers {seen.version}; its certificate is for {_names(shown)}, issued by"
            f" {shown.issuer or '?'}, valid until {shown.not_after:%Y-%m-%d}",
            f"сервер предлагает {seen.version}; его сертификат выдан для {_names(shown)},"
            f" издатель {shown.issuer or '?'}, действует до {shown.not_after:%Y-%m-%d}",
        )
    ]
    findings += _wrong(shown, host)
    facts = {"certificate_names": _names(shown), "expires": f"{shown.not_after:%Y-%m-%d}"}
    return Found(tuple(findings), facts)


def _wrong(shown: Certificate, host: str) -> list[Finding]:
    now = datetime.now(UTC)
    findings = []
    if now > shown.not_after:
        findings.append(
            found(
                _NAME,
                f"the certificate has expired on {shown.not_after:%Y-%m-%d %H:%M} UTC",
                f"срок сертификата истёк {shown.not_after:%Y-%m-%d %H:%M} UTC",
            )
        )
    if now < shown.not_before:
        findings.append(
            found(
                _NAME,
                f"the certificate is not valid before {shown.not_before:%Y-%m-%d %H:%M} UTC: are"
                " the clocks right?",
                f"сертификат начнёт действовать {shown.not_before:%Y-%m-%d %H:%M} UTC: верны ли"
                " часы?",
            )
        )
    if not any(fnmatchcase(host.lower(), name.lower()) for name in _all_names(shown)):
        findings.append(
            found(
                _NAME,
                f"the certificate is not for {host}, only for {_names(shown)}",
                f"сертификат не для {host}, а только для {_names(shown)}",
            )
        )
    if shown.is_own_issuer:
        findings.append(
            found(
                _NAME,
                "the certificate is signed by itself: it has to be the sslrootcert as well",
                "сертификат подписан сам собой: он же должен быть указан в sslrootcert",
            )
        )
    return findings


def _all_names(shown: Certificate) -> tuple[str, ...]:
    return shown.names or (shown.subject,)


def _names(shown: Certificate) -> str:
    return listed([name for name in _all_names(shown) if name]) or "nobody"


def applies(case: Case) -> bool:
    """Where somebody takes connections."""
    return "open" in case.notes


STEP = Step(_NAME, 30, applies, look, seconds=3.0)
