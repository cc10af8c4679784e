"""One restore as it goes: making the database, filling it, giving it its name.

Owns: the order of the steps, what is tried again without what was in its
way, and that what fails leaves nothing of itself. Must not know: what may be
restored where.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from watchdog.database_url import PostgresqlUrl
from watchdog.engines.postgresql import archive as archives
from watchdog.engines.postgresql import archived, properties, swap
from watchdog.engines.postgresql.administration import (
    Administration,
    maintenance,
    open_in,
    quoted,
)
from watchdog.engines.postgresql.archive import Archive, Verdict, Wanted
from watchdog.engines.postgresql.archived import Archived
from watchdog.engines.postgresql.place import Place
from watchdog.engines.postgresql.properties import Properties
from watchdog.model import ActionFailed
from watchdog.restoration import Restored, RestoreOptions, Step

# A locale, a provider or a tablespace that this server does not have.
_NOT_HERE: Final = ("22023", "42704", "0A000", "42809", "42501")


class _NotWholeError(Exception):
    """One transaction cannot do it; ``wanted`` can, in a database of its own."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        super().__init__("not in one transaction")


class Filling:
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
        self._archived = Archived()
        self._with_owners = True

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
        name, created = self._to.database, self._place.there is None
        notes = await self._create(administration, name, None) if created else []
        try:
            if created:
                await swap.mark(administration, name)
            notes += await self._fill(self._to, wanted)
            await self._analyze(self._to)
            if created:
                notes += await self._dress(name, None)
        except BaseException:
            if created:
                await self._forget(name)
            raise
        return notes

    # -------------------------------------------------------------- by way of another database

    async def aside(self, administration: Administration, wanted: Wanted) -> Restored:
        """Restore into an unfinished database and let it take the place of the old one."""
        name = swap.unfinished_name(self._to.database)
        there = self._place.there
        notes: list[str] = []
        try:
            notes += await self._create(administration, name, there)
            await swap.mark(administration, name)
            notes += await self._fill(self._to.with_database(name), wanted)
            await self._analyze(self._to.with_database(name))
            notes += await self._dress(name, there)
        except BaseException:
            await self._forget(name)
            raise
        return await self._take_place(name, there, notes)

    async def _create(
        self, administration: Administration, name: str, there: Properties | None
    ) -> list[str]:
        """Make a database like the one that is replaced, or else like the one that was dumped."""
        if there is not None:
            await administration.do(properties.creation(name, there, administration.major))
            return []
        self._archived = await archived.look(self._archive)
        statement = self._archived.creation(name)
        try:
            await administration.do(statement)
        except ActionFailed as error:
            if error.failure.code not in _NOT_HERE:
                raise
            await administration.do(Archived().creation(name))
            return [f"it has the server's own locale, for this failed: {error.failure.message}"]
        return []

    async def _dress(self, name: str, there: Properties | None) -> list[str]:
        """Carry over what no dump holds; return what could not be."""
        # A session of its own: after hours of silence the first may have been cut.
        async with maintenance(self._to, self._options.target) as administration:
            return await self._dressed(administration, name, there)

    async def _dressed(
        self, administration: Administration, name: str, there: Properties | None
    ) -> list[str]:
        if there is not None:
            statements = list(properties.dressing(name, there))
        else:
            statements = [f"comment on database {quoted(name)} is null"]
            statements += self._archived.dressing(name, owners=self._with_owners)
        left: list[str] = []
        async with administration.transaction():
            for statement in statements:
                try:
                    await administration.do("savepoint one", statement, "release savepoint one")
                except ActionFailed as error:
                    await administration.do("rollback to savepoint one")
                    left.append(f"not carried over: {statement} ({error.failure.message})")
        if there is not None and not left:
            left += await self._unlike(administration, name, there)
        return [each.replace(quoted(name), quoted(self._to.database)) for each in left]

    async def _unlike(
        self, administration: Administration, name: str, there: Properties
    ) -> list[str]:
        now = await properties.read(administration, name)
        if now is not None and now.settable == there.settable:
            return []
        return ["grants or settings of the database are not quite those of the old one"]

    async def _take_place(self, name: str, there: Properties | None, notes: list[str]) -> Restored:
        self._options.step(Step.SWAP)
        now = datetime.now(UTC)
        to, target = self._to, self._options.target
        aside = self._options.kept_aside or swap.aside_name(to.database, now)
        aside = aside if there is not None else ""
        before = list(properties.limits(name, there)) if there is not None else []
        try:
            await swap.swap(to, target, aside, before, end_sessions=self._options.end_sessions)
        except ActionFailed as error:
            if error.failure.code != swap.OBJECT_IN_USE:  # then it is whole, and waits
                await self._forget(name)
            raise
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
                self._with_owners = wanted.owners
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
            await swap.mark(administration, to.database)

    async def _analyze(self, to: PostgresqlUrl) -> None:
        """Gather the planner's statistics, which no dump holds."""
        self._options.step(Step.STATISTICS)
        async with open_in(to, self._options.target) as administration:
            await administration.do("analyze")

    async def _forget(self, name: str) -> None:
        """Drop what has failed, if that can be; otherwise the next restore does."""
        with contextlib.suppress(ActionFailed):
            await self._drop(name)

    async def _drop(self, name: str) -> None:
        async with maintenance(self._to, self._options.target) as administration:
            await swap.drop(administration, name)
