"""The two files that make an artefact a backup.

Owns: the manifest (written once, last, never changed) and the verification
(replaced whole whenever something is proven or refuted). Must not know: how
either comes about.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from watchdog.backups import names
from watchdog.backups.documents import (
    failure_document,
    failure_from,
    moment,
    moment_text,
    required_moment,
    seconds,
    whole,
)
from watchdog.content import Content, content_from
from watchdog.model import Failure

FORMAT: Final = 1
_EMPTY: Mapping[str, Any] = MappingProxyType({})
# What reading a document that is not as it should be may raise.
_MISTAKES: Final = (KeyError, ValueError, TypeError, AttributeError, OverflowError)

_LARGEST: Final = 16 << 20  # bytes; anything larger is not a manifest of ours


class DamagedError(Exception):
    """A manifest or verification that cannot be read; the text says why."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup is. Sizes in bytes, ``duration`` in seconds, moments UTC.

    ``server`` is ``host:port`` or "" for a file; ``url`` is masked;
    ``verified_level`` is what was proven before it was sealed. ``identity``
    is what tells its database from another; ``suspect`` why that is not the
    one that the last good backup was of. ``content`` is what was in the
    database at the recovery point, ``None`` for a backup that knows nothing
    of it.
    """

    id: str
    target: str
    engine: str
    artefact: str  # the file's name in the same folder
    url: str
    server: str
    versions: Mapping[str, str]
    recovery_point: datetime
    taken_at: datetime
    size_bytes: int
    sha256: str
    verified_level: int
    duration: float
    tables: int | None = None
    warnings: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=lambda: _EMPTY)
    tool: str = ""
    identity: Mapping[str, Any] = field(default_factory=lambda: _EMPTY)
    suspect: tuple[str, ...] = ()
    content: Content | None = None

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "format": FORMAT,
            "id": self.id,
            "target": self.target,
            "engine": self.engine,
            "artefact": self.artefact,
            "url": self.url,
            "server": self.server or None,
            "versions": dict(self.versions),
            "recovery_point": moment_text(self.recovery_point),
            "taken_at": moment_text(self.taken_at),
            "size_bytes": self.size_bytes,
            "sha256": self.sha256,
            "tables": self.tables,
            "warnings": list(self.warnings),
            "duration_seconds": round(self.duration, 3),
            "verified_level": self.verified_level,
            "tool": self.tool,
            "details": dict(self.details),
            "identity": dict(self.identity),
            "suspect": list(self.suspect),
            "content": None if self.content is None else self.content.document(),
        }


@dataclass(frozen=True, slots=True)
class Verification:
    """How far a backup has been proven and when. ``levels`` holds the last proof of each.

    ``failure`` is what refuted it, at the level ``failed_level``; the level is
    0 until a proof of that level or a higher one succeeds: a hash that is
    right says nothing of a restore that was not.
    """

    levels: Mapping[int, datetime] = field(default_factory=lambda: MappingProxyType({}))
    failure: Failure | None = None
    failed_at: datetime | None = None
    failed_level: int = 0
    restored_at: datetime | None = None
    restore_duration: float | None = None

    @property
    def level(self) -> int:
        """The level that holds now."""
        return 0 if self.failure else max(self.levels, default=0)

    @property
    def verified_at(self) -> datetime | None:
        """When the level that holds now was last proven."""
        return None if self.failure else self.levels.get(self.level)

    @property
    def hashed_at(self) -> datetime | None:
        """When its hash was last compared, whatever came of it."""
        moments = [at for at in (self.levels.get(1), self.failed_at) if at is not None]
        return max(moments, default=None)

    def proven(self, level: int, now: datetime, attempted: int | None = None) -> Verification:
        """Return what stands after a proof of *level* and all below it.

        *attempted* is the level that was tried for, *level* what that could show.
        """
        proofs = dict.fromkeys(range(level + 1), now)
        tried = level if attempted is None else attempted
        if self.failure is not None and tried < self.failed_level:
            return replace(self, levels={**self.levels, **proofs})
        before = self.levels if self.failure is None else {}
        return replace(
            self, levels={**before, **proofs}, failure=None, failed_at=None, failed_level=0
        )

    def refuted(self, level: int, failure: Failure, now: datetime) -> Verification:
        """Return what stands after a proof of *level* has failed."""
        return replace(
            self,
            failure=failure,
            failed_at=now,
            failed_level=max(level, self.failed_level if self.failure else 0),
        )

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "format": FORMAT,
            "level": self.level,
            "verified_at": moment_text(self.verified_at),
            "levels": {
                str(level): moment_text(proven) for level, proven in sorted(self.levels.items())
            },
            "failure": failure_document(self.failure),
            "failed_at": moment_text(self.failed_at),
            "failed_level": self.failed_level if self.failure else None,
            "restored_at": moment_text(self.restored_at),
            "restore_duration_seconds": self.restore_duration,
        }


def read_manifest(path: Path) -> Manifest:
    """Read a manifest. Raises ``DamagedError``."""
    document = _load(path)
    try:
        manifest = Manifest(
            id=str(document["id"]),
            target=str(document["target"]),
            engine=str(document["engine"]),
            artefact=str(document["artefact"]),
            url=str(document.get("url") or ""),
            server=str(document.get("server") or ""),
            versions={str(key): str(value) for key, value in document["versions"].items()},
            recovery_point=required_moment(document["recovery_point"]),
            taken_at=required_moment(document["taken_at"]),
            size_bytes=whole(document["size_bytes"]),
            sha256=str(document["sha256"]),
            verified_level=whole(document["verified_level"]),
            duration=seconds(document["duration_seconds"]),
            tables=None if document.get("tables") is None else whole(document["tables"]),
            warnings=tuple(str(warning) for warning in document.get("warnings") or ()),
            details=dict(document.get("details") or {}),
            tool=str(document.get("tool") or ""),
            identity=dict(document.get("identity") or {}),
            suspect=tuple(str(reason) for reason in document.get("suspect") or ()),
            content=content_from(document.get("content")),
        )
    except _MISTAKES as error:
        raise DamagedError(f"{type(error).__name__}: {error}") from error
    if names.id_of_manifest(path.name) != manifest.id:
        raise DamagedError(f"it says that it belongs to {manifest.id!r}")
    if Path(manifest.artefact).name != manifest.artefact or not manifest.artefact.isprintable():
        raise DamagedError(f"its artefact {manifest.artefact!r} is not a plain file name")
    return manifest


def read_verification(path: Path) -> Verification:
    """Read a verification; a missing one proves nothing. Raises ``DamagedError``."""
    try:
        if not path.exists():
            return Verification()
    except OSError as error:
        raise DamagedError(error.strerror or str(error)) from error
    document = _load(path)
    try:
        duration = document.get("restore_duration_seconds")
        return Verification(
            levels={
                whole(level): required_moment(proven)
                for level, proven in document["levels"].items()
            },
            failure=failure_from(document.get("failure")),
            failed_at=moment(document.get("failed_at")),
            failed_level=whole(document.get("failed_level") or 0),
            restored_at=moment(document.get("restored_at")),
            restore_duration=None if duration is None else seconds(duration),
        )
    except _MISTAKES as error:
        raise DamagedError(f"{type(error).__name__}: {error}") from error


def _load(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _LARGEST:
            raise DamagedError("it is far too large")
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise DamagedError(error.strerror or str(error)) from error
    except (ValueError, RecursionError) as error:
        raise DamagedError(f"not JSON: {error}") from error
    if not isinstance(document, dict):
        raise DamagedError("not a JSON object")
    if document.get("format", FORMAT) != FORMAT:
        raise DamagedError(f"format {document['format']!r} is newer than this version knows")
    return document
