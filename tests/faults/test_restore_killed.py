"""A restore that is killed outright, at each step: the old database opens, a rerun finishes."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.daemon import clean_environment, wait_until
from tests.support.postgres import Cluster, Database, bin_dir
from tests.support.processes import descendants, wait_gone
from watchdog.engines.postgresql.swap import unfinished_name

# Stands still at the statement that begins as app.still says, as long as the file
# app.until is there; as an index and a constraint it is at work in COPY, CREATE
# INDEX and ANALYZE.
STILL = """
create function still(n bigint) returns bigint language plpgsql immutable as $$
begin
  while current_query() ilike current_setting('app.still', true) || '%'
    and (pg_catalog.pg_stat_file(current_setting('app.until', true), true)).size is not null loop
    perform pg_catalog.pg_sleep(0.02);
  end loop;
  return n;
end $$;
create table slow (n bigint check (public.still(n) > 0));
insert into slow select n from generate_series(1, 10) n;
create index slowly on slow (public.still(n));
"""


@pytest.fixture
def slow(database: Database, tmp_path: Path) -> Iterator[Database]:
    """Give a database with a backup, of which ten rows have been lost since."""
    cluster = database.cluster
    cluster.sql(STILL, database.name)
    (tmp_path / "watchdog.yaml").write_text(
        "defaults: {backup: {directory: backups}}\n"
        f"targets: [{{name: app, url: '{database.url('postgres')}'}}]\n"
    )
    assert finished(tmp_path, "backup") == 0
    cluster.sql("delete from slow", database.name)
    yield database
    (cluster.folder / "hold").unlink(missing_ok=True)
    cluster.sql("alter role postgres reset all")
    for name in beside(database):
        cluster.drop_database(name)


def begun(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "watchdog", *arguments, "-c", "watchdog.yaml"],
        cwd=folder,
        env=clean_environment(
            DB_WATCHDOG_STATE_DIRECTORY=str(folder / "state"), DB_WATCHDOG_PG_BIN=str(bin_dir())
        ),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finished(folder: Path, *arguments: str) -> int:
    with begun(folder, *arguments) as command:
        said, _ = command.communicate(timeout=100)
    print(said)
    return command.returncode


REPLACE = ("restore", "app", "--to", "app", "--force", "--yes")


def beside(database: Database) -> list[str]:
    rows = database.cluster.sql(
        f"select datname from pg_database where datname ~ '^{database.name}(_before|[.]db-)'"
    )
    return rows.split("\n") if rows else []


def rows(database: Database) -> int:
    return int(database.cluster.sql("select count(*) from slow", database.name))


def at_work(cluster: Cluster, name: str, beginning: str) -> bool:
    return (
        cluster.sql(
            "select exists (select from pg_stat_activity where state = 'active'"
            f" and datname = '{name}' and query ilike '{beginning}%')"
        )
        == "t"
    )


@contextmanager
def held(cluster: Cluster, beginning: str) -> Iterator[None]:
    """Have the restore stand still at the statement that begins so."""
    file = cluster.folder / "hold"
    file.touch()
    cluster.sql(f"alter role postgres set app.still = '{beginning}'")
    cluster.sql(f"alter role postgres set app.until = '{file}'")
    try:
        yield
    finally:
        file.unlink()


def wait_at(command: subprocess.Popen[str], cluster: Cluster, name: str, beginning: str) -> None:
    wait_until(
        lambda: at_work(cluster, name, beginning) or command.poll() is not None,
        f"the restore is at {beginning}",
    )
    assert command.poll() is None, command.communicate()


def kill(command: subprocess.Popen[str]) -> None:
    tools = descendants(command.pid)
    command.kill()
    command.communicate(timeout=10)
    for tool in tools:
        wait_gone(tool.pid, 10)


@contextmanager
def sitting(database: Database) -> Iterator[None]:
    """Keep a session in the database for the time of the block."""
    cluster = database.cluster
    command = [cluster.binaries / "psql", "-XAtq", "-h", cluster.folder, "-p", str(cluster.port)]
    command += ["-U", "owner", "-d", database.name]
    with subprocess.Popen(
        [str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as session:
        assert session.stdin is not None
        assert session.stdout is not None
        session.stdin.write("select 1;\n")
        session.stdin.flush()
        session.stdout.readline()
        yield
        session.stdin.close()
        session.wait(10)


def test_killed_at_each_step_it_leaves_the_old_one_and_a_rerun_finishes(
    slow: Database, tmp_path: Path
) -> None:
    cluster, unfinished = slow.cluster, unfinished_name(slow.name)
    for beginning in ("COPY", "CREATE INDEX", "ANALYZE"):
        with held(cluster, beginning):
            command = begun(tmp_path, *REPLACE)
            wait_at(command, cluster, unfinished, beginning)
            kill(command)
            assert beside(slow) == [unfinished]
            assert rows(slow) == 0  # the old one, as it was
        wait_until(lambda: not at_work(cluster, unfinished, ""), "the server has noticed")
    # At the swap: somebody came in after the look, and the server waits for him.
    with held(cluster, "ANALYZE"):
        command = begun(tmp_path, *REPLACE)
        wait_at(command, cluster, unfinished, "ANALYZE")
    with sitting(slow):
        wait_at(command, cluster, "postgres", f'alter database "{slow.name}"')
        kill(command)
    wait_until(lambda: not at_work(cluster, "postgres", "alter database"), "it was given up")
    assert rows(slow) == 0
    assert finished(tmp_path, *REPLACE) == 0
    assert rows(slow) == 10
    (kept,) = beside(slow)
    assert "_before_" in kept


def test_killed_while_it_fills_a_new_one_a_rerun_makes_it_anew(
    slow: Database, tmp_path: Path
) -> None:
    cluster, name = slow.cluster, f"{slow.name}_new"
    command = ("restore", "app", "--to", cluster.url("postgres", name))
    try:
        with held(cluster, "COPY"):
            first = begun(tmp_path, *command)
            wait_at(first, cluster, name, "COPY")
            kill(first)
        assert finished(tmp_path, *command) == 0
        assert cluster.sql("select count(*) from slow", name) == "10"
        comment = "select shobj_description(oid, 'pg_database') is null from pg_database"
        assert cluster.sql(f"{comment} where datname = '{name}'") == "t"
    finally:
        cluster.drop_database(name)


def test_a_stop_ends_it_and_leaves_nothing(slow: Database, tmp_path: Path) -> None:
    cluster = slow.cluster
    with held(cluster, "CREATE INDEX"):
        command = begun(tmp_path, *REPLACE)
        wait_at(command, cluster, unfinished_name(slow.name), "CREATE INDEX")
        command.send_signal(signal.SIGTERM)
        said, _ = command.communicate(timeout=30)
    assert command.returncode == 1
    assert "Traceback" not in said
    assert beside(slow) == []
    assert rows(slow) == 0


@pytest.mark.lab
def test_who_comes_in_at_the_end_is_named_and_the_work_is_not_lost(
    slow: Database, tmp_path: Path
) -> None:
    cluster, unfinished = slow.cluster, unfinished_name(slow.name)
    with held(cluster, "ANALYZE"):
        command = begun(tmp_path, *REPLACE)
        wait_at(command, cluster, unfinished, "ANALYZE")
        session = sitting(slow)
        session.__enter__()
    said, _ = command.communicate(timeout=60)
    assert command.returncode == 1
    assert "psql, role owner" in said
    assert rows(slow) == 0
    session.__exit__(None, None, None)
    by_hand = re.search(r"(psql --host=.*')$", said, re.MULTILINE)
    assert by_hand is not None, said
    subprocess.run(
        ["/bin/sh", "-c", by_hand[1]],
        check=True,
        env={"PATH": f"{bin_dir()}:/usr/bin:/bin", "PGPASSWORD": cluster.passwords["postgres"]},
    )
    assert rows(slow) == 10
