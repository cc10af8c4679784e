"""Timers keep their phase, alarms ring once, clock steps stop nothing."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.clock import FakeClock
from watchdog.clock import SystemClock
from watchdog.scheduling import clock_guard
from watchdog.scheduling.clock_guard import ClockGuard
from watchdog.scheduling.scheduler import Scheduler, Timer, _Every, _Wheel, phase


@given(
    count=st.integers(1, 200),
    interval=st.floats(0.5, 300),
    turns=st.lists(st.floats(0.01, 20), min_size=1, max_size=50),
)
def test_a_wheel_kicks_each_timer_once_an_interval_however_irregularly_it_turns(
    count: int, interval: float, turns: list[float]
) -> None:
    clock, kicks = FakeClock(), Counter[str]()
    timers = [Timer(f"t{n}", interval, lambda n=n: kicks.update([f"t{n}"])) for n in range(count)]  # type: ignore[misc]
    wheel = _Wheel(interval, timers, clock)
    elapsed = 0.0
    for turn in turns:
        clock.advance(turn)
        elapsed += turn
        wheel.turn()
    for timer in timers:
        assert kicks[timer.key] <= elapsed / interval + 1
        if max(turns) < interval:
            assert kicks[timer.key] >= int(elapsed / interval) - 1


def test_phases_are_spread_and_stable() -> None:
    phases = [phase(f"target:db{n}") for n in range(1000)]
    assert phases == [phase(f"target:db{n}") for n in range(1000)]
    for tenth in range(10):
        assert 50 < sum(tenth / 10 <= p < (tenth + 1) / 10 for p in phases) < 150


def test_a_step_forward_of_years_is_one_firing() -> None:
    clock = FakeClock()
    trigger = _Every(lambda: 0.25)
    planned, now = clock.now(), clock.now() + timedelta(days=3650)
    fired = 0
    while planned <= now:
        planned = trigger.get_next_fire_time(planned, now)
        fired += 1
    assert fired == 1


async def test_timers_go_on_after_the_wall_clock_is_set_back() -> None:
    scheduler, kicked = Scheduler(SystemClock()), asyncio.Event()
    scheduler.start()
    scheduler.set_timers([Timer("a", 0.05, kicked.set)])
    # as after a step: the next firing is an hour away
    job = scheduler._scheduler.get_jobs()[0]
    job.modify(next_run_time=SystemClock().now() + timedelta(hours=1))
    kicked.clear()
    scheduler.reanchor()
    await asyncio.wait_for(kicked.wait(), 2)
    scheduler.stop()
    await asyncio.sleep(0)


async def test_an_alarm_rings_once_and_one_in_the_past_at_once() -> None:
    scheduler, rung = Scheduler(SystemClock()), asyncio.Event()
    scheduler.start()
    scheduler.set_alarm("a", SystemClock().now() - timedelta(hours=2), rung.set)
    await asyncio.wait_for(rung.wait(), 2)
    scheduler.clear_alarm("a")
    scheduler.stop()
    await asyncio.sleep(0)


async def test_removed_timers_kick_no_more() -> None:
    scheduler, kicks = Scheduler(SystemClock()), Counter[str]()
    scheduler.start()
    scheduler.set_timers([Timer("a", 0.01, lambda: kicks.update("a"))])
    await asyncio.sleep(0.05)
    scheduler.set_timers([])
    seen = kicks["a"]
    await asyncio.sleep(0.05)
    assert seen >= 1
    assert kicks["a"] == seen
    scheduler.stop()
    await asyncio.sleep(0)


async def test_the_guard_tells_a_step_either_way_and_only_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clock_guard, "_PERIOD", 0.01)
    clock, steps = FakeClock(), list[float]()
    guard = ClockGuard(clock, steps.append)
    task = asyncio.create_task(guard.watch())
    await asyncio.sleep(0.03)
    assert steps == []
    clock.step(-3600)
    await asyncio.sleep(0.03)
    clock.step(86400)
    await asyncio.sleep(0.03)
    task.cancel()
    assert [round(step) for step in steps] == [-3600, 86400]


def test_timers_keep_their_interval_though_turns_are_never_punctual() -> None:
    clock, at = FakeClock(), dict[str, list[float]]()
    timers = [
        Timer(f"t{n}", 6.0, lambda n=n: at.setdefault(f"t{n}", []).append(clock.monotonic()))  # type: ignore[misc]
        for n in range(3)
    ]
    wheel = _Wheel(6.0, timers, clock)
    for turn in range(300):
        clock.advance(wheel.wait() + (0.3, 0.0, 0.6, 0.1)[turn % 4])
        wheel.turn()
    assert len(at) == 3
    for moments in at.values():
        gaps = [later - earlier for earlier, later in itertools.pairwise(moments)]
        assert min(gaps) > 5.3
        assert max(gaps) < 6.7


def test_a_wheel_whose_timers_stay_keeps_its_turn_however_often_they_are_set() -> None:
    clock, kicks = FakeClock(), Counter[str]()
    scheduler = Scheduler(clock)
    for second in range(1, 20):
        scheduler.set_timers([Timer("a", 15.0, lambda s=second: kicks.update([str(s)]))])  # type: ignore[misc]
        clock.advance(1.0)
        scheduler._turn(15.0)
    assert sum(kicks.values()) == 1


async def test_an_end_in_the_midst_of_a_turn_kicks_nobody_and_says_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    for _ in range(20):
        scheduler, rung = Scheduler(SystemClock()), Counter[str]()
        scheduler.start()
        scheduler.set_timers([Timer("a", 0.005, lambda rung=rung: rung.update("a"))])  # type: ignore[misc]
        while not rung:
            await asyncio.sleep(0)
        scheduler._scheduler._process_jobs()
        scheduler.set_alarm("b", SystemClock().now(), lambda rung=rung: rung.update("b"))  # type: ignore[misc]
        scheduler._scheduler._process_jobs()
        scheduler.stop()
        before = rung.total()
        await asyncio.sleep(0.002)
        assert rung.total() == before
    assert [r.message for r in caplog.records if r.levelname in {"WARNING", "ERROR"}] == []


async def test_nothing_that_is_set_after_the_end_rings_or_hurts() -> None:
    scheduler, rung = Scheduler(SystemClock()), asyncio.Event()
    scheduler.start()
    scheduler.set_timers([Timer("a", 1.0, rung.set)])
    scheduler.stop()
    await asyncio.sleep(0)
    scheduler.set_timers([Timer("b", 0.01, rung.set)])
    scheduler.set_timers([])
    scheduler.set_alarm("a", SystemClock().now(), rung.set)
    scheduler.clear_alarm("a")
    scheduler.reanchor()
    await asyncio.sleep(0.05)
    assert not rung.is_set()


async def test_two_intervals_that_look_alike_are_two() -> None:
    scheduler = Scheduler(SystemClock())
    scheduler.start()
    scheduler.set_timers([Timer("a", 1234567.0, print), Timer("b", 1234568.0, print)])
    assert len(scheduler._scheduler.get_jobs()) == 2
    scheduler.stop()
    await asyncio.sleep(0)


def test_a_fast_wheel_that_stands_still_is_noticed_beside_a_slow_one() -> None:
    clock = FakeClock()
    scheduler = Scheduler(clock)
    scheduler.set_timers([Timer("a", 1.0, print), Timer("b", 3600.0, print)])
    clock.advance(12.0)
    assert scheduler.turning()
    clock.advance(2.0)
    assert not scheduler.turning()
