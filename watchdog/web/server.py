"""The listener: uvicorn inside our own event loop, on sockets that we bind.

Owns: the deadlines of slow and silent clients, the limit on
connections, starting and stopping. Signals are not touched. Must not know:
routes.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Generator
from pathlib import Path
from typing import Any, Final

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from watchdog.web.listening import UNIX, ListenError, address, bind_tcp, bind_unix

_HEADERS_MAX: Final = 16 * 1024  # bytes of request line and headers
_KEEP_ALIVE: Final = 75  # seconds: longer than a scrape interval, so that scrapers reuse theirs
_GRACE: Final = 2  # seconds that answers under way get when stopping


class HttpServer:
    """Serves *application*; ``start``, then ``run`` until ``stop``.

    *header_deadline* is how many seconds a client may take to send a
    request's headers; *answer_deadline* how many a request may take from its
    headers to the last byte that the client has read. Beyond *connections*
    the one that has been silent longest gives way to a new one.
    """

    def __init__(
        self,
        application: Any,
        *,
        header_deadline: float = 10.0,
        answer_deadline: float = 150.0,
        connections: int = 256,
    ) -> None:
        self._limits = (header_deadline, answer_deadline, connections)
        self._application = application
        self._sockets: list[socket.socket] = []
        self._unix: Path | None = None
        self._server: _Server | None = None
        self.addresses: tuple[str, ...] = ()

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
        config = uvicorn.Config(
            self._application,
            http=_protocol(*self._limits),
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
        self._server = _Server(config)

    async def run(self) -> None:
        """Answer until ``stop``; then let answers under way finish, two seconds at most."""
        if self._server is None:
            raise RuntimeError("start() binds the address; it must come before run()")
        try:
            await self._server.serve(sockets=self._sockets)
        finally:
            self._close()

    def stop(self) -> None:
        """End ``run``. May be called at any time, also twice."""
        if self._server is not None:
            self._server.stop()

    def _close(self) -> None:
        for bound in self._sockets:
            bound.close()
        if self._unix is not None:
            self._unix.unlink(missing_ok=True)


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers and its ten wake-ups a second."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        self.should_exit = True
        self._stopping.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield

    async def main_loop(self) -> None:
        while not await self.on_tick(0):  # renews the Date header
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await self._stopping.wait()


def _protocol(
    header_deadline: float, answer_deadline: float, connections: int
) -> type[asyncio.Protocol]:
    """Return uvicorn's HTTP protocol with our limits built in."""

    class Protocol(_BoundedProtocol):
        headers_within = header_deadline
        answered_within = answer_deadline
        most = connections

    return Protocol


class _BoundedProtocol(H11Protocol):
    """One connection, on which nothing may last for ever."""

    headers_within: float
    answered_within: float
    most: int

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._deadline: asyncio.TimerHandle | None = None
        self._begun = False  # a request has begun to arrive or is being answered
        self._half_closed = False
        self.silent_since = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.silent_since = self.loop.time()
        self._arm(self.headers_within)
        self._begun = True  # the first request is awaited by its deadline, not by keep-alive
        if len(self.connections) > self.most:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
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
        return self.answering() and self.scheme != "https"

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
            self._arm(self.answered_within)

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

    def _make_room(self) -> None:
        silent = [
            other
            for other in self.connections
            if isinstance(other, _BoundedProtocol) and not other.answering()
        ]
        if silent:
            min(silent, key=lambda other: other.silent_since).cut()


__all__ = ["HttpServer", "ListenError"]
