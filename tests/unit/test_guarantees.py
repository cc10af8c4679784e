"""The table of guarantees in docs/backups.md: each names tests, and each test is there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
_ROW: Final = re.compile(r"^\| (.+?) \| (.*) \|$", re.MULTILINE)
_TEST: Final = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def _table() -> list[tuple[str, str]]:
    text = (ROOT / "docs" / "backups.md").read_text("utf-8")
    section = text.partition("\n## Guarantees\n")[2].partition("\n## ")[0]
    head, _rule, *rows = [(row[1], row[2]) for row in _ROW.finditer(section.replace("| |", "|  |"))]
    assert head == ("guarantee", "proven by")
    return rows


GUARANTEES: Final = [row for row in _table() if not row[0].endswith(":")]  # others are headings


@cache
def _tests_in(path: Path) -> frozenset[str]:
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    tree = ast.parse(path.read_text("utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, functions))


@pytest.mark.parametrize("guarantee", GUARANTEES, ids=lambda row: row[0][:60])
def test_every_guarantee_names_tests_that_are_there(guarantee: tuple[str, str]) -> None:
    _said, proven_by = guarantee
    named = _TEST.findall(proven_by)
    assert named, "no test proves it"
    assert _TEST.sub("", proven_by).strip(", ") == "", "what is not a test cannot be run"
    for file, name in named:
        assert (ROOT / file).is_file(), file
        assert name in _tests_in(ROOT / file), f"{file} has no {name}"


def test_the_table_is_read() -> None:
    assert len(GUARANTEES) > 40
    assert any("keep: {last: 3}" in said for said, _ in GUARANTEES)
