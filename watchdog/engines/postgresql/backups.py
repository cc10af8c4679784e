"""How PostgreSQL is backed up: the engine's side of the room ``backups``.

Owns: the ``BackupEngine`` of this package. Must not know: destinations.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from watchdog.database_url import DatabaseUrl, PostgresqlUrl
from watchdog.engines import Preflight, Produced, Proof
from watchdog.engines.postgresql import dump, restore
from watchdog.errors import UsageError
from watchdog.model import Phase, Target


class PostgresqlBackups:
    """See ``watchdog.engines.BackupEngine``."""

    suffix = "dump"
    phase = Phase.DUMP

    async def preflight(self, target: Target, url: DatabaseUrl) -> Preflight:
        """Look, with a session, whether a dump can be taken and by which client."""
        return await dump.preflight(target, _own(url))

    async def produce(
        self, target: Target, url: DatabaseUrl, into: Path, progress: Callable[[int], None]
    ) -> Produced:
        """Dump into *into*."""
        return await dump.produce(target, _own(url), into, progress)

    async def prove(self, target: Target | None, artefact: Path) -> Proof:
        """Read the archive through (level 2)."""
        return await dump.prove(target, artefact)

    async def restore(
        self, artefact: Path, to: DatabaseUrl, progress: Callable[[int], None]
    ) -> Sequence[str]:
        """Restore into a database that is new or empty."""
        return await restore.restore(artefact, _own(to), progress)


def _own(url: DatabaseUrl) -> PostgresqlUrl:
    if not isinstance(url, PostgresqlUrl):
        raise UsageError(f"{url.masked} is not a PostgreSQL database: give a postgresql:// URL")
    return url


BACKUPS = PostgresqlBackups()
