"""A restore for a drill on a server that lacks extensions of the source.

Owns: leaving them out of the archive's list, and what that costs in words.
What needs them fails with them; whether the rows came back all the same, the
counts tell. Must not know: what is counted, where the place is from.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import Final

from watchdog.database_url import PostgresqlUrl
from watchdog.engines.postgresql import archive as archives
from watchdog.engines.postgresql.archive import Wanted
from watchdog.model import Target

_ENTRY: Final = re.compile(
    r"^\d+; \d+ \d+ (?:EXTENSION - (?P<made>.+?)|COMMENT - EXTENSION (?P<told>.+?)) *$"
)
_IGNORED: Final = re.compile(r"errors ignored on restore: (\d+)")


async def restore(
    artefact: Path,
    to: PostgresqlUrl,
    target: Target | None,
    server_major: int,
    missing: Collection[str],
) -> tuple[str, ...]:
    """Restore *artefact* into the empty database *to* as far as it goes; return what was left out.

    Raises ``ActionFailed`` for an archive that cannot be read.
    """
    archive = await archives.look(artefact, to, server_major)
    kept = [line for line in archive.listing.splitlines() if not _is_of(line, missing)]
    with tempfile.NamedTemporaryFile("w", prefix="db-watchdog-list-", suffix=".txt") as contents:
        await asyncio.to_thread(_write, contents, "\n".join(kept) + "\n")
        wanted = Wanted(owners=False, patient=True, contents=Path(contents.name))
        done = await archives.pg_restore(archive, to, target, wanted, lambda _: None)
    found = _IGNORED.search(done.stderr)
    lost = f", and {found[1]} statements failed without them" if found else ""
    names = ", ".join(sorted(missing))
    return (f"restored without the extensions {names}, which are not there{lost}",)


def _write(file: tempfile._TemporaryFileWrapper[str], text: str) -> None:
    file.write(text)
    file.flush()


def _is_of(line: str, missing: Collection[str]) -> bool:
    match = _ENTRY.match(line)
    return match is not None and (match["made"] or match["told"]) in missing
