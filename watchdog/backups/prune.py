"""Retention applied: the only place where a backup is removed.

Owns: the order of removal. The manifest goes first, under another name, so
that a half-removed backup is no backup and the next holder of the lock can
finish it. Blocking, under the lock: callers go through a thread. Must not
know: why a backup goes.
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Pruned:
    """What went, oldest first, and what was in the way of the rest."""

    removed: tuple[Backup, ...] = ()
    errors: tuple[OSError, ...] = ()


def apply(decisions: Iterable[Decision[Backup]]) -> Pruned:
    """Remove what was decided on, oldest first; one that cannot go is no reason for the others."""
    doomed = [decision.backup for decision in decisions if not decision.keep]
    removed, errors = [], []
    for backup in sorted(doomed, key=lambda each: (each.taken_at, each.id)):
        try:
            remove(backup)
        except OSError as error:
            errors.append(error)
        else:
            removed.append(backup)
    return Pruned(tuple(removed), tuple(errors))


def sweep(folder: Path) -> list[str]:
    """Remove what interrupted runs have left; return the names. Only the lock's holder may."""
    swept = []
    for path in sorted(folder.iterdir()):
        # What cannot be removed is no backup all the same, and no reason to take none.
        with contextlib.suppress(OSError):
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
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            discard(path)
    discard(names.removed(folder, identity))
    files.sync_folder(folder)


def _is_abandoned(path: Path) -> bool:
    if not (path.name.startswith(".") and path.name.endswith(".new")):
        return False
    try:
        return time.time() - path.stat().st_mtime > _ABANDONED
    except FileNotFoundError:
        return False
