"""Other processes of this machine, as far as this one may look at them.

Owns: reading ``/proc`` (proc(5)): names, and who has a file open that has been
deleted. Blocking, for slot threads. Must not know: locks, targets.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_PROC: Final = "/proc"
_DELETED: Final = " (deleted)"
_KEPT_SECONDS: Final = 30.0  # one look at all processes serves all targets


@dataclass(frozen=True, slots=True)
class Deleted:
    """Who has deleted files open: process ids by the path that a file had.

    ``complete`` tells whether every process could be looked at; if not, an
    absent path proves nothing.
    """

    holders: Mapping[str, frozenset[int]]
    complete: bool


def name_of(pid: int) -> str:
    """Return ``name (PID)``; ``PID`` alone where the name cannot be read, "" for none."""
    if pid <= 0:
        return ""  # of another PID namespace, or of another machine
    try:
        return f"{Path(f'{_PROC}/{pid}/comm').read_text(errors='replace').strip()} ({pid})"
    except OSError:
        return str(pid)


_lock: Final = threading.Lock()
_known: tuple[float, Deleted] | None = None


def deleted() -> Deleted:
    """Return who has deleted files open; at most 30 s old."""
    global _known  # noqa: PLW0603 - there is one list of processes
    with _lock:
        if _known is None or time.monotonic() - _known[0] > _KEPT_SECONDS:
            _known = (time.monotonic(), _scan())
        return _known[1]


def _scan() -> Deleted:
    holders: dict[str, set[int]] = {}
    complete = True
    for entry in Path(_PROC).iterdir():
        if not entry.name.isdigit():
            continue
        try:
            links = _links(entry / "fd")
        except PermissionError:
            complete = False
            continue
        except OSError:  # it has just ended
            continue
        for link in links:
            if link.endswith(_DELETED):
                holders.setdefault(link.removesuffix(_DELETED), set()).add(int(entry.name))
    return Deleted({path: frozenset(pids) for path, pids in holders.items()}, complete)


def _links(folder: Path) -> list[str]:
    """Return what the descriptors in *folder* lead to. Opens none of them."""
    found = []
    for descriptor in folder.iterdir():
        try:
            found.append(str(descriptor.readlink()))
        except FileNotFoundError:  # closed meanwhile
            continue
    return found
