"""RESTORE.md: exactly its lines are pasted into a shell that has no db-watchdog."""

from __future__ import annotations

import glob
import re
import shutil
import sqlite3
import stat
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.postgres import Cluster, bin_dir
from tests.support.sqlite import crashed_wal, make_database, target_of
from watchdog.backups import names
from watchdog.backups.destination import Destinations
from watchdog.backups.pipeline import Pipeline, folder_of
from watchdog.backups.restoring import restore
from watchdog.clock import SystemClock
from watchdog.database_url import PostgresqlUrl
from watchdog.engines import find_engines
from watchdog.engines.postgresql import clients
from watchdog.model import BackupSettings, Keep, Target
from watchdog.secret import Secret

PASSWORD = "pa:ss\\word 'x"
AWKWARD = 'Кас\'са "2" $HOME `id`=x'


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    engines = {name: engine.backups for name, engine in find_engines().items()}
    return Pipeline(engines, Destinations(tmp_path / "state"), SystemClock())


def backed_up(target: Target, directory: Path, **settings: object) -> Target:
    return replace(target, backup=BackupSettings("0 3 * * *", directory, **settings))


async def seal(pipeline: Pipeline, target: Target) -> str:
    report = await pipeline.back_up(target)
    assert report.backup is not None, report.failure
    return report.backup.id


def instructions(target: Target) -> str:
    return (folder_of(target) / names.INSTRUCTIONS).read_text()


def blocks(text: str) -> list[str]:
    """Return what a person would paste, block by block."""
    return re.findall(r"^```sh\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def in_russian(text: str) -> str:
    """Return the Russian part, which has a paragraph for each block of commands."""
    russian = text.partition("## По-русски")[2]
    paragraphs = re.findall(r"^\d+\. (.+)$", russian, re.MULTILINE)
    assert len(paragraphs) == len(blocks(text))
    return russian


def paste(home: Path, path: str, *pasted: str) -> str:
    done = subprocess.run(
        ["/bin/sh", "-eu"],
        input="".join(pasted),
        cwd="/",
        env={"PATH": path, "HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    assert shutil.which("db-watchdog", path=path) is None
    return done.stdout


# ------------------------------------------------------------------ SQLite


@pytest.fixture
def shell() -> str:
    path = "/usr/bin:/bin"
    if shutil.which("sqlite3", path=path) is None:
        pytest.skip("sqlite3 is not installed (Debian: apt install sqlite3)")
    return path


def rows(path: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT x FROM t ORDER BY x").fetchall()


async def test_a_sqlite_database_comes_back_by_pasting(
    pipeline: Pipeline, tmp_path: Path, shell: str
) -> None:
    place = make_database(tmp_path / AWKWARD.replace("/", "_"), rows=500)
    place.chmod(0o640)
    before = rows(place)
    target = backed_up(target_of(place), tmp_path / "it's backups")
    await seal(pipeline, target)
    for end in ("", "-wal", "-shm"):
        Path(f"{place}{end}").unlink(missing_ok=True)
    crashed_wal(place)  # what is there now is another, with a row in its -wal
    said = paste(tmp_path, shell, *blocks(instructions(target)))
    assert "OK" in said
    assert "ok\n" in said
    assert rows(place) == before
    assert stat.S_IMODE(place.stat().st_mode) == 0o644  # as that of the one that it replaced
    (kept,) = place.parent.glob(f"{glob.escape(place.name)}.before-*Z")
    assert rows(kept) == [(1,)]  # with its -wal


async def test_an_older_backup_is_chosen_by_the_line_of_the_table(
    pipeline: Pipeline, tmp_path: Path, shell: str
) -> None:
    place = make_database(tmp_path / "app.db")
    target = backed_up(target_of(place), tmp_path / "backups")
    first = await seal(pipeline, target)
    with closing(sqlite3.connect(place)) as connection:
        connection.execute("DELETE FROM t")
        connection.commit()
    second = await seal(pipeline, target)
    text = instructions(target)
    assert text.index(f"| `{second}.sqlite`") < text.index(f"| `{first}.sqlite`")
    line = next(line for line in text.splitlines() if f"| `{first}.sqlite`" in line)
    digest = line.split("`")[-2]
    choice, *steps = blocks(text)
    choice = re.sub(r"FILE=.*", f"FILE={first}.sqlite", choice)
    choice = re.sub(r"SHA256=.*", f"SHA256={digest}", choice)
    paste(tmp_path, shell, choice, *steps)
    assert len(rows(place)) == 1


async def test_a_damaged_file_stops_the_pasting(
    pipeline: Pipeline, tmp_path: Path, shell: str
) -> None:
    place = make_database(tmp_path / "app.db")
    target = backed_up(target_of(place), tmp_path / "backups")
    identity = await seal(pipeline, target)
    artefact = folder_of(target) / f"{identity}.sqlite"
    artefact.write_bytes(artefact.read_bytes()[:-1] + b"!")
    with pytest.raises(AssertionError, match="FAILED"):
        paste(tmp_path, shell, *blocks(instructions(target)))
    assert not Path(f"{place}.restored").exists()


async def test_the_file_is_private_and_follows_what_is_kept(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    place = make_database(tmp_path / "app.db")
    target = backed_up(target_of(place), tmp_path / "backups", keep=Keep(last=1))
    first = await seal(pipeline, target)
    second = await seal(pipeline, target)
    file = folder_of(target) / names.INSTRUCTIONS
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    text = file.read_text()
    assert first not in text
    assert text.count(second) >= 2
    assert "not measured yet" in text
    assert "**Сначала остановите приложение**" in in_russian(text)


# ------------------------------------------------------------------ PostgreSQL


@pytest.fixture
def awkward(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[PostgresqlUrl]:
    """Give the URL of a database and a role whose names need quoting everywhere."""
    monkeypatch.setenv(clients.VARIABLE, str(bin_dir()))
    role = 'О\'воднер "3"'
    identifier = role.replace('"', '""')
    literal = PASSWORD.replace("'", "''")
    name = AWKWARD.replace('"', '""')
    cluster.sql(f"create role \"{identifier}\" login createdb password '{literal}'")
    cluster.sql(f'create database "{name}" owner "{identifier}"')
    url = PostgresqlUrl(((cluster.host, cluster.port),), role, AWKWARD, Secret(PASSWORD))
    try:
        yield url
    finally:
        for each in cluster.sql("select datname from pg_database where datname ~ 'Кас'").split(
            "\n"
        ):
            cluster.sql('drop database "{}" with (force)'.format(each.replace('"', '""')))
        cluster.sql(f'drop role "{identifier}"')


async def test_a_postgresql_database_comes_back_by_pasting(
    pipeline: Pipeline, cluster: Cluster, awkward: PostgresqlUrl, tmp_path: Path
) -> None:
    role = awkward.user.replace('"', '""')
    await cluster.execute(
        "create table kept (id bigint generated always as identity primary key, name text)",
        "insert into kept (name) select 'Имя ' || n from generate_series(1, 50) n",
        f'alter table kept owner to "{role}"',
        database=AWKWARD,
    )
    target = backed_up(Target("app", "postgresql", awkward), tmp_path / "backups")
    await seal(pipeline, target)
    await cluster.execute("delete from kept", database=AWKWARD)
    (tmp_path / ".pgpass").write_text(awkward.passfile_text())
    (tmp_path / ".pgpass").chmod(0o600)
    text = instructions(target)
    assert PASSWORD not in text
    assert "останется под именем" in in_russian(text)
    said = paste(tmp_path, f"{bin_dir()}:/usr/bin:/bin", *blocks(text))
    assert "OK" in said
    found = await cluster.execute("select count(*), max(name) from kept", database=AWKWARD)
    assert tuple(found[0]) == (50, "Имя 9")
    kept = cluster.sql("select datname from pg_database where datname ~ 'Кас.*_before'")
    assert cluster.sql("select count(*) from kept", kept) == "0"


async def test_the_time_of_a_restore_is_in_it_once_it_was_measured(
    pipeline: Pipeline, cluster: Cluster, awkward: PostgresqlUrl, tmp_path: Path
) -> None:
    await cluster.execute("create table kept as select 1", database=AWKWARD)
    url = cluster.database_url("postgres", AWKWARD)
    target = backed_up(Target("app", "postgresql", url), tmp_path / "backups")
    report = await pipeline.back_up(target)
    assert report.backup is not None
    engines = {name: engine.backups for name, engine in find_engines().items()}
    to = url.with_database("Касса в стороне")
    await restore(report.backup, engines, to, SystemClock(), lambda _: None)
    assert re.search(r"time needed: [0-9.]+ seconds, measured at 20", instructions(target))


@pytest.mark.lab
async def test_a_backup_by_newer_tools_comes_back_into_its_older_server(
    pipeline: Pipeline, private_cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    binaries = Path("/usr/lib/postgresql/15/bin")
    if not (binaries / "initdb").exists():
        pytest.skip("the server of PostgreSQL 15 is not installed (Debian: postgresql-15)")
    monkeypatch.setenv(clients.VARIABLE, str(bin_dir()))
    older = private_cluster(binaries=binaries)
    older.create_database("app")
    url = older.database_url("postgres", "app")
    target = backed_up(Target("app", "postgresql", url), tmp_path / "backups")
    await seal(pipeline, target)
    (tmp_path / ".pgpass").write_text(url.passfile_text())
    (tmp_path / ".pgpass").chmod(0o600)
    text = instructions(target)
    assert "One error is expected" in text
    paste(tmp_path, f"{bin_dir()}:/usr/bin:/bin", *blocks(text))
    assert older.sql("select count(*) from account", "app") == "100"
