"""What a look at a file of a destination shows to be wrong with it.

Owns: what can be told without reading it. Blocking: callers go through a
thread. Must not know: proofs.
"""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Final

from watchdog.backups import failures
from watchdog.backups.manifest import Manifest

_GONE: Final = "is not there"
_SIZE: Final = re.compile(r" has (\d+) bytes, ")
_SEALING: Final = 3600.0  # seconds after which an artefact without a manifest gets none any more
UNSEALED: Final = (
    "it has no manifest: its run was killed in the last moment, or the manifest was lost; it is"
    " not counted and never removed"
)


def of(artefact: Path, manifest: Manifest) -> str:
    """Return what a look at the artefact shows to be wrong, "" for nothing."""
    try:
        size = artefact.stat().st_size
    except FileNotFoundError:
        return f"{artefact.name} {_GONE}"
    except OSError as error:
        return f"{artefact.name}: {error.strerror}"
    if size != manifest.size_bytes:
        return f"{artefact.name} has {size} bytes, its manifest says {manifest.size_bytes}"
    return ""


def cause_of(said: str, manifest: Manifest) -> str:
    """Return the cause of what ``of`` has *said* of the artefact of *manifest*."""
    if said.endswith(_GONE):
        return failures.FILE_MISSING
    found = _SIZE.search(said)
    return of_size(int(found[1]), manifest.size_bytes) if found else failures.TRUNCATED


def of_size(size: int, sealed: int) -> str:
    """Return the cause where a file has *size* bytes and had *sealed*."""
    if not size:
        return failures.ZERO_BYTES
    return failures.DAMAGED if size > sealed else failures.TRUNCATED


def is_old(path: Path) -> bool:
    """Whether *path* is none that is being sealed just now."""
    try:
        return time.time() - path.stat().st_mtime > _SEALING
    except OSError:
        return False
