"""Where a copy is to be restored to: what is there, and whether that may be.

Owns: looking at the file before anything is done, and the refusals that
follow: somebody has it open, it holds something, it is another application's,
the disk is too small. Blocking, for slot threads. Must not know: how the
restore is done.
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from watchdog import units
from watchdog.engines.sqlite.files import Files, survey, uri
from watchdog.engines.sqlite.openers import openers
from watchdog.engines.sqlite.reading import Progress, Way, read
from watchdog.engines.sqlite.troubles import SqliteTrouble
from watchdog.model import Phase

SIDECARS: Final = ("-wal", "-shm", "-journal")
NONEMPTY: Final = "restore_into_nonempty"

_BUSY: Final = 5.0
_LOOKS: Final = 4
_PAUSE: Final = 0.1
_RESERVE: Final = 1 << 20  # bytes that are left to others on the disk
_TABLES: Final = r"""
SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\'
"""


@dataclass(frozen=True, slots=True)
class Content:
    """What a database file says of itself; ``things`` counts tables, views and the like."""

    application_id: int
    tables: frozenset[str]
    things: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where it goes; ``old`` is the database there, ``full`` whether it holds something."""

    path: Path
    old: Files | None
    full: bool
    needed_bytes: int
    free_bytes: int


def look(path: str, artefact: Path, progress: Progress, *, replace: bool, needed: int) -> Place:
    """Look at the place and refuse what may not be restored to.

    Raises ``SqliteTrouble``, ``sqlite3.Error``, ``OSError``.
    """
    real = Path(os.path.realpath(path))
    old, full = _old(real, artefact, progress, replace=replace)
    progress.enter(Phase.PREFLIGHT)
    if old is not None and os.geteuid() not in (0, old.main.owner):
        raise SqliteTrouble(
            f"{real} belongs to uid {old.main.owner}, who may not be able to use a file of uid"
            f" {os.geteuid()}: restore as that user or as root",
            code="EPERM",
            component=str(real),
        )
    refuse_if_open(real)
    stat = os.statvfs(real.parent)
    free = stat.f_bavail * stat.f_frsize
    if free < needed + _RESERVE:
        raise SqliteTrouble(
            f"no space to restore to {real}: {units.size(needed)} are needed in {real.parent},"
            f" {units.size(free)} are left: free some first",
            code="ENOSPC",
            hint="backup_no_space",
            component=str(real.parent),
        )
    return Place(real, old, full, needed, free)


def refuse_if_open(place: Path) -> None:
    """Raise ``SqliteTrouble`` if a process has the database or a file beside it open."""
    names = [place, *(place.with_name(place.name + suffix) for suffix in SIDECARS)]
    found = openers(names)
    for _ in range(_LOOKS - 1):
        # Who only reads now and then, as we do ourselves, is gone at the next look.
        if not found:
            return
        time.sleep(_PAUSE)
        again = openers(names)
        found = {pid: name for pid, name in again.items() if pid in found}
    if found:
        raise in_use(place, ", ".join(found.values()))


def in_use(place: Path, who: str) -> SqliteTrouble:
    """Return the refusal of a file that *who* has open."""
    return SqliteTrouble(
        f"{place} or a file beside it is open in {who}: stop it, then restore",
        code="EBUSY",
        hint="sqlite_busy",
        component=str(place),
    )


def content_of(artefact: Path) -> Content:
    """Return what a file of our own holds."""
    source = uri(str(artefact.absolute()), mode="ro", immutable="1")
    with closing(sqlite3.connect(source, uri=True)) as connection:
        return _content(connection)


def _old(
    place: Path, artefact: Path, progress: Progress, *, replace: bool
) -> tuple[Files | None, bool]:
    """Return the database that is there, ``None`` for none, and whether it holds something."""
    if not os.path.lexists(place):
        if not place.parent.is_dir():
            survey(str(place))  # raises, and says which directory is missing
        return None, False
    if replace:
        return _replaced(place, artefact, progress)
    seen = read(str(place), _content, busy=_BUSY, progress=progress)
    files, things = seen.files, seen.value.things if seen.value else 0
    if not _leftovers(files) and (seen.way is Way.EMPTY or (seen.way.opened and not things)):
        return files, False
    what = f"holds {things} tables and views" if things else "may hold data"
    raise SqliteTrouble(
        f"{place} exists and {what}: restore to another path, or replace it with --force,"
        " which keeps the old one aside",
        code="EEXIST",
        hint=NONEMPTY,
        component=str(place),
    )


def _replaced(place: Path, artefact: Path, progress: Progress) -> tuple[Files | None, bool]:
    files = survey(str(place))
    refuse_if_open(place)
    try:
        seen = read(str(place), _content, busy=_BUSY, progress=progress)
    except (SqliteTrouble, sqlite3.Error) as error:
        if getattr(error, "code", getattr(error, "sqlite_errorname", "")) == "SQLITE_BUSY":
            raise
        # Damaged, maybe beyond being read: that is what it is replaced for.
        return files, True
    if seen.value is not None:
        _refuse_stranger(place, seen.value, content_of(artefact))
    empty = seen.way is Way.EMPTY or (seen.value is not None and not seen.value.things)
    return files, bool(_leftovers(files)) or not empty


def _refuse_stranger(place: Path, there: Content, ours: Content) -> None:
    what = ""
    if there.application_id != ours.application_id and there.application_id and ours.application_id:
        what = f"its application_id is {there.application_id}, the backup's {ours.application_id}"
    elif there.tables and ours.tables and not there.tables & ours.tables:
        shown = ", ".join(sorted(there.tables)[:5])
        what = f"it has not one table of the backup's ({shown})"
    if what:
        raise SqliteTrouble(
            f"{place} is the database of another application: {what}. If it is really to go, move"
            " it away yourself, with its -wal and -shm, while nothing has it open",
            code="EEXIST",
            hint=NONEMPTY,
            component=str(place),
        )


def _leftovers(files: Files) -> bool:
    return any(each is not None and each.size for each in (files.wal, files.journal))


def _content(connection: sqlite3.Connection) -> Content:
    (application_id,) = connection.execute("PRAGMA application_id").fetchone()
    (things,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    tables = frozenset(str(row[0]) for row in connection.execute(_TABLES))
    return Content(int(application_id), tables, int(things))
