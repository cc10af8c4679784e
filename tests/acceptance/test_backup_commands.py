"""The commands about backups, as a person and a script use them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from tests.support.daemon import Daemon, wait_until
from tests.support.postgres import Cluster, Database, bin_dir

Run = Callable[..., subprocess.CompletedProcess]

KEYS = {
    "id", "target", "engine", "taken_at", "size_bytes", "sha256", "path", "destination",
    "outcome", "failure", "verified_level", "verified_at", "restored_at",
    "restore_duration_seconds", "tables",
}  # fmt: skip


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return environment_in(tmp_path)


def environment_in(folder: Path) -> dict[str, str]:
    clean = {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8"}
    root = str(Path(__file__).parents[2])
    return {
        **clean,
        "PYTHONPATH": root,
        "DB_WATCHDOG_STATE_DIRECTORY": str(folder / "state"),
        "DB_WATCHDOG_PG_BIN": str(bin_dir()),
    }


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return command_in(tmp_path)


def command_in(folder: Path) -> Run:
    def command(*arguments: str, **more: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, "-m", "watchdog", *arguments],
            cwd=folder,
            env={**environment_in(folder), **more},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return command


@pytest.fixture
def app(tmp_path: Path) -> Path:
    return app_in(tmp_path)


@pytest.fixture(scope="module")
def backed_up(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Give the commands in a folder that has a backup already and is not changed."""
    folder = tmp_path_factory.mktemp("backed-up")
    app_in(folder)
    command = command_in(folder)
    assert command("backup").returncode == 0
    return command


def app_in(tmp_path: Path) -> Path:
    """Write a SQLite database and the configuration that backs it up."""
    path = tmp_path / "app.db"
    database = sqlite3.connect(path)
    database.execute("create table item (id integer primary key, name text)")
    database.executemany("insert into item (name) values (?)", [(f"n{n}",) for n in range(500)])
    database.commit()
    database.close()
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "watchdog.yaml").write_text(
        "defaults: {backup: {directory: backups, keep: {last: 2}}}\n"
        "targets:\n"
        "  - {name: app, url: 'sqlite:///app.db'}\n"
        "  - {name: off, url: 'sqlite:///off.db', backup: false}\n"
    )
    return path


def document(done: subprocess.CompletedProcess) -> list[dict]:
    return json.loads(done.stdout)["backups"]


def items(path: Path) -> int:
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return database.execute("select count(*) from item").fetchone()[0]
    finally:
        database.close()


def test_a_sqlite_database_goes_there_and_back(run: Run, app: Path, tmp_path: Path) -> None:
    made = run("backup", "--json")
    assert made.returncode == 0, made.stderr
    (backup,) = document(made)
    assert set(backup) >= KEYS
    assert (backup["outcome"], backup["verified_level"], backup["tables"]) == ("ok", 3, 1)
    assert Path(backup["path"]).parent == tmp_path / "backups" / "app"
    listed = run("backups", "app", "--json")
    assert listed.returncode == 0
    assert document(listed) == [backup]
    assert run("verify", "app").returncode == 0
    back = run("restore", "app", "--to", f"sqlite:///{tmp_path}/copy.db")
    assert back.returncode == 0, back.stdout + back.stderr
    assert backup["id"] in back.stdout
    assert items(tmp_path / "copy.db") == 500
    (after,) = document(run("backups", "--json"))
    assert after["restored_at"] is not None
    assert after["restore_duration_seconds"] > 0


def test_people_are_told_what_would_be_lost(run: Run, app: Path) -> None:
    before = run("backups")
    assert before.returncode == 0
    assert "There are no backups." in before.stdout
    assert "app: everything would be lost now" in before.stdout
    run("backup")
    after = run("backups")
    unknown = "how long the way back takes is not known"
    assert re.search(rf"app: lose \d(\.\d)? s; {unknown}", after.stdout)
    assert "off" not in after.stdout


def test_retention_is_shown_before_it_is_applied(run: Run, app: Path, tmp_path: Path) -> None:
    for _ in range(2):
        assert run("backup").returncode == 0
    config = tmp_path / "config" / "watchdog.yaml"
    config.write_text(config.read_text().replace("last: 2", "last: 1"))
    shown = run("prune", "--dry-run")
    assert shown.returncode == 0
    assert "kept: last 1 of 1" in shown.stdout
    assert "would be removed: no rule keeps it" in shown.stdout
    assert len(document(run("backups", "--json"))) == 2
    done = json.loads(run("prune", "--json").stdout)
    assert [each["keep"] for each in done["decisions"]] == [True, False]
    assert len(document(run("backups", "--json"))) == 1


def test_a_failure_is_said_with_its_reason_and_remembered(run: Run, app: Path) -> None:
    assert run("backup").returncode == 0
    app.unlink()
    failed = run("backup", "--json")
    assert failed.returncode == 1
    (told,) = document(failed)
    assert set(told) >= KEYS
    assert (told["outcome"], told["id"]) == ("failed", None)
    assert told["failure"]["phase"] == "preflight"
    assert told["failure"]["message"]
    listed = run("backups")
    assert "the last attempt failed" in listed.stdout
    assert len(document(run("backups", "--json"))) == 1  # sealed ones only
    assert "app:" in run("backup").stdout


def test_each_level_says_what_it_proved_and_where_the_backup_stands(run: Run, app: Path) -> None:
    assert run("backup").returncode == 0
    for level, told in ((1, "its hash is that"), (3, "it is whole")):
        done = run("verify", "app", "--level", str(level))
        assert done.returncode == 0, done.stdout
        assert f"proven at level {level} in " in done.stdout
        assert told in done.stdout
        assert ("it stands at level 3" in done.stdout) is (level < 3)
    (shown,) = document(run("verify", "app", "--level", "1", "--json"))
    assert (shown["proven_level"], shown["verified_level"]) == (1, 3)
    assert list(shown["levels"]) == ["0", "1", "2", "3"]
    assert shown["rows"] == 500


def test_a_drill_restores_into_scratch_and_tells_how_long_that_took(
    run: Run, app: Path, tmp_path: Path
) -> None:
    config = tmp_path / "config" / "watchdog.yaml"
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    drill = f"drill: {{directory: {scratch}, assert: ['select count(*) = 500 from item']}}"
    config.write_text(config.read_text().replace("keep: {last: 2}", "keep: {last: 2}, " + drill))
    assert run("backup").returncode == 0
    done = run("verify", "app", "--level", "4")
    assert done.returncode == 0, done.stdout
    assert "proven at level 4" in done.stdout
    assert "into a scratch file: 500 rows in 1 table" in done.stdout
    (backup,) = document(run("backups", "--json"))
    assert backup["verified_level"] == 4
    assert backup["restored_at"] is not None
    assert backup["restore_duration_seconds"] > 0
    assert list(scratch.iterdir()) == []
    config.write_text(config.read_text().replace("= 500", "= 501"))
    refused = run("verify", "app", "--level", "4", "--json")
    assert refused.returncode == 1
    (shown,) = document(refused)
    assert shown["proof_failure"]["hint"] == "backup_assertion_false"
    assert (shown["proven_level"], shown["verified_level"]) == (3, 4)


def test_a_truncated_backup_is_found_out(run: Run, app: Path) -> None:
    (backup,) = document(run("backup", "--json"))
    os.truncate(backup["path"], backup["size_bytes"] // 2)
    verified = run("verify", "--all")
    assert verified.returncode == 1
    assert "its manifest says" in verified.stdout
    (listed,) = document(run("backups", "--json"))
    assert listed["verified_level"] == 0
    assert listed["failure"]["hint"] == "backup_truncated"
    refused = run("restore", "app", "--to", "sqlite:///other.db")
    assert refused.returncode == 2
    assert "none is verified" in refused.stderr
    assert run("restore", backup["id"], "--to", "sqlite:///other.db").returncode == 1
    assert not Path(backup["path"]).parents[2].joinpath("other.db").exists()


def test_a_destination_that_went_away_never_reads_as_no_backups(
    run: Run, app: Path, tmp_path: Path
) -> None:
    assert run("backup").returncode == 0
    place = tmp_path / "backups"
    place.rename(tmp_path / "unmounted")
    place.mkdir()
    for command in (["backup"], ["backups"], ["prune"], ["verify", "--all"]):
        done = run(*command)
        assert done.returncode == 1, command
        assert "Is its disk mounted?" in done.stdout + done.stderr
        assert "There are no backups" not in done.stdout
    assert list(place.iterdir()) == []
    place.rmdir()
    (tmp_path / "unmounted").rename(place)
    assert len(document(run("backups", "--json"))) == 1
    assert "the last attempt failed" in run("backups").stdout


def test_an_emptied_destination_is_taken_again_when_told_to(
    run: Run, app: Path, tmp_path: Path
) -> None:
    assert run("backup").returncode == 0
    place = tmp_path / "backups"
    place.rename(tmp_path / "away")
    place.mkdir()
    (place / ".db-watchdog-destination").touch()
    assert run("backup").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["backup", "nope"], "unknown target nope: configured are app, off"),
        (["backup", "off"], "backups of off are off"),
        (["backup", "--wait", "soon"], "--wait soon"),
        (["backups", "nope"], "unknown target nope"),
        (["restore", "nope", "--to", "sqlite:///x.db"], "no backup or target 'nope'"),
        (["restore", "app"], "--to"),
        (["restore", "app", "--to", "nope"], "neither a URL nor a target"),
        (["restore", "app", "--to", "app"], "the very database"),
        (["restore", "app", "--to", "mysql://h/d"], "mysql"),
        (["restore", "app", "--to", "postgresql://h/d"], "is a backup of sqlite"),
        (["restore", "app", "--to", "app", "--force"], "add --yes"),
        (["restore", "app", "--to", "app", "--force", "--table", "item"], "new or empty"),
        (["verify"], "name one backup or target"),
        (["verify", "app", "--level", "9"], "give 0 to 4"),
        (["verify", "app", "--server", "same"], "--server is for --level 4"),
        (["verify", "nope"], "no backup or target"),
        (["prune", "nope"], "unknown target"),
        (["backup", "-c", "missing.yaml"], "missing.yaml"),
    ],
)
def test_usage_mistakes_end_with_two(run: Run, app: Path, arguments: list[str], says: str) -> None:
    assert run("backup").returncode == 0
    done = run(*arguments)
    assert done.returncode == 2, done.stdout + done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_a_backup_is_restored_by_its_path_without_any_configuration(
    run: Run, app: Path, tmp_path: Path
) -> None:
    (backup,) = document(run("backup", "--json"))
    (tmp_path / "config" / "watchdog.yaml").unlink()
    done = run("restore", backup["path"], "--to", f"sqlite:///{tmp_path}/copy.db")
    assert done.returncode == 0, done.stdout + done.stderr
    assert items(tmp_path / "copy.db") == 500


def test_nothing_is_restored_over_what_is_there(run: Run, app: Path, tmp_path: Path) -> None:
    assert run("backup").returncode == 0
    (tmp_path / "mine.db").write_bytes(app.read_bytes())
    before = (tmp_path / "mine.db").read_bytes()
    assert run("restore", "app", "--to", "sqlite:///mine.db").returncode == 1
    assert (tmp_path / "mine.db").read_bytes() == before


# ------------------------------------------------------------------ PostgreSQL


@pytest.fixture
def watched(tmp_path: Path, database: Database) -> Database:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "watchdog.yaml").write_text(
        "defaults: {backup: {directory: backups}}\n"
        "targets:\n"
        "  - {name: app, url: '${APP__DB_URL}'}\n"
    )
    return database


def test_a_postgresql_database_goes_there_and_back(
    run: Run, watched: Database, cluster: Cluster, tmp_path: Path
) -> None:
    given = {"APP__DB_URL": watched.url("owner")}
    made = run("backup", "--json", **given)
    assert made.returncode == 0, made.stderr
    (backup,) = document(made)
    assert (backup["verified_level"], backup["tables"]) == (2, 2)
    to = cluster.url("postgres", "there_and_back")
    try:
        back = run("restore", "app", "--to", to, **given)
        assert back.returncode == 0, back.stdout + back.stderr
        assert cluster.sql("select count(*) from account", "there_and_back") == "100"
        again = run("restore", "app", "--to", to, **given)
        assert again.returncode == 1
        assert "restore_into_nonempty" in again.stdout
    finally:
        cluster.drop_database("there_and_back")
    said = made.stdout + made.stderr + back.stdout + back.stderr + again.stdout + again.stderr
    assert "S3cret" not in said


def test_no_id_is_cut_however_narrow_the_terminal_is(backed_up: Run) -> None:
    (backup,) = document(backed_up("backups", "--json"))
    for columns in ("40", ""):
        said = backed_up("backups", COLUMNS=columns).stdout
        assert backup["id"] in said
        assert "…" not in said


def test_without_a_terminal_a_target_is_one_line(backed_up: Run) -> None:
    said = backed_up("probe", "off").stdout  # its file is not there: a long message
    (line,) = (line for line in said.splitlines() if line.startswith("DOWN"))
    assert "off.db" in line
    assert line.rstrip().endswith("exist (its directory does)")


def test_no_backups_because_they_are_off_is_said(app: Path, run: Run) -> None:
    (app.parent / "config" / "watchdog.yaml").write_text(
        "targets: [{name: app, url: 'sqlite:///app.db'}]\n"
    )
    assert "backups are off" in run("backups").stdout


def test_a_first_backup_that_failed_is_told_with_its_reason(app: Path, run: Run) -> None:
    app.write_bytes(b"no database at all" * 100)
    assert run("backup").returncode == 1
    said = run("backups").stdout
    assert "everything would be lost now" in said
    assert "the last attempt failed" in said


@pytest.fixture
def dumping(
    watched: Database, tmp_path: Path
) -> Iterator[Callable[[], tuple[subprocess.Popen, Path]]]:
    """Give a way to start the command and get it in the middle of a dump, with its folder."""
    environment = {**environment_in(tmp_path), "APP__DB_URL": watched.url("owner")}
    environment["TMPDIR"] = str(tmp_path / "tmp")
    (tmp_path / "tmp").mkdir()
    loop = asyncio.new_event_loop()
    connection = loop.run_until_complete(watched.cluster.connect(watched.name))
    loop.run_until_complete(connection.execute("begin; lock table note in access exclusive mode"))
    folder = tmp_path / "backups" / "app"

    def start() -> tuple[subprocess.Popen, Path]:
        command = subprocess.Popen(
            [sys.executable, "-m", "watchdog", "backup"],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        until = time.monotonic() + 30
        while not dumps_into(folder):
            assert time.monotonic() < until
            assert command.poll() is None, command.communicate()
            time.sleep(0.05)
        time.sleep(0.3)
        return command, folder

    yield start
    # A test may have had the server end it: then it is closed already.
    with contextlib.suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        loop.run_until_complete(connection.close(timeout=5))
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()


def dumps_into(folder: Path) -> list[str]:
    """The process ids of those that write below *folder*."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if f"--file={folder}".encode() in (entry / "cmdline").read_bytes():
                found.append(entry.name)
    return found


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_command_that_is_stopped_cleans_up(
    dumping: Callable[[], tuple[subprocess.Popen, Path]],
    number: signal.Signals,
    run: Run,
    watched: Database,
) -> None:
    command, folder = dumping()
    command.send_signal(number)
    _, errors = command.communicate(timeout=8)
    assert command.returncode == 1
    assert "Traceback" not in errors
    assert dumps_into(folder) == []
    assert {path.name for path in folder.iterdir()} == {".lock", "attempts.json"}
    (attempt,) = json.loads((folder / "attempts.json").read_text())["attempts"]
    assert attempt["outcome"] == "cancelled"
    assert "cancelled, nothing is left of it" in errors
    # and nobody is told that backups fail
    assert "failed" not in run("backups", APP__DB_URL=watched.url("owner")).stdout


def test_what_a_killed_command_leaves_is_no_backup_and_is_swept_by_the_next(
    run: Run,
    watched: Database,
    dumping: Callable[[], tuple[subprocess.Popen, Path]],
    tmp_path: Path,
) -> None:
    command, folder = dumping()
    command.kill()
    command.communicate(timeout=8)
    until = time.monotonic() + 5
    while dumps_into(folder):
        assert time.monotonic() < until, "pg_dump outlived the command"
        time.sleep(0.05)
    given = {"APP__DB_URL": watched.url("owner"), "TMPDIR": str(tmp_path / "tmp")}
    assert [path.name for path in folder.iterdir() if path.name.endswith(".partial")]
    assert list((tmp_path / "tmp").rglob("passfile"))
    assert document(run("backups", "--json", **given)) == []
    watched.cluster.sql(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        f" where datname = '{watched.name}' and pid <> pg_backend_pid()"
    )
    again = run("backup", **given)
    assert again.returncode == 0, again.stdout
    assert not [path.name for path in folder.iterdir() if path.name.endswith(".partial")]
    assert list((tmp_path / "tmp").iterdir()) == []


def test_after_a_restart_a_destination_that_is_away_reads_as_unknown_and_not_as_never(
    tmp_path: Path,
) -> None:
    database, directory = tmp_path / "app.db", tmp_path / "backups"
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.execute("create table t (x)")
    backup = {"directory": str(directory), "schedule": "@every 1h", "run_on_start": True}
    targets = [{"name": "app", "url": f"sqlite:///{database}", "backup": backup}]
    point = "watchdog_backup_recovery_point_timestamp_seconds"
    with Daemon(tmp_path, {"targets": targets}) as daemon:
        daemon.event("backup taken")
        wait_until(lambda: daemon.metric(point, target="app"), "the recovery point is told")
        assert daemon.stop() == 0
    directory.rename(tmp_path / "unmounted")
    directory.mkdir()
    with Daemon(tmp_path, {"targets": targets}) as daemon:
        assert daemon.metric(point, target="app") is None
        assert daemon.metric("watchdog_backups", target="app") is None
        assert daemon.metric("watchdog_backup_last_attempt_successful", target="app") == 0
        assert daemon.target("app")["hint"]["id"] == "destination_missing"
