"""A TCP proxy that misbehaves on demand.

``async with Proxy(host, port) as proxy:`` listens on ``proxy.host`` and
``proxy.port`` and forwards to the target. ``await proxy.set(Mode.DROP)``
changes what it does, for connections that are open as for new ones:

======================  ======================================================
``pass_()``             forward everything (how it starts)
``refuse()``            close the listener: ECONNREFUSED; open ones are reset
``delay(seconds)``      forward each chunk that much later, each way
``drop()``              black hole: accept, read nothing, forward nothing
``reset()``             answer every connection with RST
``half_close()``        end the server-to-client direction with FIN, keep reading
``cut_after(n)``        forward n more bytes of the server's, then RST
======================  ======================================================

``accepted`` counts the connections taken since the start, ``open`` those
open now, ``highest`` the most there ever were at once, ``bytes_up`` and
``bytes_down`` what was forwarded.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import socket
import struct
from types import TracebackType
from typing import Final, Self

_CHUNK: Final = 65536


class Mode(enum.Enum):
    """What the proxy does with what arrives."""

    PASS = "pass"
    REFUSE = "refuse"
    DELAY = "delay"
    DROP = "drop"
    RESET = "reset"
    HALF_CLOSE = "half-close"
    CUT = "cut"


class _Link:
    """One client's connection and the one made for it to the target."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.client = (reader, writer)
        self.server: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    def reset(self) -> None:
        """End both sides with RST."""
        for pair in (self.client, self.server):
            if pair is not None:
                _reset(pair[1])


class Proxy:
    """See the module's docstring. An asynchronous context manager."""

    def __init__(self, target_host: str, target_port: int) -> None:
        self.target = (target_host, target_port)
        self.host = "127.0.0.1"
        self.port = 0
        self.mode = Mode.PASS
        self.accepted = 0
        self.highest = 0
        self.bytes_up = 0
        self.bytes_down = 0
        self._seconds = 0.0
        self._left = 0
        self._links: set[_Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._changed = asyncio.Event()

    @property
    def open(self) -> int:
        """How many client connections are open."""
        return len(self._links)

    # ---------------------------------------------------------------- modes

    async def pass_(self) -> None:
        """Forward everything."""
        await self._become(Mode.PASS)

    async def refuse(self) -> None:
        """Listen no more and reset what is open."""
        await self._become(Mode.REFUSE)

    async def delay(self, seconds: float) -> None:
        """Forward each chunk *seconds* later."""
        self._seconds = seconds
        await self._become(Mode.DELAY)

    async def drop(self) -> None:
        """Forward nothing and say nothing; connections are still accepted."""
        await self._become(Mode.DROP)

    async def reset(self) -> None:
        """Reset what is open, and what is to come as soon as it is accepted."""
        await self._become(Mode.RESET)

    async def half_close(self) -> None:
        """Tell every client that the server has nothing more to say, and keep reading."""
        await self._become(Mode.HALF_CLOSE)

    async def cut_after(self, count: int) -> None:
        """Forward *count* more bytes from the server, then reset."""
        self._left = count
        await self._become(Mode.CUT)

    async def _become(self, mode: Mode) -> None:
        self.mode = mode
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
        if mode is Mode.REFUSE:
            await self._unlisten()
        elif self._server is None:
            await self._listen()
        for link in list(self._links):
            if mode in (Mode.REFUSE, Mode.RESET):
                link.reset()
            elif mode is Mode.HALF_CLOSE:
                _half_close(link.client[1])

    # ---------------------------------------------------------------- life

    async def __aenter__(self) -> Self:
        await self._listen()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._unlisten()
        for link in list(self._links):
            link.reset()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _unlisten(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
            await asyncio.sleep(0)

    # ---------------------------------------------------------------- forwarding

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        link = _Link(reader, writer)
        self._links.add(link)
        self.highest = max(self.highest, self.open)
        try:
            if self.mode is Mode.RESET:
                link.reset()
                return
            await self._while_silent(writer)
            link.server = await asyncio.open_connection(*self.target)
            if self.mode is Mode.HALF_CLOSE:
                _half_close(writer)
            await self._forward(link)
        except OSError:
            pass
        finally:
            self._links.discard(link)
            if self.mode is Mode.DROP:  # the server hears nothing of a client that went away
                _reset(writer)
                await self._changed.wait()
            link.reset()

    async def _forward(self, link: _Link) -> None:
        assert link.server is not None
        ways = [
            asyncio.ensure_future(self._pump(link, down=False)),
            asyncio.ensure_future(self._pump(link, down=True)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _while_silent(self, client: asyncio.StreamWriter) -> None:
        """Wait while nothing is forwarded. Raises ``ConnectionError`` if the client goes away."""
        while self.mode is Mode.DROP:
            changed = asyncio.ensure_future(self._changed.wait())
            gone = asyncio.ensure_future(_gone(client))
            try:
                await asyncio.wait((changed, gone), return_when=asyncio.FIRST_COMPLETED)
                if gone.done():
                    raise ConnectionResetError("the client went away")
            finally:
                for task in (changed, gone):
                    task.cancel()
                await asyncio.gather(changed, gone, return_exceptions=True)

    async def _pump(self, link: _Link, *, down: bool) -> None:
        assert link.server is not None
        source, sink = (link.server, link.client) if down else (link.client, link.server)
        reader, writer, client = source[0], sink[1], link.client[1]
        while chunk := await reader.read(_CHUNK):
            await self._while_silent(client)
            if self.mode is Mode.DELAY:
                await asyncio.sleep(self._seconds)
            if self.mode is Mode.HALF_CLOSE and down:
                continue
            if self.mode is Mode.CUT and down:
                chunk = chunk[: self._left]
                self._left -= len(chunk)
            writer.write(chunk)
            await writer.drain()
            self._counted(len(chunk), down=down)
            if self.mode is Mode.CUT and down and self._left <= 0:
                raise ConnectionResetError("cut here")  # ends both sides by RST
        await self._while_silent(client)
        _half_close(writer)

    def _counted(self, count: int, *, down: bool) -> None:
        if down:
            self.bytes_down += count
        else:
            self.bytes_up += count


async def _gone(writer: asyncio.StreamWriter) -> None:
    """Return when the connection has ended, however."""
    with contextlib.suppress(OSError):
        await writer.wait_closed()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST instead of FIN: SO_LINGER on, zero seconds."""
    sock = writer.get_extra_info("socket")
    if sock is not None and not writer.transport.is_closing():
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def _half_close(writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, RuntimeError):
        if writer.can_write_eof():
            writer.write_eof()
