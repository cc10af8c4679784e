"""Which probes are due: each at its own interval, a failed one sooner."""

from __future__ import annotations

import pytest

from tests.support.clock import FakeClock
from watchdog.engines import Probe
from watchdog.model import Answer, Scope
from watchdog.rounds import DueProbes


async def ask(_session: object) -> Answer:
    return Answer()


QUICK = Probe("quick", Scope.SERVER, (), ask)
DEAR = Probe("dear", Scope.SERVER, (), ask, interval=300.0)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def due(clock: FakeClock) -> DueProbes:
    return DueProbes([QUICK, DEAR], 15.0, clock)


def names(due: DueProbes, *, forced: bool = False) -> list[str]:
    return [probe.name for probe in due.now(forced=forced)]


def test_everything_is_due_at_first_and_whenever_it_is_forced(due: DueProbes) -> None:
    assert names(due) == ["quick", "dear"]
    for probe in (QUICK, DEAR):
        due.asked(probe, answered=True)
    assert names(due) == []
    assert names(due, forced=True) == ["quick", "dear"]


def test_each_is_due_again_at_its_own_interval(due: DueProbes, clock: FakeClock) -> None:
    for probe in (QUICK, DEAR):
        due.asked(probe, answered=True)
    clock.advance(14.0)  # a timer that is a little early counts
    assert names(due) == ["quick"]
    clock.advance(200.0)
    assert names(due) == ["quick"]
    clock.advance(60.0)
    assert names(due) == ["quick", "dear"]


def test_a_dear_question_without_an_answer_is_asked_again_within_a_minute(
    due: DueProbes, clock: FakeClock
) -> None:
    due.asked(DEAR, answered=False)
    clock.advance(45.0)
    assert "dear" not in names(due)
    clock.advance(15.0)
    assert "dear" in names(due)
