"""One Docker engine for all tests that want one: its images take a minute to build."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.compose_project import stand_ins
from tests.support.docker_engine import Engine, EngineImpossibleError, compose_command
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
