"""How often the first hint is right, and how seldom one is given for nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.corpus import field, silent, silent_codes
from watchdog.hints import Evidence, match
from watchdog.hints.catalogue import entries
from watchdog.hints.codes import evidence_of
from watchdog.hints.events import events

_WORTH_SAYING = 0.3  # what `explain` leaves out below

Record = Callable[[str, object], None]


def first(evidence: Evidence | None) -> str:
    found = match(evidence) if evidence else ()
    return found[0].id if found and found[0].confidence >= _WORTH_SAYING else "none"


def score(record: Record, what: str, wrong: list[str], count: int) -> None:
    record("score", f"{what}: {count - len(wrong)} of {count}")
    assert not wrong, "\n".join(wrong)


def test_the_corpus_is_large_enough_to_mean_something() -> None:
    assert len(field()) >= 300
    assert len(silent()) >= 100
    provoked_only = {"different_database", "config_changed_not_recreated", "destination_missing"}
    known = {case.cause for case in field()}
    assert {entry for entry in entries() if entry not in known} >= provoked_only
    assert len(known) >= 98


def test_the_first_hint_of_a_text_is_the_right_one(record_property: Record) -> None:
    cases = [case for case in field() if case.by_text]
    found = [(case, first(Evidence(text=case.text))) for case in cases]
    wrong = [f"{case.cause}, not {got}: {case.text}" for case, got in found if got != case.cause]
    score(record_property, "first hint right by the text", wrong, len(cases))


def test_the_first_hint_of_a_code_with_its_text_is_the_right_one(record_property: Record) -> None:
    cases = [case for case in field() if case.code]
    found = [(case, first(evidence_of(case.code, text=case.text))) for case in cases]
    wrong = [f"{case.cause}, not {got}: {case.text}" for case, got in found if got != case.cause]
    score(record_property, "first hint right by code and text", wrong, len(cases))


def test_what_is_no_trouble_of_a_database_has_no_hint(record_property: Record) -> None:
    found = [(text, first(Evidence(text=text))) for text in silent()]
    wrong = [f"{got}: {text}" for text, got in found if got != "none"]
    score(record_property, "silent where there is no trouble", wrong, len(silent()))


def test_what_is_no_trouble_has_no_hint_with_its_code_either(
    record_property: Record,
) -> None:
    found = [(code, text, first(evidence_of(code, text=text))) for code, text in silent_codes()]
    wrong = [f"{got}: {code} {text}" for code, text, got in found if got != "none"]
    score(record_property, "silent by code and text", wrong, len(found))


def test_a_log_of_troubles_has_an_event_for_each(record_property: Record) -> None:
    cases = [case for case in field() if case.by_text]
    wrong = []
    for case in cases:
        log = f"INFO starting\nINFO ready to work\n{case.text}\nINFO going on\n"
        found = [event.matches[0].id for event in events(log.splitlines(keepends=True))]
        if case.cause not in found:
            wrong.append(f"{case.cause}, not {found}: {case.text}")
    score(record_property, "troubles found in a log", wrong, len(cases))


@pytest.mark.parametrize(
    "prefix",
    [
        "2026-11-23T10:00:00.123456Z ERROR [worker-3] ",
        "Nov 23 10:00:00 host app[12]: ",
        "2026-11-23 10:00:00,123 [ERROR] ",
        "\x1b[31mERROR\x1b[0m ",
    ],
)
def test_what_a_logger_writes_before_a_text_changes_nothing(prefix: str) -> None:
    wrong = []
    for case in field():
        if case.by_text and "|" not in case.text[:20] and "^" not in case.text:
            got = first(Evidence(text=prefix + case.text))
            if got != case.cause:
                wrong.append(f"{case.cause}, not {got}: {prefix + case.text}")
    assert len(wrong) <= len(field()) // 50, "\n".join(wrong)
