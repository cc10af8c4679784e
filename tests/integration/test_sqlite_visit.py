"""What a visit tells about files as they are when all is well."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.sqlite import (
    Application,
    age,
    crashed_wal,
    listing,
    make_database,
    target_of,
    visit,
)
from watchdog.engines.sqlite import ENGINE, SqliteEngine
from watchdog.engines.sqlite.reading import Way
from watchdog.engines.sqlite.troubles import SqliteTrouble
from watchdog.hints import render
from watchdog.model import Phase, Server


@pytest.mark.parametrize(("mode", "label"), [("wal", "wal"), ("delete", "rollback")])
async def test_a_closed_database_is_read_without_anything_beside_it(
    tmp_path: Path, mode: str, label: str
) -> None:
    path = make_database(tmp_path / "a.db", mode, rows=100)
    before = listing(tmp_path)
    found = await visit(path)
    assert found.up
    assert found.session is not None
    assert found.session.way is Way.IMMUTABLE
    values = found.values()
    assert values["tables"] == 1
    assert values[f"journal_mode_info{{{label}}}"] == 1
    assert values["file_size_bytes"] == path.stat().st_size
    assert values["pages"] * values["page_size_bytes"] == path.stat().st_size
    assert values["freelist_pages"] == 0
    assert values["filesystem_free_bytes"] > 0
    assert "wal_size_bytes" not in values
    assert listing(tmp_path) == before


async def test_a_live_wal_is_read_with_what_is_only_in_the_wal(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with Application(path) as application:
        application.open("wal")
        application.execute("PRAGMA wal_autocheckpoint = 0")
        for number in range(3):
            application.execute(f"CREATE TABLE t{number} (x)")
        before = listing(tmp_path)
        found = await visit(path)
        assert found.session is not None
        assert found.session.way is Way.SHARED
        assert found.values()["tables"] == 3
        assert found.values()["wal_size_bytes"] > 3 * 4096
        assert listing(tmp_path) == before


async def test_versions_and_free_pages_are_the_file_s_own(tmp_path: Path) -> None:
    path = make_database(tmp_path / "a.db", "delete", rows=1000)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 42")
        connection.execute("PRAGMA application_id = 77")
        connection.execute("DELETE FROM t")
        connection.commit()
    age(path)
    values = (await visit(path)).values()
    assert values["user_version"] == 42
    assert values["application_id"] == 77
    assert values["freelist_pages"] > 50
    assert values["format_info{none,UTF-8}"] == 1
    assert values["filesystem_read_only"] == 0
    assert values[f"library_info{{{sqlite3.sqlite_version}}}"] == 1


async def test_how_the_file_was_made_is_the_file_s_own(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA encoding = 'UTF-16le'")
        connection.execute("PRAGMA auto_vacuum = incremental")
        connection.execute("CREATE TABLE t (x)")
    age(path)
    assert (await visit(path)).values()["format_info{incremental,UTF-16le}"] == 1


async def test_a_wal_left_by_a_crash_is_read_where_its_index_is_there(tmp_path: Path) -> None:
    path = crashed_wal(tmp_path / "a.db")
    before = listing(tmp_path)
    found = await visit(path)
    assert found.values()["tables"] == 1  # the main file alone has none
    assert listing(tmp_path) == before


@pytest.mark.parametrize("index", [b"", b"\x00" * 32768, b"\xff" * 32768, b"x"])
async def test_a_wal_is_read_whatever_a_crash_made_of_its_index(
    tmp_path: Path, index: bytes
) -> None:
    path = crashed_wal(tmp_path / "a.db")
    Path(f"{path}-shm").write_bytes(index)
    before = listing(tmp_path)
    found = await visit(path)
    assert found.values().get("tables") == 1 or found.troubles()
    assert listing(tmp_path) == before


async def test_a_wal_left_without_its_index_is_not_opened_and_said(tmp_path: Path) -> None:
    path = crashed_wal(tmp_path / "a.db", keep_shm=False)
    before = listing(tmp_path)
    found = await visit(path)
    assert found.up
    assert "tables" not in found.values()  # unknown is not 0
    assert found.values()["wal_size_bytes"] > 0
    assert [(each.code, each.hint) for each in found.troubles()] == [
        ("SQLITE_READONLY_CANTINIT", "sqlite_needs_recovery")
    ]
    assert listing(tmp_path) == before


async def test_a_wal_beside_a_file_in_rollback_mode_is_not_read_past(tmp_path: Path) -> None:
    # What an old copy is that somebody put over a database whose -wal stayed.
    wal = Path(f"{crashed_wal(tmp_path / 'old.db', keep_shm=False)}-wal")
    path = make_database(tmp_path / "a.db", "delete")
    wal.rename(f"{path}-wal")
    before = listing(tmp_path)
    found = await visit(path)
    assert [each.hint for each in found.troubles()] == ["sqlite_needs_recovery"]
    assert "tables" not in found.values()
    assert listing(tmp_path) == before


async def test_a_wal_of_zero_bytes_hides_nothing(tmp_path: Path) -> None:
    path = make_database(tmp_path / "a.db")
    Path(f"{path}-wal").touch()
    age(path)
    before = listing(tmp_path)
    found = await visit(path)
    assert found.values()["tables"] == 1
    assert listing(tmp_path) == before


async def test_a_file_of_zero_bytes_is_up_with_a_trouble(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.touch()
    found = await visit(path)
    assert found.up
    assert found.values()["tables"] == 0
    (trouble,) = found.troubles()
    assert trouble.hint == "sqlite_no_such_table"
    assert "zero bytes" in trouble.message
    for language, empty in (("en", "file is empty"), ("ru", "файл пуст")):
        assert empty in render(trouble.hint, trouble.facts, language).title
    assert "pages" not in found.values()


async def test_sqlite_never_gets_to_delete_the_wal_of_a_file_of_zero_bytes(tmp_path: Path) -> None:
    path = crashed_wal(tmp_path / "a.db")
    os.truncate(path, 0)
    before = listing(tmp_path)
    await visit(path)
    assert listing(tmp_path) == before


async def test_a_replaced_file_stays_up_and_is_counted(tmp_path: Path) -> None:
    engine = SqliteEngine()
    path = make_database(tmp_path / "a.db")
    first = await visit(path, engine=engine)
    other = make_database(tmp_path / "b.db", "delete")
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE u (x)")
    age(other)
    other.rename(path)
    second = await visit(path, engine=engine)
    third = await visit(path, engine=engine)
    assert [each.values()["file_replaced_total"] for each in (first, second, third)] == [0, 1, 1]
    assert [each.values()["tables"] for each in (first, second, third)] == [1, 2, 2]


async def test_a_symlink_is_followed_to_the_wal_of_the_real_file(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    real = tmp_path / "data" / "a.db"
    link = tmp_path / "link.db"
    link.symlink_to(real)
    with Application(real) as application:
        application.open("wal")
        application.execute("CREATE TABLE t (x)")
        found = await visit(link)
        assert found.values()["tables"] == 1
        assert found.session is not None
        assert found.session.way is Way.SHARED
    assert sorted(each.name for each in tmp_path.iterdir()) == ["data", "link.db"]


@pytest.mark.parametrize(
    "name", ["a b.db", "a?b#c%d.db", "базаданных 数.db", "a&mode=rwc.db", "'\"\n.db"]
)
@pytest.mark.parametrize("mode", ["wal", "delete"])
async def test_any_name_is_read_and_no_other_file_made(
    tmp_path: Path, name: str, mode: str
) -> None:
    path = make_database(tmp_path / name, mode)
    assert (await visit(path)).values()["tables"] == 1
    assert [each.name for each in tmp_path.iterdir()] == [name]


async def test_a_name_that_is_not_utf8_is_read(tmp_path: Path) -> None:
    path = os.fsdecode(os.fsencode(tmp_path) + b"/a\xff\xfe.db")
    make_database(tmp_path / "a.db").rename(path)
    assert (await visit(path)).up


async def test_probes_may_ask_more_in_the_same_session(tmp_path: Path) -> None:
    path = make_database(tmp_path / "a.db", rows=7)
    async with ENGINE.visit(target_of(path)) as session:
        assert await session.fetch("SELECT count(*) FROM t WHERE x > ?", ("",)) == [(7,)]
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            await session.fetch("DELETE FROM t")


async def test_a_file_that_is_not_opened_answers_no_question(tmp_path: Path) -> None:
    path = crashed_wal(tmp_path / "a.db", keep_shm=False)
    async with ENGINE.visit(target_of(path)) as session:
        with pytest.raises(SqliteTrouble, match="only looked at from outside"):
            await session.fetch("SELECT 1")


async def test_phases_are_timed(tmp_path: Path) -> None:
    path = make_database(tmp_path / "a.db")
    step = ENGINE.visit(target_of(path))
    assert step.phase is Phase.STAT
    async with step:
        pass
    assert set(step.phases) == {Phase.STAT, Phase.OPEN, Phase.READ}
    assert all(0 <= seconds < 1 for seconds in step.phases.values())


def test_a_file_has_no_server(tmp_path: Path) -> None:
    target = target_of(tmp_path / "a.db")
    assert ENGINE.server_of(target) is None
    assert ENGINE.description(target) == {"path": str(tmp_path / "a.db")}
    with pytest.raises(TypeError, match="no servers"):
        ENGINE.attend(Server("x:1", "sqlite"), [target], lambda: None)


@pytest.mark.parametrize("mode", ["wal", "delete"])
async def test_two_targets_on_one_file_have_each_their_own_verdict(
    tmp_path: Path, mode: str
) -> None:
    path = make_database(tmp_path / "a.db", mode)
    one = target_of(path)
    two = replace(one, name="another")
    engine = SqliteEngine()
    with Application(path) as application:
        application.open(mode)
        before = listing(tmp_path)
        for _ in range(10):
            rounds = await asyncio.gather(
                visit(path, engine=engine, target=one), visit(path, engine=engine, target=two)
            )
            assert [found.failure for found in rounds] == [None, None]
        assert listing(tmp_path) == before


async def test_two_targets_on_one_file_are_copied_at_the_same_time(tmp_path: Path) -> None:
    path = make_database(tmp_path / "a.db", rows=1000)
    one = target_of(path)
    two = replace(one, name="another")
    backups = SqliteEngine().backups
    await asyncio.gather(*(backups.preflight(target, target.url) for target in (one, two)))
    copies = await asyncio.gather(
        *(
            backups.produce(target, target.url, tmp_path / f"{target.name}.copy", lambda _: None)
            for target in (one, two)
        )
    )
    assert [copied.tables for copied in copies] == [1, 1]
