"""Incidents of the real daemon: what was known before a failure outlives the server and us."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.daemon import Daemon, clean_environment, wait_until
from tests.support.postgres import Cluster, clusters
from tests.support.sqlite import make_database

PATIENCE = 90.0  # seconds, for a machine that is very busy
PROBE = {"interval": "2s", "timeout": "1900ms", "connect_interval": "2s"}


class World:
    """A server with few connections, a file, and the daemon that watches both."""

    def __init__(self, folder: Path, server: Cluster) -> None:
        self.folder = folder
        self.server = server
        self.file = make_database(folder / "app.db")
        server.sql("create database shop template watched_template")
        targets = [
            {"name": "shop", "url": server.url("watchdog", "shop"), "probe": PROBE},
            {"name": "postgres", "url": server.url("watchdog", "postgres"), "probe": PROBE},
            {"name": "file", "url": f"sqlite:///{self.file}", "probe": PROBE},
        ]
        self.daemon = Daemon(folder, {"targets": targets})

    def incidents(self, target: str = "shop", event: str = "down") -> list[dict[str, Any]]:
        listed = self.daemon.get("/api/v1/incidents", params={"target": target}).json()
        return [each for each in listed["incidents"] if each["event"] == event]

    def told(self, target: str, hint: str) -> dict[str, Any]:
        """Wait for the line that says so; a server may go through other troubles first."""

        def look() -> list[dict[str, Any]]:
            return [
                line
                for line in list(self.daemon.lines)
                if str(line.get("event")).startswith(("target down", "target still down"))
                and (line.get("target"), line.get("hint")) == (target, hint)
            ]

        found: dict[str, Any] = wait_until(look, f"{target} is told with {hint}", PATIENCE)[-1]
        return found

    def ended(self, target: str = "shop", event: str = "down") -> dict[str, Any]:
        """Wait until the newest incident of its kind has ended, and return all of it."""

        def look() -> dict[str, Any] | None:
            found = self.incidents(target, event)
            return found[0] if found and found[0]["ended_at"] else None

        newest = wait_until(look, f"the incident {event} of {target} ends", PATIENCE)
        whole: dict[str, Any] = self.daemon.get(f"/api/v1/incidents/{newest['id']}").json()
        return whole

    @contextmanager
    def session(self, *statements: str, application: str = "app") -> Iterator[None]:
        """Hold a session in shop that has begun with *statements*, the last of which may wait."""
        process = subprocess.Popen(
            [
                *(self.server.binaries / "psql", "-qX", "-h", self.server.folder),
                *("-p", str(self.server.port), "-U", "owner", "-d", "shop"),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**clean_environment(), "PGAPPNAME": application},
            text=True,
        )
        assert process.stdin is not None
        try:
            process.stdin.write("".join(f"{each};\n" for each in statements))
            process.stdin.flush()
            yield
        finally:
            process.kill()
            process.communicate()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, postgres_binaries: None) -> Iterator[World]:
    with clusters() as make:
        made = World(tmp_path_factory.mktemp("incidents"), make(max_connections=14))
        with made.daemon:
            for name in ("shop", "postgres", "file"):
                made.daemon.wait_up(name, 1)
            yield made
            assert made.daemon.tracebacks == ""


def test_who_takes_all_connections_is_told_and_kept(world: World) -> None:
    server, daemon = world.server, world.daemon
    with ExitStack() as crowd:
        for _ in range(9):
            crowd.enter_context(world.session("select 'a secret of 42'", application="leaky"))
        wait_until(
            lambda: (
                int(server.sql("select count(*) from pg_stat_activity where usename = 'owner'"))
                >= 9
            ),
            "the crowd is there",
        )
        told = daemon.event("diagnosis", PATIENCE, hint="too_many_connections")
        found = " ".join(told["found"])
        assert "by owner in shop (leaky), idle" in found, told
        assert any("owner in shop (leaky)" in step for step in told["steps"]), told
        wait_until(lambda: world.incidents(event="saturation"), "the saturation is recorded")
        assert world.incidents(event="saturation")[0]["ended_at"] is None
    record = world.ended(event="saturation")
    assert sorted(record["targets"]) == ["postgres", "shop"]
    assert record["hint"]["id"] == "too_many_connections"
    kept = record["diagnosis"]["evidence"]["holders"]
    assert {"leaky"} <= {row["application_name"] for row in kept}
    assert "a secret of 42" not in json.dumps(record)


def test_what_was_known_before_a_crash_outlives_the_server_and_the_daemon(world: World) -> None:
    server, daemon = world.server, world.daemon
    activity = "select count(*) from pg_stat_activity where usename = 'owner' and "
    with ExitStack() as sessions:
        writer = ("begin", "update note set body = 'very private' where id = 1")
        sessions.enter_context(world.session(*writer))
        idle = f"{activity} state = 'idle in transaction'"
        wait_until(lambda: server.sql(idle) == "1", "one has written and does not commit")
        waiter = "update note set body = body where id = 1"
        sessions.enter_context(world.session(waiter, application="waiter"))
        blocked = f"{activity} wait_event_type = 'Lock'"
        wait_until(lambda: server.sql(blocked) == "1", "the other one waits for it")
        since = len(daemon.events("incident begins"))
        # Rounds of a moment later have seen it.
        rounds = daemon.metric("watchdog_runner_runs_total", lane="probes") or 0
        wait_until(
            lambda: (daemon.metric("watchdog_runner_runs_total", lane="probes") or 0) > rounds + 8,
            "some rounds have passed",
        )
        server.kill()
    daemon.wait_up("shop", 0)
    wait_until(lambda: len(daemon.events("incident begins")) > since, "an incident begins")
    before = wait_until(world.incidents, "it is recorded")[0]
    wait_until(
        lambda: (world.folder / "state" / "incidents").rglob(f"{before['id']}.json"), "it is kept"
    )
    daemon.kill()  # by SIGKILL: nothing can be put away any more
    server.start()
    daemon.lines.clear()
    daemon.start()
    record = world.ended()
    assert record["id"] == before["id"], "the new process begins no second incident"
    blockers = record["evidence"]["blockers"]
    assert len(blockers) == 1, record["evidence"]
    assert len(blockers[0]["waiting"]) == 1
    root = next(s for s in record["evidence"]["sessions"] if s["pid"] == blockers[0]["pid"])
    assert root["state"] == "idle in transaction"
    assert root["statement"].startswith("update note set body = '…'")
    assert "very private" not in json.dumps(record)
    assert [each["failure"] for each in record["rounds"]][:1] == [None], "rounds before it"
    assert record["duration_seconds"] > 0


def test_a_server_that_shuts_down_is_told(world: World) -> None:
    with world.session("select 1", application="lasting"):
        there = "select count(*) from pg_stat_activity where application_name = 'lasting'"
        wait_until(lambda: world.server.sql(there) == "1", "the session is there")
        os.kill(world.server.pid, signal.SIGTERM)  # smart: it waits for the session
        try:
            said = world.told("shop", "shutting_down")
            assert f"pg_isready -h 127.0.0.1 -p {world.server.port}" in " ".join(said["steps"])
        finally:
            world.server.restart("fast")
    world.daemon.wait_up("shop", 1)


def test_a_server_that_lets_nobody_in_yet_is_told(world: World) -> None:
    server, standby = world.server, world.server.data / "standby.signal"
    server.stop()
    standby.touch()
    server.settings["hot_standby"] = "off"
    try:
        server.start(wait=False)
        said = world.told("postgres", "starting_up")
        assert said["code"] == "57P03"
    finally:
        server.kill()
        standby.unlink()
        server.settings["hot_standby"] = "on"
        server.start()
    world.daemon.wait_up("postgres", 1)


def test_an_incident_is_read_by_command_and_on_a_page(world: World) -> None:
    daemon = world.daemon
    world.file.rename(world.file.with_suffix(".aside"))
    told = daemon.event("diagnosis", target="file", hint="sqlite_cantopen_missing_dir")
    assert "app.aside" in " ".join(told["found"])
    identity = wait_until(lambda: world.incidents("file"), "it is recorded")[0]["id"]
    page = daemon.get("/").text
    assert f"/incidents/{identity}" in page
    shown = daemon.get(f"/incidents/{identity}").text
    assert "app.aside" in shown
    assert daemon.get("/incidents/20000101T000000Z-000000").status_code == 404
    world.file.with_suffix(".aside").rename(world.file)
    daemon.wait_up("file", 1)
    world.ended("file")

    listed = command(world, "incident", "file", "--json")
    assert [each["id"] for each in json.loads(listed)["incidents"]][:1] == [identity]
    assert "lasted" in command(world, "incident")
    text = command(world, "incident", identity)
    assert "app.aside" in text
    assert "sqlite_cantopen_missing_dir" in text
    unknown = run(world, "incident", "no-such-target")
    assert unknown.returncode == 2
    assert run(world, "incident", "20000101T000000Z-000000").returncode == 2


def test_a_hint_that_is_refined_is_the_active_one(world: World) -> None:
    world.file.rename(world.file.with_suffix(".aside"))
    daemon = world.daemon
    daemon.wait_up("file", 0)
    hint = wait_until(
        lambda: (found := daemon.target("file")["hint"]) and found["findings"] and found,
        "what was found is part of the hint",
    )
    active = daemon.metric("watchdog_hint_active", target="file", hint=hint["id"])
    assert active == 1
    world.file.with_suffix(".aside").rename(world.file)
    daemon.wait_up("file", 1)
    wait_until(
        lambda: daemon.metric("watchdog_hint_active", target="file", hint=hint["id"]) == 0,
        "it is active no more",
    )


def run(world: World, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "watchdog", *arguments, "-c", str(world.daemon.file)],
        capture_output=True,
        text=True,
        cwd=world.folder,
        env=clean_environment(DB_WATCHDOG_STATE_DIRECTORY=str(world.folder / "state")),
        timeout=60,
        check=False,
    )


def command(world: World, *arguments: str) -> str:
    done = run(world, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout
