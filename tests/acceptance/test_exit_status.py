"""What commands exit with: 0 yes, 1 no, 2 usage or configuration; plug-in status for Nagios."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.daemon import clean_environment
from tests.support.sqlite import make_database


def call(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "watchdog", *arguments],
        cwd=folder,
        env=clean_environment(**environment),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["no-such-command"],
        ["probe", "--no-such-option"],
        ["probe", "-c", "missing.yaml"],
        ["run", "-c", "missing.yaml"],
        ["backups", "-c", "missing.yaml"],
        ["check-config", "-c", "missing.yaml"],
        ["probe", "no-such-target"],
    ],
)
def test_usage_and_configuration_are_two_without_a_traceback(
    tmp_path: Path, arguments: list[str]
) -> None:
    done = call(tmp_path, *arguments, APP_DB_URL="sqlite:////nowhere.db")
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["--no-such-option"],
        ["-c", "missing.yaml"],
        ["no-such-target"],
        ["--env-file"],
        ["--json"],
    ],
)
def test_for_nagios_usage_is_unknown_and_not_critical(tmp_path: Path, arguments: list[str]) -> None:
    done = call(tmp_path, "probe", "--nagios", *arguments, APP_DB_URL="sqlite:////nowhere.db")
    assert done.returncode == 3, done.stderr
    assert done.stdout.startswith("DB-WATCHDOG UNKNOWN - ")
    assert done.stdout.count("\n") == 1


def test_for_nagios_what_is_said_cannot_pass_for_figures(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/a|b\nc.db"
    done = call(tmp_path, "probe", "--nagios", APP_DB_URL=url)
    assert done.returncode == 2
    assert done.stdout.count("\n") == 1
    assert done.stdout.count("|") == 1


def test_up_is_zero_for_everybody(tmp_path: Path) -> None:
    database = make_database(tmp_path / "a.db")
    for option in ((), ("--nagios",), ("--json",)):
        done = call(tmp_path, "probe", *option, APP_DB_URL=f"sqlite:///{database}")
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_reader_that_leaves_early_is_no_disaster(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "watchdog", "schema"]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(30) == 1


def test_an_interrupt_ends_a_command_at_once_with_one(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections, never answers
        port = silent.getsockname()[1]
        url = f"postgresql://u:p@127.0.0.1:{port}/app"
        with subprocess.Popen(
            [sys.executable, "-m", "watchdog", "probe"],
            cwd=tmp_path,
            env=clean_environment(APP_DB_URL=url),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            connection, _ = silent.accept()
            began = time.monotonic()
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=10)
            connection.close()
    assert process.returncode == 1
    assert "Traceback" not in said
    assert time.monotonic() - began < 2.5
