"""The wall clock is set by an hour while the daemon runs; nothing but the clock changes."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.daemon import Daemon, wait_until
from tests.support.postgres import Cluster

LIBRARY = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")
LIBRARIES = (LIBRARY, *Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))

INTERVAL = 4.0
PROBE = {"interval": "4s", "timeout": "3900ms", "connect_interval": "4s"}
HOUR = 3600.0
SLOW_CLIENT = {"timeout": 30}  # each look at the clock reads a file there
OBSERVED = "watchdog_observed_seconds_total"
DOWN = "watchdog_down_seconds_total"
RUNS = "watchdog_runner_runs_total"


class Wall:
    """The wall clock that the daemon sees; the monotonic one is the machine's."""

    def __init__(self, folder: Path) -> None:
        library = next((path for path in LIBRARIES if path.exists()), None)
        if library is None:
            pytest.skip("setting the clock needs libfaketime (package faketime)")
        self._file = folder / "wall-clock"
        self.set(0)
        self.environment = {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def set(self, seconds: float) -> None:
        """Show the real time and *seconds* more."""
        self.offset = seconds
        scratch = self._file.with_suffix(".new")
        scratch.write_text(f"{seconds:+.0f}\n")
        scratch.replace(self._file)

    def now(self) -> float:
        return time.time() + self.offset


@pytest.fixture
def wall(tmp_path: Path) -> Wall:
    return Wall(tmp_path)


@pytest.fixture
def start(tmp_path: Path, wall: Wall) -> Iterator[Callable[..., Daemon]]:
    running: list[Daemon] = []

    def begin(*targets: dict[str, Any]) -> Daemon:
        daemon = Daemon(
            tmp_path, {"targets": list(targets)}, environment=wall.environment, client=SLOW_CLIENT
        )
        daemon.start()
        running.append(daemon)
        return daemon

    yield begin
    for daemon in running:
        daemon.kill()
        # Not `tracebacks`: the library breaks time.sleep, which only the way out uses.
        assert [line for line in daemon.lines if "exception" in line] == []


def lite(folder: Path, name: str, **more: Any) -> dict[str, Any]:
    path = folder / f"{name}.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("create table t (x)")
    return {"name": name, "url": f"sqlite:///{path}", "probe": PROBE, **more}


def runs(daemon: Daemon) -> float:
    found = daemon.metric(RUNS, lane="probes")
    assert found is not None
    return found


def stepped(daemon: Daemon) -> float:
    return daemon.metric("watchdog_clock_steps_total") or 0.0


@pytest.mark.parametrize("step", [HOUR, -HOUR])
def test_probes_go_on_at_their_interval_and_availability_stays_exact(
    start: Callable[..., Daemon], wall: Wall, tmp_path: Path, cluster: Cluster, step: float
) -> None:
    database = cluster.create_database()
    remote = {"name": "remote", "url": database.url(), "probe": PROBE}
    daemon = start(lite(tmp_path, "app"), remote)
    daemon.wait_up("app", 1)
    daemon.wait_up("remote", 1)
    assert stepped(daemon) == 0
    # The first visit reads much, and every stat of it the library's file: it may be late.
    down = {name: daemon.metric(DOWN, target=name) for name in ("app", "remote")}
    began = time.monotonic()
    observed, counting = daemon.metric(OBSERVED, target="app"), time.monotonic()
    wall.set(step)
    wait_until(lambda: stepped(daemon) == 1, "the step is noticed")
    assert abs(daemon.event("the wall clock was set")["step_seconds"] - step) < 5
    counted, since = runs(daemon), time.monotonic()
    wait_until(lambda: runs(daemon) >= counted + 8, "probes go on")  # two visits, one server
    more, seconds = runs(daemon) - counted, time.monotonic() - since
    rounds = seconds / INTERVAL * 3
    assert more <= 1.3 * rounds + 3, f"{more} runs, expected {rounds:.0f}"
    last = daemon.metric("watchdog_probe_last_run_timestamp_seconds", target="app", probe="pages")
    assert last is not None
    assert abs(wall.now() - last) < 4 * INTERVAL + 1
    ending = time.monotonic()
    after, ended = daemon.metric(OBSERVED, target="app"), time.monotonic()
    assert after is not None
    assert observed is not None
    assert ending - counting <= after - observed <= ended - began
    for name in ("app", "remote"):
        assert daemon.metric("watchdog_up", target=name) == 1
        assert daemon.metric(DOWN, target=name) == down[name], daemon.events("target down")
    assert daemon.get("/healthz").status_code == 200
    # and back again
    wall.set(0)
    wait_until(lambda: stepped(daemon) == 2, "the step back is noticed")
    assert daemon.stop(30) == 0


@pytest.mark.parametrize("step", [HOUR, -HOUR])
def test_no_backup_storm_and_the_next_slot_is_found_anew(
    start: Callable[..., Daemon], wall: Wall, tmp_path: Path, step: float
) -> None:
    every = {"directory": "backups", "schedule": "@every 30m", "run_on_start": True}
    hourly = {"directory": "backups", "schedule": "@every 3h", "run_on_start": True}
    daemon = start(
        lite(tmp_path, "often", backup=every),
        lite(tmp_path, "seldom", backup=hourly),
    )
    for name in ("often", "seldom"):
        wait_until(lambda n=name: taken(daemon, n) == 1, f"{name} is backed up")
    wall.set(step)
    wait_until(lambda: stepped(daemon) == 1, "the step is noticed")
    time.sleep(2.5)
    assert taken(daemon, "often") <= 2  # its slot has passed, once, if the clock went forward
    assert taken(daemon, "seldom") == 1
    for name, period in (("often", 1800), ("seldom", 3 * HOUR)):
        following = daemon.metric("watchdog_backup_next_run_timestamp_seconds", target=name)
        assert following is not None
        # neither in the past nor later than its period from now
        assert wall.now() - 5 < following <= wall.now() + period + 5, (name, following)
        sealed = list((tmp_path / "backups" / name).glob("*.manifest.json"))
        assert len(sealed) == taken(daemon, name)
    wall.set(0)
    wait_until(lambda: stepped(daemon) == 2, "the step back is noticed")
    time.sleep(1)
    assert taken(daemon, "often") <= 2
    assert taken(daemon, "seldom") == 1


def taken(daemon: Daemon, name: str) -> float:
    return daemon.metric("watchdog_backup_runs_total", target=name) or 0.0


def test_a_cron_slot_that_the_clock_jumps_onto_runs_once(
    start: Callable[..., Daemon], wall: Wall, tmp_path: Path
) -> None:
    slot = datetime.fromtimestamp(time.time() + HOUR, tz=UTC).replace(second=0, microsecond=0)
    schedule = f"{slot.minute} {slot.hour} * * *"
    backup = {"directory": "backups", "schedule": schedule}
    daemon = start(lite(tmp_path, "app", backup=backup))
    following = daemon.metric("watchdog_backup_next_run_timestamp_seconds", target="app")
    assert following == slot.timestamp()
    assert taken(daemon, "app") == 0
    wall.set(round(slot.timestamp() - time.time()) - 3)
    wait_until(lambda: taken(daemon, "app") == 1, "the slot has come")
    time.sleep(2)
    assert taken(daemon, "app") == 1
    attempts = json.loads((tmp_path / "backups" / "app" / "attempts.json").read_text())["attempts"]
    assert [each["outcome"] for each in attempts] == ["ok"]


def test_a_slot_that_the_clock_jumps_over_is_not_lost(
    start: Callable[..., Daemon], wall: Wall, tmp_path: Path
) -> None:
    slot = datetime.fromtimestamp(time.time() + HOUR, tz=UTC).replace(second=0, microsecond=0)
    schedule = f"{slot.minute} {slot.hour} * * *"
    daemon = start(lite(tmp_path, "app", backup={"directory": "backups", "schedule": schedule}))
    wall.set(HOUR + 120)
    wait_until(lambda: stepped(daemon) == 1, "the step is noticed")

    def is_made_up_for() -> bool:
        following = daemon.metric("watchdog_backup_next_run_timestamp_seconds", target="app")
        assert following is not None
        return taken(daemon, "app") == 1 or wall.now() < following < wall.now() + 700

    wait_until(is_made_up_for, "the slot is made up for")
