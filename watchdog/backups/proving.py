"""Proof of an artefact, level by level.

Owns: level 0 (it is there and has its size) and 1 (it has its hash); from 2
on the engine reads it. Must not know: what to do about a failed proof.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from watchdog.backups import failures, files
from watchdog.backups.catalogue import Backup
from watchdog.engines import BackupEngine, Proof
from watchdog.model import ActionFailed, Phase, Target

SIZE: Final = 0
HASH: Final = 1
HIGHEST: Final = 3

Engines = Callable[[str], BackupEngine]


async def sha256(path: Path) -> str:
    """Hash *path* in a thread that stops when this is cancelled. Raises ``OSError``."""
    abandon = threading.Event()
    try:
        return await asyncio.to_thread(files.sha256, path, abandon)
    finally:
        abandon.set()


async def prove(backup: Backup, engine: BackupEngine, level: int | None = None) -> Proof:
    """Prove *backup* up to *level* (``None``: as far as its engine can).

    Raises ``ActionFailed``: the backup is not what it was, or could not be read.
    """
    await _prove_size(backup)
    if level == SIZE:
        return Proof(SIZE)
    await _prove_hash(backup)
    if level == HASH:
        return Proof(HASH)
    return await engine.prove(None, backup.path)


async def of_new(engine: BackupEngine, target: Target, artefact: Path) -> tuple[str, int, Proof]:
    """Read a new artefact back; return its SHA-256, size and proof. Raises ``ActionFailed``."""
    size = (await asyncio.to_thread(artefact.stat)).st_size
    if size == 0:
        raise ActionFailed(
            failures.of_backup(
                failures.ZERO_BYTES,
                f"the backup of {target.name} came out empty",
                Phase.VERIFY,
                artefact,
                target.name,
            )
        )
    digest = await sha256(artefact)
    return digest, size, await engine.prove(target, artefact)


async def _prove_size(backup: Backup) -> None:
    try:
        size = (await asyncio.to_thread(backup.path.stat)).st_size
    except FileNotFoundError as error:
        raise _refuted(backup, failures.FILE_MISSING, f"{backup.path} is not there") from error
    if size != backup.manifest.size_bytes:
        cause = failures.DAMAGED if size > backup.manifest.size_bytes else failures.TRUNCATED
        cause = cause if size else failures.ZERO_BYTES
        raise _refuted(
            backup,
            cause,
            f"{backup.path} has {size} bytes, its manifest says {backup.manifest.size_bytes}",
        )


async def _prove_hash(backup: Backup) -> None:
    if await sha256(backup.path) != backup.manifest.sha256:
        raise _refuted(
            backup,
            failures.DAMAGED,
            f"{backup.path} has changed since it was taken: its SHA-256 is not that of its"
            " manifest. Do not rely on it, take a new backup and look at the disk",
        )


def _refuted(backup: Backup, cause: str, message: str) -> ActionFailed:
    return ActionFailed(
        failures.of_backup(cause, message, Phase.VERIFY, backup.path, backup.target)
    )
