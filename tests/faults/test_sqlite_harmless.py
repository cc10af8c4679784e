"""A thousand rounds leave no trace: no file made, none changed, and the application can write.

We run as one uid, the application as another, in a folder that both may write
into: whatever SQLite wanted to make there, it could.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.sqlite import (
    APPLICATION_UID,
    SUFFIXES,
    WATCHER_UID,
    Application,
    age,
    listing,
    open_folder,
    visit,
)
from tests.support.sqlite_watcher import Watcher

ROUNDS = 1000


@pytest.fixture(scope="module")
def watcher() -> Iterator[Watcher]:
    with Watcher(WATCHER_UID) as process:
        yield process


@pytest.fixture
def folder() -> Iterator[Path]:
    with open_folder() as made:
        yield made


def made(folder: Path, mode: str) -> Path:
    """Make a database as the application's uid does, and close it."""
    path = folder / "app.db"
    with Application(path, APPLICATION_UID) as application:
        application.open(mode)
        application.execute("CREATE TABLE t (x)")
        application.execute("INSERT INTO t VALUES (1)")
        application.close()
    age(path)
    return path


def owners(folder: Path) -> set[int]:
    return {entry.stat().st_uid for entry in folder.iterdir()}


def names(folder: Path) -> set[str]:
    return {entry.name for entry in folder.iterdir()}


@pytest.mark.parametrize("mode", ["wal", "delete", "truncate", "persist"])
def test_a_closed_database_is_as_it_was(watcher: Watcher, folder: Path, mode: str) -> None:
    path = made(folder, mode)
    before = listing(folder)
    assert watcher.rounds(path, ROUNDS) == []
    assert listing(folder) == before
    with Application(path, APPLICATION_UID) as application:
        application.open()
        application.execute("INSERT INTO t VALUES (2)")


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_an_open_database_is_as_it_was(watcher: Watcher, folder: Path, mode: str) -> None:
    path = made(folder, mode)
    with Application(path, APPLICATION_UID) as application:
        application.open()
        application.execute("INSERT INTO t VALUES (2)")
        before = listing(folder)
        assert watcher.rounds(path, ROUNDS) == []
        assert listing(folder) == before
        application.execute("INSERT INTO t VALUES (3)")
        application.close()
    expected = {"app.db"}  # the application's own close still tidies up
    assert names(folder) == expected


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_a_writer_goes_on_and_owns_all_its_files(watcher: Watcher, folder: Path, mode: str) -> None:
    path = made(folder, mode)
    inode = path.stat().st_ino
    with Application(path, APPLICATION_UID) as application:
        application.open()
        application.execute("PRAGMA synchronous = NORMAL")
        watcher.start(path, ROUNDS)
        for _ in range(500):
            application.sure("connection.execute('INSERT INTO t VALUES (1)'); time.sleep(0.002)")
        assert watcher.finish() == []
        assert owners(folder) == {APPLICATION_UID}
        assert path.stat().st_ino == inode
        application.execute("INSERT INTO t VALUES (3)")
        application.close()
    assert owners(folder) == {APPLICATION_UID}
    assert names(folder) <= {f"app.db{suffix}" for suffix in SUFFIXES}


def test_an_application_that_opens_and_closes_all_the_time_is_never_locked_out(
    watcher: Watcher, folder: Path
) -> None:
    # The race of all races: -wal is there when we look and gone when SQLite opens it.
    path = made(folder, "wal")
    with Application(path, APPLICATION_UID) as application:
        watcher.start(path, ROUNDS)
        for _ in range(500):
            application.sure(
                "connection = opened(); connection.execute('INSERT INTO t VALUES (1)'); "
                "connection.close()"
            )
            assert owners(folder) == {APPLICATION_UID}
        failures = watcher.finish()
        application.open()
        application.execute("INSERT INTO t VALUES (2)")
        application.close()
    assert owners(folder) == {APPLICATION_UID}
    assert [each for each in failures if each.get("code") != "SQLITE_BUSY"] == []
    assert len(failures) < ROUNDS / 100


def test_a_killed_application_s_files_are_left_for_it_to_recover(
    watcher: Watcher, folder: Path
) -> None:
    path = made(folder, "wal")
    with Application(path, APPLICATION_UID) as application:
        application.open()
        application.execute("INSERT INTO t VALUES (2)")
        application.kill()
    before = listing(folder)
    assert watcher.rounds(path, ROUNDS) == []
    assert listing(folder) == before
    Path(f"{path}-shm").unlink()
    age(path)
    before = listing(folder)
    assert all("trouble" in each for each in watcher.rounds(path, 100))
    assert listing(folder) == before
    with Application(path, APPLICATION_UID) as application:
        application.open()
        application.sure("assert connection.execute('SELECT count(*) FROM t').fetchone() == (2,)")
        application.execute("INSERT INTO t VALUES (3)")


STEPS = {
    "open": "connection = opened(busy=0.1)",
    "write": "connection.execute('CREATE TABLE u%d (x)')",
    "checkpoint": "connection.execute('PRAGMA wal_checkpoint(TRUNCATE)').fetchall()",
    "wal": "connection.execute('PRAGMA journal_mode = wal').fetchall()",
    "delete": "connection.execute('PRAGMA journal_mode = delete').fetchall()",
    "persist": "connection.execute('PRAGMA journal_mode = persist').fetchall()",
    "vacuum": "connection.execute('VACUUM')",
    "begin": "connection.execute('BEGIN IMMEDIATE')",
    "rollback": "connection.rollback()",
    "close": "connection.close()",
}


COUNT = "connection.execute('SELECT count(*) FROM sqlite_master').fetchone()[0]"


@pytest.mark.parametrize("seed", range(2))
def test_whatever_the_application_does_rounds_are_true_and_harmless(
    watcher: Watcher, folder: Path, seed: int
) -> None:
    chance = random.Random(seed)
    path = made(folder, chance.choice(["wal", "delete"]))
    application = Application(path, APPLICATION_UID)
    try:
        application.sure(STEPS["open"])
        for number in range(60):
            step = chance.choice([*STEPS, "write", "kill"])
            if step == "kill":
                application.kill()
                application = Application(path, APPLICATION_UID)
                application.sure(STEPS["open"])
            else:  # some are refused, after a close for example: that is part of it
                application.do(STEPS[step] % number if step == "write" else STEPS[step])
            assert watcher.rounds(path, 3) == [], f"after {step}, step {number}"
            seen = asyncio.run(visit(path)).values()["tables"]
            answer = application.do(f"assert connection.in_transaction or {COUNT} == {seen}")
            assert not answer.startswith("AssertionError"), f"after {step}, step {number}"
            assert owners(folder) == {APPLICATION_UID}, f"after {step}, step {number}"
        application.end()  # it may still have a transaction open somewhere
        application = Application(path, APPLICATION_UID)
        application.open()
        application.execute("INSERT INTO t VALUES (9)")
    finally:
        application.end()
