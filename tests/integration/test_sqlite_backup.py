"""Copies of live SQLite databases: consistent, standalone, and harmless to writers."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import stat
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.sqlite import (
    Application,
    age,
    crashed_wal,
    hot_journal,
    listing,
    make_database,
    target_of,
    visit,
)
from watchdog.database_url import SqliteUrl
from watchdog.engines import Produced
from watchdog.engines.sqlite import ENGINE
from watchdog.model import ActionFailed, Kind, Phase

ACCOUNTS = 40_000  # of 500 bytes: 20 MB, so that a copy takes a while
BALANCE = 100

# Money moves between the two ends of the file, so that a torn copy shows.
TRANSFER = (
    f"a = random.randrange({ACCOUNTS // 10}); b = {ACCOUNTS} - 1 - a; "
    "connection.execute('BEGIN IMMEDIATE'); "
    "connection.execute('UPDATE account SET balance = balance - 1 WHERE id = ?', (a,)); "
    "connection.execute('UPDATE account SET balance = balance + 1 WHERE id = ?', (b,)); "
    "connection.execute('COMMIT')"
)


async def produce(path: Path, into: Path) -> Produced:
    target = target_of(path)
    return await ENGINE.backups.produce(target, target.url, into, lambda _: None)


def bank(path: Path, mode: str) -> Path:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA journal_mode = {mode}")
        connection.execute(
            "CREATE TABLE account (id INTEGER PRIMARY KEY, balance INTEGER, note TEXT)"
        )
        connection.execute("BEGIN")
        connection.executemany(
            "INSERT INTO account VALUES (?, ?, ?)",
            ((number, BALANCE, "x" * 500) for number in range(ACCOUNTS)),
        )
        connection.execute("COMMIT")
    return path


def is_whole(copy: Path) -> bool:
    """Whether integrity and the sum of all balances are what they must be."""
    try:
        with closing(sqlite3.connect(copy)) as connection:
            if connection.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
                return False
            found = connection.execute("SELECT count(*), sum(balance) FROM account").fetchone()
    except sqlite3.DatabaseError:
        return False
    return bool(found == (ACCOUNTS, ACCOUNTS * BALANCE))


@pytest.mark.parametrize("mode", ["wal", "delete"])
async def test_a_copy_under_a_write_storm_is_whole_and_a_plain_copy_is_not(
    tmp_path: Path, mode: str
) -> None:
    path = bank(tmp_path / "bank.db", mode)
    copies = tmp_path / "copies"
    copies.mkdir()
    with Application(path) as writer:
        writer.open()
        writer.execute("PRAGMA synchronous = OFF")
        writer.execute("PRAGMA wal_autocheckpoint = 20")
        writer.sure("import random")
        writer.sure(f"stop = {str(tmp_path / 'stop')!r}; transfers = 0")
        loop = f"while not os.path.exists(stop):\n {TRANSFER}\n transfers += 1\n time.sleep(0.0003)"
        writer.start(f"exec({loop!r})")
        ours, plain = [], []
        for number in range(6):
            into = copies / f"{number}.sqlite"
            produced = await produce(path, into)
            assert produced.tables == 1
            assert produced.details is not None
            assert produced.details["way"] == "shared"
            stalled = produced.details["writers_stalled_seconds"]
            assert stalled > 0 if mode == "delete" else stalled == 0
            ours.append(is_whole(into))
            naive = copies / f"{number}.cp"
            await asyncio.to_thread(shutil.copyfile, path, naive)
            if Path(f"{path}-wal").exists():
                await asyncio.to_thread(shutil.copyfile, f"{path}-wal", f"{naive}-wal")
            plain.append(is_whole(naive))
        (tmp_path / "stop").touch()
        assert writer.answer() == "ok"
        writer.sure("assert transfers > 100, transfers")
        writer.close()
    assert all(ours)
    assert not all(plain), "the control: the storm was too weak to prove anything"
    assert is_whole(path)


@pytest.mark.parametrize("mode", ["wal", "delete"])
async def test_a_copy_stands_alone_and_is_ours_only(tmp_path: Path, mode: str) -> None:
    path = make_database(tmp_path / "a.db", mode, rows=5000)
    into = tmp_path / "out" / "copy.sqlite"
    into.parent.mkdir()
    before = datetime.now(UTC)
    seen: list[int] = []
    target = target_of(path)
    produced = await ENGINE.backups.produce(target, target.url, into, seen.append)
    await asyncio.sleep(0)
    assert before <= produced.recovery_point <= datetime.now(UTC)
    assert stat.S_IMODE(into.stat().st_mode) == 0o600
    assert into.read_bytes()[18:20] == b"\x01\x01"  # rollback mode: reading makes no sidecars
    assert [each.name for each in into.parent.iterdir()] == ["copy.sqlite"]
    assert seen == sorted(seen)
    assert seen[-1] == path.stat().st_size
    assert produced.details is not None
    assert produced.details["journal_mode"] == ("wal" if mode == "wal" else "rollback")
    assert produced.details["writers_stalled_seconds"] == 0
    proof = await ENGINE.backups.prove(target, into, produced.content)
    assert (proof.level, proof.tables) == (3, 1)
    assert [each.name for each in into.parent.iterdir()] == ["copy.sqlite"]


async def test_a_copy_has_what_is_only_in_the_wal(tmp_path: Path) -> None:
    source, copy = tmp_path / "source", tmp_path / "copy"
    source.mkdir()
    with Application(source / "a.db") as application:
        application.open("wal")
        application.execute("CREATE TABLE t (x)")
        application.execute("INSERT INTO t VALUES (1), (2), (3)")
        before = listing(source)
        await produce(source / "a.db", copy)
        assert listing(source) == before
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (3,)


async def test_a_copy_keeps_versions_and_rowids(tmp_path: Path) -> None:
    path = make_database(tmp_path / "a.db", rows=10)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA user_version = 9")
        connection.execute("PRAGMA application_id = 1234")
        connection.execute("DELETE FROM t WHERE rowid < 5")
    age(path)
    await produce(path, tmp_path / "copy")
    with closing(sqlite3.connect(tmp_path / "copy")) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (9,)
        assert connection.execute("PRAGMA application_id").fetchone() == (1234,)
        assert connection.execute("SELECT min(rowid) FROM t").fetchone() == (5,)


async def test_writers_in_wal_mode_do_not_wait_for_a_copy(tmp_path: Path) -> None:
    path = bank(tmp_path / "bank.db", "wal")
    with Application(path) as writer:
        writer.sure("import random; connection = opened(busy=0.0)")
        writer.execute("PRAGMA synchronous = OFF")
        writer.sure(TRANSFER)
        copying = asyncio.create_task(produce(path, tmp_path / "copy"))
        while not copying.done():
            await asyncio.to_thread(writer.sure, TRANSFER)  # one BUSY would fail it
        await copying
    assert is_whole(tmp_path / "copy")


async def failure_of(path: Path, into: Path) -> ActionFailed:
    with pytest.raises(ActionFailed) as caught:
        await produce(path, into)
    assert not list(into.parent.glob(f"{into.name}*")), "something was left of a failed copy"
    return caught.value


async def test_a_missing_source_fails_and_nothing_is_made(tmp_path: Path) -> None:
    failed = await failure_of(tmp_path / "no.db", tmp_path / "copy")
    assert failed.failure.hint == "sqlite_cantopen_missing_dir"
    assert failed.failure.phase is Phase.COPY
    assert list(tmp_path.iterdir()) == []


async def test_an_empty_source_fails(tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    failed = await failure_of(tmp_path / "empty.db", tmp_path / "copy")
    assert failed.failure.hint == "sqlite_no_such_table"
    with closing(sqlite3.connect(tmp_path / "bare.db")) as connection:
        connection.execute("PRAGMA user_version = 1")
    age(tmp_path / "bare.db")
    failed = await failure_of(tmp_path / "bare.db", tmp_path / "copy")
    assert "no table" in failed.failure.message


async def test_a_damaged_source_fails(tmp_path: Path) -> None:
    path = make_database(tmp_path / "a.db", "delete", rows=1000)
    os.truncate(path, 20_000)
    age(path)
    failed = await failure_of(path, tmp_path / "copy")
    assert failed.failure.code == "SQLITE_CORRUPT"


async def test_what_a_crash_left_is_recovered_in_the_copy_alone(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    hot = hot_journal(source / "hot.db")
    wal = crashed_wal(source / "wal.db", keep_shm=False)
    before = listing(source)
    for path in (hot, wal):
        copies = tmp_path / path.stem
        copies.mkdir()
        produced = await produce(path, copies / "copy")
        assert produced.details is not None
        assert produced.details["way"] == "recovered"
        assert "crash" in produced.warnings[0]
        assert [each.name for each in copies.iterdir()] == ["copy"]
        assert stat.S_IMODE((copies / "copy").stat().st_mode) == 0o600
        assert (await ENGINE.backups.prove(None, copies / "copy")).tables == 1
        with closing(sqlite3.connect(copies / "copy")) as connection:
            assert connection.execute("SELECT count(*) FROM t").fetchone() == (1,)
    assert listing(source) == before


async def test_a_cancelled_copy_stops_within_a_second_and_leaves_nothing(tmp_path: Path) -> None:
    path = bank(tmp_path / "bank.db", "wal")
    into = tmp_path / "out" / "copy"
    into.parent.mkdir()
    begun = asyncio.Event()
    target = target_of(path)
    copying = asyncio.create_task(
        ENGINE.backups.produce(target, target.url, into, lambda _: begun.set())
    )
    await begun.wait()
    began = time.monotonic()
    copying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await copying
    assert time.monotonic() - began < 1
    assert list(into.parent.iterdir()) == []
    assert (await visit(path)).up


async def test_a_copy_of_a_locked_file_can_be_cancelled_while_it_waits(tmp_path: Path) -> None:
    path = make_database(tmp_path / "a.db", "delete")
    with Application(path) as application:
        application.open()
        application.execute("BEGIN EXCLUSIVE")
        age(path)
        copying = asyncio.create_task(produce(path, tmp_path / "copy"))
        await asyncio.sleep(0.1)
        began = time.monotonic()
        copying.cancel()
        with pytest.raises(asyncio.CancelledError):
            await copying
        assert time.monotonic() - began < 1
    age(path)
    assert (await produce(path, tmp_path / "copy")).tables == 1


async def test_preflight_tells_the_size_and_refuses_what_is_empty(tmp_path: Path) -> None:
    path = make_database(tmp_path / "a.db", rows=100)
    target = target_of(path)
    preflight = await ENGINE.backups.preflight(target, target.url)
    assert preflight.estimated_bytes == path.stat().st_size
    assert preflight.versions == {"sqlite": sqlite3.sqlite_version}
    (tmp_path / "empty.db").touch()
    with pytest.raises(ActionFailed) as caught:
        await ENGINE.backups.preflight(target, SqliteUrl(str(tmp_path / "empty.db")))
    assert caught.value.failure.phase is Phase.PREFLIGHT


async def test_damage_in_a_copy_is_found(tmp_path: Path) -> None:
    path = make_database(tmp_path / "a.db", "delete", rows=1000)
    with path.open("r+b") as file:
        file.seek(5 * 4096)
        file.write(b"\xff" * 4096)
    with pytest.raises(ActionFailed) as caught:
        await ENGINE.backups.prove(None, path)
    assert caught.value.failure.hint == "sqlite_corrupt"
    assert caught.value.failure.phase is Phase.VERIFY
    path.write_bytes(b"")
    with pytest.raises(ActionFailed) as caught:
        await ENGINE.backups.prove(None, path)
    assert caught.value.failure.hint == "backup_zero_bytes"
    path.write_bytes(b"not a database at all")
    with pytest.raises(ActionFailed) as caught:
        await ENGINE.backups.prove(None, path)
    assert caught.value.failure.kind in (Kind.SQLITE, Kind.BACKUP)
