"""Every probe on every major version, with pg_monitor only, as a bare role and as the script's.

``$DB_WATCHDOG_TEST_PG_MAJORS`` names a folder with an unpacked PostgreSQL in
each of its folders (``FOLDER/*/bin/postgres``); without it those of
``/usr/lib/postgresql`` are tested.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.postgres import Cluster
from tests.support.probing import Found, asked, standby_of, until
from tests.support.visits import ENGINE
from watchdog.model import Role

pytestmark = pytest.mark.lab

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "config" / "postgres" / "monitoring-role.sql"
FOLDER = Path(os.environ.get("DB_WATCHDOG_TEST_PG_MAJORS", "/usr/lib/postgresql"))
MAJORS = {
    int(re.findall(r"\d+", folder.parent.name)[0]): folder
    for folder in sorted(FOLDER.glob("*/bin"))
    if (folder / "initdb").exists()
}
HBA = ("local replication all trust", "host all all 127.0.0.1/32 scram-sha-256")

# Metrics by the first version that has them; a version without has no metric, and no error.
SINCE = {
    14: {"slot_decoded_bytes_total", "wal_bytes_total", "database_sessions_begun_total"},
    15: {"collation_mismatches"},
    16: {"io_reads_total", "table_rows_newpage_updated_total"},
    17: {"replication_slot_failover", "restartpoints_done_total"},
    18: {"checkpoints_done_total", "database_parallel_workers_launched_total"},
}
UNTIL = {
    16: {"backend_buffers_total", "backend_fsyncs_total"},
    17: {"wal_writes_total", "wal_syncs_total"},
}


@pytest.fixture(scope="module", params=sorted(MAJORS) or [pytest.param(0, id="none")])
def server(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    if not MAJORS:
        pytest.skip("no PostgreSQL: name a folder of them in $DB_WATCHDOG_TEST_PG_MAJORS")
    cluster = Cluster(
        binaries=MAJORS[request.param],
        hba=HBA,
        wal_level="logical",
        max_prepared_transactions=5,
        shared_preload_libraries="pg_stat_statements",
        archive_mode="on",
        archive_command="true",
    )
    with cluster:
        cluster.create_database("shop")
        cluster.sql("create extension pg_stat_statements; analyze", "shop")
        cluster.sql("select pg_create_logical_replication_slot('read', 'pgoutput')", "shop")
        yield cluster


def major(server: Cluster) -> int:
    return int(server.sql("show server_version_num")) // 10_000


def missing(found: Found, since: int) -> set[str]:
    """Return the probes that suit the version and were not asked."""
    return {
        probe.name
        for probe in ENGINE.probes.values()
        if probe.minimum_version <= since and probe.role is not Role.STANDBY
    } - found.suited


async def test_every_probe_answers_with_pg_monitor_only(server: Cluster) -> None:
    found = await asked(server.target("shop", "shop", "watchdog"))
    version = major(server)
    assert missing(found, version) == set()
    for since, names in SINCE.items():
        assert {name for name in names if name in found} == (names if version >= since else set())
    for until_, names in UNTIL.items():
        assert {name for name in names if name in found} == (names if version <= until_ else set())
    expected = {"blind_sequences"} | ({"public_schema_open"} if version < 15 else set())
    assert found.hints == expected
    assert errors(server) == []


async def test_every_probe_answers_a_bare_role(server: Cluster) -> None:
    found = await asked(server.target("shop", "shop", "plain"))
    assert missing(found, major(server)) == set()
    assert found["watchdog_privileges_ok"] == 0
    assert found["sequences_unreadable"] == 1
    assert {"blind_role", "blind_sequences"} <= found.hints
    assert "wal_size_bytes" not in found
    assert "sequence_used_ratio_max" not in found
    assert errors(server) == []


async def test_the_role_of_the_script_sees_everything(server: Cluster) -> None:
    for database in ("postgres", "shop"):
        for _ in range(2):
            apply(server, database)
    target = server.target("shop", "shop", "db_watchdog", password="script-S3cret")
    found = await asked(target)
    assert found["watchdog_privileges_ok"] == 1
    assert found["sequences_unreadable"] == 0
    assert found["sequence_used_ratio_max"] > 0
    assert found["multixact_members"] > 0
    assert found["wal_size_bytes"] > 0
    assert found["archive_waiting_segments"] >= 0
    assert found.hints <= {"public_schema_open"}


async def test_every_probe_answers_on_a_standby(server: Cluster) -> None:
    standby = standby_of(server)
    try:
        target = standby.target("shop", "shop", "watchdog")
        found = await until(lambda: asked(target), lambda f: f["wal_receiver_streaming"] == 1)
        suited = {
            probe.name
            for probe in ENGINE.probes.values()
            if probe.minimum_version <= major(server) and probe.role is not Role.PRIMARY
        }
        assert found.suited == suited
        assert [line for line in errors(standby) if "snapshot" not in line] == []
    finally:
        standby.remove()


@pytest.mark.parametrize("version", sorted(MAJORS))
def test_every_condition_is_seen(version: int) -> None:
    """Each probe's own test, which makes its condition true, on this version."""
    tests = [f"tests/integration/test_postgresql_{name}.py" for name in ("probes", "standby")]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests],
        cwd=ROOT,
        env={**os.environ, "DB_WATCHDOG_TEST_PG_BIN": str(MAJORS[version])},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout[-5000:]


def apply(server: Cluster, database: str) -> None:
    done = subprocess.run(
        [
            *(server.binaries / "psql", "-X", "-h", server.folder, "-p", str(server.port)),
            *("-U", "postgres", "-d", database, "-f", SCRIPT),
        ],
        env={**os.environ, "WATCHDOG_ROLE_PASSWORD": "script-S3cret"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


def errors(server: Cluster) -> list[str]:
    """Return what the server's log holds against us: a question of ours never fails there."""
    return [line for line in server.log_text().splitlines() if " ERROR: " in line]
