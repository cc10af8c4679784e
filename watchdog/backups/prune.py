"""Retention applied: the only place where a backup is removed.

Owns: the order of removal. The manifest goes first, under another name, so
that a half-removed backup is no backup and the next holder of the lock can
finish it. Blocking, under the lock: callers go through a thread. Must not
know: why a backup goes.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from watchdog.backups import files, names
from watchdog.backups.catalogue import Backup
from watchdog.backups.retention import Decision

# A file of write_json that its writer never renamed; a live one takes moments.
_ABANDONED: Final = 3600.0


def remove(backup: Backup) -> None:
    """Remove one backup. Raises ``OSError``; what is left then is finished by ``sweep``."""
    manifest = names.manifest(backup.folder, backup.id)
    manifest.replace(names.removed(backup.folder, backup.id))
    files.sync_folder(backup.folder)
    _finish(backup.folder, backup.id)


def apply(decisions: Iterable[Decision[Backup]]) -> list[Backup]:
    """Remove what was decided on, oldest first; return what went. Raises ``OSError``."""
    doomed = [decision.backup for decision in decisions if not decision.keep]
    for backup in reversed(doomed):
        remove(backup)
    return doomed


def sweep(folder: Path) -> list[str]:
    """Remove what interrupted runs have left; return the names. Only the lock's holder may."""
    swept = []
    for path in sorted(folder.iterdir()):
        identity = names.id_of_removed(path.name)
        if identity is not None:
            _finish(folder, identity)
        elif names.is_partial(path.name) or _is_abandoned(path):
            discard(path)
        else:
            continue
        swept.append(path.name)
    return swept


def discard(path: Path) -> None:
    """Remove a file that may not be there."""
    with contextlib.suppress(FileNotFoundError):
        path.unlink()


def _finish(folder: Path, identity: str) -> None:
    for path in folder.glob(f"{identity}.*"):
        if path.is_file():
            path.unlink()
    discard(names.removed(folder, identity))
    files.sync_folder(folder)


def _is_abandoned(path: Path) -> bool:
    if not (path.name.startswith(".") and path.name.endswith(".new")):
        return False
    try:
        return time.time() - path.stat().st_mtime > _ABANDONED
    except FileNotFoundError:
        return False
