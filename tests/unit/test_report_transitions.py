"""What the log says when a target changes, when a reason flaps, when a closer look ends."""

from __future__ import annotations

from typing import Any

import pytest
import structlog

from tests.support.clock import FakeClock
from watchdog.database_url import PostgresqlUrl
from watchdog.diagnosis.words import found
from watchdog.metrics import names, samples
from watchdog.model import (
    Answer,
    Diagnosis,
    Failure,
    Kind,
    Outcome,
    Phase,
    ProbeRun,
    Result,
    Server,
    Target,
)
from watchdog.report import DIAGNOSE, REMINDER, Report
from watchdog.results import ResultStore

SERVER = Server("db1:5432", "postgresql")
TARGET = Target("shop", "postgresql", PostgresqlUrl((("db1", 5432),), "app", "shop"))
REFUSED = Failure(
    Kind.REACH, "connection refused", Phase.CONNECT, "ECONNREFUSED", "connection_refused"
)
LATE = Failure(Kind.TIMEOUT, "no answer", Phase.CONNECT, "", "connect_timeout")
WRONG = Failure(
    Kind.AUTH, "wrong", Phase.AUTHENTICATE, "28P01", "auth_failed", {"user": "shp", "host": "db1"}
)
SEEN = found("roles", "role shp does not exist; there is shop", "роли shp нет; есть shop")
BETTER = Diagnosis(WRONG, (SEEN,), {"alike": "shop"}, "role_missing", Kind.AUTH)


class House:
    """A report whose log lines are kept."""

    def __init__(self, language: str = "en") -> None:
        self.clock = FakeClock()
        self.store = ResultStore(self.clock)
        self.store.configure([(TARGET, SERVER)])
        self.report = Report(self.store, self.clock, language)
        self.heard: list[str] = []
        self.report.backup_listeners.append(self.heard.append)

    def visit(self, failure: Failure | None = None, after: float = 1.0) -> list[dict[str, Any]]:
        self.clock.advance(after)
        return self._take("connect", failure)

    def diagnosed(self, diagnosis: Diagnosis) -> list[dict[str, Any]]:
        return self._take(DIAGNOSE, None, {"diagnosis": diagnosis, "targets": ("shop",)})

    def _take(
        self, action: str, failure: Failure | None, facts: dict[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        outcome = Outcome.OK if failure is None else Outcome.FAILED
        with structlog.testing.capture_logs() as lines:
            self.report.take(
                Result(
                    TARGET,
                    action,
                    outcome,
                    self.clock.now(),
                    self.clock.monotonic(),
                    0.1,
                    failure,
                    facts=facts or {},
                )
            )
        return [dict(line) for line in lines]


def events(lines: list[dict[str, Any]]) -> list[str]:
    return [line["event"] for line in lines]


def test_reasons_that_take_turns_are_said_once_an_hour_each() -> None:
    house = House()
    house.visit()
    assert events(house.visit(REFUSED)) == ["target down"]
    assert events(house.visit(LATE)) == ["target still down, another reason"]
    for _ in range(20):
        assert house.visit(REFUSED) == []
        assert house.visit(LATE) == []
    assert "trouble goes on" in events(house.visit(LATE, after=REMINDER))
    assert events(house.visit()) == ["target up", "trouble over", "trouble over"]
    assert events(house.visit(REFUSED)) == ["target down"], "a new time of being down"


def test_a_better_hint_takes_the_place_of_the_first_one() -> None:
    house = House()
    house.visit()
    assert house.visit(WRONG)[0]["hint"] == "auth_failed"
    (line,) = house.diagnosed(BETTER)
    assert line["event"] == "diagnosis"
    assert line["target"] == "shop"
    assert line["hint"] == "role_missing"
    assert line["found"] == [SEEN.en]
    assert "Is it shop?" in line["steps"][0]
    assert house.heard == ["shop"], "metrics and pages hear of it"
    status = house.store.status("shop")
    assert status is not None
    assert status.failure is not None
    assert [hint.id for hint in status.hints] == ["role_missing"]
    assert status.hints_by_id == {"auth_failed": 1, "role_missing": 1}
    for _ in range(3):
        assert house.visit(WRONG) == [], "the same failure is refined at once, and not news"
    assert [hint.id for hint in status.hints] == ["role_missing"]
    assert events(house.visit()) == ["target up", "trouble over"]
    assert status.hints == ()
    assert status.diagnoses == ()
    assert house.visit(WRONG)[0]["hint"] == "auth_failed", (
        "a diagnosis does not outlive its trouble"
    )


def test_a_diagnosis_of_what_has_passed_changes_nothing() -> None:
    house = House()
    house.visit(WRONG)
    house.visit()
    assert house.diagnosed(BETTER) == []
    status = house.store.status("shop")
    assert status is not None
    assert status.up
    assert status.hints == ()


def test_one_that_found_nothing_is_not_told() -> None:
    house = House()
    house.visit(WRONG)
    assert house.diagnosed(Diagnosis(WRONG)) == []


@pytest.mark.parametrize(("language", "sentence"), [("en", SEEN.en), ("ru", SEEN.ru)])
def test_what_was_found_is_told_in_the_language(language: str, sentence: str) -> None:
    house = House(language)
    house.visit(WRONG)
    (line,) = house.diagnosed(BETTER)
    assert line["found"] == [sentence]


BLIND = Failure(Kind.PRIVILEGE, "sees little", hint="blind_role")


def probed(house: House, *troubles: Failure, failure: Failure | None = None) -> list[str]:
    """Let the server answer a probe with *troubles*, or not answer it for *failure*."""
    house.clock.advance(1)
    now, at = house.clock.monotonic(), house.clock.now()
    run = ProbeRun(
        "privileges", failure is None, 0.1, 60.0, now, at, Answer(troubles=troubles), failure
    )
    with structlog.testing.capture_logs() as lines:
        house.report.take(Result(SERVER, "round", Outcome.OK, at, now, 0.1, probes=(run,)))
    return events([dict(line) for line in lines])


def test_a_trouble_of_which_nobody_knows_is_neither_over_nor_new() -> None:
    house = House()
    house.visit()
    assert probed(house, BLIND) == ["trouble"]
    status = house.store.status("shop")
    assert status is not None
    began = status.hints[0].since
    assert events(house.visit(REFUSED)) == ["target down"]
    assert [hint.id for hint in status.hints] == ["connection_refused"]
    told = {
        sample.labels[0]: sample.value
        for sample in samples.state(status)
        if sample.metric is names.HINT_ACTIVE
    }
    assert told == {"connection_refused": 1.0}, "unknown is absent"
    assert events(house.visit()) == ["target up", "trouble over"]
    assert probed(house, failure=LATE) == ["trouble"], "of the question alone"
    assert probed(house, BLIND) == ["trouble over"]
    assert [(hint.id, hint.since) for hint in status.hints] == [("blind_role", began)]
    assert status.hints_by_id["blind_role"] == 1
    assert probed(house) == ["trouble over"]
    assert status.unanswered == {}


def test_a_trouble_that_passed_while_the_target_was_down_is_over_once_that_is_known() -> None:
    house = House()
    house.visit()
    probed(house, BLIND)
    house.visit(REFUSED)
    house.visit()
    assert probed(house) == ["trouble over"]
