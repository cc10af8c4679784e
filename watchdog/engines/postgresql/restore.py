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
from watchdog.engines.postgresql import contents, swap
from watchdog.engines.postgresql import place as places
from watchdog.engines.postgresql.archive import Archive, Wanted
from watchdog.engines.postgresql.filling import Filling
from watchdog.engines.postgresql.place import NONEMPTY, Place
from watchdog.restoration import Restored, RestoreOptions, RestorePlan

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
        if place.unfinished:
            await swap.drop(administration, to.database)
            place = replace(place, there=None)
        filling = Filling(archive, to, options, place, progress)
        with tempfile.TemporaryDirectory(prefix="db-watchdog-") as folder:
            selected, left_out = await _selected(archive, options, Path(folder))
            wanted = Wanted(jobs=options.jobs, contents=selected)
            done = await filling.run(administration, wanted)
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


def _size(artefact: Path) -> int:
    if artefact.is_dir():
        return sum(each.stat().st_size for each in artefact.iterdir())
    return artefact.stat().st_size
