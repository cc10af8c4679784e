"""The corpus that the matcher of hints is measured by.

Owns: reading ``tests/corpus``. A line of ``field.tsv`` is the cause, the code
that came with the text ("" if none did; with ``!`` before it where the text
alone does not tell), the text with ``\\n`` and ``\\t`` written out. A line of
``silent.txt`` is a text that is no trouble of a database; one of
``silent_codes.tsv`` has the code that came with it before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parents[1] / "corpus"


@dataclass(frozen=True)
class Case:
    """A text of the field, the code beside it, and the cause that it has."""

    cause: str
    code: str
    text: str
    by_text: bool


@cache
def field() -> tuple[Case, ...]:
    """Return the texts that have a cause."""
    cases = []
    for line in (_FOLDER / "field.tsv").read_text("utf-8").splitlines():
        cause, code, text = line.split("\t", 2)
        cases.append(Case(cause, code.lstrip("!"), _written_out(text), not code.startswith("!")))
    return tuple(cases)


@cache
def silent() -> tuple[str, ...]:
    """Return the texts that are no trouble of a database."""
    return tuple(
        _written_out(line) for line in (_FOLDER / "silent.txt").read_text("utf-8").splitlines()
    )


@cache
def silent_codes() -> tuple[tuple[str, str], ...]:
    """Return codes with their texts that are no trouble of a database."""
    lines = (_FOLDER / "silent_codes.tsv").read_text("utf-8").splitlines()
    pairs = (line.split("\t", 1) for line in lines)
    return tuple((code, _written_out(text)) for code, text in pairs)


def _written_out(text: str) -> str:
    return text.replace("\\n", "\n").replace("\\t", "\t")
