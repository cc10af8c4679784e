"""The names of files in a destination.

Owns: which name means what. A name that a finished artefact has is never
used for anything unfinished. Must not know: what is in the files.
"""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

MANIFEST: Final = ".manifest.json"
VERIFICATION: Final = ".verification.json"
ATTEMPTS: Final = "attempts.json"
DRILLS: Final = "drills.json"
ACCEPTED: Final = "accepted.json"
PAUSE: Final = "pause.json"
INSTRUCTIONS: Final = "RESTORE.md"
LOCK: Final = ".lock"
MARKER: Final = ".db-watchdog-destination"

_ID = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{6}")
_PARTIAL = re.compile(rf"\.{_ID.pattern}\..+\.partial")
_REMOVED = re.compile(rf"\.({_ID.pattern}){re.escape(MANIFEST)}\.removed")
_MANIFEST = re.compile(rf"({_ID.pattern}){re.escape(MANIFEST)}")
_ARTEFACT = re.compile(rf"({_ID.pattern})\.(dump|sqlite)")


def new_id(taken_at: datetime) -> str:
    """Return a fresh id: the UTC second and six random hexadecimal digits."""
    return f"{taken_at.astimezone(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def artefact(folder: Path, identity: str, suffix: str) -> Path:
    """Return where the finished artefact lies."""
    return folder / f"{identity}.{suffix}"


def manifest(folder: Path, identity: str) -> Path:
    """Return where the manifest lies: if it is there, the backup is."""
    return folder / f"{identity}{MANIFEST}"


def verification(folder: Path, identity: str) -> Path:
    """Return where the levels and times of proof lie."""
    return folder / f"{identity}{VERIFICATION}"


def partial(folder: Path, identity: str, suffix: str) -> Path:
    """Return a name for something unfinished; only the lock's holder sweeps those."""
    return folder / f".{identity}.{suffix}.partial"


def removed(folder: Path, identity: str) -> Path:
    """Return the manifest's name while its backup is being removed."""
    return folder / f".{identity}{MANIFEST}.removed"


def is_partial(name: str) -> bool:
    """Whether *name* is of something unfinished (a journal of the engine beside it included)."""
    return _PARTIAL.match(name) is not None


def id_of_removed(name: str) -> str | None:
    """Return the id of a backup whose removal was begun, if *name* says so."""
    match = _REMOVED.fullmatch(name)
    return match[1] if match else None


def id_of_manifest(name: str) -> str | None:
    """Return the id of a backup whose manifest has this *name*."""
    match = _MANIFEST.fullmatch(name)
    return match[1] if match else None


def id_of_artefact(name: str) -> str | None:
    """Return the id of a backup whose artefact has this *name*."""
    match = _ARTEFACT.fullmatch(name)
    return match[1] if match else None
