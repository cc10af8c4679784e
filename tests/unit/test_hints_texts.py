"""The corpus: each text of the field leads to its cause, what is no database trouble to none."""

# ruff: noqa: E501 - messages stay as they are

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.error_texts import TRACEBACK, WITH_CAUSE, WITHOUT_CAUSE
from watchdog.hints import Evidence, match, render
from watchdog.hints.catalogue import entries
from watchdog.hints.facts import facts_of
from watchdog.hints.texts import candidates, may_match

KEYS = sorted({wording.key for entry in entries().values() for wording in entry.wordings})


@pytest.mark.parametrize(("cause", "text"), WITH_CAUSE)
def test_a_text_leads_to_its_cause(cause: str, text: str) -> None:
    found = match(Evidence(text=text))
    assert found
    assert found[0].id == cause, found


@pytest.mark.parametrize("text", WITHOUT_CAUSE)
def test_what_is_no_database_trouble_has_no_hint(text: str) -> None:
    assert match(Evidence(text=text)) == ()


def test_the_corpus_is_large_enough_to_mean_something() -> None:
    assert len(WITH_CAUSE) >= 150
    assert len(WITHOUT_CAUSE) >= 50
    assert len({cause for cause, _ in WITH_CAUSE}) >= 85


@pytest.mark.parametrize(("cause", "text"), WITH_CAUSE[::3])
@pytest.mark.parametrize(
    "wrap",
    [
        "2026-11-23T10:00:00.123456Z ERROR [worker-3] {}",
        "Nov 23 10:00:00 host app[12]: {}",
        TRACEBACK.replace("{last}", "{}"),
        "\x1b[31mERROR\x1b[0m {}",
    ],
)
def test_wrapping_changes_nothing(cause: str, text: str, wrap: str) -> None:
    found = match(Evidence(text=wrap.replace("{}", text)))
    assert found
    assert found[0].id == cause, found


def test_ambiguous_texts_give_both_best_first() -> None:
    found = match(Evidence(text='FATAL:  password authentication failed for user "x"'))
    assert [one.id for one in found] == ["auth_failed", "role_missing"]
    found = match(
        Evidence(text='connection to server at "localhost" (127.0.0.1), port 5432 failed: Connection refused')
    )  # fmt: skip
    assert [one.id for one in found] == ["connection_refused", "localhost_in_container"]


def test_the_engine_that_is_known_is_context_enough() -> None:
    assert match(Evidence(text="Connection refused")) == ()
    assert (
        match(Evidence(engine="postgresql", text="Connection refused"))[0].id
        == "connection_refused"
    )
    assert match(Evidence(engine="sqlite", text="Connection refused")) == ()


def test_matching_is_deterministic() -> None:
    for _, text in WITH_CAUSE:
        assert match(Evidence(text=text)) == match(Evidence(text=text))


def test_the_first_look_misses_nothing() -> None:
    for _, text in WITH_CAUSE:
        assert may_match(text.lower())
    for key in KEYS:
        assert may_match(f"xx {key} yy"), key


def test_keys_and_patterns_are_lower_case() -> None:
    for entry in entries().values():
        for wording in entry.wordings:
            assert wording.key == wording.key.lower()
            assert 0 < wording.confidence <= 1


@pytest.mark.timeout(30)
def test_hostile_texts_take_bounded_time() -> None:
    hostile = [
        "a" * 200_000,
        'role "' * 20_000,
        'connection to server at "' * 8_000 + "refused",
        "permission denied " * 10_000,
        'does not exist database "' * 8_000,
        "error: " * 30_000 + "database is locked",
        "//" * 60_000 + "://u:p@" * 1000,
        "\n" * 100_000 + "database is locked",
        "sqlstate[" * 20_000,
        "code: '" * 20_000,
        "(" * 100_000 + "[" * 50_000,
        " ".join(KEYS) * 10,
        "pg_restore " * 20_000,
        "pg_hba.conf pg_dump permission denied: " * 5_000,
    ]
    for text in hostile:
        started = time.process_time()
        candidates(text)
        facts_of(text[:16_384])
        assert time.process_time() - started < 1.5, text[:40]


@given(st.lists(st.sampled_from(KEYS) | st.text(max_size=12), max_size=12).map(" ".join))
@settings(deadline=None, max_examples=150)
def test_any_text_is_judged_without_an_error(text: str) -> None:
    for one in match(Evidence(text=text)):
        assert one.id in entries()
        assert 0 < one.confidence <= 1


def test_facts_are_read_from_texts() -> None:
    facts = facts_of(
        'connection to server at "db1" (10.0.0.5), port 5433 failed: FATAL:  password authentication failed for user "app"'
    )  # fmt: skip
    assert facts["host"] == "db1"
    assert facts["port"] == "5433"
    assert facts["user"] == "app"
    assert facts_of('FATAL:  database "agent_runtime" does not exist') == {
        "database": "agent_runtime"
    }
    assert facts_of("Connect call failed ('10.0.0.1', 5432)") == {
        "host": "10.0.0.1",
        "port": "5432",
    }
    assert facts_of("server version: 17.10; pg_dump version: 15.18")["major"] == "17"


def test_a_password_in_a_url_is_no_fact() -> None:
    facts = facts_of("postgresql://app:hunter2secret@db:5432/app refused")
    assert "hunter2secret" not in repr(facts)


def test_shuffled_words_of_ordinary_logs_have_no_hint() -> None:
    words = "checkpoint complete wrote buffers connection received host user app database ready vacuum".split()  # noqa: SIM905
    chance = random.Random(7)
    for _ in range(300):
        chance.shuffle(words)
        assert match(Evidence(text="LOG:  " + " ".join(words))) == ()


@pytest.mark.parametrize(("cause", "text"), WITH_CAUSE)
def test_the_code_beside_the_text_leads_to_the_same(cause: str, text: str) -> None:
    for rule in entries()[cause].rules:
        if not rule.routines:
            for code in rule.codes.split()[:2]:
                if code.startswith("E"):
                    continue  # an errno means something only with its phase
                assert match(Evidence(code=code, text=text))[0].id == cause, code


@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_restore_s_own_target_is_never_what_pg_restore_is_told_to_read(language: str) -> None:
    facts = {"path": "/srv/data/new.db", "database": "new.db"}
    steps = " ".join(render("restore_into_nonempty", facts, language).steps)
    assert "new.db" not in steps
