"""Hints: from what is known about an error to what a person does next.

Owns: the public functions ``match``, ``render`` and ``family_of``, and the
evidence they take. Pure: no I/O. Must not know: engines, drivers, results.

The catalogue is ``catalogue/``, one file a family; ``rules`` matches codes,
``texts`` matches messages, ``rendering`` fills in the names.
"""

from __future__ import annotations

from watchdog.hints import rules
from watchdog.hints.catalogue import kinds
from watchdog.hints.evidence import Evidence, Match
from watchdog.hints.rendering import render
from watchdog.model import Kind

__all__ = ["Evidence", "Match", "family_of", "match", "render"]

# A guess by code alone is dropped where there is a text that does not bear it out.
_GUESS = 0.35


def match(evidence: Evidence) -> tuple[Match, ...]:
    """Return the causes that fit, best first.

    Codes decide. The text only chooses between the causes that a code leaves
    open, and decides alone where there is no code that says anything.
    """
    found = rules.candidates(evidence)
    ranked = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    return tuple(Match(cause, confidence) for cause, confidence in ranked)


def family_of(cause: str) -> Kind:
    """Return the family of a cause id. Raises ``KeyError`` for an unknown one."""
    return kinds()[cause]
