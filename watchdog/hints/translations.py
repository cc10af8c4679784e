"""PostgreSQL's messages in other languages, said in English.

Owns: the table ``translations.txt`` (what each message that leads to a hint is
in each language that PostgreSQL, libpq and its tools speak; written by
``tools/write_hint_translations.py``) and replacing what is found by the
English. Must not know: hints.

The table is read when the first text comes that may need it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from watchdog.hints.words import EASTERN, any_of, words

_HOLE: Final = re.compile(r"\{(\w+)\}")
_ANY_HOLE: Final = r"[^\n]{0,200}?"
_WORD_HOLE: Final = r"\S{0,200}"
_QUOTED_HOLE: Final = r'[^\n"]{0,200}?'  # or it would begin at the quotes of another name before it
_SPACES: Final = re.compile(r" {2,}")
_COLONS: Final = r"[ ]?[:：]"
_FIELDS: Final = frozenset({"detail:", "hint:", "query:", "context:", "statement:"})
_SAME: Final = str.maketrans({"ё": "е", "Ё": "Е", "\u00a0": " ", "\u202f": " "})


class _Message(NamedTuple):
    """One message in another language; both with holes ``{0}``, ``{m}``."""

    translated: str
    english: str


class _Table(NamedTuple):
    """The messages by what is looked for first, a word or eastern signs; names of levels."""

    by_word: dict[str, list[_Message]]
    by_signs: dict[str, list[_Message]]
    tags: dict[str, str]
    names: dict[str, str]


def alike(text: str) -> str:
    """Return *text* with the letters and spaces made one that are written in two ways."""
    return text if text.isascii() else text.translate(_SAME)


def english(text: str) -> str:
    """Return *text* with what is known of PostgreSQL's translations said in English.

    Names and numbers in it stay as they are, so the facts in it can be read.
    """
    text = alike(text)
    lowered = text.lower()
    tokens = set(words(lowered))
    squeezed = _SPACES.sub(" ", lowered)
    for message in sorted(_found(lowered, tokens), key=_literal_length, reverse=True):
        if all(piece in squeezed for piece in literals(message.translated)):
            text = _pattern(message).sub(_replacement(message), text)
    if not _table().tags.keys().isdisjoint(tokens) or EASTERN.search(lowered):
        text = _foreign_tags().sub(lambda found: _table().names[_name(found.group())], text)
    return text


def may_be_foreign(lowered: str, tokens: set[str]) -> bool:
    """Return whether *lowered*, of the words *tokens*, may hold a message of another language."""
    if not _table().by_word.keys().isdisjoint(tokens):
        return True
    return not lowered.isascii() and _signs().search(lowered) is not None


@functools.cache
def field_names() -> tuple[str, ...]:
    """Return what begins the lines that belong to a message, in other languages than English."""
    return tuple(sorted(name for name, meant in _table().names.items() if meant in _FIELDS))


def literals(translated: str) -> Iterator[str]:
    """Yield what stands between the holes of a message."""
    for number, part in enumerate(_HOLE.split(translated)):
        if number % 2 == 0 and part.strip():
            yield part.strip()


def _found(lowered: str, tokens: set[str]) -> set[_Message]:
    table = _table()
    found: set[_Message] = set()
    for word in table.by_word.keys() & tokens:
        found.update(table.by_word[word])
    if not lowered.isascii() and _signs().search(lowered):
        for signs, messages in table.by_signs.items():
            if signs in lowered:
                found.update(messages)
    return found


def _literal_length(message: _Message) -> tuple[int, str, str]:
    return len(_HOLE.sub("", message.translated)), message.translated, message.english


@functools.cache
def _table() -> _Table:
    text = Path(__file__).with_name("translations.txt").read_text("utf-8")
    table = _Table({}, {}, {}, {})
    meant = ""
    for line in text.splitlines():
        if not line.startswith("\t"):
            meant = line
            continue
        _, anchor, translated = line.split("\t", 2)
        if meant.endswith(":") and " " not in meant:
            table.names[translated] = meant
            table.tags[anchor] = meant
        else:
            index = table.by_signs if EASTERN.match(anchor) else table.by_word
            index.setdefault(anchor, []).append(_Message(translated, meant))
    return table


@functools.cache
def _signs() -> re.Pattern[str]:
    return any_of(_table().by_signs)


@functools.cache
def _foreign_tags() -> re.Pattern[str]:
    names = sorted((name[:-1].rstrip() for name in _table().names), key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, names))}){_COLONS}", re.IGNORECASE)


def _name(found: str) -> str:
    return found.lower().replace("：", ":").removesuffix(":").rstrip() + ":"


@functools.lru_cache(maxsize=512)
def _pattern(message: _Message) -> re.Pattern[str]:
    """Return the pattern that finds *message*, with a group for each hole within it.

    A hole ends where what stands behind it comes first, and is not tried
    longer (an atomic group): hostile text would take for ever.
    """
    first, *rest = _HOLE.split(_within(message.translated, message.english))
    pattern = [_as_written(first)]
    seen: set[str] = set()
    pairs = list(zip(rest[::2], rest[1::2], strict=True))
    for number, (name, behind) in enumerate(pairs):
        at_an_end = (number == 0 and not first) or (number == len(pairs) - 1 and not behind)
        before = rest[2 * number - 1] if number else first
        hole = (_WORD_HOLE + "?" * bool(behind)) if at_an_end else _ANY_HOLE
        if before.endswith('"') and behind.startswith('"'):
            hole = _QUOTED_HOLE
        group = hole if name in seen else f"(?P<h{name}>{hole})"
        seen.add(name)
        pattern.append(f"(?>{group}{_as_written(behind)})" if behind else group)
    return re.compile("".join(pattern), re.IGNORECASE)


def _as_written(text: str) -> str:
    return re.escape(text).replace(r"\ ", " {1,3}")


def _replacement(message: _Message) -> functools.partial[str]:
    return functools.partial(_replaced, _within(message.english, message.translated))


def _replaced(template: str, found: re.Match[str]) -> str:
    known = found.groupdict()
    return _HOLE.sub(lambda hole: known.get(f"h{hole[1]}") or "", template)


def _within(text: str, other: str) -> str:
    """Return *text* without the holes that *other* begins or ends with too."""
    first, its_first = _HOLE.match(text), _HOLE.match(other)
    if first and its_first and first.group() == its_first.group():
        text = text[first.end() :]
    for hole in _HOLE.findall(other)[-1:]:
        if other.endswith(f"{{{hole}}}"):
            text = text.removesuffix(f"{{{hole}}}")
    return text
