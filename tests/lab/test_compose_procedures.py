"""What docs/docker.md says of compose, each claim tried: what applies a change, what does not."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.compose_project import PASSWORD, Project
from tests.support.docker_engine import ROOT, Engine
from tests.support.systemd_machine import wait_for
from tools.make_sample_data import main as make_sample_data

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]

PORT = 5432
INIT = "/docker-entrypoint-initdb.d/10-databases.sh"
PAGE = (ROOT / "docs" / "docker.md").read_text()


@pytest.fixture
def project(engine: Engine, tmp_path: Path) -> Iterator[Project]:
    """A project of the test's own, on ports of its own; nothing of it runs yet."""
    made = Project(engine, tmp_path, shift=1000)
    try:
        yield made
    finally:
        made.down()


def publish(project: Project, port: str = "127.0.0.1:5432:5432") -> None:
    """Take the # from the port, as the page says."""
    file = project.folder / "docker-compose.yml"
    before = file.read_text()
    text = before.replace("    # ports:\n    #   - ", "    ports:\n      - ")
    assert text != before
    file.write_text(text.replace("127.0.0.1:5432:5432", port))


def both_up(project: Project, daemon: str = "db-watchdog") -> None:
    wait_for("both databases up", lambda: project.ups(daemon) == [1.0, 1.0], 60)


def variables(project: Project, service: str) -> dict[str, str]:
    """Return the variables that a container was made with."""
    lines = project.inspect(service)["Config"]["Env"]
    return dict(line.split("=", 1) for line in lines if "=" in line)


# ---------------------------------------------------------------------- the first start


def test_bare_up_needs_nothing(project: Project) -> None:
    """No .env, no secrets: it is there, with the passwords for development."""
    assert not (project.folder / ".env").exists()
    project.up("postgres", "db-watchdog")
    both_up(project)
    assert project.sql("agent_runtime", "select current_user") == "codelab"
    for service in ("postgres", "db-watchdog"):
        assert PASSWORD not in json.dumps(project.inspect(service))


def test_the_operators_variables_win(project: Project) -> None:
    owner = "owners-own-password"
    project.env(
        f"POSTGRES_PASSWORD={owner}",
        "WATCHDOG_ROLE_PASSWORD=the-roles",
        f"AGENT_RUNTIME__DB_URL=postgresql://codelab:{owner}@postgres:5432/agent_runtime",
        "AUTH_SERVICE__DB_URL=postgresql+asyncpg://db_watchdog:the-roles@postgres:5432/auth_db",
    )
    project.up("postgres", "db-watchdog")
    both_up(project)
    assert variables(project, "postgres")["POSTGRES_PASSWORD"] == owner
    refused = project.make_secrets()
    assert refused.returncode == 1
    assert "take the passwords and URLs out of .env" in refused.stderr


# ---------------------------------------------------------------------- what applies a change


def test_restart_applies_neither_env_nor_ports_and_up_does(project: Project) -> None:
    project.up("postgres", "db-watchdog")
    project.env(
        "AGENT_RUNTIME__DB_URL=postgresql://codelab:wrong@postgres:5432/agent_runtime",
        "AUTH_SERVICE__DB_URL=postgresql://codelab:wrong@postgres:5432/auth_db",
    )
    publish(project)
    before = project.inspect("postgres")["Id"]
    project.compose("restart", "postgres", "db-watchdog")
    both_up(project)
    assert "AGENT_RUNTIME__DB_URL" not in variables(project, "db-watchdog")
    assert project.inspect("postgres")["Id"] == before
    assert not project.engine.listens() & {f"127.0.0.1:{PORT}"}
    assert "refused" in project.psql(PORT, "agent_runtime", "select 1", PASSWORD)

    project.compose("up", "-d", "postgres", "db-watchdog")
    wait_for("the new URLs", lambda: project.ups() == [0.0, 0.0], 60)
    assert project.inspect("postgres")["Id"] != before
    assert f"127.0.0.1:{PORT}" in project.engine.listens()
    wait_for(
        "psql from the host",
        lambda: project.psql(PORT, "agent_runtime", "select 1", PASSWORD) == "1",
    )


def test_a_port_without_an_address_is_open_to_all(project: Project) -> None:
    publish(project, "5432:5432")
    project.up("postgres")
    assert project.engine.listens() & {f"0.0.0.0:{PORT}", f"*:{PORT}", f"[::]:{PORT}"}


def test_a_new_password_in_a_file_is_not_the_database_s(project: Project) -> None:
    """The page's way is to change it in both places."""
    assert project.make_secrets().returncode == 0
    project.up("postgres", "db-watchdog")
    both_up(project)
    publish(project)
    file = project.folder / "secrets" / "postgres-password"
    first = file.read_text().strip()
    file.unlink()
    file.write_text("another\n")
    project.up("--force-recreate", "postgres")
    assert "failed" in project.psql(PORT, "agent_runtime", "select 1", "another")
    assert project.psql(PORT, "agent_runtime", "select 1", first) == "1"
    project.sql("postgres", "alter role codelab password 'another'")
    assert project.psql(PORT, "agent_runtime", "select 1", "another") == "1"


# ---------------------------------------------------------------------- volumes


def test_down_keeps_the_data_and_the_init_script_does_not_run_again(project: Project) -> None:
    project.up("postgres")
    project.sql("agent_runtime", "create table kept as select 42 as answer")
    project.sql("postgres", "drop database auth_db")
    # "Make the container anew": all the ways in which it is said.
    for command in (("down", "postgres"), ("down",), ("rm", "-sf", "postgres")):
        project.compose(*command)
        project.up("postgres")
        assert project.sql("agent_runtime", "select answer from kept") == "42"
        lost = project.compose(
            "exec", "-T", "postgres", "psql", "-U", "codelab", "-d", "auth_db", check=False
        )
        assert 'database "auth_db" does not exist' in lost.stderr
    said = project.run("postgres", INIT)
    assert "database auth_db is there" in said
    assert project.sql("auth_db", "select 1") == "1"
    assert project.sql("agent_runtime", "select answer from kept") == "42"

    project.compose("down", "-v")
    project.up("postgres")
    assert project.sql("agent_runtime", "select to_regclass('kept') is null") == "t"


def test_the_least_role_may_be_made_later(project: Project) -> None:
    assert project.make_secrets().returncode == 0
    folder = project.folder / "secrets"
    urls = (folder / "database-urls.env").read_text()
    role = (folder / "watchdog-role-password").read_text()
    owner = (folder / "postgres-password").read_text().strip()
    for name, text in {
        "watchdog-role-password": "",
        "database-urls.env": urls.replace(f"db_watchdog:{role.strip()}", f"codelab:{owner}"),
    }.items():
        (folder / name).unlink()
        (folder / name).write_text(text)
    project.up("postgres", "db-watchdog")
    both_up(project)
    assert project.sql("postgres", "select count(*) from pg_roles where rolname='db_watchdog'") == (
        "0"
    )
    for name, text in {"watchdog-role-password": role, "database-urls.env": urls}.items():
        (folder / name).unlink()
        (folder / name).write_text(text)
    project.up("--force-recreate", "postgres")
    assert "role db_watchdog is there" in project.run("postgres", INIT)
    project.up("--force-recreate", "db-watchdog")
    both_up(project)
    asks = "select count(*) > 0 from pg_stat_activity where usename = 'db_watchdog'"
    wait_for("a session of the role", lambda: project.sql("postgres", asks) == "t")


# ---------------------------------------------------------------------- backups


def test_the_notes_way_to_restore_tells_nothing_of_its_failures(project: Project) -> None:
    project.up("postgres")
    project.sql("agent_runtime", "create table item as select generate_series(1, 1000) as id")
    dump = project.run("postgres", "pg_dump", "-U", "codelab", "agent_runtime")
    assert "\r" not in dump
    (project.folder / "config" / "postgres" / "whole.sql").write_text(dump)
    (project.folder / "config" / "postgres" / "half.sql").write_text(dump[: len(dump) // 2])
    project.sql("postgres", "create database empty")
    project.sql("postgres", "create database strict")

    def restore(file: str, database: str, *options: str) -> tuple[int, str]:
        script = (project.folder / "config" / "postgres" / file).read_text()
        wanted = ("psql", "-X", "-U", "codelab", *options, database)
        done = project.engine.docker(
            "exec", "-i", project.inspect("postgres")["Id"], *wanted, check=False, stdin=script
        )
        return done.returncode, done.stderr

    # Over what is there: an error, rows twice, and 0.
    status, said = restore("whole.sql", "agent_runtime")
    assert (status, "already exists" in said) == (0, True)
    assert project.sql("agent_runtime", "select count(*) from item") == "2000"
    # Half a file: some of the rows, and 0.
    status, _ = restore("half.sql", "empty")
    assert status == 0
    assert 0 < int(project.sql("empty", "select count(*) from item")) < 1000
    # As the page has it.
    strict = ("-v", "ON_ERROR_STOP=1", "--single-transaction")
    assert restore("whole.sql", "agent_runtime", *strict)[0] != 0
    assert project.sql("agent_runtime", "select count(*) from item") == "2000"
    assert restore("whole.sql", "strict", *strict)[0] == 0
    assert project.sql("strict", "select count(*) from item") == "1000"


def test_a_backup_goes_out_of_the_volume_and_comes_back_as_a_new_database(project: Project) -> None:
    project.up("postgres", "db-watchdog")
    both_up(project)
    project.sql("agent_runtime", "create table item as select generate_series(1, 7) as id")
    project.run("db-watchdog", "db-watchdog", "backup", "agent-runtime")
    project.compose("cp", "db-watchdog:/var/backups/db-watchdog", "./copy-of-backups")
    copied = list((project.folder / "copy-of-backups" / "agent-runtime").glob("*.dump"))
    assert len(copied) == 1
    done = project.compose(
        "exec", "-T", "-e", "PGPASSWORD", "db-watchdog", "db-watchdog", "restore", "agent-runtime",
        "--to", "postgresql://codelab@postgres:5432/agent_runtime_new",
        PGPASSWORD=PASSWORD,
    )  # fmt: skip
    assert copied[0].stem in done.stdout + done.stderr
    assert project.sql("agent_runtime_new", "select count(*) from item") == "7"


# ---------------------------------------------------------------------- SQLite


def test_the_profile_sqlite_runs_without_postgresql(project: Project) -> None:
    folder = project.folder / "data"
    make_sample_data(folder)
    with closing(sqlite3.connect(folder / "auth.db", isolation_level=None)) as application:
        application.execute("pragma journal_mode = wal")
        application.execute("create table late (id integer)")
        before = sorted(path.name for path in folder.iterdir())
        project.up("db-watchdog-sqlite")
        assert project.running() == {"db-watchdog-sqlite"}
        both_up(project, "db-watchdog-sqlite")
        said = project.run("db-watchdog-sqlite", "db-watchdog", "backup", "--json")
        assert {one["outcome"] for one in json.loads(said)["backups"]} == {"ok"}
        # Nothing is written beside what is watched; it could not be.
        assert sorted(path.name for path in folder.iterdir()) == before
    project.compose("--profile", "sqlite", "down")
    assert project.running() == set()


def test_both_kinds_beside_each_other_are_scraped(project: Project) -> None:
    project.compose("--profile", "sqlite", "up", "-d")
    assert {"postgres", "db-watchdog", "db-watchdog-sqlite", "prometheus"} <= project.running()

    def scraped() -> dict[str, str]:
        found = project.query('up{job="db-watchdog"}')
        return {series["metric"]["instance"]: series["value"][1] for series in found}

    wanted = {"db-watchdog:10187": "1", "db-watchdog-sqlite:10187": "1"}
    wait_for("both daemons", lambda: scraped() == wanted, 90)
    # There are no such files: down, and told apart from the databases of the same names.
    wanted_down = [("db-watchdog-sqlite:10187", "0")] * 2 + [("db-watchdog:10187", "1")] * 2
    wait_for("what is up and what is down", lambda: seen(project) == wanted_down, 90)
    # One that is no more is no target; where no DNS server says so, from Prometheus' next start on.
    project.compose("stop", "db-watchdog-sqlite")
    project.compose("restart", "prometheus")
    alone = {"db-watchdog:10187"}
    wait_for("one daemon", lambda: project.instances("db-watchdog") == alone, 90)


def seen(project: Project) -> list[tuple[str, str]]:
    found = project.query("watchdog_up")
    return sorted((series["metric"]["instance"], series["value"][1]) for series in found)


def test_a_file_of_another_container_is_watched_by_an_override(project: Project) -> None:
    (blocks,) = re.findall(
        r"## SQLite files of other containers.*?```yaml\n(.+?)```", PAGE, re.DOTALL
    )
    volume = re.search(r"name: (\S+)", blocks)
    assert volume is not None
    engine = project.engine
    engine.docker("volume", "create", volume[1])
    make = (
        "import os, sqlite3; os.umask(0o027); c = sqlite3.connect('/data/agent_runtime.db');"
        " c.execute('create table t (id)'); c.commit()"
    )
    try:
        engine.docker(
            "run", "--rm", "-u", "0:1000", "-v", f"{volume[1]}:/data", "--entrypoint", "python3",
            "lab/db-watchdog", "-c", make,
        )  # fmt: skip
        (project.folder / "docker-compose.override.yml").write_text(blocks)
        project.up("postgres", "db-watchdog")
        both_up(project)
        for target, kind in {"agent-runtime": "sqlite", "auth-service": "postgresql"}.items():
            assert project.metric("watchdog_up", target=target, engine=kind) == 1.0
    finally:
        project.down()
        engine.docker("volume", "rm", "-f", volume[1], check=False)
