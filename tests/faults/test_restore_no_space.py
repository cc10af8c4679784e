"""Restores onto a disk that is full, or fills meanwhile: what was there is as it was."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.disks import small_disk
from tests.support.postgres import Cluster, bin_dir, give_to_server
from tests.support.sqlite import listing, make_database
from watchdog.database_url import SqliteUrl
from watchdog.engines.postgresql import clients
from watchdog.engines.postgresql.backups import BACKUPS
from watchdog.engines.sqlite import ENGINE, restore
from watchdog.engines.sqlite.reading import Progress
from watchdog.model import ActionFailed
from watchdog.restoration import RestoreOptions

MIB = 1 << 20


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """Give a disk of 24 MiB."""
    with small_disk(tmp_path / "small", "24m") as folder:
        yield folder


def fill(folder: Path, leave: int = 0) -> None:
    with suppress(OSError), (folder / "filler").open("wb") as file:
        while True:
            file.write(b"\0" * MIB)
            file.flush()
    if leave:
        os.truncate(folder / "filler", (folder / "filler").stat().st_size - leave)


@pytest.fixture(scope="module")
def artefact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_database(tmp_path_factory.mktemp("big") / "copy.sqlite", "delete", rows=40_000)


async def test_a_sqlite_restore_is_refused_before_it_begins(small: Path, artefact: Path) -> None:
    place = make_database(small / "app.db")
    fill(small, leave=4 * MIB)
    before = listing(small)
    with pytest.raises(ActionFailed) as caught:
        await ENGINE.backups.bring_back(
            artefact, SqliteUrl(str(place)), RestoreOptions(replace=True), lambda _: None
        )
    assert caught.value.failure.code == "ENOSPC"
    assert "are needed" in caught.value.failure.message
    assert listing(small) == before


def test_a_disk_that_fills_during_a_sqlite_restore_leaves_the_old_one(
    small: Path, artefact: Path
) -> None:
    assert artefact.stat().st_size > 8 * MIB
    place = make_database(small / "app.db")
    before = place.read_bytes()

    def report(_: int) -> None:
        fill(small)

    with pytest.raises(OSError, match="No space left"):
        restore.bring_back(artefact, str(place), RestoreOptions(replace=True), Progress(), report)
    assert place.read_bytes() == before
    assert {each.name for each in small.iterdir()} == {"app.db", "filler"}


async def test_a_disk_that_fills_during_a_postgresql_restore_leaves_the_old_one(
    small: Path, cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(clients.VARIABLE, str(bin_dir()))
    place = small / "tablespace"
    place.mkdir(mode=0o700)
    give_to_server(place)
    cluster.sql(f"create tablespace small location '{place}'")
    try:
        cluster.sql("create database roomy")
        cluster.sql(
            "create table t as select n, repeat(md5(n::text), 20) x"
            " from generate_series(1, 50000) n",
            "roomy",
        )
        path = tmp_path / "roomy.dump"
        command = [cluster.binaries / "pg_dump", "-Fc", "-f", path, "-h", cluster.folder]
        command += ["-p", str(cluster.port), "-U", "postgres", "roomy"]
        subprocess.run([str(word) for word in command], check=True)
        cluster.sql("create database cramped template template0 tablespace small")
        cluster.sql("create table t as select 5 n; checkpoint", "cramped")
        to = cluster.database_url("postgres", "cramped")
        knowing = RestoreOptions(replace=True, expected_bytes=40 * MIB)
        with pytest.raises(ActionFailed) as refused:  # it is refused before anything is done
            await BACKUPS.bring_back(path, to, knowing, lambda _: None)
        assert refused.value.failure.code == "ENOSPC"
        misled = RestoreOptions(replace=True, expected_bytes=1)
        with pytest.raises(ActionFailed) as failed:
            await BACKUPS.bring_back(path, to, misled, lambda _: None)
        assert "No space left" in failed.value.failure.message
        assert cluster.sql("select n from t", "cramped") == "5"
        found = cluster.sql("select count(*) from pg_database where datname like 'cramped%'")
        assert found == "1"
    finally:
        for name in ("roomy", "cramped"):
            cluster.drop_database(name)
        cluster.sql("drop tablespace small")
