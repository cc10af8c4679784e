"""Databases of ten thousand tables, and values as large as they get: whole, or said why not."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.postgres import Cluster, Database, bin_dir
from tests.support.sqlite import age, target_of
from watchdog.backups import names
from watchdog.backups.catalogue import Backup
from watchdog.backups.destination import Destinations
from watchdog.backups.drill import drill
from watchdog.backups.pipeline import Pipeline
from watchdog.backups.places import folder_of
from watchdog.backups.restoring import restore
from watchdog.backups.run import Report
from watchdog.clock import SystemClock
from watchdog.engines.postgresql import clients
from watchdog.engines.postgresql.backups import BACKUPS
from watchdog.engines.sqlite import ENGINE as SQLITE
from watchdog.model import BackupSettings, DrillSettings, Phase, Selection, Target

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]

ENGINES = {"postgresql": BACKUPS, "sqlite": SQLITE.backups}
MANY = 10_000
MIB = 1 << 20


@pytest.fixture(autouse=True)
def tools(monkeypatch: pytest.MonkeyPatch, postgres_binaries: None) -> None:
    monkeypatch.setenv(clients.VARIABLE, str(bin_dir()))


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    return Pipeline(ENGINES, Destinations(tmp_path / "state"), SystemClock())


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[DrillSettings]:
    folder = tmp_path / "scratch"
    folder.mkdir()
    yield DrillSettings(server="local", directory=folder)
    assert list(folder.iterdir()) == []


def backed_up(target: Target, folder: Path) -> Target:
    return replace(target, backup=BackupSettings("0 3 * * *", folder / "backups"))


def sealed(report: Report) -> Backup:
    assert report.failure is None
    assert report.backup is not None
    return report.backup


def left_in(target: Target) -> set[str]:
    usual = {names.LOCK, names.ATTEMPTS, names.INSTRUCTIONS}
    return {path.name for path in folder_of(target).iterdir()} - usual


def make_tables(cluster: Cluster, database: str, count: int) -> None:
    for first in range(0, count, 1000):  # each takes locks to the end of its transaction
        last = min(first + 1000, count) - 1
        cluster.sql(
            f"do $$ begin for n in {first}..{last} loop"
            " execute format('create table t%s (id int primary key, x text)', n);"
            " end loop; end $$",
            database,
        )


async def test_ten_thousand_tables_of_postgresql(
    pipeline: Pipeline, database: Database, tmp_path: Path, scratch: DrillSettings
) -> None:
    make_tables(database.cluster, database.name, MANY)
    target = backed_up(database.target("app", user="postgres"), tmp_path)
    backup = sealed(await pipeline.back_up(target))
    content = backup.manifest.content
    assert content is not None
    assert content.complete
    assert (backup.level, len(content.rows)) == (2, MANY + 2)
    verdict = await drill(backup, ENGINES, SystemClock(), scratch, target)
    assert (verdict.failure, verdict.level) == (None, 4)


async def test_ten_thousand_tables_of_sqlite(
    pipeline: Pipeline, tmp_path: Path, scratch: DrillSettings
) -> None:
    path = tmp_path / "many.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("begin")
        for number in range(MANY):
            connection.execute(f"create table t{number} (id integer primary key, x unique)")
        connection.execute("commit")
    age(path)
    target = backed_up(replace(target_of(path), name="app"), tmp_path)
    backup = sealed(await pipeline.back_up(target))
    assert backup.manifest.content is not None
    assert (backup.level, len(backup.manifest.content.rows)) == (3, MANY)
    verdict = await drill(backup, ENGINES, SystemClock(), scratch, target)
    assert (verdict.failure, verdict.level) == (None, 4)


async def test_a_server_that_cannot_lock_so_many_tables_says_what_to_raise(
    pipeline: Pipeline, private_cluster, tmp_path: Path
) -> None:
    cluster = private_cluster(max_locks_per_transaction=10, max_connections=5)
    database = cluster.create_database("app")
    for first in range(0, 1000, 100):
        cluster.sql(
            f"do $$ begin for n in {first}..{first + 99} loop"
            " execute format('create table t%s ()', n); end loop; end $$",
            "app",
        )
    target = backed_up(database.target("app", user="postgres"), tmp_path)
    failure = (await pipeline.back_up(target)).failure
    assert failure is not None
    assert (failure.phase, failure.hint) == (Phase.DUMP, "lock_table_full")
    assert "max_locks_per_transaction" in failure.message
    assert left_in(target) == set()


async def test_huge_objects_and_values_come_back_whole(
    pipeline: Pipeline, database: Database, tmp_path: Path, scratch: DrillSettings
) -> None:
    cluster = database.cluster
    cluster.sql(
        f"select lo_from_bytea(4711, convert_to(repeat('large object', {20 * MIB}), 'UTF8'));"
        f"create table big as select convert_to(repeat('x', {400 * MIB}), 'UTF8') as body;"
        f"insert into big select convert_to(repeat(md5(n::text), {MIB}), 'UTF8')"
        " from generate_series(1, 3) n",
        database.name,
    )
    sums = (
        "select md5(lo_get(4711)) ||"
        " (select string_agg(md5(body), ',' order by md5(body)) from big)"
    )
    before = cluster.sql(sums, database.name)
    target = backed_up(database.target("app", user="postgres"), tmp_path)
    backup = sealed(await pipeline.back_up(target))
    verdict = await drill(backup, ENGINES, SystemClock(), scratch, target)
    assert (verdict.failure, verdict.level) == (None, 4)
    to = cluster.database_url("postgres", "huge_again")
    try:
        await restore(backup, ENGINES, to, SystemClock(), lambda _: None)
        assert cluster.sql(sums, to.database) == before
    finally:
        cluster.drop_database(to.database)


A_VALUE = f"create table big as select convert_to(repeat('x', {600 * MIB}), 'UTF8') as body"
A_ROW = (
    f"create table big as select repeat('a', {600 * MIB}) as body, null as other;"
    f"update big set other = repeat('b', {600 * MIB})"
)


@pytest.mark.parametrize("make", [A_VALUE, A_ROW], ids=["a value", "a row"])
async def test_a_row_that_no_dump_can_hold_is_said_and_the_rest_can_be_backed_up(
    pipeline: Pipeline, database: Database, tmp_path: Path, make: str
) -> None:
    database.cluster.sql(make, database.name)
    target = backed_up(database.target("app", user="postgres"), tmp_path)
    failure = (await pipeline.back_up(target)).failure
    assert failure is not None
    assert (failure.phase, failure.hint) == (Phase.DUMP, "backup_value_too_large")
    assert '"big"' in failure.message
    assert left_in(target) == set()
    assert target.backup is not None
    without = replace(target.backup, exclude=Selection(data=("big",)))
    assert sealed(await pipeline.back_up(replace(target, backup=without))).good
