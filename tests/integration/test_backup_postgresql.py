"""Dump, proof and restore of PostgreSQL, by the pipeline, on a real server."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.postgres import Cluster, Database, bin_dir
from watchdog.backups.destination import Destinations
from watchdog.backups.pipeline import Pipeline
from watchdog.clock import SystemClock
from watchdog.engines.postgresql.backups import BACKUPS
from watchdog.model import BackupSettings, Target


@pytest.fixture(autouse=True)
def tools(monkeypatch: pytest.MonkeyPatch, postgres_binaries: None) -> None:
    monkeypatch.setenv("DB_WATCHDOG_PG_BIN", str(bin_dir()))


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    return Pipeline({"postgresql": BACKUPS}, Destinations(tmp_path / "state"), SystemClock())


def backed_up(target: Target, directory: Path, **settings: object) -> Target:
    return replace(target, backup=BackupSettings("0 3 * * *", directory, **settings))


async def test_a_dump_is_sealed_proven_and_restored(
    database: Database, cluster: Cluster, pipeline: Pipeline, tmp_path: Path
) -> None:
    target = backed_up(database.target(user="owner"), tmp_path / "backups")
    report = await pipeline.back_up(target)
    assert report.failure is None
    backup = report.backup
    assert backup is not None
    assert backup.level == 2
    assert backup.manifest.tables == 2
    folder = tmp_path / "backups" / target.name
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        [".lock", "attempts.json"]
        + [f"{backup.id}.{end}" for end in ("dump", "manifest.json", "verification.json")]
    )
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700
    restored = cluster.database_url("postgres", f"{database.name}_back")
    notes = await BACKUPS.restore(backup.path, restored, lambda _: None)
    assert notes == []
    try:
        rows = await cluster.execute(
            "select (select count(*) from account), (select count(*) from note)",
            database=f"{database.name}_back",
        )
        assert tuple(rows[0]) == (100, 50)
    finally:
        cluster.drop_database(f"{database.name}_back")
