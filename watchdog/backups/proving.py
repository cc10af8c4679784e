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

from watchdog.backups import damage, failures, files
from watchdog.backups.catalogue import Backup
from watchdog.content import Content
from watchdog.engines import BackupEngine, Proof, Unproven
from watchdog.model import ActionFailed, Failure, Phase, Target

SIZE: Final = 0
HASH: Final = 1
READ: Final = 2
HIGHEST: Final = 3  # without a restore
DRILL: Final = 4

# Failures that speak of this machine and not of the backup.
_OF_THE_MACHINE: Final = frozenset(
    {"pg_dump_not_found", "archive_version_unsupported", failures.TOOL_KILLED}
)

Engines = Callable[[str], BackupEngine]


async def sha256(path: Path, rate: float | None = None) -> str:
    """Hash *path* in a thread that stops when this is cancelled. Raises ``OSError``.

    *rate* in bytes per second bounds how fast it is read.
    """
    abandon = threading.Event()
    try:
        return await asyncio.to_thread(files.sha256, path, abandon, rate)
    finally:
        abandon.set()


class Refuted(ActionFailed):
    """The backup is not what it was; ``level`` is the one that it fails."""

    def __init__(self, level: int, failure: Failure) -> None:
        self.level = level
        super().__init__(failure)


async def prove(
    backup: Backup, engine: BackupEngine, level: int | None = None, rate: float | None = None
) -> Proof:
    """Prove *backup* up to *level* (``None``: as far as its engine can without a restore).

    *rate* bounds how fast the file is hashed, in bytes per second. Raises
    ``Refuted``, ``OSError``, and ``Unproven`` where nothing was learnt.
    """
    await _prove_size(backup)
    if level == SIZE:
        return Proof(SIZE)
    await _prove_hash(backup, rate)
    if level == HASH:
        return Proof(HASH)
    try:
        return await engine.prove(None, backup.path, backup.manifest.content, level)
    except ActionFailed as error:
        if _is_of_the_machine(error):
            raise Unproven(error.failure) from error
        raise Refuted(level or HIGHEST, error.failure) from error


def _is_of_the_machine(error: ActionFailed) -> bool:
    return isinstance(error, Unproven) or error.failure.hint in _OF_THE_MACHINE


async def of_new(
    engine: BackupEngine, target: Target, artefact: Path, content: Content | None
) -> tuple[str, int, Proof]:
    """Read a new artefact back; return its SHA-256, size and proof. Raises ``ActionFailed``.

    *content* is what has to be in it.
    """
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
    return digest, size, await engine.prove(target, artefact, content)


async def _prove_size(backup: Backup) -> None:
    try:
        size = (await asyncio.to_thread(backup.path.stat)).st_size
    except FileNotFoundError as error:
        raise _refuted(
            backup, SIZE, failures.FILE_MISSING, f"{backup.path} is not there"
        ) from error
    if size != backup.manifest.size_bytes:
        raise _refuted(
            backup,
            SIZE,
            damage.of_size(size, backup.manifest.size_bytes),
            f"{backup.path} has {size} bytes, its manifest says {backup.manifest.size_bytes}",
        )


async def _prove_hash(backup: Backup, rate: float | None) -> None:
    if await sha256(backup.path, rate) != backup.manifest.sha256:
        raise _refuted(
            backup,
            HASH,
            failures.DAMAGED,
            f"{backup.path} has changed since it was taken: its SHA-256 is not that of its"
            " manifest. Do not rely on it, take a new backup and look at the disk",
        )


def _refuted(backup: Backup, level: int, cause: str, message: str) -> Refuted:
    return Refuted(
        level, failures.of_backup(cause, message, Phase.VERIFY, backup.path, backup.target)
    )
