"""The restore drill of one backup, from its hash to its record.

Owns: what comes before and after the engine's part, and what it leaves on
record. Only what speaks of the backup takes its level away; a place that
cannot be had, or an assertion of the user's, is told and leaves the backup
as proven as it was. Must not know: when a drill is due, who reads of it.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from watchdog.backups import drills, failures, instructions, proving
from watchdog.backups.catalogue import Backup
from watchdog.backups.documents import milliseconds
from watchdog.backups.drills import Drill
from watchdog.backups.verify import Engines, Verdict, current, engine_of, record, refute
from watchdog.clock import Clock
from watchdog.database_url import PostgresqlUrl
from watchdog.engines import BackupEngine, Drilled, Exercise, Unproven
from watchdog.model import ActionFailed, DrillSettings, Failure, Kind, Phase, Target

NO_PLACE: Final = "drill_no_place"


async def drill(
    backup: Backup,
    engines: Engines,
    clock: Clock,
    settings: DrillSettings,
    target: Target | None = None,
) -> Verdict:
    """Restore *backup* into scratch, compare, and record it; a failure is in the verdict.

    *target* is its source, ``None`` where that is not configured any more.
    Raises ``UsageError`` for an engine that is not there.
    """
    engine = engine_of(backup, engines)
    began, at = clock.monotonic(), milliseconds(clock.now())
    try:
        verdict = await _drill(backup, engine, clock, settings, target)
    except OSError as error:
        failure = failures.of_os_error(error, Phase.VERIFY, backup.path, backup.target)
        verdict = Verdict(backup, failure)
    if verdict.gone:
        return verdict
    seconds = clock.monotonic() - began
    if without_place(verdict, settings):
        return replace(verdict, seconds=seconds)
    remembered = _remembered(verdict, at=at, seconds=seconds)
    try:
        await asyncio.to_thread(drills.append, backup.folder, remembered)
    except OSError as error:  # a read-only copy of the destination can be drilled, too
        remark = f"it could not be recorded beside the backup: {error.strerror or error}"
        verdict = replace(verdict, remarks=(*verdict.remarks, remark))
    return replace(verdict, seconds=seconds)


def without_place(verdict: Verdict, settings: DrillSettings) -> bool:
    """Whether there was nowhere to restore, and nobody had said that there is."""
    failure = verdict.failure
    if settings.server != "auto" or failure is None or failure.hint != NO_PLACE:
        return False
    # An errno is of the folder: one that somebody has named has to be there.
    return settings.directory is None or not failure.code


async def _drill(
    backup: Backup,
    engine: BackupEngine,
    clock: Clock,
    settings: DrillSettings,
    target: Target | None,
) -> Verdict:
    try:
        proof = await proving.prove(backup, engine)
        async with asyncio.timeout(settings.timeout):
            drilled = await engine.drill(_exercise(backup, settings, target))
    except TimeoutError:
        return Verdict(backup, _too_long(backup, settings.timeout))
    except proving.Refuted as error:
        return await refute(backup, error.level, error.failure, clock.now())
    except Unproven as error:
        return Verdict(backup, error.failure)
    except ActionFailed as error:
        return await refute(backup, proving.DRILL, error.failure, clock.now())
    after = await _recorded(backup, drilled, clock)
    remarks = (*proof.remarks, *drilled.notes)
    return Verdict(after, drilled.failure, drilled.level, drilled=drilled, remarks=remarks)


async def _recorded(backup: Backup, drilled: Drilled, clock: Clock) -> Backup:
    now = clock.now()
    known = await asyncio.to_thread(current, backup)
    after = await record(
        backup,
        replace(
            known.proven(drilled.level, now),
            restored_at=now,
            restore_duration=round(drilled.seconds, 3),
        ),
    )
    await asyncio.to_thread(instructions.refresh, backup.folder)
    return after


def _exercise(backup: Backup, settings: DrillSettings, target: Target | None) -> Exercise:
    manifest = backup.manifest
    url = None
    if target is not None:
        url = (target.backup.url if target.backup is not None else None) or target.url
    size: Any = manifest.identity.get("size_bytes")
    return Exercise(
        artefact=backup.path,
        settings=settings,
        content=manifest.content,
        target=target,
        url=url if isinstance(url, PostgresqlUrl) else None,
        version=manifest.versions.get("server", ""),
        expected_bytes=size if isinstance(size, int) else None,
    )


def _remembered(verdict: Verdict, *, at: datetime, seconds: float) -> Drill:
    drilled = verdict.drilled
    if drilled is None:
        return Drill(at, verdict.backup.id, seconds, failure=verdict.failure)
    return Drill(
        at=at,
        backup=verdict.backup.id,
        duration=seconds,
        level=drilled.level,
        restore_duration=round(drilled.seconds, 3),
        where=drilled.where,
        tables=drilled.tables,
        rows=drilled.rows,
        notes=verdict.remarks,
        failure=verdict.failure,
    )


def _too_long(backup: Backup, seconds: float) -> Failure:
    return Failure(
        Kind.TIMEOUT,
        f"the restore drill of {backup.target} was not done after {seconds:g} s: see what holds it"
        " up, or raise drill.timeout",
        Phase.VERIFY,
        hint=failures.known("drill_timeout"),
        facts=failures.facts(backup.path, backup.target),
    )
