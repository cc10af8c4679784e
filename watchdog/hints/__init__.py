"""Hints: from what is known about an error to what a person does next.

Owns: the public functions ``match``, ``render`` and ``family_of``, and the
evidence they take. Pure: no I/O. Must not know: engines, drivers, results.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from watchdog.model import Hint, Kind, Phase


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known about an error, the most reliable first.

    ``code``: SQLSTATE, SQLite's result code name (``SQLITE_CANTOPEN_ISDIR``)
    or an errno's name (``ECONNREFUSED``). ``routine``: the server's source
    function. ``exception``: the exception type's name. ``text``: the message,
    only trusted where nothing else decides.
    """

    engine: str = ""
    phase: Phase | None = None
    code: str = ""
    routine: str = ""
    exception: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Match:
    """A cause that fits the evidence; confidence 0 to 1."""

    id: str
    confidence: float


def match(evidence: Evidence) -> tuple[Match, ...]:
    """Return the causes that fit, best first."""
    raise NotImplementedError


def family_of(cause: str) -> Kind:
    """Return the family of a cause id. Raises ``KeyError`` for an unknown one."""
    raise NotImplementedError


def render(cause: str, facts: Mapping[str, str], language: str = "en") -> Hint:
    """Return the hint with *facts* filled into its steps; a step whose facts are unknown says so generally."""
    raise NotImplementedError
