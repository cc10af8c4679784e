"""One backup from the first look to the last rename.

Owns: the order of the steps, and that a run that does not reach the last one
leaves nothing behind but its record. Must not know: schedules, pages, what
an artefact looks like inside.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any, TypeVar

from watchdog.backups import (
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
    sealing,
)
from watchdog.backups.attempts import Attempt
from watchdog.backups.catalogue import Backup
from watchdog.backups.destination import Destinations
from watchdog.backups.documents import milliseconds
from watchdog.backups.manifest import Verification
from watchdog.backups.places import folder_of, settings_of
from watchdog.backups.run import Progress, Report, Run
from watchdog.clock import Clock
from watchdog.engines import BackupEngine
from watchdog.errors import WatchdogError
from watchdog.model import ActionFailed, Failure, Kind, Outcome, Phase, Target
from watchdog.secret import mask

T = TypeVar("T")


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

    def _begin(self, target: Target, progress: Progress) -> Run:
        settings, now = settings_of(target), milliseconds(self._clock.now())
        engine = self._engines[target.engine]
        started = self._clock.monotonic()
        return Run(target, settings, engine, progress, now, started, names.new_id(now))

    async def _attempt(self, run: Run, wait: float, waited: float) -> None:
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
                await _finish(asyncio.to_thread(sealing.discard_unfinished, run))
            await self._prune_after(run)

    async def _take(self, run: Run) -> None:
        await asyncio.to_thread(prune.sweep, run.folder)
        url = run.settings.url or run.target.url
        run.enter(Phase.PREFLIGHT)
        preflight = await run.engine.preflight(run.target, url)
        await asyncio.to_thread(self._require_space, run, preflight.estimated_bytes)
        run.enter(run.engine.phase)
        await asyncio.to_thread(sealing.reserve, run.partial)
        produced = await run.engine.produce(run.target, url, run.partial, run.tell)
        run.enter(Phase.VERIFY)
        digest, size, proof = await proving.of_new(
            run.engine, run.target, run.partial, produced.content
        )
        run.enter(Phase.PUBLISH)
        now = milliseconds(self._clock.now())
        which = guard.identity_of(run.target, preflight, produced)
        verdict = await asyncio.to_thread(guard.judge, run.folder, run.target, which, size)
        taken = sealing.Taken(preflight, produced, proof, digest, size, which, verdict.suspect)
        manifest = sealing.manifest_of(run, taken, self._clock.monotonic() - run.started)
        verification = Verification(dict.fromkeys(range(proof.level + 1), now))
        # Not to be cut in half: once begun, it is a matter of milliseconds.
        await _finish(
            asyncio.to_thread(
                sealing.publish, run.folder, run.partial, produced.beside, manifest, verification
            )
        )
        run.backup = Backup(manifest, verification, run.folder)
        run.troubles += sealing.warnings_of(run, manifest)
        run.troubles += guard.troubles(run.backup, verdict)

    def _tell_of_forgetfulness(self, run: Run) -> None:
        """Say once that only this process would notice a destination that has gone."""
        why = self._destinations.forgetful
        if why and not self._told:
            self._told = True
            message = (
                f"{why}: after a restart a destination that is not mounted looks like a new one"
            )
            run.troubles.append(Failure(Kind.BACKUP, mask(message), Phase.PREFLIGHT))

    def _require_space(self, run: Run, estimated: int | None) -> None:
        listing = catalogue.scan_folder(run.folder)
        # Not simply the newest: that may be of an empty database under the old name.
        last = listing.newest_good() or next(iter(listing.backups), None)
        expected = last.size_bytes if last is not None else estimated
        destination.require_space(run.folder, run.target.name, expected)

    async def _prune_after(self, run: Run) -> None:
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

    async def _record(self, run: Run) -> Attempt:
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
                asyncio.to_thread(self._destinations.attempts.append, run.folder, attempt)
            )
        except OSError as error:
            run.troubles.append(failures.of_forgetting(error, run.folder, run.target.name))
        return attempt


async def _failed(run: Run, failure: Failure) -> None:
    """Note why *run* has failed; what was unfinished has gone by now."""
    run.failure = failure
    told = await asyncio.to_thread(failures.with_room, failure, run.folder, run.target.name)
    run.failure = replace(told, facts={**told.facts, "engine": run.target.engine})


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
