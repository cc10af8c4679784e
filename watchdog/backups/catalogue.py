"""The catalogue: what a destination holds. The destination itself is the only record.

Owns: scanning, finding a backup by what a person types. A manifest makes a
backup; whatever else lies there is left alone. Blocking: callers go through
a thread. Must not know: how backups come or go.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from watchdog.backups import accepted, damage, names
from watchdog.backups.documents import failure_document, moment_text
from watchdog.backups.manifest import (
    DamagedError,
    Manifest,
    Verification,
    read_manifest,
    read_verification,
)
from watchdog.errors import UsageError
from watchdog.model import Outcome

GOOD: Final = 2  # the level from which a backup counts


@dataclass(frozen=True, slots=True)
class Backup:
    """A sealed backup. ``damage`` says what a look at its file has shown, "" for nothing.

    ``accepted``: a person has said that it is of the right database, however it looks.
    """

    manifest: Manifest
    verification: Verification
    folder: Path
    damage: str = ""
    accepted: bool = False

    @property
    def id(self) -> str:
        """Its id."""
        return self.manifest.id

    @property
    def target(self) -> str:
        """The name of its target, configured or not."""
        return self.manifest.target

    @property
    def path(self) -> Path:
        """Where the artefact lies."""
        return self.folder / self.manifest.artefact

    @property
    def taken_at(self) -> datetime:
        """When it was begun, UTC."""
        return self.manifest.taken_at

    @property
    def level(self) -> int:
        """How far it is proven now."""
        return 0 if self.damage else self.verification.level

    @property
    def size_bytes(self) -> int:
        """The size of its artefact."""
        return self.manifest.size_bytes

    @property
    def held(self) -> bool:
        """Whether it is of a different or collapsed database, and nobody has accepted that."""
        return bool(self.manifest.suspect) and not self.accepted

    @property
    def verified_at(self) -> datetime | None:
        """When that was proven last; ``None`` if it is proven no more."""
        return self.verification.verified_at if self.level else None

    def document(self) -> dict[str, Any]:
        """Return it as commands and pages show it: sizes in bytes, durations in seconds."""
        manifest, proven = self.manifest, self.verification
        content = manifest.content
        return {
            "id": manifest.id,
            "target": manifest.target,
            "engine": manifest.engine,
            "taken_at": moment_text(manifest.taken_at),
            "recovery_point": moment_text(manifest.recovery_point),
            "size_bytes": manifest.size_bytes,
            "sha256": manifest.sha256,
            "path": str(self.path),
            "destination": str(self.folder.parent),
            "outcome": Outcome.OK.value,
            "failure": failure_document(proven.failure),
            "verified_level": self.level,
            "verified_at": moment_text(self.verified_at),
            "levels": {str(level): moment_text(at) for level, at in sorted(proven.levels.items())},
            "restored_at": moment_text(proven.restored_at),
            "restore_duration_seconds": proven.restore_duration,
            "tables": manifest.tables,
            "rows": None if content is None or content.reason else content.total,
            "not_counted": None if content is None else content.why_incomplete or None,
            "duration_seconds": round(manifest.duration, 3),
            "damage": self.damage or None,
            "warnings": list(manifest.warnings),
            "suspect": list(manifest.suspect),
            "held": self.held,
        }

    @property
    def good(self) -> bool:
        """Whether it counts: read through, sound ever since, and of the right database."""
        return self.level >= GOOD and not self.held


@dataclass(frozen=True, slots=True)
class Damage:
    """Something in a destination that ought to be a backup and cannot be read as one."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class Listing:
    """Backups, newest first, and what is damaged beyond being listed."""

    backups: tuple[Backup, ...] = ()
    damaged: tuple[Damage, ...] = ()

    def of(self, target: str) -> Listing:
        """Return the part of one target."""
        return Listing(
            tuple(backup for backup in self.backups if backup.target == target),
            tuple(damage for damage in self.damaged if damage.path.parent.name == target),
        )

    def newest_good(self) -> Backup | None:
        """Return the newest backup that counts."""
        return next((backup for backup in self.backups if backup.good), None)


def scan(directories: Iterable[Path]) -> Listing:
    """Return what the destinations hold, folders of removed targets included.

    A folder that cannot be read is reported as damage; a directory that is
    not there holds nothing (whether it should be there, ``Destinations`` knows).
    """
    backups: list[Backup] = []
    damaged: list[Damage] = []
    for directory in dict.fromkeys(directories):
        try:
            folders = sorted(each for each in directory.iterdir() if each.is_dir())
        except FileNotFoundError:
            continue
        except OSError as error:
            damaged.append(Damage(directory, error.strerror or str(error)))
            continue
        for folder in folders:
            listing = scan_folder(folder)
            backups += listing.backups
            damaged += listing.damaged
    return Listing(_newest_first(backups), tuple(damaged))


def scan_folder(folder: Path) -> Listing:
    """Return what the folder of one target holds."""
    backups: list[Backup] = []
    damaged: list[Damage] = []
    try:
        found = sorted(folder.iterdir())
    except FileNotFoundError:
        return Listing()
    except OSError as error:
        return Listing((), (Damage(folder, error.strerror or str(error)),))
    taken_for_good = accepted.read(folder)
    sealed = {identity for path in found if (identity := names.id_of_manifest(path.name))}
    for path in found:
        if names.id_of_manifest(path.name) is None:
            if names.id_of_artefact(path.name) not in {None, *sealed} and damage.is_old(path):
                damaged.append(Damage(path, damage.UNSEALED))
            continue
        try:
            backups.append(_read(path, taken_for_good))
        except DamagedError as error:
            damaged.append(Damage(path, str(error)))
    return Listing(_newest_first(backups), tuple(damaged))


def find(listing: Listing, reference: str) -> Backup:
    """Return the backup that *reference* means: an id, the start of one, a path, or a target.

    A target means its newest backup that counts. Raises ``UsageError``.
    """
    if "/" in reference:
        return _by_path(listing, Path(reference))
    of_target = listing.of(reference)
    if of_target.backups:
        newest = of_target.newest_good()
        if newest is None:
            raise UsageError(
                f"{reference} has backups ({len(of_target.backups)}), but none is verified at level"
                f" {GOOD} or better and of the right database: look at them with"
                f" `db-watchdog backups {reference}`"
            )
        return newest
    return _by_id(listing, reference)


def stamp(directories: Iterable[Path]) -> tuple[tuple[str, int], ...]:
    """Return something cheap that changes when a backup or an attempt is added or removed.

    Names of folders with the time of their last change: every file of ours
    is put in place by a rename, which moves it.
    """
    seen: list[tuple[str, int]] = []
    for directory in directories:
        try:
            seen.append((str(directory), directory.stat().st_mtime_ns))
            folders = [each for each in directory.iterdir() if each.is_dir()]
            seen += [(str(folder), folder.stat().st_mtime_ns) for folder in sorted(folders)]
        except OSError as error:
            seen.append((str(directory), -(error.errno or 1)))
    return tuple(seen)


def _by_path(listing: Listing, path: Path) -> Backup:
    resolved = path.resolve()
    for backup in listing.backups:
        manifest = names.manifest(backup.folder, backup.id)
        if resolved in (backup.path.resolve(), manifest.resolve()):
            return backup
    identity = names.id_of_artefact(path.name) or names.id_of_manifest(path.name)
    if identity is None or not names.manifest(path.parent, identity).exists():
        if not path.exists():
            raise UsageError(f"there is no such file: {path}")
        raise UsageError(f"{path} is not a backup: there is no manifest beside it")
    try:
        folder = path.parent.absolute()
        return _read(names.manifest(folder, identity), accepted.read(folder))
    except DamagedError as error:
        raise UsageError(f"the manifest of {path} is damaged: {error}") from error


def _by_id(listing: Listing, reference: str) -> Backup:
    wanted = reference.upper().replace("-", "") if reference else ""
    matching = [
        backup
        for backup in listing.backups
        if backup.id.upper().replace("-", "").startswith(wanted)
    ]
    exact = [backup for backup in matching if backup.id == reference]
    matching = exact or matching
    if reference and len(matching) == 1:
        return matching[0]
    if reference and matching:
        shown = ", ".join(backup.id for backup in matching[:5])
        raise UsageError(f"{reference!r} means several backups ({shown}): write more of the id")
    raise UsageError(f"there is no backup or target {reference!r}: see `db-watchdog backups`")


def _read(path: Path, taken_for_good: frozenset[str]) -> Backup:
    manifest = read_manifest(path)
    folder = path.parent
    wrong = damage.of(folder / manifest.artefact, manifest)
    proven = verification_of(folder, manifest)
    return Backup(manifest, proven, folder, wrong, manifest.id in taken_for_good)


def verification_of(folder: Path, manifest: Manifest) -> Verification:
    """Return what is on record or, without any, what the manifest says of its birth.

    A record that cannot be read proves nothing: it may have told of damage.
    """
    try:
        recorded = read_verification(names.verification(folder, manifest.id))
    except DamagedError:
        return Verification({0: manifest.taken_at})
    if recorded.levels or recorded.failure is not None:
        return recorded
    at_birth = dict.fromkeys(range(manifest.verified_level + 1), manifest.taken_at)
    return replace(recorded, levels=at_birth)


def _newest_first(backups: list[Backup]) -> tuple[Backup, ...]:
    return tuple(sorted(backups, key=lambda each: (each.taken_at, each.id), reverse=True))
