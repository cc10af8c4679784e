"""One backup from the first look to the last rename.

Owns: the order of the steps, and that a run that does not reach the last one
leaves nothing behind but its record. Must not know: schedules, pages, what
an artefact looks like inside.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeVar

from watchdog import __version__
from watchdog.backups import (
    attempts,
    catalogue,
    destination,
    failures,
    files,
    guard,
    instructions,
    keeping,
    lock,
    names,
    proving,
    prune,
    retention,
)
from watchdog.backups.attempts import Attempt
from watchdog.backups.catalogue import Backup
from watchdog.backups.destination import Destinations
from watchdog.backups.documents import milliseconds
from watchdog.backups.manifest import Manifest, Verification
from watchdog.backups.places import folder_of, settings_of
from watchdog.clock import Clock
from watchdog.engines import BackupEngine
from watchdog.errors import WatchdogError
from watchdog.model import ActionFailed, BackupSettings, Failure, Kind, Outcome, Phase, Target
from watchdog.secret import mask

T = TypeVar("T")

Progress = Callable[[Phase, int], None]  # the phase, and the bytes so far in it

_NOT_ENDED: Final = Failure(Kind.INTERNAL, "the backup ended in a way that nobody foresaw")


@dataclass(frozen=True, slots=True)
class Report:
    """What came of one run. ``troubles`` are what went wrong without failing it."""

    target: Target
    attempt: Attempt
    backup: Backup | None = None
    removed: tuple[Backup, ...] = ()
    troubles: tuple[Failure, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether there is a new backup."""
        return self.attempt.outcome is Outcome.OK

    @property
    def failure(self) -> Failure | None:
        """Why there is none."""
        return self.attempt.failure


@dataclass(slots=True)
class _Run:
    """One run as it goes."""

    target: Target
    settings: BackupSettings
    engine: BackupEngine
    progress: Progress
    started_at: datetime
    started: float
    identity: str
    phase: Phase = Phase.PREFLIGHT
    outcome: Outcome = Outcome.FAILED
    failure: Failure | None = _NOT_ENDED
    backup: Backup | None = None
    removed: tuple[Backup, ...] = ()
    troubles: list[Failure] = field(default_factory=list)
    gave_way: bool = False

    @property
    def folder(self) -> Path:
        return folder_of(self.target)

    @property
    def partial(self) -> Path:
        return names.partial(self.folder, self.identity, self.engine.suffix)

    def enter(self, phase: Phase) -> None:
        self.phase = phase
        self.progress(phase, 0)

    def tell(self, size: int) -> None:
        self.progress(self.phase, size)


class Pipeline:
    """Takes backups; *engines* by name."""

    def __init__(
        self, engines: Mapping[str, BackupEngine], destinations: Destinations, clock: Clock
    ) -> None:
        self._engines = engines
        self._destinations = destinations
        self._clock = clock
        self._told = False

    async def back_up(
        self,
        target: Target,
        *,
        wait: float = lock.WAIT,
        waited: float = 0.0,
        give_way: bool = False,
        progress: Progress | None = None,
    ) -> Report:
        """Back *target* up and return how that was; a failure is in the report, not raised.

        *wait* seconds for another process that is at it, of which the caller
        has *waited* before; with *give_way* that is no attempt, and
        ``lock.BusyError`` is raised then. Cancelled, it ends
        its children, removes what is unfinished, records that, and raises
        ``CancelledError`` within a few seconds. Raises ``UsageError`` where
        backups are off.
        """
        run = self._begin(target, progress or _silent)
        try:
            await self._attempt(run, wait, waited)
            run.outcome, run.failure = Outcome.OK, None
        except lock.BusyError as error:
            run.failure, run.gave_way = error.failure, give_way
            if give_way:
                raise
        except ActionFailed as error:
            await _failed(run, error.failure)
        except OSError as error:
            await _failed(run, failures.of_os_error(error, run.phase, run.folder, target.name))
        except WatchdogError as error:
            run.failure = Failure(Kind.BACKUP, mask(str(error)), run.phase)
        except asyncio.CancelledError:
            run.outcome = Outcome.CANCELLED
            run.failure = Failure(Kind.BACKUP, "cancelled before it was done", run.phase)
            raise
        finally:
            attempt = await self._record(run)
        return Report(target, attempt, run.backup, run.removed, tuple(run.troubles))

    async def prune(
        self, target: Target, *, dry_run: bool = False, wait: float = lock.WAIT
    ) -> tuple[retention.Decision[Backup], ...]:
        """Apply the retention of *target*, or only decide on it; return the decisions.

        Raises ``ActionFailed``, ``UsageError``.
        """
        settings, folder = settings_of(target), folder_of(target)
        try:
            await asyncio.to_thread(
                self._destinations.require, settings.directory, target.name, Phase.PRUNE
            )
            if dry_run or not await asyncio.to_thread(folder.is_dir):
                return await asyncio.to_thread(self._decide, target)
            async with lock.held(folder, wait):
                decisions = await asyncio.to_thread(self._decide, target)
                pruned = await asyncio.to_thread(prune.apply, decisions)
                await asyncio.to_thread(instructions.write, folder)
                if pruned.errors:
                    raise pruned.errors[0]
                return decisions
        except OSError as error:
            failure = failures.of_os_error(error, Phase.PRUNE, folder, target.name)
            raise ActionFailed(failure) from error

    # ------------------------------------------------------------------ the steps

    def _begin(self, target: Target, progress: Progress) -> _Run:
        settings, now = settings_of(target), milliseconds(self._clock.now())
        engine = self._engines[target.engine]
        started = self._clock.monotonic()
        return _Run(target, settings, engine, progress, now, started, names.new_id(now))

    async def _attempt(self, run: _Run, wait: float, waited: float) -> None:
        directory = run.settings.directory
        await asyncio.to_thread(self._destinations.open, directory, run.target.name)
        self._tell_of_forgetfulness(run)
        await asyncio.to_thread(files.make_folder, run.folder)
        async with AsyncExitStack() as held:
            await held.enter_async_context(lock.held(run.folder, wait, waited))
            try:
                async with asyncio.timeout(run.settings.timeout):
                    await self._take(run)
            except TimeoutError as error:
                seconds = run.settings.timeout
                failure = failures.timed_out(run.target.name, seconds, run.phase, run.folder)
                raise ActionFailed(failure) from error
            finally:
                await _finish(asyncio.to_thread(_discard_partials, run))
            await self._prune_after(run)

    async def _take(self, run: _Run) -> None:
        await asyncio.to_thread(prune.sweep, run.folder)
        url = run.settings.url or run.target.url
        run.enter(Phase.PREFLIGHT)
        preflight = await run.engine.preflight(run.target, url)
        await asyncio.to_thread(self._require_space, run, preflight.estimated_bytes)
        run.enter(run.engine.phase)
        await asyncio.to_thread(_reserve_name, run.partial)
        produced = await run.engine.produce(run.target, url, run.partial, run.tell)
        run.enter(Phase.VERIFY)
        digest, size, proof = await proving.of_new(
            run.engine, run.target, run.partial, produced.content
        )
        said = (*preflight.warnings, *produced.warnings, *proof.remarks)
        warnings = tuple(mask(warning) for warning in said)
        run.enter(Phase.PUBLISH)
        finished_at = milliseconds(self._clock.now())
        measures = {**(produced.measures or {}), **(proof.measures or {})}
        which = guard.identity_of(run.target, preflight, produced)
        verdict = await asyncio.to_thread(guard.judge, run.folder, run.target, which, size)
        manifest = Manifest(
            id=run.identity,
            target=run.target.name,
            engine=run.target.engine,
            artefact=names.artefact(run.folder, run.identity, run.engine.suffix).name,
            url=url.masked,
            server=_server(url),
            versions={**preflight.versions, **produced.versions},
            recovery_point=milliseconds(produced.recovery_point),
            taken_at=run.started_at,
            size_bytes=size,
            sha256=digest,
            verified_level=proof.level,
            duration=self._clock.monotonic() - run.started,
            tables=proof.tables if produced.tables is None else produced.tables,
            warnings=warnings,
            details={**(produced.details or {}), "measures": measures},
            tool=f"db-watchdog {__version__}",
            identity=which,
            suspect=verdict.suspect,
            content=produced.content,
        )
        verification = Verification(dict.fromkeys(range(proof.level + 1), finished_at))
        # Not to be cut in half: once begun, it is a matter of milliseconds.
        await _finish(
            asyncio.to_thread(
                _publish, run.folder, run.partial, produced.beside, manifest, verification
            )
        )
        run.backup = Backup(manifest, verification, run.folder)
        run.troubles += _warnings(run, warnings)
        run.troubles += guard.troubles(run.backup, verdict)

    def _tell_of_forgetfulness(self, run: _Run) -> None:
        """Say once that only this process would notice a destination that has gone."""
        why = self._destinations.forgetful
        if why and not self._told:
            self._told = True
            message = (
                f"{why}: after a restart a destination that is not mounted looks like a new one"
            )
            run.troubles.append(Failure(Kind.BACKUP, mask(message), Phase.PREFLIGHT))

    def _require_space(self, run: _Run, estimated: int | None) -> None:
        listing = catalogue.scan_folder(run.folder)
        # Not simply the newest: that may be of an empty database under the old name.
        last = listing.newest_good() or next(iter(listing.backups), None)
        expected = last.size_bytes if last is not None else estimated
        destination.require_space(run.folder, run.target.name, expected)

    async def _prune_after(self, run: _Run) -> None:
        """Apply retention after a success; a trouble with it does not undo the backup."""
        run.enter(Phase.PRUNE)
        try:
            decisions = await asyncio.to_thread(self._decide, run.target)
            pruned = await asyncio.to_thread(prune.apply, decisions)
            run.removed = pruned.removed
            run.troubles += (
                failures.of_os_error(error, Phase.PRUNE, run.folder, run.target.name)
                for error in pruned.errors
            )
            await asyncio.to_thread(instructions.write, run.folder)
            run.troubles += await asyncio.to_thread(keeping.troubles, run.target, self._clock.now())
        except OSError as error:
            run.troubles.append(
                failures.of_os_error(error, Phase.PRUNE, run.folder, run.target.name)
            )

    def _decide(self, target: Target) -> tuple[retention.Decision[Backup], ...]:
        return keeping.decide(target, self._clock.now())

    async def _record(self, run: _Run) -> Attempt:
        attempt = Attempt(
            started_at=run.started_at,
            finished_at=milliseconds(self._clock.now()),
            outcome=run.outcome,
            duration=self._clock.monotonic() - run.started,
            backup=run.backup.id if run.backup else "",
            failure=run.failure,
        )
        if run.gave_way:
            return attempt
        try:
            await _finish(
                asyncio.to_thread(attempts.append, run.folder, attempt, self._destinations.state)
            )
        except OSError as error:
            run.troubles.append(
                failures.of_os_error(error, Phase.PUBLISH, run.folder, run.target.name)
            )
        return attempt


async def _failed(run: _Run, failure: Failure) -> None:
    """Note why *run* has failed; what was unfinished has gone by now."""
    run.failure = failure
    run.failure = await asyncio.to_thread(failures.with_room, failure, run.folder)


async def _finish(work: Coroutine[Any, Any, T]) -> T:
    """Await *work* to its end even when cancelled meanwhile; the cancellation follows then."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def _silent(_phase: Phase, _size: int) -> None:
    pass


def _reserve_name(partial: Path) -> None:
    """Make the file before the engine does, so that it is never readable by others."""
    with files.open_private(partial):
        pass


def _discard_partials(run: _Run) -> None:
    """Remove what is unfinished of this run; after a success there is nothing."""
    for path in run.folder.glob(f".{run.identity}.*"):
        prune.discard(path)


def _publish(
    folder: Path,
    partial: Path,
    beside: Mapping[str, Path],
    manifest: Manifest,
    verification: Verification,
) -> None:
    """Give the artefact and what is beside it their names and seal it: the manifest comes last."""
    artefact = folder / manifest.artefact
    named = {names.artefact(folder, manifest.id, end): path for end, path in beside.items()}
    for path in (partial, *named.values()):
        path.chmod(files.FILE_MODE)
        files.adopt(path)
        files.sync_file(path)
    try:
        for name, path in named.items():
            path.rename(name)
        partial.rename(artefact)
        files.sync_folder(folder)
        files.write_json(names.verification(folder, manifest.id), verification.document())
        files.write_json(names.manifest(folder, manifest.id), manifest.document())
    except OSError:
        for path in (artefact, *named, names.verification(folder, manifest.id)):
            prune.discard(path)
        raise


def _server(url: Any) -> str:
    hosts = getattr(url, "hosts", ())
    return ",".join(f"{host}:{port}" for host, port in hosts)


def _warnings(run: _Run, warnings: tuple[str, ...]) -> list[Failure]:
    return [
        Failure(Kind.BACKUP, warning, run.engine.phase, facts={"target": run.target.name})
        for warning in warnings
    ]
