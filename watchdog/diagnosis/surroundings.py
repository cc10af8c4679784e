"""Where this process runs: in a container, beside which compose project, with which servers.

Owns: reading compose files for names of services and published ports, the
PostgreSQL sockets and listening ports of this machine, the names in
``/etc/hosts``. Blocking, reads small files only. Must not know: any step.
"""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from watchdog.engines.sqlite.mounts import Mount, covering, parse

# Where compose looks, in its order.
_COMPOSE_FILES: Final = (
    "compose.yaml",
    "compose.yml",
    "docker-compose.yaml",
    "docker-compose.yml",
)
_LONGEST_FILE: Final = 256 << 10
_SOCKET_FOLDERS: Final = ("/var/run/postgresql", "/run/postgresql", "/tmp")  # noqa: S108 - PostgreSQL's own default
_SOCKET: Final = re.compile(r"\.s\.PGSQL\.(\d{1,5})")
_LISTEN: Final = "0A"  # the state LISTEN in /proc/net/tcp
_USUAL_PORTS: Final = (*range(5430, 5445), 6432)

_TOP: Final = re.compile(r"(?P<key>[\w-]+):\s*(?:#.*)?$")
_SERVICE: Final = re.compile(r"(?P<indent> +)[\"']?(?P<name>[\w.-]+)[\"']?:\s*(?:#.*|&\w+.*)?$")
_PUBLISHED: Final = re.compile(
    r"[\"']?(?:(?:[\d.]+|\$\{[^}]*\}):)?(?P<host>\d{2,5}):5432(?:/tcp)?[\"']?\s*$"
)


@dataclass(frozen=True, slots=True)
class Compose:
    """A compose project beside us: its file and, by service, the port of the host or ""."""

    file: Path
    services: dict[str, str]


def in_own_container() -> bool:
    """Whether this process has a container to itself: there ``localhost`` is never the database."""
    from watchdog.engines.postgresql import failures  # noqa: PLC0415 - it imports the driver

    return failures.in_own_container()


def compose(folder: Path | None = None) -> Compose | None:
    """Return the compose project of *folder* (the working directory), ``None`` without one."""
    base = folder or Path.cwd()
    for name in _COMPOSE_FILES:
        file = base / name
        with contextlib.suppress(OSError, UnicodeDecodeError):
            if file.is_file() and file.stat().st_size <= _LONGEST_FILE:
                return Compose(file, services_of(file.read_text(encoding="utf-8")))
    return None


def services_of(text: str) -> dict[str, str]:
    """Return the services of a compose file's *text* with the host's port for 5432 or "".

    Reads the block style that people write; no interpolation, no anchors.
    """
    services: dict[str, str] = {}
    inside, indent, current = False, "", ""
    for line in text.splitlines():
        if top := _TOP.match(line):
            inside = top["key"] == "services"
        elif inside and (found := _SERVICE.match(line)):
            indent = indent or found["indent"]
            if found["indent"] == indent:
                current = found["name"]
                services[current] = ""
        elif inside and current and line.lstrip().startswith("-"):
            published = _PUBLISHED.match(line.lstrip()[1:].strip())
            if published:
                services[current] = published["host"]
    return services


def mount_of(path: Path) -> Mount | None:
    """Return the mount that *path* is on as of now, ``None`` where nobody can tell."""
    with contextlib.suppress(OSError):
        return covering(parse(Path("/proc/self/mountinfo").read_text(errors="replace")), str(path))
    return None


def socket_ports() -> dict[int, str]:
    """Return the ports of PostgreSQL servers with a Unix socket here, each with its folder."""
    ports: dict[int, str] = {}
    for folder in _SOCKET_FOLDERS:
        with contextlib.suppress(OSError):
            for entry in Path(folder).iterdir():
                if (found := _SOCKET.fullmatch(entry.name)) and entry.is_socket():
                    ports.setdefault(int(found[1]), folder)
    return ports


def listening_ports() -> list[int]:
    """Return the usual ports of PostgreSQL and PgBouncer on which somebody listens here."""
    found = {port for port in _listeners() if port in _USUAL_PORTS}
    return sorted(found)


def host_names() -> list[str]:
    """Return the names that ``/etc/hosts`` knows."""
    names: list[str] = []
    with contextlib.suppress(OSError, UnicodeDecodeError):
        for line in Path("/etc/hosts").read_text(encoding="utf-8").splitlines():
            names += line.partition("#")[0].split()[1:]
    return names


def is_own(family: int, address: str) -> bool:
    """Whether *address* is one of this machine's (or this container's)."""
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.bind((address, 0))
        return True
    return False


def _listeners() -> Iterator[int]:
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            for line in Path(table).read_text(encoding="ascii").splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTEN:
                    yield int(fields[1].rpartition(":")[2], 16)
