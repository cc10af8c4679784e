"""Sizes and times as people read them."""

from __future__ import annotations

import pytest

from watchdog import units
from watchdog.web.words import Words


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (8192, "8.0 KiB"),
        (102_400, "100 KiB"),
        (1023.9 * 2**20, "1.0 GiB"),
        (3 * 2**60, "3072 PiB"),
    ],
)
def test_a_size_has_the_unit_that_suits_it_everywhere(count: float, text: str) -> None:
    assert units.size(count) == text
    assert Words("en").size(count).replace("\N{NO-BREAK SPACE}", " ") == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (1.0, "1 s"), (1.24, "1.2 s"), (9.97, "10 s"), (61, "1 m 1 s"), (7200, "2 h")],
)
def test_a_duration_has_no_more_digits_than_it_needs(seconds: float, text: str) -> None:
    assert units.span(seconds) == text
