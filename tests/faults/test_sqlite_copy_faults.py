"""Copies that meet a full disk or a place that may not be written."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.disks import small_disk
from tests.support.hung_mount import hung_mount
from tests.support.sqlite import age, make_database, target_of, visit
from watchdog.backup_plan import is_retryable
from watchdog.backups import catalogue, names
from watchdog.backups.destination import Destinations
from watchdog.backups.pipeline import Pipeline
from watchdog.backups.restoring import restore
from watchdog.clock import SystemClock
from watchdog.database_url import SqliteUrl
from watchdog.engines.sqlite import ENGINE, backups
from watchdog.engines.sqlite.reading import Progress
from watchdog.engines.sqlite.stalling import while_it_moves
from watchdog.model import ActionFailed, BackupSettings, Failure, Kind, Phase, Target

ENGINES = {"sqlite": ENGINE.backups}


def backed_up(path: Path, folder: Path) -> tuple[Pipeline, Target]:
    """Return what backs the file at *path* up, as a target into *folder*."""
    settings = BackupSettings("0 3 * * *", folder / "backups")
    pipeline = Pipeline(ENGINES, Destinations(folder / "state"), SystemClock())
    return pipeline, replace(target_of(path), name="app", backup=settings)


@pytest.fixture(name="small_disk")
def a_small_disk(tmp_path: Path) -> Iterator[Path]:
    """Give a file system of one megabyte."""
    with small_disk(tmp_path / "small", "1m") as disk:
        yield disk


async def failure_of(path: Path, into: Path) -> Failure:
    target = target_of(path)
    with pytest.raises(ActionFailed) as caught:
        await ENGINE.backups.produce(target, target.url, into, lambda _: None)
    return caught.value.failure


async def test_a_full_destination_is_told_from_a_full_source(
    tmp_path: Path, small_disk: Path
) -> None:
    path = make_database(tmp_path / "a.db", rows=5000)
    failure = await failure_of(path, small_disk / "copy")
    assert (failure.kind, failure.phase) == (Kind.BACKUP, Phase.COPY)
    assert (failure.code, failure.hint) == ("SQLITE_FULL", "backup_no_space")
    assert failure.facts["directory"] == str(small_disk)
    assert list(small_disk.iterdir()) == []
    assert (await visit(path)).up


async def test_a_disk_that_fills_in_a_restore_leaves_nothing(
    tmp_path: Path, small_disk: Path
) -> None:
    copy = make_database(tmp_path / "copy.sqlite", "delete", rows=5000)
    with pytest.raises(ActionFailed) as caught:
        await ENGINE.backups.restore(copy, SqliteUrl(str(small_disk / "app.db")), lambda _: None)
    assert caught.value.failure.code == "ENOSPC"
    assert caught.value.failure.facts["path"] == str(small_disk / "app.db")
    assert list(small_disk.iterdir()) == []


async def test_a_read_only_destination_is_named(tmp_path: Path, small_disk: Path) -> None:
    path = make_database(tmp_path / "a.db", rows=10)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    failure = await failure_of(path, small_disk / "copy")
    assert failure.code == "EROFS"
    assert str(small_disk) in failure.message


async def test_a_source_on_a_read_only_and_full_disk_is_copied(
    tmp_path: Path, small_disk: Path
) -> None:
    for mode in ("wal", "delete"):
        path = make_database(small_disk / f"{mode}.db", mode, rows=10)
    filler = os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize
    (small_disk / "filler").write_bytes(b"x" * filler)
    assert [each.hint for each in (await visit(path)).troubles()] == ["sqlite_full"]
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    for mode in ("wal", "delete"):
        path = small_disk / f"{mode}.db"
        found = await visit(path)
        assert found.up
        assert found.values()["filesystem_free_bytes"] == 0
        target = target_of(path)
        into = tmp_path / mode
        await ENGINE.backups.produce(target, target.url, into, lambda _: None)
        assert (await ENGINE.backups.prove(target, into)).tables == 1


@pytest.mark.parametrize("name", ["a b'\"\n.db", "数据库 база.db", "a?b#c%41&mode=rwc.db"])
async def test_odd_names_of_files_and_tables_come_back(tmp_path: Path, name: str) -> None:
    place = tmp_path / f"folder {name}"
    place.mkdir()
    table = "o'dd \"\n таблица 表".replace('"', '""')
    with closing(sqlite3.connect(place / name)) as connection:
        connection.execute(f'create table "{table}" (x)')
        connection.execute(f'insert into "{table}" values (42)')
        connection.commit()
    age(place / name)
    pipeline, target = backed_up(place / name, tmp_path)
    backup = (await pipeline.back_up(target)).backup
    assert backup is not None
    assert backup.level == 3
    back = tmp_path / "back" / name
    back.parent.mkdir()
    await restore(backup, ENGINES, SqliteUrl(str(back)), SystemClock(), lambda _: None)
    with closing(sqlite3.connect(back)) as connection:
        assert connection.execute(f'select x from "{table}"').fetchall() == [(42,)]


@pytest.mark.parametrize("mode", ["wal", "delete"])
async def test_a_source_that_is_replaced_during_the_backup_is_never_a_mixture(
    tmp_path: Path, mode: str
) -> None:
    path = make_database(tmp_path / "app.db", mode, rows=20_000)
    other = make_database(tmp_path / "other.db", mode, rows=7)
    for each in (path, other):
        age(each)
    inodes = {20_000: path.stat().st_ino, 7: other.stat().st_ino}
    pipeline, target = backed_up(path, tmp_path)
    replaced = False

    def progress(phase: Phase, size: int) -> None:
        nonlocal replaced
        if phase is Phase.COPY and not replaced:
            replaced = True
            other.replace(path)

    backup = (await pipeline.back_up(target, progress=progress)).backup
    assert replaced
    assert backup is not None
    assert backup.level == 3
    assert backup.manifest.content is not None
    # Whichever it is of, it says so: the path led to the one, then to the other.
    assert backup.manifest.identity["inode"] == inodes[backup.manifest.content.rows["t"]]
    with closing(sqlite3.connect(backup.path)) as connection:
        assert connection.execute("select count(*) from t").fetchone() == (
            backup.manifest.content.rows["t"],
        )


@pytest.mark.parametrize("mode", ["wal", "delete"])
@pytest.mark.parametrize(
    ("phase", "how", "hint"),
    [
        (Phase.PREFLIGHT, "emptied", "sqlite_no_such_table"),
        (Phase.PREFLIGHT, "removed", "sqlite_cantopen_missing_dir"),
        (Phase.COPY, "emptied", "sqlite_no_such_table"),
        (Phase.COPY, "removed", "sqlite_cantopen_missing_dir"),
    ],
    ids=str,
)
async def test_a_source_that_is_gone_or_empty_costs_no_good_backup(
    tmp_path: Path, mode: str, phase: Phase, how: str, hint: str
) -> None:
    path = make_database(tmp_path / "app.db", mode, rows=100)
    age(path)
    pipeline, target = backed_up(path, tmp_path)
    good = (await pipeline.back_up(target)).backup
    assert good is not None
    folder = tmp_path / "backups" / "app"
    before = {each.name for each in folder.iterdir()}

    def progress(entered: Phase, _size: int) -> None:
        if entered is phase and path.exists() and path.stat().st_size:
            os.truncate(path, 0) if how == "emptied" else path.unlink()

    failure = (await pipeline.back_up(target, progress=progress)).failure
    assert failure is not None
    assert (failure.phase, failure.hint) == (phase, hint)
    assert str(path) in failure.message
    assert {each.name for each in folder.iterdir()} == before
    assert not path.exists() or path.stat().st_size == 0
    kept = catalogue.scan_folder(folder).newest_good()
    assert kept is not None
    assert kept.id == good.id


async def test_a_source_on_a_file_system_that_hangs_fails_soon_and_is_copied_again_once_it_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backups, "LOOK", 0.2)
    folder = tmp_path / "hung"
    path = make_database(folder.parent / "app.db", "delete", rows=10)
    age(path)
    folder.mkdir()
    (folder / "app.db").write_bytes(path.read_bytes())
    pipeline, target = backed_up(folder / "app.db", tmp_path)
    with hung_mount(folder):
        for _ in range(2):  # the second finds the first still at it
            failure = (await pipeline.back_up(target)).failure
            assert failure is not None
            assert (failure.kind, failure.phase) == (Kind.TIMEOUT, Phase.PREFLIGHT)
            assert failure.hint == "file_system_hangs"
            assert is_retryable(failure)
    left = {each.name for each in (tmp_path / "backups" / "app").iterdir()}
    assert left <= {names.LOCK, names.ATTEMPTS}
    for _ in range(100):
        if (await pipeline.back_up(target)).ok:
            break
        await asyncio.sleep(0.1)  # the thread that hung comes back
    assert catalogue.scan_folder(tmp_path / "backups" / "app").newest_good() is not None


async def test_a_copy_that_stands_still_is_ended_and_one_that_moves_is_not() -> None:
    target = target_of(Path("/srv/app.db"))
    progress = Progress(phase=Phase.COPY)
    ended = asyncio.Event()

    async def hang() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    with pytest.raises(ActionFailed) as caught:
        await while_it_moves(hang(), progress, 0.1, target, "/srv/app.db")
    assert ended.is_set()
    assert caught.value.failure.hint == "file_system_hangs"
    assert "/srv/app.db" in caught.value.failure.message

    async def count() -> int:
        progress.moves(unseen=True)
        await asyncio.sleep(0.3)
        return 7

    assert await while_it_moves(count(), progress, 0.1, target, "/srv/app.db") == 7
