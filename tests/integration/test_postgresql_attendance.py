"""The one session on a server: where it is held, what it says, whom it is in the way of."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from types import MappingProxyType

import asyncpg
import pytest

from tests.support.postgres import Cluster, Database, with_probe
from tests.support.proxy import Proxy
from tests.support.visits import ENGINE, Watched, visited
from watchdog.model import Kind, Phase, SessionMode

MakeCluster = Callable[..., Cluster]

OURS = "select datname, usename from pg_stat_activity where application_name = 'db-watchdog'"


async def test_one_session_in_postgres_serves_all_targets(
    private_cluster: MakeCluster,
) -> None:
    server = private_cluster()
    targets = [server.create_database().target() for _ in range(3)]
    async with Watched(*targets) as watched:
        for _ in range(3):
            assert await watched.round() is None
        assert [tuple(row) for row in await server.execute(OURS)] == [("postgres", "watchdog")]
        assert watched.absent == {}
        sizes = {s.labels[0] for s in watched.answers["database_size"].samples}
        assert sizes == {target.url.database for target in targets}  # type: ignore[union-attr]
        facts = watched.attendance.facts()
        assert facts["role"] == "primary"
        assert (
            facts["version"].split(".")[0] == str(server.sql("show server_version")).split(".")[0]
        )
        assert len(facts["system_identifier"]) > 10
    assert await server.execute(OURS) == []


async def test_a_watched_database_is_dropped_renamed_copied_and_made_anew(
    database: Database,
) -> None:
    cluster, target = database.cluster, database.target()
    async with Watched(target) as watched:
        assert await watched.round() is None
        assert await visited(target) is None
        await cluster.execute(f"create database copied template {database.name}")
        await cluster.execute(f"alter database {database.name} rename to renamed")
        await watched.round()
        gone = watched.absent[target.name]
        assert (gone.kind, gone.phase, gone.code, gone.hint) == (
            Kind.AUTH,
            Phase.AUTHENTICATE,
            "3D000",
            "database_missing",
        )
        await cluster.execute("drop database renamed")  # a plain one
        failure = await visited(target)
        assert failure is not None
        assert failure.same_as(gone)
        await cluster.execute(f"create database {database.name}")
        assert await watched.round() is None
        assert watched.absent == {}
        assert await visited(target) is None
        await cluster.execute("drop database copied")


async def test_a_plain_drop_gets_through_however_often_we_visit(database: Database) -> None:
    target = database.target()

    async def keep_visiting() -> int:
        visits = 0
        while await visited(target) is None:
            visits += 1
            await asyncio.sleep(0.05)
        return visits

    visiting = asyncio.ensure_future(keep_visiting())
    await asyncio.sleep(0.2)
    await database.cluster.execute(f"drop database {database.name}")
    assert await asyncio.wait_for(visiting, 5) > 0


async def test_a_closed_and_a_half_dropped_database_are_absent(database: Database) -> None:
    target = database.target()
    async with Watched(target) as watched:
        await database.cluster.execute(f"alter database {database.name} allow_connections false")
        assert await watched.round() is None
        failure = watched.absent[target.name]
        assert (failure.code, failure.hint) == ("55000", "database_not_accepting")
        assert failure.same_as(await visited(target))
        await database.cluster.execute(
            f"update pg_database set datallowconn = true, datconnlimit = -2"
            f" where datname = '{database.name}'"
        )
        assert await watched.round() is None
        assert "interrupted" in watched.absent[target.name].message
        await database.cluster.execute(
            f"update pg_database set datconnlimit = -1 where datname = '{database.name}'"
        )


async def test_without_connect_on_postgres_nothing_is_kept(private_cluster: MakeCluster) -> None:
    server = private_cluster()
    server.sql("revoke connect on database postgres from public")
    database = server.create_database()
    async with Watched(database.target()) as watched:
        assert await watched.round() is None
        assert watched.attendance.lasting is False
        await watched.attendance.close()  # what the round then does
        await server.execute(f"drop database {database.name}")
    server.sql("grant connect on database postgres to public")


async def test_a_login_that_fails_leaves_the_session_to_another_target(
    private_cluster: MakeCluster,
) -> None:
    server = private_cluster()
    wrong = server.target("wrong", "watched_template", password="no-S3cret")
    plain = server.target("plain", "watched_template", user="plain")
    async with Watched(wrong, plain) as watched:
        assert await watched.round() is None
        assert (await server.execute(OURS))[0]["usename"] == "plain"
    async with Watched(wrong) as watched:
        failure = await watched.round()
        assert failure is not None
        assert (failure.kind, failure.code) == (Kind.AUTH, "28P01")


async def test_a_target_that_wants_no_held_session_does_not_lend_its_login(
    private_cluster: MakeCluster,
) -> None:
    server = private_cluster()
    guest = with_probe(
        server.target("guest", "watched_template", user="plain"), session=SessionMode.PER_ROUND
    )
    async with Watched(guest, server.target("host", "watched_template")) as watched:
        assert await watched.round() is None
        assert (await server.execute(OURS))[0]["usename"] == "watchdog"
        assert watched.attendance.lasting
    async with Watched(guest) as watched:
        assert await watched.round() is None
        assert not watched.attendance.lasting


async def test_a_role_without_pg_monitor_is_blind_and_says_so(private_cluster: MakeCluster) -> None:
    server = private_cluster()
    server.create_role("Odd role", "odd-S3cret")
    other = await server.connect("watched_template", "owner")
    target = server.target("shop", "watched_template", user="Odd role", password="odd-S3cret")
    async with Watched(target) as watched:
        assert await watched.round() is None
        answer = watched.answers["privileges"]
        assert [sample.value for sample in answer.samples] == [0]
        trouble = answer.troubles[0]
        assert (trouble.kind, trouble.hint) == (Kind.PRIVILEGE, "blind_role")
        assert trouble.facts["grant"] == 'GRANT pg_monitor TO "Odd role";'
        connections = watched.answers["connections"]
        values = {(s.metric.name, s.labels): s.value for s in connections.samples}
        assert values["watchdog_postgresql_connections_used", ()] >= 2  # still counted
        assert values["watchdog_postgresql_connections", ("hidden",)] >= 1
        assert ("watchdog_postgresql_connections", ("idle",)) not in values  # unknown is no 0
        server.sql('grant pg_monitor to "Odd role"')
        assert await watched.round() is None
        assert watched.answers["privileges"].troubles == ()
    await other.close()


async def test_who_holds_the_connections_is_bounded(private_cluster: MakeCluster) -> None:
    server = private_cluster(max_connections=60)
    crowd = [
        await asyncpg.connect(
            host=str(server.folder),
            port=server.port,
            user="owner",
            database="watched_template",
            server_settings={"application_name": f"client-{number}"},
        )
        for number in range(15)
    ]
    async with Watched(server.target("shop", "watched_template")) as watched:
        assert await watched.round() is None
        samples = [
            sample
            for sample in watched.answers["connections"].samples
            if sample.metric.name == "watchdog_postgresql_client_connections"
        ]
        assert len(samples) == 11
        assert sum(sample.value for sample in samples) == 16
        assert [sample.value for sample in samples if sample.labels[0] == "other"] == [6]
    for client in crowd:
        await client.close()


async def test_the_reserved_connections_are_not_ours(private_cluster: MakeCluster) -> None:
    server = private_cluster(max_connections=20, superuser_reserved_connections=4)
    reserved = 4
    if int(server.sql("show server_version_num")) >= 160000:
        server.settings["reserved_connections"] = 3
        server.restart()
        reserved = 7
    async with Watched(server.target("shop", "watched_template")) as watched:
        assert await watched.round() is None
        values = {s.metric.name: s.value for s in watched.answers["connections"].samples}
        assert values["watchdog_postgresql_connections_limit"] == 20
        assert values["watchdog_postgresql_connections_reserved"] == reserved


async def test_a_database_size_that_may_not_be_asked_is_absent(database: Database) -> None:
    await database.cluster.execute(f"revoke connect on database {database.name} from public")
    async with Watched(replace(database.target(user="plain"), name="blind")) as watched:
        assert await watched.round() is None
        assert watched.answers["database_size"].samples == ()
    async with Watched(database.target()) as watched:  # pg_monitor may
        assert await watched.round() is None
        assert watched.answers["database_size"].samples[0].value > 1_000_000


async def test_our_sessions_can_write_nothing_and_wait_for_nobody(database: Database) -> None:
    owner = await database.cluster.connect(database.name, "owner")
    await owner.execute("begin; lock table account in access exclusive mode")
    target = with_probe(database.target(user="owner"), timeout=2.0)
    assert await visited(target) is None  # a locked table is in nobody's way
    async with ENGINE.visit(target) as session:
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await session.fetch("create table public.ours ()")  # type: ignore[attr-defined]
        with pytest.raises(asyncpg.LockNotAvailableError):
            await session.fetch("select * from public.account")  # type: ignore[attr-defined]
        with pytest.raises(asyncpg.QueryCanceledError):
            await session.fetch("select pg_sleep(20)")  # type: ignore[attr-defined]
        assert await session.fetchval("select 1") == 1  # type: ignore[attr-defined]
    await owner.execute("rollback")
    await owner.close()


async def test_a_server_never_sees_more_than_two_of_us(cluster: Cluster, proxy: Proxy) -> None:
    target = with_probe(cluster.target("shop", port=proxy.port), timeout=5.0)
    async with Watched(target) as watched:
        for _ in range(5):
            assert await watched.round() is None
            assert await visited(target) is None
        await proxy.drop()
        for _ in range(3):
            await watched.round(0.1)
            await asyncio.sleep(0.02)  # the proxy hears of the end one turn of the loop later
            await visited(target, seconds=0.1)
            await asyncio.sleep(0.02)
        await proxy.pass_()
        assert await watched.round(2) is None
        assert proxy.highest <= 3  # the driver's short request to cancel is the third
    await asyncio.sleep(0.05)
    assert proxy.open == 0


async def test_a_slow_server_is_not_a_dead_one(cluster: Cluster, proxy: Proxy) -> None:
    target = with_probe(cluster.target("shop", port=proxy.port), timeout=2.0)
    async with Watched(target) as watched:
        assert await watched.round() is None
        await proxy.delay(0.13)  # 0.26 s a question: all of them would take longer than the round
        assert await watched.round() is None
        assert "privileges" in watched.answers
        assert "settings" not in watched.answers  # for want of time: no failure, and still due
        assert watched.losses == 0
        await proxy.pass_()
        assert await watched.round() is None
        assert "settings" in watched.answers


async def test_the_role_of_a_standby_is_told(private_cluster: MakeCluster) -> None:
    server = private_cluster()
    server.stop()
    (server.data / "standby.signal").touch()
    server.start()
    standby = server.target("shop", "watched_template")
    async with Watched(standby) as watched:
        assert await watched.round() is None
        assert watched.attendance.facts()["role"] == "standby"
        assert await visited(standby) is None
        server.sql("select pg_promote()")
        assert await watched.round() is None
        assert watched.attendance.facts()["role"] == "primary"


@pytest.mark.parametrize(
    ("wanted", "reached"),
    [
        ("any", "standby"),
        ("primary", "primary"),
        ("read-write", "primary"),
        ("standby", "standby"),
        ("prefer-standby", "standby"),
    ],
)
async def test_the_host_that_the_url_asks_for(
    private_cluster: MakeCluster, cluster: Cluster, wanted: str, reached: str
) -> None:
    server = private_cluster()
    server.stop()
    (server.data / "standby.signal").touch()
    server.start()
    parameters = MappingProxyType({"target_session_attrs": wanted})
    hosts = ((server.host, server.port), (cluster.host, cluster.port))
    target = cluster.target("shop")
    target = replace(target, url=replace(target.url, hosts=hosts, parameters=parameters))
    async with ENGINE.visit(target) as session:
        recovering = await session.fetchval("select pg_is_in_recovery()")  # type: ignore[attr-defined]
    assert ("standby" if recovering else "primary") == reached


async def test_no_host_has_the_role_that_is_asked_for(cluster: Cluster) -> None:
    failure = await visited(cluster.target("shop", target_session_attrs="standby"))
    assert failure is not None
    assert failure.kind is Kind.STATE
    assert "standby" in failure.message
