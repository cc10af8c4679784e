"""Bringing a kept backup back.

Owns: that only what still has its hash is restored, and what a restore
leaves on record. Must not know: how an engine restores, who asked.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from watchdog.backups import catalogue, failures, instructions, proving, verify
from watchdog.backups.catalogue import Backup
from watchdog.clock import Clock
from watchdog.database_url import DatabaseUrl
from watchdog.engines import BackupEngine
from watchdog.model import ActionFailed, Phase
from watchdog.restoration import Restored, RestoreOptions, RestorePlan

Engines = Mapping[str, BackupEngine]

_EMPTY: Final = 8 << 20  # bytes that a database without anything in it takes


async def plan(
    backup: Backup, engines: Engines, to: DatabaseUrl, options: RestoreOptions
) -> RestorePlan:
    """Look what ``bring_back`` would do, and do nothing.

    Raises ``ActionFailed``, ``UsageError``.
    """
    engine = verify.engine_of(backup, engines)
    return await engine.plan_restore(backup.path, to, _sized(backup, options))


async def bring_back(
    backup: Backup,
    engines: Engines,
    to: DatabaseUrl,
    options: RestoreOptions,
    clock: Clock,
    progress: Callable[[int], None],
) -> tuple[Restored, float]:
    """Prove the hash of *backup*, restore it, record how long that took; return also the seconds.

    Raises ``ActionFailed``, ``UsageError``.
    """
    engine = verify.engine_of(backup, engines)
    try:
        await proving.prove(backup, engine, proving.HASH)
    except OSError as error:
        failure = failures.of_os_error(error, Phase.VERIFY, backup.path, backup.target)
        raise ActionFailed(failure) from error
    started = time.monotonic()
    restored = await engine.bring_back(backup.path, to, _sized(backup, options), progress)
    seconds = time.monotonic() - started
    if options.tables:  # it says nothing of the way back of the whole
        return restored, seconds
    try:
        await _record(backup, clock, seconds)
    except OSError as error:  # a read-only copy of the destination is enough to restore from
        reason = error.strerror or str(error)
        note = f"the time it took could not be recorded beside the backup: {reason}"
        restored = replace(restored, notes=(*restored.notes, note))
    return restored, seconds


async def restore(
    backup: Backup,
    engines: Engines,
    to: DatabaseUrl,
    clock: Clock,
    progress: Callable[[int], None],
) -> tuple[Sequence[str], float]:
    """Restore *backup* into a database that is new or empty; return notes and seconds."""
    options = RestoreOptions()
    restored, seconds = await bring_back(backup, engines, to, options, clock, progress)
    return restored.notes, seconds


async def _record(backup: Backup, clock: Clock, seconds: float) -> None:
    known = await asyncio.to_thread(catalogue.verification_of, backup.folder, backup.manifest)
    verification = replace(known, restored_at=clock.now(), restore_duration=round(seconds, 3))
    await verify.record(backup, verification)
    await asyncio.to_thread(instructions.refresh, backup.folder)


def _sized(backup: Backup, options: RestoreOptions) -> RestoreOptions:
    return replace(options, expected_bytes=database_bytes(backup))


def database_bytes(backup: Backup) -> int | None:
    """Return what the database took when it was backed up, ``None`` if that was not written down.

    The disk that a restore needs: a dump is packed and holds no indexes.
    """
    size: Any = backup.manifest.identity.get("size_bytes")
    return size + _EMPTY if isinstance(size, int) and size >= 0 else None
