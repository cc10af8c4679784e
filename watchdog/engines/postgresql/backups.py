"""How PostgreSQL is backed up: the engine's side of the room ``backups``.

Owns: the ``BackupEngine`` of this package. Must not know: destinations.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from watchdog.content import Content
from watchdog.database_url import DatabaseUrl, PostgresqlUrl
from watchdog.engines import Drilled, Exercise, Preflight, Produced, Proof
from watchdog.engines.postgresql import drilling, dump, preflight, restore
from watchdog.errors import UsageError
from watchdog.model import Phase, Target
from watchdog.restoration import Restored, RestoreOptions, RestorePlan


class PostgresqlBackups:
    """See ``watchdog.engines.BackupEngine``."""

    suffix = "dump"
    phase = Phase.DUMP
    highest = 2

    async def preflight(self, target: Target, url: DatabaseUrl) -> Preflight:
        """Look, with a session, whether a dump can be taken and by which client."""
        return await preflight.look(target, _own(url))

    async def produce(
        self, target: Target, url: DatabaseUrl, into: Path, progress: Callable[[int], None]
    ) -> Produced:
        """Dump into *into*."""
        return await dump.produce(target, _own(url), into, progress)

    async def prove(
        self,
        target: Target | None,
        artefact: Path,
        content: Content | None = None,  # noqa: ARG002 - only a restore can compare it
        level: int | None = None,  # noqa: ARG002 - there is but one
    ) -> Proof:
        """Read the archive through (level 2)."""
        return await dump.prove(target, artefact)

    async def restore(
        self, artefact: Path, to: DatabaseUrl, progress: Callable[[int], None]
    ) -> Sequence[str]:
        """Restore into a database that is new or empty."""
        return await restore.restore(artefact, _own(to), progress)

    async def drill(self, exercise: Exercise) -> Drilled:
        """Restore into scratch, compare it with what was there, leave nothing behind."""
        return await drilling.drill(exercise)

    async def plan_restore(
        self, artefact: Path, to: DatabaseUrl, options: RestoreOptions
    ) -> RestorePlan:
        """Look what ``bring_back`` would do."""
        return await restore.plan(artefact, _own(to), options)

    async def bring_back(
        self,
        artefact: Path,
        to: DatabaseUrl,
        options: RestoreOptions,
        progress: Callable[[int], None],
    ) -> Restored:
        """Restore as wanted, the old database kept aside where one is replaced."""
        return await restore.bring_back(artefact, _own(to), options, progress)


def _own(url: DatabaseUrl) -> PostgresqlUrl:
    if not isinstance(url, PostgresqlUrl):
        raise UsageError(f"{url.masked} is not a PostgreSQL database: give a postgresql:// URL")
    return url


BACKUPS = PostgresqlBackups()
