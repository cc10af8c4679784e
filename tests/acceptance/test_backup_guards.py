"""Pauses, suspect databases, objectives and retention, as a person and a script meet them."""

from __future__ import annotations

import json
import re
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.support.daemon import Daemon, clean_environment, wait_until
from watchdog.cli import cli
from watchdog.errors import UsageError

CONFIGURATION = """\
listen: 127.0.0.1:0
defaults:
  backup: {directory: backups, schedule: "0 3 * * *", timezone: Europe/Berlin}
targets:
  - name: app
    url: sqlite:///app.db
    backup: {keep: {last: 3}, objectives: {rpo: 6h, rto: 15m}}
  - {name: other, url: sqlite:///other.db}
"""


def make(path: Path, tables: int) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for number in range(tables):
            connection.execute(f"create table t{number} (x)")


class House:
    """A folder with a configuration and two databases, and commands in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "watchdog.yaml").write_text(CONFIGURATION)
        make(folder / "app.db", 8)
        make(folder / "other.db", 1)

    def run(self, *arguments: str, expect: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "watchdog", *arguments],
            cwd=self.folder,
            env=clean_environment(
                DB_WATCHDOG_CONFIG=str(self.folder / "watchdog.yaml"),
                DB_WATCHDOG_STATE_DIRECTORY=str(self.folder / "state"),
            ),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == expect, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout if not expect else done.stdout + done.stderr

    def document(self, *arguments: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.run(*arguments, "--json"))
        return found

    def standing(self, name: str) -> dict[str, Any]:
        found: dict[str, Any]
        (found,) = self.document("backups", name)["targets"]
        return found


def daemon_of(house: House) -> Daemon:
    file = str(house.folder / "watchdog.yaml")
    return Daemon(house.folder, None, environment={"DB_WATCHDOG_CONFIG": file})


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_what_would_be_lost_is_measured_against_the_objectives(house: House) -> None:
    before = house.standing("app")
    assert (before["everything"], before["lost_seconds"]) == (True, None)
    assert before["objectives"] == {
        "rpo_seconds": 21600.0,
        "rpo_met": False,
        "rto_seconds": 900.0,
        "rto_met": None,
    }
    house.run("backup", "app")
    after = house.standing("app")
    assert after["everything"] is False
    assert 0 <= after["lost_seconds"] < 600
    assert (after["back_seconds"], after["objectives"]["rto_met"]) == (None, None)
    assert after["objectives"]["rpo_met"] is True
    # Backups of a target that is configured no more are listed as such, and stay.
    file = house.folder / "watchdog.yaml"
    file.write_text(CONFIGURATION.replace("name: app", "name: renamed"))
    text = house.run("backups")
    assert "its target is configured no more: retention leaves it alone" in text
    assert "renamed: everything would be lost now" in text
    assert "rpo is missed (6 h)" in text
    house.run("prune")
    found = house.document("backups")
    assert found["orphans"] == ["app"]
    assert [backup["target"] for backup in found["backups"]] == ["app"]


def test_a_running_daemon_takes_notice_of_what_is_suspect_accepted_and_paused(
    house: House,
) -> None:
    house.run("backup", "app")
    point = house.standing("app")["recovery_point"]
    (house.folder / "app.db").rename(house.folder / "app.right")
    make(house.folder / "app.db", 2)
    told = house.run("backup", "app")
    assert "is held apart" in told
    assert "it has 2 tables, it had 8" in told
    with daemon_of(house) as daemon:

        def look(name: str) -> float | None:
            daemon.signal(signal.SIGHUP)  # one of its own comes within a minute
            time.sleep(0.2)
            return daemon.metric(name, target="app")

        assert daemon.metric("watchdog_backup_suspect", target="app") == 1
        labels = {"target": "app", "hint": "different_database"}
        assert daemon.metric("watchdog_hint_active", **labels) == 1
        assert "Another database answers" in daemon.get("/").text
        assert daemon.target("app")["backup"]["recovery_point"] == point
        shown = house.run("backups", "app")
        assert "held apart: it has 2 tables, it had 8" in shown
        assert "db-watchdog accept app" in shown
        accepted = house.document("accept", "app")["accepted"]
        assert [backup["held"] for backup in accepted] == [False]
        instructions = (house.folder / "backups" / "app" / "RESTORE.md").read_text()
        assert f"- backup: `{accepted[0]['id']}.sqlite`" in instructions
        wait_until(lambda: look("watchdog_backup_suspect") == 0, "it is accepted")
        assert daemon.metric("watchdog_hint_active", **labels) == 0
        assert daemon.target("app")["backup"]["recovery_point"] > point
        house.run("pause", "app", "--for", "90m", "--reason", "moving a disk")
        until = "watchdog_backup_paused_until_timestamp_seconds"
        wait_until(lambda: look(until), "it is paused")
        for name, more, value in (
            ("watchdog_backup_objective_seconds", {"objective": "rpo"}, 21600),
            ("watchdog_backup_objective_met", {"objective": "rpo"}, 1),
            ("watchdog_backup_skipped_total", {"reason": "paused"}, 0),
        ):
            assert daemon.metric(name, target="app", **more) == value, name
        assert daemon.stop() == 0
    assert daemon.tracebacks == ""
    # The pause outlives a restart.
    with daemon_of(house) as daemon:
        paused = daemon.metric(until, target="app")
        assert paused is not None
        assert paused > time.time() + 3600
        assert daemon.target("app")["backup"]["pause_reason"] == "moving a disk"
        assert "paused for" in daemon.get("/").text
    assert house.standing("app")["paused"]["reason"] == "moving a disk"
    house.run("resume", "app")
    assert house.standing("app")["paused"] is None
    assert "nothing is held apart" in house.run("accept", "app", expect=1)


def test_a_pause_is_noted_with_us_while_the_destination_is_not_there(house: House) -> None:
    told = house.run("pause", "app", "other", "--until", "2026-01-01T03:00", expect=2)
    assert "a pause ends in the future, and within a year" in told
    told = house.run("pause", "app", "other", "--for", "1h")
    assert told.count("backups are paused until") == 2
    assert "the destination is not there: noted in" in told
    assert not (house.folder / "backups").exists()
    assert house.standing("app")["paused"] is not None
    (again,) = house.document("pause", "app", "--for", "2h", "--reason", "why")["pauses"]
    assert (again["target"], again["reason"], again["failure"]) == ("app", "why", None)
    assert Path(again["path"]).parent == house.folder / "state" / "pauses"
    assert house.run("resume", "app", "other").count("backups go on") == 2
    (house.folder / "state").rename(house.folder / "aside")
    (house.folder / "state").write_text("")
    told = house.run("pause", "app", "--for", "1h", expect=1)
    assert "pauses of app cannot be written down, so nothing has changed" in told
    assert str(house.folder / "state") in told
    assert "for the backup of" not in told


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["pause", "app"], "either --for DURATION or --until TIME"),
        (["pause", "app", "--for", "1h", "--until", "2027-01-01"], "either --for DURATION"),
        (["pause", "app", "--for", "800d"], "within a year"),
        (["pause", "app", "--for", "soon"], "--for soon"),
        (["pause", "app", "--until", "soon"], "write a time like"),
        (["pause", "nope", "--for", "1h"], "unknown target nope"),
        (["resume", "nope"], "unknown target nope"),
        (["accept", "nope"], "unknown target nope"),
    ],
)
def test_mistakes_are_explained(house: House, arguments: list[str], says: str) -> None:
    file = str(house.folder / "watchdog.yaml")
    with pytest.raises(UsageError, match=re.escape(says)):
        cli.main([arguments[0], "-c", file, *arguments[1:]], standalone_mode=False)
