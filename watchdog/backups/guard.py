"""The identity guard: whether a new backup is of the database that the old ones are of.

Owns: which backup it is compared with, and the failure that a suspect one
is. Blocking where it reads. Must not know: which differences count
(``identity``), what retention does about it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from watchdog.backups import catalogue, failures, identity
from watchdog.backups.catalogue import Backup
from watchdog.backups.identity import Verdict
from watchdog.backups.manifest import Manifest
from watchdog.backups.places import settings_of
from watchdog.engines import Preflight, Produced
from watchdog.model import Failure, Kind, Phase, Target
from watchdog.secret import mask

CAUSE: Final = "different_database"


def identity_of(target: Target, preflight: Preflight, produced: Produced) -> dict[str, Any]:
    """Return what a manifest says of the database that was backed up.

    ``form`` is what backups of one size have in common: how they are packed
    and what is left out of them.
    """
    settings, details = settings_of(target), produced.details or {}
    form = [details.get("format"), details.get("compression"), settings.include, settings.exclude]
    return {
        **(preflight.identity or {}),
        **(produced.identity or {}),
        "form": hashlib.sha256(repr(form).encode()).hexdigest()[:12],
    }


def judge(folder: Path, target: Target, new: Mapping[str, Any], size: int) -> Verdict:
    """Compare a new backup, of which *new* is the identity, with the last good one."""
    last = catalogue.scan_folder(folder).of(target.name).newest_good()
    if last is None:
        return Verdict()
    if last.manifest.engine != target.engine:
        # A variable that is not set, and a default in its place, is enough for that.
        return Verdict((f"it is of {target.engine}, it was of {last.manifest.engine}",))
    return identity.compare(_whole(last.manifest), {**new, "artefact_bytes": size})


def troubles(backup: Backup, verdict: Verdict) -> Iterable[Failure]:
    """Return what is to be said of *backup* by its *verdict*."""
    if verdict.suspect:
        yield trouble(backup)
    for told in verdict.told:
        yield Failure(
            Kind.BACKUP,
            mask(told),
            Phase.PREFLIGHT,
            facts=failures.facts(backup.path, backup.target),
        )


def trouble(backup: Backup) -> Failure:
    """Return the failure of a backup that is held apart."""
    manifest = backup.manifest
    why = "; ".join(manifest.suspect)
    return Failure(
        Kind.SCHEMA,
        mask(
            f"{backup.id} of {backup.target} is held apart, the older backups are kept and the"
            f" recovery point stays: {why}. If this is right:"
            f" db-watchdog accept {backup.target}"
        ),
        Phase.VERIFY,
        hint=failures.known(CAUSE),
        facts={
            **failures.facts(backup.path, backup.target),
            "server": manifest.server or manifest.url,
            "engine": manifest.engine,
            "reason": why,
        },
    )


def pending(backups: Iterable[Backup]) -> tuple[Backup, ...]:
    """Return the held backups that are newer than the last good one, newest first.

    Where the right database is back since, there are none.
    """
    found = []
    for backup in sorted(backups, key=lambda each: (each.taken_at, each.id), reverse=True):
        if backup.good:
            break
        if backup.held:
            found.append(backup)
    return tuple(found)


def acceptable(backups: Iterable[Backup]) -> tuple[Backup, ...]:
    """Return which of the pending ones are of the same database as the newest, newest first.

    What a person accepts is the database as it is now, not every wrong one that there was.
    """
    held = pending(backups)
    return tuple(
        backup
        for backup in held
        if not identity.compare(_whole(backup.manifest), _whole(held[0].manifest)).suspect
    )


def _whole(manifest: Manifest) -> dict[str, Any]:
    # One of an older version knows its tables at least.
    return {
        "tables": manifest.tables,
        **manifest.identity,
        "artefact_bytes": manifest.size_bytes,
    }
