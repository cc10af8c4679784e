"""Dump, proof and restore of PostgreSQL, by the pipeline, on a real server."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.postgres import Cluster, Database, bin_dir
from watchdog.backups import attempts, names
from watchdog.backups.catalogue import Backup
from watchdog.backups.destination import Destinations
from watchdog.backups.pipeline import Pipeline, folder_of
from watchdog.backups.restoring import restore
from watchdog.backups.status import known_of, status_of
from watchdog.backups.verify import verify
from watchdog.clock import SystemClock
from watchdog.database_url import PostgresqlUrl
from watchdog.engines.postgresql import clients
from watchdog.engines.postgresql.backups import BACKUPS
from watchdog.errors import UsageError
from watchdog.model import ActionFailed, BackupSettings, Keep, Outcome, Target
from watchdog.schedule import parse
from watchdog.secret import Secret

ENGINES = {"postgresql": BACKUPS}


@pytest.fixture(autouse=True)
def tools(monkeypatch: pytest.MonkeyPatch, postgres_binaries: None) -> None:
    monkeypatch.setenv(clients.VARIABLE, str(bin_dir()))


@pytest.fixture
def destinations(tmp_path: Path) -> Destinations:
    return Destinations(tmp_path / "state")


@pytest.fixture
def pipeline(destinations: Destinations) -> Pipeline:
    return Pipeline(ENGINES, destinations, SystemClock())


@pytest.fixture
def target(database: Database, tmp_path: Path) -> Target:
    return backed_up(database.target("app", user="owner"), tmp_path / "backups")


@pytest.fixture
def fresh(cluster: Cluster) -> Iterator[PostgresqlUrl]:
    """Give the URL of a database that is not there yet."""
    url = cluster.database_url("postgres", "brought_back")
    yield url
    cluster.drop_database(url.database)


def backed_up(target: Target, directory: Path, **settings: object) -> Target:
    return replace(target, backup=BackupSettings("0 3 * * *", directory, **settings))


async def sealed(pipeline: Pipeline, target: Target) -> Backup:
    report = await pipeline.back_up(target)
    assert report.failure is None
    assert report.backup is not None
    return report.backup


async def content(cluster: Cluster, database: str) -> tuple[object, ...]:
    rows = await cluster.execute(
        "select (select count(*) from account), (select count(*) from note),"
        " (select md5(string_agg(a::text, ',' order by id)) from account a)",
        database=database,
    )
    return tuple(rows[0])


def quiet(_: int) -> None:
    pass


async def test_a_dump_is_sealed_and_proven(pipeline: Pipeline, target: Target) -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    backup = await sealed(pipeline, target)
    assert (backup.level, backup.manifest.tables, backup.manifest.warnings) == (2, 2, ())
    assert before <= backup.manifest.recovery_point <= datetime.now(UTC)
    assert backup.manifest.sha256 == hashlib.sha256(backup.path.read_bytes()).hexdigest()
    assert backup.manifest.size_bytes == backup.path.stat().st_size
    assert backup.manifest.details["compression"] == "zstd:1"
    assert backup.manifest.versions["server"].startswith("17.")
    folder = folder_of(target)
    ends = ("dump", "globals.sql", "manifest.json", "verification.json")
    assert {path.name for path in folder.iterdir()} == {
        names.LOCK,
        names.ATTEMPTS,
        names.INSTRUCTIONS,
        *(f"{backup.id}.{end}" for end in ends),
    }
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [each.outcome for each in attempts.load(folder)] == [Outcome.OK]


async def test_nothing_on_disk_holds_the_password(
    pipeline: Pipeline, target: Target, tmp_path: Path
) -> None:
    await sealed(pipeline, target)
    for path in tmp_path.rglob("*"):
        if path.is_file() and path.suffix != ".dump":
            assert b"S3cret" not in path.read_bytes(), path


async def test_what_is_restored_is_what_was_dumped(
    pipeline: Pipeline, target: Target, database: Database, cluster: Cluster, fresh: PostgresqlUrl
) -> None:
    backup = await sealed(pipeline, target)
    notes, seconds = await restore(backup, ENGINES, fresh, SystemClock(), quiet)
    assert list(notes) == []
    assert seconds > 0
    assert await content(cluster, fresh.database) == await content(cluster, database.name)
    owner = cluster.sql(
        "select tableowner from pg_tables where tablename = 'account'", fresh.database
    )
    assert owner == "owner"
    statistics = cluster.sql(
        "select count(*) from pg_stats where tablename='account'", "brought_back"
    )
    assert int(statistics) > 0
    recorded = json.loads(names.verification(backup.folder, backup.id).read_text())
    assert recorded["restored_at"] is not None
    assert recorded["restore_duration_seconds"] > 0


@pytest.mark.parametrize(
    ("user", "password", "database"),
    [
        ("odd", "p:a\\s@s %#", "plain_name"),
        ("o'dd \"user", "'\"\\ :=\t$HOME `id`", "quo'te\"d name"),
        ("пользователь", "пароль", "база данных"),
        ("a=b c", "x", "host=evil dbname=other"),
        ("b%40c", "%41%", "x?y#z&w/v"),
        ("line\nbreak", "p w", "数据库\nقاعدة\r'\""),
    ],
)
async def test_odd_names_and_passwords_go_through(
    pipeline: Pipeline, cluster: Cluster, tmp_path: Path, user: str, password: str, database: str
) -> None:
    quoted_user, quoted = user.replace('"', '""'), database.replace('"', '""')
    literal = password.replace("'", "''")
    cluster.sql(
        "set standard_conforming_strings = on; "
        f"create role \"{quoted_user}\" login createdb password '{literal}'"
    )
    await cluster.execute(f'create database "{quoted}" owner "{quoted_user}"')
    url = PostgresqlUrl(((cluster.host, cluster.port),), user, database, Secret(password))
    to = url.with_database(f"{database} 2")
    try:
        await cluster.execute("create table kept as select 42 answer", database=database)
        await cluster.execute(f'alter table kept owner to "{quoted_user}"', database=database)
        target = backed_up(Target("odd", "postgresql", url), tmp_path / "backups")
        backup = await sealed(pipeline, target)
        await restore(backup, ENGINES, to, SystemClock(), quiet)
        rows = await cluster.execute("select answer from kept", database=to.database)
        assert rows[0][0] == 42
    finally:
        for name in (quoted, quoted + " 2"):
            await cluster.execute(f'drop database if exists "{name}" with (force)')
        await cluster.execute(f'drop role "{quoted_user}"')


async def test_a_database_that_holds_something_is_left_alone(
    pipeline: Pipeline, target: Target, database: Database, cluster: Cluster
) -> None:
    backup = await sealed(pipeline, target)
    before = await content(cluster, database.name)
    with pytest.raises(ActionFailed) as caught:
        await restore(
            backup, ENGINES, cluster.database_url("postgres", database.name), SystemClock(), quiet
        )
    assert caught.value.failure.hint == "restore_into_nonempty"
    assert await content(cluster, database.name) == before


async def test_an_empty_database_is_filled_and_stays_empty_if_that_fails(
    pipeline: Pipeline, target: Target, cluster: Cluster, fresh: PostgresqlUrl
) -> None:
    backup = await sealed(pipeline, target)
    cluster.sql("create database brought_back")
    # The last byte of the archive's data is gone: the restore begins and fails.
    whole = backup.path.read_bytes()
    backup.path.write_bytes(whole[:-2000])
    with pytest.raises(ActionFailed):
        await BACKUPS.restore(backup.path, fresh, quiet)
    assert (
        cluster.sql("select count(*) from pg_tables where schemaname='public'", "brought_back")
        == "0"
    )
    backup.path.write_bytes(whole)
    await BACKUPS.restore(backup.path, fresh, quiet)
    assert (await content(cluster, "brought_back"))[:2] == (100, 50)


async def test_a_database_made_for_a_restore_goes_again_if_that_fails(
    pipeline: Pipeline, target: Target, cluster: Cluster, fresh: PostgresqlUrl
) -> None:
    backup = await sealed(pipeline, target)
    backup.path.write_bytes(backup.path.read_bytes()[:-2000])
    with pytest.raises(ActionFailed):
        await BACKUPS.restore(backup.path, fresh, quiet)
    assert cluster.sql("select count(*) from pg_database where datname='brought_back'") == "0"


async def test_roles_that_are_missing_leave_everything_to_the_restorer(
    pipeline: Pipeline, private_cluster, cluster: Cluster, database: Database, tmp_path: Path
) -> None:
    await cluster.execute("create role passing login")
    await database.execute("grant select on note to passing")
    target = backed_up(database.target("app", user="postgres"), tmp_path / "backups")
    try:
        backup = await sealed(pipeline, target)
    finally:
        await database.execute("revoke all on note from passing")
        await cluster.execute("drop role passing")
    other = private_cluster()
    to = other.database_url("postgres", "moved")
    notes, _ = await restore(backup, ENGINES, to, SystemClock(), quiet)
    assert "owners and grants were left out" in notes[0]
    assert (await content(other, "moved"))[:2] == (100, 50)


async def test_a_hash_that_does_not_fit_stops_a_restore(
    pipeline: Pipeline, target: Target, cluster: Cluster, fresh: PostgresqlUrl
) -> None:
    backup = await sealed(pipeline, target)
    changed = bytearray(backup.path.read_bytes())
    changed[len(changed) // 2] ^= 1
    backup.path.write_bytes(changed)
    with pytest.raises(ActionFailed, match="SHA-256"):
        await restore(backup, ENGINES, fresh, SystemClock(), quiet)
    assert cluster.sql("select count(*) from pg_database where datname='brought_back'") == "0"


async def test_verification_finds_rot_records_it_and_takes_it_back(
    pipeline: Pipeline, target: Target, destinations: Destinations
) -> None:
    backup = await sealed(pipeline, target)
    whole = backup.path.read_bytes()
    backup.path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    verdict = await verify(backup, ENGINES, SystemClock())
    assert not verdict.ok
    known = known_of(target, destinations)
    assert known.listing.newest_good() is None
    status = status_of(known, parse("0 3 * * *"), datetime.now(UTC))
    assert (status.recovery_point, status.verified_level, status.count) == (None, 0, 1)
    backup.path.write_bytes(whole)
    again = await verify(known.listing.backups[0], ENGINES, SystemClock())
    assert again.ok
    assert again.backup.level == 2
    assert known_of(target, destinations).listing.newest_good() is not None


async def test_a_missing_tool_does_not_make_a_backup_bad(
    pipeline: Pipeline,
    target: Target,
    destinations: Destinations,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    backup = await sealed(pipeline, target)
    monkeypatch.setenv(clients.VARIABLE, str(tmp_path))
    verdict = await verify(backup, ENGINES, SystemClock())
    assert verdict.failure is not None
    assert verdict.failure.hint == "pg_dump_not_found"
    assert known_of(target, destinations).listing.backups[0].good


async def test_a_level_that_the_engine_lacks_is_refused(pipeline: Pipeline, target: Target) -> None:
    backup = await sealed(pipeline, target)
    with pytest.raises(UsageError, match="up to level 2"):
        await verify(backup, ENGINES, SystemClock(), level=3)
    assert (await verify(backup, ENGINES, SystemClock(), level=0)).ok


async def test_only_so_many_are_kept_and_a_failure_counts_for_nothing(
    pipeline: Pipeline, target: Target, tmp_path: Path
) -> None:
    assert target.backup is not None
    target = replace(target, backup=replace(target.backup, keep=Keep(last=2)))
    made = [await sealed(pipeline, target) for _ in range(3)]
    left = [path.stem for path in sorted(folder_of(target).glob("*.dump"))]
    assert sorted(left) == sorted(backup.id for backup in made[1:])
    gone = replace(target, url=target.url.with_database("gone"))  # type: ignore[union-attr]
    for _ in range(4):
        assert not (await pipeline.back_up(gone)).ok
    assert len(list(folder_of(target).glob("*.dump"))) == 2


async def test_the_status_tells_of_success_and_failure_after_a_restart(
    pipeline: Pipeline, target: Target, tmp_path: Path
) -> None:
    backup = await sealed(pipeline, target)
    gone = replace(target, url=target.url.with_database("gone"))  # type: ignore[union-attr]
    report = await pipeline.back_up(gone)
    known = known_of(target, Destinations(tmp_path / "state"))
    status = status_of(known, parse("@every 6h"), datetime.now(UTC))
    assert status.last_attempt_successful is False
    assert status.last_failure == report.failure
    assert status.recovery_point == backup.manifest.recovery_point
    assert (status.count, status.interval, status.verified_level) == (1, 6 * 3600, 2)
    assert status.stored_bytes == status.last_size == backup.manifest.size_bytes
    assert status.destination_free


async def test_progress_names_the_phases_in_their_order(pipeline: Pipeline, target: Target) -> None:
    seen: list[str] = []

    def tell(phase: object, _: int) -> None:
        if str(phase) not in seen:
            seen.append(str(phase))

    report = await pipeline.back_up(target, progress=tell)
    assert report.ok
    assert seen == ["preflight", "dump", "verify", "publish", "prune"]


async def test_the_loop_is_never_held_up(pipeline: Pipeline, target: Target) -> None:
    worst = 0.0

    async def watch() -> None:
        nonlocal worst
        loop = asyncio.get_running_loop()
        while True:
            at = loop.time()
            await asyncio.sleep(0.005)
            worst = max(worst, loop.time() - at - 0.005)

    await sealed(pipeline, target)  # what is only done once
    watcher = asyncio.ensure_future(watch())
    await sealed(pipeline, target)
    watcher.cancel()
    assert worst < 0.25
