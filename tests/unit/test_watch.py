"""The watch: what a reload and a loss begin, and what they do not. The engine is a small stand-in,
for what is tested is when it is asked; what real servers do is tested on real ones."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, cast

import pytest

from tests.support.clock import FakeClock
from watchdog.clock import SystemClock
from watchdog.database_url import SqliteUrl
from watchdog.engines import Engine
from watchdog.model import ActionFailed, Failure, Kind, Phase, ProbeSettings, Server, Target
from watchdog.report import Report
from watchdog.results import ResultStore
from watchdog.scheduling.runner import Runner
from watchdog.scheduling.scheduler import Scheduler
from watchdog.watch import Watch, _Patience

CLOCK = SystemClock()
FAST = ProbeSettings(interval=0.05, timeout=1.0, connect_interval=0.05)


class Session:
    async def close(self) -> None: ...

    def abort(self) -> None: ...


class Visit:
    phase, phases = Phase.CONNECT, cast("Mapping[Phase, float]", {})

    def __init__(self, engine: StandIn, target: Target) -> None:
        self.engine, self.target = engine, target

    async def __aenter__(self) -> Session:
        self.engine.visited.append(self.target)
        return Session()

    async def __aexit__(self, *_: object) -> None: ...


class Attendance:
    phase, phases, lasting = Phase.CONNECT, cast("Mapping[Phase, float]", {}), True

    def __init__(self, engine: StandIn, on_lost: Callable[[], None]) -> None:
        self.engine, self.on_lost, self.open = engine, on_lost, False

    async def session(self) -> Session:
        self.engine.asked += 1
        if self.engine.down:
            raise ActionFailed(Failure(Kind.REACH, "refused"))
        self.open = True
        return Session()

    async def absent(self, session: Session) -> Mapping[str, Failure]:
        if self.engine.unanswered is not None:
            raise ActionFailed(self.engine.unanswered)
        return {name: Failure(Kind.AUTH, "gone") for name in self.engine.gone}

    def must_leave(self, failure: Failure) -> bool:
        return False

    def facts(self) -> Mapping[str, Any]:
        return {}

    def abort(self) -> None:
        self.open = False

    async def close(self) -> None:
        self.open = False
        await asyncio.sleep(self.engine.slow_end)


class StandIn:
    """Every target is on the server that its label names."""

    name = "postgresql"

    def __init__(self) -> None:
        self.probes: dict[str, Any] = {}
        self.visited: list[Target] = []
        self.attendances: list[Attendance] = []
        self.asked, self.down, self.slow_end = 0, False, 0.0
        self.gone: set[str] = set()
        self.unanswered: Failure | None = None

    def server_of(self, target: Target) -> Server:
        return Server(target.labels["server"], self.name)

    def visit(self, target: Target) -> Visit:
        return Visit(self, target)

    def attend(
        self, _server: Server, _targets: Sequence[Target], on_lost: Callable[[], None]
    ) -> Attendance:
        self.attendances.append(Attendance(self, on_lost))
        return self.attendances[-1]

    def failure(self, error: BaseException, _phase: Phase | None, _target: Target) -> Failure:
        assert isinstance(error, ActionFailed)
        return error.failure

    @property
    def open(self) -> int:
        return sum(each.open for each in self.attendances)


class House:
    def __init__(self) -> None:
        self.engine = StandIn()
        self.store = ResultStore(CLOCK)
        report = Report(self.store, CLOCK, announce=False)
        self.runner = Runner(CLOCK, report.take)
        self.scheduler = Scheduler(CLOCK)
        engines = {"postgresql": cast("Engine", self.engine)}
        self.watch = Watch(engines, CLOCK, self.store, self.runner, self.scheduler)
        report.listeners.append(self.watch.on_result)

    async def round(self) -> None:
        await asyncio.gather(*(ticket.wait() for ticket in self.watch.kick_all("test")))

    def up(self, name: str) -> bool | None:
        status = self.store.status(name)
        assert status is not None
        return status.up


@pytest.fixture
async def house() -> AsyncIterator[House]:
    made = House()
    made.scheduler.start()
    yield made
    made.scheduler.stop()
    await made.runner.stop(0)
    await made.watch.close()
    await asyncio.sleep(0)


def target(name: str, server: str = "s:1", probe: ProbeSettings = FAST, path: str = "/x") -> Target:
    return Target(name, "postgresql", SqliteUrl(path), {"server": server}, probe)


async def test_a_removed_server_that_was_to_be_looked_at_again_is_left_alone(house: House) -> None:
    slow = ProbeSettings(interval=60, timeout=1, connect_interval=60)
    await house.watch.configure([target("a", probe=slow)])
    house.engine.down = True
    await house.round()
    await house.watch.configure([])
    house.engine.down, asked = False, house.engine.asked
    await asyncio.sleep(1.2)
    assert (house.engine.asked, house.engine.open) == (asked, 0)


async def test_timers_open_no_session_on_a_server_while_it_is_being_taken_out(house: House) -> None:
    await house.watch.configure([target("a", "s:1"), target("b", "s:2")])
    await house.round()
    assert house.engine.open == 2
    house.engine.slow_end = 0.3  # a frozen server's session takes its time
    await house.watch.configure([])
    await asyncio.sleep(0.1)
    assert house.engine.open == 0


async def test_a_moved_target_is_not_judged_by_a_visit_of_where_it_was(house: House) -> None:
    await house.watch.configure([target("a", "s:1"), target("b", "s:2")])
    await house.round()
    house.engine.slow_end = 0.3
    moved = [target("a", "s:1", path="/y"), target("b", "s:2", path="/y")]
    house.engine.visited.clear()
    await house.watch.configure(moved)
    await house.round()
    assert {each.url.path for each in house.engine.visited if isinstance(each.url, SqliteUrl)} == {
        "/y"
    }


async def test_a_target_taken_out_meanwhile_is_not_probed_and_nobody_is_hurt(house: House) -> None:
    await house.watch.configure([target("a")])
    await house.watch.probe(["a", "gone"], "test")
    assert house.up("a")


async def test_a_database_that_is_back_is_up_though_nobody_can_tell_what_is_gone(
    house: House,
) -> None:
    await house.watch.configure([target("a")])
    house.engine.gone = {"a"}
    await house.round()
    assert house.up("a") is False
    # From now on the server's own question is refused, so it says nothing of any database.
    house.engine.unanswered = Failure(Kind.QUERY, "permission denied for pg_database")
    await house.round()
    await house.round()
    assert house.up("a") is True


def test_losses_are_answered_at_once_then_ever_less_often_and_never_not_at_all() -> None:
    clock = FakeClock()
    patience = _Patience(clock)
    assert [patience.loss() for _ in range(5)] == [0.0] * 5
    wait = patience.loss()
    assert 0 < wait <= 10
    clock.advance(wait + 0.001)
    assert patience.loss() == 0.0
    assert patience.loss() > 9
    clock.advance(3600)
    assert [patience.loss() for _ in range(5)] == [0.0] * 5
    assert patience.loss() > 0


async def test_a_loss_that_is_not_answered_at_once_is_answered_soon(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watchdog.watch._LOSS_PERIOD", 0.1)
    slow = ProbeSettings(interval=60, timeout=1, connect_interval=60)
    await house.watch.configure([target("a", probe=slow)])
    await house.round()
    for _ in range(20):
        house.engine.attendances[0].on_lost()
        await asyncio.sleep(0.001)
    asked = house.engine.asked
    await asyncio.sleep(0.3)
    assert house.engine.asked == asked + 1


@pytest.mark.parametrize(
    ("interval", "connect", "seconds", "visits"),
    [(15.0, 20.0, 600, 30), (15.0, 60.0, 600, 10), (10.0, 10.0, 600, 60)],
)
async def test_a_target_that_is_well_is_visited_as_often_as_is_configured(
    interval: float, connect: float, seconds: int, visits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = FakeClock()
    monkeypatch.setattr("tests.unit.test_watch.CLOCK", clock)
    house = House()
    probe = ProbeSettings(interval=interval, timeout=1, connect_interval=connect)
    await house.watch.configure([target("a", probe=probe)])
    await house.round()
    house.engine.visited.clear()
    for _ in range(seconds):
        clock.advance(1.0)
        for wheel in house.scheduler._wheels:
            house.scheduler._turn(wheel)
        for ticket in house.runner.in_flight():
            await ticket.wait()
    assert abs(len(house.engine.visited) - visits) <= 2
    await house.watch.close()
