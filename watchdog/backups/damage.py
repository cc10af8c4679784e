"""What a look at a file of a destination shows to be wrong with it.

Owns: what can be told without reading it. Blocking: callers go through a
thread. Must not know: proofs.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from watchdog.backups.manifest import Manifest

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
        return f"{artefact.name} is not there"
    except OSError as error:
        return f"{artefact.name}: {error.strerror}"
    if size != manifest.size_bytes:
        return f"{artefact.name} has {size} bytes, its manifest says {manifest.size_bytes}"
    return ""


def is_old(path: Path) -> bool:
    """Whether *path* is none that is being sealed just now."""
    try:
        return time.time() - path.stat().st_mtime > _SEALING
    except OSError:
        return False
