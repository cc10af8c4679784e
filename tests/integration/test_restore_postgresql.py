"""Restoring over a PostgreSQL database: the old one is kept aside, the new one is like it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.postgres import PASSWORDS, Cluster, Database, bin_dir
from watchdog.database_url import PostgresqlUrl
from watchdog.engines.postgresql import clients
from watchdog.engines.postgresql.backups import BACKUPS
from watchdog.model import ActionFailed, Failure
from watchdog.restoration import Restored, RestoreOptions

REPLACE = RestoreOptions(replace=True)


@pytest.fixture(autouse=True)
def tools(monkeypatch: pytest.MonkeyPatch, postgres_binaries: None) -> None:
    monkeypatch.setenv(clients.VARIABLE, str(bin_dir()))


def dump(cluster: Cluster, database: str, into: Path, *options: str) -> Path:
    command = [cluster.binaries / "pg_dump", "-Fc", "-f", into, *options]
    command += ["-h", cluster.folder, "-p", str(cluster.port), "-U", "postgres"]
    command += [f"--dbname=dbname='{escaped(database)}'"]
    subprocess.run([str(word) for word in command], check=True)
    return into


def escaped(name: str) -> str:
    return name.replace("\\", "\\\\").replace("'", "\\'")


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@pytest.fixture
def archive(database: Database, tmp_path: Path) -> Path:
    """Give a dump of the template's hundred accounts, of which the database loses half after."""
    path = dump(database.cluster, database.name, tmp_path / "app.dump")
    database.cluster.sql(
        "delete from account where id > 50 and id not in (select account_id from note)",
        database.name,
    )
    return path


@pytest.fixture
def to(database: Database) -> Iterator[PostgresqlUrl]:
    """Give the superuser's URL of the database, and drop whatever comes to stand beside it."""
    yield database.cluster.database_url("postgres", database.name)
    for name in beside(database.cluster, database.name):
        database.cluster.drop_database(name)


def beside(cluster: Cluster, name: str) -> list[str]:
    rows = cluster.sql(
        f"select datname from pg_database where datname like '{name}\\_before%'"
        f" or datname like '{name}.db-watchdog%' order by 1"
    )
    return rows.split("\n") if rows else []


def quiet(_: int) -> None:
    pass


async def restored(archive: Path, to: PostgresqlUrl, options: RestoreOptions = REPLACE) -> Restored:
    return await BACKUPS.bring_back(archive, to, options, quiet)


async def refused(archive: Path, to: PostgresqlUrl, options: RestoreOptions = REPLACE) -> Failure:
    with pytest.raises(ActionFailed) as caught:
        await restored(archive, to, options)
    return caught.value.failure


def accounts(cluster: Cluster, database: str) -> int:
    return int(cluster.sql("select count(*) from account", database))


async def test_the_old_database_is_kept_aside_and_there_is_a_way_back(
    archive: Path, database: Database, to: PostgresqlUrl
) -> None:
    cluster = database.cluster
    done = await restored(archive, to)
    assert done.notes == ()
    assert accounts(cluster, database.name) == 100
    assert beside(cluster, database.name) == [done.kept_aside]
    assert accounts(cluster, done.kept_aside) == 50
    (command,) = done.way_back
    subprocess.run(
        ["sh", "-c", command],
        check=True,
        env={"PATH": f"{cluster.binaries}:/usr/bin:/bin", "PGPASSWORD": PASSWORDS["postgres"]},
    )
    assert accounts(cluster, database.name) == 50
    (gone,) = cluster.sql(
        f"select datname from pg_database where datname like '{database.name}\\_restored%'"
    ).split("\n")
    cluster.drop_database(gone)
