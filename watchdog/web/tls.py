"""TLS between a socket and a protocol, one connection at a time.

Owns: the handshake with its deadline, the end in either direction (a client
that has said all it will say still gets its answer, which asyncio's own TLS
drops), and the answer to who speaks plain HTTP. The context is chosen when a
connection arrives, so that a renewed certificate needs no restart. Must not
know: HTTP beyond how a request begins, configuration.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
from collections.abc import Callable, Iterable
from typing import Any, Final, cast

from watchdog.config.web_tls import ServerTls, normal_name
from watchdog.web.room import Room

_CHUNK: Final = 64 * 1024
_PLAIN_REQUEST: Final = re.compile(rb"[A-Z]{3,8} [!-~]")
_PLAIN_ANSWER: Final = (
    b"HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\n"
    b"connection: close\r\n\r\nThis port speaks TLS: write https:// instead of http://.\n"
)


class TlsLayer(asyncio.Protocol):
    """Stands on the wire; once hands are shaken, what *inner* returns stands on it.

    *inner* is told whether the rules have changed since the connection began.

    *refused* is told why a connection ends before that: the reason, the host, more words.
    """

    def __init__(
        self,
        tls: ServerTls,
        inner: Callable[[bool], asyncio.Protocol],
        room: Room,
        seconds: float,
        refused: Callable[[str, str, str], None],
    ) -> None:
        self._settings = tls
        self._make_inner = inner
        self._room = room
        self._seconds = seconds
        self._refused = refused
        self._loop = asyncio.get_running_loop()
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = tls.context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._wire: asyncio.Transport | None = None
        self._inner: asyncio.Protocol | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._begun = False  # the client has said something
        self._ended = False  # the client has said all it will say
        self._wire_ended = False
        self._paused = False
        self._closing = False
        self.stale = False
        self.host = ""
        self.silent_since = self._loop.time()

    # ------------------------------------------------------------------ from the wire

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for the handshake."""
        self._wire = transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        self.host = str(peer[0]) if isinstance(peer, tuple) else ""
        self._deadline = self._loop.call_later(self._seconds, self._too_slow)
        self._room.enter(self)

    def data_received(self, data: bytes) -> None:
        """Take what is encrypted."""
        if self._inner is None and self._closing:
            return
        first, self._begun = not self._begun, True
        if first and _PLAIN_REQUEST.match(data):
            self._refuse("plain", "it speaks plain HTTP where TLS is spoken", _PLAIN_ANSWER)
            return
        self._incoming.write(data)
        self._turn()

    def eof_received(self) -> bool:
        """Take note that the client sends no more; it may still read."""
        self._wire_ended = True
        if self._inner is not None:
            self._turn()
        elif not self._closing:
            self._refuse("handshake", "the client left")
        return True  # the end is ours to make, when all is answered

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever stands on this."""
        self._disarm()
        self._closing = True
        if self._inner is None:
            self._room.leave(self)
        else:
            self._inner.connection_lost(exc)

    def pause_writing(self) -> None:
        """Pass it on."""
        if self._inner is not None:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        """Pass it on."""
        if self._inner is not None:
            self._inner.resume_writing()

    # ------------------------------------------------------------------ as an occupant

    def answering(self) -> bool:
        """Nothing is asked before hands are shaken."""
        return False

    def cut(self) -> None:
        """Drop the connection at once."""
        self._closing = True
        assert self._wire is not None
        self._wire.abort()

    # ------------------------------------------------------------------ the handshake

    def _too_slow(self) -> None:
        self._refused("handshake", self.host, "too slow")
        self.cut()

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _shake_hands(self) -> None:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self._flush()
            return
        except ssl.SSLError as error:
            why = getattr(error, "verify_message", "") or error.reason or "the client left"
            self._refuse("handshake", why)  # sends the alert, too
            return
        if not self._name_allowed():
            self._refuse("name", "no name of its certificate is in client_allowed_sans")
            return
        self._disarm()
        self._room.leave(self)
        self._flush()
        self._inner = self._make_inner(self.stale)
        self._inner.connection_made(_Plain(self))

    def _name_allowed(self) -> bool:
        allowed = self._settings.allowed_names
        return not allowed or not allowed.isdisjoint(_names(self._tls.getpeercert()))

    def _refuse(self, reason: str, why: str, answer: bytes = b"") -> None:
        self._closing = True
        self._refused(reason, self.host, why)
        if answer:
            self.wire.write(answer)
        else:
            self._flush()
        self.wire.close()

    # ------------------------------------------------------------------ once hands are shaken

    @property
    def wire(self) -> asyncio.Transport:
        """What the bytes travel on."""
        assert self._wire is not None
        return self._wire

    @property
    def object(self) -> ssl.SSLObject:
        """What is known of this connection's TLS."""
        return self._tls

    @property
    def closing(self) -> bool:
        """Whether it ends, or has ended."""
        return self._closing or self.wire.is_closing()

    def _turn(self) -> None:
        """Do whatever can be done with what has arrived."""
        if self._inner is None:
            self._shake_hands()
        if self._inner is not None:
            self._read(self._inner)
            self._flush()

    def _read(self, inner: asyncio.Protocol) -> None:
        while not (self._paused or self._ended or self.closing):
            try:
                data = self._tls.read(_CHUNK)
            except ssl.SSLWantReadError:
                if not self._wire_ended:
                    return
                data = b""  # OpenSSL need not know: it would not let us answer any more
            except ssl.SSLError:
                self._flush()
                self.cut()
                return
            if data:
                inner.data_received(data)
                continue
            self._ended = True
            if not inner.eof_received():
                self.close()

    def _flush(self) -> None:
        if self._outgoing.pending and not self.wire.is_closing():
            self.wire.write(self._outgoing.read())

    def write(self, data: bytes) -> None:
        """Send *data*, which is plain."""
        if self.closing or not data:
            return
        try:
            self._tls.write(data)
        except ssl.SSLError:
            self.cut()
            return
        self._flush()

    def close(self) -> None:
        """Say that no more will come, send what waits, then end."""
        if self.closing:
            return
        with contextlib.suppress(ssl.SSLError):  # the client need not say the same
            self._tls.unwrap()
        self._flush()
        self._closing = True
        self.wire.close()

    def pause(self) -> None:
        """Take no more from the client for now."""
        self._paused = True
        if not self._ended and not self.closing:
            self.wire.pause_reading()

    def resume(self) -> None:
        """Go on with what has arrived and what will."""
        if not self._paused:
            return
        self._paused = False
        if not self.closing:
            self.wire.resume_reading()
            # Not at once: it is called in the middle of another turn.
            self._loop.call_soon(self._turn_if_open)

    def _turn_if_open(self) -> None:
        if not self.closing:
            self._turn()


class _Plain(asyncio.Transport):
    """What the inner protocol writes to and reads from, as if there were no TLS."""

    def __init__(self, layer: TlsLayer) -> None:
        super().__init__()
        self._layer = layer

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        if name == "ssl_object":
            return self._layer.object
        if name == "sslcontext":
            return self._layer.object.context
        return self._layer.wire.get_extra_info(name, default)

    def is_closing(self) -> bool:
        return self._layer.closing

    def close(self) -> None:
        self._layer.close()

    def abort(self) -> None:
        self._layer.cut()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._layer.write(bytes(data))

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        self._layer.write(b"".join(list_of_data))

    def pause_reading(self) -> None:
        self._layer.pause()

    def resume_reading(self) -> None:
        self._layer.resume()

    def get_write_buffer_size(self) -> int:
        return self._layer.wire.get_write_buffer_size()


def _names(certificate: Any) -> set[str]:
    """Return the alternative names of a verified certificate, as they are compared."""
    found = (certificate or {}).get("subjectAltName", ())
    return {normal_name(value.strip()) for _, value in found}
