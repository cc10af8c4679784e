"""The restore of an archive, all or nothing.

Owns: the order of the steps, and that a restore which fails or is killed
leaves the database that was there as it was. Must not know: which backup was
chosen and why.

Into an empty database, or one that is made for it, an archive goes in one
transaction. What that cannot do (several jobs, a database that holds
something) goes by way of an unfinished database, which takes the name in one
transaction once it is whole.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from watchdog.database_url import PostgresqlUrl
from watchdog.engines.postgresql import archive as archives
from watchdog.engines.postgresql import contents, properties, swap
from watchdog.engines.postgresql import place as places
from watchdog.engines.postgresql.administration import (
    Administration,
    maintenance,
    open_in,
    quoted,
)
from watchdog.engines.postgresql.archive import Archive, Verdict, Wanted
from watchdog.engines.postgresql.place import NONEMPTY, Place
from watchdog.engines.postgresql.properties import Properties
from watchdog.model import ActionFailed
from watchdog.restoration import Restored, RestoreOptions, RestorePlan, Step

__all__ = ["NONEMPTY", "bring_back", "plan", "restore"]

_DEFAULT: Final = RestoreOptions()


async def restore(
    artefact: Path, to: PostgresqlUrl, progress: Callable[[int], None]
) -> Sequence[str]:
    """Restore *artefact* into *to*, a new or empty database; return notes. Raises ``ActionFailed``.

    Owners and grants are restored where the roles are there and may be used;
    otherwise everything belongs to the user of *to*, and that is said.
    """
    return (await bring_back(artefact, to, _DEFAULT, progress)).notes


async def plan(artefact: Path, to: PostgresqlUrl, options: RestoreOptions) -> RestorePlan:
    """Look what would be done. Raises ``ActionFailed`` where ``bring_back`` would refuse."""
    place, archive = await _look(artefact, to, options)
    aside = swap.aside_name(to.database, datetime.now(UTC)) if place.swaps else ""
    tool = f"{archive.client.pg_restore} ({archive.client.version})"
    lines = [f"server: PostgreSQL {place.major} at {to.server_name}; tool: {tool}"]
    if options.tables:
        found = await contents.of_tables(archive.client, archive.path, options.tables)
        lines += [f"only {', '.join(options.tables)}, with what hangs on them", *found.notes]
    if aside:
        ready = swap.unfinished_name(to.database)
        lines += [
            f"restore into a new database {ready}, then swap the names in one transaction",
            f"the old {to.database} is kept as {aside}, with its disk space, until you drop it",
        ]
        if options.end_sessions:
            lines.append(f"sessions in {to.database} are ended at the swap")
    elif place.there is None:
        lines.append(f"create the database {to.database} and restore into it")
    else:
        lines.append(f"restore into {to.database}, which is empty")
    return RestorePlan(to.database, aside, place.needed_bytes, place.free_bytes, tuple(lines))


async def bring_back(
    artefact: Path, to: PostgresqlUrl, options: RestoreOptions, progress: Callable[[int], None]
) -> Restored:
    """Restore *artefact* into *to* as wanted. Raises ``ActionFailed``."""
    place, archive = await _look(artefact, to, options)
    async with swap.alone(to, options.target) as administration:
        await swap.drop_unfinished(administration, to.database)
        work = _Restore(archive, to, options, place, progress)
        with tempfile.TemporaryDirectory(prefix="db-watchdog-") as folder:
            selected, left_out = await _selected(archive, options, Path(folder))
            wanted = Wanted(jobs=options.jobs, contents=selected)
            done = await work.run(administration, wanted)
    return replace(done, notes=(*done.notes, *left_out))


async def _selected(
    archive: Archive, options: RestoreOptions, folder: Path
) -> tuple[Path | None, tuple[str, ...]]:
    """Write what is to be restored into *folder*; return also what had to be left out."""
    if not options.tables:
        return None, ()
    found = await contents.of_tables(archive.client, archive.path, options.tables)
    file = folder / "contents"
    await asyncio.to_thread(file.write_text, found.text, encoding="utf-8")
    return file, found.notes


async def _look(
    artefact: Path, to: PostgresqlUrl, options: RestoreOptions
) -> tuple[Place, Archive]:
    place = await places.look(to, options, _size(artefact))
    archive = await archives.look(artefact, to, place.major)
    places.refuse_older(archive, place, to)
    return place, archive


class _NotWholeError(Exception):
    """One transaction cannot do it; ``wanted`` can, in a database of its own."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        super().__init__("not in one transaction")


class _Restore:
    """One restore as it goes."""

    def __init__(
        self,
        archive: Archive,
        to: PostgresqlUrl,
        options: RestoreOptions,
        place: Place,
        progress: Callable[[int], None],
    ) -> None:
        self._archive = archive
        self._to = to
        self._options = options
        self._place = place
        self._progress = progress

    async def run(self, administration: Administration, wanted: Wanted) -> Restored:
        """Restore in one transaction where that can do it."""
        if not self._place.swaps and wanted.whole:
            try:
                return Restored(tuple(await self.directly(administration, wanted)))
            except _NotWholeError as error:
                wanted = error.wanted
        return await self.aside(administration, wanted)

    # -------------------------------------------------------------- in one transaction

    async def directly(self, administration: Administration, wanted: Wanted) -> list[str]:
        """Restore into an empty database, or a new one that goes again if that fails."""
        created = self._place.there is None
        if created:
            await administration.do(
                f"create database {quoted(self._to.database)} template template0"
            )
        try:
            notes = await self._fill(self._to, wanted)
            await self._analyze(self._to)
        except BaseException:
            if created:
                await self._drop(self._to.database)
            raise
        return notes

    # -------------------------------------------------------------- by way of another database

    async def aside(self, administration: Administration, wanted: Wanted) -> Restored:
        """Restore into an unfinished database and let it take the place of the old one."""
        name = swap.unfinished_name(self._to.database)
        there = self._place.there
        notes: list[str] = []
        try:
            await self._create(administration, name, there)
            await swap.mark(administration, self._to.database)
            notes += await self._fill(self._to.with_database(name), wanted)
            notes += await self._dress(administration, name, there)
            await self._analyze(self._to.with_database(name))
        except BaseException:
            await self._drop(name)
            raise
        return await self._take_place(name, there, notes)

    async def _create(
        self, administration: Administration, name: str, there: Properties | None
    ) -> None:
        if there is None:
            await administration.do(f"create database {quoted(name)} template template0")
            return
        await administration.do(properties.creation(name, there, administration.major))

    async def _dress(
        self, administration: Administration, name: str, there: Properties | None
    ) -> list[str]:
        """Carry over what no dump holds; return what could not be."""
        if there is None:
            await administration.do(f"comment on database {quoted(name)} is null")
            return []
        left: list[str] = []
        async with administration.transaction():
            for statement in properties.dressing(name, there):
                try:
                    await administration.do("savepoint one", statement, "release savepoint one")
                except ActionFailed as error:
                    await administration.do("rollback to savepoint one")
                    left.append(f"not carried over: {statement} ({error.failure.message})")
        now = await properties.read(administration, name)
        assert now is not None
        if not left and now.settable != there.settable:
            left.append("grants or settings of the database are not quite those of the old one")
        return [each.replace(quoted(name), quoted(self._to.database)) for each in left]

    async def _take_place(self, name: str, there: Properties | None, notes: list[str]) -> Restored:
        self._options.step(Step.SWAP)
        now = datetime.now(UTC)
        to, target = self._to, self._options.target
        aside = swap.aside_name(to.database, now) if there is not None else ""
        before = list(properties.limits(name, there)) if there is not None else []
        await swap.swap(to, target, aside, before, end_sessions=self._options.end_sessions)
        if aside and not self._place.swaps:  # it was empty
            await self._drop(aside)
            aside = ""
        if not aside:
            return Restored(tuple(notes))
        return Restored(tuple(notes), aside, (swap.way_back(to, aside, now),))

    # -------------------------------------------------------------- the steps

    async def _fill(self, to: PostgresqlUrl, wanted: Wanted) -> list[str]:
        """Run ``pg_restore``, again without what was in its way and may be left out."""
        self._options.step(Step.DATA)
        target = self._options.target
        while True:
            done = await archives.pg_restore(self._archive, to, target, wanted, self._progress)
            verdict = archives.judge(done, wanted)
            if verdict.ok:
                return [*self._on_owners(wanted), *verdict.notes]
            again = self._again(wanted, verdict)
            if again is None:
                raise archives.failed(done, self._archive, self._to)
            if not again.whole and to == self._to:
                raise _NotWholeError(again)
            if not wanted.whole:
                await self._begin_anew(to)
            wanted = again

    def _again(self, wanted: Wanted, verdict: Verdict) -> Wanted | None:
        """Return what may do after *verdict*, ``None`` if nothing may."""
        if verdict.roles:
            role = self._owner if self._owner != self._to.user else ""
            return replace(wanted, owners=False, role=role)
        return replace(wanted, patient=True) if verdict.patience else None

    @property
    def _owner(self) -> str:
        """Whose everything is where owners are left out."""
        there = self._place.there
        return there.owner if there is not None and self._place.swaps else self._to.user

    def _on_owners(self, wanted: Wanted) -> list[str]:
        note = (
            "owners and grants were left out, for not all of their roles are there or open to"
            f" {self._to.user}: everything belongs to {self._owner}"
        )
        return [] if wanted.owners else [note]

    async def _begin_anew(self, to: PostgresqlUrl) -> None:
        """Drop and make again what several jobs have filled in part."""
        async with maintenance(to, self._options.target) as administration:
            await swap.drop(administration, to.database)
            await self._create(administration, to.database, self._place.there)
            await swap.mark(administration, self._to.database)

    async def _analyze(self, to: PostgresqlUrl) -> None:
        """Gather the planner's statistics, which no dump holds."""
        self._options.step(Step.STATISTICS)
        async with open_in(to, self._options.target) as administration:
            await administration.do("analyze")

    async def _drop(self, name: str) -> None:
        async with maintenance(self._to, self._options.target) as administration:
            await swap.drop(administration, name)


def _size(artefact: Path) -> int:
    if artefact.is_dir():
        return sum(each.stat().st_size for each in artefact.iterdir())
    return artefact.stat().st_size
