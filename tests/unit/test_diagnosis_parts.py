"""The pure parts of a diagnosis: names, compose files, certificates, who blocks whom; its guard."""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.certificates import make_certificates
from tests.support.sqlite import target_of
from watchdog import diagnosis
from watchdog.database_url import parse
from watchdog.diagnosis import certificate, sessions, surroundings, words
from watchdog.diagnosis.case import Case, Found, Step
from watchdog.diagnosis.steps import reach
from watchdog.engines.postgresql.probes.evidence import without_literals
from watchdog.engines.postgresql.resolver import Address
from watchdog.engines.sqlite.engine import SqliteEngine
from watchdog.model import Failure, Kind, Phase, Target


@pytest.mark.parametrize(
    ("name", "others", "meant"),
    [
        ("agent_runtme", ["postgres", "agent_runtime"], "agent_runtime"),
        ("Agent-Runtime", ["agent_runtime"], "agent_runtime"),
        ("app", ["postgres", "template1"], ""),
        ("app", ["app"], ""),
        ("shop", [], ""),
    ],
)
def test_a_name_finds_the_one_it_was_meant_to_be(name: str, others: list[str], meant: str) -> None:
    assert words.alike(name, others) == meant


@given(st.text(max_size=40), st.lists(st.text(max_size=40), max_size=10))
def test_what_is_alike_is_one_of_the_others(name: str, others: list[str]) -> None:
    assert words.alike(name, others) in {"", *others} - {name} | {""}


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.25, "0.25 s"), (12, "12 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")]
)
def test_a_span_is_told_in_two_units(seconds: float, text: str) -> None:
    assert words.span(seconds) == text


def test_a_sentence_stays_on_one_bounded_line() -> None:
    sentence = words.found("step", "a\nb" + "x" * 1000, "ы\n" * 1000)
    assert "\n" not in sentence.en + sentence.ru
    assert len(sentence.en) == len(sentence.ru) == 300


def test_services_and_their_published_ports_are_read_from_a_compose_file() -> None:
    text = """
x-common: &common
  restart: always
services:
  web:
    image: app
    environment:
      DB_HOST: postgres
    ports: ["8080:80"]
  "postgres":   # the database
    ports:
      - "127.0.0.1:54320:5432"
      - '9187:9187'
  other:
volumes:
  data:
"""
    assert surroundings.services_of(text) == {"web": "", "postgres": "54320", "other": ""}


def test_the_own_compose_file_of_the_project_is_read() -> None:
    project = surroundings.compose(Path(__file__).parents[2])
    assert project is not None
    assert "postgres" in project.services


@given(st.text(max_size=400))
def test_any_text_is_read_as_a_compose_file(text: str) -> None:
    surroundings.services_of(text)


def test_a_certificate_tells_names_and_dates(tmp_path: Path) -> None:
    made = make_certificates(tmp_path, host="DNS:db.example,IP:10.0.0.7")
    der = ssl.PEM_cert_to_DER_cert(made.server_crt.read_text())
    shown = certificate.read(der)
    assert (shown.subject, shown.issuer) == ("db.test", "ca")
    assert shown.names == ("db.example", "10.0.0.7")
    assert not shown.is_own_issuer
    said = subprocess.run(
        ["openssl", "x509", "-noout", "-enddate", "-in", made.server_crt],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert ssl.cert_time_to_seconds(said.strip().removeprefix("notAfter=")) == int(
        shown.not_after.timestamp()
    )
    authority = certificate.read(ssl.PEM_cert_to_DER_cert(made.ca_crt.read_text()))
    assert authority.is_own_issuer


@given(st.binary(max_size=200))
def test_what_is_no_certificate_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        certificate.read(data)


def _session(pid: int, *blocked_by: int) -> dict[str, Any]:
    return {
        "pid": pid,
        "usename": "app",
        "datname": "shop",
        "application_name": "",
        "state": "active",
        "transaction_seconds": 3.0,
        "blocked_by": list(blocked_by),
        "statement": "update t",
    }


def test_the_blocking_tree_is_told_by_its_roots() -> None:
    seen = {"sessions": [_session(1), _session(2, 1), _session(3, 2), _session(4, 9)]}
    assert sessions.blockers(seen) == {1: [2, 3], 9: [4]}
    findings, facts = sessions.blocking(seen, "step")
    assert "session 1 of app in shop" in findings[0].en
    assert "2, 3" in findings[0].en
    assert facts["pid"] == "1"


def test_a_deadlock_has_no_root_and_does_not_turn_for_ever() -> None:
    assert sessions.blockers({"sessions": [_session(1, 2), _session(2, 1)]}) == {}


@pytest.mark.parametrize(
    ("statement", "kept"),
    [
        (
            "select * from t where name = 'O''Brien' and n = 5",
            "select * from t where name = '…' and n = 5",
        ),
        ("alter role app password 'cut off in the mid", "alter role app password '…'"),
        ("do $body$ begin secret; end $body$", "do '…'"),
        ("select\n  1", "select 1"),
    ],
)
def test_literals_of_statements_are_left_out(statement: str, kept: str) -> None:
    assert without_literals(statement) == kept


@given(st.text(alphabet="abc ", max_size=30))
def test_no_literal_of_a_statement_survives(secret: str) -> None:
    assert "hunter2" not in without_literals(f"select '{secret}hunter2', $$hunter2{secret}$$")


# ------------------------------------------------------------------ the guard


def _case() -> Case:
    failure = Failure(Kind.SQLITE, "gone", hint="sqlite_busy")
    return Case(failure, target_of("/nowhere/app.db"), SqliteEngine())


def _steps(monkeypatch: pytest.MonkeyPatch, *looks: Any) -> None:
    made = tuple(Step(f"s{n}", n, lambda _: True, look, 0.2) for n, look in enumerate(looks))
    monkeypatch.setattr(diagnosis, "all_steps", lambda: made)


async def test_a_step_that_fails_or_hangs_leaves_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def broken(_: Case) -> Found:
        raise RuntimeError("a defect")

    async def hanging(_: Case) -> Found:
        await asyncio.sleep(3600)
        raise AssertionError

    async def good(_: Case) -> Found:
        return Found((words.found("good", "seen", "видно"),), {"pid": "7"}, "sqlite_notadb")

    _steps(monkeypatch, broken, hanging, good)
    found = await diagnosis.diagnose(_case(), 5.0)
    assert [each.en for each in found.findings] == ["seen"]
    assert found.hint == "sqlite_notadb"
    refined = found.refined(_case().failure)
    assert (refined.hint, refined.kind, refined.facts["pid"]) == ("sqlite_notadb", Kind.SQLITE, "7")
    assert found.is_about(refined)
    assert found.is_about(_case().failure)
    assert not found.is_about(Failure(Kind.REACH, "another"))


async def test_a_diagnosis_ends_by_its_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    async def slow(_: Case) -> Found:
        await asyncio.sleep(3600)
        raise AssertionError

    _steps(monkeypatch, *[slow] * 50)
    async with asyncio.timeout(10):
        found = await diagnosis.diagnose(_case(), 0.3)
    assert found.findings == ()
    assert found.refined(_case().failure) == _case().failure, "without findings nothing changes"


def test_steps_are_in_order_and_named_once() -> None:
    steps = diagnosis.all_steps()
    assert [step.order for step in steps] == sorted(step.order for step in steps)
    assert len({step.name for step in steps}) == len(steps)
    assert all(0 < step.seconds <= diagnosis.DEADLINE for step in steps)


@pytest.mark.parametrize(
    ("answered", "cause", "refined"),
    [
        (False, "connection_refused", "localhost_in_container"),
        (True, "connection_refused", ""),
        (True, "localhost_in_container", "connection_refused"),
    ],
)
async def test_an_address_that_has_answered_is_not_called_wrong(
    answered: bool, cause: str, refined: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(surroundings, "in_own_container", lambda: True)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    url = parse(f"postgresql://u@127.0.0.1:{port}/db", environ={}, base_dir=Path("/"))
    failure = Failure(Kind.REACH, "refused", Phase.CONNECT, "ECONNREFUSED", cause)
    case = Case(failure, Target("t", "postgresql", url), SqliteEngine(), has_answered=answered)
    case.notes["addresses"] = [Address(socket.AF_INET, ("127.0.0.1", port))]
    assert (await reach.look(case)).hint == refined
