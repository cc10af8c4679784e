"""Restoring over a PostgreSQL database: the old one is kept aside, the new one is like it."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from tests.support.pgbouncer import pgbouncer
from tests.support.postgres import PASSWORDS, TEMPLATE, Cluster, Database, bin_dir
from watchdog.database_url import PostgresqlUrl
from watchdog.engines.postgresql import clients, swap
from watchdog.engines.postgresql.backups import BACKUPS
from watchdog.model import ActionFailed, Failure
from watchdog.restoration import Restored, RestoreOptions, Step

REPLACE = RestoreOptions(replace=True)


@pytest.fixture(autouse=True)
def tools(monkeypatch: pytest.MonkeyPatch, postgres_binaries: None) -> None:
    monkeypatch.setenv(clients.VARIABLE, str(bin_dir()))


@pytest.fixture(scope="module")
def older() -> Iterator[Cluster]:
    """Give a server of PostgreSQL 15, which has ICU; skips where it is not installed."""
    binaries = Path("/usr/lib/postgresql/15/bin")
    if not (binaries / "initdb").exists():
        pytest.skip("the server of PostgreSQL 15 is not installed (Debian: postgresql-15)")
    with Cluster(binaries=binaries) as cluster:
        yield cluster


def dump(cluster: Cluster, database: str, into: Path, *options: str) -> Path:
    command = [cluster.binaries / "pg_dump", "-Fc", "-f", into, *options]
    command += ["-h", cluster.folder, "-p", str(cluster.port), "-U", "postgres"]
    command += [f"--dbname=dbname='{escaped(database)}'"]
    subprocess.run([str(word) for word in command], check=True)
    return into


def escaped(name: str) -> str:
    return name.replace("\\", "\\\\").replace("'", "\\'")


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@pytest.fixture
def archive(database: Database, tmp_path: Path) -> Path:
    """Give a dump of the template's hundred accounts, of which the database loses half after."""
    path = dump(database.cluster, database.name, tmp_path / "app.dump")
    database.cluster.sql(
        "delete from account where id > 50 and id not in (select account_id from note)",
        database.name,
    )
    return path


@pytest.fixture
def to(database: Database) -> Iterator[PostgresqlUrl]:
    """Give the superuser's URL of the database, and drop whatever comes to stand beside it."""
    yield database.cluster.database_url("postgres", database.name)
    for name in beside(database.cluster, database.name):
        database.cluster.drop_database(name)


def beside(cluster: Cluster, name: str) -> list[str]:
    rows = cluster.sql(
        f"select datname from pg_database where datname like '{name}\\_before%'"
        f" or datname like '{name}.db-watchdog%' order by 1"
    )
    return rows.split("\n") if rows else []


def quiet(_: int) -> None:
    pass


async def restored(archive: Path, to: PostgresqlUrl, options: RestoreOptions = REPLACE) -> Restored:
    return await BACKUPS.bring_back(archive, to, options, quiet)


async def refused(archive: Path, to: PostgresqlUrl, options: RestoreOptions = REPLACE) -> Failure:
    with pytest.raises(ActionFailed) as caught:
        await restored(archive, to, options)
    return caught.value.failure


def accounts(cluster: Cluster, database: str) -> int:
    return int(cluster.sql("select count(*) from account", database))


async def test_the_old_database_is_kept_aside_and_there_is_a_way_back(
    archive: Path, database: Database, to: PostgresqlUrl
) -> None:
    cluster = database.cluster
    done = await restored(archive, to)
    assert done.notes == ()
    assert accounts(cluster, database.name) == 100
    assert beside(cluster, database.name) == [done.kept_aside]
    assert accounts(cluster, done.kept_aside) == 50
    (command,) = done.way_back
    subprocess.run(
        ["sh", "-c", command],
        check=True,
        env={"PATH": f"{cluster.binaries}:/usr/bin:/bin", "PGPASSWORD": PASSWORDS["postgres"]},
    )
    assert accounts(cluster, database.name) == 50
    (gone,) = cluster.sql(
        f"select datname from pg_database where datname like '{database.name}\\_restored%'"
    ).split("\n")
    cluster.drop_database(gone)


# ------------------------------------------------------------------ what no dump holds


async def test_what_no_dump_holds_is_carried_over(
    cluster: Cluster, tmp_path: Path, names: list[str]
) -> None:
    name = "Все 'свои' \"2\""
    names.append(name)
    it = quoted(name)
    for role in ("guest", "дежурный"):
        cluster.create_role(role)
    try:
        cluster.sql(
            f"create database {it} template template0 owner owner encoding 'UTF8'"
            " locale_provider builtin builtin_locale 'C.UTF-8' lc_collate 'C' lc_ctype 'POSIX'"
        )
        cluster.sql("create table t as select n from generate_series(1, 10) n", name)
        path = dump(cluster, name, tmp_path / "app.dump")
        cluster.sql(
            f"revoke all on database {it} from public; grant connect on database {it} to guest;"
            f" grant connect, create on database {it} to watchdog with grant option;"
            f" set role watchdog; grant connect on database {it} to plain; reset role;"
            f" alter database {it} connection limit 7;"
            f' alter database {it} set search_path to "$user", public, \'a, "b\';'
            f" alter database {it} set work_mem = '5MB';"
            f" alter database {it} set app.motto = 'it''s \\\\ = fine';"
            f" alter role \"дежурный\" in database {it} set statement_timeout = '7s';"
            f" comment on database {it} is 'наша \\ ''база''';"
        )
        cluster.sql("delete from t", name)
        before = described(cluster, name)
        done = await restored(path, cluster.database_url("postgres", name))
        assert done.notes == ()
        names.append(done.kept_aside)
        assert cluster.sql("select count(*) from t", name) == "10"
        assert described(cluster, name) == before
        assert described(cluster, done.kept_aside) == before
        assert before["datconnlimit"] == "7"
        assert before["datlocprovider"] == "b"
    finally:
        for each in names:
            cluster.drop_database(each.replace('"', '""'))
        names.clear()
        cluster.sql('drop role guest; drop role "дежурный"')


@pytest.fixture
def names(cluster: Cluster) -> Iterator[list[str]]:
    """Take the names of databases that are dropped after the test."""
    made: list[str] = []
    yield made
    for name in made:
        cluster.drop_database(name.replace('"', '""'))


def described(cluster: Cluster, name: str) -> dict[str, str]:
    """Return what is known of a database beside its content and its name."""
    literal = name.replace("'", "''")
    rows = cluster.sql(
        "select key || '=' || coalesce(value, '') from pg_database d,"
        " jsonb_each_text(to_jsonb(d) - array['oid', 'datname', 'datfrozenxid', 'datminmxid',"
        f" 'datacl']) where datname = '{literal}'"
        " union all select 'comment=' || coalesce(shobj_description(oid, 'pg_database'), '')"
        f" from pg_database where datname = '{literal}'"
        " union all select 'acl=' || string_agg(a::text, ' ' order by a::text)"
        f" from pg_database, unnest(datacl) a where datname = '{literal}'"
        " union all select 'settings=' || string_agg(setrole::text || ':' || setconfig::text, ' '"
        " order by setrole) from pg_db_role_setting where setdatabase ="
        f" (select oid from pg_database where datname = '{literal}')"
    )
    return dict(row.split("=", 1) for row in rows.split("\n"))


@pytest.mark.lab
async def test_a_locale_of_icu_is_carried_over_on_an_older_server(
    older: Cluster, tmp_path: Path
) -> None:
    cluster = older
    cluster.sql(
        "create database app template template0 encoding 'UTF8' locale_provider icu"
        " icu_locale 'de-DE' lc_collate 'C' lc_ctype 'C'"
    )
    cluster.sql("create table t as select 1 n", "app")
    path = dump(cluster, "app", tmp_path / "app.dump")
    before = described(cluster, "app")
    await restored(path, cluster.database_url("postgres", "app"))
    assert described(cluster, "app") == before
    assert before["daticulocale"] == "de-DE"


async def test_large_objects_sequences_and_identities_go_on_where_they_were(
    database: Database, to: PostgresqlUrl, tmp_path: Path
) -> None:
    cluster = database.cluster
    cluster.sql(
        "select lo_from_bytea(4711, 'Привет'::bytea); create sequence s start 5;"
        " select nextval('s'), nextval('s'); insert into account (name) values ('last')",
        database.name,
    )
    path = dump(cluster, database.name, tmp_path / "app.dump")
    cluster.sql("select lo_unlink(4711); drop sequence s; delete from note", database.name)
    await restored(path, to)
    assert cluster.sql("select convert_from(lo_get(4711), 'UTF8')", database.name) == "Привет"
    assert cluster.sql("select nextval('s')", database.name) == "7"
    (row,) = await database.execute("insert into account (name) values ('next') returning id")
    assert row[0] == 102


async def test_several_jobs_bring_the_same(archive: Path, database: Database) -> None:
    cluster = database.cluster
    to = cluster.database_url("postgres", "by_jobs")
    try:
        await restored(archive, to, RestoreOptions(jobs=3))
        assert accounts(cluster, "by_jobs") == 100
        assert beside(cluster, "by_jobs") == []
    finally:
        cluster.drop_database("by_jobs")


async def test_several_jobs_fill_an_empty_database_and_leave_nothing_aside(
    archive: Path, database: Database
) -> None:
    cluster = database.cluster
    cluster.sql("create database by_jobs owner owner")
    try:
        to = cluster.database_url("postgres", "by_jobs")
        done = await restored(archive, to, RestoreOptions(jobs=2))
        assert accounts(cluster, "by_jobs") == 100
        assert (done.kept_aside, beside(cluster, "by_jobs")) == ("", [])
        assert described(cluster, "by_jobs")["datdba"] == cluster.sql(
            "select 'owner'::regrole::oid"
        )
    finally:
        cluster.drop_database("by_jobs")


async def test_steps_and_progress_are_told(archive: Path, to: PostgresqlUrl) -> None:
    steps: list[Step] = []
    options = RestoreOptions(replace=True, step=steps.append)
    read: list[int] = []
    await BACKUPS.bring_back(archive, to, options, read.append)
    assert steps == [Step.DATA, Step.STATISTICS, Step.SWAP]
    assert read == sorted(read)


async def test_a_plan_says_what_would_be_done_and_does_nothing(
    archive: Path, database: Database, to: PostgresqlUrl
) -> None:
    plan = await BACKUPS.plan_restore(archive, to, REPLACE)
    assert plan.name == database.name
    assert plan.kept_aside.startswith(f"{database.name}_before_")
    assert plan.needed_bytes is not None
    size = int(database.cluster.sql(f"select pg_database_size('{database.name}')"))
    assert plan.needed_bytes >= size
    assert plan.free_bytes is not None  # the server is on this machine, and ours to look into
    assert beside(database.cluster, database.name) == []
    assert accounts(database.cluster, database.name) == 50


async def test_a_restore_takes_no_more_disk_than_was_said(
    database: Database, to: PostgresqlUrl, tmp_path: Path
) -> None:
    cluster = database.cluster
    cluster.sql(
        "create table wide as select n, md5(n::text) from generate_series(1, 20000) n;"
        " create index on wide (n); create index on wide (md5)",
        database.name,
    )
    path = dump(cluster, database.name, tmp_path / "app.dump")
    plan = await BACKUPS.plan_restore(path, to, REPLACE)
    await restored(path, to)
    assert plan.needed_bytes is not None
    assert int(cluster.sql(f"select pg_database_size('{database.name}')")) <= plan.needed_bytes


# ------------------------------------------------------------------ who stands in the way


async def test_who_is_in_the_database_is_named_and_left_alone(
    archive: Path, database: Database, to: PostgresqlUrl
) -> None:
    session = await database.cluster.connect(database.name, "owner")
    try:
        await session.execute("set application_name = 'the shop'")
        failure = await refused(archive, to)
        assert "the shop, role owner" in failure.message
        assert str(session.get_server_pid()) in failure.message
        assert "--end-sessions" in failure.message
        assert await session.fetchval("select count(*) from account") == 50
        assert beside(database.cluster, database.name) == []
    finally:
        await session.close()


async def test_sessions_are_ended_when_told_to(
    archive: Path, database: Database, to: PostgresqlUrl
) -> None:
    session = await database.cluster.connect(database.name, "owner")
    done = await restored(archive, to, RestoreOptions(replace=True, end_sessions=True))
    assert done.kept_aside
    assert accounts(database.cluster, database.name) == 100
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await session.fetchval("select 1")
    session.terminate()


async def test_applications_that_come_back_at_once_do_not_stop_the_swap(
    archive: Path, database: Database, to: PostgresqlUrl
) -> None:
    cluster = database.cluster
    psql = shlex.join(
        [
            *(str(cluster.binaries / "psql"), "-XAtq", "-h", str(cluster.folder)),
            *("-p", str(cluster.port), "-U", "owner", "-d", database.name),
            *("-c", "select pg_sleep(10)"),
        ]
    )
    loop = ["/bin/sh", "-c", f"while :; do {psql}; done"]
    pool = [
        subprocess.Popen(
            loop, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for _ in range(3)
    ]
    try:
        await restored(archive, to, RestoreOptions(replace=True, end_sessions=True))
    finally:
        for application in pool:
            os.killpg(application.pid, signal.SIGKILL)
            application.wait(10)
    assert accounts(database.cluster, database.name) == 100


async def test_prepared_transactions_are_named(archive: Path, private_cluster) -> None:
    cluster = private_cluster(max_prepared_transactions=2)
    cluster.create_database("held")
    cluster.sql(
        "begin; insert into account (name) values ('x'); prepare transaction 'tx 1'", "held"
    )
    failure = await refused(archive, cluster.database_url("postgres", "held"))
    assert "'tx 1'" in failure.message


async def test_another_restore_into_the_same_database_is_refused(
    archive: Path, to: PostgresqlUrl
) -> None:
    async with swap.alone(to, None):
        assert "another restore" in (await refused(archive, to)).message


# ------------------------------------------------------------------ refusals


@pytest.mark.parametrize("name", ["postgres", "template1", TEMPLATE])
async def test_databases_of_the_server_itself_are_refused(
    archive: Path, cluster: Cluster, name: str
) -> None:
    failure = await refused(archive, cluster.database_url("postgres", name))
    assert "give" in failure.message


@pytest.mark.lab
async def test_a_server_that_is_older_than_the_backup_is_refused(
    archive: Path, older: Cluster
) -> None:
    failure = await refused(archive, older.database_url("postgres", "fresh"))
    assert "from PostgreSQL 17" in failure.message
    assert older.sql("select count(*) from pg_database where datname = 'fresh'") == "0"


async def test_a_pooler_is_refused(archive: Path, database: Database) -> None:
    with pgbouncer(database.cluster) as port:
        to = database.cluster.database_url("postgres", database.name, port=port)
        failure = await refused(archive, to)
    assert "backup.url" in failure.message


async def test_who_may_not_replace_it_is_told_what_lacks(archive: Path, database: Database) -> None:
    to = database.cluster.database_url("watchdog", database.name)
    failure = await refused(archive, to)
    assert "CREATEDB" in failure.message
    assert failure.code == "42501"


async def test_an_owner_with_createdb_replaces_its_own(archive: Path, cluster: Cluster) -> None:
    cluster.sql("alter role owner createdb; create database owned owner owner")
    try:
        cluster.sql("create table old as select 1", "owned", "owner")
        done = await restored(archive, cluster.database_url("owner", "owned"))
        assert accounts(cluster, "owned") == 100
        cluster.drop_database(done.kept_aside)
    finally:
        cluster.sql("alter role owner nocreatedb")
        cluster.drop_database("owned")


async def test_what_fails_leaves_everything_as_it_was(
    archive: Path, database: Database, to: PostgresqlUrl
) -> None:
    archive.write_bytes(archive.read_bytes()[:-2000])
    await refused(archive, to)
    assert accounts(database.cluster, database.name) == 50
    assert beside(database.cluster, database.name) == []


async def test_what_a_killed_restore_left_is_dropped(
    archive: Path, database: Database, to: PostgresqlUrl
) -> None:
    database.cluster.sql(f'create database "{swap.unfinished_name(database.name)}"')
    done = await restored(archive, to)
    assert beside(database.cluster, database.name) == [done.kept_aside]


# ------------------------------------------------------------------ some of the tables


RICH = """
create schema shop;
create type shop.mood as enum ('ok', 'bad');
create function shop.plus(int) returns int language sql immutable as 'select $1 + 1';
create table shop.users (id serial primary key, name text unique, mood shop.mood default 'ok');
create index users_plus on shop.users (shop.plus(id));
create table orders (id bigint generated always as identity primary key,
                     owner int references shop.users (id), total int check (shop.plus(total) > 0));
create function stamp() returns trigger language plpgsql as 'begin return new; end';
create trigger stamped before insert on orders for each row execute function stamp();
alter table orders enable row level security;
create policy own on orders using (true);
comment on table orders is 'what was bought';
grant select on orders to watchdog;
create table parts (id int, day date, primary key (id, day)) partition by range (day);
create table parts_20 partition of parts for values from ('2020-01-01') to ('2021-01-01');
create table "we ird; name" (a int);
create view bought as select o.id from orders o join shop.users u on u.id = o.owner;
insert into shop.users (name) values ('a'), ('b');
insert into orders (owner, total) values (1, 10), (2, 20);
insert into parts values (1, '2020-05-05');
insert into "we ird; name" values (7);
"""


@pytest.fixture(scope="module")
def rich(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Path:
    cluster.sql("create database rich template template0")
    cluster.sql(RICH, "rich")
    path = dump(cluster, "rich", tmp_path_factory.mktemp("rich") / "rich.dump")
    cluster.drop_database("rich")
    return path


@pytest.fixture
def some(cluster: Cluster) -> Iterator[PostgresqlUrl]:
    yield cluster.database_url("postgres", "some")
    cluster.drop_database("some")


def relations(cluster: Cluster) -> set[str]:
    found = cluster.sql(
        "select relname from pg_class where relkind in ('r', 'p', 'v', 'S')"
        " and relnamespace::regnamespace::text in ('public', 'shop')",
        "some",
    )
    return set(found.split("\n"))


async def test_tables_come_with_what_hangs_on_them_and_what_they_need(
    rich: Path, cluster: Cluster, some: PostgresqlUrl
) -> None:
    done = await restored(rich, some, RestoreOptions(tables=("orders", "shop.users")))
    assert done.notes == ()
    assert relations(cluster) == {"orders", "orders_id_seq", "users", "users_id_seq"}
    cluster.sql("insert into orders (owner, total) values (1, 1)", "some")
    assert cluster.sql("select max(id), count(*) from orders", "some") == "3|3"
    for what, count in (
        ("pg_constraint where conrelid = 'orders'::regclass and contype in ('p', 'f', 'c')", "3"),
        ("pg_index where indrelid = 'shop.users'::regclass", "3"),
        ("pg_trigger where tgrelid = 'orders'::regclass and not tgisinternal", "1"),
        ("pg_policy where polrelid = 'orders'::regclass", "1"),
        ("information_schema.role_table_grants where grantee = 'watchdog'", "1"),
    ):
        assert cluster.sql(f"select count(*) from {what}", "some") == count, what
    assert cluster.sql("select obj_description('orders'::regclass)", "some") == "what was bought"


async def test_a_foreign_key_to_a_table_that_stays_away_is_left_out_and_told(
    rich: Path, cluster: Cluster, some: PostgresqlUrl
) -> None:
    done = await restored(rich, some, RestoreOptions(tables=("orders",), jobs=2))
    assert "orders_owner_fkey" in done.notes[0]
    assert relations(cluster) == {"orders", "orders_id_seq"}
    assert cluster.sql("select count(*) from orders", "some") == "2"


async def test_a_partitioned_table_comes_with_its_partitions(
    rich: Path, cluster: Cluster, some: PostgresqlUrl
) -> None:
    await restored(rich, some, RestoreOptions(tables=("parts", "we ird; name")))
    assert cluster.sql("select count(*) from parts", "some") == "1"
    assert cluster.sql('select a from "we ird; name"', "some") == "7"
    assert relations(cluster) == {"parts", "parts_20", "we ird; name"}


async def test_a_table_that_is_not_in_the_backup_is_named(rich: Path, some: PostgresqlUrl) -> None:
    for name in ("nope", "we", "shop.orders"):
        with pytest.raises(ActionFailed, match=f"no table {name}; it has .*shop.users"):
            await BACKUPS.plan_restore(rich, some, RestoreOptions(tables=(name,)))
    # What the list shows may be given as it is shown.
    with pytest.raises(ActionFailed, match=r'it has .*public\."we ird; name"'):
        await BACKUPS.plan_restore(rich, some, RestoreOptions(tables=("no\x1bpe",)))
    plan = await BACKUPS.plan_restore(rich, some, RestoreOptions(tables=('public."we ird; name"',)))
    assert any("we ird; name" in line for line in plan.lines)


async def test_a_new_database_is_like_the_one_that_was_dumped(
    cluster: Cluster, tmp_path: Path, names: list[str]
) -> None:
    name, copy = "O'dd \"x;y", "Копия; 'новая'"
    names += [name, copy]
    it = quoted(name)
    cluster.sql(
        f"create database {it} template template0 encoding 'LATIN1' lc_collate 'C' lc_ctype 'C'"
    )
    cluster.sql("create table t as select 1 n", name)
    cluster.sql(
        f"alter database {it} owner to owner; alter database {it} connection limit 9;"
        f" alter database {it} set search_path to a, 'b;c'; comment on database {it} is 'he;y';"
        f" alter database {it} set app.x = E'it''s; \\\\ y\\nz';"
        f" alter role plain in database {it} set work_mem = '5MB';"
        f" revoke connect on database {it} from public; grant connect on database {it} to watchdog"
    )
    path = dump(cluster, name, tmp_path / "app.dump")
    to = cluster.database_url("postgres", copy)
    for options in (RestoreOptions(), RestoreOptions(jobs=2)):
        done = await restored(path, to, options)
        assert done.notes == ()
        assert described(cluster, copy) == described(cluster, name)
        assert described(cluster, copy)["comment"] == "he;y"
        cluster.drop_database(copy)


@pytest.mark.lab
async def test_a_locale_that_the_server_lacks_is_told(
    older: Cluster, cluster: Cluster, tmp_path: Path
) -> None:
    older.sql(
        "create database other template template0 encoding 'UTF8' locale_provider icu"
        " icu_locale 'de-DE' lc_collate 'C' lc_ctype 'C'"
    )
    older.sql("create table t as select 1 n", "other")
    path = dump(older, "other", tmp_path / "app.dump")
    try:
        done = await restored(path, cluster.database_url("postgres", "elsewhere"), RestoreOptions())
        assert "ICU is not supported" in done.notes[0]
        assert cluster.sql("select n from t", "elsewhere") == "1"
    finally:
        cluster.drop_database("elsewhere")
