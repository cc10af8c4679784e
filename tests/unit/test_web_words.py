"""The page's language: both say the same things, numbers read as people write them."""

import re
import string
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog.web.words import PHRASES, Words

EN, RU = Words("en"), Words("ru")


def places(text):
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


def test_both_languages_say_the_same_things():
    assert PHRASES["en"].keys() == PHRASES["ru"].keys()
    for key, text in PHRASES["en"].items():
        assert places(text) == places(PHRASES["ru"][key]), key


def test_russian_is_russian():
    same = {key for key, text in PHRASES["ru"].items() if not re.search("[а-яё]", text.lower())}
    assert same <= {"version", "api", "url", "subline_attention_one", "with_wal"}


def test_an_unknown_language_is_english():
    assert Words("fr")("up") == "up"
    assert Words("fr").span(5) == EN.span(5)


@pytest.mark.parametrize(
    ("seconds", "english", "russian"),
    [
        (0, "0 s", "0 с"),
        (59.4, "59 s", "59 с"),
        (60, "1 min", "1 мин"),
        (3599, "59 min", "59 мин"),
        (3600, "1 h", "1 ч"),
        (7500, "2 h 5 min", "2 ч 5 мин"),
        (36000 + 300, "10 h", "10 ч"),
        (86400 * 3 + 3600 * 4, "3 d 4 h", "3 д 4 ч"),
        (86400 * 400, "400 d", "400 д"),
        (-3, "0 s", "0 с"),
    ],
)
def test_spans(seconds, english, russian):
    assert EN.span(seconds).replace("\N{NO-BREAK SPACE}", " ") == english
    assert RU.span(seconds).replace("\N{NO-BREAK SPACE}", " ") == russian


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.00004, "0.04 ms"), (0.0011, "1.1 ms"), (0.0125, "12 ms"), (0.9, "900 ms"), (2.34, "2.3 s")],
)
def test_durations(seconds, text):
    assert EN.duration(seconds).replace("\N{NO-BREAK SPACE}", " ") == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (38.2e6, "36.4 MiB"),
        (1023.9 * 2**20, "1.0 GiB"),
    ],
)
def test_sizes(count, text):
    assert EN.size(count).replace("\N{NO-BREAK SPACE}", " ") == text


def test_russian_has_a_decimal_comma():
    assert RU.size(38.2e6).replace("\N{NO-BREAK SPACE}", " ") == "36,4 МиБ"


@given(st.floats(min_value=0, max_value=1))
def test_only_the_whole_is_a_hundred_percent(share):
    assert (EN.percent(share) == "100") is (share >= 1)


def test_an_instant_of_today_needs_no_date():
    moment = datetime(2026, 11, 23, 3, 0, 1, tzinfo=UTC)
    assert Words.instant(moment, datetime(2026, 11, 23, 12, tzinfo=UTC)) == "03:00:01 UTC"
    assert Words.instant(moment, datetime(2026, 11, 24, tzinfo=UTC)) == "2026-11-23 03:00:01 UTC"
