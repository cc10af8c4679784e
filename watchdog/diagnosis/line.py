"""A bare conversation with whoever answers at an address.

Owns: one socket at a time, reset when it is closed, so that nothing of it
stays behind on a server that hangs. Must not know: PostgreSQL.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from dataclasses import dataclass
from typing import Final

from watchdog.engines.postgresql.resolver import Address

_LINGER_RESET: Final = struct.pack("ii", 1, 0)


async def dial(address: Address) -> socket.socket:
    """Return a connected, non-blocking socket. Raises ``OSError``; the caller sets the time."""
    sock = socket.socket(address.family, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        sock.setblocking(False)  # noqa: FBT003 - the library's own signature
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)
        await asyncio.get_running_loop().sock_connect(sock, address.sockaddr)
    except BaseException:
        sock.close()
        raise
    return sock


async def said(
    address: Address, words: bytes, most: int = 64, seconds: float = 1.0
) -> bytes | None:
    """Send *words* and return what comes back: ``None`` for silence, ``b""`` for a close."""
    sock = await dial(address)
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(seconds):
            if words:
                await loop.sock_sendall(sock, words)
            return await loop.sock_recv(sock, most)
    except TimeoutError:
        return None
    except ConnectionError:
        return b""
    finally:
        sock.close()


@dataclass(frozen=True, slots=True)
class Handshake:
    """A finished TLS handshake: ``TLSv1.3``, and the certificate in DER."""

    version: str
    certificate: bytes


async def shake_hands(address: Address, request: bytes, name: str, seconds: float) -> Handshake:
    """Ask for TLS by *request* and shake hands without believing any certificate.

    Raises ``OSError`` (``ssl.SSLError`` included) and ``TimeoutError``.
    """
    sock = await dial(address)
    loop = asyncio.get_running_loop()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # it is looked at, not trusted
    try:
        async with asyncio.timeout(seconds):
            await loop.sock_sendall(sock, request)
            if await loop.sock_recv(sock, 1) != b"S":
                raise ConnectionError("no TLS is offered")
            reader, writer = await asyncio.open_connection(
                sock=sock, ssl=context, server_hostname=name
            )
        del reader
        link = writer.get_extra_info("ssl_object")
        seen = Handshake(str(link.version()), link.getpeercert(binary_form=True) or b"")
        writer.transport.abort()
    finally:
        sock.close()
    return seen
