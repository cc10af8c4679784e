"""What we say of a server that is stopped, killed, frozen, starting, full or out of reach."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable

import asyncpg
import pytest

from tests.support.freeze import frozen, frozen_cluster, lossy_network, tcp_sockets
from tests.support.postgres import Cluster, free_port, with_probe
from tests.support.proxy import Proxy
from tests.support.visits import ENGINE, Watched, visited
from watchdog.database_url import PostgresqlUrl
from watchdog.engines.postgresql.engine import PostgresqlEngine
from watchdog.model import Failure, Kind, Phase, Target

MakeCluster = Callable[..., Cluster]


def said(failure: Failure | None) -> tuple[Kind, Phase | None, str, str] | None:
    return failure and (failure.kind, failure.phase, failure.code, failure.hint)


REFUSED = (Kind.REACH, Phase.CONNECT, "ECONNREFUSED", "connection_refused")
NO_ANSWER_TO_LOGIN = (Kind.TIMEOUT, Phase.TLS, "", "connect_timeout")
NO_ANSWER_TO_A_QUESTION = (Kind.TIMEOUT, Phase.QUERY, "", "server_not_answering")


# ------------------------------------------------------------------ stopped and killed


@pytest.mark.parametrize("how", ["fast", "immediate", "kill"])
async def test_a_server_that_ends_is_noticed_at_once_and_then_refuses(
    private_cluster: MakeCluster, how: str
) -> None:
    server = private_cluster()
    target = server.target("shop", "watched_template")
    async with Watched(target) as watched:
        assert await watched.round() is None
        began = time.monotonic()
        if how == "kill":
            for pid in server.pids():
                os.kill(pid, signal.SIGKILL)
        else:
            signals = {"fast": signal.SIGINT, "immediate": signal.SIGQUIT}
            os.kill(server.pid, signals[how])
        await watched.lost_within(5)
        assert time.monotonic() - began < 0.1
        await asyncio.to_thread(server.stop)
        assert said(await watched.round()) == REFUSED
    assert said(await visited(target)) == REFUSED


async def test_a_server_that_is_back_is_attended_again(private_cluster: MakeCluster) -> None:
    server = private_cluster()
    target = server.target("shop", "watched_template")
    async with Watched(target) as watched:
        assert await watched.round() is None
        await asyncio.to_thread(server.restart, "immediate")
        await watched.lost_within(2)
        assert await watched.round() is None
        assert watched.losses == 1


async def test_a_crash_is_told_as_recovery_and_not_as_a_wrong_password(
    private_cluster: MakeCluster,
) -> None:
    server = private_cluster()
    target = server.target("shop", "watched_template")
    stuck, victim = await server.connect(), await server.connect()
    with frozen(stuck.get_server_pid()):  # the postmaster waits five seconds for it
        os.kill(victim.get_server_pid(), signal.SIGKILL)
        deadline = time.monotonic() + 3
        failure = await visited(target)
        while failure is None and time.monotonic() < deadline:
            failure = await visited(target)
        assert failure is not None
        assert (failure.kind, failure.phase, failure.code) == (
            Kind.STATE,
            Phase.AUTHENTICATE,
            "57P03",
        )
        assert failure.hint in ("starting_up", "server_crashed")
    stuck.terminate()
    victim.terminate()
    deadline = time.monotonic() + 10
    while await visited(target) is not None:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


async def test_a_starting_server_is_told_as_starting(private_cluster: MakeCluster) -> None:
    server = private_cluster()
    server.stop()
    server.settings["restore_command"] = "sleep 30"  # recovery waits for it
    (server.data / "recovery.signal").touch()
    server.start(wait=False)
    target = server.target("shop", "watched_template")
    deadline = time.monotonic() + 5
    failure = await visited(target)
    while said(failure) == REFUSED and time.monotonic() < deadline:
        await asyncio.sleep(0.02)
        failure = await visited(target)
    assert said(failure) == (Kind.STATE, Phase.AUTHENTICATE, "57P03", "starting_up")


# ------------------------------------------------------------------ frozen


async def test_a_frozen_server_is_a_timeout_and_collects_no_sockets(
    private_cluster: MakeCluster,
) -> None:
    server = private_cluster()
    target = with_probe(server.target("shop", "watched_template"), timeout=0.4)
    async with Watched(target) as watched:
        assert await watched.round(2) is None
        with frozen_cluster(server):
            failure = await watched.round()
            assert said(failure) == NO_ANSWER_TO_A_QUESTION
            most = 0
            for _ in range(12):
                assert said(await watched.round(0.1)) == NO_ANSWER_TO_LOGIN
                assert said(await visited(target, seconds=0.1)) == NO_ANSWER_TO_LOGIN
                most = max(most, sum(tcp_sockets(server.port).values()))
            assert most <= 2
            await asyncio.sleep(0.05)
            assert tcp_sockets(server.port) == {}
        assert await watched.round(2) is None
    assert await visited(target, seconds=2) is None


async def test_a_frozen_postmaster_stops_logins_while_the_held_session_answers(
    private_cluster: MakeCluster,
) -> None:
    server = private_cluster()
    target = with_probe(server.target("shop", "watched_template"), timeout=0.5)
    async with Watched(target) as watched:
        assert await watched.round(2) is None
        with frozen(server.pid):
            assert await watched.round() is None
            assert said(await visited(target)) == NO_ANSWER_TO_LOGIN


async def test_a_frozen_backend_costs_its_session_alone(private_cluster: MakeCluster) -> None:
    server = private_cluster()
    target = with_probe(server.target("shop", "watched_template"), timeout=1.0)
    async with Watched(target) as watched:
        assert await watched.round(2) is None
        rows = await server.execute(
            "select pid from pg_stat_activity where application_name = 'db-watchdog'"
        )
        with frozen(rows[0]["pid"]):
            assert said(await watched.round()) == NO_ANSWER_TO_A_QUESTION
            assert await watched.round(2) is None  # another session, the same server
        assert watched.losses == 0  # we ended it ourselves


async def test_the_servers_last_words_are_heard(cluster: Cluster) -> None:
    target = with_probe(cluster.target("shop", "watched_template"), timeout=9.0)
    visit = ENGINE.visit(target)
    async with visit as session:
        question = asyncio.ensure_future(session.fetch("select pg_sleep(4)"))  # type: ignore[attr-defined]
        await asyncio.sleep(0.1)
        await cluster.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where application_name = 'db-watchdog' and query like '%pg_sleep%'"
        )
        with pytest.raises(asyncpg.PostgresError) as caught:
            await question
    failure = ENGINE.failure(caught.value, visit.phase, target)
    assert said(failure) == (Kind.STATE, Phase.QUERY, "57P01", "admin_termination")


async def test_a_hung_target_does_not_delay_another_one(
    private_cluster: MakeCluster, cluster: Cluster
) -> None:
    frozen_one = private_cluster()
    hung = [
        with_probe(frozen_one.target(f"t{n}", "watched_template"), timeout=1.0) for n in range(5)
    ]
    with frozen_cluster(frozen_one):
        waiting = [asyncio.ensure_future(visited(target)) for target in hung]
        await asyncio.sleep(0.1)
        began = time.monotonic()
        assert await visited(cluster.target("fine", "postgres")) is None
        assert time.monotonic() - began < 0.5
        assert {said(failure) for failure in await asyncio.gather(*waiting)} == {NO_ANSWER_TO_LOGIN}


# ------------------------------------------------------------------ full


async def test_a_full_server_turns_visits_away_and_the_held_session_says_who_fills_it(
    private_cluster: MakeCluster,
) -> None:
    server = private_cluster(max_connections=10, superuser_reserved_connections=2)
    target = server.target("shop", "watched_template")
    async with Watched(target) as watched:
        assert await watched.round() is None
        assert not watched.answers["connections"].troubles
        hogs = [await server.connect("watched_template", "owner") for _ in range(7)]
        assert said(await visited(target)) == (
            Kind.CAPACITY,
            Phase.AUTHENTICATE,
            "53300",
            "too_many_connections",
        )
        assert await watched.round() is None
        trouble = watched.answers["connections"].troubles[0]
        assert (trouble.kind, trouble.hint) == (Kind.CAPACITY, "too_many_connections")
        assert "7 by owner in watched_template" in trouble.message
        holders = watched.answers["connections"].facts["connections"]["holders"]
        assert holders[0]["usename"] == "owner"
        assert holders[0]["connections"] == 7
        for hog in hogs:
            await hog.close()
    assert await visited(target) is None


# ------------------------------------------------------------------ the network


async def test_nobody_listens() -> None:
    url = PostgresqlUrl((("127.0.0.1", free_port()),), "watchdog", "shop")
    assert said(await visited(Target("shop", "postgresql", url))) == REFUSED


async def test_refused_on_a_name_with_two_addresses_is_still_refused() -> None:
    url = PostgresqlUrl((("localhost", free_port()),), "watchdog", "shop")
    assert said(await visited(Target("shop", "postgresql", url))) == REFUSED


async def test_a_name_that_does_not_exist_fails_in_its_own_phase() -> None:
    url = PostgresqlUrl((("db.example.invalid", 5432),), "watchdog", "shop")
    failure = await visited(with_probe(Target("shop", "postgresql", url), timeout=5.0))
    assert failure is not None
    assert failure.phase is Phase.RESOLVE
    assert failure.hint == "dns_failure"
    assert failure.kind in (Kind.REACH, Kind.TIMEOUT)
    assert failure.code.startswith("EAI_") or failure.kind is Kind.TIMEOUT


async def test_a_socket_that_is_not_there(private_cluster: MakeCluster) -> None:
    url = PostgresqlUrl((("/nowhere", 5432),), "watchdog", "shop")
    assert said(await visited(Target("shop", "postgresql", url))) == (
        Kind.REACH,
        Phase.CONNECT,
        "ENOENT",
        "unix_socket_missing",
    )


async def test_a_unix_socket_serves(cluster: Cluster) -> None:
    url = PostgresqlUrl(((str(cluster.folder), cluster.port),), "watchdog", "postgres")
    assert await visited(Target("shop", "postgresql", url)) is None


async def test_dropped_packets_are_a_timeout_and_the_way_back_is_found(
    cluster: Cluster, proxy: Proxy
) -> None:
    target = with_probe(cluster.target("shop", port=proxy.port), timeout=0.5)
    async with Watched(target) as watched:
        assert await watched.round(2) is None
        await proxy.drop()
        assert said(await watched.round(0.2)) == NO_ANSWER_TO_A_QUESTION
        assert said(await visited(target)) == NO_ANSWER_TO_LOGIN
        await proxy.pass_()
        assert await watched.round(2) is None


async def test_a_reset_and_a_cut_are_lost_connections(cluster: Cluster, proxy: Proxy) -> None:
    target = cluster.target("shop", port=proxy.port)
    await proxy.reset()
    failure = await visited(target)
    assert failure is not None
    assert (failure.kind, failure.hint) == (Kind.REACH, "server_closed_connection")
    await proxy.pass_()
    await proxy.cut_after(120)
    failure = await visited(target)
    assert failure is not None
    assert (failure.kind, failure.hint) == (Kind.REACH, "server_closed_connection")


async def test_a_half_closed_connection_is_a_lost_one(cluster: Cluster, proxy: Proxy) -> None:
    target = cluster.target("shop", port=proxy.port)
    async with Watched(target) as watched:
        assert await watched.round() is None
        await proxy.half_close()
        assert await watched.lost_within(2) < 0.5
        await proxy.pass_()
        assert await watched.round() is None


async def test_a_slow_network_shows_in_the_phases(cluster: Cluster, proxy: Proxy) -> None:
    target = cluster.target("shop", port=proxy.port, sslmode="disable")
    await proxy.delay(0.03)
    visit = ENGINE.visit(target)
    async with visit:
        pass
    assert visit.phases[Phase.AUTHENTICATE] >= 0.1
    assert visit.phases[Phase.CONNECT] < 0.1


async def test_packets_that_a_firewall_drops(private_cluster: MakeCluster) -> None:
    with lossy_network() as network:
        url = PostgresqlUrl(((network.address, 5432),), "watchdog", "shop")
        target = with_probe(Target("shop", "postgresql", url), timeout=0.5)
        assert said(await visited(target)) == REFUSED  # nothing listens there, and it says so
        network.drop(5432)
        assert said(await visited(target)) == (Kind.TIMEOUT, Phase.CONNECT, "", "connect_timeout")
        network.deliver()
        assert said(await visited(target)) == REFUSED


async def test_a_server_that_vanishes_from_the_network_is_noticed_unasked(
    private_cluster: MakeCluster,
) -> None:
    with lossy_network() as network:
        server = private_cluster(
            host=network.address,
            launcher=network.run_inside(),
            hba=("host all all all scram-sha-256",),
        )
        target = with_probe(server.target("shop", "watched_template"), timeout=1.0)
        async with Watched(target) as watched:
            assert await watched.round(3) is None
            network.drop(server.port)
            assert await watched.lost_within(20) < 6
            assert said(await visited(target)) == (
                Kind.TIMEOUT,
                Phase.CONNECT,
                "",
                "connect_timeout",
            )
            network.deliver()
            assert await watched.round(3) is None
        assert await visited(target) is None


# ------------------------------------------------------------------ strangers


@pytest.fixture
async def stranger() -> AsyncIterator[int]:
    """Give the port of something that answers whatever it is asked as a web server would."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1024)
        writer.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize("sslmode", ["disable", "prefer", "require"])
async def test_a_web_server_is_no_postgresql(stranger: int, sslmode: str) -> None:
    url = PostgresqlUrl((("127.0.0.1", stranger),), "u", "d", None, {"sslmode": sslmode})
    failure = await visited(Target("shop", "postgresql", url))
    assert failure is not None
    assert (failure.kind, failure.hint) == (Kind.REACH, "not_a_postgres_server")
    assert failure.phase in (Phase.TLS, Phase.AUTHENTICATE)


async def test_a_listener_that_says_nothing_times_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = PostgresqlUrl((("127.0.0.1", silent.getsockname()[1]),), "u", "d")
        target = with_probe(Target("shop", "postgresql", url), timeout=0.2)
        assert said(await visited(target)) == NO_ANSWER_TO_LOGIN


async def test_a_handshake_that_stalls_leaves_nothing_behind() -> None:
    async def promise(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(8)
        writer.write(b"S")  # and not another word
        await reader.read()
        writer.close()

    server = await asyncio.start_server(promise, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    url = PostgresqlUrl((("127.0.0.1", port),), "u", "d")
    target = with_probe(Target("shop", "postgresql", url), timeout=0.2)
    for _ in range(5):
        assert said(await visited(target)) == NO_ANSWER_TO_LOGIN
    await asyncio.sleep(0.05)
    assert tcp_sockets(port) == {}
    server.close()
    await server.wait_closed()


# ------------------------------------------------------------------ several hosts


async def test_the_second_host_is_used_when_the_first_is_gone_or_frozen(
    cluster: Cluster, private_cluster: MakeCluster
) -> None:
    first = private_cluster()
    hosts = ((first.host, first.port), (cluster.host, cluster.port))
    url = cluster.database_url()
    both = PostgresqlUrl(hosts, url.user, url.database, url.password)
    target = with_probe(Target("shop", "postgresql", both), timeout=2.0)
    engine = PostgresqlEngine()
    with frozen_cluster(first):
        assert await visited(target, engine) is None
    first.stop()
    assert await visited(target, engine) is None


async def test_an_idle_session_timeout_costs_the_session_and_is_no_verdict(
    private_cluster: MakeCluster,
) -> None:
    server = private_cluster(idle_session_timeout="1500ms")
    target = server.target("shop", "watched_template")
    async with Watched(target) as watched:
        assert await watched.round() is None
        assert await watched.lost_within(15) > 0
        assert await watched.round() is None
    assert await visited(target) is None
