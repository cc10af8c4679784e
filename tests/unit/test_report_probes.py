"""What is said of probes that fail and of advice that lasts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.support.clock import FakeClock
from watchdog.database_url import parse
from watchdog.model import (
    Answer,
    Failure,
    Kind,
    Outcome,
    ProbeRun,
    Result,
    Server,
    Target,
)
from watchdog.report import Report
from watchdog.results import ResultStore

SERVER = Server("db:5432", "postgresql")
DENIED = Failure(Kind.PRIVILEGE, "permission denied for function pg_ls_waldir")
ADVICE = Failure(Kind.SCHEMA, "indexes are there twice", hint="duplicate_indexes")
TROUBLE = Failure(Kind.QUERY, "sessions wait", hint="sessions_blocked")


def target(name: str) -> Target:
    url = parse(f"postgresql://u@db:5432/{name}", environ={}, base_dir=Path("/"))
    return Target(name, "postgresql", url)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def report(clock: FakeClock) -> Report:
    store = ResultStore(clock)
    store.configure((target(name), SERVER) for name in ("one", "two"))
    return Report(store, clock)


def round_with(clock: FakeClock, failure: Failure | None, *troubles: Failure) -> Result:
    run = ProbeRun(
        probe="wal_directory",
        success=failure is None,
        duration=0.01,
        interval=300.0,
        finished=clock.monotonic(),
        finished_at=datetime.now(UTC),
        answer=Answer(troubles=troubles),
        failure=failure,
    )
    return Result(SERVER, "round", Outcome.OK, clock.now(), clock.monotonic(), 0.1, probes=(run,))


def visit(clock: FakeClock, name: str) -> Result:
    return Result(target(name), "connect", Outcome.OK, clock.now(), clock.monotonic(), 0.1)


@pytest.fixture
def said() -> Iterator[list[dict[str, object]]]:
    with capture_logs() as lines:
        yield lines  # type: ignore[misc]


def events(said: list[dict[str, object]], event: str) -> list[dict[str, object]]:
    return [line for line in said if line["event"] == event]


def test_a_probe_that_a_server_refuses_is_said_once_whatever_its_targets(
    report: Report, clock: FakeClock, said: list[dict[str, object]]
) -> None:
    for _ in range(3):
        report.take(round_with(clock, DENIED))
        clock.advance(600.0)
    (line,) = events(said, "probe failed")
    assert (line["server"], line["probe"]) == ("db:5432", "wal_directory")
    report.take(round_with(clock, None))
    report.take(round_with(clock, DENIED))
    assert len(events(said, "probe failed")) == 2


def test_advice_is_repeated_daily_and_trouble_hourly(
    report: Report, clock: FakeClock, said: list[dict[str, object]]
) -> None:
    report.take(visit(clock, "one"))
    for _ in range(24):
        report.take(round_with(clock, None, ADVICE, TROUBLE))
        clock.advance(3600.0)
    assert [line["hint"] for line in events(said, "advice")] == ["duplicate_indexes"]
    assert len(events(said, "trouble goes on")) == 23
    report.take(round_with(clock, None, ADVICE, TROUBLE))
    assert len(events(said, "advice")) == 2
