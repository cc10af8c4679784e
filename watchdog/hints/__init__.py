"""Hints: from what is known about an error to what a person does next.

Owns: the public functions ``match``, ``render``, ``hint_of`` and ``family_of``, and the
evidence they take. Pure: no I/O. Must not know: engines, drivers, results.

The catalogue is ``catalogue/``, one file a family; ``rules`` matches codes,
``texts`` matches messages, ``rendering`` fills in the names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from watchdog.hints import rules, texts
from watchdog.hints.catalogue import entries, kinds
from watchdog.hints.codes import is_system_error
from watchdog.hints.entry import Severity
from watchdog.hints.evidence import Evidence, Match
from watchdog.hints.rendering import render
from watchdog.model import Failure, Hint, Kind
from watchdog.secret import mask

__all__ = [
    "SATURATION",
    "Evidence",
    "Match",
    "family_of",
    "hint_of",
    "is_advice",
    "match",
    "render",
]

# The causes that go with a connection of ours given up.
SATURATION: Final = ("too_many_connections", "connection_limit_role_db")

# A guess by the code alone is dropped where there is a text that does not bear it out.
_GUESS: Final = 0.35
# "Connection refused" says no more than its errno; an address, a path or a sentence does.
_NAMES_SOMETHING: Final = re.compile(r"[\d/:]|\w\.\w|(?:\w+\W+){5}")
# Below this the code leaves so much open that the text may name what the code did not.
_OPEN: Final = 0.65
_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})
# What a code and a text say together is surer than either.
_AGREED: Final = 0.02


def match(evidence: Evidence) -> tuple[Match, ...]:
    """Return the causes that fit, best first.

    Codes decide. The text only chooses between the causes that a code leaves
    open, and decides alone where there is no code that says anything.
    """
    coded = rules.candidates(evidence)
    if _may_be_of_anything(evidence) and not _worded(evidence, known_engine=False):
        return ()
    if not evidence.text or (coded and evidence.routine and len(coded) == 1):
        return texts.ranked(coded)
    worded = _worded(evidence, known_engine=bool(coded))
    if not coded:
        return texts.ranked(worded)
    return texts.ranked(_together(coded, worded))


def _may_be_of_anything(evidence: Evidence) -> bool:
    """Return whether the code is an errno beside a text that has to say whose it is."""
    return (
        bool(evidence.text)
        and not evidence.engine
        and evidence.phase is None
        and is_system_error(evidence.code)
        and _NAMES_SOMETHING.search(evidence.text) is not None
    )


def family_of(cause: str) -> Kind:
    """Return the family of a cause id. Raises ``KeyError`` for an unknown one."""
    return kinds()[cause]


def is_advice(cause: str) -> bool:
    """Whether a cause is worth knowing and no more: no reason to be reminded every hour."""
    entry = entries().get(cause)
    return entry is not None and entry.severity is Severity.INFO


def hint_of(
    failure: Failure, language: str = "en", known: Mapping[str, str] = _NOTHING
) -> Hint | None:
    """Return the hint of *failure* with what was found; ``None`` without or for an unknown one.

    *known* are facts beside those of the failure.
    """
    if not failure.hint:
        return None
    try:
        hint = render(failure.hint, {**known, **failure.facts}, language)
    except KeyError:
        return None  # a failure kept from a version whose catalogue knew it
    return replace(hint, findings=tuple(mask(each.text(language)) for each in failure.findings))


def _worded(evidence: Evidence, *, known_engine: bool) -> dict[str, float]:
    engine = evidence.engine
    if known_engine and not engine:
        engine = "sqlite" if evidence.code.startswith("SQLITE_") else "postgresql"
    found = texts.candidates(evidence.text, engine)
    if engine == "postgresql":
        return {cause: sure for cause, sure in found.items() if kinds()[cause] is not Kind.SQLITE}
    return found


def _together(coded: dict[str, float], worded: dict[str, float]) -> dict[str, float]:
    together = {}
    for cause, confidence in coded.items():
        if cause in worded:
            together[cause] = _surer(confidence, worded[cause])
        elif confidence > _GUESS or not worded:
            together[cause] = confidence
    if max(coded.values()) <= _OPEN:
        for cause, confidence in worded.items():
            together.setdefault(cause, _surer(0.0, confidence))
    return together or coded


def _surer(by_code: float, by_text: float) -> float:
    return min(1.0, max(by_code, by_text) + _AGREED)
