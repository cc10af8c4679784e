"""How long a writer has to wait, tried as a writer does: only where it is asked for.

Owns: ``BEGIN IMMEDIATE`` and ``ROLLBACK`` on a connection opened for writing,
in a way that writes nothing and leaves nothing behind. Blocking, for slot
threads. Must not know: targets, probes, the loop.

In WAL mode it is done only while an application has the file open, so that no
``-wal`` of ours is made, and under the keeper's shared lock, so that closing
our connection checkpoints and removes nothing. In rollback mode ``BEGIN
IMMEDIATE`` takes the reserved lock and makes no file; beside a journal without
a writer it is left alone, for opening would roll that back.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from typing import Final

from watchdog.engines.sqlite.files import survey, uri
from watchdog.engines.sqlite.keeper import borrow
from watchdog.engines.sqlite.wal_index import in_use

_TURN: Final = 0.002  # seconds between two tries: what the answer is exact to


def wait_for_write_lock(path: str, longest: float) -> tuple[float, bool] | None:
    """Return how long the write lock took, in seconds, and whether it came at all.

    ``None`` where asking could do harm: a journal of a crash, a file that
    somebody is just opening, a network file system. Gives up after *longest*
    seconds. Raises ``sqlite3.Error`` (of a file that may not be written:
    SQLITE_READONLY), ``OSError``, ``KeeperSilent``.
    """
    files = survey(path)
    if files.on_network or files.main.size == 0:
        return None
    with borrow() as keeper:
        live = files.wal is not None and files.shm is not None
        look = keeper.look(files.path, hold=live, wait=0.0)
        locks = look.locks
        if look.is_wal and not live:
            return (0.0, True) if files.wal is None else None  # nobody has it open
        abandoned = look.has_journal and locks.reserved is None
        if abandoned or (live and not (in_use(locks) and look.held)):
            return None
        return _try(files.path, longest)


def _try(path: str, longest: float) -> tuple[float, bool]:
    connection = sqlite3.connect(uri(path, mode="rw"), uri=True, timeout=0, isolation_level=None)
    with closing(connection):
        connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()  # opens it
        began = time.monotonic()
        while True:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                waited = time.monotonic() - began
                if not getattr(error, "sqlite_errorname", "").startswith("SQLITE_BUSY"):
                    raise
                if waited >= longest:
                    return waited, False
                time.sleep(_TURN)
            else:
                waited = time.monotonic() - began
                connection.execute("ROLLBACK")
                return waited, True
