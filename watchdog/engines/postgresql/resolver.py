"""Host names to addresses, without ever holding up anyone else.

Owns: the threads that ask the system's resolver, one per name at a time. They
are daemons and not the loop's executor: a resolver that hangs must keep
neither files nor the end of the process waiting. Must not know: PostgreSQL.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import socket
import threading
from dataclasses import dataclass
from typing import Any, Final

# glibc waits five seconds for one lost packet: longer than a round, so that
# one lost packet would read as a database that is down.
_RESOLVER_OPTIONS: Final = "timeout:1 attempts:3"


@dataclass(frozen=True, slots=True)
class Address:
    """One address of a host, as ``socket`` takes it."""

    family: int
    sockaddr: Any


_Flight = asyncio.Future[list[Address]]
_under_way: dict[tuple[str, int], _Flight] = {}


async def resolve(host: str, port: int) -> list[Address]:
    """Return the addresses of *host*, in the system's order. Raises ``socket.gaierror``."""
    literal = _literal(host, port)
    if literal is not None:
        return [literal]
    loop = asyncio.get_running_loop()
    flight = _under_way.get((host, port))
    if flight is None or flight.get_loop() is not loop:
        flight = _under_way[host, port] = loop.create_future()
        flight.add_done_callback(lambda done: _landed((host, port), done))
        os.environ.setdefault("RES_OPTIONS", _RESOLVER_OPTIONS)
        name = f"resolve-{host}"
        threading.Thread(
            target=_ask, args=(loop, flight, host, port), name=name, daemon=True
        ).start()
    return await asyncio.shield(flight)


def _literal(host: str, port: int) -> Address | None:
    bare, _, zone = host.partition("%")
    try:
        version = ipaddress.ip_address(bare).version
    except ValueError:
        return None
    if version == 4:
        return Address(socket.AF_INET, (host, port))
    if zone:
        return None  # getaddrinfo knows the number of the zone
    return Address(socket.AF_INET6, (host, port))


def _landed(key: tuple[str, int], flight: _Flight) -> None:
    if _under_way.get(key) is flight:
        del _under_way[key]
    if not flight.cancelled():
        flight.exception()  # whoever asked may have gone by now: that is no defect


def _ask(loop: asyncio.AbstractEventLoop, flight: _Flight, host: str, port: int) -> None:
    found: list[Address] = []
    error: OSError | UnicodeError | None = None
    try:
        for family, _, _, _, sockaddr in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            found.append(Address(family, sockaddr))
    except UnicodeError:
        error = socket.gaierror(socket.EAI_NONAME, "the host name is not valid")
    except OSError as failed:
        error = failed
    with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
        loop.call_soon_threadsafe(_settle, flight, found, error)


def _settle(flight: _Flight, found: list[Address], error: Exception | None) -> None:
    if flight.done():
        return
    if error is not None:
        flight.set_exception(error)
    else:
        flight.set_result(found)
