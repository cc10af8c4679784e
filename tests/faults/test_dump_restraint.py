"""A dump that others wait behind gives way; one that gets nowhere gives up; what it leaves out."""

from __future__ import annotations

import asyncio
import json
import stat
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.postgres import Cluster, Database, bin_dir
from watchdog.backups import catalogue, names
from watchdog.backups.destination import Destinations
from watchdog.backups.pipeline import Pipeline, folder_of
from watchdog.backups.run import Report
from watchdog.clock import SystemClock
from watchdog.engines.postgresql import clients
from watchdog.engines.postgresql.backups import BACKUPS
from watchdog.model import BackupSettings, Kind, Phase, Selection, Target


@pytest.fixture(autouse=True)
def tools(monkeypatch: pytest.MonkeyPatch, postgres_binaries: None) -> None:
    monkeypatch.setenv(clients.VARIABLE, str(bin_dir()))


@pytest.fixture
def back_up(database: Database, tmp_path: Path) -> Callable[..., Target]:
    def make(user: str = "owner", **settings: object) -> Target:
        backup = BackupSettings("0 3 * * *", tmp_path / "backups", **settings)
        return replace(database.target("app", user=user), backup=backup)

    return make


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    return Pipeline({"postgresql": BACKUPS}, Destinations(tmp_path / "state"), SystemClock())


def left_in(target: Target) -> set[str]:
    found = {path.name for path in folder_of(target).iterdir()}
    return found - {names.LOCK, names.ATTEMPTS, names.INSTRUCTIONS}


async def until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        await asyncio.sleep(0.05)


@asynccontextmanager
async def standing_still(
    pipeline: Pipeline, target: Target, database: Database
) -> AsyncIterator[asyncio.Task[Report]]:
    """Give a backup whose dump holds ``account`` and waits for ``note``."""
    cluster = database.cluster
    holder = await cluster.connect(database.name)
    try:
        async with holder.transaction():
            await holder.execute("lock table note in access exclusive mode")
            task = asyncio.ensure_future(pipeline.back_up(target))
            waits = (
                "select count(*) from pg_locks where not granted and relation = 'note'::regclass"
            )
            await until(lambda: task.done() or cluster.sql(waits, database.name) == "1")
            yield task
    finally:
        await holder.close(timeout=5)


async def test_a_dump_gives_way_to_a_session_that_waits_behind_it_and_names_it(
    pipeline: Pipeline, back_up: Callable[..., Target], database: Database
) -> None:
    target = back_up(yield_after=0.5)
    async with standing_still(pipeline, target, database) as task:
        waiter = await database.cluster.connect(database.name)
        try:
            altering = asyncio.ensure_future(waiter.execute("alter table account add column x int"))
            report = await task
            await altering  # the way is free
        finally:
            await waiter.close(timeout=5)
    failure = report.failure
    assert failure is not None
    assert (failure.phase, failure.hint, failure.code) == (Phase.DUMP, "backup_yielded", "EAGAIN")
    assert "AccessExclusiveLock on public.account" in failure.message
    assert "postgres" in failure.message
    assert left_in(target) == set()


async def test_a_dump_that_nobody_waits_behind_goes_on(
    pipeline: Pipeline, back_up: Callable[..., Target], database: Database
) -> None:
    target = back_up(yield_after=0.2)
    async with standing_still(pipeline, target, database) as task:
        await asyncio.sleep(1.0)
        assert not task.done(), "it waits itself, and nobody for it"
    report = await task
    assert report.ok, report.failure


async def test_a_dump_that_writes_nothing_for_too_long_is_ended(
    pipeline: Pipeline, back_up: Callable[..., Target], database: Database
) -> None:
    target = back_up(no_progress=0.5)
    async with standing_still(pipeline, target, database) as task:
        report = await task
    failure = report.failure
    assert failure is not None
    assert (failure.kind, failure.phase, failure.hint) == (
        Kind.TIMEOUT,
        Phase.DUMP,
        "backup_timeout",
    )
    assert "wrote nothing" in failure.message
    assert left_in(target) == set()


async def test_roles_are_written_beside_the_dump_and_can_be_read_back(
    pipeline: Pipeline, back_up: Callable[..., Target], cluster: Cluster
) -> None:
    report = await pipeline.back_up(back_up(user="postgres"))
    backup = report.backup
    assert backup is not None
    said = backup.manifest.details["globals"]
    path = names.artefact(backup.folder, backup.id, said["file"])
    text = path.read_text()
    assert "CREATE ROLE owner" in text
    assert "SCRAM-SHA-256" in text
    assert said["missing"] is None
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert said["size_bytes"] == path.stat().st_size


async def test_who_may_not_read_passwords_gets_the_roles_without_and_is_told(
    pipeline: Pipeline, back_up: Callable[..., Target]
) -> None:
    backup = (await pipeline.back_up(back_up())).backup
    assert backup is not None
    said = backup.manifest.details["globals"]
    text = names.artefact(backup.folder, backup.id, said["file"]).read_text()
    assert "CREATE ROLE owner" in text
    assert "SCRAM" not in text
    assert "passwords" in said["missing"]
    document = json.loads(names.manifest(backup.folder, backup.id).read_text())
    assert document["details"]["globals"] == said


async def test_a_backup_that_goes_takes_its_roles_along(
    pipeline: Pipeline, back_up: Callable[..., Target]
) -> None:
    target = back_up()
    target = replace(
        target, backup=replace(target.backup, keep=replace(target.backup.keep, last=1))
    )
    for _ in range(2):
        assert (await pipeline.back_up(target)).ok
    assert len(list(folder_of(target).glob("*.globals.sql"))) == 1
    none = replace(target, backup=replace(target.backup, role_globals=False))
    assert (await pipeline.back_up(none)).ok
    assert not list(folder_of(target).glob("*.globals.sql"))


def tables_in(target: Target) -> str:
    backup = catalogue.scan_folder(folder_of(target)).backups[0]
    listed = [bin_dir() / "pg_restore", "--list", backup.path]
    return subprocess.run(listed, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(
    ("settings", "there", "not_there"),
    [
        ({"include": Selection(tables=("note",))}, " TABLE DATA public note", "public account"),
        ({"exclude": Selection(tables=("note",))}, " TABLE DATA public account", " public note "),
        ({"exclude": Selection(data=("not?",))}, " TABLE public note", "TABLE DATA public note"),
        ({"include": Selection(schemas=("public",))}, " TABLE DATA public note", "SCHEMA - other"),
    ],
)
async def test_what_is_left_out_is_left_out_and_said(
    pipeline: Pipeline,
    back_up: Callable[..., Target],
    database: Database,
    settings: dict[str, Selection],
    there: str,
    not_there: str,
) -> None:
    database.cluster.sql("create schema other; create table other.t (x int)", database.name)
    target = back_up(user="postgres", **settings)
    report = await pipeline.back_up(target)
    assert report.ok, report.failure
    assert report.backup is not None
    listed = tables_in(target)
    assert there in listed
    assert not_there not in listed
    assert report.backup.manifest.details["selection"]


async def test_a_pattern_that_matches_nothing_is_an_error(
    pipeline: Pipeline, back_up: Callable[..., Target]
) -> None:
    target = back_up(include=Selection(tables=("nonsense",)))
    report = await pipeline.back_up(target)
    assert report.failure is not None
    assert report.failure.hint == "backup_no_matching_tables"
    assert left_in(target) == set()
