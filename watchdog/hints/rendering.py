"""From an entry and what is known to the words that a person reads.

Owns: placeholders, their fallbacks and quoting, masking. Must not know: how a
cause was found, where the words go.
"""

from __future__ import annotations

import functools
import re
import shlex
from collections.abc import Mapping
from typing import Final

from watchdog.hints.catalogue import entries
from watchdog.hints.place import here, place_of
from watchdog.model import Hint
from watchdog.secret import mask

PLACEHOLDER: Final = re.compile(r"\{(?P<name>[a-z_]+)(?P<bar>\|(?P<default>[^{}]*))?\}")

_LONGEST_FACT: Final = 200
_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f`]+")
_UNKNOWN: Final = frozenset({"", "None"})


def render(cause: str, facts: Mapping[str, str], language: str = "en") -> Hint:
    """Return the hint of *cause* with *facts* filled in.

    A step that needs a fact which is not known is left out; at least one step
    always stays. Raises ``KeyError`` for an unknown cause.
    """
    entry = entries()[cause]
    text = entry.text(language)
    known = {name: _tame(value) for name, value in facts.items() if str(value) not in _UNKNOWN}
    place = place_of(known)
    if "compose" in place:
        known.setdefault("service", known.get("host", ""))
    lines = (line for step in text.steps if (line := here(step, place)) is not None)
    return Hint(
        id=entry.id,
        title=fill(text.title, known) or text.title,
        cause=fill(text.cause, known) or text.cause,
        steps=tuple(step for line in lines if (step := fill(line, known)) is not None),
        documentation=(entry.sqlite if "sqlite" in place else "") or entry.documentation,
    )


def _tame(value: object) -> str:
    """Return *value* masked, on one line, not longer than a line."""
    text = _UNPRINTABLE.sub(" ", mask(str(value))).strip()
    return text if len(text) <= _LONGEST_FACT else text[: _LONGEST_FACT - 1] + "…"


def fill(line: str, facts: Mapping[str, str]) -> str | None:
    """Return *line* with its placeholders filled, ``None`` if a needed fact is missing."""
    parts = []
    for is_code, part in _split(line):
        position = 0
        for found in PLACEHOLDER.finditer(part):
            value = facts.get(found["name"])
            if value is None and not found["bar"]:
                return None
            before = part[position : found.start()]
            parts.append(before)
            if value is None:
                parts.append(found["default"])
            else:
                parts.append(_quoted(value, before) if is_code else value)
            position = found.end()
        parts.append(part[position:])
    return "".join(parts)


def _quoted(value: str, before: str) -> str:
    """Return *value* as SQL wants it between double quotes, otherwise as the shell does."""
    if before.endswith('"'):
        return value.replace('"', '""')
    if before.endswith(("'", ":", "/", "=")):
        return value.replace("'", "")
    return shlex.quote(value)


@functools.lru_cache(maxsize=256)
def _split(line: str) -> tuple[tuple[bool, str], ...]:
    """Split *line* into prose and code; the backticks stay with the code."""
    return tuple((part.startswith("`"), part) for part in re.split(r"(`[^`]*`)", line) if part)
