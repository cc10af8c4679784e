"""What takes a minute to make is made once: a Docker engine with its images, a folder of wheels."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.compose_project import stand_ins
from tests.support.docker_engine import ROOT, Engine, EngineImpossibleError, compose_command
from tests.support.postgres import PostgresMissingError


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    made = Engine()
    try:
        try:
            compose_command()
            made.start()
            stand_ins(made)
        except (EngineImpossibleError, PostgresMissingError) as missing:
            pytest.skip(f"no compose project here: {missing}")
        yield made
    finally:
        made.close()


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give every wheel that an install from the project takes, fetched outside of the machine."""
    folder = tmp_path_factory.mktemp("wheels")
    fetched = subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "-q",
            "-w",
            folder,
            f"{ROOT}[fast]",
            "hatchling>=1.25",
        ],
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    if fetched.returncode:
        pytest.skip(f"pip cannot fetch the wheels: {fetched.stderr.strip()[-300:]}")
    return folder
