"""``check-config`` and ``schema`` as a user runs them."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

GOOD = """\
defaults:
  backup: {directory: backups, schedule: "@every 6h"}
targets:
  - name: agent-runtime
    url: ${AGENT_RUNTIME__DB_URL:-sqlite:///agent.db}
  - name: auth-service
    url: sqlite:///auth.db
    backup: false
"""
BAD = """\
listen: 10187
defaults:
  probe: {intervall: 15s}
targets:
  - name: agent-runtime
    url: postgresql://u:hunter2hush@h:port/d
  - name: auth-service
    url: ${AUTH_SERVICE__DB_URL}
"""
FORM = "postgresql://USER:PASSWORD@HOST:PORT/DATABASE"


def run(folder: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "watchdog", *arguments],
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "HOME": str(folder),
            **environ,
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config").mkdir()
    return tmp_path


def write(folder: Path, text: str) -> None:
    (folder / "config/watchdog.yaml").write_text(text)


def test_a_good_configuration_is_summed_up(folder: Path) -> None:
    write(folder, GOOD)
    done = run(
        folder,
        "check-config",
        AGENT_RUNTIME__DB_URL="postgresql+asyncpg://codelab:hunter2hush@postgres/agent_runtime",
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{folder}/config/watchdog.yaml: good" in done.stdout
    assert "postgresql://codelab:***@postgres:5432/agent_runtime" in done.stdout
    assert f"@every 6h to {folder}/backups" in done.stdout
    assert "hunter2hush" not in done.stdout


def test_every_mistake_is_printed_with_its_place(folder: Path) -> None:
    write(folder, BAD)
    done = run(folder, "check-config")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        (
            "config/watchdog.yaml:1:9: listen: '10187' is no address: write HOST:PORT like "
            "127.0.0.1:10187 or 0.0.0.0:10187, [::1]:10187 in quotes, or "
            "unix:/run/db-watchdog/http.sock"
        ),
        "config/watchdog.yaml:3:11: defaults.probe.intervall: unknown key, did you mean interval?",
        (
            "config/watchdog.yaml:6:10: targets[0].url: the URL cannot be taken apart: the form is "
            f"{FORM}; percent-encode special characters of user, password and database: @ as %40, "
            ": as %3A, / as %2F, ? as %3F, # as %23, % as %25"
        ),
        (
            "config/watchdog.yaml:8:10: targets[1].url: AUTH_SERVICE__DB_URL is not set: "
            "set it or write ${AUTH_SERVICE__DB_URL:-default}"
        ),
    ]


def test_programs_get_one_document(folder: Path) -> None:
    write(folder, GOOD)
    good = json.loads(run(folder, "check-config", "--json").stdout)
    assert good["ok"] is True
    assert [target["name"] for target in good["targets"]] == ["agent-runtime", "auth-service"]
    assert good["targets"][1]["backup"] is None
    write(folder, BAD)
    done = run(folder, "check-config", "--json")
    bad = json.loads(done.stdout)
    assert (done.returncode, bad["ok"], len(bad["mistakes"])) == (2, False, 4)


def test_a_file_that_is_not_there_is_a_mistake_of_usage(folder: Path) -> None:
    done = run(folder, "check-config", "-c", "none.yaml")
    assert done.returncode == 2
    assert done.stderr.startswith("none.yaml:1:1: no such file")


def test_the_environment_alone_will_do(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("AUTH_SERVICE__DB_URL=sqlite:///auth.db\n")
    done = run(tmp_path, "check-config", AGENT_DATABASE_URL="postgresql://u:hunter2hush@h/agent")
    assert done.returncode == 0
    assert "note: auth-service: found in AUTH_SERVICE__DB_URL" in done.stdout
    assert "note: agent: found in AGENT_DATABASE_URL" in done.stdout
    assert "note: backups are off" in done.stdout
    assert "hunter2hush" not in done.stdout + done.stderr


def test_a_wrong_variable_is_named(tmp_path: Path) -> None:
    done = run(tmp_path, "check-config", AGENT_DATABASE_URL="postgresql://u:hunter2hush@h/d?x=1")
    assert done.returncode == 2
    assert done.stderr.startswith("environment: AGENT_DATABASE_URL: unknown key 'x'")
    assert "hunter2hush" not in done.stderr


def test_online_connects_to_each_database(folder: Path) -> None:
    write(folder, GOOD)
    for name in ("agent", "auth"):
        with closing(sqlite3.connect(folder / f"{name}.db")) as connection:
            connection.execute("CREATE TABLE t (x)")
    good = run(folder, "check-config", "--online")
    assert (good.returncode, good.stderr) == (0, "")
    assert "every database answers" in good.stdout
    assert "answers" not in run(folder, "check-config").stdout
    (folder / "auth.db").unlink()
    bad = run(folder, "check-config", "--online")
    assert bad.returncode == 1
    assert "every database answers" not in bad.stdout
    assert [line.partition(":")[0] for line in bad.stderr.splitlines()] == ["auth-service"]


def test_schema_prints_what_an_editor_reads(tmp_path: Path) -> None:
    done = run(tmp_path, "schema")
    assert done.returncode == 0
    shipped = Path(__file__).parents[2] / "config/watchdog.schema.json"
    assert done.stdout == shipped.read_text(encoding="utf-8")
