"""How findings are worded: lists, sizes, spans and names that look alike.

Owns: small phrases in both languages. Pure. Must not know: any step.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import Final

from watchdog.model import Finding

_MOST_NAMED: Final = 8
_MOST_COMPARED: Final = 2000
_ALIKE: Final = 0.72  # difflib's ratio: one slip in a name of four letters
_LONGEST: Final = 300


def found(step: str, en: str, ru: str) -> Finding:
    """Return a finding on one line each, not longer than a few lines of a terminal."""
    return Finding(step, _tame(en), _tame(ru))


def alike(name: str, others: Iterable[str]) -> str:
    """Return the one of *others* that *name* was probably meant to be, "" if none is near."""
    by_folded: dict[str, str] = {}
    for other in list(others)[:_MOST_COMPARED]:
        if other != name:
            by_folded.setdefault(_folded(other), other)
    wanted = _folded(name)
    if wanted in by_folded:
        return by_folded[wanted]
    near = difflib.get_close_matches(wanted, by_folded, n=1, cutoff=_ALIKE)
    return by_folded[near[0]] if near else ""


def listed(names: Sequence[str], most: int = _MOST_NAMED) -> str:
    """Return *names* with commas; of many the first few and how many more."""
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[:most])} … (+{len(names) - most})"


def span(seconds: float) -> str:
    """Return a length of time for people: ``12 s``, ``3 min 20 s``, ``2 h 5 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.3g} s" if whole < 1 else f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"


def _folded(name: str) -> str:
    return name.casefold().replace("-", "_")


def _tame(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
