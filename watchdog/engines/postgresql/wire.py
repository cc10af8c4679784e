"""The way to a server: name, TCP or Unix socket, TLS; each step timed, the socket kept.

Owns: the thin event loop that is handed to asyncpg as ``loop=``. asyncpg asks
it for connections; it makes them itself, so that it can time the phases, set
keep-alive, negotiate TLS and, when a conversation is to end at once, reset the
connection instead of leaving it half-closed. Must not know: logins, SQL.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import struct
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final, cast

from watchdog.engines.postgresql.errors import (
    NotPostgresqlError,
    ServerClosedError,
    TlsRefusedError,
)
from watchdog.engines.postgresql.resolver import Address, resolve
from watchdog.engines.postgresql.tls import Tls
from watchdog.model import Phase

_SSL_REQUEST: Final = struct.pack("!ii", 8, 80877103)
_LINGER_RESET: Final = struct.pack("ii", 1, 0)
_LINGER_USUAL: Final = struct.pack("ii", 0, 0)

# A peer that vanished is noticed after about three seconds, asked or not.
_KEEP_ALIVE: Final = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 3000),
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
)

# What the first byte of a PostgreSQL server's answer can be: authentication,
# error, notice, negotiation of the protocol's version.
_GREETINGS: Final = b"RENv"

_NO_SUCH_FAMILY: Final = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.ENETUNREACH)

_Made = tuple[asyncio.Transport, asyncio.Protocol]
_Factory = Callable[[], Any]


class Timing:
    """Where an attempt stands and how long each phase took, in seconds (repeated ones summed)."""

    def __init__(self) -> None:
        self.phase = Phase.RESOLVE
        self.phases: dict[Phase, float] = {}
        self._since: float | None = None

    def enter(self, phase: Phase) -> None:
        """End the present phase, if one runs, and begin *phase*."""
        self.stop()
        self.phase = phase
        self._since = time.monotonic()

    def stop(self) -> None:
        """End the present phase as a finished one."""
        if self._since is not None:
            spent = time.monotonic() - self._since
            self.phases[self.phase] = self.phases.get(self.phase, 0.0) + spent
            self._since = None

    def drop(self) -> None:
        """Leave the present phase unfinished: its time is not known."""
        self._since = None


class WireLoop:
    """The running loop, but for how connections are made. Serves one asyncpg connection."""

    def __init__(self, tls: Tls | None, timing: Timing, patience: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._tls = tls
        self._timing: Timing | None = timing
        self._patience = patience  # seconds for all addresses of a host together
        self._socket: socket.socket | None = None
        self.stranger = b""  # the first bytes of a peer that is no PostgreSQL server
        self.encrypted = False
        self.certificate = b""  # the server's, in DER; empty without TLS
        self.asked_for_password = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)

    # asyncio.current_task(loop) looks loops up by equality.
    def __eq__(self, other: object) -> bool:
        return other is self or other is self._loop

    def __hash__(self) -> int:
        return hash(self._loop)

    # -------------------------------------------------------------- the socket afterwards

    def established(self) -> None:
        """Note that the login is done: from now on a close is a polite one."""
        self._linger(_LINGER_USUAL)
        self._timing = None

    def reset_on_close(self) -> None:
        """Have the kernel send RST when the socket is closed, and keep nothing of it."""
        self._linger(_LINGER_RESET)

    def _linger(self, how: bytes) -> None:
        if self._socket is not None and self._socket.fileno() >= 0:
            with contextlib.suppress(OSError):
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, how)

    # -------------------------------------------------------------- what asyncpg calls

    async def create_connection(self, factory: _Factory, host: str, port: int) -> _Made:
        """Connect by TCP, with TLS if it is wanted and offered."""
        timing = self._timing or Timing()  # asyncpg's request to cancel comes later: untimed
        timing.enter(Phase.RESOLVE)
        addresses = await resolve(host, port)
        timing.enter(Phase.CONNECT)
        sock = await self._connect_any(addresses)
        context = None
        if self._tls is not None:
            timing.enter(Phase.TLS)
            try:
                context = await self._negotiated(sock, self._tls, f"{host}:{port}")
            except BaseException:
                sock.close()
                raise
        if context is None:
            timing.enter(Phase.AUTHENTICATE)
        name = host.partition("%")[0] if context is not None else None
        # From here on the transport owns the socket, and closes it if this fails.
        made = self._loop.create_connection(
            self._greeting(factory), sock=sock, ssl=context, server_hostname=name
        )
        return await self._made(sock, made, timing, encrypted=context is not None)

    async def create_unix_connection(self, factory: _Factory, path: str) -> _Made:
        """Connect by a Unix socket."""
        timing = self._timing or Timing()
        timing.enter(Phase.CONNECT)
        sock = await self._connect_one(Address(socket.AF_UNIX, path))
        timing.enter(Phase.AUTHENTICATE)
        made = self._loop.create_unix_connection(self._greeting(factory), sock=sock)
        return await self._made(sock, made, timing, encrypted=False)

    async def _made(
        self,
        sock: socket.socket,
        making: Coroutine[Any, Any, tuple[Any, Any]],
        timing: Timing,
        *,
        encrypted: bool,
    ) -> _Made:
        transport, greeting = await making
        if timing.phase is not Phase.AUTHENTICATE:
            timing.enter(Phase.AUTHENTICATE)
        if self._timing is not None:
            self._socket, self.encrypted = sock, encrypted
            if encrypted:
                shown = transport.get_extra_info("ssl_object").getpeercert(binary_form=True)
                self.certificate = shown or b""
        return transport, greeting.protocol if isinstance(greeting, _Greeting) else greeting

    def _greeting(self, factory: _Factory) -> _Factory:
        if self._timing is None:  # a request to cancel: no answer is expected
            return factory
        return lambda: _Greeting(factory(), self)

    # -------------------------------------------------------------- steps

    async def _connect_any(self, addresses: list[Address]) -> socket.socket:
        """Connect to the first address that answers; one that is silent only gets its share."""
        failed: list[OSError] = []
        for index, address in enumerate(addresses):
            last = index == len(addresses) - 1
            share = None if last else self._patience / len(addresses)
            try:
                async with asyncio.timeout(share):
                    return await self._connect_one(address)
            except TimeoutError as error:
                failed.append(error if error.errno else TimeoutError(f"no answer from {address}"))
            except OSError as error:
                failed.append(error)
        raise _most_telling(failed)

    async def _connect_one(self, address: Address) -> socket.socket:
        sock = socket.socket(address.family, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            sock.setblocking(False)  # noqa: FBT003 - the library's own signature
            # Until the login is done every end is an abrupt one.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)
            if address.family != socket.AF_UNIX:
                for level, option, value in _KEEP_ALIVE:
                    sock.setsockopt(level, option, value)
            await self._loop.sock_connect(sock, address.sockaddr)
        except BaseException:
            sock.close()
            raise
        return sock

    async def _negotiated(self, sock: socket.socket, tls: Tls, peer: str) -> Any:
        """Ask for TLS; return the context to go on with, ``None`` for a plain connection."""
        if tls.direct:
            return tls.context
        await self._loop.sock_sendall(sock, _SSL_REQUEST)
        # Exactly one byte: whatever follows it before TLS must not be believed.
        answer = await self._loop.sock_recv(sock, 1)
        if answer == b"S":
            return tls.context
        if answer == b"N":
            if tls.optional:
                return None
            raise TlsRefusedError(
                f"the server at {peer} does not offer TLS, which the URL demands: switch ssl on"
                " there, or write sslmode=prefer on a network that you trust"
            )
        if answer == b"":
            raise ServerClosedError(f"{peer} closed the connection when asked for TLS")
        if answer == b"E":
            raise ServerClosedError(
                f"the server at {peer} answered the request for TLS with an error: see its log"
            )
        raise not_postgresql(peer)


def not_postgresql(peer: str) -> NotPostgresqlError:
    """Return the error for a *peer* that speaks another protocol."""
    return NotPostgresqlError(
        f"what answers at {peer} does not speak PostgreSQL's protocol: is the port right?"
    )


class _Greeting(asyncio.Protocol):
    """Stands before asyncpg's protocol until the first byte shows whether a server answers."""

    def __init__(self, protocol: Any, wire: WireLoop) -> None:
        self.protocol = protocol
        self._wire = wire
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are none of asyncio's classes, though they do the same.
        self._transport = cast("asyncio.Transport", transport)
        self.protocol.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        if data[:1] not in (bytes((byte,)) for byte in _GREETINGS):
            self._wire.stranger = data[:16]
            self._transport.abort()
            return
        if data[:1] == b"R":  # authentication; 0 is that none is needed
            self._wire.asked_for_password = data[5:9] not in (b"", bytes(4))
        self._transport.set_protocol(self.protocol)
        self.protocol.data_received(data)

    def eof_received(self) -> bool | None:
        answer: bool | None = self.protocol.eof_received()
        return answer

    def connection_lost(self, error: Exception | None) -> None:
        self.protocol.connection_lost(error)

    def pause_writing(self) -> None:
        self.protocol.pause_writing()

    def resume_writing(self) -> None:
        self.protocol.resume_writing()


def _most_telling(failed: list[OSError]) -> OSError:
    """Return one error for all addresses: the first that is no mere lack of an address family."""
    for error in failed:
        if error.errno not in _NO_SUCH_FAMILY:
            return error
    return failed[0]
