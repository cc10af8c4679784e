"""The tools that all tests on PostgreSQL stand on do what they say."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import asyncpg
import pytest

from tests.support.freeze import frozen_cluster, tcp_sockets
from tests.support.postgres import Cluster, Database
from tests.support.proxy import Proxy


async def test_the_shared_server_asks_for_a_password(cluster: Cluster) -> None:
    connection = await asyncpg.connect(cluster.url("watchdog"))
    assert await connection.fetchval("select current_user") == "watchdog"
    await connection.close()
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(cluster.url("watchdog", password="wrong"))


async def test_a_database_is_a_clone_of_the_template(database: Database) -> None:
    assert (await database.execute("select count(*) from account"))[0][0] == 100


async def test_a_private_server_is_stopped_killed_crashed_and_started_again(
    private_cluster: Callable[..., Cluster],
) -> None:
    server = private_cluster(max_connections=8)
    assert (await server.execute("show max_connections"))[0][0] == "8"
    server.restart("immediate")
    server.kill()
    assert not server.running
    with pytest.raises(OSError, match="Connect call failed"):
        await asyncpg.connect(server.url())
    server.start()
    before = server.pid
    server.crash()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            await server.execute("select 1")
            break
        except (OSError, asyncpg.PostgresError):
            await asyncio.sleep(0.02)
    assert server.pid == before
    assert "terminated by signal 9" in server.log_text()


async def test_a_frozen_server_accepts_and_says_nothing(
    private_cluster: Callable[..., Cluster],
) -> None:
    server = private_cluster()
    with frozen_cluster(server):
        with pytest.raises(TimeoutError):
            await asyncpg.connect(server.url(), timeout=0.3)
        assert sum(tcp_sockets(server.port).values()) >= 1
    await server.execute("select 1")


async def test_the_proxy_passes_refuses_drops_resets_and_cuts(
    cluster: Cluster, proxy: Proxy
) -> None:
    url = cluster.url(port=proxy.port)
    connection = await asyncpg.connect(url)
    assert await connection.fetchval("select 1") == 1
    assert proxy.open == 1
    assert proxy.bytes_down > 100
    await proxy.drop()
    with pytest.raises(TimeoutError):
        await connection.fetchval("select 1", timeout=0.2)
    connection.terminate()
    await proxy.reset()
    with pytest.raises(ConnectionError):
        await asyncpg.connect(url)
    await proxy.refuse()
    with pytest.raises(OSError, match="Connect call failed"):
        await asyncpg.connect(url)
    await proxy.pass_()
    again = await asyncpg.connect(url)
    await proxy.cut_after(50)
    with pytest.raises((asyncpg.PostgresError, OSError, asyncpg.InterfaceError)):
        await again.fetchval("select repeat('x', 10000)")
    await proxy.pass_()
    await proxy.delay(0.05)
    slow = await asyncpg.connect(url)
    started = time.monotonic()
    assert await slow.fetchval("select 1") == 1
    assert time.monotonic() - started >= 0.1
    await proxy.half_close()
    with pytest.raises((asyncpg.PostgresError, OSError, asyncpg.InterfaceError)):
        await slow.fetchval("select 1", timeout=2)
