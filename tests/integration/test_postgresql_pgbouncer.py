"""Behind PgBouncer in transaction mode: it works, and nothing of ours leaks to anybody."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import asyncpg
import pytest

from tests.support.pgbouncer import pgbouncer
from tests.support.postgres import Cluster
from tests.support.visits import Watched, visited
from watchdog.engines.postgresql.engine import PostgresqlEngine
from watchdog.model import Kind

MakeCluster = Callable[..., Cluster]


async def test_a_target_behind_a_pooler_is_probed_and_leaks_nothing(
    private_cluster: MakeCluster,
) -> None:
    server = private_cluster()
    with pgbouncer(server) as port:
        engine = PostgresqlEngine()
        target = server.target("shop", "watched_template", user="owner", port=port)
        app = await asyncpg.connect(
            server.url("owner", "watched_template", port=port), statement_cache_size=0
        )
        await app.execute("create table public.before (n int)")
        async with Watched(target, engine=engine) as watched:
            for _ in range(3):
                assert await visited(target, engine) is None
                assert await watched.round() is None
                # one server session is all there is: whatever we did with it, the app has it now
                await app.execute("insert into public.before values (1)")
                settings = await app.fetch(
                    "select name, source from pg_settings where source = 'session'"
                    " and name in ('statement_timeout', 'lock_timeout', 'search_path',"
                    " 'default_transaction_read_only', 'transaction_read_only')"
                )
                assert settings == []
            assert watched.answers["server_info"].facts["version"]
            assert watched.absent == {}
        await app.close()
        assert f"127.0.0.1:{port}" in engine.poolers


async def test_questions_are_bounded_there_too(private_cluster: MakeCluster) -> None:
    server = private_cluster()
    with pgbouncer(server) as port:
        target = server.target("shop", "watched_template", user="owner", port=port)
        async with PostgresqlEngine().visit(target) as session:
            assert session.pooler  # type: ignore[attr-defined]
            fetch = session.fetch  # type: ignore[attr-defined]
            with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
                await fetch("create table public.ours ()")
            with pytest.raises(asyncpg.QueryCanceledError):
                await fetch("select pg_sleep(20)")
            assert (await fetch("select 1"))[0][0] == 1
            idle = await server.execute(
                "select count(*) from pg_stat_activity where state like 'idle in transaction%'"
            )
            assert idle[0][0] == 0


async def test_a_pooler_that_swallows_our_settings_is_found_out(
    private_cluster: MakeCluster,
) -> None:
    server = private_cluster()
    swallowed = (
        "statement_timeout,lock_timeout,idle_in_transaction_session_timeout,"
        "default_transaction_read_only,search_path,jit,max_parallel_workers_per_gather"
    )
    with pgbouncer(server, ignore_startup_parameters=swallowed) as port:
        target = server.target("shop", "watched_template", user="owner", port=port)
        async with PostgresqlEngine().visit(target) as session:
            assert session.pooler  # type: ignore[attr-defined]
            with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
                await session.fetch("create table public.ours ()")  # type: ignore[attr-defined]


async def test_what_a_pooler_says_no_to(private_cluster: MakeCluster) -> None:
    server = private_cluster()
    with pgbouncer(server) as port:
        wrong = await visited(server.target("shop", password="wrong-S3cret", port=port))
        assert wrong is not None
        assert wrong.kind in (Kind.AUTH, Kind.POOLER)
        missing = await visited(server.target("shop", "absent", port=port))
        assert missing is not None
        assert missing.kind in (Kind.AUTH, Kind.POOLER)
        server.stop("immediate")
        down = await visited(server.target("shop", port=port), PostgresqlEngine())
        assert down is not None


async def test_two_targets_behind_one_pooler_at_once(private_cluster: MakeCluster) -> None:
    server = private_cluster()
    with pgbouncer(server, default_pool_size=2) as port:
        engine = PostgresqlEngine()
        targets = [
            server.target(f"t{n}", "watched_template", user="owner", port=port) for n in range(4)
        ]
        failures = await asyncio.gather(*(visited(target, engine) for target in targets))
        assert failures == [None] * 4
