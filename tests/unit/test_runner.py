"""The runner: single flight, lanes, gates, deadlines, one guard."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.support.clock import FakeClock
from watchdog.clock import SystemClock
from watchdog.database_url import SqliteUrl
from watchdog.model import Action, Kind, Lane, Outcome, Result, Target
from watchdog.scheduling.runner import TIMER, Runner

CLOCK = SystemClock()


def target(name: str) -> Target:
    return Target(name, "sqlite", SqliteUrl("/nowhere.db"))


def action(
    name: str,
    work: Callable[[], Awaitable[Result | None]],
    *,
    lane: Lane = Lane.PROBES,
    deadline: float = 5.0,
    gate: str = "",
) -> Action:
    return Action("round", target(name), lane, deadline, work, gate)


def ok(name: str) -> Result:
    return Result(target(name), "round", Outcome.OK, CLOCK.now(), CLOCK.monotonic(), 0.0)


class Taken(list[Result]):
    def __call__(self, result: Result) -> None:
        self.append(result)


@pytest.fixture
def taken() -> Taken:
    return Taken()


async def test_a_key_flies_once_and_a_timer_that_finds_it_flying_is_an_overlap(
    taken: Taken,
) -> None:
    runner, release, started = Runner(CLOCK, taken), asyncio.Event(), 0

    async def work() -> Result:
        nonlocal started
        started += 1
        await release.wait()
        return ok("a")

    first = runner.kick(action("a", work), TIMER)
    second = runner.kick(action("a", work), TIMER)
    third = runner.kick(action("a", work), "command")
    assert first is second is third is not None
    await asyncio.sleep(0)
    release.set()
    assert await first.wait() is not None
    assert (started, runner.overlaps[Lane.PROBES], len(taken)) == (1, 1, 1)


async def test_a_defect_becomes_a_result_and_hurts_nobody_else(taken: Taken) -> None:
    runner = Runner(CLOCK, taken)

    async def broken() -> Result:
        raise ValueError("password=hunter2hunter2 is broken")

    async def sound() -> Result:
        return ok("b")

    tickets = [runner.kick(action("a", broken), TIMER), runner.kick(action("b", sound), TIMER)]
    results = [await ticket.wait() for ticket in tickets if ticket is not None]
    failed = next(r for r in results if r is not None and r.outcome is Outcome.FAILED)
    assert failed.failure is not None
    assert failed.failure.kind is Kind.INTERNAL
    assert "hunter2" not in failed.failure.message
    assert len(taken) == 2


async def test_a_deadline_ends_work_and_says_so(taken: Taken) -> None:
    runner = Runner(CLOCK, taken)

    async def endless() -> Result:
        await asyncio.Event().wait()
        raise AssertionError

    ticket = runner.kick(action("a", endless, deadline=0.02), TIMER)
    assert ticket is not None
    result = await ticket.wait()
    assert result is not None
    assert result.failure is not None
    assert result.failure.kind is Kind.TIMEOUT


async def test_frozen_targets_do_not_take_the_places_of_healthy_ones(taken: Taken) -> None:
    runner = Runner(CLOCK, taken, slots={Lane.PROBES: 2}, suspect_slots=2)

    async def frozen() -> Result:
        await asyncio.Event().wait()
        raise AssertionError

    async def healthy() -> Result:
        return ok("healthy")

    for _ in range(2):
        tickets = [runner.kick(action(f"f{n}", frozen, deadline=0.02), TIMER) for n in range(2)]
        for ticket in tickets:
            assert ticket is not None
            await ticket.wait()
    # Known to be frozen now: they hold suspect slots for ever, the lane is free.
    for n in range(2):
        runner.kick(action(f"f{n}", frozen, deadline=60), TIMER)
    await asyncio.sleep(0)
    ticket = runner.kick(action("healthy", healthy), TIMER)
    assert ticket is not None
    result = await asyncio.wait_for(ticket.wait(), 1)
    assert result is not None
    await runner.stop(0)


async def test_a_gate_lets_one_through_at_a_time_and_waiting_costs_no_deadline(
    taken: Taken,
) -> None:
    runner, inside, most = Runner(CLOCK, taken), 0, 0

    async def work() -> Result:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0.03)
        inside -= 1
        return ok("x")

    tickets = [
        runner.kick(action(f"t{n}", work, deadline=0.05, gate="server"), TIMER) for n in range(4)
    ]
    results = [await ticket.wait() for ticket in tickets if ticket is not None]
    assert most == 1
    assert all(r is not None and r.outcome is Outcome.OK for r in results)


async def test_stop_cancels_backups_at_once_awaits_their_cleanup_and_takes_no_more(
    taken: Taken,
) -> None:
    runner, cleaned = Runner(CLOCK, taken), asyncio.Event()

    async def backup() -> Result:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.01)
            cleaned.set()
        raise AssertionError

    runner.kick(action("a", backup, lane=Lane.BACKUPS, deadline=3600), TIMER)
    await asyncio.sleep(0)
    await asyncio.wait_for(runner.stop(grace=2.0), 1)
    assert cleaned.is_set()
    assert runner.in_flight() == []
    assert runner.kick(action("a", backup), TIMER) is None


async def test_nothing_due_is_no_result(taken: Taken) -> None:
    runner = Runner(CLOCK, taken)

    async def idle() -> None:
        return None

    ticket = runner.kick(action("a", idle), TIMER)
    assert ticket is not None
    assert await ticket.wait() is None
    assert taken == []


async def test_a_flight_that_is_cancelled_before_its_first_step_lands_all_the_same(
    taken: Taken,
) -> None:
    runner = Runner(CLOCK, taken)

    async def work() -> Result:
        return ok("a")

    ticket = runner.kick(action("a", work), "command")
    assert ticket is not None
    async with asyncio.timeout(1):
        await runner.cancel(lambda _: True)
        assert await ticket.wait() is None
    assert runner.in_flight() == []
    assert taken == []


async def test_a_defect_in_telling_neither_ends_a_flight_nor_blocks_its_key() -> None:
    def take(_result: Result) -> None:
        raise KeyError("defect")

    runner = Runner(CLOCK, take)

    async def work() -> Result:
        return ok("a")

    for _ in range(2):
        ticket = runner.kick(action("a", work), "command")
        assert ticket is not None
        async with asyncio.timeout(1):
            result = await ticket.wait()
        assert result is not None
        assert result.outcome is Outcome.OK


async def test_a_stop_awaits_no_clean_up_that_hangs_step_after_step(taken: Taken) -> None:
    runner, steps = Runner(CLOCK, taken), 0

    async def work() -> Result:
        nonlocal steps
        try:
            await asyncio.Event().wait()
        finally:
            for _ in range(3):
                try:
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    steps += 1
        return ok("a")

    ticket = runner.kick(action("a", work, lane=Lane.BACKUPS), TIMER)
    assert ticket is not None
    await asyncio.sleep(0)
    async with asyncio.timeout(2):
        await runner.stop(0, patience=0.05)
        await ticket.wait()
    assert steps == 3


async def test_a_gate_is_forgotten_with_its_last_user(taken: Taken) -> None:
    runner = Runner(CLOCK, taken)

    async def work() -> Result:
        assert list(runner._gates) == ["visits of s:1"]
        return ok("a")

    for name in ("a", "b"):
        ticket = runner.kick(action(name, work, gate="visits of s:1"), TIMER)
        assert ticket is not None
        assert await ticket.wait() is not None
    del ticket
    assert not runner._gates


async def test_a_probe_far_beyond_its_deadline_is_told_apart_from_a_slow_one(taken: Taken) -> None:
    clock, release = FakeClock(), asyncio.Event()
    runner = Runner(clock, taken)

    async def deaf() -> Result:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue
        return ok("a")

    ticket = runner.kick(action("a", deaf, deadline=5.0), TIMER)
    backup = runner.kick(action("b", deaf, deadline=5.0, lane=Lane.BACKUPS), TIMER)
    assert ticket is not None
    assert backup is not None
    await asyncio.sleep(0)
    clock.advance(30)
    assert runner.stuck() == []
    clock.advance(10)
    assert runner.stuck() == [ticket]
    release.set()
    await ticket.wait()
    await backup.wait()
    assert runner.stuck() == []
