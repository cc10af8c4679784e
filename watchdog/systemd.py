"""sd_notify: readiness, reload, status line and watchdog keep-alive.

Owns: the datagram protocol of sd_notify(3) and the ``WATCHDOG_USEC`` period.
Does nothing where systemd did not start us. Must not know: what the status
line says or when the daemon is well.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from typing import Final

_MICROSECONDS: Final = 1_000_000


class Notifier:
    """Speaks to the service manager, if there is one."""

    def __init__(self, environ: Mapping[str, str], pid: int | None = None) -> None:
        address = environ.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self.keepalive_interval = _keepalive_interval(environ, pid or os.getpid())

    @property
    def present(self) -> bool:
        """Whether a service manager listens."""
        return bool(self._address)

    def ready(self, status: str) -> None:
        """Say that the daemon serves."""
        self._send("READY=1", f"STATUS={status}")

    def reloading(self) -> None:
        """Say that the configuration is being read again; ``ready`` ends it."""
        self._send("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self, status: str) -> None:
        """Say that a clean stop has begun."""
        self._send("STOPPING=1", f"STATUS={status}")

    def status(self, text: str) -> None:
        """Set the line that ``systemctl status`` shows."""
        self._send(f"STATUS={text}")

    def alive(self) -> None:
        """Pat the watchdog."""
        self._send("WATCHDOG=1")

    def _send(self, *assignments: str) -> None:
        if not self._address:
            return
        message = "\n".join(line.replace("\n", " ") for line in assignments)
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                sender.settimeout(0)
                sender.sendto(message.encode(), self._address)
        except OSError:
            # A service manager that does not listen is no reason to fail.
            return


def _keepalive_interval(environ: Mapping[str, str], pid: int) -> float | None:
    """Return seconds between keep-alives (half the period, as sd_watchdog_enabled(3) advises)."""
    if environ.get("WATCHDOG_PID") not in (None, "", str(pid)):
        return None
    try:
        period = int(environ.get("WATCHDOG_USEC", ""))
    except ValueError:
        return None
    return period / _MICROSECONDS / 2 if period > 0 else None
