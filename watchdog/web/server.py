"""The listener: uvicorn inside our own event loop, on sockets that we bind.

Owns: the deadlines of slow and silent clients, TLS where it is wanted, starting
and stopping. Signals are not touched. Must not know: routes.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import resource
import socket
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, Final

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from watchdog.metrics import names
from watchdog.model import Sample
from watchdog.web.access import Access
from watchdog.web.listening import BACKLOG, UNIX, ListenError, address, bind_tcp, bind_unix
from watchdog.web.room import Room
from watchdog.web.tls import TlsLayer

_HEADERS_MAX: Final = 16 * 1024  # bytes of request line and headers
_KEEP_ALIVE: Final = 75  # seconds: longer than a scrape interval, so that scrapers reuse theirs
_GRACE: Final = 2  # seconds that answers under way get when stopping
_AT_ONCE: Final = 16  # connections taken from the queue in one go, each a file descriptor
_CONNECTIONS: Final = 256
_QUIET: Final = 60.0  # seconds in which the same complaint about a client is logged once


class HttpServer:
    """Serves *application*; ``start``, then ``run`` until ``stop``.

    *access* says which connections speak TLS. *header_deadline* is how many
    seconds a client may take to shake hands and to send a request's headers;
    *answer_deadline* how many a request may take from its headers to the last
    byte that the client has read. Beyond *connections* another one gives way
    to each that comes.
    """

    def __init__(
        self,
        application: Any,
        access: Access | None = None,
        *,
        header_deadline: float = 10.0,
        answer_deadline: float = 150.0,
        connections: int | None = None,
    ) -> None:
        self._limits = (header_deadline, answer_deadline)
        self._application = application
        self._access = access or Access()
        self.room = Room(connections or _affordable(), self._turned_out)
        self._sockets: list[socket.socket] = []
        self._unix: Path | None = None
        self._server: _Server | None = None
        self.addresses: tuple[str, ...] = ()

    def samples(self) -> Iterator[Sample]:
        """Yield what ``/metrics`` says of the connections."""
        yield names.WEB_CONNECTIONS.sample(len(self.room))

    @property
    def base_urls(self) -> tuple[str, ...]:
        """The addresses as somebody would type them: ``https://127.0.0.1:10187``."""
        if self._unix is not None:
            return self.addresses
        scheme = "http" if self._access.web.tls is None else "https"
        return tuple(f"{scheme}://{each}" for each in self.addresses)

    async def start(self, listen: str) -> None:
        """Bind *listen* (``127.0.0.1:10187``, ``[::1]:10187``, ``unix:/path``) and listen.

        Clients may connect from now on; they are answered once ``run`` runs.
        Raises ``ListenError``.
        """
        if listen.startswith(UNIX):
            self._unix = Path(listen.removeprefix(UNIX))
            self._sockets = [await asyncio.to_thread(bind_unix, self._unix)]
            self.addresses = (listen,)
        else:
            self._sockets = await bind_tcp(listen)
            self.addresses = tuple(address(bound) for bound in self._sockets)
        self._access.wide = any(map(_wide, self._sockets))
        config = uvicorn.Config(
            self._application,
            http=_protocol(self.room, *self._limits),
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=_KEEP_ALIVE,
            timeout_graceful_shutdown=_GRACE,
            h11_max_incomplete_event_size=_HEADERS_MAX,
        )
        self._server = _Server(config, self.room, self._access, self._limits[0])

    async def run(self) -> None:
        """Answer until ``stop``; then let answers under way finish, two seconds at most."""
        if self._server is None:
            raise RuntimeError("start() binds the address; it must come before run()")
        quiet = _OncePerMinute()
        logger = logging.getLogger("uvicorn.error")
        logger.addFilter(quiet)
        try:
            await self._server.serve(sockets=self._sockets)
        finally:
            logger.removeFilter(quiet)
            self._close()

    def stop(self) -> None:
        """End ``run``. May be called at any time, also twice."""
        if self._server is not None:
            self._server.stop()

    def renew_connections(self) -> None:
        """Have every client connect anew, after its answer if it awaits one."""
        if self._server is not None:
            self._server.renew_connections()

    def _turned_out(self, host: str) -> None:
        self._access.refused("room", host, "more connections than there is room for")

    def _close(self) -> None:
        for bound in self._sockets:
            bound.close()
        if self._unix is not None:
            self._unix.unlink(missing_ok=True)


def _affordable() -> int:
    """Return how many connections there may be so that most file descriptors stay for our work."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return _CONNECTIONS
    return min(_CONNECTIONS, max(16, soft // 4))


def _wide(bound: socket.socket) -> bool:
    """Whether others than this machine may reach it."""
    if bound.family == socket.AF_UNIX:
        return False
    return not ipaddress.ip_address(bound.getsockname()[0].partition("%")[0]).is_loopback


class _OncePerMinute(logging.Filter):
    """Keeps strangers from filling the log: the same complaint is written once a minute."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno >= logging.ERROR:
            return True
        now, text = time.monotonic(), str(record.msg)
        if now - self._last.get(text, -_QUIET) < _QUIET:
            return False
        self._last[text] = now
        return True


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers and its ten wake-ups a second, and with our doors."""

    def __init__(
        self, config: uvicorn.Config, room: Room, access: Access, handshake_deadline: float
    ) -> None:
        super().__init__(config)
        self._stopping = asyncio.Event()
        self._room = room
        self._access = access
        self._handshake_deadline = handshake_deadline

    def stop(self) -> None:
        self.should_exit = True
        self._stopping.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await self.lifespan.startup()
        loop = asyncio.get_running_loop()
        self.servers = []
        for bound in sockets or ():
            on_wire = self._plain if bound.family == socket.AF_UNIX else self._tls_if_wanted
            server = await loop.create_server(on_wire, sock=bound, backlog=_AT_ONCE)
            self.servers.append(server)
            bound.listen(BACKLOG)  # the queue in the kernel may be longer
        self.started = True

    def _plain(self) -> _BoundedProtocol:
        protocol: _BoundedProtocol = self.config.http_protocol_class(  # type: ignore[call-arg, assignment]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return protocol

    def _within_tls(self, stale: bool) -> _BoundedProtocol:  # noqa: FBT001 - TlsLayer calls it
        protocol = self._plain()
        if stale:
            protocol.renew()
        return protocol

    def _tls_if_wanted(self) -> asyncio.Protocol:
        tls = self._access.web.tls
        if tls is None:
            return self._plain()
        return TlsLayer(
            tls, self._within_tls, self._room, self._handshake_deadline, self._access.refused
        )

    async def main_loop(self) -> None:
        while not await self.on_tick(0):  # renews the Date header
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await self._stopping.wait()

    def renew_connections(self) -> None:
        for connection in list(self._room):
            if isinstance(connection, TlsLayer):
                connection.stale = True
            elif isinstance(connection, _BoundedProtocol):
                connection.renew()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for connection in list(self._room):
            if isinstance(connection, TlsLayer):
                connection.cut()  # it has not begun to ask anything
        await super().shutdown(sockets)


def _protocol(
    shared: Room, header_deadline: float, answer_deadline: float
) -> type[asyncio.Protocol]:
    """Return uvicorn's HTTP protocol with our limits built in."""

    class Protocol(_BoundedProtocol):
        headers_within = header_deadline
        answered_within = answer_deadline
        room = shared

    return Protocol


class _BoundedProtocol(H11Protocol):
    """One connection, on which nothing may last for ever."""

    headers_within: float
    answered_within: float
    room: Room

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._deadline: asyncio.TimerHandle | None = None
        self._begun = False  # a request has begun to arrive or is being answered
        self._half_closed = False
        self._last = False  # no request after the next one
        self.host = ""
        self.silent_since = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.silent_since = self.loop.time()
        self._arm(self.headers_within)
        self._begun = True  # the first request is awaited by its deadline, not by keep-alive
        self.host = self.client[0] if self.client else ""
        self.room.enter(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        self.room.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        before = self.cycle
        if not self._begun:
            self._begun = True
            self._arm(self.headers_within)
        super().data_received(data)
        self._request_arrived(before)

    def eof_received(self) -> bool:  # type: ignore[override]
        """Keep a half-closed connection until its request is answered."""
        self._half_closed = True
        return self.answering()

    def on_response_complete(self) -> None:
        before = self.cycle
        self._disarm()
        self._begun = False
        self.silent_since = self.loop.time()
        super().on_response_complete()
        self._request_arrived(before)  # one that was sent ahead
        if self._deadline is None and self.transport.get_write_buffer_size():
            self._arm(self.answered_within)  # a client that does not read its answer
        if self._half_closed and not self.answering():
            self.transport.close()

    def _request_arrived(self, before: object) -> None:
        if self.cycle is not before and self.answering():
            self._begun = True
            if self._last:
                self.cycle.keep_alive = False
            self._arm(self.answered_within)

    def renew(self) -> None:
        """Have the client connect anew; one that has just come gets one answer before that."""
        self._last = True
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and not self.transport.is_closing():
            self.shutdown()

    def answering(self) -> bool:
        """Whether a request has arrived whole and its answer is not complete."""
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    def _arm(self, seconds: float) -> None:
        self._disarm()
        self._deadline = self.loop.call_later(seconds, self.cut)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def cut(self) -> None:
        """Drop the connection at once, sent or not."""
        self.transport.abort()


__all__ = ["HttpServer", "ListenError"]
