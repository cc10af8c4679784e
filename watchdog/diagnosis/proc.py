"""Who has a file open, as far as ``/proc`` may be read.

Owns: reading ``/proc/PID/fd`` and ``/proc/locks`` (proc(5)), bounded in time
and number. Opens none of the files themselves. Blocking. Must not know: any
step.
"""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")
_DELETED: Final = " (deleted)"
_MOST_FOUND: Final = 20


@dataclass(frozen=True, slots=True)
class Opener:
    """A process that has a file open; ``descriptor`` is its number there."""

    pid: int
    name: str
    descriptor: int
    deleted: bool = False

    def __str__(self) -> str:
        """Return its name with its pid."""
        return f"{self.name} (pid {self.pid})"


@dataclass(frozen=True, slots=True)
class Openers:
    """Who has a file open. ``whole``: whether every process could be looked into."""

    found: tuple[Opener, ...]
    whole: bool


def openers(path: str, seconds: float = 1.0) -> Openers:
    """Return the processes, other than ourselves and our children, that have *path* open.

    Also those that still have a file of that name open that has been deleted
    or replaced since.
    """
    until = time.monotonic() + seconds
    identity = _identity(path)
    found: list[Opener] = []
    whole = True
    for pid in _pids():
        if time.monotonic() > until or len(found) >= _MOST_FOUND:
            return Openers(tuple(found), whole=False)
        try:
            found += _of(pid, path, identity)
        except PermissionError:
            whole = False
        except OSError:
            continue  # it has ended meanwhile
    return Openers(tuple(found), whole)


def lockers(path: str) -> list[Opener]:
    """Return the processes that hold a write lock on *path* (POSIX and open file locks)."""
    identity = _identity(path)
    if identity is None:
        return []
    device, inode = identity
    wanted = f"{os.major(device):02x}:{os.minor(device):02x}:{inode}"
    holders: dict[int, Opener] = {}
    with contextlib.suppress(OSError):
        for line in (_PROC / "locks").read_text(encoding="ascii", errors="replace").splitlines():
            fields = line.split()
            # Those that wait have an arrow before the kind.
            if wanted in fields and "->" not in fields and "WRITE" in fields:
                pid = int(fields[fields.index(wanted) - 1])
                if pid > 0 and not _is_ours(pid):
                    holders[pid] = Opener(pid, name_of(pid), -1)
    return list(holders.values())


def name_of(pid: int) -> str:
    """Return the name of a process, ``?`` where it cannot be read."""
    try:
        return (_PROC / str(pid) / "comm").read_text(errors="replace").strip()
    except OSError:
        return "?"


def _identity(path: str) -> tuple[int, int] | None:
    try:
        seen = os.stat(path)  # noqa: PTH116 - names may be any bytes
    except OSError:
        return None
    return seen.st_dev, seen.st_ino


def _pids() -> list[int]:
    with contextlib.suppress(OSError):
        return sorted(int(name) for name in os.listdir(_PROC) if name.isdecimal())  # noqa: PTH208
    return []


def _of(pid: int, path: str, identity: tuple[int, int] | None) -> list[Opener]:
    folder = _PROC / str(pid) / "fd"
    found = []
    for entry in os.scandir(folder):
        try:
            target = os.readlink(entry.path)  # noqa: PTH115
        except FileNotFoundError:
            continue
        if target == path + _DELETED:
            found.append(Opener(pid, name_of(pid), int(entry.name), deleted=True))
        elif target == path and identity is not None:
            found.append(Opener(pid, name_of(pid), int(entry.name)))
    if not found or _is_ours(pid):
        return []
    return found[:1]


def _is_ours(pid: int) -> bool:
    """Whether it is this process or a child of it: our own keepers look into files too."""
    if pid == os.getpid():
        return True
    with contextlib.suppress(OSError, IndexError, ValueError):
        stat = (_PROC / str(pid) / "stat").read_text(errors="replace")
        return int(stat.rpartition(")")[2].split()[1]) == os.getpid()
    return False
