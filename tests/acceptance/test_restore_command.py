"""``restore`` over what is there: asked for, shown before, told after."""

from __future__ import annotations

import json
import os
import pty
import select
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.daemon import clean_environment
from tests.support.postgres import Database, bin_dir

Run = Callable[..., subprocess.CompletedProcess]


def environment(folder: Path) -> dict[str, str]:
    return clean_environment(
        DB_WATCHDOG_STATE_DIRECTORY=str(folder / "state"),
        DB_WATCHDOG_PG_BIN=str(bin_dir()),
        COLUMNS="200",
    )


def command_in(folder: Path) -> Run:
    def command(*arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, "-m", "watchdog", *arguments],
            cwd=folder,
            env=environment(folder),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return command


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return command_in(tmp_path)


@pytest.fixture(scope="module")
def backed_up(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with a database that has lost its rows since its backup."""
    folder = tmp_path_factory.mktemp("backed-up")
    path = folder / "app.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("create table item (id integer primary key)")
        database.executemany("insert into item values (?)", [(n,) for n in range(500)])
        database.commit()
    (folder / "config").mkdir()
    (folder / "config" / "watchdog.yaml").write_text(
        "defaults: {backup: {directory: backups}}\n"
        "targets: [{name: app, url: 'sqlite:///app.db'}]\n"
    )
    assert command_in(folder)("backup").returncode == 0
    with closing(sqlite3.connect(path)) as database:
        database.execute("delete from item")
        database.commit()
    return folder


@pytest.fixture
def app(backed_up: Path, tmp_path: Path) -> Path:
    """Give the database in a copy of that folder."""
    shutil.copytree(backed_up, tmp_path, dirs_exist_ok=True)
    return tmp_path / "app.db"


def items(path: Path | str) -> int:
    with closing(sqlite3.connect(path)) as database:
        return int(database.execute("select count(*) from item").fetchone()[0])


def typed(folder: Path, answer: str, *arguments: str) -> tuple[int, str]:
    """Run the command on a terminal of its own and answer its question."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "watchdog", *arguments],
        cwd=folder,
        env={**environment(folder), "TERM": "xterm"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as command:
        os.close(theirs)
        said = b""
        answered = False
        until = time.monotonic() + 60
        while time.monotonic() < until:
            if not select.select([ours], [], [], 1)[0]:
                continue
            try:
                piece = os.read(ours, 4096)
            except OSError:  # the other end is closed
                break
            said += piece
            if b"to replace it" in said and not answered:
                os.write(ours, answer.encode() + b"\n")
                answered = True
        os.close(ours)
        status = command.wait(10)
    assert answered
    return status, said.decode()


REPLACE = ("restore", "app", "--to", "app", "--force")


def test_the_name_is_asked_for_and_a_wrong_one_does_nothing(app: Path, tmp_path: Path) -> None:
    status, said = typed(tmp_path, "yes", *REPLACE)
    assert status == 1
    assert "nothing was done" in said
    assert items(app) == 0
    status, said = typed(tmp_path, "app.db", *REPLACE)
    assert status == 0, said
    assert items(app) == 500
    (kept,) = tmp_path.glob("app.db.before-*")
    assert items(kept) == 0
    assert str(kept) in said


def test_scripts_say_yes_and_get_a_document(app: Path, run: Run) -> None:
    done = run(*REPLACE, "--yes", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)["restore"]
    assert document["backup"]["target"] == "app"
    assert document["dry_run"] is False
    assert items(document["kept_aside"]) == 0
    assert len(document["way_back"]) == 2
    assert document["duration_seconds"] > 0
    assert "will be replaced" in done.stderr
    assert f"as {Path(document['kept_aside']).name}" in done.stderr  # as it was said before
    assert items(app) == 500


def test_a_dry_run_says_what_would_be_done_and_does_nothing(app: Path, run: Run) -> None:
    before = app.read_bytes()
    done = run(*REPLACE, "--dry-run", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)["restore"]
    assert document["dry_run"] is True
    assert document["kept_aside"].startswith("app.db.before-")
    assert document["needed_bytes"] > 0
    assert document["free_bytes"] > 0
    assert "would be replaced" in done.stderr
    assert app.read_bytes() == before
    assert not list(app.parent.glob("*.before-*"))


def test_one_table_is_restored_beside(app: Path, run: Run) -> None:
    done = run("restore", "app", "--to", "sqlite:///item.db", "--table", "item")
    assert done.returncode == 0, done.stdout
    assert items(app.parent / "item.db") == 500


@pytest.fixture
def watched(database: Database, tmp_path: Path) -> Iterator[Database]:
    # Behind a name that nobody listens at: what is restored into is the server itself.
    (tmp_path / "config").mkdir()
    (tmp_path / "password").write_text(database.cluster.passwords["postgres"])
    url = database.url("postgres").replace(":super-S3cret@", "@")
    (tmp_path / "config" / "watchdog.yaml").write_text(
        "defaults: {backup: {directory: backups}}\n"
        "targets:\n"
        f"  - {{name: app, url: '{url.replace(str(database.cluster.port), '1')}',"
        f" password_file: password, backup: {{url: '{url}'}}}}\n"
    )
    yield database
    rows = database.cluster.sql(
        f"select datname from pg_database where datname like '{database.name}\\_before%'"
    )
    for name in filter(None, rows.split("\n")):
        database.cluster.drop_database(name)


def test_a_postgresql_target_is_replaced_by_its_direct_address_and_password_file(
    watched: Database, run: Run
) -> None:
    assert run("backup").returncode == 0
    cluster = watched.cluster
    cluster.sql("delete from note; delete from account", watched.name)
    command = [cluster.binaries / "psql", "-XAtq", "-h", cluster.folder, "-p", str(cluster.port)]
    with subprocess.Popen(
        [*map(str, command), "-U", "owner", "-d", watched.name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as session:
        assert session.stdin is not None
        assert session.stdout is not None
        session.stdin.write("select 1;\n")
        session.stdin.flush()
        session.stdout.readline()
        refused = run(*REPLACE, "--yes")
        assert refused.returncode == 1
        assert "psql, role owner" in refused.stdout
        assert "--end-sessions" in refused.stdout
        assert cluster.sql("select count(*) from account", watched.name) == "0"
        done = run(*REPLACE, "--yes", "--end-sessions", "--json", "--jobs", "2")
        session.stdin.close()
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)["restore"]
    assert document["notes"] == []
    assert cluster.sql("select count(*) from account", watched.name) == "100"
    assert cluster.sql("select count(*) from account", document["kept_aside"]) == "0"
    assert "S3cret" not in done.stdout + done.stderr + refused.stdout + refused.stderr
    assert "restoring into" in done.stderr
