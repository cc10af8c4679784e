"""Who reads, who writes and what waits in the log, seen from outside on live files."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.sqlite import (
    APPLICATION_UID,
    Application,
    crashed_wal,
    hot_journal,
    listing,
    make_database,
    open_folder,
    target_of,
    visit,
)
from watchdog.engines.sqlite import activity, processes
from watchdog.engines.sqlite.locking import wait_for_write_lock
from watchdog.engines.sqlite.probes import holders, wal, writing
from watchdog.model import Failure

BLOB = "INSERT INTO t VALUES (zeroblob(20000))"


class Steps:
    """A monotonic clock that goes on as it is told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Steps:
    steps = Steps()
    monkeypatch.setattr(wal, "time", steps)
    monkeypatch.setattr(writing, "time", steps)
    return steps


@pytest.fixture
def application(tmp_path: Path) -> Iterator[Application]:
    with Application(tmp_path / "a.db") as started:
        started.open("wal")
        started.execute("PRAGMA wal_autocheckpoint = 0")
        started.execute("CREATE TABLE t (x)")
        yield started


async def troubles(path: Path, hint: str) -> list[Failure]:
    found = await visit(path)
    return [
        trouble
        for answer in found.answers.values()
        for trouble in answer.troubles
        if trouble.hint == hint
    ]


async def test_frames_wait_for_a_checkpoint_and_are_gone_after_it(application: Application) -> None:
    for _ in range(5):
        application.execute(BLOB)
    values = (await visit(application.path)).values()
    assert values["wal_frames"] > 25
    assert values["wal_backlog_frames"] == values["wal_frames"]
    assert values["wal_pinned_frames"] == 0
    application.execute("PRAGMA wal_checkpoint(passive)")
    values = (await visit(application.path)).values()
    assert values["wal_frames"] > 25
    assert values["wal_backlog_frames"] == 0


async def test_a_reader_that_stays_pins_the_log_and_is_named_once_it_hurts(
    application: Application, clock: Steps
) -> None:
    path = application.path
    with Application(path) as reader:
        reader.open()
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM t")
        for _ in range(220):
            application.execute(BLOB)
        values = (await visit(path)).values()
        assert values["wal_pinned_frames"] > 1000
        assert values["wal_pinned_seconds"] == 0
        clock.now += 200
        assert await troubles(path, "sqlite_wal_pinned") == []
        clock.now += 200
        assert (await visit(path)).values()["wal_pinned_seconds"] == 400
        (trouble,) = await troubles(path, "sqlite_wal_pinned")
        assert trouble.facts["pid"] == str(reader.pid)
        assert f"({reader.pid})" in trouble.message
        application.execute("PRAGMA wal_checkpoint(passive)")
        values = (await visit(path)).values()
        assert values["wal_backlog_frames"] == values["wal_pinned_frames"]
        reader.execute("COMMIT")
    values = (await visit(path)).values()
    assert (values["wal_pinned_frames"], values["wal_pinned_seconds"]) == (0, 0)
    assert await troubles(path, "sqlite_wal_pinned") == []


async def test_a_reader_of_the_database_alone_pins_what_is_written_after_it(
    application: Application,
) -> None:
    application.execute(BLOB)
    application.execute("PRAGMA wal_checkpoint(passive)")
    with Application(application.path) as reader:
        reader.open()
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM t")
        for _ in range(3):
            application.execute(BLOB)
        application.execute("PRAGMA wal_checkpoint(passive)")
        values = (await visit(application.path)).values()
        assert values["wal_backlog_frames"] > 0
        assert values["wal_pinned_frames"] == values["wal_backlog_frames"]


async def test_a_reader_that_keeps_up_pins_nothing(application: Application, clock: Steps) -> None:
    with Application(application.path) as reader:
        reader.open()
        for _ in range(3):
            application.execute(BLOB)
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM t")
            values = (await visit(application.path)).values()
            assert values["wal_pinned_seconds"] == 0
            reader.execute("COMMIT")
            clock.now += 1000


@pytest.mark.parametrize("mode", ["wal", "delete"])
async def test_commits_are_counted_between_looks(tmp_path: Path, mode: str) -> None:
    path = make_database(tmp_path / "a.db", mode)
    with Application(path) as application:
        application.open()
        application.execute("SELECT count(*) FROM t")
        before = (await visit(path)).values()["commits_total"]
        for _ in range(7):
            application.execute("INSERT INTO t VALUES (1)")
        assert (await visit(path)).values()["commits_total"] == before + 7
        application.execute("SELECT count(*) FROM t")
        assert (await visit(path)).values()["commits_total"] == before + 7


def test_a_log_that_was_made_anew_counts_from_nothing() -> None:
    story = activity.Activity((1, 2))
    assert [story.count(wal=True, changes=n) for n in (10, 12, 3)] == [0, 2, 5]
    assert story.count(wal=False, changes=900) == 5, "a change of mode is no commit"
    assert story.count(wal=False, changes=901) == 6
    assert story.count(wal=False, changes=5) == 6, "a restored file has committed nothing"


@pytest.mark.parametrize("mode", ["wal", "delete"])
async def test_a_write_transaction_that_stays_is_timed_and_its_process_named(
    tmp_path: Path, clock: Steps, mode: str
) -> None:
    path = make_database(tmp_path / "a.db", mode)
    with Application(path) as writer:
        writer.open()
        writer.execute("BEGIN IMMEDIATE")
        assert (await visit(path)).values()["write_transaction_seconds"] == 0
        clock.now += 90
        assert (await visit(path)).values()["write_transaction_seconds"] == 90
        (trouble,) = await troubles(path, "sqlite_busy")
        assert f"({writer.pid})" in trouble.message
        writer.execute("COMMIT")
        assert (await visit(path)).values()["write_transaction_seconds"] == 0
        writer.execute("BEGIN IMMEDIATE")
        assert (await visit(path)).values()["write_transaction_seconds"] == 0
        writer.execute("INSERT INTO t VALUES (1)")
        writer.execute("COMMIT")
        clock.now += 90
        writer.execute("BEGIN IMMEDIATE")
        assert await troubles(path, "sqlite_busy") == []
        writer.execute("ROLLBACK")


@pytest.mark.parametrize("how", ["moved over", "deleted"])
async def test_a_process_that_goes_on_with_a_replaced_file_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(processes, "_KEPT_SECONDS", -1.0)
    path = make_database(tmp_path / "a.db", "delete")
    with Application(path) as application:
        application.open()
        application.execute("INSERT INTO t VALUES (1)")
        assert not (await visit(path)).values().get("deleted_file_holders")
        if how == "deleted":
            path.unlink()
            make_database(path, "delete")
        else:
            make_database(tmp_path / "new.db", "delete").rename(path)
        found = await visit(path)
        assert found.values()["deleted_file_holders"] == 1
        (trouble,) = found.answers["holders"].troubles
        assert (trouble.hint, trouble.facts["pid"]) == (
            "sqlite_replaced_in_use",
            str(application.pid),
        )
    assert not (await visit(path)).values().get("deleted_file_holders")


async def test_who_may_not_look_at_others_does_not_say_that_nobody_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_database(tmp_path / "a.db", "delete")
    monkeypatch.setattr(holders, "deleted", lambda: processes.Deleted({}, complete=False))
    assert "deleted_file_holders" not in (await visit(path)).values()
    monkeypatch.setattr(holders, "deleted", lambda: processes.Deleted({}, complete=True))
    assert (await visit(path)).values()["deleted_file_holders"] == 0


async def test_the_library_that_wrote_last_is_known_from_the_file(tmp_path: Path) -> None:
    rollback = make_database(tmp_path / "rollback.db", "delete")
    values = (await visit(rollback)).values()
    assert values[f"writer_info{{{sqlite3.sqlite_version}}}"] == 1
    assert values["wal_reset_bug"] == 0
    old = make_database(tmp_path / "old.db", "wal")
    for number, affected in ((3044005, 1), (3044006, 0), (3051002, 1), (3051003, 0), (3006023, 0)):
        with old.open("r+b") as file:
            file.seek(96)
            file.write(number.to_bytes(4, "big"))
        os.utime(old, (1, 1))
        values = (await visit(old)).values()
        version = f"{number // 1000000}.{number // 1000 % 1000}.{number % 1000}"
        assert values[f"writer_info{{{version}}}"] == 1
        assert values["wal_reset_bug"] == affected, version


async def test_the_wait_for_the_write_lock_is_measured_only_where_it_is_asked_for(
    tmp_path: Path,
) -> None:
    path = make_database(tmp_path / "a.db", "wal")
    assert "write_lock_wait_seconds" not in (await visit(path)).values()
    asked = target_of(path)
    asked = replace(asked, probe=replace(asked.probe, write_lock=True))
    assert (await visit(path, target=asked)).values()["write_lock_wait_seconds"] == 0
    with Application(path) as writer:
        writer.open()
        writer.execute("INSERT INTO t VALUES (1)")
        found = await visit(path, target=asked)
        assert 0 <= found.values()["write_lock_wait_seconds"] < 0.5
        writer.execute("BEGIN IMMEDIATE")
        found = await visit(path, target=asked)
        assert found.values()["write_lock_wait_seconds"] >= 0.5
        (trouble,) = found.answers["write_lock"].troubles
        assert trouble.hint == "sqlite_busy"
        writer.execute("COMMIT")


@pytest.mark.parametrize(
    "make",
    [
        lambda path: make_database(path, "wal"),
        lambda path: make_database(path, "delete"),
        crashed_wal,
        hot_journal,
        lambda path: crashed_wal(path, keep_shm=False),
    ],
    ids=["wal", "rollback", "crashed", "hot journal", "crashed without index"],
)
async def test_asking_for_the_write_lock_leaves_the_files_as_they_are(
    tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    path = make(tmp_path / "a.db")
    before = listing(tmp_path)
    wait_for_write_lock(str(path), 0.1)
    assert listing(tmp_path) == before


async def test_asking_for_the_write_lock_beside_an_application_hurts_it_not() -> None:
    with open_folder() as folder:
        path = folder / "a.db"
        with Application(path, APPLICATION_UID) as application:
            application.open("wal")
            application.execute("CREATE TABLE t (x)")
            before = {name: seen[:5] for name, seen in listing(folder).items()}
            for _ in range(20):
                assert wait_for_write_lock(str(path), 0.5) is not None
            # its own mark of a reader in the -shm is all that an opening writer leaves
            assert {name: seen[:5] for name, seen in listing(folder).items()} == before
            application.execute("INSERT INTO t VALUES (1)")
            application.close()
        assert [entry.name for entry in folder.iterdir()] == ["a.db"]
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("SELECT count(*) FROM t").fetchone() == (1,)
