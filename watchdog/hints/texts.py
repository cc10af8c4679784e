"""From the words of an error to causes.

Owns: looking for the catalogue's wordings in a text, and the first look that
tells in microseconds that there is none. Must not know: codes of drivers
(but those written out in the text), files, streams.
"""

# ruff: noqa: SIM905 - a list of words

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from watchdog.hints import prose, rules
from watchdog.hints.catalogue import entries
from watchdog.hints.codes import SQLITE_NAMES
from watchdog.hints.entry import Wording
from watchdog.hints.evidence import Evidence, Match
from watchdog.hints.surroundings import Surroundings, without_links
from watchdog.hints.translations import alike, english, may_be_foreign
from watchdog.hints.words import words

LONGEST: Final = 32 * 1024  # characters; of a longer text the beginning and the end are read
_LONGEST_LINE: Final = 4096  # a longer one is judged in parts: patterns search within a line

# "api-1  | ", as docker compose puts before each line, and what kubectl does.
_CONTAINER: Final = re.compile(r"^(?:[\w.-]{1,64} +\| ?|\[pod/[^\]\n]{1,200}\] )", re.MULTILINE)
_LOCALHOST: Final = re.compile(r"\blocalhost\b|\b127\.0\.0\.1\b|(?<![\w:])::1\b")
# SQL is what somebody asked for; what it quotes did not happen.
_SQL: Final = re.compile(
    r"\bstatement:  [^\n]*(?:\n\t[^\n]*)*"
    r"|\blog:\s+(?:duration: [^\n]{0,60})?statement: [^\n]*(?:\n\t[^\n]*)*"
    r"|\bduration: [^\n]*? (?:execute|parse|bind) [^\n]*"
    r"|\[sql: [^\]\n]*\]?"
)
_LONG_PART: Final = re.compile(rf"[^\n]{{{_LONGEST_LINE}}}")

_CODE: Final = re.compile(
    r"sqlstate[\s:=\[(\"']{0,4}(?P<a>[0-9a-z]{5})\b"
    r"|\bcode[\"']?[:=]\s?[\"'](?P<b>[0-9a-z]{5})[\"']"
    r"|\b(?:fatal|error|panic):\s+(?P<c>[0-9a-z]{5}):\s"
    r"|\b(?:sql ?state|pgcode|state_code)[^0-9a-z]{1,4}(?P<d>[0-9a-z]{5})\b"
)
# Words that promise a code by themselves, and those beside which one may stand.
_CODE_WORDS: Final = frozenset({"sqlstate", "pgcode"})
_CODE_KEYS: Final = ("sqlstate", "sql state", "pgcode", "code", "fatal:", "error:")
# Words that say nothing of a line being worth a closer look.
_ORDINARY: Final = frozenset(
    "a already and at authentication be because been by connect connection could data database does"
    " error exist exists failed file for found from has have host in input invalid is it line lost"
    " name no not of on or out output permission postgres postgresql query requested role server"
    " session sql sqlite ssl statement system table the this time timeout to transaction unable"
    " unexpected user version wal was with request command directory process read password".split()
)
_SQLITE_NUMBER: Final = re.compile(
    r"sqlite (?:error|failure) (?P<a>\d{1,4})\b|\(code:? ?(?P<b>\d{1,4})\b"
    r"|extended_?code[\"']?[:=] ?(?P<c>\d{1,4})\b"
    r"|sqlitelog[^\n]{0,12}: \((?P<d>\d{1,4})\)"
)
_WRITTEN_CODE: Final = 0.9  # a code written in a text is a little less sure than one of a driver


class _Known(NamedTuple):
    cause: str
    wording: Wording


@functools.cache
def _by_word() -> Mapping[str, Mapping[str, tuple[_Known, ...]]]:
    """Return the wordings by their keys, and these by the word of them that is looked for first."""
    index: dict[str, dict[str, list[_Known]]] = {}
    for entry in entries().values():
        for wording in entry.wordings:
            keys = index.setdefault(_first_look(wording.key), {})
            keys.setdefault(wording.key, []).append(_Known(entry.id, wording))
    return {
        word: {key: tuple(known) for key, known in keys.items()} for word, keys in index.items()
    }


def _first_look(key: str) -> str:
    """Return the word of *key* that ordinary lines have most seldom."""
    return max(words(key), key=lambda word: (word not in _ORDINARY, len(word), word))


def may_match(lowered: str, tokens: set[str] | None = None) -> bool:
    """Return ``False`` if no wording can be in *lowered*; cheap enough for every line of a log.

    *tokens* are its words, where they are known already.
    """
    if not lowered.isascii():
        lowered, tokens = alike(lowered), None
    tokens = tokens or set(words(lowered))
    for word in _by_word().keys() & tokens:
        if any(key in lowered for key in _by_word()[word]):
            return True
    return not _CODE_WORDS.isdisjoint(tokens) or may_be_foreign(lowered, tokens)


@functools.lru_cache(maxsize=1024)
def _pattern(source: str) -> re.Pattern[str]:
    return re.compile(source, re.MULTILINE)


def candidates(
    text: str, engine: str = "", neighbours: str = "", *, container: bool = False
) -> dict[str, float]:
    """Return the causes whose wordings are in *text*, with a confidence each.

    *engine* is the kind of database if it is known for sure; *neighbours* are
    lines before, which may say what a bare "connection refused" is about;
    *container* says that a container wrote it, as the prefix of ``docker
    compose logs`` does too.
    """
    lowered, tokens, prefixed = _prepared(text)
    surroundings = Surroundings(lowered, engine, neighbours.lower())
    found: dict[str, float] = {}
    for word in _by_word().keys() & tokens:
        for key, known in _by_word()[word].items():
            if key in lowered:
                for cause, confidence in _believed(known, lowered, surroundings):
                    found[cause] = max(found.get(cause, 0.0), confidence)
    for cause, confidence in _written_codes(lowered).items():
        found[cause] = max(found.get(cause, 0.0), confidence)
    if (container or prefixed) and "connection_refused" in found and _LOCALHOST.search(lowered):
        found["localhost_in_container"] = min(1.0, found["connection_refused"] + 0.03)
    return found


def _prepared(text: str) -> tuple[str, set[str], bool]:
    """Return *text* in lower case and English, its words, and whether a container wrote it."""
    if len(text) > LONGEST:
        text = text[: LONGEST // 2] + "\n" + text[-LONGEST // 2 :]
    if len(text) > _LONGEST_LINE:
        text = _LONG_PART.sub(r"\g<0>\n", text)
    # As JSON and CSV quote it.
    lowered = without_links(alike(text.lower())).replace('\\"', '"').replace('""', '"')
    prefixes = 0
    if "|" in lowered or lowered.startswith("[pod/"):
        lowered, prefixes = _CONTAINER.subn("", lowered)
    tokens = set(words(lowered))
    if may_be_foreign(lowered, tokens):
        lowered = english(lowered)
        tokens = set(words(lowered))
    return _SQL.sub(" ", lowered), tokens, prefixes > 0


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
        within = found.group().find(wording.key)
        if within >= 0:
            yield found.start() + within, found.end()
            return
    start = lowered.find(wording.key)
    for _ in range(8):  # enough to get past a quiet or foreign line to the one that counts
        if start < 0:
            return
        yield start, start + len(wording.key)
        start = lowered.find(wording.key, start + len(wording.key))


def _written_codes(lowered: str) -> dict[str, float]:
    """Return what codes written in the text lead to."""
    written = []
    if any(key in lowered for key in _CODE_KEYS):
        for match in _CODE.finditer(lowered):
            code = (match["a"] or match["b"] or match["c"] or match["d"]).upper()
            if code in rules.known_codes() and not _talked_about(lowered, match.start()):
                written.append(Evidence(engine="postgresql", code=code))
    if "sqlite" in lowered and ("code" in lowered or "error" in lowered or "sqlitelog" in lowered):
        for match in _SQLITE_NUMBER.finditer(lowered):
            number = int(match["a"] or match["b"] or match["c"] or match["d"])
            if number in SQLITE_NAMES:
                written.append(Evidence(engine="sqlite", code=SQLITE_NAMES[number]))
    found: dict[str, float] = {}
    for evidence in written:
        for cause, confidence in rules.candidates(evidence).items():
            weighed = round(confidence * _WRITTEN_CODE, 3)
            found[cause] = max(found.get(cause, 0.0), weighed)
    return found


def _talked_about(text: str, start: int) -> bool:
    line_start = text.rfind("\n", 0, start) + 1
    line = text[line_start:].partition("\n")[0]
    return prose.talks_about_errors(line, text[line_start:start])


def leads_somewhere(message: str) -> bool:
    """Return whether an error with this *message* would have a hint."""
    return bool(candidates("error: " + message, "postgresql"))
