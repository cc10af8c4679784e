"""Commands in this process: what they say, as far as that takes no database."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from watchdog.cli import cli


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in an empty folder, with a target that needs no file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("APP_DB_URL", "sqlite:////nowhere.db")
    monkeypatch.setenv("DB_WATCHDOG_STATE_DIRECTORY", str(tmp_path / "state"))
    return tmp_path


def call(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


def test_no_incidents_names_the_folder_that_was_looked_in(folder: Path) -> None:
    assert f"There are no incidents in {folder}/state." in call("incident").stdout
