"""Reading the configuration again in a running daemon, by SIGHUP and by HTTP: all or nothing."""

from __future__ import annotations

import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.support.daemon import Daemon, wait_until
from tests.support.locks import locked
from tests.support.postgres import Cluster, bin_dir
from tests.support.processes import program_below, wait_gone

PROBE = {"interval": "500ms", "timeout": "400ms", "connect_interval": "1s"}
# A busy machine must not read as a database that is down.
PATIENT = {"interval": "6s", "timeout": "5s", "connect_interval": "6s"}
SLOW = {"interval": "10s", "timeout": "2s", "connect_interval": "10s"}
SUCCESSFUL = "watchdog_config_last_reload_successful"
SUCCEEDED_AT = "watchdog_config_last_reload_success_timestamp_seconds"
OBSERVED = "watchdog_observed_seconds_total"

Target = dict[str, Any]


def lite(folder: Path, name: str, **more: Any) -> Target:
    path = folder / f"{name}.db"
    if not path.exists():
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("create table t (x)")
    return {"name": name, "url": f"sqlite:///{path}", "probe": PROBE, **more}


def reload(daemon: Daemon, *targets: Target, **rest: Any) -> None:
    """Reload by SIGHUP and wait until the daemon says that it has."""
    before = len(daemon.events("configuration reloaded"))
    daemon.configure({"targets": list(targets), **rest})
    daemon.signal(signal.SIGHUP)
    wait_until(
        lambda: len(daemon.events("configuration reloaded")) > before,
        f"it is reloaded\n{daemon.log}",
    )


def pages(daemon: Daemon) -> str:
    paths = ("/metrics", "/", "/api/v1/targets", "/api/v1/backups", "/healthz", "/readyz")
    return "\n".join(daemon.get(path).text for path in paths)


def sessions(cluster: Cluster) -> set[int]:
    """The daemon's sessions that stay: each visit's own comes and goes."""
    rows = cluster.sql(
        "select pid from pg_stat_activity where application_name = 'db-watchdog'"
        " and backend_start < clock_timestamp() - interval '300 ms'"
    )
    return {int(row) for row in rows.split()}


def held(cluster: Cluster) -> int:
    """Wait for the one held session on a server and return its backend."""
    (pid,) = wait_until(lambda: found if len(found := sessions(cluster)) == 1 else None, "it holds")
    return int(pid)


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    with Daemon(
        tmp_path, {"targets": [lite(tmp_path, "alder"), lite(tmp_path, "birch")]}
    ) as running:
        yield running
        assert running.tracebacks == ""


# ------------------------------------------------------------------ all or nothing


def test_a_bad_file_changes_nothing_but_the_gauge(daemon: Daemon, tmp_path: Path) -> None:
    assert daemon.metric(SUCCESSFUL) == 1
    succeeded_at = daemon.metric(SUCCEEDED_AT)
    good = daemon.file.read_text()
    # One good new target, one bad one: nothing of it is taken.
    three = lite(tmp_path, "three")
    bad = lite(tmp_path, "four", probe={"interval": "soon"})
    daemon.configure({"targets": [three, bad]})
    daemon.signal(signal.SIGHUP)
    told = daemon.event("configuration not reloaded, the last good one stays")
    assert any("watchdog.yaml:" in mistake and "soon" in mistake for mistake in told["mistakes"])
    assert daemon.metric(SUCCESSFUL) == 0
    assert daemon.metric(SUCCEEDED_AT) == succeeded_at
    assert {t["name"] for t in daemon.get("/api/v1/targets").json()["targets"]} == {
        "alder",
        "birch",
    }
    assert daemon.get("/readyz").status_code == 200
    wait_until(lambda: "soon" in daemon.get("/").text, "the page tells it")
    assert "The one from before stands" in daemon.get("/").text
    assert not (tmp_path / "three.db-wal").exists()
    time.sleep(1.1)  # the two go on meanwhile
    last = daemon.metric("watchdog_probe_last_run_timestamp_seconds", target="alder", probe="pages")
    assert last is not None
    assert time.time() - last < 3
    daemon.file.write_text(good)
    daemon.signal(signal.SIGHUP)
    daemon.event("configuration reloaded")
    assert daemon.metric(SUCCESSFUL) == 1
    assert daemon.metric(SUCCEEDED_AT) > (succeeded_at or 0)
    wait_until(lambda: "The one from before" not in daemon.get("/").text, "the page is calm again")


def test_a_file_that_has_gone_changes_nothing(daemon: Daemon) -> None:
    daemon.file.unlink()
    daemon.signal(signal.SIGHUP)
    daemon.event("configuration not reloaded, the last good one stays")
    assert daemon.metric(SUCCESSFUL) == 0
    assert daemon.metric("watchdog_up", target="alder") == 1


def test_many_signals_at_once_are_survived(daemon: Daemon, tmp_path: Path) -> None:
    for number in range(20):
        targets = [lite(tmp_path, "alder"), *[lite(tmp_path, f"n{number}")][: number % 2]]
        daemon.configure({"targets": targets})
        daemon.signal(signal.SIGHUP)
    reload(daemon, lite(tmp_path, "alder"), lite(tmp_path, "last"))
    daemon.wait_up("last", 1)
    assert {t["name"] for t in daemon.get("/api/v1/targets").json()["targets"]} == {"alder", "last"}


# ------------------------------------------------------------------ over HTTP


def test_over_http_it_is_off_unless_enabled(daemon: Daemon, tmp_path: Path) -> None:
    answer = daemon.post("/-/reload")
    assert answer.status_code == 403
    assert "SIGHUP" in answer.text
    assert daemon.events("configuration reloaded") == []
    reload(daemon, lite(tmp_path, "alder"), web={"reload": True})
    daemon.configure({"targets": [lite(tmp_path, "three")], "web": {"reload": True}})
    answer = daemon.post("/-/reload")
    assert (answer.status_code, daemon.metric(SUCCESSFUL)) == (200, 1)
    assert {t["name"] for t in daemon.get("/api/v1/targets").json()["targets"]} == {"three"}
    daemon.configure({"targets": [lite(tmp_path, "three", intervall="5s")]})
    answer = daemon.post("/-/reload")
    assert answer.status_code == 500
    assert "intervall" in answer.text
    assert "watchdog.yaml:" in answer.text
    assert daemon.metric(SUCCESSFUL) == 0
    # and it can be turned off again
    daemon.configure({"targets": [lite(tmp_path, "three")]})
    assert daemon.post("/-/reload").status_code == 200
    assert daemon.post("/-/reload").status_code == 403
    assert daemon.get("/-/reload").status_code == 405


# ------------------------------------------------------------------ what comes and goes


def test_an_added_target_appears_and_a_removed_one_is_gone_from_everywhere(
    daemon: Daemon, tmp_path: Path
) -> None:
    daemon.wait_up("birch", 1)
    assert "birch" in pages(daemon)
    reload(daemon, lite(tmp_path, "alder"), lite(tmp_path, "added-one"))
    # the status page is kept for a second
    wait_until(lambda: "birch" not in pages(daemon), "it is gone from every page", 3)
    assert daemon.get("/api/v1/targets/birch").status_code == 404
    assert daemon.get("/probe?target=birch").status_code == 404
    daemon.wait_up("added-one", 1)
    assert daemon.event("database added-one configured")
    for path in ("/metrics", "/", "/api/v1/targets"):
        assert "added-one" in daemon.get(path).text
    for _ in range(5):  # nothing under way brings it back
        time.sleep(0.2)
        assert 'target="birch"' not in daemon.get("/metrics").text


def test_unchanged_targets_keep_their_counters_and_changed_urls_start_afresh(
    daemon: Daemon, tmp_path: Path
) -> None:
    wait_until(lambda: (daemon.metric(OBSERVED, target="birch") or 0) > 1.5, "it has been observed")
    before = daemon.metric(OBSERVED, target="alder")
    began = time.monotonic()
    elsewhere = lite(tmp_path, "elsewhere")
    reload(daemon, lite(tmp_path, "alder"), {**elsewhere, "name": "birch"})
    wait_until(lambda: daemon.metric(OBSERVED, target="birch") is not None, "two is looked at")
    after, afresh = daemon.metric(OBSERVED, target="alder"), daemon.metric(OBSERVED, target="birch")
    passed = time.monotonic() - began
    assert before is not None
    assert after is not None
    assert before < after < before + passed + 0.5
    assert afresh is not None
    assert afresh < passed + 0.5
    assert daemon.target("birch")["url"].endswith("elsewhere.db")


def test_a_target_whose_settings_change_keeps_its_counters(daemon: Daemon, tmp_path: Path) -> None:
    wait_until(lambda: (daemon.metric(OBSERVED, target="alder") or 0) > 1, "it has been observed")
    reload(daemon, lite(tmp_path, "alder", labels={"team": "new"}, probe=SLOW))
    assert (daemon.metric(OBSERVED, target="alder") or 0) > 1
    assert daemon.metric("watchdog_target_info", target="alder", label_team="new") == 1
    assert daemon.metric("watchdog_up", target="alder") == 1


def test_the_held_session_of_an_unchanged_server_stays_and_a_removed_one_s_is_closed(
    tmp_path: Path, private_cluster: Any
) -> None:
    kept, gone = private_cluster(), private_cluster()
    stays = {"name": "stays", "url": kept.create_database().url(), "probe": PROBE}
    goes = {"name": "goes", "url": gone.create_database().url(), "probe": PROBE}
    with Daemon(tmp_path, {"targets": [stays, goes]}) as daemon:
        daemon.wait_up("stays", 1)
        daemon.wait_up("goes", 1)
        session, other = held(kept), held(gone)
        assert other
        reload(daemon, stays, lite(tmp_path, "added"))
        wait_until(lambda: not sessions(gone), "the removed server's session is closed", 3)
        assert held(kept) == session
        time.sleep(0.8)
        assert sessions(gone) == set(), "somebody still looks at what was removed"
        assert f":{gone.port}" not in pages(daemon)
        assert daemon.events("session lost, looking at once") == []
        assert daemon.tracebacks == ""


def test_another_target_on_a_server_leaves_its_counters_and_holds_one_session(
    tmp_path: Path, private_cluster: Any
) -> None:
    cluster = private_cluster()
    one = {"name": "alder", "url": cluster.create_database().url(), "probe": PATIENT}
    two = {"name": "birch", "url": cluster.create_database().url(), "probe": PATIENT}
    with Daemon(tmp_path, {"targets": [one]}) as daemon:
        daemon.wait_up("alder", 1)
        session = held(cluster)
        wait_until(lambda: (daemon.metric(OBSERVED, target="alder") or 0) > 1, "it is observed")
        reload(daemon, one, two)
        daemon.wait_up("birch", 1)
        assert daemon.metric("watchdog_up", target="alder") == 1
        assert (daemon.metric(OBSERVED, target="alder") or 0) > 1
        assert held(cluster)
        assert daemon.events("target down") == []
        reload(daemon, one)
        assert daemon.metric("watchdog_up", target="alder") == 1
        assert held(cluster)
        assert daemon.metric("watchdog_up", target="birch") is None
        assert session


def test_the_language_changes(tmp_path: Path) -> None:
    missing = {"name": "gone", "url": f"sqlite:///{tmp_path}/nowhere.db", "probe": PROBE}
    with Daemon(tmp_path, {"targets": [missing]}) as daemon:
        daemon.wait_up("gone", 0)
        english = daemon.target("gone")["hint"]["title"]
        assert english.isascii()
        reload(daemon, missing, log={"language": "ru"})
        russian = daemon.target("gone")["hint"]["title"]
        assert any("а" <= letter <= "я" for letter in russian.lower())
        wait_until(lambda: 'lang="ru"' in daemon.get("/").text, "the page speaks Russian", 3)


# ------------------------------------------------------------------ backups


def test_a_reload_cancels_the_running_backup_of_a_removed_target_alone(
    tmp_path: Path, cluster: Cluster
) -> None:
    database = cluster.create_database()
    backup = {"directory": "backups", "schedule": "@every 6h", "run_on_start": True}
    dumped = {"name": "dumped", "url": database.url("owner"), "probe": SLOW, "backup": backup}
    environment = {"DB_WATCHDOG_PG_BIN": str(bin_dir())}
    daemon = Daemon(tmp_path, {"targets": [dumped]}, environment=environment)
    try:
        with locked(cluster, database.name), daemon:
            dump = program_below(daemon.pid, "pg_dump")
            reload(daemon, dumped, lite(tmp_path, "added"))
            time.sleep(0.3)
            assert program_below(daemon.pid, "pg_dump").pid == dump.pid
            assert daemon.target("dumped")["backup"]["running_since"] is not None
            reload(daemon, lite(tmp_path, "added"))
            wait_gone(dump.pid)
            left = [entry.name for entry in (tmp_path / "backups" / "dumped").iterdir()]
            assert [name for name in left if "partial" in name] == []
            assert "watchdog_backup_last" not in daemon.get("/metrics").text
            assert daemon.get("/api/v1/targets/dumped").status_code == 404
            assert daemon.tracebacks == ""
            # taken up again, it is due again and begins anew
            reload(daemon, dumped)
            assert program_below(daemon.pid, "pg_dump").pid != dump.pid
    finally:
        cluster.drop_database(database.name)


def test_backups_turned_off_and_on_again(tmp_path: Path) -> None:
    backup = {"directory": "backups", "schedule": "@every 6h", "run_on_start": True}
    on = lite(tmp_path, "app", backup=backup)
    off = lite(tmp_path, "app", backup=False)
    labels = {"target": "app"}
    with Daemon(tmp_path, {"targets": [on]}) as daemon:
        wait_until(lambda: daemon.metric("watchdog_backups", **labels) == 1, "it is backed up")
        taken = daemon.metric("watchdog_backup_recovery_point_timestamp_seconds", **labels)
        reload(daemon, off)
        assert daemon.metric("watchdog_backup_enabled", **labels) == 0
        assert daemon.metric("watchdog_backups", **labels) is None
        reload(daemon, on)
        assert daemon.metric("watchdog_backup_enabled", **labels) == 1
        assert daemon.metric("watchdog_backups", **labels) == 1
        point = daemon.metric("watchdog_backup_recovery_point_timestamp_seconds", **labels)
        assert point == taken
        assert daemon.metric(OBSERVED, **labels)


def test_a_failure_of_the_last_backup_is_told_as_past_once_the_url_is_mended(
    tmp_path: Path,
) -> None:
    backup = {"directory": "backups", "schedule": "@every 6h", "objectives": {"rpo": "12h"}}
    right = lite(tmp_path, "app", backup=backup)
    eager = {**backup, "run_on_start": True}
    wrong = {**right, "url": f"sqlite:///{tmp_path}/nowhere/app.db", "backup": eager}
    with Daemon(tmp_path, {"targets": [wrong]}) as daemon:
        daemon.event("backup failed", hint="sqlite_cantopen_missing_dir")
        reload(daemon, right)
        daemon.wait_up("app", 1)
        told = daemon.event("trouble", hint="backup_failed")
        assert "the last backup of app, at " in told["message"]
        assert any("`db-watchdog backup app`" in step for step in told["steps"])
        active = {
            labels
            for (name, labels), value in daemon.metrics().items()
            if name == "watchdog_hint_active" and value
        }
        assert {dict(labels)["hint"] for labels in active} == {"backup_failed", "no_backup_yet"}
