"""A folder of SQLite files that applications of another uid own is as it was, after many rounds."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.daemon import Daemon, wait_until
from tests.support.sqlite import (
    APPLICATION_UID,
    SUFFIXES,
    Application,
    crashed_wal,
    listing,
    make_database,
    open_folder,
)

ROUNDS = 1000
PROBE = {"interval": "200ms", "timeout": "190ms"}


@pytest.fixture
def folder() -> Iterator[Path]:
    with open_folder() as made:
        yield made


def owned(path: Path) -> Path:
    """Give a database to the application's uid."""
    for suffix in SUFFIXES:
        if Path(f"{path}{suffix}").exists():
            os.chown(f"{path}{suffix}", APPLICATION_UID, APPLICATION_UID)
    return path


def test_a_thousand_rounds_of_the_daemon_leave_no_trace(folder: Path, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can have an application of another uid")
    modes = ("wal", "delete")
    closed = [owned(make_database(folder / f"closed{n}.db", modes[n % 2])) for n in range(10)]
    still = [owned(make_database(folder / f"still{n}.db", modes[n % 2])) for n in range(4)]
    busy = [owned(make_database(folder / f"busy{n}.db", modes[n % 2])) for n in range(4)]
    crashed = owned(crashed_wal(folder / "crashed.db"))
    files = [*closed, *still, *busy, crashed]
    targets = [{"name": p.stem, "url": f"sqlite:///{p}", "probe": PROBE} for p in files]
    with ExitStack() as stack:
        readers = [stack.enter_context(Application(path, APPLICATION_UID)) for path in still]
        writers = [stack.enter_context(Application(path, APPLICATION_UID)) for path in busy]
        for application in readers + writers:
            application.open()
            application.execute("INSERT INTO t VALUES (2)")
        before = listing(folder)
        daemon = stack.enter_context(Daemon(tmp_path, {"targets": targets}))
        for application in writers:
            application.start(
                "end = time.monotonic() + 6; "
                "[(connection.execute('INSERT INTO t VALUES (3)'), time.sleep(0.01))"
                " for _ in iter(lambda: time.monotonic() < end, False)]"
            )
        for application in writers:
            assert application.answer() == "ok", "a writer was disturbed"
        wait_until(
            lambda: (daemon.metric("watchdog_runner_runs_total", lane="probes") or 0) >= ROUNDS,
            f"{ROUNDS} rounds were made",
        )
        assert daemon.stop() == 0
        after = listing(folder)
        # what nobody used is as it was to the last nanosecond, the -wal of an open one included
        quiet = {name for name in before if not name.startswith("busy")}
        assert {name: after.get(name) for name in quiet} == {name: before[name] for name in quiet}
        allowed = {f"{path.name}{suffix}" for path in busy for suffix in SUFFIXES}
        assert set(after) - allowed == quiet
        for name, (inode, uid, *_rest) in after.items():
            assert uid == APPLICATION_UID, name
            if name in before and "-journal" not in name:
                assert inode == before[name][0], name
        # the next write of every application works, of those too that were closed or killed
        for application in readers + writers:
            application.execute("INSERT INTO t VALUES (4)")
            application.close()
        for path in [*closed, crashed]:
            application = stack.enter_context(Application(path, APPLICATION_UID))
            application.open()
            application.execute("INSERT INTO t VALUES (5)")
            application.close()
        assert set(listing(folder)) == {path.name for path in files}
    assert daemon.tracebacks == ""


def test_a_backup_leaves_no_trace_beside_the_database(folder: Path, tmp_path: Path) -> None:
    files = [owned(make_database(folder / f"{mode}.db", mode)) for mode in ("wal", "delete")]
    backup = {"directory": "backups", "schedule": "@every 6h", "run_on_start": True}
    targets = [{"name": p.stem, "url": f"sqlite:///{p}", "backup": backup} for p in files]
    before = listing(folder)
    with Daemon(tmp_path, {"targets": targets}) as daemon:
        for path in files:
            wait_until(
                lambda name=path.stem: daemon.metric("watchdog_backups", target=name) == 1,
                "it is backed up",
            )
        time.sleep(0.2)
        assert daemon.stop() == 0
    assert listing(folder) == before
