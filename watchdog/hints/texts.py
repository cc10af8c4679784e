"""From the words of an error to causes.

Owns: looking for the catalogue's wordings in a text, and the first look that
tells in microseconds that there is none. Must not know: codes of drivers
(but those written out in the text), files, streams.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from watchdog.hints import rules
from watchdog.hints.catalogue import entries
from watchdog.hints.entry import Needs, Wording
from watchdog.hints.evidence import Evidence, Match
from watchdog.hints.surroundings import Surroundings, without_links

LONGEST: Final = 32 * 1024  # characters; of a longer text the beginning and the end are read
_LONGEST_LINE: Final = 4096  # a longer one is judged in parts: patterns search within a line

_LONG_PART: Final = re.compile(rf"[^\n]{{{_LONGEST_LINE}}}")

_CODE: Final = re.compile(
    r"sqlstate[\s:=\[(\"']{0,4}(?P<a>[0-9a-z]{5})\b"
    r"|\bcode[\"']?[:=]\s?[\"'](?P<b>[0-9a-z]{5})[\"']"
    r"|\b(?:fatal|error|panic|важно|ошибка):\s+(?P<c>[0-9a-z]{5}):\s"
    r"|\b(?:sql ?state|pgcode)[^0-9a-z]{1,4}(?P<d>[0-9a-z]{5})\b"
)
# Words that promise a code by themselves, and those beside which one may stand.
_CODE_WORDS: Final = ("sqlstate", "sql state", "pgcode")
_CODE_KEYS: Final = (*_CODE_WORDS, "code", "fatal:", "error:", "ошибка:", "важно:")
_WRITTEN_CODE: Final = 0.9  # a code written in a text is a little less sure than one of a driver


class _Known(NamedTuple):
    cause: str
    wording: Wording


@functools.cache
def _by_key() -> Mapping[str, tuple[_Known, ...]]:
    index: dict[str, list[_Known]] = {}
    for entry in entries().values():
        for wording in entry.wordings:
            index.setdefault(wording.key, []).append(_Known(entry.id, wording))
    return {key: tuple(known) for key, known in sorted(index.items())}


def may_match(lowered: str) -> bool:
    """Return ``False`` if no wording can be in *lowered*; cheap enough for every line of a log."""
    return _any_key(ascii_only=lowered.isascii()).search(lowered) is not None


@functools.cache
def _any_key(*, ascii_only: bool) -> re.Pattern[str]:
    """Return one pattern for all keys, shared beginnings written once: fast."""
    tree: dict[str, Any] = {}
    for key in (*_by_key(), *_CODE_WORDS):
        if key.isascii() or not ascii_only:
            branch = tree
            for letter in key:
                branch = branch.setdefault(letter, {})
            branch[""] = {}
    return re.compile(_alternatives(tree))


def _alternatives(branch: dict[str, Any]) -> str:
    if "" in branch:
        return ""  # a key ends here: what is longer has been found with it
    parts = [re.escape(letter) + _alternatives(branch[letter]) for letter in sorted(branch)]
    return parts[0] if len(parts) == 1 else f"(?:{'|'.join(parts)})"


@functools.lru_cache(maxsize=1024)
def _pattern(source: str) -> re.Pattern[str]:
    return re.compile(source, re.MULTILINE)


def candidates(text: str, engine: str = "", neighbours: str = "") -> dict[str, float]:
    """Return the causes whose wordings are in *text*, with a confidence each.

    *engine* is the kind of database if it is known for sure; *neighbours* are
    lines before, which may say what a bare "connection refused" is about.
    """
    if len(text) > LONGEST:
        text = text[: LONGEST // 2] + "\n" + text[-LONGEST // 2 :]
    if len(text) > _LONGEST_LINE:
        text = _LONG_PART.sub(r"\g<0>\n", text)
    lowered = without_links(text.lower()).replace('\\"', '"')  # as JSON quotes it
    if not may_match(lowered):
        return {}
    surroundings = Surroundings(lowered, engine, neighbours.lower())
    found: dict[str, float] = {}
    for key, known in _by_key().items():
        if key in lowered:
            for cause, confidence in _believed(known, lowered, surroundings):
                found[cause] = max(found.get(cause, 0.0), confidence)
    for cause, confidence in _written_codes(lowered).items():
        found[cause] = max(found.get(cause, 0.0), confidence)
    return found


def ranked(found: Mapping[str, float]) -> tuple[Match, ...]:
    """Return candidates best first; of equals in the order of the alphabet."""
    best_first = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    return tuple(Match(cause, round(confidence, 2)) for cause, confidence in best_first)


def _believed(
    known: Iterable[_Known], lowered: str, surroundings: Surroundings
) -> Iterable[tuple[str, float]]:
    for cause, wording in known:
        for start, end in _places(wording, lowered):
            trust = surroundings.allow(wording.needs, start, end)
            if trust > 0.0:
                yield cause, round(wording.confidence * trust, 3)
                break


def _places(wording: Wording, lowered: str) -> Iterable[tuple[int, int]]:
    """Yield where *wording* is; its key's places if its pattern does not span them."""
    if wording.pattern:
        found = _pattern(wording.pattern).search(lowered)
        if found is None:
            return
        if wording.key in found.group() or wording.needs is Needs.NOTHING:
            yield found.span()
            return
    start = lowered.find(wording.key)
    for _ in range(8):  # enough to get past a quiet or foreign line to the one that counts
        if start < 0:
            return
        yield start, start + len(wording.key)
        start = lowered.find(wording.key, start + len(wording.key))


def _written_codes(lowered: str) -> dict[str, float]:
    """Return what SQLSTATEs written in the text lead to."""
    if not any(key in lowered for key in _CODE_KEYS):
        return {}
    found: dict[str, float] = {}
    for match in _CODE.finditer(lowered):
        code = (match["a"] or match["b"] or match["c"] or match["d"]).upper()
        if code in rules.known_codes():
            evidence = Evidence(engine="postgresql", code=code)
            for cause, confidence in rules.candidates(evidence).items():
                weighed = round(confidence * _WRITTEN_CODE, 3)
                found[cause] = max(found.get(cause, 0.0), weighed)
    return found
