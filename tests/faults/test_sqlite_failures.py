"""Every way in which a SQLite file can be out of reach, on the real thing."""

from __future__ import annotations

import os
import socket
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.sqlite import (
    APPLICATION_UID,
    WATCHER_UID,
    Application,
    age,
    hot_journal,
    listing,
    make_database,
    open_folder,
    visit,
)
from tests.support.sqlite_watcher import Watcher
from watchdog.model import Failure, Kind, Phase


async def failure_of(path: Path | str, timeout: float = 2.0) -> Failure:
    found = await visit(path, timeout)
    assert found.failure is not None, "it is up"
    return found.failure


async def test_a_missing_file_is_missed_and_not_made(tmp_path: Path) -> None:
    failure = await failure_of(tmp_path / "a.db")
    assert (failure.kind, failure.phase, failure.code) == (Kind.SQLITE, Phase.STAT, "ENOENT")
    assert failure.hint == "sqlite_cantopen_missing_dir"
    assert failure.facts["component"] == str(tmp_path / "a.db")
    assert failure.facts["path"] == str(tmp_path / "a.db")
    assert failure.facts["directory"] == str(tmp_path)
    assert not list(tmp_path.iterdir())


async def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    failure = await failure_of(tmp_path / "no" / "such" / "a.db")
    assert failure.facts["component"] == str(tmp_path / "no")
    assert "directory" in failure.message
    assert failure.hint == "sqlite_cantopen_missing_dir"


async def test_a_file_where_a_directory_should_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    failure = await failure_of(tmp_path / "data" / "a.db")
    assert failure.code == "ENOTDIR"
    assert failure.facts["component"] == str(tmp_path / "data")


async def test_a_dangling_symlink_says_where_it_points(tmp_path: Path) -> None:
    (tmp_path / "a.db").symlink_to("/no/such/file")
    failure = await failure_of(tmp_path / "a.db")
    assert failure.hint == "sqlite_cantopen_missing_dir"
    assert "/no/such/file" in failure.message


async def test_symlinks_in_a_circle_end(tmp_path: Path) -> None:
    (tmp_path / "a.db").symlink_to(tmp_path / "b.db")
    (tmp_path / "b.db").symlink_to(tmp_path / "a.db")
    failure = await failure_of(tmp_path / "a.db")
    assert failure.code == "ELOOP"


async def test_a_fifo_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.db")
    began = time.monotonic()
    failure = await failure_of(tmp_path / "a.db")
    assert time.monotonic() - began < 1
    assert (failure.kind, failure.hint) == (Kind.SQLITE, "sqlite_notadb")
    assert "FIFO" in failure.message


async def test_a_directory_a_socket_and_a_device_are_said_to_be_such(tmp_path: Path) -> None:
    (tmp_path / "d.db").mkdir()
    assert (await failure_of(tmp_path / "d.db")).code == "SQLITE_CANTOPEN_ISDIR"
    with closing(socket.socket(socket.AF_UNIX)) as listener:
        listener.bind(str(tmp_path / "s.db"))
        assert "socket" in (await failure_of(tmp_path / "s.db")).message
    assert "character device" in (await failure_of("/dev/zero")).message


@pytest.mark.parametrize(
    "content",
    [b"# notes\n" * 200, b"x", b"\x00" * 8192, bytes(range(256)) * 16],
    ids=["text", "one byte", "zeros", "binary"],
)
async def test_what_is_not_a_database_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.db"
    path.write_bytes(content)
    age(path)
    failure = await failure_of(path)
    assert (failure.code, failure.hint) == ("SQLITE_NOTADB", "sqlite_notadb")
    assert failure.phase is Phase.OPEN
    assert str(path) in failure.message


async def test_a_truncated_database_is_corrupt(tmp_path: Path) -> None:
    path = make_database(tmp_path / "a.db", "delete", rows=1000)
    os.truncate(path, 20_000)
    age(path)
    failure = await failure_of(path)
    assert (failure.code, failure.hint) == ("SQLITE_CORRUPT", "sqlite_corrupt")


async def test_a_schema_that_a_newer_library_wrote_is_told(tmp_path: Path) -> None:
    path = make_database(tmp_path / "a.db", "delete")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_master SET sql = 'CREATE TABLE t (x) FROM THE FUTURE'")
    age(path)
    failure = await failure_of(path)
    assert failure.kind is Kind.SQLITE
    assert failure.code.startswith("SQLITE_")
    assert failure.hint in ("sqlite_schema_malformed", "sqlite_too_old_library", "sqlite_corrupt")


async def test_a_file_format_from_the_future_is_told(tmp_path: Path) -> None:
    path = make_database(tmp_path / "a.db", "delete")
    with path.open("r+b") as file:
        file.seek(18)
        file.write(b"\x03\x03")  # write and read version (fileformat2.html, 1.3.2)
    age(path)
    failure = await failure_of(path)
    assert (failure.kind, failure.code) == (Kind.SQLITE, "SQLITE_NOTADB"), failure.message


async def test_a_hot_journal_needs_recovery_and_is_left_alone(tmp_path: Path) -> None:
    path = hot_journal(tmp_path / "a.db")
    before = listing(tmp_path)
    failure = await failure_of(path)
    assert (failure.code, failure.hint) == ("SQLITE_READONLY_ROLLBACK", "sqlite_needs_recovery")
    assert "corrupt" not in failure.message
    assert listing(tmp_path) == before
    with closing(sqlite3.connect(path)) as connection:  # its application repairs it
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (1,)
    assert (await visit(path)).up


@pytest.mark.parametrize("mode", ["wal", "delete"])
async def test_a_file_that_is_locked_exclusively_is_down(tmp_path: Path, mode: str) -> None:
    path = make_database(tmp_path / "a.db", mode)
    with Application(path) as application:
        application.open()
        if mode == "wal":
            application.execute("PRAGMA locking_mode = EXCLUSIVE")
            application.execute("INSERT INTO t VALUES (2)")
        else:
            application.execute("BEGIN EXCLUSIVE")
        age(path)
        began = time.monotonic()
        failure = await failure_of(path, timeout=1.0)
        assert 0.4 < time.monotonic() - began < 1.0  # below the deadline
        assert (failure.code, failure.hint) == ("SQLITE_BUSY", "sqlite_busy")
        application.close()
    age(path)
    assert (await visit(path)).up


async def test_the_short_lock_of_a_writer_is_waited_for(tmp_path: Path) -> None:
    path = make_database(tmp_path / "a.db", "delete")
    with Application(path) as application:
        application.open()
        application.execute("BEGIN EXCLUSIVE")
        age(path)
        application.start("time.sleep(0.3); connection.execute('COMMIT')")
        assert (await visit(path)).up
        assert application.answer() == "ok"


async def test_a_writer_that_never_rests_does_not_make_it_down(tmp_path: Path) -> None:
    path = make_database(tmp_path / "a.db", "delete")
    with Application(path) as application:
        application.open()
        application.start(
            "end = time.time() + 2; exec('while time.time() < end: '"
            " 'connection.execute(\"INSERT INTO t VALUES (1)\")')"
        )
        for _ in range(30):
            found = await visit(path, timeout=10.0)  # one sync of a busy disk may take seconds
            assert found.up, found.failure
        assert application.answer() == "ok"


async def test_an_unreadable_file_names_file_and_user() -> None:
    with open_folder() as folder, Watcher(WATCHER_UID) as watcher:
        path = make_database(folder / "a.db")
        os.chown(path, APPLICATION_UID, APPLICATION_UID)
        path.chmod(0o600)
        (failure,) = watcher.rounds(path, 1)
        assert failure["code"] == "EACCES"
        assert failure["hint"] == "sqlite_cantopen_permission"
        assert failure["facts"]["component"] == str(path)
        assert failure["facts"]["uid"] == str(WATCHER_UID)
        assert failure["facts"]["mode"] == "0600"
        assert f"owner {APPLICATION_UID}" in failure["message"]


async def test_a_folder_that_may_not_be_entered_is_named() -> None:
    with open_folder() as folder, Watcher(WATCHER_UID) as watcher:
        (folder / "private").mkdir(mode=0o700)
        path = make_database(folder / "private" / "a.db")
        (failure,) = watcher.rounds(path, 1)
        assert failure["hint"] == "sqlite_cantopen_permission"
        assert failure["facts"]["component"] == str(folder / "private")


async def test_an_unreadable_wal_is_named() -> None:
    with open_folder() as folder, Watcher(WATCHER_UID) as watcher:
        path = folder / "a.db"
        with Application(path, APPLICATION_UID) as application:
            application.open("wal")
            application.execute("CREATE TABLE t (x)")
            Path(f"{path}-wal").chmod(0o600)
            (failure,) = watcher.rounds(path, 1)
            assert failure["hint"] == "sqlite_cantopen_permission"
            assert failure["facts"]["component"] == f"{path}-wal"


@pytest.mark.parametrize("mode", ["wal", "delete"])
async def test_a_file_in_an_unwritable_folder_stays_up(mode: str) -> None:
    with open_folder() as folder, Watcher(WATCHER_UID) as watcher:
        path = make_database(folder / "a.db", mode)
        path.chmod(0o444)
        folder.chmod(0o555)
        assert watcher.rounds(path, 3) == []
        assert [each.name for each in folder.iterdir()] == ["a.db"]


async def test_a_live_wal_in_an_unwritable_folder_stays_up() -> None:
    with open_folder() as folder, Watcher(WATCHER_UID) as watcher:
        path = folder / "a.db"
        with Application(path, APPLICATION_UID) as application:
            application.open("wal")
            application.execute("CREATE TABLE t (x)")
            folder.chmod(0o555)
            assert watcher.rounds(path, 3) == []
            folder.chmod(0o777)
