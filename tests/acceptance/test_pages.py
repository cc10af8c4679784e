"""What the real daemon serves: metrics that Prometheus takes, exact counters, documents, probes."""

from __future__ import annotations

import gzip
import shutil
import socket
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as openmetrics_families,
)
from prometheus_client.parser import text_string_to_metric_families

from tests.support.daemon import Daemon, wait_until
from tests.support.freeze import frozen_cluster
from tests.support.postgres import Cluster, bin_dir

PROBE = {"interval": "2s", "timeout": "1800ms", "connect_interval": "2s"}
PATIENT = {"interval": "60s", "timeout": "20s", "connect_interval": "60s"}
BACKUP = {"directory": "backups", "schedule": "@every 6h", "run_on_start": True}
OPENMETRICS = {"Accept": "application/openmetrics-text; version=1.0.0, text/plain;q=0.5"}
OBSERVED, DOWN = "watchdog_observed_seconds_total", "watchdog_down_seconds_total"

# Of the whole process: neither of a target nor of a server.
PROCESS = {
    "watchdog_build_info", "watchdog_config_last_reload_successful",
    "watchdog_config_last_reload_success_timestamp_seconds", "watchdog_loop_lag_seconds",
    "watchdog_runner_runs_total", "watchdog_runner_overlaps_total", "watchdog_runner_actions",
    "watchdog_clock_steps_total", "watchdog_web_connections", "watchdog_web_refusals_total",
}  # fmt: skip
TARGET_KEYS = {"name", "engine", "url", "server", "up", "since", "duration_seconds", "failure",
               "hint", "probes"}  # fmt: skip
FAILURE_KEYS = {"kind", "phase", "code", "message"}
HINT_KEYS = {"id", "title", "cause", "steps", "documentation"}
PROBE_KEYS = {"name", "success", "duration_seconds"}
BACKUP_KEYS = {
    "id", "target", "engine", "taken_at", "size_bytes", "sha256", "path", "destination", "outcome",
    "failure", "verified_level", "verified_at", "restored_at", "restore_duration_seconds", "tables",
}  # fmt: skip


def lite(folder: Path, name: str, **more: Any) -> dict[str, Any]:
    path = folder / f"{name}.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("create table t (x)")
    return {"name": name, "url": f"sqlite:///{path}", "probe": PROBE, **more}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pages")


@pytest.fixture(scope="module")
def daemon(folder: Path, cluster: Cluster) -> Iterator[Daemon]:
    """A daemon with everything: two databases of one server, files, a dead one, backups."""
    one, two = cluster.create_database("page_one"), cluster.create_database("page_two")
    targets = [
        {"name": "one", "url": one.url("owner"), "probe": PROBE, "backup": BACKUP},
        {"name": "two", "url": two.url(), "probe": PROBE, "labels": {"team": 'a "b" \\ ü'}},
        lite(folder, "lite", backup=BACKUP),
        {"name": "missing", "url": f"sqlite:///{folder}/nowhere.db", "probe": PROBE},
    ]
    environment = {"DB_WATCHDOG_PG_BIN": str(bin_dir())}
    with Daemon(folder, {"targets": targets}, environment=environment) as running:
        for name in ("one", "lite"):
            wait_until(
                lambda n=name: running.metric("watchdog_backups", target=n) == 1,
                f"{name} is backed up",
            )
        running.wait_up("one", 1)
        running.wait_up("two", 1)
        wait_until(lambda: "watchdog_privileges_ok" in running.get("/metrics").text, "all is asked")
        yield running
        assert running.tracebacks == ""
    cluster.drop_database("page_one")
    cluster.drop_database("page_two")


# ------------------------------------------------------------------ /metrics


def test_both_formats_are_valid_and_say_the_same(daemon: Daemon) -> None:
    text = daemon.get("/metrics")
    opened = daemon.get("/metrics", headers=OPENMETRICS)
    assert text.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert opened.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert opened.text.endswith("# EOF\n")
    names = {s.name for f in text_string_to_metric_families(text.text) for s in f.samples}
    others = {s.name for f in openmetrics_families(opened.text) for s in f.samples}
    assert names == others
    assert len(names) > 60


def test_promtool_has_nothing_to_say(daemon: Daemon) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("needs promtool (package prometheus)")
    done = subprocess.run(
        [promtool, "check", "metrics"],
        input=daemon.get("/metrics").text,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_no_series_is_there_twice_and_each_says_whose_it_is(daemon: Daemon) -> None:
    page = daemon.get("/metrics").text
    lines = [line.rpartition(" ")[0] for line in page.splitlines() if not line.startswith("#")]
    assert [line for line, count in Counter(lines).items() if count > 1] == []
    heads = [line for line in page.splitlines() if line.startswith("# TYPE")]
    assert [head for head, count in Counter(heads).items() if count > 1] == []
    engines = {"one": "postgresql", "two": "postgresql", "lite": "sqlite", "missing": "sqlite"}
    of_servers = set()
    for name, frozen_labels in daemon.metrics():
        labels = dict(frozen_labels)
        if name in PROCESS or not name.startswith("watchdog_"):
            continue
        if "target" in labels:
            assert labels["engine"] == engines[labels["target"]], name
            assert "server" not in labels or name == "watchdog_target_info", name
        else:
            assert labels["engine"] == "postgresql", name
            assert labels["server"], name
            of_servers.add(name)
    # what is asked of a server is there once for its two databases
    assert "watchdog_server_info" in of_servers
    assert {n for n in of_servers if n.startswith("watchdog_postgresql_")}
    assert daemon.metric("watchdog_privileges_ok") == 0


def test_core_metrics_are_there_and_what_is_unknown_is_absent(daemon: Daemon) -> None:
    for name in ("one", "two", "lite"):
        assert daemon.metric("watchdog_up", target=name) == 1
        assert daemon.metric("watchdog_hints", target=name) is not None
        assert daemon.metric(DOWN, target=name) is not None
        assert daemon.metric("watchdog_round_duration_seconds", target=name) is not None
    assert daemon.metric("watchdog_up", target="missing") == 0
    assert daemon.metric("watchdog_failure_active", target="missing", phase="stat") == 1
    assert daemon.metric("watchdog_hint_active", target="missing") == 1
    assert daemon.metric("watchdog_sqlite_pages", target="missing") is None
    assert daemon.metric("watchdog_target_info", target="two", label_team='a "b" \\ ü') == 1
    of_backup = {n for (n, labels) in daemon.metrics() if n.startswith("watchdog_backup")
                 and ("target", "two") in labels}  # fmt: skip
    assert of_backup == {"watchdog_backup_enabled"}
    for name in ("one", "lite"):
        point = daemon.metric("watchdog_backup_recovery_point_timestamp_seconds", target=name)
        assert point is not None
        assert 0 < time.time() - point < 120
        assert daemon.metric("watchdog_backup_interval_seconds", target=name) == 6 * 3600
        following = daemon.metric("watchdog_backup_next_run_timestamp_seconds", target=name)
        assert following is not None
        assert 5.9 * 3600 < following - time.time() < 6.1 * 3600


def test_gzip_is_smaller_and_the_same(daemon: Daemon) -> None:
    with (
        httpx.Client() as client,
        client.stream(
            "GET", daemon.url + "/metrics", headers={"Accept-Encoding": "gzip"}
        ) as answer,
    ):
        assert answer.headers["content-encoding"] == "gzip"
        assert "accept-encoding" in answer.headers["vary"].lower()
        raw = b"".join(answer.iter_raw())
    text = gzip.decompress(raw).decode()
    assert len(raw) < len(text) / 4
    assert {f.name for f in text_string_to_metric_families(text)} >= {"watchdog_up"}
    plain = daemon.get("/metrics", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers


@pytest.mark.parametrize("path", ["/", "/metrics", "/healthz", "/readyz", "/api/v1/targets"])
def test_head_answers_as_get_without_a_body(daemon: Daemon, path: str) -> None:
    with httpx.Client() as client:
        head = client.head(daemon.url + path)
        get = client.get(daemon.url + path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == get.headers["content-type"]


# ------------------------------------------------------------------ availability


def test_availability_is_exact_to_the_event(tmp_path: Path, private_cluster: Any) -> None:
    cluster = private_cluster()
    target = {"name": "app", "url": cluster.create_database().url(), "probe": PROBE}
    with Daemon(tmp_path, {"targets": [target]}) as daemon:
        daemon.wait_up("app", 1)
        assert daemon.metric(DOWN, target="app") == 0
        began, counted = time.monotonic(), daemon.metric(OBSERVED, target="app")
        counting = time.monotonic()
        stopping = time.monotonic()
        cluster.stop("immediate")
        daemon.wait_up("app", 0)
        seen = time.monotonic()
        wait_until(lambda: (daemon.metric(DOWN, target="app") or 0) > 2.5, "it was down a while")
        starting = time.monotonic()
        cluster.start()
        daemon.wait_up("app", 1)
        back = time.monotonic()
        down = daemon.metric(DOWN, target="app")
        assert down is not None
        assert starting - seen <= down <= back - stopping
        # exactly from the one transition to the other, whatever was scraped when
        lost = daemon.events("target down")[0]["timestamp"]
        found = daemon.events("target up")[-1]["timestamp"]
        between = datetime.fromisoformat(found) - datetime.fromisoformat(lost)
        assert abs(down - between.total_seconds()) < 0.5  # a busy machine writes its lines late
        assert abs(down - daemon.events("target up")[-1]["down_seconds_total"]) < 0.06
        time.sleep(2.2)
        assert daemon.metric(DOWN, target="app") == down
        ending = time.monotonic()
        observed, ended = daemon.metric(OBSERVED, target="app"), time.monotonic()
        assert observed is not None
        assert counted is not None
        assert ending - counting <= observed - counted <= ended - began


# ------------------------------------------------------------------ documents


def test_the_documents_have_the_keys_that_programs_rely_on(daemon: Daemon) -> None:
    document = daemon.get("/api/v1/targets").json()
    assert [t["name"] for t in document["targets"]] == ["one", "two", "lite", "missing"]
    for target in document["targets"]:
        assert target.keys() >= TARGET_KEYS
        alone = daemon.get(f"/api/v1/targets/{target['name']}").json()
        assert alone.keys() == target.keys()
        assert {"***", "sqlite:"} & set(target["url"].replace(":", ": ").replace("@", " ").split())
        for probe in target["probes"]:
            assert probe.keys() >= PROBE_KEYS
        datetime.fromisoformat(target["since"])
        assert target["since"].endswith("Z")
    missing = document["targets"][-1]
    assert missing["failure"].keys() >= FAILURE_KEYS
    assert missing["hint"].keys() >= HINT_KEYS
    assert (missing["up"], missing["server"]) == (False, None)
    assert document["targets"][0]["failure"] is None
    backups = daemon.get("/api/v1/backups").json()["backups"]
    assert {b["target"] for b in backups} == {"one", "lite"}
    for backup in backups:
        assert backup.keys() >= BACKUP_KEYS
        assert (backup["outcome"], backup["failure"]) == ("ok", None)
    taken = [backup["taken_at"] for backup in backups]
    assert taken == sorted(taken, reverse=True)
    assert daemon.get("/api/v1/targets/nobody").status_code == 404


def test_the_page_names_every_target_and_the_steps_of_a_hint(daemon: Daemon) -> None:
    page = daemon.get("/")
    assert page.headers["content-type"].startswith("text/html")
    for name in ("one", "two", "lite", "missing"):
        assert f">{name}<" in page.text
    hint = daemon.target("missing")["hint"]
    assert hint["title"] in page.text


# ------------------------------------------------------------------ /probe


@pytest.mark.parametrize("name", ["one", "two", "lite", "missing"])
def test_a_probe_on_demand_is_a_valid_page_without_the_target_s_name(
    daemon: Daemon, name: str
) -> None:
    answer = daemon.get("/probe", params={"target": name}, headers=OPENMETRICS)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    samples = [s for f in text_string_to_metric_families(answer.text) for s in f.samples]
    assert not any("target" in sample.labels for sample in samples)
    (up,) = [s.value for s in samples if s.name == "watchdog_up"]
    assert up == (name != "missing")
    series = [(s.name, frozenset(s.labels.items())) for s in samples]
    assert len(series) == len(set(series))
    if name in ("one", "two"):
        (pg_up,) = [s.value for s in samples if s.name == "pg_up"]
        assert pg_up == 1


def test_a_probe_of_nobody_is_not_found(daemon: Daemon) -> None:
    assert daemon.get("/probe?target=nobody").status_code == 404
    assert daemon.get("/probe").status_code == 400


def test_a_probe_answers_within_the_scrape_s_timeout_whatever_hangs(
    tmp_path: Path, private_cluster: Any
) -> None:
    cluster = private_cluster()
    file = tmp_path / "locked.db"
    targets = [
        {"name": "frozen", "url": cluster.create_database().url(), "probe": PATIENT},
        lite(tmp_path, "locked", probe=PATIENT),
    ]
    # Far from the targets' own timeout, and not too near for a busy machine.
    header = {"X-Prometheus-Scrape-Timeout-Seconds": "6"}
    with (
        Daemon(tmp_path, {"targets": targets}) as daemon,
        frozen_cluster(cluster),
        closing(sqlite3.connect(file, isolation_level=None)) as writer,
    ):
        writer.execute("begin exclusive")
        for name in ("frozen", "locked"):
            began = time.monotonic()
            answer = daemon.get("/probe", params={"target": name}, headers=header)
            took = time.monotonic() - began
            assert took < 6, f"{name} took {took:.2f} s"
            assert answer.status_code == 200
            samples = [s for f in text_string_to_metric_families(answer.text) for s in f.samples]
            assert [s.value for s in samples if s.name == "watchdog_up"] == [0]
        began = time.monotonic()
        assert daemon.get("/metrics").status_code == 200
        assert time.monotonic() - began < 5  # a visit of either would take 20 s
        writer.execute("rollback")


def test_many_probes_at_once_are_one_visit(daemon: Daemon) -> None:
    before = daemon.metric("watchdog_runner_runs_total", lane="probes") or 0
    address = daemon.url.removeprefix("http://").split(":")
    request = b"GET /probe?target=lite HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    sockets = [socket.create_connection((address[0], int(address[1]))) for _ in range(30)]
    for each in sockets:
        each.sendall(request)
    for each in sockets:
        with each:
            assert b"watchdog_up" in b"".join(iter(lambda e=each: e.recv(65536), b""))
    runs = (daemon.metric("watchdog_runner_runs_total", lane="probes") or 0) - before
    assert runs < 25
