"""What is counted at the instant of a dump, and the drill that compares it, on real servers."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.daemon import wait_until
from tests.support.postgres import Cluster, Database, alive, bin_dir
from watchdog.backups import drills, names
from watchdog.backups.catalogue import Backup
from watchdog.backups.destination import Destinations
from watchdog.backups.drill import drill
from watchdog.backups.files import write_json
from watchdog.backups.pipeline import Pipeline, folder_of
from watchdog.backups.status import known_of, status_of
from watchdog.backups.verify import Verdict, verify
from watchdog.clock import SystemClock
from watchdog.engines.postgresql import clients, counting, drilling, instant, own_server, preflight
from watchdog.engines.postgresql.backups import BACKUPS
from watchdog.engines.postgresql.scratch_database import PREFIX
from watchdog.engines.postgresql.wire import Timing
from watchdog.model import BackupSettings, DrillSettings, ProofMode, Selection, Target
from watchdog.schedule import parse

ENGINES = {"postgresql": BACKUPS}
LOCAL = DrillSettings(server="local")
SAME = DrillSettings(server="same")


@pytest.fixture(autouse=True)
def tools(monkeypatch: pytest.MonkeyPatch, postgres_binaries: None) -> None:
    monkeypatch.setenv(clients.VARIABLE, str(bin_dir()))


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    return Pipeline(ENGINES, Destinations(tmp_path / "state"), SystemClock())


@pytest.fixture
def target(database: Database, tmp_path: Path) -> Target:
    return backed_up(database.target("app", user="postgres"), tmp_path / "backups")


def backed_up(target: Target, directory: Path, **settings: Any) -> Target:
    return replace(target, backup=BackupSettings("0 3 * * *", directory, **settings))


def with_settings(target: Target, **settings: Any) -> Target:
    assert target.backup is not None
    return replace(target, backup=replace(target.backup, **settings))


async def sealed(pipeline: Pipeline, target: Target) -> Backup:
    report = await pipeline.back_up(target)
    assert report.failure is None
    assert report.backup is not None
    return report.backup


async def drilled(backup: Backup, target: Target | None, settings: DrillSettings) -> Verdict:
    return await drill(backup, ENGINES, SystemClock(), settings, target)


def with_content(backup: Backup, **changes: Any) -> Backup:
    """Return *backup* with another account of what was there, on disk, too."""
    content = backup.manifest.content
    assert content is not None
    manifest = replace(backup.manifest, content=replace(content, **changes))
    write_json(names.manifest(backup.folder, backup.id), manifest.document())
    return replace(backup, manifest=manifest)


def scratch_databases(cluster: Cluster) -> list[str]:
    found = cluster.sql(f"select datname from pg_database where datname like '{PREFIX}%'")
    return found.splitlines()


@asynccontextmanager
async def storm(database: Database) -> AsyncIterator[list[int]]:
    """Insert one row into each of two tables per transaction, as fast as that goes."""
    await database.execute("create table one (id int)", "create table two (id int)")
    done = [0]
    stop = asyncio.Event()

    async def write() -> None:
        connection = await database.cluster.connect(database.name)
        try:
            while not stop.is_set():
                async with connection.transaction():
                    await connection.execute("insert into one values (1)")
                    await connection.execute("insert into two values (1)")
                done[0] += 1
        finally:
            await connection.close(timeout=5)

    writer = asyncio.ensure_future(write())
    try:
        yield done
    finally:
        stop.set()
        await writer


async def until(condition: Any, seconds: float = 30.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


# ------------------------------------------------------------------ the instant


async def test_the_counts_are_of_the_dumps_own_instant_while_others_write(
    pipeline: Pipeline, target: Target, database: Database
) -> None:
    async with storm(database) as done:
        await until(lambda: done[0] > 20)
        backup = await sealed(pipeline, target)
        after = done[0]
        await until(lambda: done[0] > after)
        # The control: counts that are not of one instant do not fit each other.
        (first,) = await database.execute("select count(*) from one")
        seen = done[0]
        await until(lambda: done[0] > seen + 1)
        (second,) = await database.execute("select count(*) from two")
        assert first[0] != second[0]
    content = backup.manifest.content
    assert content is not None
    assert content.complete
    assert content.rows["public.one"] == content.rows["public.two"] > 20
    (live,) = await database.execute("select count(*) from one")
    assert live[0] != content.rows["public.one"]
    verdict = await drilled(backup, target, SAME)
    assert verdict.failure is None
    assert verdict.level == 4


# A schema and a table whose names hold quotes, line breaks and another script.
ODD = '"o\'dd ""s\n"."таблица\n""a"""'
_KINDS = (
    'create schema "o\'dd ""s\n";'
    f"create table {ODD} (a int); insert into {ODD} values (1);"
    """
create table part (a int) partition by range (a);
create table part_1 partition of part for values from (0) to (10);
insert into part values (1), (2);
create table parent (a int); create table child () inherits (parent);
insert into child values (1);
create unlogged table unlogged as select 1 a;
create materialized view view as select count(*) from part;
create foreign data wrapper nowhere; create server nowhere foreign data wrapper nowhere;
create foreign table far (a int) server nowhere;
create table "select" ("order" int primary key, check ("order" in (1, 2)));
create view seen as select * from part;
create table held (a int primary key) partition by range (a);
create table held_1 partition of held for values from (0) to (10);
create table held_2 partition of held for values from (10) to (20);
create table refers (a int references held, b int) partition by hash (b);
create table refers_1 partition of refers for values with (modulus 1, remainder 0);
create index on held (a); create type span as range (subtype = float8);
create function noted() returns trigger language plpgsql as 'begin return new; end';
create trigger noted after insert on held for each row execute function noted();
create view typed as select 'x'::varchar(3) as a, 1.5::numeric(4, 2) as b;
create table generated (a int check (a in (1, 2)), b text collate "C" default 'x',
  c int generated always as (a * 2) stored, check (b in ('x', 'y')), exclude (a with =));
alter table generated drop column b; create sequence standing;
create function twice(a int) returns int language sql as 'select 2 * a';
create table guarded (a int); insert into guarded values (1);
create role "stub ""role" nologin; grant select on guarded to "stub ""role";
create policy mine on guarded to "stub ""role" using (a = 1);
alter table guarded enable row level security;
select lo_create(0), lo_create(0);
"""
)


async def test_every_kind_of_table_is_counted_or_said_and_comes_back_into_a_server_of_its_own(
    pipeline: Pipeline, target: Target, database: Database, cluster: Cluster, tmp_path: Path
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    try:
        cluster.sql(_KINDS, database.name)
        backup = await sealed(pipeline, target)
    finally:
        cluster.drop_database(database.name)
        cluster.sql('drop role if exists "stub ""role"')
    content = backup.manifest.content
    assert content is not None
    assert content.complete
    assert dict(content.rows) == {
        "pg_catalog.pg_largeobject_metadata": 2,
        "public.account": 100,
        "public.note": 50,
        ODD: 1,
        "public.part_1": 2,
        "public.parent": 0,
        "public.child": 1,
        "public.unlogged": 1,
        "public.select": 0,
        "public.guarded": 1,
        "public.held_1": 0,
        "public.held_2": 0,
        "public.refers_1": 0,
        "public.generated": 0,
    }
    assert {table: why.split(":")[0] for table, why in content.passed_over.items()} == {
        "public.part": "partitioned",
        "public.held": "partitioned",
        "public.refers": "partitioned",
        "public.view": "materialized view",
        "public.far": "foreign table",
    }
    assert 'stub "role' in content.surroundings["roles"]
    # The manifest is what is read back, by another process too.
    on_disk = json.loads(names.manifest(backup.folder, backup.id).read_text())["content"]
    assert on_disk["rows"][ODD] == 1
    settings = DrillSettings(
        server="local",
        directory=scratch,
        assertions=(
            "select count(*) = 2 from part",
            "select count(*) = 1 from pg_roles where rolname = 'stub \"role'",
        ),
    )
    verdict = await drilled(backup, None, settings)
    assert verdict.failure is None
    assert (verdict.level, verdict.remarks) == (4, ())
    assert verdict.drilled is not None
    assert verdict.drilled.where.startswith("a server of its own")
    assert list(scratch.iterdir()) == []
    record = json.loads(names.verification(backup.folder, backup.id).read_text())
    assert record["level"] == 4
    assert record["restored_at"] is not None
    assert record["restore_duration_seconds"] > 0


async def test_a_table_that_is_emptied_after_the_instant_is_not_counted(
    target: Target, database: Database
) -> None:
    url = database.cluster.database_url("postgres", database.name)
    connection = await preflight.session(url, None, Timing())
    async with instant.held(connection, ProofMode.COUNTS, 60.0) as held:
        assert held.snapshot
        # An older instant than the TRUNCATE sees no row of it any more.
        await database.execute("truncate account cascade")
        content = await held.content(everything(held))
    assert "rewritten" in content.uncounted["public.account"]
    assert "public.account" not in content.rows
    assert not content.complete


def everything(held: instant.Instant) -> set[int]:
    return {table.oid for table in held._tally.tables.values()}


async def test_a_table_without_select_is_said_and_the_others_are_counted(
    database: Database, cluster: Cluster
) -> None:
    await database.execute("grant select on note to plain")
    url = cluster.database_url("plain", database.name)
    connection = await preflight.session(url, None, Timing())
    async with instant.held(connection, ProofMode.COUNTS, 60.0) as held:
        content = await held.content(everything(held))
    assert content.rows == {"public.note": 50}
    assert content.uncounted["public.account"].startswith("42501 ")


async def test_many_small_tables_are_counted_with_few_questions(
    database: Database, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = "for n in 1..300 loop execute format('create table t%s ()', n); end loop;"
    cluster.sql(f"do $$ begin {make} end $$", database.name)
    connection = await preflight.session(
        cluster.database_url("postgres", database.name), None, Timing()
    )
    asked = 0
    ask = counting._within

    async def counted(*arguments: Any) -> Any:
        nonlocal asked
        asked += 1
        return await ask(*arguments)

    monkeypatch.setattr(counting, "_within", counted)
    async with instant.held(connection, ProofMode.COUNTS, 60.0) as held:
        content = await held.content(everything(held))
    assert len(content.rows) == 302
    assert asked <= 12  # four for the tables, the rest for the schema and large objects


async def test_what_the_dump_leaves_out_is_passed_over(
    pipeline: Pipeline, target: Target, cluster: Cluster
) -> None:
    part = with_settings(target, exclude=Selection(data=("public.note",)))
    backup = await sealed(pipeline, part)
    content = backup.manifest.content
    assert content is not None
    assert content.rows == {"public.account": 100}
    assert content.passed_over == {"public.note": "its rows are not in the backup"}
    server = DrillSettings(server=cluster.database_url("postgres", "postgres"))
    verdict = await drilled(backup, part, server)
    assert (verdict.failure, verdict.level) == (None, 4)
    assert verdict.drilled is not None
    assert verdict.drilled.where == f"the scratch server {cluster.host}:{cluster.port}"
    assert scratch_databases(cluster) == []


async def test_a_database_that_is_too_large_is_not_counted_and_claims_less(
    pipeline: Pipeline, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(instant, "AUTO_LIMIT", 1 << 20)
    backup = await sealed(pipeline, target)
    content = backup.manifest.content
    assert content is not None
    assert content.reason.startswith("proof: auto leaves the counts out")
    assert content.rows == {}
    assert backup.manifest.warnings == ()  # it is what was asked for
    verdict = await drilled(backup, target, SAME)
    assert verdict.failure is None
    assert verdict.level == 3
    assert "proof: auto" in verdict.remarks[0]
    insisted = await sealed(pipeline, with_settings(target, proof=ProofMode.COUNTS))
    assert insisted.manifest.content is not None
    assert insisted.manifest.content.complete


async def test_no_session_for_the_counts_is_no_reason_for_no_dump(
    pipeline: Pipeline, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def failing(*_: object) -> None:
        raise counting.asyncpg.TooManyConnectionsError("too many connections for role")

    monkeypatch.setattr(counting, "look_around", failing)
    backup = await sealed(pipeline, target)
    assert (backup.level, len(backup.manifest.warnings)) == (2, 1)
    assert "too many connections" in backup.manifest.warnings[0]
    off = await sealed(pipeline, with_settings(target, proof=ProofMode.OFF))
    assert off.manifest.warnings == ()


async def test_a_role_that_may_have_one_session_is_dumped_without_counts(
    pipeline: Pipeline, database: Database, cluster: Cluster, tmp_path: Path
) -> None:
    cluster.create_role("single", "single", "login connection limit 1")
    try:
        cluster.sql("grant pg_read_all_data to single")
        target = cluster.target("app", database.name, "single", password="single")
        backup = await sealed(pipeline, backed_up(target, tmp_path / "backups", role_globals=False))
    finally:
        cluster.sql("drop owned by single; drop role single")
    assert backup.level == 2
    assert "the dump failed beside it" in backup.manifest.warnings[0]
    assert "too many connections for role" in backup.manifest.warnings[0]


async def test_digests_tell_rows_that_are_not_the_same(
    pipeline: Pipeline, target: Target, database: Database, cluster: Cluster
) -> None:
    exact = with_settings(target, proof=ProofMode.DIGESTS)
    await database.execute(
        "create table wide (a timestamptz, b float8, c bytea, d interval, e text, gone int)",
        "alter table wide drop column gone",
        "insert into wide values (now(), 1.0 / 3, 'x', '1 mon 2 h', null)",
        f'alter database "{database.name}" set datestyle = german',
    )
    backup = await sealed(pipeline, exact)
    content = backup.manifest.content
    assert content is not None
    assert content.digests.keys() == content.rows.keys()
    assert (await drilled(backup, exact, SAME)).level == 4
    other = {**content.digests, "public.note": "0"}
    verdict = await drilled(with_content(backup, digests=other), exact, SAME)
    assert verdict.failure is not None
    told = "public.note has as many rows as it had (50), but not the same"
    assert told in verdict.failure.message


# ------------------------------------------------------------------ the drill


async def test_a_drill_finds_a_missing_row_and_says_in_which_table(
    pipeline: Pipeline, target: Target, database: Database, cluster: Cluster, tmp_path: Path
) -> None:
    whole = await sealed(pipeline, target)
    older = await sealed(pipeline, target)
    await database.execute("delete from note where id = 7")
    lacking = await sealed(pipeline, target)
    # The file with a row less under the name, and with the account, of the whole one.
    whole.path.write_bytes(lacking.path.read_bytes())
    manifest = replace(
        whole.manifest,
        sha256=lacking.manifest.sha256,
        size_bytes=lacking.manifest.size_bytes,
    )
    write_json(names.manifest(whole.folder, whole.id), manifest.document())
    whole = replace(whole, manifest=manifest)
    assert (await verify(whole, ENGINES, SystemClock())).ok, "nothing less than a drill sees it"
    verdict = await drilled(whole, target, SAME)
    assert verdict.failure is not None
    assert verdict.failure.hint == "backup_content_differs"
    assert "public.note had 50 rows, the copy has 49" in verdict.failure.message
    assert "public.account" not in verdict.failure.message
    assert verdict.backup.level == 0
    # What proves less does not take that back, and it is a trouble of the target.
    again = await verify(verdict.backup, ENGINES, SystemClock())
    assert (again.level, again.backup.level) == (2, 0)
    known = known_of(target, Destinations(tmp_path / "state"))
    status = status_of(known, parse("0 3 * * *"), SystemClock().now())
    assert verdict.failure in status.rotten
    assert status.drill_failure == verdict.failure
    assert older.id in {backup.id for backup in known.listing.backups if backup.good}
    assert scratch_databases(cluster) == []


async def test_an_assertion_that_does_not_hold_fails_the_drill_and_not_the_backup(
    pipeline: Pipeline, target: Target, cluster: Cluster
) -> None:
    backup = await sealed(pipeline, target)
    asserting = replace(SAME, assertions=("select true", "select count(*) > 100 from account"))
    verdict = await drilled(backup, target, asserting)
    assert verdict.failure is not None
    assert verdict.failure.hint == "backup_assertion_false"
    assert "does not hold: it answers False" in verdict.failure.message
    assert (verdict.level, verdict.backup.level) == (3, 3)
    assert drills.load(backup.folder)[-1].failure == verdict.failure
    assert scratch_databases(cluster) == []


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("select count(*) = 100 from account", ""),
        ("select null::boolean", "it answers None"),
        ("select true where false", "it answers without a row"),
        ("select count(*) from account", "it answers 100"),
        ("select true from nowhere", 'relation "nowhere" does not exist'),
        ("delete from account returning true", "read-only transaction"),
    ],
)
async def test_an_assertion_holds_if_it_answers_true_and_nothing_else(
    database: Database, cluster: Cluster, query: str, told: str
) -> None:
    url = cluster.database_url("postgres", database.name)
    against = await drilling._asked(url, None, ("select true", query))
    assert told in against
    assert bool(told) == bool(against)


async def test_a_place_that_lacks_something_says_nothing_of_the_backup(
    pipeline: Pipeline, target: Target, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    backup = await sealed(pipeline, target)
    content = backup.manifest.content
    assert content is not None
    needs = {**content.surroundings, "extensions": {"postgis": "3.4"}}
    demanding = replace(
        backup,
        manifest=replace(backup.manifest, content=replace(content, surroundings=needs)),
    )
    verdict = await drilled(demanding, target, SAME)
    assert verdict.failure is None  # its rows are there without it, and it claims less
    assert (verdict.level, verdict.backup.level) == (3, 3)
    assert verdict.remarks == ("restored without the extensions postgis, which are not there",)
    # No server programs: a trouble where one was asked for, and no drill at all where not.
    monkeypatch.setattr(own_server, "programs", nothing)
    asked = await drilled(backup, target, LOCAL)
    assert asked.failure is not None
    assert "no PostgreSQL server of version 17" in asked.failure.message
    count = len(drills.load(backup.folder))
    assert (await drilled(backup, target, DrillSettings())).failure == asked.failure
    assert len(drills.load(backup.folder)) == count
    nowhere = replace(LOCAL, directory=tmp_path / "nowhere")
    monkeypatch.undo()
    monkeypatch.setenv(clients.VARIABLE, str(bin_dir()))
    gone = await drilled(backup, target, nowhere)
    assert gone.failure is not None
    assert "no scratch place" in gone.failure.message
    assert gone.backup.level == 2


@pytest.mark.parametrize(
    ("missing", "level", "told"),
    [
        # Its index cannot be made, and every row is there.
        ("pg_trgm", 3, "without the extensions pg_trgm, which are not there, and 1 statements"),
        # A column is of its type: the rows cannot come back, which is no fault of the backup.
        ("hstore", None, "public.kept had 1 row, in the copy it is not there"),
    ],
)
async def test_a_drill_without_an_extension_tells_what_needs_it(
    pipeline: Pipeline,
    target: Target,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    missing: str,
    level: int | None,
    told: str,
) -> None:
    await database.execute(
        "create extension hstore",
        "create extension pg_trgm",
        "create table kept (pairs hstore)",
        "insert into kept values ('a=>1')",
        "create index on note using gin (body gin_trgm_ops)",
    )
    backup = await sealed(pipeline, target)

    async def lacking(*_: object) -> frozenset[str]:
        return frozenset({missing})

    whole = await drilled(backup, target, SAME)
    assert (whole.level, whole.remarks) == (4, ())
    monkeypatch.setattr(drilling, "_missing_extensions", lacking)
    verdict = await drilled(whole.backup, target, SAME)
    assert verdict.level == level
    assert verdict.backup.level == 4  # as it was proven before
    said = verdict.failure.message if verdict.failure is not None else verdict.remarks[0]
    assert told in said
    if verdict.failure is not None:
        assert verdict.failure.hint == "drill_no_place"


async def nothing(_: int) -> None:
    return None


async def test_rot_is_found_at_each_level(pipeline: Pipeline, target: Target) -> None:
    backup = await sealed(pipeline, target)
    bytes_before = backup.path.read_bytes()
    clock = SystemClock()

    backup.path.write_bytes(bytes_before[:-1])
    assert not (await verify(backup, ENGINES, clock, 0)).ok

    flipped = bytearray(bytes_before)
    flipped[len(flipped) // 2] ^= 1
    backup.path.write_bytes(flipped)
    assert (await verify(backup, ENGINES, clock, 0)).level == 0
    assert not (await verify(backup, ENGINES, clock, 1)).ok

    # Cut before it was hashed: the hash is right, and only reading shows it.
    backup.path.write_bytes(bytes_before[: len(bytes_before) * 3 // 4])
    manifest = replace(
        backup.manifest,
        sha256=await digest(backup.path),
        size_bytes=backup.path.stat().st_size,
    )
    cut = replace(backup, manifest=manifest)
    assert (await verify(cut, ENGINES, clock, 1)).level == 1
    assert not (await verify(cut, ENGINES, clock, 2)).ok


async def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


# ------------------------------------------------------------------ killed


@pytest.fixture
def commanding(tmp_path: Path) -> Iterator[Any]:
    """Give ``verify`` as a process of its own."""
    started: list[subprocess.Popen[str]] = []

    def start(config: Path, *arguments: str) -> subprocess.Popen[str]:
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "DB_WATCHDOG_STATE_DIRECTORY": str(tmp_path / "state"),
            "DB_WATCHDOG_PG_BIN": str(bin_dir()),
        }
        command = [sys.executable, "-m", "watchdog", "verify", *arguments, "-c", str(config)]
        started.append(
            subprocess.Popen(
                command,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def configuration(target: Target, url: str, folder: Path, **drill: object) -> Path:
    assert target.backup is not None
    path = folder / "killed.yaml"
    backup = {"directory": str(target.backup.directory), "drill": drill}
    targets = [{"name": target.name, "url": url, "backup": backup}]
    path.write_text(json.dumps({"targets": targets}))
    return path


async def test_a_killed_drill_leaves_no_database_and_no_role_once_the_next_has_run(
    pipeline: Pipeline,
    target: Target,
    database: Database,
    cluster: Cluster,
    commanding: Any,
    tmp_path: Path,
) -> None:
    backup = await sealed(pipeline, target)
    content = backup.manifest.content
    assert content is not None
    with_content(backup, surroundings={**content.surroundings, "roles": ["drill stub"]})
    config = configuration(
        target,
        database.url("postgres"),
        tmp_path,
        server="same",
        **{"assert": ["select pg_sleep(60) is not null"]},
    )
    process = commanding(config, target.name, "--level", "4")
    asking = "select count(*) from pg_stat_activity where query like 'select pg_sleep%'"
    await asyncio.to_thread(
        wait_until, lambda: cluster.sql(asking) == "1", "the drill asks its assertion", 60.0
    )
    stub = "select count(*) from pg_roles where rolname = 'drill stub'"
    assert cluster.sql(stub) == "1"
    process.kill()
    process.wait()
    assert len(scratch_databases(cluster)) == 1
    # Its lock goes with its session, which the server may notice a little later.
    gone = "select count(*) from pg_locks where locktype = 'advisory'"
    await asyncio.to_thread(wait_until, lambda: cluster.sql(gone) == "0", "the lock is free", 60.0)
    assert (await drilled(backup, target, SAME)).level == 4
    assert scratch_databases(cluster) == []
    assert cluster.sql(stub) == "0"


async def test_a_killed_drill_takes_its_server_along_and_the_next_its_folder(
    pipeline: Pipeline, target: Target, database: Database, commanding: Any, tmp_path: Path
) -> None:
    backup = await sealed(pipeline, target)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    config = configuration(
        target,
        database.url("postgres"),
        tmp_path,
        server="local",
        directory=str(scratch),
        **{"assert": ["select pg_sleep(60) is not null"]},
    )
    process = commanding(config, target.name, "--level", "4")

    def server() -> int:
        for found in scratch.glob("*/data/postmaster.pid"):
            lines = found.read_text().splitlines()
            if len(lines) > 7 and lines[7].strip() == "ready":
                return int(lines[0])
        return 0

    pid = await asyncio.to_thread(wait_until, server, "the drill's server is ready", 60.0)
    process.send_signal(signal.SIGKILL)
    process.wait()
    await asyncio.to_thread(wait_until, lambda: not alive(pid), "its server has ended", 60.0)
    assert len(list(scratch.iterdir())) == 1
    verdict = await drilled(backup, target, replace(LOCAL, directory=scratch))
    assert verdict.level == 4
    assert list(scratch.iterdir()) == []


async def test_a_drill_that_is_cancelled_ends_its_server_and_removes_its_folder(
    pipeline: Pipeline, target: Target, tmp_path: Path
) -> None:
    backup = await sealed(pipeline, target)
    settings = replace(LOCAL, directory=tmp_path, assertions=("select pg_sleep(60) is not null",))
    before = set(tmp_path.iterdir())
    task = asyncio.ensure_future(drilled(backup, target, settings))
    await until(lambda: list(tmp_path.glob("*/data/postmaster.pid")) or task.done(), 60.0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert set(tmp_path.iterdir()) == before
    assert folder_of(target).is_dir()
    late = replace(settings, timeout=0.01)
    verdict = await drilled(backup, target, late)
    assert verdict.failure is not None
    assert verdict.failure.hint == "drill_timeout"
    assert set(tmp_path.iterdir()) == before
