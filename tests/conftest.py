"""Fixtures that every kind of test may use; the tools behind them are in ``tests/support``."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

from tests.support.postgres import (
    Cluster,
    Database,
    PostgresMissingError,
    bin_dir,
    clusters,
)
from tests.support.proxy import Proxy

# Begun in the background of a shell, we ignore it, and so would every program that a test starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

TESTS = Path(__file__).parent

# A busy machine is no reason for a property to fail.
hypothesis.settings.register_profile("house", deadline=None)
hypothesis.settings.load_profile("house")


@pytest.fixture(scope="session")
def postgres_binaries() -> None:
    """Skip, plainly, where there is no PostgreSQL at all."""
    try:
        bin_dir()
    except PostgresMissingError as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def cluster(postgres_binaries: None) -> Iterator[Cluster]:
    """Give the server that all tests of this session share: do not stop or reconfigure it."""
    with Cluster() as shared:
        yield shared


@pytest.fixture
def database(cluster: Cluster) -> Iterator[Database]:
    """Give a fresh database on the shared server, cloned from the template."""
    made = cluster.create_database()
    yield made
    cluster.drop_database(made.name)


@pytest.fixture
def private_cluster(postgres_binaries: None) -> Iterator[Callable[..., Cluster]]:
    """Give a factory of servers of the test's own: ``private_cluster(max_connections=8)``."""
    with clusters() as make:
        yield make


@pytest.fixture
async def proxy(cluster: Cluster) -> AsyncIterator[Proxy]:
    """Give a TCP proxy of the tests' own before the shared server."""
    async with Proxy(cluster.host, cluster.port) as before:
        yield before


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Take the kinds that wait first; the many short ones then fill both workers to the end."""
    kinds = ("faults", "acceptance", "integration", "lab", "unit")
    items.sort(key=lambda item: kinds.index(item.path.relative_to(TESTS).parts[0]))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the scores that tests have recorded."""
    reports = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    scores = [
        value for report in reports for name, value in report.user_properties if name == "score"
    ]
    if scores:
        terminalreporter.section("scores")
    for score in scores:
        terminalreporter.write_line(str(score))
