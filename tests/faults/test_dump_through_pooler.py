"""A dump does not go through a pooler that shares its sessions; the server's own address does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.pgbouncer import pgbouncer
from tests.support.postgres import Cluster, Database, bin_dir
from watchdog.backups import names
from watchdog.backups.destination import Destinations
from watchdog.backups.pipeline import Pipeline, folder_of
from watchdog.backups.run import Report
from watchdog.clock import SystemClock
from watchdog.engines.postgresql import clients
from watchdog.engines.postgresql.backups import BACKUPS
from watchdog.engines.postgresql.engine import PostgresqlEngine
from watchdog.model import BackupSettings, Phase, Target

BackUp = Callable[..., Any]


@pytest.fixture(autouse=True)
def tools(monkeypatch: pytest.MonkeyPatch, postgres_binaries: None) -> None:
    monkeypatch.setenv(clients.VARIABLE, str(bin_dir()))


@pytest.fixture
def pooled(cluster: Cluster) -> Iterator[int]:
    """Give the port of a pooler in transaction mode."""
    with pgbouncer(cluster, default_pool_size=3) as port:
        yield port


@pytest.fixture
def target(database: Database, pooled: int) -> Target:
    return database.target("app", user="owner", port=pooled)


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    return Pipeline({"postgresql": BACKUPS}, Destinations(tmp_path / "state"), SystemClock())


def backed_up(target: Target, directory: Path, **settings: Any) -> Target:
    return replace(target, backup=BackupSettings("0 3 * * *", directory, **settings))


def refused(report: Report) -> str:
    """Return the message of a run that was refused for the pooler and has left nothing."""
    failure = report.failure
    assert failure is not None
    assert (failure.phase, failure.hint) == (Phase.PREFLIGHT, "backup_through_pooler")
    found = {path.name for path in folder_of(report.target).iterdir()}
    assert found <= {names.LOCK, names.ATTEMPTS}
    return failure.message


async def test_a_target_behind_a_pooler_is_probed_there_and_dumped_from_the_server_itself(
    pipeline: Pipeline, target: Target, database: Database, tmp_path: Path
) -> None:
    direct = database.target(user="owner").url
    target = backed_up(target, tmp_path / "backups", url=direct)
    report = await pipeline.back_up(target)
    assert report.failure is None
    assert report.troubles == ()
    assert report.backup is not None
    assert report.backup.manifest.url == direct.masked
    content = report.backup.manifest.content
    assert content is not None
    assert not content.why_incomplete
    async with PostgresqlEngine().visit(target) as session:
        assert session.pooler  # type: ignore[attr-defined]


async def test_without_the_servers_own_address_it_is_refused_and_told_what_to_give(
    pipeline: Pipeline, target: Target, tmp_path: Path
) -> None:
    target = backed_up(target, tmp_path / "backups")
    message = refused(await pipeline.back_up(target))
    assert "give the address of the server itself as backup.url" in message


async def test_an_address_for_backups_that_leads_to_such_a_pooler_is_refused_too(
    pipeline: Pipeline, target: Target, tmp_path: Path
) -> None:
    target = backed_up(target, tmp_path / "backups", url=target.url)
    message = refused(await pipeline.back_up(target))
    assert "give backup.url the address of the server itself" in message


async def test_a_pooler_that_keeps_whole_sessions_is_taken_where_it_is_given_for_backups(
    cluster: Cluster, database: Database, pipeline: Pipeline, tmp_path: Path
) -> None:
    with pgbouncer(cluster, default_pool_size=5, pool_mode="session") as port:
        target = database.target("app", user="owner", port=port)
        target = backed_up(target, tmp_path / "backups", url=target.url)
        report = await pipeline.back_up(target)
    assert report.failure is None
    (told,) = report.troubles
    assert "pool_mode = session" in told.message
