"""Backups of SQLite databases: preflight, copy, proof and restore.

Owns: what the backup pipeline asks of this engine, and the classification of
what goes wrong in it. Files that are watched are opened by the rules of
``reading``; copies are our own files. Must not know: names, manifests,
retention.
"""

from __future__ import annotations

import asyncio
import math
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final, TypeVar

from watchdog.content import Content
from watchdog.database_url import DatabaseUrl, SqliteUrl
from watchdog.engines import Drilled, Exercise, Preflight, Produced, Proof
from watchdog.engines.sqlite import drilling, failures, identity, proof, restore
from watchdog.engines.sqlite.copying import Copied, copy, discard
from watchdog.engines.sqlite.files import Files, survey
from watchdog.engines.sqlite.reading import Progress, Way
from watchdog.engines.sqlite.recovering import NEEDS_RECOVERY, copy_recovered
from watchdog.engines.sqlite.stalling import HANGS, while_it_moves
from watchdog.engines.sqlite.troubles import SqliteTrouble
from watchdog.model import ActionFailed, Phase, ProofMode, Target
from watchdog.restoration import Restored, RestoreOptions, RestorePlan, Step
from watchdog.slots import Slots, StillStuckError

T = TypeVar("T")

LOOK: Final = 30.0  # seconds for stat
_BUSY: Final = 30.0  # seconds to wait for a writer before the copy begins
_LINGER: Final = 1.0  # seconds that a cancelled copy gets to stop


class SqliteBackups:
    """How SQLite databases are copied, proven and restored. Raises ``ActionFailed``."""

    suffix = "sqlite"
    phase = Phase.COPY
    highest = 3

    def __init__(self, slots: Slots) -> None:
        self._slots = slots

    async def preflight(self, target: Target, url: DatabaseUrl) -> Preflight:
        """Look at the source from outside, and that it is not empty."""
        path = _path(url)
        progress = Progress(phase=Phase.PREFLIGHT)
        async with self._classified(progress, target, path):
            look = self._slots.run(f"preflight:{target.name} {path}", lambda: _preflight(path))
            files = await while_it_moves(look, progress, LOOK, target, path)
        size = files.main.size + (files.wal.size if files.wal is not None else 0)
        return Preflight(_versions(), size, identity.of_source(files))

    async def produce(
        self, target: Target, url: DatabaseUrl, into: Path, progress: Callable[[int], None]
    ) -> Produced:
        """Copy in one held read transaction; *progress* is called on the loop."""
        path = _path(url)
        loop = asyncio.get_running_loop()
        stage = Progress()

        def report(done: int) -> None:
            loop.call_soon_threadsafe(progress, done)

        def work() -> Copied:
            try:
                return copy(
                    path, into, busy=_BUSY, progress=stage, report=report, mode=_mode(target)
                )
            except BaseException:
                discard(into)
                raise

        async with self._classified(stage, target, path, Phase.COPY):
            try:
                copying = self._slots.run(f"copy:{target.name} {path}", work, stage.cancel, _LINGER)
                # Longer than a writer may keep it waiting.
                limit = max(2 * _BUSY, target.backup.no_progress if target.backup else math.inf)
                copied = await while_it_moves(copying, stage, limit, target, path)
            except SqliteTrouble as trouble:
                if trouble.code not in NEEDS_RECOVERY:
                    raise
                copied = await self._recovered(path, into, _mode(target))
            which = await self._slots.run(f"identity:{into}", lambda: identity.of_copy(into))
            which |= identity.of_source(copied.source)
        return Produced(
            copied.recovery_point,
            _versions(),
            copied.tables,
            _warnings(copied),
            {
                "way": str(copied.way),
                "journal_mode": "wal" if copied.wal_mode else "rollback",
                "schema_sha256": copied.content.schema,
                "page_size": copied.page_size,
                "pages": copied.pages,
                "read_transaction_seconds": round(copied.seconds, 3),
                "writers_stalled_seconds": round(copied.stalled, 3),
            },
            which,
            copied.content,
            measures={"copy_stall_seconds": round(copied.stalled, 3)},
        )

    async def _recovered(self, path: str, into: Path, mode: ProofMode) -> Copied:
        try:
            return await copy_recovered(path, into, self._slots, mode)
        except asyncio.CancelledError:
            discard(into)  # with its sidecars, of which the caller knows nothing
            raise

    async def prove(
        self,
        target: Target | None,
        artefact: Path,
        content: Content | None = None,
        level: int | None = None,
    ) -> Proof:
        """Read the copy through: level 3, it is whole and holds what the source held.

        What is wrong with a new copy, which goes then, is told of its source.
        """
        stage = Progress(phase=Phase.VERIFY)
        key = f"prove:{artefact}:{id(stage)}"
        about = artefact if target is None else _path(target.url)
        async with self._classified(stage, target, about):
            return await self._slots.run(
                key, lambda: proof.prove(artefact, content, level, stage), stage.cancel, _LINGER
            )

    async def restore(
        self, artefact: Path, to: DatabaseUrl, progress: Callable[[int], None]
    ) -> Sequence[str]:
        """Put *artefact* in place of a database that does not exist or holds nothing."""
        return (await self.bring_back(artefact, to, RestoreOptions(), progress)).notes

    async def plan_restore(
        self, artefact: Path, to: DatabaseUrl, options: RestoreOptions
    ) -> RestorePlan:
        """Look what ``bring_back`` would do."""
        path = _path(to)
        stage = Progress(phase=Phase.PREFLIGHT)
        async with self._classified(stage, None, path):
            return await self._slots.run(
                f"restore:{path}",
                lambda: restore.plan(artefact, path, options, stage),
                stage.cancel,
                _LINGER,
            )

    async def bring_back(
        self,
        artefact: Path,
        to: DatabaseUrl,
        options: RestoreOptions,
        progress: Callable[[int], None],
    ) -> Restored:
        """Restore as wanted, the old file kept aside where one is replaced."""
        path = _path(to)
        stage = Progress(phase=Phase.PREFLIGHT)
        loop = asyncio.get_running_loop()

        def report(done: int) -> None:
            loop.call_soon_threadsafe(progress, done)

        def step(each: Step) -> None:
            loop.call_soon_threadsafe(options.step, each)

        told = replace(options, step=step)
        async with self._classified(stage, None, path):
            return await self._slots.run(
                f"restore:{path}",
                lambda: restore.bring_back(artefact, path, told, stage, report),
                stage.cancel,
                _LINGER,
            )

    async def drill(self, exercise: Exercise) -> Drilled:
        """Restore into a scratch file, compare it with what was there, ask the assertions."""
        stage = Progress(phase=Phase.VERIFY)
        async with self._classified(stage, exercise.target, exercise.artefact):
            return await drilling.drill(exercise, self._slots, self.restore, stage)

    @asynccontextmanager
    async def _classified(
        self,
        progress: Progress,
        target: Target | None,
        path: str | Path,
        phase: Phase | None = None,
    ) -> AsyncIterator[None]:
        """Turn what goes wrong in the block into ``ActionFailed``."""
        try:
            yield
        except ActionFailed:
            raise
        except StillStuckError as error:
            failure = failures.classify(error, phase or progress.phase, target, str(path))
            raise ActionFailed(replace(failure, hint=failures.known(HANGS))) from error
        except (SqliteTrouble, sqlite3.Error, OSError) as error:
            failure = failures.classify(error, phase or progress.phase, target, str(path))
            raise ActionFailed(failure) from error


def _preflight(path: str) -> Files:
    files = survey(path)
    if files.main.size == 0:
        raise SqliteTrouble(
            f"nothing to back up: {path} is a file of zero bytes; is it the right path?",
            code="SQLITE_EMPTY",
            hint="sqlite_no_such_table",
            component=path,
        )
    return files


def _warnings(copied: Copied) -> tuple[str, ...]:
    warnings = []
    if copied.stalled > 1.0:
        warnings.append(
            f"writers had to wait {copied.stalled:.1f} s, for the database is in rollback mode; "
            "PRAGMA journal_mode=WAL ends that"
        )
    if copied.on_network and copied.wal_mode:
        warnings.append(f"a database in WAL mode on {copied.on_network} may be read torn")
    if copied.way is Way.RECOVERED:
        warnings.append(
            "a crash left the database to be recovered: that was done in the copy, and is still "
            "to be done to the database by its application"
        )
    return tuple(warnings)


def _mode(target: Target) -> ProofMode:
    return target.backup.proof if target.backup is not None else ProofMode.AUTO


def _versions() -> dict[str, str]:
    return {"sqlite": sqlite3.sqlite_version}


def _path(url: DatabaseUrl) -> str:
    if not isinstance(url, SqliteUrl):
        raise TypeError(f"not a SQLite database: {url.engine}")
    return url.path
