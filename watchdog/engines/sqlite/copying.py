"""The consistent copy of a live database.

Owns: the online backup in one held read transaction, and making the copy a
file of its own: no sidecars, rollback mode, so that reading it never creates
one. Blocking, for slot threads; the source is opened by the rules of
``reading`` and by nothing else. Must not know: where backups are kept.

The transaction is held on the *source* connection: without it every commit
of another process starts the copy afresh, for ever
(https://www.sqlite.org/backup.html).
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from watchdog.content import Content
from watchdog.engines.sqlite import counting
from watchdog.engines.sqlite.files import Files, uri
from watchdog.engines.sqlite.reading import Progress, Way, read
from watchdog.engines.sqlite.troubles import SqliteTrouble
from watchdog.model import ActionFailed, Failure, Kind, Phase, ProofMode

# 4 MiB of the usual pages: long enough to be as fast as in one piece, short
# enough to stop within a second on a slow disk.
_PAGES_PER_STEP: Final = 1000
_TABLES: Final = r"""
SELECT count(*) FROM sqlite_master
 WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\'
"""
_SIDECARS: Final = ("-wal", "-shm", "-journal")


@dataclass(frozen=True, slots=True)
class Copied:
    """What a copy holds. ``stalled`` is how long commits of others had to wait, in seconds."""

    recovery_point: datetime
    tables: int
    content: Content
    page_size: int
    pages: int
    way: Way
    wal_mode: bool
    seconds: float
    stalled: float
    on_network: str  # kind of the network file system, "" for a local one
    source: Files  # what was copied: the path may lead elsewhere by now


@dataclass(slots=True)
class _Copy:
    """One attempt; the destination is begun anew by the next."""

    into: Path
    progress: Progress
    report: Callable[[int], None]
    mode: ProofMode
    recovery_point: datetime | None = None
    tables: int = 0
    content: Content = field(default_factory=Content)
    page_size: int = 0
    pages: int = 0
    seconds: float = 0.0

    def __call__(self, source: sqlite3.Connection) -> None:
        began = time.monotonic()
        self.progress.moves()
        self.recovery_point = datetime.now(UTC)
        source.execute("BEGIN")
        try:
            self.tables = count_tables(source)  # the read that begins the transaction
            (self.page_size,) = source.execute("PRAGMA page_size").fetchone()
            self.progress.enter(Phase.COPY)
            create(self.into)
            with opened(self.into) as destination:
                try:
                    source.backup(destination, pages=_PAGES_PER_STEP, progress=self._step)
                except sqlite3.OperationalError as error:
                    self._stop_if_cancelled()
                    raise _of_destination(error, self.into) from error
            # After the copy, which has brought the pages into memory. A large table is
            # counted in one breath.
            self.progress.moves(unseen=True)
            self.content = self._counted(source)
        finally:
            if source.in_transaction:
                source.execute("ROLLBACK")
            self.seconds = time.monotonic() - began

    def _counted(self, source: sqlite3.Connection) -> Content:
        (journal,) = source.execute("PRAGMA journal_mode").fetchone()
        # What is read without a lock keeps nobody from writing.
        blocking = journal != "wal" and self.progress.moved is bool
        reason = counting.why_not(self.mode, self.pages * self.page_size, blocking=blocking)
        digests = self.mode is ProofMode.DIGESTS
        return counting.count(source, digests=digests, stop=self._stop, reason=reason)

    def _stop(self) -> None:
        self._stop_if_cancelled()
        if self.progress.moved():
            raise SqliteTrouble("somebody writes meanwhile", code="SQLITE_BUSY")

    def _step(self, _status: int, remaining: int, total: int) -> None:
        self._stop()
        self.progress.moves()
        self.pages = total
        self.report((total - remaining) * self.page_size)

    def _stop_if_cancelled(self) -> None:
        if self.progress.cancelled.is_set():
            raise SqliteTrouble("the copy was cancelled", code="SQLITE_INTERRUPT")


def copy(
    path: str,
    into: Path,
    *,
    busy: float,
    progress: Progress,
    report: Callable[[int], None],
    mode: ProofMode = ProofMode.AUTO,
) -> Copied:
    """Copy the database at *path* to the new file *into*, mode 0600, and count what is in it.

    Raises ``SqliteTrouble``, ``ActionFailed``, ``sqlite3.Error``, ``OSError``; what
    is left of *into* then is for the caller to remove.
    """
    work = _Copy(into, progress, report, mode)
    seen = read(path, work, busy=busy, progress=progress, immutable_attempts=1, network=True)
    if seen.way is Way.EMPTY:
        raise SqliteTrouble(
            f"nothing to back up: {path} is a file of zero bytes; is it the right path?",
            code="SQLITE_EMPTY",
            hint="sqlite_no_such_table",
            component=path,
        )
    if seen.way is Way.UNRECOVERED:
        raise SqliteTrouble(
            f"a crash left {seen.files.path}-wal, which only a writer can take in: open {path} "
            "once with its application, then back up again",
            code="SQLITE_READONLY_CANTINIT",
            hint="sqlite_needs_recovery",
        )
    if not work.content.schema:
        raise no_tables(path)
    assert work.recovery_point is not None
    progress.enter(Phase.COPY)
    make_standalone(into)
    progress.finish()
    blocked = seen.way is Way.SHARED and not seen.wal_mode
    mount = seen.files.mount
    return Copied(
        work.recovery_point,
        work.tables,
        work.content,
        work.page_size,
        work.pages,
        seen.way,
        bool(seen.wal_mode),
        work.seconds,
        work.seconds if blocked else 0.0,
        mount.kind if mount is not None and mount.is_network else "",
        seen.files,
    )


def no_tables(path: str) -> SqliteTrouble:
    """Return the trouble of a source that holds nothing: most likely it is the wrong one."""
    return SqliteTrouble(
        f"nothing to back up: {path} has no table; is it the right path?",
        code="SQLITE_EMPTY",
        hint="sqlite_no_such_table",
        component=path,
    )


def create(into: Path) -> None:
    """Make *into* an empty file of ours alone, without what an earlier attempt left of it."""
    discard(into)
    os.close(os.open(into, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))


def discard(path: Path) -> None:
    """Remove a file of ours and its sidecars."""
    for suffix in ("", *_SIDECARS):
        Path(f"{path}{suffix}").unlink(missing_ok=True)


class opened:  # noqa: N801 - reads as a phrase: with opened(path)
    """A connection to a file of ours; closed at the end of the block."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(
            uri(str(path), mode="rw"), uri=True, isolation_level=None
        )

    def __enter__(self) -> sqlite3.Connection:
        return self._connection

    def __exit__(self, *_: object) -> None:
        self._connection.close()


def make_standalone(into: Path) -> None:
    """Put the copy into rollback mode: one of a WAL database would grow sidecars when read."""
    with opened(into) as connection:
        (mode,) = connection.execute("PRAGMA journal_mode = DELETE").fetchone()
        if mode != "delete":
            raise SqliteTrouble(
                f"the copy stayed in journal mode {mode}: {into}", code="SQLITE_ERROR"
            )
    left = [suffix for suffix in _SIDECARS if Path(f"{into}{suffix}").exists()]
    if left:
        raise SqliteTrouble(f"{', '.join(left)} stayed beside the copy {into}", code="SQLITE_ERROR")


def _of_destination(error: sqlite3.OperationalError, into: Path) -> BaseException:
    """Return *error* as what it is: only the copy is written, so a full disk is the copy's."""
    code = getattr(error, "sqlite_errorname", "")
    if code.startswith(("SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_FSYNC")):
        text = f"{error} while writing the copy in {into.parent}"
        facts = {"path": str(into), "directory": str(into.parent)}
        hint = "backup_no_space" if code == "SQLITE_FULL" else ""
        return ActionFailed(Failure(Kind.BACKUP, text, Phase.COPY, code, hint, facts))
    return error


def count_tables(connection: sqlite3.Connection) -> int:
    """Return the number of tables that are not SQLite's own."""
    (number,) = connection.execute(_TABLES).fetchone()
    return int(number)
