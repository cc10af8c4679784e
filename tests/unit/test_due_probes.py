"""Which probes are due: each at its own interval, a failed one sooner."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from tests.support.clock import FakeClock
from watchdog.engines import Probe
from watchdog.model import Answer, Failure, Kind, Role, Scope
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


def test_everything_is_due_at_first_and_the_cheap_whenever_it_is_forced(
    due: DueProbes, clock: FakeClock
) -> None:
    assert names(due) == ["quick", "dear"]
    for probe in (QUICK, DEAR):
        due.asked(probe)
    assert names(due) == []
    assert names(due, forced=True) == ["quick"]
    clock.advance(300.0)
    assert names(due, forced=True) == ["quick", "dear"]


def test_who_says_what_the_server_is_comes_first_then_the_frequent(clock: FakeClock) -> None:
    leading = Probe("z_leading", Scope.SERVER, (), ask, leading=True)
    minutely = Probe("b_minutely", Scope.SERVER, (), ask, interval=60.0)
    due = DueProbes([DEAR, minutely, QUICK, leading], 15.0, clock)
    assert names(due) == ["z_leading", "quick", "b_minutely", "dear"]


def test_what_a_slow_round_left_out_is_still_due_and_has_its_turn(
    due: DueProbes, clock: FakeClock
) -> None:
    due.asked(QUICK)
    due.leave(DEAR)
    assert names(due) == ["dear"]
    clock.advance(15.0)
    assert names(due) == ["dear", "quick"]
    due.asked(DEAR)
    clock.advance(300.0)
    assert names(due) == ["quick", "dear"]


def test_a_refused_question_is_left_for_ten_minutes(due: DueProbes, clock: FakeClock) -> None:
    assert due.asked(QUICK, Failure(Kind.PRIVILEGE, "permission denied")) == 600.0
    clock.advance(500.0)
    assert "quick" not in names(due)
    clock.advance(100.0)
    assert "quick" in names(due)


def test_a_probe_suits_the_version_and_the_role_that_it_names() -> None:
    old = SimpleNamespace(version=15, role=Role.PRIMARY)
    new = SimpleNamespace(version=16, role=Role.STANDBY)
    unknown = SimpleNamespace(version=16, role=None)
    since_16 = Probe("since_16", Scope.SERVER, (), ask, minimum_version=16)
    standby = Probe("standby", Scope.SERVER, (), ask, role=Role.STANDBY)
    assert [since_16.suits(s) for s in (old, new, unknown)] == [False, True, True]
    assert [standby.suits(s) for s in (old, new, unknown)] == [False, True, False]
    assert QUICK.suits(object())


def test_each_is_due_again_at_its_own_interval(due: DueProbes, clock: FakeClock) -> None:
    for probe in (QUICK, DEAR):
        due.asked(probe)
    clock.advance(14.0)  # a timer that is a little early counts
    assert names(due) == ["quick"]
    clock.advance(200.0)
    assert names(due) == ["quick"]
    clock.advance(60.0)
    assert names(due) == ["quick", "dear"]


def test_a_dear_question_without_an_answer_is_asked_again_within_a_minute(
    due: DueProbes, clock: FakeClock
) -> None:
    due.asked(DEAR, Failure(Kind.QUERY, "a lock was in the way"))
    clock.advance(45.0)
    assert "dear" not in names(due)
    clock.advance(15.0)
    assert "dear" in names(due)


def test_what_says_what_the_server_is_is_renewed_but_not_before_a_refusal_has_passed(
    due: DueProbes, clock: FakeClock
) -> None:
    for probe in (QUICK, DEAR):
        due.asked(probe)
    due.renew(["dear"])
    assert names(due) == ["dear"]
    due.asked(DEAR, Failure(Kind.PRIVILEGE, "denied"))
    due.renew(["dear"])
    assert names(due) == []
    clock.advance(600.0)
    due.asked(DEAR)
    due.renew(["dear"])
    assert "dear" in names(due)
