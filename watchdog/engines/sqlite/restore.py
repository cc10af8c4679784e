"""Restoring a copy into a place where nothing is lost by it.

Owns: the refusals (a database that holds something, or that somebody has
open), and publishing the restored file whole or not at all. Blocking, for
slot threads. Must not know: which backup it is.

The restored file gets the mode and owner of the empty file it replaces;
where there was none, the mode that SQLite itself would give it (0644 less
the umask), and, if root restores, the owner of the directory: a root-owned
file would lock the application out.
"""

from __future__ import annotations

import os
import re
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

from watchdog.engines.sqlite.files import Files, survey, uri
from watchdog.engines.sqlite.reading import Progress, Way, read
from watchdog.engines.sqlite.troubles import SqliteTrouble
from watchdog.model import Phase

_CHUNK: Final = 4 << 20
_SIDECARS: Final = ("-wal", "-shm", "-journal")
_BUSY: Final = 5.0
_LOOKS: Final = 4
_PAUSE: Final = 0.1


def restore(artefact: Path, path: str, progress: Progress, report: Callable[[int], None]) -> None:
    """Restore *artefact* to *path*, which must not exist or hold nothing.

    Raises ``SqliteTrouble`` with what to do, ``sqlite3.Error``, ``OSError``.
    """
    if not artefact.is_file():
        raise SqliteTrouble(
            f"the backup {artefact} is not there",
            code="ENOENT",
            hint="backup_file_missing",
            component=str(artefact),
        )
    place = Path(os.path.realpath(path))
    old = _refuse_unless_empty(str(place), progress)
    progress.enter(Phase.PREFLIGHT)
    _refuse_if_open(place)
    partial = place.with_name(f".{place.name}.{os.getpid()}.partial")
    _sweep(place)
    progress.enter(Phase.COPY)
    try:
        _write(artefact, partial, progress, report)
        progress.enter(Phase.VERIFY)
        _verify(partial, progress)
        _dress(partial, place, old)
        _stop_if_cancelled(progress)
        progress.enter(Phase.PUBLISH)
        _refuse_if_open(place)
        _publish(partial, place, old)
    finally:
        partial.unlink(missing_ok=True)


def openers(places: list[Path]) -> dict[int, str]:
    """Return the processes that have one of *places* open, by pid, as far as /proc shows them."""
    wanted = set()
    for place in places:
        try:
            found = place.stat()
        except OSError:
            continue
        wanted.add((found.st_dev, found.st_ino))
    return {pid: name for pid, name in _processes() if wanted and _has_open(pid, wanted)}


def _processes() -> list[tuple[int, str]]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                name = (entry / "comm").read_text(errors="replace").strip()
            except OSError:
                continue  # it has ended
            found.append((int(entry.name), name))
    return found


def _has_open(pid: int, wanted: set[tuple[int, int]]) -> bool:
    try:
        descriptors = list(Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return False  # ended, or not ours to look into
    for descriptor in descriptors:
        try:
            found = descriptor.stat()
        except OSError:
            continue
        if (found.st_dev, found.st_ino) in wanted:
            return True
    return False


def _refuse_unless_empty(path: str, progress: Progress) -> Files | None:
    """Return the empty database that is there, ``None`` for none; refuse any other."""
    if not os.path.lexists(path):
        parent = Path(path).parent
        if not parent.is_dir():
            survey(path)  # raises, and says which directory is missing
        return None
    seen = read(path, _count, busy=_BUSY, progress=progress)
    files = seen.files
    leftovers = [each for each in (files.wal, files.journal) if each is not None and each.size]
    if not leftovers and (seen.way is Way.EMPTY or (seen.way.opened and seen.value == 0)):
        return files
    what = f"holds {seen.value} tables and views" if seen.value else "may hold data"
    raise SqliteTrouble(
        f"{path} exists and {what}: restore to another path, or move it away first "
        "(with its -wal and -shm, while nothing has it open)",
        code="EEXIST",
        hint="restore_into_nonempty",
        component=path,
    )


def _count(connection: sqlite3.Connection) -> int:
    (count,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return int(count)


def _refuse_if_open(place: Path) -> None:
    names = [place, *(place.with_name(place.name + suffix) for suffix in _SIDECARS)]
    found = openers(names)
    for _ in range(_LOOKS - 1):
        # Who only reads now and then, as we do ourselves, is gone at the next look.
        if not found:
            return
        time.sleep(_PAUSE)
        again = openers(names)
        found = {pid: name for pid, name in again.items() if pid in found}
    if found:
        who = ", ".join(f"{name} (pid {pid})" for pid, name in sorted(found.items()))
        raise SqliteTrouble(
            f"{place} or a file beside it is open in {who}: stop it, then restore",
            code="EBUSY",
            hint="sqlite_busy",
            component=str(place),
        )


def _write(
    artefact: Path, partial: Path, progress: Progress, report: Callable[[int], None]
) -> None:
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(partial, flags, 0o600)
    done = 0
    with artefact.open("rb") as source, os.fdopen(descriptor, "wb") as destination:
        while piece := source.read(_CHUNK):
            _stop_if_cancelled(progress)
            destination.write(piece)
            done += len(piece)
            report(done)
        destination.flush()
        os.fsync(destination.fileno())


def _sweep(place: Path) -> None:
    """Remove what restores to *place* left that were killed."""
    pattern = re.compile(rf"\.{re.escape(place.name)}\.(\d+)\.partial")
    for entry in place.parent.iterdir():
        match = pattern.fullmatch(entry.name)
        if match and not Path(f"/proc/{match[1]}").exists():
            entry.unlink(missing_ok=True)


def _stop_if_cancelled(progress: Progress) -> None:
    if progress.cancelled.is_set():
        raise SqliteTrouble("the restore was cancelled", code="SQLITE_INTERRUPT")


def _verify(partial: Path, progress: Progress) -> None:
    source = uri(str(partial), mode="ro", immutable="1")
    opened = sqlite3.connect(source, uri=True, check_same_thread=False)
    with closing(opened) as connection:
        progress.use(connection)  # so that a cancelled restore need not wait for it
        try:
            rows = [str(row[0]) for row in connection.execute("PRAGMA quick_check(5)")]
        finally:
            progress.use(None)
    if rows != ["ok"]:
        raise SqliteTrouble(
            f"the backup is damaged: {'; '.join(rows)}; restore another one",
            code="SQLITE_CORRUPT",
            hint="sqlite_corrupt",
        )


def _dress(partial: Path, place: Path, old: Files | None) -> None:
    """Give the file the mode and owner that its application expects."""
    if old is not None:
        mode, owner, group = old.main.mode, old.main.owner, old.main.group
    else:
        umask = os.umask(0o077)
        os.umask(umask)
        directory = place.parent.stat()
        mode, owner, group = 0o644 & ~umask, directory.st_uid, directory.st_gid
    if os.geteuid() == 0:
        os.chown(partial, owner, group)
    partial.chmod(mode)


def _publish(partial: Path, place: Path, old: Files | None) -> None:
    if old is None:
        # A new database would otherwise be mispaired with what an old one left.
        for suffix in _SIDECARS:
            place.with_name(place.name + suffix).unlink(missing_ok=True)
        try:
            os.link(partial, place)  # unlike rename, it never replaces what has just appeared
        except FileExistsError:
            raise SqliteTrouble(
                f"{place} has just been made by somebody else: nothing was restored",
                code="EEXIST",
                hint="restore_into_nonempty",
                component=str(place),
            ) from None
        partial.unlink()
    else:
        for suffix in _SIDECARS:
            place.with_name(place.name + suffix).unlink(missing_ok=True)
        partial.rename(place)
    descriptor = os.open(place.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
