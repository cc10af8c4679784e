"""The verdict: up needs the visit and the server's session; seconds are exact."""

from __future__ import annotations

from tests.support.clock import FakeClock
from watchdog.database_url import PostgresqlUrl
from watchdog.model import Answer, Failure, Kind, Outcome, Phase, ProbeRun, Result, Server, Target
from watchdog.results import BackupStatus, ResultStore

SERVER = Server("db1:5432", "postgresql")
REFUSED = Failure(
    Kind.REACH, "connection refused", Phase.CONNECT, "ECONNREFUSED", "connection_refused"
)
WRONG_PASSWORD = Failure(Kind.AUTH, "wrong password", Phase.AUTHENTICATE, "28P01", "auth_failed")
MISSING = Failure(Kind.AUTH, "no such database", Phase.QUERY, "3D000", "database_missing")


def target(name: str = "a") -> Target:
    return Target(name, "postgresql", PostgresqlUrl((("db1", 5432),), "u", name))


class House:
    """A store with targets on one server, and results by hand."""

    def __init__(self, *names: str) -> None:
        self.clock = FakeClock()
        self.store = ResultStore(self.clock)
        self.store.configure([(target(name), SERVER) for name in names or ("a",)])

    def visit(self, name: str = "a", failure: Failure | None = None, seconds: float = 0.1) -> None:
        self.clock.advance(seconds)
        self.store.put(self._result(target(name), failure, seconds))

    def server(self, failure: Failure | None = None, **absent: Failure) -> None:
        self.clock.advance(0.1)
        result = self._result(SERVER, failure, 0.1)
        self.store.put(Result(**{**_fields(result), "absent": absent}))

    def _result(self, subject: Target | Server, failure: Failure | None, seconds: float) -> Result:
        outcome = Outcome.OK if failure is None else Outcome.FAILED
        return Result(
            subject, "round", outcome, self.clock.now(), self.clock.monotonic(), seconds, failure
        )

    def up(self, name: str = "a") -> bool | None:
        status = self.store.status(name)
        assert status is not None
        return status.up

    def seconds(self, name: str = "a") -> tuple[float, float]:
        status = self.store.status(name)
        assert status is not None
        observed, down = status.seconds(self.clock.monotonic())
        return round(observed, 3), round(down, 3)


def _fields(result: Result) -> dict[str, object]:
    return {name: getattr(result, name) for name in result.__dataclass_fields__}


def test_nothing_is_known_before_the_first_visit() -> None:
    house = House()
    house.server()
    assert house.up() is None
    assert house.seconds() == (0.0, 0.0)


def test_a_held_session_does_not_hide_that_logins_fail() -> None:
    house = House()
    house.server()
    house.visit()
    assert house.up() is True
    house.visit(failure=WRONG_PASSWORD)
    house.server()
    assert house.up() is False


def test_a_dead_server_takes_all_its_targets_down_without_visits() -> None:
    house = House("a", "b")
    for name in ("a", "b"):
        house.visit(name)
    house.server(REFUSED)
    assert [house.up(name) for name in ("a", "b")] == [False, False]
    status = house.store.status("b")
    assert status is not None
    assert status.failure is REFUSED
    assert status.failures_by_kind == {Kind.REACH: 1}


def test_a_server_that_is_back_makes_nobody_up_before_a_visit() -> None:
    house = House()
    house.visit()
    house.server(REFUSED)
    house.server()
    assert house.up() is False
    house.visit()
    assert house.up() is True


def test_a_visit_that_began_before_the_server_went_down_proves_nothing() -> None:
    house = House()
    house.visit()
    house.server(REFUSED)
    house.server()
    house.store.put(house._result(target(), None, 5.0))  # began before either
    assert house.up() is False


def test_a_server_login_that_fails_leaves_the_verdict_to_each_target() -> None:
    house = House()
    house.visit()
    house.server(WRONG_PASSWORD)
    assert house.up() is True


def test_a_dropped_database_is_down_and_only_that_one() -> None:
    house = House("a", "b")
    for name in ("a", "b"):
        house.visit(name)
    house.server(a=MISSING)
    assert [house.up(name) for name in ("a", "b")] == [False, True]


def test_availability_is_exact_to_the_event() -> None:
    house = House()
    house.visit()
    house.clock.advance(100)
    house.visit(failure=WRONG_PASSWORD)
    house.clock.advance(30)
    assert house.seconds() == (130.1, 30.0)
    house.visit()
    house.clock.advance(10)
    assert house.seconds() == (140.2, 30.1)


def test_hints_are_counted_once_while_they_last() -> None:
    house = House()
    for _ in range(3):
        house.visit(failure=WRONG_PASSWORD)
    house.visit()
    house.visit(failure=WRONG_PASSWORD)
    status = house.store.status("a")
    assert status is not None
    assert status.hints_by_id == {"auth_failed": 2}
    assert status.failures_by_kind == {Kind.AUTH: 4}
    assert [hint.id for hint in status.hints] == ["auth_failed"]


def test_a_trouble_gives_a_hint_and_leaves_the_target_up() -> None:
    house = House()
    trouble = Failure(Kind.CAPACITY, "95 of 97", hint="too_many_connections")
    run = ProbeRun(
        "connections",
        success=True,
        duration=0.1,
        interval=15,
        finished=house.clock.monotonic(),
        finished_at=house.clock.now(),
        answer=Answer(troubles=(trouble,)),
    )
    result = house._result(target(), None, 0.1)
    house.store.put(Result(**{**_fields(result), "probes": (run,)}))
    status = house.store.status("a")
    assert status is not None
    assert status.up is True
    assert [hint.id for hint in status.hints] == ["too_many_connections"]


def test_a_failed_backup_is_a_hint_and_a_failure_but_not_down() -> None:
    house = House()
    house.visit()
    failure = Failure(Kind.BACKUP, "disk full", Phase.DUMP, hint="backup_no_space")
    house.store.put_backup(
        "a",
        BackupStatus(enabled=True, failures=1, last_attempt_successful=False, last_failure=failure),
    )
    status = house.store.status("a")
    assert status is not None
    assert status.up is True
    assert [hint.id for hint in status.hints] == ["backup_no_space"]
    assert status.failures_by_kind == {Kind.BACKUP: 1}


def test_a_removed_target_is_gone_and_a_kept_one_keeps_its_seconds() -> None:
    house = House("a", "b")
    house.visit("a")
    house.visit("b")
    house.clock.advance(50)
    house.store.configure([(target("b"), SERVER)])
    assert house.store.status("a") is None
    assert house.seconds("b")[0] == 50.0
    house.visit("a")  # its last result arrives late
    assert house.store.status("a") is None
