"""Counts and a drill of a dump that is taken from a standby."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.daemon import wait_until
from tests.support.postgres import Cluster, as_server_user, bin_dir
from watchdog.backups.destination import Destinations
from watchdog.backups.drill import drill
from watchdog.backups.pipeline import Pipeline
from watchdog.clock import SystemClock
from watchdog.engines.postgresql import clients
from watchdog.engines.postgresql.backups import BACKUPS
from watchdog.model import BackupSettings, DrillSettings, ProofMode

pytestmark = pytest.mark.lab


@pytest.fixture
def standby(private_cluster) -> Iterator[tuple[Cluster, Cluster]]:
    hba = ("host all all 127.0.0.1/32 scram-sha-256", "local replication all trust")
    primary = private_cluster(hba=hba, wal_level="replica", max_wal_senders=4)
    second = Cluster(hot_standby="on")
    copy = [bin_dir() / "pg_basebackup", "-h", primary.folder, "-p", str(primary.port)]
    copy += ["-U", "postgres", "-D", second.data, "-X", "stream", "-c", "fast"]
    subprocess.run(as_server_user(copy), check=True, env={**os.environ, "LC_ALL": "C"})
    second.settings["primary_conninfo"] = f"host={primary.folder} port={primary.port} user=postgres"
    (second.data / "standby.signal").touch()
    try:
        second.start()
        yield primary, second
    finally:
        second.remove()


async def test_a_standby_exports_its_snapshot_and_its_unlogged_tables_are_passed_over(
    standby: tuple[Cluster, Cluster], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(clients.VARIABLE, str(bin_dir()))
    primary, second = standby
    database = primary.create_database("app")
    await database.execute("create unlogged table fleeting as select 1 a")
    there = "select count(*) from pg_database where datname = 'app'"
    wait_until(lambda: second.sql(there) == "1", "the standby has the database", 60.0)
    wait_until(
        lambda: second.sql("select to_regclass('fleeting') is not null", "app") == "t",
        "and the table",
        60.0,
    )
    target = replace(
        second.target("app", "app", "postgres"),
        backup=BackupSettings("0 3 * * *", tmp_path / "backups", proof=ProofMode.DIGESTS),
    )
    pipeline = Pipeline({"postgresql": BACKUPS}, Destinations(tmp_path / "st"), SystemClock())
    report = await pipeline.back_up(target)
    assert report.failure is None
    assert report.backup is not None
    content = report.backup.manifest.content
    assert content is not None
    assert content.complete, content.why_incomplete
    assert content.rows == {"public.account": 100, "public.note": 50}
    assert content.passed_over["public.fleeting"].startswith("unlogged")
    verdict = await drill(
        report.backup,
        {"postgresql": BACKUPS},
        SystemClock(),
        DrillSettings(server="local", directory=tmp_path),
        target,
    )
    assert verdict.failure is None
    assert verdict.level == 4
