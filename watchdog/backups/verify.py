"""Verification: proving again a backup that is kept.

Owns: what a verification leaves on record. Only a proof that
the file is not what it was takes its level away; a tool that is missing
says nothing of the backup. Must not know: which backups are looked at.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from watchdog.backups import catalogue, damage, failures, names, proving
from watchdog.backups.catalogue import Backup
from watchdog.backups.files import write_json
from watchdog.backups.manifest import Verification
from watchdog.clock import Clock
from watchdog.engines import BackupEngine, Drilled, Proof
from watchdog.errors import UsageError
from watchdog.model import ActionFailed, Failure, Kind, Phase

Engines = Mapping[str, BackupEngine]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a verification: the backup as it stands now, and what was proven this time.

    ``level`` is what was proven now, ``None`` for nothing; ``failure`` why it
    is not what was asked for. ``drilled`` tells of a restore. ``gone``: it was
    removed meanwhile, so that there is nothing to say.
    """

    backup: Backup
    failure: Failure | None = None
    level: int | None = None
    seconds: float = 0.0
    drilled: Drilled | None = None
    remarks: tuple[str, ...] = ()
    gone: bool = False

    @property
    def ok(self) -> bool:
        """Whether it is proven."""
        return self.failure is None


async def verify(
    backup: Backup,
    engines: Engines,
    clock: Clock,
    level: int | None = None,
    rate: float | None = None,
) -> Verdict:
    """Prove *backup* up to *level* (``None``: as far as its engine can) and record it.

    A destination that cannot be read or written is a failure too, but takes
    no level away. *rate* as of ``proving.prove``. Raises ``UsageError`` for an
    engine that is not there or a level that it does not reach.
    """
    engine = engine_of(backup, engines)
    if level is not None and level > engine.highest:
        raise UsageError(
            f"a backup of {backup.manifest.engine} is proven up to level {engine.highest} without"
            f" a restore, not {level}: give one up to {engine.highest}, or 4 for a drill"
        )
    try:
        return await _verify(backup, engine, clock, level, rate)
    except OSError as error:
        failure = failures.of_os_error(error, Phase.VERIFY, backup.path, backup.target)
        return Verdict(backup, failure)


async def _verify(
    backup: Backup, engine: BackupEngine, clock: Clock, level: int | None, rate: float | None
) -> Verdict:
    started = clock.monotonic()
    try:
        proof = await proving.prove(backup, engine, level, rate)
    except proving.Refuted as error:
        return await refute(backup, error.level, error.failure, clock.now())
    except ActionFailed as error:
        return Verdict(backup, error.failure)  # nothing was learnt about the backup
    attempted = proving.HIGHEST if level is None else level
    known = await asyncio.to_thread(current, backup)
    after = await record(backup, known.proven(proof.level, clock.now(), attempted))
    failure = None if level is None or proof.level >= level else _short_of(backup, level, proof)
    seconds = clock.monotonic() - started
    return Verdict(after, failure, proof.level, seconds, remarks=proof.remarks)


def _short_of(backup: Backup, level: int, proof: Proof) -> Failure:
    why = "; ".join(proof.remarks) or "there is nothing to compare it with"
    return Failure(
        Kind.BACKUP,
        f"{backup.path} is proven at level {proof.level}, not at {level}: {why}",
        Phase.VERIFY,
        facts=failures.facts(backup.path, backup.target),
    )


def engine_of(backup: Backup, engines: Engines) -> BackupEngine:
    """Return the engine of *backup*. Raises ``UsageError``."""
    try:
        return engines[backup.manifest.engine]
    except KeyError:
        known = ", ".join(engines)
        raise UsageError(
            f"{backup.id} is of the engine {backup.manifest.engine!r}, here are {known}"
        ) from None


async def refute(backup: Backup, level: int, failure: Failure, now: datetime) -> Verdict:
    """Record that *backup* failed the proof of *level*; one that was removed meanwhile is gone.

    Raises ``OSError``.
    """
    if not await asyncio.to_thread(names.manifest(backup.folder, backup.id).exists):
        return Verdict(backup, failure, gone=True)
    known = await asyncio.to_thread(current, backup)
    return Verdict(await record(backup, known.refuted(level, failure, now)), failure)


async def record(backup: Backup, verification: Verification) -> Backup:
    """Write *verification* beside *backup*, replaced whole; return it as it stands then.

    Raises ``OSError``.
    """
    await asyncio.to_thread(_write, backup, verification)
    wrong = await asyncio.to_thread(damage.of, backup.path, backup.manifest)
    return replace(backup, verification=verification, damage=wrong)


def _write(backup: Backup, verification: Verification) -> None:
    if names.manifest(backup.folder, backup.id).exists():  # it may have been pruned meanwhile
        path = names.verification(backup.folder, backup.id)
        write_json(path, verification.document())


def current(backup: Backup) -> Verification:
    """Return what is on record now: another process may have added to it."""
    return catalogue.verification_of(backup.folder, backup.manifest)
