"""Which of the host's addresses take a TCP connection, and what the others do instead.

One connection at a time, closed by RST before anything is said. Of an address
of this machine that refuses: where PostgreSQL listens instead.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
from typing import Final

from watchdog.database_url import PostgresqlUrl
from watchdog.diagnosis import surroundings
from watchdog.diagnosis.blocking import aside
from watchdog.diagnosis.case import Case, Found, Step
from watchdog.diagnosis.line import dial
from watchdog.diagnosis.place import one_connection
from watchdog.diagnosis.words import found, listed
from watchdog.engines.postgresql.resolver import Address
from watchdog.model import Finding

_NAME: Final = "reach"
_PATIENCE: Final = 1.0  # seconds for each address
_MOST: Final = 4  # addresses that are tried


async def look(case: Case) -> Found:
    """Try each address; leave the first open one for the next step."""
    findings: list[Finding] = []
    refused: list[Address] = []
    addresses: list[Address] = case.notes["addresses"][:_MOST]
    for address in addresses:
        async with one_connection(case):
            code = await _tried(address)
        if not code:
            case.notes.setdefault("open", address)
        elif code == "ECONNREFUSED":
            refused.append(address)
        findings.append(_said(address, code))
    hint = ""
    if refused and "open" not in case.notes:
        more, hint = await _instead(case, refused[0])
        findings += more
    return Found(tuple(findings), hint=hint)


async def _tried(address: Address) -> str:
    """Return the errno's name, "silent" without an answer, "" for one that takes connections."""
    try:
        async with asyncio.timeout(_PATIENCE):
            sock = await dial(address)
    except TimeoutError as error:
        return errno.errorcode.get(error.errno or 0, "silent")
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, "error")
    sock.close()
    return ""


def _said(address: Address, code: str) -> Finding:
    where = _shown(address)
    if not code:
        return found(_NAME, f"{where} takes connections", f"{where} принимает подключения")
    if code == "ECONNREFUSED":
        return found(
            _NAME,
            f"{where} refuses: the machine is there, nobody listens on that port",
            f"{where} отказывает: машина есть, но этот порт никто не слушает",
        )
    if code in ("silent", "ETIMEDOUT"):
        return found(
            _NAME,
            f"{where} does not answer at all within {_PATIENCE:g} s: a firewall drops the packets,"
            " or there is no such machine",
            f"{where} не отвечает вовсе за {_PATIENCE:g} с: пакеты отбрасывает брандмауэр или"
            " такой машины нет",
        )
    reason = os.strerror(getattr(errno, code, 0)) if hasattr(errno, code) else code
    return found(
        _NAME,
        f"{where} cannot be reached from here: {reason}",
        f"{where} отсюда недоступен: {reason}",
    )


async def _instead(case: Case, address: Address) -> tuple[list[Finding], str]:
    """Say where on this machine PostgreSQL is, where it is not at an *address* of this machine."""
    assert isinstance(case.url, PostgresqlUrl)
    host = str(address.sockaddr[0])
    if not surroundings.is_own(address.family, host):
        return [], ""
    findings: list[Finding] = []
    hint, name = "", case.target.name
    if case.has_answered:
        if case.cause == "localhost_in_container":
            hint = "connection_refused"
        findings.append(
            found(
                _NAME,
                f"a server has answered at {host} since we look: the address is right",
                f"с начала наблюдения сервер по адресу {host} уже отвечал: адрес верен",
            )
        )
    elif surroundings.in_own_container() and case.cause == "connection_refused":
        hint = "localhost_in_container"
        findings.append(
            found(
                _NAME,
                f"this process runs in a container, and {host} is that container",
                f"этот процесс работает в контейнере, и {host} — это сам контейнер",
            )
        )
    sockets = await aside(f"sockets {name}", surroundings.socket_ports)
    listening = await aside(f"listeners {name}", surroundings.listening_ports)
    ports = sorted(({*sockets, *listening}) - {case.url.hosts[0][1]})
    project = await aside(f"compose {name}", surroundings.compose)
    published = {
        port: service for service, port in (project.services if project else {}).items() if port
    }
    shown = [
        f"{port} ({published[str(port)]})" if str(port) in published else str(port)
        for port in ports
    ]
    if shown:
        findings.append(
            found(
                _NAME,
                f"on this machine somebody listens on {listed(shown)}",
                f"на этой машине слушают порты {listed(shown)}",
            )
        )
    elif not hint:
        findings.append(
            found(
                _NAME,
                "on this machine nobody listens on any usual port of PostgreSQL",
                "на этой машине ни один обычный порт PostgreSQL никто не слушает",
            )
        )
    return findings, hint


def _shown(address: Address) -> str:
    host, port = address.sockaddr[:2]
    return f"[{host}]:{port}" if address.family == socket.AF_INET6 else f"{host}:{port}"


def applies(case: Case) -> bool:
    """Once there are addresses."""
    with contextlib.suppress(KeyError):
        return bool(case.notes["addresses"])
    return False


STEP = Step(_NAME, 20, applies, look, seconds=3.0)
