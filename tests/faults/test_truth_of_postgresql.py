"""``watchdog_up`` of the real daemon tells the truth about a real server, whatever befalls it."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from tests.support.daemon import Daemon, wait_until
from tests.support.freeze import frozen, frozen_cluster, tcp_sockets
from tests.support.postgres import Cluster, Database

INTERVAL, TIMEOUT = 1.0, 0.8
AVAILABILITY = {"probe": "availability"}
PROBE = {"interval": "1s", "timeout": "800ms", "connect_interval": "1s"}


class Watched:
    """A daemon on a server of its own, with two databases there and a SQLite file beside."""

    def __init__(self, daemon: Daemon, cluster: Cluster, one: Database, two: Database) -> None:
        self.daemon, self.cluster, self.one, self.two = daemon, cluster, one, two

    def failure(self, name: str = "one") -> tuple[str, str, str | None]:
        failure = self.daemon.target(name)["failure"]
        return failure["kind"], failure["phase"], failure["code"]

    def hint(self, name: str = "one") -> str:
        return str(self.daemon.target(name)["hint"]["id"])

    def goes_down(self, name: str = "one", seconds: float = 10.0) -> None:
        self.daemon.wait_up(name, 0, seconds)

    def comes_up(self, name: str = "one", seconds: float = 15.0) -> None:
        self.daemon.wait_up(name, 1, seconds)


Watch = Callable[..., Watched]


@pytest.fixture
def watch(private_cluster: Callable[..., Cluster], tmp_path: Path) -> Iterator[Watch]:
    running: list[Daemon] = []

    def start(probe: dict[str, str] | None = None, **settings: object) -> Watched:
        cluster = private_cluster(**settings)
        one, two = cluster.create_database("one"), cluster.create_database("two")
        targets = [
            {"name": each.name, "url": each.url(), "probe": probe or PROBE} for each in (one, two)
        ]
        daemon = Daemon(tmp_path, {"targets": targets})
        daemon.start()
        running.append(daemon)
        watched = Watched(daemon, cluster, one, two)
        watched.comes_up("one")
        watched.comes_up("two")
        return watched

    yield start
    for daemon in running:
        daemon.kill()


def test_a_killed_server_is_noticed_at_once_and_a_restarted_one_soon(watch: Watch) -> None:
    # At this interval only the lost session can tell in time.
    slow = {"interval": "60s", "timeout": "800ms", "connect_interval": "60s"}
    watched = watch(slow)
    killed = time.time()
    watched.cluster.kill()
    watched.goes_down("one", 5)
    watched.goes_down("two", 5)
    since = watched.daemon.target("one")["since"]
    noticed = _timestamp(since) - killed
    assert noticed < 0.5, f"noticed after {noticed:.3f} s"
    assert watched.failure()[0] in ("reach", "state")
    watched.cluster.start()
    # Looked at again after 1, 2, 4 … seconds, not only at the interval.
    watched.comes_up("one", 20)
    watched.comes_up("two", 20)


def _timestamp(text: str) -> float:

    return datetime.fromisoformat(text).timestamp()


def test_a_stopped_server_is_refused(watch: Watch) -> None:
    watched = watch()
    watched.cluster.stop()
    watched.goes_down()
    wait_until(lambda: watched.failure()[2] == "ECONNREFUSED", "the port is closed")
    assert watched.failure() == ("reach", "connect", "ECONNREFUSED")
    assert watched.hint() == "connection_refused"
    watched.cluster.start()
    watched.comes_up()


def test_a_frozen_server_is_noticed_within_interval_and_timeout_and_collects_no_sockets(
    watch: Watch,
) -> None:
    watched = watch()
    with frozen_cluster(watched.cluster):
        began = time.monotonic()
        watched.goes_down("one", INTERVAL + TIMEOUT + 1.5)
        watched.goes_down("two", 1.0)
        assert watched.failure()[0] == "timeout"
        assert watched.hint() == "connect_timeout"
        while time.monotonic() - began < 6:
            assert sum(tcp_sockets(watched.cluster.port).values()) <= 8
            time.sleep(0.2)
        sockets = _ours(watched)
        assert sockets <= 2, f"{sockets} connections of ours on a frozen server"
    watched.comes_up("one")
    watched.comes_up("two")


def _ours(watched: Watched) -> int:
    """Count the daemon's TCP connections to the server, by its file descriptors."""
    inodes = set()
    for link in Path(f"/proc/{watched.daemon.pid}/fd").iterdir():
        try:
            name = link.readlink().name
        except OSError:
            continue
        if name.startswith("socket:["):
            inodes.add(name[8:-1])
    port = f":{watched.cluster.port:04X}"
    rows = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return sum(row.split()[2].endswith(port) and row.split()[9] in inodes for row in rows)


def test_a_frozen_backend_alone_is_replaced_and_the_target_stays_up(watch: Watch) -> None:
    watched = watch()
    held = watched.cluster.sql(
        "select pid from pg_stat_activity where application_name = 'db-watchdog'"
        " and datname = 'postgres'"
    )
    with frozen(int(held)):
        time.sleep(2 * INTERVAL + TIMEOUT)
        assert watched.daemon.target("one")["up"] is True


def test_a_server_in_crash_recovery_is_down_and_then_up(watch: Watch) -> None:
    watched = watch({"interval": "30s", "timeout": "800ms", "connect_interval": "30s"})
    before = watched.daemon.metric("watchdog_down_seconds_total", target="one")
    watched.cluster.crash()
    wait_until(
        lambda: watched.daemon.events("session lost, looking at once"), "the loss is noticed"
    )
    watched.comes_up("one", 20)
    after = watched.daemon.metric("watchdog_down_seconds_total", target="one")
    assert before is not None
    assert after is not None
    assert before <= after < before + 20


def _after_rounds(daemon: Daemon, more: int) -> None:
    def made() -> float:
        return daemon.metric("watchdog_runner_runs_total", lane="probes") or 0

    before = made()
    wait_until(lambda: made() >= before + more, "more rounds have been made")


async def test_a_smart_shutdown_does_not_wait_for_the_held_session(watch: Watch) -> None:
    watched = await asyncio.to_thread(watch)
    cluster = watched.cluster
    other = await cluster.connect()  # it keeps the server waiting, so that all can be seen
    ours = "select count(*) from pg_stat_activity where application_name = 'db-watchdog'"
    assert await other.fetchval(ours)
    os.kill(cluster.pid, signal.SIGTERM)
    await asyncio.to_thread(watched.goes_down, "one")
    await asyncio.to_thread(watched.goes_down, "two")
    assert watched.failure("one")[::2] == ("state", "57P03")
    assert (watched.hint("one"), watched.hint("two")) == ("shutting_down", "shutting_down")
    async with asyncio.timeout(10):
        while await other.fetchval(ours):
            await asyncio.sleep(0.1)
    await asyncio.to_thread(_after_rounds, watched.daemon, 3)
    for name in ("one", "two"):  # what the server's session was told, each in its own words
        assert f"to database {name} on" in watched.daemon.target(name)["failure"]["message"]
    await other.close()
    await asyncio.to_thread(cluster.stop, "smart", 20)
    await asyncio.to_thread(cluster.start)
    await asyncio.to_thread(watched.comes_up, "one")
    await asyncio.to_thread(watched.comes_up, "two")
    held = "select count(*) > 0 from pg_stat_activity where application_name = 'db-watchdog'"
    assert cluster.sql(f"{held} and datname = 'postgres'") == "t"


def test_a_password_changed_under_a_held_session_takes_the_target_down(watch: Watch) -> None:
    watched = watch()
    watched.cluster.sql("alter role watchdog password 'another'")
    watched.goes_down()
    assert watched.failure() == ("auth", "authenticate", "28P01")
    assert watched.hint() == "auth_failed"
    # the held session goes on: what the server says is still there
    asked = watched.daemon.metric("watchdog_probe_last_success_timestamp_seconds", **AVAILABILITY)
    assert asked is not None
    assert time.time() - asked < 2 * INTERVAL + 1


def test_a_role_that_has_gone_takes_the_target_down(watch: Watch) -> None:
    watched = watch()
    watched.cluster.sql("alter role watchdog nologin")
    watched.goes_down()
    assert watched.failure()[0] == "auth"
    assert watched.hint() == "role_login_denied"
    watched.cluster.sql("alter role watchdog login")
    watched.comes_up()
    watched.cluster.sql("alter role watchdog rename to somebody")
    watched.goes_down()
    assert watched.failure()[0] == "auth"


def test_a_plain_drop_database_succeeds_while_we_watch_and_takes_only_that_target_down(
    watch: Watch,
) -> None:
    watched = watch()
    for _ in range(3):  # whatever the moment
        watched.cluster.sql("drop database one")
        watched.goes_down("one")
        # a visit in the midst of the drop is told that the database is invalid (55000)
        wait_until(lambda: watched.failure("one")[2] == "3D000", "the database is missed")
        assert watched.hint("one") == "database_missing"
        assert watched.daemon.target("two")["up"] is True
        watched.cluster.create_database("one")
        watched.comes_up("one")


def test_a_database_that_accepts_no_connections_is_down(watch: Watch) -> None:
    watched = watch()
    watched.cluster.sql("alter database one allow_connections false")
    watched.goes_down("one")
    assert watched.hint("one") == "database_not_accepting"
    watched.cluster.sql("alter database one allow_connections true")
    watched.comes_up("one")


async def test_at_max_connections_the_target_is_down_and_the_held_session_says_who_holds_them(
    watch: Watch,
) -> None:
    watched = await asyncio.to_thread(watch, None, max_connections=12)
    cluster = watched.cluster
    hogs = []
    try:
        for _ in range(12):
            try:
                hogs.append(await cluster.connect(user="plain"))
            except Exception:  # noqa: BLE001 - full: that is the point
                break
        await asyncio.to_thread(watched.goes_down)
        assert watched.failure()[0] == "capacity"
        assert watched.hint() == "too_many_connections"
        holders = "watchdog_postgresql_client_connections"
        await asyncio.to_thread(
            wait_until,
            lambda: any(
                name == holders and ("usename", "plain") in labels
                for name, labels in watched.daemon.metrics()
            ),
            "the held session says who holds the connections",
        )
    finally:
        for hog in hogs:
            await hog.close()
    await asyncio.to_thread(watched.comes_up)


def test_a_hung_target_delays_no_other_one(
    private_cluster: Callable[..., Cluster], tmp_path: Path
) -> None:
    healthy, hung = private_cluster(), private_cluster()
    good, bad = healthy.create_database("good"), hung.create_database("bad")
    targets = [{"name": each.name, "url": each.url(), "probe": PROBE} for each in (good, bad)]
    with Daemon(tmp_path, {"targets": targets}) as daemon:
        daemon.wait_up("good", 1)
        with frozen_cluster(hung):
            daemon.wait_up("bad", 0)
            seen = []
            for _ in range(20):
                began = time.monotonic()
                daemon.get("/metrics")
                seen.append(time.monotonic() - began)
                time.sleep(0.1)
            runs = daemon.metrics()
            last = max(
                value
                for (name, _labels), value in runs.items()
                if name == "watchdog_probe_last_run_timestamp_seconds"
            )
            assert time.time() - last < 2 * INTERVAL + 0.5
            assert sorted(seen)[-2] < 0.5
        assert daemon.metric("watchdog_up", target="good") == 1


def test_a_server_that_is_full_of_our_lost_sessions_is_not_hammered(watch: Watch) -> None:
    watched = watch({"interval": "30s", "timeout": "800ms", "connect_interval": "30s"})
    watched.cluster.sql("alter role watchdog set idle_session_timeout = '300ms'")
    watched.cluster.sql(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where application_name = 'db-watchdog'"
    )
    time.sleep(5)
    losses = watched.daemon.events("session lost, looking at once")
    assert 1 <= len(losses) <= 5
    assert watched.daemon.target("one")["up"] is True
