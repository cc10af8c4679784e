"""What a database held, compared with a copy of it. Pure."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog.backups.manifest import Verification
from watchdog.content import Content, content_from, differences, shown
from watchdog.model import Failure, Kind

NOW = datetime(2026, 11, 23, 3, tzinfo=UTC)
ROT = Failure(Kind.BACKUP, "it has changed")

HELD = Content(
    rows={"public.a": 3, 'public."Ю\n"': 0},
    digests={"public.a": "1"},
    passed_over={"public.p": "partitioned"},
    schema="abc",
    objects={"indexes": 2},
)

contents = st.builds(
    Content,
    rows=st.dictionaries(st.text(), st.integers(0, 1 << 62)),
    digests=st.dictionaries(st.text(), st.text()),
    passed_over=st.dictionaries(st.text(), st.text()),
    uncounted=st.dictionaries(st.text(), st.text()),
    reason=st.text(),
    schema=st.text(),
    objects=st.dictionaries(st.text(), st.integers(0, 1000)),
)


@given(contents)
def test_it_is_read_back_as_it_was_written(content: Content) -> None:
    assert content_from(json.loads(json.dumps(content.document()))) == content


@given(contents)
def test_a_copy_that_is_equal_has_no_differences(content: Content) -> None:
    content = replace(content, reason="")
    assert differences(content, content) == ()


@pytest.mark.parametrize(
    ("copy", "told"),
    [
        (replace(HELD, rows={**HELD.rows, "public.a": 2}), "public.a had 3 rows, the copy has 2"),
        (
            replace(HELD, rows={'public."Ю\n"': 0}),
            "public.a had 3 rows, in the copy it is not there",
        ),
        (replace(HELD, digests={"public.a": "2"}), "as many rows as it had (3), but not the same"),
        (replace(HELD, rows={**HELD.rows, "public.b": 1}), "public.b is not in the source"),
        (replace(HELD, schema="abd", objects={"indexes": 1}), "not the same (indexes 2 → 1)"),
        (replace(HELD, reason="no session"), "could not be counted: no session"),
        (
            replace(HELD, rows={'public."Ю\n"': 0}, uncounted={"public.a": "42501 denied"}),
            "public.a had 3 rows, in the copy 42501 denied",
        ),
    ],
)
def test_each_difference_is_named_with_its_table(copy: Content, told: str) -> None:
    (found,) = differences(HELD, copy)
    assert told in found


def test_what_was_passed_over_in_the_source_may_be_anything_in_the_copy() -> None:
    assert differences(HELD, replace(HELD, rows={**HELD.rows, "public.p": 7})) == ()


def test_a_message_names_ten_tables_and_counts_the_rest() -> None:
    source = Content(rows={f"t{number}": 1 for number in range(25)})
    copy = Content(rows={f"t{number}": 0 for number in range(25)})
    assert shown(differences(source, copy)).endswith("; and 15 more")


def test_it_says_why_it_is_incomplete() -> None:
    assert HELD.complete
    assert not replace(HELD, reason="proof: off").complete
    lacking = replace(HELD, uncounted={f"t{number}": "denied" for number in range(12)})
    assert not lacking.complete
    assert lacking.why_incomplete.startswith("not counted: t0 (denied), t1")
    assert lacking.why_incomplete.endswith("and 2 more")


# ------------------------------------------------------------------ levels on record


def test_a_proof_clears_no_failure_of_a_higher_level() -> None:
    failed = Verification({0: NOW, 1: NOW, 2: NOW}).refuted(4, ROT, NOW)
    assert failed.level == 0
    for level in (0, 1, 2, 3):
        after = failed.proven(level, NOW + timedelta(days=1))
        assert (after.level, after.failure) == (0, ROT)
    restored = failed.proven(4, NOW + timedelta(days=2))
    assert (restored.level, restored.failure, restored.failed_at) == (4, None, None)


def test_a_proof_clears_a_failure_of_its_level_and_takes_back_no_proof_above() -> None:
    once = Verification(dict.fromkeys(range(5), NOW))
    later = NOW + timedelta(days=1)
    assert once.proven(1, later).levels == {0: later, 1: later, 2: NOW, 3: NOW, 4: NOW}
    rotten = once.refuted(1, ROT, later)
    assert rotten.level == 0
    # What was proven before the rot counts no more.
    assert rotten.proven(1, later).level == 1


def test_a_proof_that_tried_for_more_than_it_could_show_clears_what_it_tried() -> None:
    failed = Verification({0: NOW}).refuted(3, ROT, NOW)
    assert failed.proven(2, NOW).failure == ROT
    assert failed.proven(2, NOW, attempted=3).level == 2


def test_a_second_failure_below_does_not_make_the_first_easier_to_clear() -> None:
    failed = Verification().refuted(4, ROT, NOW).refuted(1, ROT, NOW)
    assert failed.failed_level == 4
    assert failed.proven(1, NOW).failure is not None


def test_a_hash_counts_as_compared_whatever_came_of_it() -> None:
    later = NOW + timedelta(days=1)
    assert Verification().hashed_at is None
    assert Verification({1: NOW}).hashed_at == NOW
    assert Verification({1: NOW}).refuted(1, ROT, later).hashed_at == later
