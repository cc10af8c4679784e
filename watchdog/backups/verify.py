"""Verification: proving again a backup that is kept.

Owns: what a verification and a restore leave on record. Only a proof that
the file is not what it was takes its level away; a tool that is missing
says nothing of the backup. Must not know: which backups are looked at.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from watchdog.backups import catalogue, failures, names, proving
from watchdog.backups.catalogue import Backup
from watchdog.backups.files import write_json
from watchdog.backups.manifest import Verification
from watchdog.clock import Clock
from watchdog.database_url import DatabaseUrl
from watchdog.engines import BackupEngine
from watchdog.errors import UsageError
from watchdog.model import ActionFailed, Failure, Phase

# Failures that speak of this machine and not of the backup.
_OF_THE_MACHINE: Final = frozenset({"pg_dump_not_found", "archive_version_unsupported"})

Engines = Mapping[str, BackupEngine]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a verification: the backup as it stands now, and why it is not proven."""

    backup: Backup
    failure: Failure | None = None

    @property
    def ok(self) -> bool:
        """Whether it is proven."""
        return self.failure is None


async def verify(
    backup: Backup, engines: Engines, clock: Clock, level: int | None = None
) -> Verdict:
    """Prove *backup* up to *level* (``None``: as far as its engine can) and record it.

    A destination that cannot be read or written is a failure too, but takes
    no level away. Raises ``UsageError`` for an engine that is not there or a
    level that it does not reach.
    """
    engine = engine_of(backup, engines)
    try:
        return await _verify(backup, engine, clock, level)
    except OSError as error:
        failure = failures.of_os_error(error, Phase.VERIFY, backup.path, backup.target)
        return Verdict(backup, failure)


async def _verify(backup: Backup, engine: BackupEngine, clock: Clock, level: int | None) -> Verdict:
    try:
        proof = await proving.prove(backup, engine, level)
    except ActionFailed as error:
        return await _refuted(backup, error.failure, clock.now())
    if level is not None and proof.level < level:
        raise UsageError(
            f"a backup of {backup.manifest.engine} is proven up to level {proof.level} here, not"
            f" {level}: leave --level out, or give one up to {proof.level}"
        )
    now = clock.now()
    proven = dict.fromkeys(range(proof.level + 1), now)
    known = await asyncio.to_thread(_current, backup)
    levels = {**(known.levels if known.failure is None else {}), **proven}
    return Verdict(await _recorded(backup, replace(known, levels=levels, failure=None)))


async def restore(
    backup: Backup,
    engines: Engines,
    to: DatabaseUrl,
    clock: Clock,
    progress: Callable[[int], None],
) -> tuple[Sequence[str], float]:
    """Prove the hash of *backup*, restore it, record how long that took; return notes and seconds.

    Raises ``ActionFailed``, ``UsageError``.
    """
    engine = engine_of(backup, engines)
    try:
        await proving.prove(backup, engine, proving.HASH)
    except OSError as error:
        failure = failures.of_os_error(error, Phase.VERIFY, backup.path, backup.target)
        raise ActionFailed(failure) from error
    started = time.monotonic()
    notes = tuple(await engine.restore(backup.path, to, progress) or ())
    seconds = time.monotonic() - started
    known = await asyncio.to_thread(_current, backup)
    verification = replace(known, restored_at=clock.now(), restore_duration=round(seconds, 3))
    try:
        await _recorded(backup, verification)
    except OSError as error:  # a read-only copy of the destination is enough to restore from
        reason = error.strerror or str(error)
        notes = (*notes, f"the time it took could not be recorded beside the backup: {reason}")
    return notes, seconds


def engine_of(backup: Backup, engines: Engines) -> BackupEngine:
    """Return the engine of *backup*. Raises ``UsageError``."""
    try:
        return engines[backup.manifest.engine]
    except KeyError:
        known = ", ".join(engines)
        raise UsageError(
            f"{backup.id} is of the engine {backup.manifest.engine!r}, here are {known}"
        ) from None


async def _refuted(backup: Backup, failure: Failure, now: datetime) -> Verdict:
    if failure.hint in _OF_THE_MACHINE:
        return Verdict(backup, failure)
    known = await asyncio.to_thread(_current, backup)
    return Verdict(await _recorded(backup, replace(known, failure=failure, failed_at=now)), failure)


async def _recorded(backup: Backup, verification: Verification) -> Backup:
    await asyncio.to_thread(_write, backup, verification)
    damage = await asyncio.to_thread(catalogue.damage_of, backup.path, backup.manifest)
    return replace(backup, verification=verification, damage=damage)


def _write(backup: Backup, verification: Verification) -> None:
    if names.manifest(backup.folder, backup.id).exists():  # it may have been pruned meanwhile
        path = names.verification(backup.folder, backup.id)
        write_json(path, verification.document())


def _current(backup: Backup) -> Verification:
    """Return what is on record now: another process may have added to it."""
    return catalogue.verification_of(backup.folder, backup.manifest)
