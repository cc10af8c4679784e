"""Restoring SQLite copies: into nothing or next to nothing, whole or not at all."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.sqlite import (
    APPLICATION_UID,
    Application,
    age,
    crashed_wal,
    listing,
    make_database,
    open_folder,
    target_of,
)
from watchdog.database_url import SqliteUrl
from watchdog.engines.sqlite import ENGINE
from watchdog.model import ActionFailed, Failure, Phase


@pytest.fixture
async def artefact(tmp_path: Path) -> Path:
    path = make_database(tmp_path / "source.db", rows=500)
    target = target_of(path)
    await ENGINE.backups.produce(target, target.url, tmp_path / "copy.sqlite", lambda _: None)
    return tmp_path / "copy.sqlite"


async def restore(artefact: Path, to: Path) -> None:
    await ENGINE.backups.restore(artefact, SqliteUrl(str(to)), lambda _: None)


async def refusal(artefact: Path, to: Path) -> Failure:
    before = listing(to.parent) if to.parent.is_dir() else {}
    with pytest.raises(ActionFailed) as caught:
        await restore(artefact, to)
    assert (listing(to.parent) if to.parent.is_dir() else {}) == before
    return caught.value.failure


def rows(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        (count,) = connection.execute("SELECT count(*) FROM t").fetchone()
    return int(count)


async def test_into_a_new_file(artefact: Path, tmp_path: Path) -> None:
    place = tmp_path / "new" / "app.db"
    place.parent.mkdir()
    seen: list[int] = []
    await ENGINE.backups.restore(artefact, SqliteUrl(str(place)), seen.append)
    await asyncio.sleep(0)
    assert [each.name for each in place.parent.iterdir()] == ["app.db"]
    assert rows(place) == 500
    assert seen[-1] == artefact.stat().st_size
    assert artefact.exists()


async def test_a_new_file_can_be_read_by_others_as_sqlite_would_make_it(
    artefact: Path, tmp_path: Path
) -> None:
    umask = os.umask(0o027)
    try:
        await restore(artefact, tmp_path / "app.db")
    finally:
        os.umask(umask)
    assert stat.S_IMODE((tmp_path / "app.db").stat().st_mode) == 0o640


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
async def test_what_root_restores_belongs_to_the_owner_of_the_folder(artefact: Path) -> None:
    with open_folder() as folder:
        os.chown(folder, APPLICATION_UID, APPLICATION_UID)
        await restore(artefact, folder / "app.db")
        assert (folder / "app.db").stat().st_uid == APPLICATION_UID
        with Application(folder / "app.db", APPLICATION_UID) as application:
            application.open("wal")
            application.execute("INSERT INTO t VALUES (1)")


async def test_into_a_file_of_zero_bytes_keeping_its_mode(artefact: Path, tmp_path: Path) -> None:
    place = tmp_path / "app.db"
    place.touch(mode=0o600)
    await restore(artefact, place)
    assert rows(place) == 500
    assert stat.S_IMODE(place.stat().st_mode) == 0o600


async def test_into_a_database_without_tables(artefact: Path, tmp_path: Path) -> None:
    place = tmp_path / "app.db"
    with closing(sqlite3.connect(place)) as connection:
        connection.execute("PRAGMA user_version = 5")
    age(place)
    await restore(artefact, place)
    assert rows(place) == 500


async def test_a_database_with_tables_is_refused(artefact: Path, tmp_path: Path) -> None:
    place = make_database(tmp_path / "app.db")
    failure = await refusal(artefact, place)
    assert failure.hint == "restore_into_nonempty"
    assert "another path" in failure.message
    assert rows(place) == 1


async def test_a_file_that_is_no_database_is_refused(artefact: Path, tmp_path: Path) -> None:
    (tmp_path / "app.db").write_text("precious notes\n" * 100)
    age(tmp_path / "app.db")
    assert (await refusal(artefact, tmp_path / "app.db")).code == "SQLITE_NOTADB"


async def test_a_database_that_only_its_application_can_recover_is_refused(
    artefact: Path, tmp_path: Path
) -> None:
    for keep_shm in (True, False):
        place = crashed_wal(tmp_path / f"{keep_shm}.db", keep_shm=keep_shm)
        assert (await refusal(artefact, place)).hint == "restore_into_nonempty"


async def test_an_empty_file_beside_a_full_wal_is_refused(artefact: Path, tmp_path: Path) -> None:
    place = crashed_wal(tmp_path / "app.db")
    os.truncate(place, 0)
    assert (await refusal(artefact, place)).hint == "restore_into_nonempty"


async def test_a_database_that_somebody_has_open_is_refused(artefact: Path, tmp_path: Path) -> None:
    place = tmp_path / "app.db"
    with Application(place) as application:
        application.open()
        application.execute("SELECT 1 FROM sqlite_master")
        failure = await refusal(artefact, place)
        assert str(application.pid) in failure.message
        assert failure.phase is Phase.PREFLIGHT
    await restore(artefact, place)


async def test_leftovers_of_a_database_that_is_gone_are_not_paired_with_the_new_one(
    artefact: Path, tmp_path: Path
) -> None:
    place = crashed_wal(tmp_path / "app.db")
    place.unlink()
    await restore(artefact, place)
    assert rows(place) == 500
    with closing(sqlite3.connect(place)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def test_leftovers_that_somebody_has_open_are_kept(artefact: Path, tmp_path: Path) -> None:
    place = tmp_path / "app.db"
    with Application(place) as application:
        application.open("wal")
        application.execute("CREATE TABLE t (x)")
        place.unlink()
        assert "is open in" in (await refusal(artefact, place)).message


async def test_a_missing_folder_and_a_missing_backup_are_named(
    artefact: Path, tmp_path: Path
) -> None:
    failure = await refusal(artefact, tmp_path / "no" / "app.db")
    assert failure.facts["component"] == str(tmp_path / "no")
    failure = await refusal(tmp_path / "no.sqlite", tmp_path / "app.db")
    assert failure.hint == "backup_file_missing"


async def test_a_damaged_backup_is_not_published(artefact: Path, tmp_path: Path) -> None:
    with artefact.open("r+b") as file:
        file.truncate(3 * 4096)
    failure = await refusal(artefact, tmp_path / "app.db")
    assert failure.hint == "sqlite_corrupt"
    assert failure.phase is Phase.VERIFY


async def test_a_cancelled_restore_leaves_nothing(tmp_path: Path) -> None:
    big = make_database(tmp_path / "big.sqlite", "delete", rows=100_000)
    folder = tmp_path / "to"
    folder.mkdir()
    begun = asyncio.Event()
    restoring = asyncio.create_task(
        ENGINE.backups.restore(big, SqliteUrl(str(folder / "app.db")), lambda _: begun.set())
    )
    await begun.wait()
    restoring.cancel()
    with pytest.raises(asyncio.CancelledError):
        await restoring
    assert list(folder.iterdir()) == []


async def test_what_a_killed_restore_left_is_swept(artefact: Path, tmp_path: Path) -> None:
    folder = tmp_path / "to"
    folder.mkdir()
    (folder / ".app.db.999999999.partial").write_bytes(b"half of it")
    (folder / ".app.db.1.partial").write_bytes(b"another that still runs")
    await restore(artefact, folder / "app.db")
    assert {each.name for each in folder.iterdir()} == {"app.db", ".app.db.1.partial"}


async def test_a_symlink_is_restored_through(artefact: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "app.db").symlink_to(tmp_path / "data" / "app.db")
    await restore(artefact, tmp_path / "app.db")
    assert (tmp_path / "app.db").is_symlink()
    assert rows(tmp_path / "data" / "app.db") == 500
