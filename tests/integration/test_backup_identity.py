"""A database that is not the one it was: its backups are held apart and cost no good one."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.postgres import Cluster, bin_dir
from watchdog.backups import accepted, catalogue, guard
from watchdog.backups.catalogue import Backup
from watchdog.backups.destination import Destinations
from watchdog.backups.pipeline import Pipeline
from watchdog.backups.places import folder_of
from watchdog.backups.run import Report
from watchdog.backups.status import known_of, status_of
from watchdog.clock import SystemClock
from watchdog.database_url import SqliteUrl
from watchdog.engines import find_engines
from watchdog.engines.postgresql import clients
from watchdog.model import BackupSettings, Keep, Target
from watchdog.results import BackupStatus
from watchdog.schedule import parse

DEFAULT = "0 3 * * *"


@pytest.fixture
def destinations(tmp_path: Path) -> Destinations:
    return Destinations(tmp_path / "state")


@pytest.fixture
def pipeline(destinations: Destinations) -> Pipeline:
    engines = {name: engine.backups for name, engine in find_engines().items()}
    return Pipeline(engines, destinations, SystemClock())


@pytest.fixture(scope="module")
def server(postgres_binaries: None) -> Iterator[Cluster]:
    with Cluster() as made:
        yield made


@pytest.fixture(autouse=True)
def tools(monkeypatch: pytest.MonkeyPatch, postgres_binaries: None) -> None:
    monkeypatch.setenv(clients.VARIABLE, str(bin_dir()))


@contextmanager
def replaced_by(server: Cluster) -> Iterator[Cluster]:
    """Let a fresh server answer where *server* did, for the length of the block."""
    fresh = Cluster()
    fresh.port = server.port
    server.stop()
    try:
        yield fresh.create(unlike=True)
    finally:
        fresh.remove()
        server.start()


def kept(target: Target, keep: Keep) -> Target:
    assert target.backup is not None
    return replace(target, backup=replace(target.backup, keep=keep))


def backups(target: Target) -> tuple[Backup, ...]:
    return catalogue.scan_folder(folder_of(target)).backups


def known(target: Target, destinations: Destinations) -> BackupStatus:
    now = SystemClock().now()
    return status_of(known_of(target, destinations), parse(DEFAULT), now)


def accept(target: Target) -> None:
    alike = guard.acceptable(backups(target))
    accepted.accept(folder_of(target), [each.id for each in alike], SystemClock().now())


async def sealed(pipeline: Pipeline, target: Target) -> Report:
    report = await pipeline.back_up(target)
    assert report.failure is None
    return report


async def test_a_fresh_empty_server_under_the_old_name_costs_no_good_backup(
    server: Cluster, tmp_path: Path, pipeline: Pipeline, destinations: Destinations
) -> None:
    database = server.create_database("app")
    many = BackupSettings(DEFAULT, tmp_path / "backups", keep=Keep(last=8))
    target = replace(database.target("app", user="owner"), backup=many)
    good = [(await sealed(pipeline, target)).backup for _ in range(8)]
    target = kept(target, Keep(last=3))
    before = known(target, destinations)
    with replaced_by(server) as fresh:
        fresh.sql("create database app template template0")
        for _ in range(3):
            report = await sealed(pipeline, target)
            assert report.removed == ()
            assert "different_database" in {trouble.hint for trouble in report.troubles}
        left = {backup.id for backup in backups(target)}
        assert {backup.id for backup in good if backup} <= left
        assert len(left) == 11
        after = known(target, destinations)
        assert after.recovery_point == before.recovery_point
        assert after.suspect is not None
        assert after.suspect.hint == "different_database"
        assert "the server is another one" in after.suspect.message
        assert "has 0 tables" in after.suspect.message
        assert after.held == 3
        # `restore app` means the newest good one
        found = catalogue.find(catalogue.scan([tmp_path / "backups"]), "app")
        assert found.id == good[-1].id
        decided = await pipeline.prune(target, dry_run=True)
        assert {decision.reason.split(":")[0] for decision in decided} == {"frozen"}
        # A person says that this is right: from now on it is the one to compare with.
        accept(target)
        now_good = known(target, destinations)
        assert now_good.suspect is None
        assert now_good.recovery_point > before.recovery_point
        report = await sealed(pipeline, target)
        assert not report.backup.held
        assert len(backups(target)) == 3


async def test_a_promoted_standby_is_the_same_database_and_a_database_made_anew_is_told(
    server: Cluster, tmp_path: Path, pipeline: Pipeline
) -> None:
    database = server.create_database("anew")
    settings = BackupSettings(DEFAULT, tmp_path / "backups")
    target = replace(database.target("app", user="owner"), backup=settings)
    first = (await sealed(pipeline, target)).backup
    assert first is not None
    assert first.manifest.identity["tables"] > 0
    assert first.manifest.identity["timeline"] == 1
    server.stop()
    (server.data / "standby.signal").touch()
    server.start()
    server.sql("select pg_promote(true)")
    server.sql("checkpoint")
    report = await sealed(pipeline, target)
    assert report.backup is not None
    assert report.backup.good
    assert [trouble.message for trouble in report.troubles] == [
        "the server's timeline is 2, it was 1: a standby was promoted"
    ]
    server.sql("alter database anew rename to before")
    server.sql("create database anew template before")
    report = await sealed(pipeline, target)
    assert report.backup is not None
    assert report.backup.good
    assert ["made anew in the same cluster" in each.message for each in report.troubles] == [True]
    # Made anew and empty is a collapse.
    server.sql("drop database anew")
    server.sql("create database anew template template0")
    report = await sealed(pipeline, target)
    assert report.backup is not None
    assert report.backup.held


def make(path: Path, tables: int, prefix: str = "t", application: int = 0) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for number in range(tables):
            connection.execute(f"create table {prefix}{number} (x)")
        connection.execute(f"pragma application_id = {application}")


async def test_a_sqlite_file_that_is_another_one_or_has_collapsed_is_held_apart(
    tmp_path: Path, pipeline: Pipeline, destinations: Destinations
) -> None:
    path = tmp_path / "app.db"
    make(path, 10, application=9)
    settings = BackupSettings(DEFAULT, tmp_path / "backups", keep=Keep(last=1))
    target = Target("app", "sqlite", SqliteUrl(str(path)), backup=settings)
    good = (await sealed(pipeline, target)).backup
    assert good is not None
    # Put in place by a restore: another file of the same content.
    shutil.copy(path, tmp_path / "restored.db")
    (tmp_path / "restored.db").replace(path)
    report = await sealed(pipeline, target)
    good = report.backup
    assert good is not None
    assert good.good
    assert ["another file lies at the path" in each.message for each in report.troubles] == [True]
    # The variable of its URL is not set, and its default is a file of another engine.
    elsewhere = replace(target, engine="postgresql")
    assert guard.judge(folder_of(target), elsewhere, {}, 100).suspect
    for tables, prefix, application in ((4, "t", 9), (10, "other", 9), (10, "t", 77)):
        path.unlink()
        make(path, tables, prefix, application)
        report = await sealed(pipeline, target)
        assert report.backup is not None
        assert report.backup.held, (tables, prefix, application)
        assert report.removed == ()
    assert known(target, destinations).recovery_point == good.manifest.recovery_point
    # Only what is like the newest is accepted, not every wrong database that there was.
    accept(target)
    held = [backup.id for backup in backups(target) if backup.held]
    assert len(held) == 2
    # The others are a person's to remove; what counts goes by the rules again.
    report = await sealed(pipeline, target)
    assert {backup.id for backup in report.removed} > {good.id}
    assert {backup.id for backup in backups(target)} == {*held, report.backup.id}  # type: ignore[union-attr]


async def test_the_right_database_that_is_back_needs_nobody_to_say_so(
    tmp_path: Path, pipeline: Pipeline, destinations: Destinations
) -> None:
    path = tmp_path / "app.db"
    make(path, 10)
    settings = BackupSettings(DEFAULT, tmp_path / "backups", keep=Keep(last=1))
    target = Target("app", "sqlite", SqliteUrl(str(path)), backup=settings)
    await sealed(pipeline, target)
    path.rename(tmp_path / "right.db")
    make(path, 2)
    strange = (await sealed(pipeline, target)).backup
    assert strange is not None
    assert known(target, destinations).suspect is not None
    (tmp_path / "right.db").replace(path)
    right = (await sealed(pipeline, target)).backup
    assert right is not None
    assert known(target, destinations).suspect is None
    # The strange one stays all the same: it may hold what nothing else holds.
    assert {backup.id for backup in backups(target)} == {strange.id, right.id}
    (folder_of(target) / "accepted.json").write_text("{")
    assert [backup.held for backup in backups(target)] == [False, True]
