"""The daemon as a process: how it starts, becomes ready, and ends, with a backup running or not."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.daemon import Daemon, clean_environment, wait_until
from tests.support.freeze import frozen_cluster
from tests.support.locks import locked
from tests.support.postgres import Cluster, Database, bin_dir
from tests.support.processes import descendants, program_below, wait_gone

PROBE = {"interval": "1s", "timeout": "800ms", "connect_interval": "1s"}
BACKUP = {"directory": "backups", "schedule": "@every 6h", "run_on_start": True}


def make(path: Path, megabytes: int = 0) -> Path:
    path.parent.mkdir(exist_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("pragma synchronous=off")
        connection.execute("create table t (x)")
        for _ in range(megabytes):
            connection.execute("insert into t values (randomblob(1000000))")
        connection.commit()
    return path


def run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "watchdog", "run", *arguments],
        cwd=folder,
        env=clean_environment(**environment),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def attempts(folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((folder / "attempts.json").read_text())["attempts"]
    return found


def leftovers(folder: Path) -> list[str]:
    """Everything in a target's folder but what belongs there without a backup."""
    kept = {".lock", "attempts.json", "RESTORE.md"}
    return sorted(entry.name for entry in folder.iterdir() if entry.name not in kept)


# ------------------------------------------------------------------ a clean stop


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    path = make(tmp_path / "app.db")
    with Daemon(tmp_path, {"targets": [{"name": "app", "url": f"sqlite:///{path}"}]}) as daemon:
        began = time.monotonic()
        daemon.signal(number)
        assert daemon.process is not None
        assert daemon.process.wait(10) == 0
        assert time.monotonic() - began < 5
        daemon.event("stopped")
        assert daemon.events("signal received", signal=number.name)
    assert daemon.tracebacks == ""


def test_a_clean_stop_with_frozen_servers_stays_within_ten_seconds(
    tmp_path: Path, private_cluster: Any
) -> None:
    cluster = private_cluster()
    database = cluster.create_database()
    targets = [{"name": "app", "url": database.url(), "probe": {"interval": "60s"}}]
    with Daemon(tmp_path, {"targets": targets}) as daemon:
        daemon.wait_up("app", 1)
        with frozen_cluster(cluster):
            assert daemon.stop(10) == 0
    assert daemon.tracebacks == ""


# ------------------------------------------------------------------ with a backup running


@pytest.fixture
def dumping(tmp_path: Path, cluster: Cluster, database: Database) -> Iterator[Daemon]:
    """A daemon whose pg_dump waits for a lock."""
    targets = [{"name": "app", "url": database.url("owner"), "probe": PROBE, "backup": BACKUP}]
    environment = {"DB_WATCHDOG_PG_BIN": str(bin_dir()), "TMPDIR": str(tmp_path / "tmp")}
    (tmp_path / "tmp").mkdir()
    running = Daemon(tmp_path, {"targets": targets}, environment=environment)
    with locked(cluster, database.name), running as daemon:
        program_below(daemon.pid, "pg_dump")
        yield daemon


def restarted(daemon: Daemon) -> Daemon:
    again = Daemon(daemon.folder, None)
    again._environment = daemon._environment
    again._arguments = daemon._arguments
    return again


def test_a_stop_cancels_a_dump_and_leaves_nothing_of_it(dumping: Daemon, tmp_path: Path) -> None:
    children = descendants(dumping.pid)
    folder = tmp_path / "backups" / "app"
    wait_until(lambda: leftovers(folder), "the dump has begun to write")
    began = time.monotonic()
    assert dumping.stop(10) == 0
    assert time.monotonic() - began < 9
    for child in children:
        wait_gone(child.pid)
    assert leftovers(folder) == []
    assert [each["outcome"] for each in attempts(folder)] == ["cancelled"]
    assert list((tmp_path / "tmp").iterdir()) == [], "a passfile was left"
    assert dumping.tracebacks == ""
    # a stop is no failure of the backup, and what was cut off is due again
    with restarted(dumping) as again:
        labels = {"target": "app"}
        assert again.metric("watchdog_backup_last_attempt_successful", **labels) is None
        assert again.metric("watchdog_backup_recovery_point_timestamp_seconds", **labels) == 0
        assert again.target("app")["backup"]["failure"] is None
        program_below(again.pid, "pg_dump")


def test_a_second_signal_ends_it_at_once(dumping: Daemon) -> None:
    dump = program_below(dumping.pid, "pg_dump")
    # A dump that ignores SIGTERM would take the grace; who asks twice does not wait for it.
    os.kill(dump.pid, signal.SIGSTOP)
    children = descendants(dumping.pid)
    dumping.signal(signal.SIGTERM)
    dumping.event("signal received")
    began = time.monotonic()
    dumping.signal(signal.SIGTERM)
    assert dumping.process is not None
    status = dumping.process.wait(5)
    assert time.monotonic() - began < 1
    assert status in (0, -signal.SIGTERM)
    for child in children:
        wait_gone(child.pid, 1)


def test_a_killed_daemon_leaves_no_dump_and_the_next_one_sweeps(
    dumping: Daemon, tmp_path: Path
) -> None:
    folder = tmp_path / "backups" / "app"
    wait_until(lambda: leftovers(folder), "the dump has begun to write")
    before = leftovers(folder)
    children = descendants(dumping.pid)
    os.kill(dumping.pid, signal.SIGKILL)
    assert dumping.process is not None
    dumping.process.wait(5)
    for child in children:
        wait_gone(child.pid)
    assert leftovers(folder) == before
    # never attempted as far as anybody knows: run_on_start begins anew, and sweeps first
    with restarted(dumping) as again:
        program_below(again.pid, "pg_dump")
        now = wait_until(
            lambda: [n for n in leftovers(folder) if n.endswith(".partial")], "it has begun again"
        )
        assert not set(now) & set(before)
        assert again.get("/api/v1/backups").json() == {"backups": []}


def test_a_stop_cancels_a_copy_of_a_sqlite_file(tmp_path: Path) -> None:
    path = make(tmp_path / "data" / "app.db", megabytes=150)
    targets = [{"name": "app", "url": f"sqlite:///{path}", "backup": BACKUP}]
    folder = tmp_path / "backups" / "app"
    with Daemon(tmp_path, {"targets": targets}, ready=False) as daemon:
        wait_until(
            lambda: folder.is_dir() and any(e.name.endswith(".partial") for e in folder.iterdir()),
            "the copy has begun",
            pause=0.002,
        )
        assert daemon.stop(10) == 0
    assert leftovers(folder) == []
    assert [each["outcome"] for each in attempts(folder)] == ["cancelled"]
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["app.db"]
    assert daemon.tracebacks == ""


# ------------------------------------------------------------------ refusals


def test_every_mistake_is_told_at_once_and_it_ends_with_two(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(
        "listen: nowhere\n"
        "targets:\n"
        "  - {name: Bad Name, url: 'sqlite:///a.db'}\n"
        "  - {name: b, url: 'postgresql://u:hush-Hush@h:port/d', intervall: 5s}\n"
    )
    done = run(tmp_path, "-c", "bad.yaml")
    assert done.returncode == 2
    assert done.stdout == ""
    for place in ("bad.yaml:1:", "bad.yaml:3:", "bad.yaml:4:"):
        assert place in done.stderr
    assert len(done.stderr.strip().splitlines()) >= 4
    assert "hush" not in done.stderr
    assert "Traceback" not in done.stderr


def test_a_named_file_that_is_missing_ends_it_with_two(tmp_path: Path) -> None:
    done = run(tmp_path, "-c", "missing.yaml")
    assert done.returncode == 2
    assert "missing.yaml" in done.stderr
    assert "no such file" in done.stderr


def test_nothing_to_watch_ends_it_with_two(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert done.returncode == 2
    assert "DATABASE_URL" in done.stderr


def test_a_port_that_is_taken_ends_it_with_one(tmp_path: Path) -> None:
    path = make(tmp_path / "app.db")
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        (tmp_path / "watchdog.yaml").write_text(
            f"listen: 127.0.0.1:{port}\ntargets: [{{name: app, url: 'sqlite:///{path}'}}]\n"
        )
        done = run(tmp_path, "-c", "watchdog.yaml")
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert f"127.0.0.1:{port}" in last
    assert "another process" in last
    assert "Traceback" not in done.stderr


# ------------------------------------------------------------------ start


def test_it_listens_on_a_unix_socket_and_takes_it_away_again(tmp_path: Path) -> None:
    path = make(tmp_path / "app.db")
    place = tmp_path / "http.sock"
    targets = [{"name": "app", "url": f"sqlite:///{path}"}]
    with Daemon(tmp_path, {"listen": f"unix:{place}", "targets": targets}, ready=False) as daemon:
        with httpx.Client(transport=httpx.HTTPTransport(uds=str(place))) as client:
            assert client.get("http://socket/healthz").status_code == 200
            assert "watchdog_target_info" in client.get("http://socket/metrics").text
        assert daemon.stop() == 0
    assert not place.exists()


def test_it_tells_each_target_with_its_masked_url_and_where_to_look(
    tmp_path: Path, cluster: Cluster, database: Database
) -> None:
    path = make(tmp_path / "app.db")
    targets = [
        {"name": "pg", "url": database.url()},
        {"name": "lite", "url": f"sqlite:///{path}", "backup": BACKUP},
    ]
    with Daemon(tmp_path, {"targets": targets}) as daemon:
        told = daemon.event("database pg configured")
        assert (told["target"], told["engine"], told["level"]) == ("pg", "postgresql", "info")
        assert told["url"].endswith(f":***@{database.cluster.host}:{cluster.port}/{database.name}")
        assert daemon.event("database lite configured")["url"] == f"sqlite:///{path}"
        ready = daemon.event("ready")
        assert ready["page"] == f"{daemon.url}/"
        assert ready["metrics"] == f"{daemon.url}/metrics"
        assert ready["backups"] == [str(tmp_path / "backups")]
        assert {"timestamp", "level", "event"} <= ready.keys()


def test_without_a_file_the_environment_says_what_is_watched(
    tmp_path: Path, cluster: Cluster, database: Database
) -> None:
    make(tmp_path / "data" / "agent_runtime.db")
    make(tmp_path / "orders.db")
    (tmp_path / ".env").write_text(
        "AGENT_RUNTIME__DB_URL=sqlite:///data/agent_runtime.db\n"
        f"AUTH_SERVICE__DB_URL={database.url()}\n"
        "DATABASE_URL=sqlite:///nowhere.db\n"
        "SHADOW_DATABASE_URL=sqlite:///shadow.db\n"
        "LEGACY_DB_URL=sqlite:///legacy.db\n"
        "DB_WATCHDOG_EXCLUDE=legacy\n"
        "DB_WATCHDOG_LISTEN=127.0.0.1:0\n"
    )
    # the process environment wins over .env
    environment = {"DATABASE_URL": "sqlite:///orders.db"}
    with Daemon(tmp_path, None, environment=environment) as daemon:
        listed = {t["name"]: t for t in daemon.get("/api/v1/targets").json()["targets"]}
        assert set(listed) == {"agent-runtime", "auth-service", "orders"}
        assert listed["agent-runtime"]["up"] is True
        assert listed["auth-service"]["up"] is True
        assert listed["orders"]["url"] == f"sqlite:///{tmp_path}/orders.db"
        notes = " | ".join(line["note"] for line in daemon.events("note"))
        assert "SHADOW_DATABASE_URL is left out" in notes
        assert "LEGACY_DB_URL is left out" in notes
        assert "agent-runtime: found in AGENT_RUNTIME__DB_URL" in notes
        assert "backups are off" in notes
        assert daemon.metric("watchdog_backup_enabled", target="orders") == 0
        assert daemon.event("configuration read")["source"].startswith("environment only")


def test_without_a_file_a_variable_turns_backups_on(tmp_path: Path) -> None:
    make(tmp_path / "orders.db")
    environment = {
        "ORDERS_DB_URL": "sqlite:///orders.db",
        "DB_WATCHDOG_LISTEN": "127.0.0.1:0",
        "DB_WATCHDOG_BACKUP_DIRECTORY": "kept",
    }
    with Daemon(tmp_path, None, environment=environment) as daemon:
        assert daemon.metric("watchdog_backup_enabled", target="orders") == 1
        assert daemon.event("ready")["backups"] == [str(tmp_path / "kept")]


# ------------------------------------------------------------------ readiness


def test_it_is_ready_when_every_target_had_its_first_round_and_says_whom_it_awaits(
    tmp_path: Path, private_cluster: Any
) -> None:
    path = make(tmp_path / "app.db")
    cluster = private_cluster()
    database = cluster.create_database()
    targets = [
        {"name": "frozen", "url": database.url(), "probe": {"interval": "5s", "timeout": "3s"}},
        {"name": "lite", "url": f"sqlite:///{path}", "probe": PROBE},
    ]
    with frozen_cluster(cluster), Daemon(tmp_path, {"targets": targets}, ready=False) as daemon:
        wait_until(lambda: daemon.metric("watchdog_up", target="lite") == 1, "lite is up")
        answer = daemon.get("/readyz")
        assert (answer.status_code, answer.json()["awaited"]) == (503, ["frozen"])
        assert daemon.metric("watchdog_up", target="frozen") is None
        assert daemon.get("/healthz").status_code == 200
        wait_until(lambda: daemon.get("/readyz").status_code == 200, "the deadline passed", 10)
        assert daemon.metric("watchdog_up", target="frozen") == 0


def test_readiness_is_never_revoked_by_a_reload(tmp_path: Path, private_cluster: Any) -> None:
    path = make(tmp_path / "app.db")
    cluster = private_cluster()
    database = cluster.create_database()
    lite = {"name": "lite", "url": f"sqlite:///{path}", "probe": PROBE}
    dead = {"name": "dead", "url": database.url(), "probe": {"interval": "10s", "timeout": "5s"}}
    with frozen_cluster(cluster), Daemon(tmp_path, {"targets": [lite]}) as daemon:
        daemon.configure({"targets": [lite, dead]})
        daemon.signal(signal.SIGHUP)
        daemon.event("configuration reloaded")
        for _ in range(10):
            assert daemon.get("/readyz").status_code == 200
        assert daemon.metric("watchdog_up", target="dead") is None


def test_a_path_that_is_not_utf_8_breaks_no_page(tmp_path: Path) -> None:
    strange = tmp_path / os.fsdecode(b"\xff.db")
    make(strange)
    environment = {"APP_DB_URL": f"sqlite:///{strange}", "DB_WATCHDOG_LISTEN": "127.0.0.1:0"}
    with Daemon(tmp_path, None, environment=environment) as daemon:
        assert daemon.target("app")["up"] is True
        for path in ("/", "/metrics", "/api/v1/targets", "/probe?target=app"):
            assert daemon.get(path).status_code == 200, path
        assert daemon.tracebacks == ""
