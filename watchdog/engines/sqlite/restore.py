"""Restoring a copy, whole or not at all.

Owns: the order of the steps, publishing the restored file under its name,
and keeping aside what was there. Blocking, for slot threads. Must not know:
which backup it is.

The restored file gets the mode and owner of the file that it replaces; where
there was none, the mode that SQLite itself would give it (0644 less the
umask), and, if root restores, the owner of the directory: a root-owned file
would lock the application out.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from watchdog.engines.sqlite import place as places
from watchdog.engines.sqlite.files import Files, uri
from watchdog.engines.sqlite.picking import pick
from watchdog.engines.sqlite.place import SIDECARS, Place, in_use, look, refuse_if_open
from watchdog.engines.sqlite.reading import Progress
from watchdog.engines.sqlite.troubles import SqliteTrouble
from watchdog.model import Phase
from watchdog.process import Companion, Silent
from watchdog.restoration import Restored, RestoreOptions, RestorePlan, Step

_CHUNK: Final = 4 << 20
_PROGRAM: Final = str(Path(__file__).with_name("_swap_child.py"))
_RECOVERY: Final = 3600.0  # seconds that SQLite may take for what a crash left


def plan(artefact: Path, path: str, options: RestoreOptions, progress: Progress) -> RestorePlan:
    """Look what would be done. Raises as ``bring_back`` does."""
    place = _look(artefact, path, options, progress)
    aside = _aside(place.path).name if place.full else ""
    lines = [f"write {place.path}"]
    if aside:
        lines = [f"write a new file beside {place.path}, which takes its place in one step"]
        lines.append(f"keep the old {place.path.name} as {aside}, until you remove it")
    return RestorePlan(place.path.name, aside, place.needed_bytes, place.free_bytes, tuple(lines))


def bring_back(
    artefact: Path,
    path: str,
    options: RestoreOptions,
    progress: Progress,
    report: Callable[[int], None],
) -> Restored:
    """Restore *artefact* to *path* as wanted.

    Raises ``SqliteTrouble`` with what to do, ``sqlite3.Error``, ``OSError``.
    """
    place = _look(artefact, path, options, progress)
    partial = place.path.with_name(f".{place.path.name}.{os.getpid()}.partial")
    _sweep(place.path)
    progress.enter(Phase.COPY)
    options.step(Step.DATA)
    try:
        _write(artefact, partial, progress, report)
        progress.enter(Phase.VERIFY)
        _verify(partial, progress)
        if options.tables:
            pick(partial, options.tables, progress)
        _dress(partial, place.path, place.old)
        _stop_if_cancelled(progress)
        progress.enter(Phase.PUBLISH)
        refuse_if_open(place.path)
        if place.full:
            options.step(Step.SWAP)
            aside = place.path.with_name(options.kept_aside or _aside(place.path).name)
            return _take_place(partial, place.path, aside)
        _publish(partial, place.path, place.old)
        return Restored()
    finally:
        for each in (partial, *_beside(partial)):
            each.unlink(missing_ok=True)


def _look(artefact: Path, path: str, options: RestoreOptions, progress: Progress) -> Place:
    if not artefact.is_file():
        raise SqliteTrouble(
            f"the backup {artefact} is not there",
            code="ENOENT",
            hint="backup_file_missing",
            component=str(artefact),
        )
    progress.enter(Phase.PREFLIGHT)
    size = artefact.stat().st_size
    needed = 2 * size if options.tables else size  # a file with less is written out of a whole one
    return look(path, artefact, progress, replace=options.replace, needed=needed)


def _aside(place: Path) -> Path:
    return place.with_name(f"{place.name}.before-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")


def _beside(path: Path) -> list[Path]:
    return [path.with_name(path.name + suffix) for suffix in SIDECARS]


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
    pattern = re.compile(rf"\.{re.escape(place.name)}\.(\d+)\.partial(?:-\w+)?")
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
        _copy_attributes(place, partial)
    else:
        umask = os.umask(0o077)
        os.umask(umask)
        directory = place.parent.stat()
        mode, owner, group = 0o644 & ~umask, directory.st_uid, directory.st_gid
    if os.geteuid() == 0:
        os.chown(partial, owner, group)
    elif old is not None and partial.stat().st_gid != group:
        os.chown(partial, -1, group)
    partial.chmod(mode)


def _copy_attributes(source: Path, destination: Path) -> None:
    """Carry over access lists and security labels, where the file system has them."""
    with contextlib.suppress(OSError):
        for name in os.listxattr(source):
            with contextlib.suppress(OSError):
                os.setxattr(destination, name, os.getxattr(source, name))


def _publish(partial: Path, place: Path, old: Files | None) -> None:
    """Put the file where there is none, or an empty one."""
    # A new database would otherwise be mispaired with what an old one left.
    for path in _beside(place):
        path.unlink(missing_ok=True)
    if old is None:
        try:
            os.link(partial, place)  # unlike rename, it never replaces what has just appeared
        except FileExistsError:
            raise SqliteTrouble(
                f"{place} has just been made by somebody else: nothing was restored",
                code="EEXIST",
                hint=places.NONEMPTY,
                component=str(place),
            ) from None
        partial.unlink()
    else:
        partial.rename(place)
    descriptor = os.open(place.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _take_place(partial: Path, place: Path, aside: Path) -> Restored:
    """Have the child put the file in place of one that holds something."""
    ready = partial.stat()
    child = Companion([sys.executable, "-I", "-S", _PROGRAM])
    try:
        request = " ".join(os.fsencode(each).hex() for each in (place, aside, partial))
        word, *rest = child.ask(request, _RECOVERY).split()
    except Silent as error:
        # It may have been killed after it had done it.
        if not os.path.samestat(ready, place.stat()):
            raise SqliteTrouble(
                f"the child that was to replace {place} has ended: the old database is as it was;"
                " restore again",
                code="SQLITE_INTERRUPT",
                component=str(place),
            ) from error
        word, rest = "ok", []
    finally:
        child.end()
    if word == "busy":
        raise in_use(place, "a process that this one cannot see")
    if word == "error":
        number = int(rest[0])
        raise OSError(number, os.strerror(number), os.fsdecode(bytes.fromhex(rest[1])))
    notes: list[str] = []
    if word == "kept":
        notes.append(
            f"what a crash left beside the old database could not be taken into it ({rest[0]}):"
            f" it is kept beside {aside.name}, as it was found"
        )
    return Restored(tuple(notes), str(aside), _way_back(place, aside))


def _way_back(place: Path, aside: Path) -> tuple[str, ...]:
    """Return the commands that undo it, for when nothing has the database open."""
    new, old = shlex.quote(str(place)), shlex.quote(str(aside))
    gone = shlex.quote(f"{place}.restored-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
    ends = "'' -wal -shm -journal"
    return (
        f"for end in {ends}; do [ ! -e {new}$end ] || mv -- {new}$end {gone}$end; done",
        f"for end in {ends}; do [ ! -e {old}$end ] || mv -- {old}$end {new}$end; done",
    )
