"""Commands in this process: what they say, as far as that takes no database."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import watchdog.cli
from watchdog.cli import cli, incident, probe
from watchdog.clock import SystemClock
from watchdog.database_url import PostgresqlUrl
from watchdog.model import Failure, Kind, Phase, Target
from watchdog.results import ResultStore


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in an empty folder, with a target that needs no file."""
    monkeypatch.chdir(tmp_path)
    # Logging is the process's: here it stays the tests' own.
    monkeypatch.setattr("watchdog.log.configure", lambda *_: None)
    monkeypatch.setenv("APP_DB_URL", "sqlite:////nowhere.db")
    monkeypatch.setenv("DB_WATCHDOG_STATE_DIRECTORY", str(tmp_path / "state"))
    return tmp_path


def call(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


def test_no_incidents_names_the_folder_that_was_looked_in(folder: Path) -> None:
    assert f"There are no incidents in {folder}/state." in call("incident").stdout


def test_every_command_is_listed_in_a_line_that_is_whole() -> None:
    listed = call("--help").stdout
    assert "…" not in listed
    assert "..." not in listed.partition("Commands:")[2]
    for name in cli.list_commands(None):  # type: ignore[arg-type]
        assert f"  {name} " in listed


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("bakup", "did you mean backup?"),
        ("migrate", "docs/migrate.md"),
        ("compare", "docs/migrate.md"),
        ("xyzzy", "--help"),
    ],
)
def test_a_command_that_is_not_there_names_what_is(
    word: str, says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    status, _, told = run(monkeypatch, capsys, word)
    assert status == 2
    assert says in told


@pytest.mark.parametrize(
    "arguments",
    [
        ("probe", "nope"),
        ("verify", "nope"),
        ("backup", "nope"),
        ("incident", "nope"),
        ("probe", "--no-such-option"),
        ("probe", "-c", "missing.yaml"),
        ("restore", "nope", "--to", "sqlite:////x.db"),
        ("restore", "/nope.dump", "--to", "sqlite:////x.db"),
    ],
)
def test_programs_are_told_why_there_is_no_document(
    arguments: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    status, document, told = run(monkeypatch, capsys, *arguments, "--json")
    assert status == 2
    assert set(json.loads(document)) - {"mistakes"} == {"error"}
    assert told.strip()
    assert run(monkeypatch, capsys, *arguments)[1] == ""


def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str
) -> tuple[object, str, str]:
    """Run the command line as the program does; return its status, stdout and stderr."""
    monkeypatch.setattr(sys, "argv", ["db-watchdog", *arguments])
    monkeypatch.setattr(watchdog.cli, "mask_tracebacks", lambda: None)
    with pytest.raises(SystemExit) as left:
        watchdog.cli.main()
    written = capsys.readouterr()
    return left.value.code, written.out, written.err


def test_a_size_of_an_incident_has_a_unit() -> None:
    assert (
        incident._measured("destination_free_bytes", 75515338752.0) == "destination free 70.3 GiB"
    )
    assert incident._measured("free_inodes", 12.0) == "free inodes 12"


def test_a_code_that_the_message_names_is_not_said_twice() -> None:
    store = ResultStore(SystemClock())
    store.configure([(Target("a", "postgresql", PostgresqlUrl((("h", 5432),), "u", "d")), None)])
    (status,) = store.statuses()
    for message, told in (
        ("wrong (28P01)", "auth/authenticate: wrong (28P01)"),
        ("wrong", "auth/authenticate 28P01: wrong"),
    ):
        status.failure = Failure(Kind.AUTH, message, Phase.AUTHENTICATE, "28P01")
        assert probe._what(status) == told
