"""Addresses to listen on: reading them, binding them, and what to do when that fails.

Owns: TCP of both families and Unix sockets, and the words of each failure.
Must not know: HTTP.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import stat
from pathlib import Path
from typing import Any, Final

from watchdog.errors import WatchdogError

UNIX: Final = "unix:"
BACKLOG: Final = 512


class ListenError(WatchdogError):
    """The address cannot be listened on; the text names it and says what to do."""


async def bind_tcp(listen: str) -> list[socket.socket]:
    """Return listening sockets of every address that *listen* names. Raises ``ListenError``."""
    host, port = _host_and_port(listen)
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except socket.gaierror as error:
        raise ListenError(
            f"cannot listen on {listen}: the host {host!r} does not resolve ({error.strerror});"
            " write an address of this machine, 127.0.0.1 or 0.0.0.0, in `listen`"
        ) from error
    sockets: list[socket.socket] = []
    try:
        for family, kind, protocol, _, where in dict.fromkeys(found):
            sockets.append(_listening(socket.socket(family, kind, protocol), where))
    except OSError as error:
        for bound in sockets:
            bound.close()
        raise ListenError(_why(listen, port, error)) from error
    return sockets


def _host_and_port(listen: str) -> tuple[str, int]:
    host, colon, port = listen.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ListenError(
            f"cannot listen on {listen!r}: write ADDRESS:PORT, [IPv6]:PORT or unix:/PATH"
        )
    return host.removeprefix("[").removesuffix("]"), int(port)


def _listening(bound: socket.socket, where: Any) -> socket.socket:
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if bound.family == socket.AF_INET6:
            only_six = where[0] != "::"
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, only_six)
        bound.bind(where)
        bound.listen(BACKLOG)
        bound.settimeout(0.0)
    except OSError:
        bound.close()
        raise
    return bound


def bind_unix(path: Path) -> socket.socket:
    """Return a listening Unix socket in place of a stale one. Raises ``ListenError``."""
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _remove_stale(path)
        bound.bind(str(path))
        path.chmod(0o660)
        bound.listen(BACKLOG)
        bound.settimeout(0.0)
    except OSError as error:
        bound.close()
        raise ListenError(_why(f"{UNIX}{path}", None, error)) from error
    return bound


def _remove_stale(path: Path) -> None:
    """Remove a socket that nobody listens on any more; anything else stays."""
    try:
        if not stat.S_ISSOCK(path.stat().st_mode):
            return
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()


def _why(listen: str, port: int | None, error: OSError) -> str:
    reason = os.strerror(error.errno) if error.errno else str(error)
    advice = "write another address in `listen`"
    if error.errno == errno.EADDRINUSE:
        finder = f"`ss -ltnp 'sport = :{port}'`" if port is not None else "`ss -lxp`"
        advice = f"another process has it ({finder} shows which): stop that, or change `listen`"
    elif error.errno == errno.EADDRNOTAVAIL:
        advice = "this machine has no such address: write one of `ip addr`, 127.0.0.1 or 0.0.0.0"
    elif error.errno in (errno.EACCES, errno.EPERM):
        advice = (
            "ports below 1024 need CAP_NET_BIND_SERVICE: choose a higher one in `listen`"
            if port is not None
            else "the folder must be writable for this user (RuntimeDirectory= under systemd)"
        )
    elif error.errno in (errno.ENOENT, errno.ENOTDIR):
        advice = "the folder does not exist: create it (RuntimeDirectory= under systemd)"
    return f"cannot listen on {listen}: {reason}; {advice}"


def address(bound: socket.socket) -> str:
    """Return ``host:port`` as it is bound, also where port 0 was asked for."""
    host, port = bound.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
