"""What a terminal is given of names that hold what it would obey."""

from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table
from rich.text import Text

from watchdog.cli._console import plain_console
from watchdog.visible import visible, visible_lines

EVIL = "a\x1b[31mb\nc\x9b2J\u202ed\x7f"


def test_what_a_terminal_would_obey_is_shown_instead() -> None:
    assert visible(EVIL) == "a␛[31mb␊c\ufffd2J\ufffdd␡"
    assert visible_lines("a\n\tb\x1b") == "a\n\tb␛"


@given(st.text())
def test_nothing_is_left_that_is_obeyed(text: str) -> None:
    shown = visible(text)
    assert len(shown) == len(text)
    assert not any(ord(each) < 0x20 or 0x7F <= ord(each) < 0xA0 for each in shown)


def test_a_console_shows_it_in_texts_and_tables_alike() -> None:
    console = plain_console()
    console.file = io.StringIO()
    table = Table()
    table.add_column("name")
    table.add_row(Text(EVIL))
    console.print(Text(f"x {EVIL}", style="red"))
    console.print(f"x {EVIL}", markup=False)
    console.print(table)
    shown = console.file.getvalue()
    assert shown.count("a␛[31m") == 3
    assert "\x1b" not in shown
    assert "\x9b" not in shown
