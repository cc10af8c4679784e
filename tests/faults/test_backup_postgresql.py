"""Dumps that go wrong: nothing half-done stays, the reason is said and remembered."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.disks import small_disk
from tests.support.freeze import frozen_cluster
from tests.support.postgres import PASSWORDS, Cluster, Database, bin_dir
from tests.support.proxy import Proxy
from watchdog.backup_plan import is_retryable
from watchdog.backups import attempts, catalogue, destination, names
from watchdog.backups.destination import Destinations
from watchdog.backups.pipeline import Pipeline, folder_of
from watchdog.backups.verify import verify
from watchdog.clock import SystemClock
from watchdog.engines.postgresql import clients, dump, preflight
from watchdog.engines.postgresql.backups import BACKUPS
from watchdog.model import ActionFailed, BackupSettings, Failure, Kind, Outcome, Phase, Target

DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")


@pytest.fixture(autouse=True)
def tools(monkeypatch: pytest.MonkeyPatch, postgres_binaries: None) -> None:
    monkeypatch.setenv(clients.VARIABLE, str(bin_dir()))


@pytest.fixture
def destinations(tmp_path: Path) -> Destinations:
    return Destinations(tmp_path / "state")


@pytest.fixture
def pipeline(destinations: Destinations) -> Pipeline:
    return Pipeline({"postgresql": BACKUPS}, destinations, SystemClock())


@pytest.fixture
def target(database: Database, tmp_path: Path) -> Target:
    return backed_up(database.target("app", user="owner"), tmp_path / "backups")


def backed_up(target: Target, directory: Path, **settings: object) -> Target:
    return replace(target, backup=BackupSettings("0 3 * * *", directory, **settings))


def left_in(target: Target) -> set[str]:
    """What a run has left but for the lock and the record."""
    folder = folder_of(target)
    found = {path.name for path in folder.iterdir()} if folder.exists() else set()
    return found - {names.LOCK, names.ATTEMPTS, names.INSTRUCTIONS}


async def failed(pipeline: Pipeline, target: Target, state: Path | None = None) -> Failure:
    """Back up, and prove that it failed cleanly and is remembered."""
    report = await pipeline.back_up(target, wait=0.2)
    assert report.failure is not None
    assert not report.ok
    assert left_in(target) == set()
    remembered = attempts.load(folder_of(target), state)
    assert remembered[-1].failure == report.failure
    assert remembered[-1].outcome is Outcome.FAILED
    return report.failure


def dumps_of(target: Target) -> list[int]:
    """The process ids of pg_dump that write for *target*."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                line = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if b"pg_dump" in line and bytes(folder_of(target)) in line:
                found.append(int(entry.name))
    return found


async def until(condition, seconds: float = 15.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        await asyncio.sleep(0.02)


@asynccontextmanager
async def locked_table(database: Database) -> AsyncIterator[None]:
    """Hold a table so that a dump stands still in the middle."""
    connection = await database.cluster.connect(database.name)
    try:
        async with connection.transaction():
            await connection.execute("lock table note in access exclusive mode")
            yield
    finally:
        await connection.close(timeout=5)


@asynccontextmanager
async def dumping(
    pipeline: Pipeline, target: Target, database: Database
) -> AsyncIterator[tuple[asyncio.Task, int]]:
    """Give a backup in the middle of its dump, and the process id of its pg_dump."""
    async with locked_table(database):
        task = asyncio.ensure_future(pipeline.back_up(target))
        await until(lambda: dumps_of(target) or task.done())
        (pid,) = dumps_of(target)
        await asyncio.sleep(0.1)
        yield task, pid
        if not task.done():
            task.cancel()
            await asyncio.wait([task])


async def test_a_killed_pg_dump_leaves_nothing(
    pipeline: Pipeline, target: Target, database: Database
) -> None:
    async with dumping(pipeline, target, database) as (task, pid):
        os.kill(pid, 9)
        report = await task
    assert report.failure is not None
    assert (report.failure.phase, report.failure.hint) == (Phase.DUMP, "backup_tool_killed")
    assert "pg_dump was ended by SIGKILL" in report.failure.message
    assert is_retryable(report.failure)
    assert left_in(target) == set()


async def test_a_pg_restore_that_is_killed_says_nothing_of_the_backup(
    pipeline: Pipeline, target: Target, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    backup = (await pipeline.back_up(target)).backup
    assert backup is not None
    for tool in ("pg_dump", "pg_restore"):
        dying = f'case "$1" in --file=*) kill -9 $$;; esac\nexec {bin_dir() / tool} "$@"\n'
        (tmp_path / tool).write_text(f"#!/bin/sh\n{dying}")
        (tmp_path / tool).chmod(0o755)
    monkeypatch.setenv(clients.VARIABLE, str(tmp_path))
    verdict = await verify(backup, {"postgresql": BACKUPS}, SystemClock())
    assert verdict.failure is not None
    assert verdict.failure.hint == "backup_tool_killed"
    assert verdict.backup.good


async def test_cancelling_ends_the_dump_within_seconds_and_is_recorded(
    pipeline: Pipeline, target: Target, database: Database
) -> None:
    async with dumping(pipeline, target, database) as (task, _):
        assert left_in(target) != set()  # the partial file is there
        started = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - started < 5
        assert dumps_of(target) == []
        assert left_in(target) == set()
    last = attempts.load(folder_of(target))[-1]
    assert last.outcome is Outcome.CANCELLED
    assert last.failure is not None
    report = await pipeline.back_up(target)  # the lock is free again
    assert report.ok


async def test_a_server_that_is_frozen_holds_up_neither_the_end_of_a_dump_nor_a_stop(
    private_cluster, pipeline: Pipeline, tmp_path: Path
) -> None:
    cluster = private_cluster()
    database = cluster.create_database("app")
    stopped = backed_up(database.target("stopped", user="owner"), tmp_path / "backups")
    given_up = backed_up(database.target("given-up", user="owner"), tmp_path / "backups")
    assert given_up.backup is not None
    given_up = replace(given_up, backup=replace(given_up.backup, no_progress=1.0))
    connection = await cluster.connect("app")
    await connection.execute("begin; lock table note in access exclusive mode")
    stop = asyncio.ensure_future(pipeline.back_up(stopped))
    await until(lambda: dumps_of(stopped))
    give_up = asyncio.ensure_future(pipeline.back_up(given_up))
    await until(lambda: dumps_of(given_up))
    with frozen_cluster(cluster):
        started = time.monotonic()
        stop.cancel()
        with pytest.raises(asyncio.CancelledError):
            await stop
        assert time.monotonic() - started < 7
        report = await asyncio.wait_for(give_up, 60)
        for target in (stopped, given_up):
            assert dumps_of(target) == []
            assert left_in(target) == set()
    connection.terminate()
    assert report.failure is not None
    assert (report.failure.phase, report.failure.hint) == (Phase.DUMP, "backup_timeout")


async def test_a_line_that_is_cut_in_the_middle_of_a_dump_leaves_nothing(
    pipeline: Pipeline, database: Database, proxy: Proxy, tmp_path: Path
) -> None:
    await fill(database)  # 14 MB
    through = database.cluster.target("app", database.name, "owner", port=proxy.port)
    target = backed_up(through, tmp_path / "backups")
    await proxy.cut_after(4_000_000)
    report = await pipeline.back_up(target)
    failure = report.failure
    assert failure is not None
    assert "COPY" in failure.message
    assert (failure.phase, failure.hint) == (Phase.DUMP, "server_closed_connection")
    assert is_retryable(failure)
    assert left_in(target) == set()
    await proxy.pass_()
    assert (await pipeline.back_up(target)).ok


async def test_a_restore_that_is_cancelled_takes_its_database_away_again(
    pipeline: Pipeline, target: Target, database: Database, cluster: Cluster
) -> None:
    await fill(database)
    backup = (await pipeline.back_up(target)).backup
    assert backup is not None
    to = cluster.database_url("postgres", "cut_off")
    task = asyncio.ensure_future(BACKUPS.restore(backup.path, to, lambda _: None))
    running = "select count(*) from pg_stat_activity where datname = 'cut_off' and query ~ 'COPY'"
    while (await cluster.execute(running))[0][0] == 0:
        assert not task.done(), "the restore was too quick to be cut off"
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert cluster.sql("select count(*) from pg_database where datname = 'cut_off'") == "0"


async def test_the_timeout_ends_the_dump(
    pipeline: Pipeline, target: Target, database: Database
) -> None:
    assert target.backup is not None
    hurried = replace(target, backup=replace(target.backup, timeout=1.5))
    async with locked_table(database):
        failure = await failed(pipeline, hurried)
    assert (failure.kind, failure.hint) == (Kind.TIMEOUT, "backup_timeout")
    assert failure.phase is Phase.DUMP
    assert dumps_of(target) == []


async def test_a_lock_that_lasts_ends_the_dump(
    pipeline: Pipeline, target: Target, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dump, "LOCK_WAIT", 0.3)
    async with locked_table(database):
        failure = await failed(pipeline, target)
    assert (failure.phase, failure.hint) == (Phase.DUMP, "lock_timeout")
    assert "note" in failure.message


async def test_a_server_killed_in_the_middle_leaves_nothing(
    private_cluster, pipeline: Pipeline, tmp_path: Path
) -> None:
    cluster = private_cluster()
    database = cluster.create_database("app")
    target = backed_up(database.target("app", user="owner"), tmp_path / "backups")
    connection = await cluster.connect("app")
    await connection.execute("begin; lock table note in access exclusive mode")
    task = asyncio.ensure_future(pipeline.back_up(target))
    await until(lambda: dumps_of(target))
    cluster.kill()
    report = await task
    connection.terminate()
    assert report.failure is not None
    assert report.failure.phase is Phase.DUMP
    # Whichever of its processes went first.
    told = ("server_closed_connection", "connection_refused", "server_crashed")
    # A backend that is left alone for a moment may say anything before it ends.
    assert report.failure.hint in told or "FATAL" in report.failure.message, report.failure
    assert is_retryable(report.failure) or not report.failure.hint
    assert left_in(target) == set()


async def test_a_backend_ended_by_an_administrator_leaves_nothing(
    pipeline: Pipeline, target: Target, database: Database
) -> None:
    async with dumping(pipeline, target, database) as (task, _):
        database.cluster.sql(
            "select pg_terminate_backend(pid) from pg_stat_activity where query like 'LOCK TABLE%'"
        )
        report = await task
    assert report.failure is not None
    assert (report.failure.phase, report.failure.hint) == (Phase.DUMP, "admin_termination")
    assert is_retryable(report.failure)
    assert left_in(target) == set()


async def test_passwords_are_in_no_command_line_or_environment(
    pipeline: Pipeline, target: Target, database: Database
) -> None:
    async with dumping(pipeline, target, database) as (_, pid):
        for file in ("cmdline", "environ"):
            content = Path(f"/proc/{pid}/{file}").read_bytes().decode()
            assert PASSWORDS["owner"] not in content
            assert "S3cret" not in content
        variables = dict(
            line.split("=", 1)
            for line in Path(f"/proc/{pid}/environ").read_text().split("\0")
            if "=" in line
        )
        passfile = Path(variables["PGPASSFILE"])
        assert passfile.stat().st_mode & 0o777 == 0o600
        assert passfile.parent.stat().st_mode & 0o777 == 0o700
    assert not passfile.parent.exists()


@pytest.mark.skipif(not (DEBIAN_15 / "pg_dump").exists(), reason="there is no older pg_dump here")
async def test_a_pg_dump_that_is_too_old_is_refused_with_the_package(
    pipeline: Pipeline, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(clients.VARIABLE, str(DEBIAN_15))
    failure = await failed(pipeline, target)
    assert failure.hint == "version_mismatch_pg_dump"
    assert failure.phase is Phase.PREFLIGHT
    assert "install postgresql-client-17" in failure.message


@pytest.mark.skipif(not (DEBIAN_15 / "pg_dump").exists(), reason="there is no older pg_dump here")
async def test_the_newest_of_several_clients_is_taken(
    pipeline: Pipeline, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(clients.VARIABLE, f"{DEBIAN_15}:{bin_dir()}")
    found = [client.major for client in await clients.installed()]
    assert found == sorted(found, reverse=True)
    assert len(found) == 2
    report = await pipeline.back_up(target)
    assert report.backup is not None
    assert report.backup.manifest.versions["pg_dump"].startswith(f"{found[0]}.")


async def test_no_pg_dump_at_all_is_said_with_the_package(
    pipeline: Pipeline, target: Target, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(clients.VARIABLE, str(tmp_path / "nothing"))
    failure = await failed(pipeline, target)
    assert failure.hint == "pg_dump_not_found"
    assert "install postgresql-client-17" in failure.message


async def test_the_debian_wrapper_is_passed_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv(clients.VARIABLE)
    wrapper = tmp_path / "pg_wrapper"
    wrapper.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 99.1'\n")
    wrapper.chmod(0o755)
    for tool in ("pg_dump", "pg_restore"):
        (tmp_path / tool).symlink_to(wrapper)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert 99 not in [client.major for client in await clients.installed()]


async def test_a_wrong_password_is_an_auth_failure(
    pipeline: Pipeline, cluster: Cluster, database: Database, tmp_path: Path
) -> None:
    target = cluster.target("app", database.name, "owner", password="wrong-password-1")
    failure = await failed(pipeline, backed_up(target, tmp_path / "backups"))
    assert (failure.kind, failure.code, failure.hint) == (Kind.AUTH, "28P01", "auth_failed")
    assert "wrong-password-1" not in str(failure)


async def test_one_table_without_select_fails_the_dump_and_is_named(
    pipeline: Pipeline, database: Database, tmp_path: Path
) -> None:
    await database.execute("grant select on account to plain")
    target = backed_up(database.target("app", user="plain"), tmp_path / "backups")
    failure = await failed(pipeline, target)
    assert (failure.phase, failure.kind) == (Phase.DUMP, Kind.PRIVILEGE)
    assert failure.hint == "permission_denied_table"
    assert "permission denied for table note" in failure.message


async def test_row_security_is_a_failure_not_a_silent_loss(
    pipeline: Pipeline, cluster: Cluster, database: Database, tmp_path: Path
) -> None:
    await cluster.execute(
        "alter table note enable row level security",
        "alter table note force row level security",
        database=database.name,
    )
    target = backed_up(database.target("app", user="owner"), tmp_path / "backups")
    failure = await failed(pipeline, target)
    assert failure.hint == "permission_denied_table"
    assert 'row-level security policy for table "note"' in failure.message


async def test_a_dropped_database_is_a_failure(
    pipeline: Pipeline, cluster: Cluster, tmp_path: Path
) -> None:
    target = backed_up(cluster.target("app", "no_such_db", "owner"), tmp_path / "backups")
    failure = await failed(pipeline, target)
    assert (failure.code, failure.hint) == ("3D000", "database_missing")


async def test_a_server_that_is_not_there_is_a_failure(
    pipeline: Pipeline, cluster: Cluster, tmp_path: Path
) -> None:
    target = backed_up(cluster.target("app", user="owner", port=1), tmp_path / "backups")
    failure = await failed(pipeline, target)
    assert failure.hint == "connection_refused"


# ------------------------------------------------------------------ the destination


@pytest.fixture(name="small_disk")
def a_small_disk(tmp_path: Path) -> Iterator[Path]:
    """Give a file system of two megabytes."""
    with small_disk(tmp_path / "small", "2m") as disk:
        yield disk


async def fill(database: Database) -> None:
    await database.execute(
        "create table big as select n, sha512(n::text::bytea) a, sha512((n+1)::text::bytea) b"
        " from generate_series(1, 100000) n",
        "alter table big owner to owner",
    )


async def test_a_disk_that_fills_in_the_middle_leaves_nothing(
    destinations: Destinations,
    pipeline: Pipeline,
    database: Database,
    small_disk: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await fill(database)
    monkeypatch.setattr(preflight, "_SHARE_OF_DATABASE", 10_000)  # an estimate that is far too low
    target = backed_up(database.target("app", user="owner"), small_disk)
    failure = await failed(pipeline, target, destinations.state)
    assert failure.hint == "backup_no_space"
    assert failure.phase is Phase.DUMP
    assert destination.free_bytes(small_disk) > 1_500_000


async def test_a_disk_that_is_too_small_is_refused_before_the_dump(
    destinations: Destinations, pipeline: Pipeline, database: Database, small_disk: Path
) -> None:
    await fill(database)
    target = backed_up(database.target("app", user="owner"), small_disk)
    failure = await failed(pipeline, target, destinations.state)
    assert failure.hint == "backup_no_space"
    assert failure.phase is Phase.PREFLIGHT


async def test_an_unmounted_destination_is_missed_and_nothing_is_made_in_its_place(
    destinations: Destinations, database: Database, small_disk: Path
) -> None:
    target = backed_up(database.target("app", user="owner"), small_disk)
    pipeline = Pipeline({"postgresql": BACKUPS}, destinations, SystemClock())
    assert (await pipeline.back_up(target)).ok
    subprocess.run(["umount", str(small_disk)], check=True)
    try:
        for memory in (destinations, Destinations(destinations.state)):  # and after a restart
            pipeline = Pipeline({"postgresql": BACKUPS}, memory, SystemClock())
            report = await pipeline.back_up(target)
            assert report.failure is not None
            assert report.failure.hint == "destination_missing"
            assert "Is its disk mounted?" in report.failure.message
            assert list(small_disk.iterdir()) == []
            with pytest.raises(ActionFailed):
                await pipeline.prune(target)
            remembered = attempts.load(folder_of(target), destinations.state)
            assert remembered[-1].failure == report.failure
    finally:
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(small_disk)], check=True)


async def test_a_destination_below_a_file_is_a_failure(
    destinations: Destinations, pipeline: Pipeline, target: Target, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    there = backed_up(target, tmp_path / "file" / "backups")
    failure = await failed(pipeline, there, destinations.state)
    assert failure.phase is Phase.PREFLIGHT
    assert (failure.code, failure.hint) == ("ENOTDIR", "backup_dir_missing")


async def test_a_read_only_destination_is_a_failure(
    destinations: Destinations, pipeline: Pipeline, target: Target, small_disk: Path
) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    there = backed_up(target, small_disk / "backups")
    failure = await failed(pipeline, there, destinations.state)
    assert (failure.code, failure.hint) == ("EROFS", "backup_dir_missing")
    assert "read-only" in failure.message


# ------------------------------------------------------------------ two at once


async def test_two_at_once_take_turns(
    destinations: Destinations, pipeline: Pipeline, target: Target
) -> None:
    other = Pipeline({"postgresql": BACKUPS}, destinations, SystemClock())
    reports = await asyncio.gather(pipeline.back_up(target), other.back_up(target))
    assert all(report.ok for report in reports)
    assert len(catalogue.scan_folder(folder_of(target)).backups) == 2


async def test_one_that_waits_too_long_says_so_and_disturbs_nothing(
    destinations: Destinations, pipeline: Pipeline, target: Target, database: Database
) -> None:
    other = Pipeline({"postgresql": BACKUPS}, destinations, SystemClock())
    async with dumping(pipeline, target, database) as (task, _):
        before = left_in(target)
        report = await other.back_up(target, wait=0.3)
        assert report.failure is not None
        assert "another backup of app" in report.failure.message
        assert left_in(target) == before
        assert not task.done()


async def test_what_a_killed_run_left_is_swept_by_the_next(
    pipeline: Pipeline, target: Target
) -> None:
    folder = folder_of(target)
    folder.mkdir(parents=True)
    partial = names.partial(folder, "20261123T030000Z-abcdef", "dump")
    partial.write_bytes(b"half")
    assert (await pipeline.back_up(target)).ok
    assert not partial.exists()


# ------------------------------------------------------------------ archives that rot


@pytest.mark.parametrize("keep", [0, 100, 0.5, 0.99])
async def test_a_truncated_archive_is_not_proven(
    pipeline: Pipeline, target: Target, database: Database, keep: float
) -> None:
    await database.execute(
        "insert into note select n, 1, md5(n::text) from generate_series(1000, 20000) n"
    )
    backup = (await pipeline.back_up(target)).backup
    assert backup is not None
    content = backup.path.read_bytes()
    cut = int(len(content) * keep) if isinstance(keep, float) else keep
    backup.path.write_bytes(content[:cut])
    with pytest.raises(ActionFailed) as caught:
        await BACKUPS.prove(target, backup.path)
    assert caught.value.failure.phase is Phase.VERIFY
    assert caught.value.failure.kind is Kind.BACKUP
