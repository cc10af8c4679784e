"""Restoring over a SQLite database: the old one is kept aside as a whole set."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.sqlite import (
    APPLICATION_UID,
    WATCHER_UID,
    Application,
    age,
    crashed_wal,
    hot_journal,
    listing,
    make_database,
    open_folder,
)
from watchdog.database_url import SqliteUrl
from watchdog.engines.sqlite import ENGINE
from watchdog.model import ActionFailed, Failure
from watchdog.restoration import Restored, RestoreOptions, Step

REPLACE = RestoreOptions(replace=True)


@pytest.fixture
def artefact(tmp_path: Path) -> Path:
    return make_database(tmp_path / "copy.sqlite", "delete", rows=500)


async def replaced(artefact: Path, to: Path, options: RestoreOptions = REPLACE) -> Restored:
    return await ENGINE.backups.bring_back(artefact, SqliteUrl(str(to)), options, lambda _: None)


async def refused(artefact: Path, to: Path, options: RestoreOptions = REPLACE) -> Failure:
    before = listing(to.parent)
    with pytest.raises(ActionFailed) as caught:
        await replaced(artefact, to, options)
    assert listing(to.parent) == before
    return caught.value.failure


def rows(path: Path | str) -> int:
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        (count,) = connection.execute("SELECT count(*) FROM t").fetchone()
    return int(count)


@pytest.mark.parametrize(
    "make",
    [
        lambda path: make_database(path, "wal"),
        lambda path: make_database(path, "delete"),
        lambda path: make_database(path, "persist"),
        crashed_wal,
        lambda path: crashed_wal(path, keep_shm=False),
        hot_journal,
    ],
    ids=["wal", "delete", "persist", "crashed wal", "crashed wal without shm", "hot journal"],
)
async def test_whatever_the_old_one_was_left_like_both_open(
    artefact: Path, tmp_path: Path, make
) -> None:
    folder = tmp_path / 'it\'s the "data" folder'
    folder.mkdir()
    place = make(folder / "app.db")
    done = await replaced(artefact, place)
    assert done.notes == ()
    assert {each.name for each in folder.iterdir()} == {"app.db", Path(done.kept_aside).name}
    assert rows(place) == 500
    with closing(sqlite3.connect(place)) as connection:  # a live one, with a -wal of its own
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("INSERT INTO t VALUES (2)")
        connection.commit()
        subprocess.run(["/bin/sh", "-euc", "\n".join(done.way_back)], check=True)
    assert rows(place) == 1
    (gone,) = folder.glob("app.db.restored-*Z")
    assert rows(gone) == 501


async def test_a_damaged_database_is_replaced_and_kept_as_it_was(
    artefact: Path, tmp_path: Path
) -> None:
    place = crashed_wal(tmp_path / "app.db")
    with place.open("r+b") as file:
        file.write(b"\0" * 100)
    Path(f"{place}-wal").write_bytes(b"no log at all")
    age(place)
    before, wal = place.read_bytes(), Path(f"{place}-wal").read_bytes()
    done = await replaced(artefact, place)
    assert rows(place) == 500
    assert Path(done.kept_aside).read_bytes() == before
    assert Path(f"{done.kept_aside}-wal").read_bytes() == wal
    assert "as it was found" in done.notes[0]
    assert not Path(f"{place}-wal").exists()


async def test_mode_and_owner_are_those_of_the_old_one(artefact: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    with open_folder() as folder:
        place = make_database(folder / "app.db")
        place.chmod(0o640)
        os.chown(place, APPLICATION_UID, WATCHER_UID)
        done = await replaced(artefact, place)
        for path in (place, Path(done.kept_aside)):
            found = path.stat()
            assert (found.st_uid, found.st_gid) == (APPLICATION_UID, WATCHER_UID)
            assert stat.S_IMODE(found.st_mode) == 0o640
        with Application(place, APPLICATION_UID) as application:
            application.open("wal")
            application.execute("INSERT INTO t VALUES (1)")


async def test_who_has_it_open_is_named(artefact: Path, tmp_path: Path) -> None:
    place = make_database(tmp_path / "app.db")
    with Application(place) as application:
        application.open()
        application.execute("SELECT * FROM t")
        failure = await refused(artefact, place)
    assert f"({application.pid})" in failure.message
    assert failure.code == "EBUSY"


def test_who_holds_a_lock_is_seen_without_being_root(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs processes of two users")
    program = (
        "import os, sys; from pathlib import Path;"
        "from watchdog.engines.sqlite.openers import openers;"
        f"os.setgroups([]); os.setgid({WATCHER_UID}); os.setuid({WATCHER_UID});"
        "print(list(openers([Path(sys.argv[1]), Path(sys.argv[1] + '-shm')])))"
    )
    with open_folder() as folder:
        place = make_database(folder / "app.db")
        os.chown(place, APPLICATION_UID, APPLICATION_UID)
        with Application(place, APPLICATION_UID) as application:
            application.open("wal")
            application.execute("SELECT * FROM t")
            done = subprocess.run(
                [sys.executable, "-c", program, str(place)],
                capture_output=True,
                text=True,
                check=True,
                cwd=Path(__file__).parents[2],
            )
            assert done.stdout.strip() == f"[{application.pid}]"


async def test_the_database_of_another_application_is_refused(
    artefact: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE invoices (x)")
    age(other)
    assert "another application" in (await refused(artefact, other)).message
    for path, number in ((artefact, 7), (tmp_path / "numbered.db", 8)):
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS t (x)")
            connection.execute(f"PRAGMA application_id = {number}")
        age(path)
    assert "application_id is 8" in (await refused(artefact, tmp_path / "numbered.db")).message


async def test_a_plan_does_nothing(artefact: Path, tmp_path: Path) -> None:
    place = make_database(tmp_path / "app.db")
    before = listing(tmp_path)
    plan = await ENGINE.backups.plan_restore(artefact, SqliteUrl(str(place)), REPLACE)
    assert listing(tmp_path) == before
    assert plan.name == "app.db"
    assert plan.kept_aside.startswith("app.db.before-")
    assert plan.needed_bytes == artefact.stat().st_size
    assert plan.free_bytes


async def test_an_empty_database_is_not_kept_even_when_replacing(
    artefact: Path, tmp_path: Path
) -> None:
    place = tmp_path / "app.db"
    place.touch()
    age(place)
    done = await replaced(artefact, place)
    assert done.kept_aside == ""
    assert rows(place) == 500


async def test_steps_are_told(artefact: Path, tmp_path: Path) -> None:
    steps: list[Step] = []
    place = make_database(tmp_path / "app.db")
    await replaced(artefact, place, RestoreOptions(replace=True, step=steps.append))
    assert steps == [Step.DATA, Step.SWAP]


# ------------------------------------------------------------------ some of the tables


@pytest.fixture
def rich(tmp_path: Path) -> Path:
    path = tmp_path / "rich.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            """
            PRAGMA user_version = 9; PRAGMA application_id = 77;
            CREATE TABLE [some "users"] (id INTEGER PRIMARY KEY, name TEXT UNIQUE);
            CREATE INDEX by_name ON [some "users"] (name);
            CREATE TABLE orders (id INTEGER PRIMARY KEY AUTOINCREMENT,
                                 owner REFERENCES [some "users"] (id));
            CREATE TRIGGER noted AFTER INSERT ON orders BEGIN SELECT 1; END;
            CREATE VIEW both AS SELECT * FROM orders JOIN [some "users"] ON owner = orders.id;
            CREATE VIRTUAL TABLE words USING fts5(body);
            INSERT INTO [some "users"] VALUES (1, 'a'), (2, 'b');
            INSERT INTO orders (owner) VALUES (1), (2), (2);
            INSERT INTO words VALUES ('hello world');
            """
        )
    return path


async def test_only_the_tables_that_are_named_come_back(rich: Path, tmp_path: Path) -> None:
    place = tmp_path / "app.db"
    await replaced(rich, place, RestoreOptions(tables=('some "users"', "WORDS")))
    with closing(sqlite3.connect(place)) as connection:
        names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
        assert names >= {'some "users"', "by_name", "words", "words_content"}
        assert not names & {"orders", "noted", "both"}
        assert connection.execute('SELECT count(*) FROM [some "users"]').fetchone() == (2,)
        found = connection.execute("SELECT body FROM words WHERE words MATCH 'world'")
        assert found.fetchone() == ("hello world",)
        assert connection.execute("PRAGMA user_version").fetchone() == (9,)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert {each.name for each in tmp_path.iterdir()} == {"app.db", "rich.sqlite"}


async def test_a_table_that_the_backup_lacks_is_named(rich: Path, tmp_path: Path) -> None:
    failure = await refused(rich, tmp_path / "app.db", RestoreOptions(tables=("nope",)))
    assert "no table nope" in failure.message
    assert "orders" in failure.message
    assert '"some ""users"""' in failure.message
    assert failure.hint == ""  # the database is well: it is the name that is wrong
