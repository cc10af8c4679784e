"""Whether a wording in a text may be believed.

Owns: whether it is an error and a database's: putting what a line says of
itself, of a service and of its neighbours together. Must not know: the catalogue.

Everything here works on lower-case text with the links taken out.
"""

from __future__ import annotations

import re
from typing import Final

from watchdog.hints import prose
from watchdog.hints.entry import Needs
from watchdog.hints.marks import ANY_DATABASE, OTHER, POSTGRESQL, SQLITE, THEIRS, Marks
from watchdog.hints.words import words

_LINK: Final = re.compile(
    r"https?://(?:sqlalche\.me|docs\.|www\.postgresql\.org|www\.sqlite\.org|www\.prisma\.io|pris\.ly)\S*"
)
_HINT_LINE: Final = re.compile(r"\b(?:hint|context):\s")
_LEVEL: Final = re.compile(r"\b(?:error|fatal|panic|warning|log)\b")
_ENDS: Final = re.compile(r"[\"'»`]|\s{0,2}(?:$|[\n.,;:()\[\]{}|!<\\-])")
_PORT: Final = re.compile(r":\d{2,5}\b")
_ATTEMPT: Final = re.compile(r"connect|retry|fail|error|wait|подключ|соедин|ошибк")
_ELSEWHERE: Final = 0.95  # the service is named, but in another line of the text
_NEAR: Final = 0.8  # … in the lines before it


def without_links(lowered: str) -> str:
    """Return *lowered* without the links that error messages carry to manuals."""
    return _LINK.sub(" ", lowered) if "://" in lowered else lowered


class Surroundings:
    """What stands around a wording in one text; *engine* is known for sure or ""."""

    def __init__(self, lowered: str, engine: str = "", neighbours: str = "") -> None:
        self._text = lowered
        self._engine = engine
        self._neighbours = neighbours

    def allow(self, needs: Needs, start: int, end: int) -> float:
        """Return how far a wording found at *start* to *end* may be believed: 0 is not at all."""
        line_start = self._text.rfind("\n", 0, start) + 1
        line_end = self._text.find("\n", end)
        line = self._text[line_start : line_end if line_end >= 0 else len(self._text)]
        before = self._text[line_start:start]
        tokens = set(words(line))
        if prose.is_quiet(line, tokens) or prose.talks_about_errors(line, before):
            return 0.0
        if self._is_advice(before, start):
            return 0.0
        framed = prose.is_framed(before)
        if not framed and prose.tells(line, tokens, before):
            return 0.0
        framed = framed or not before.strip()
        return self._enough(needs, line, tokens, framed=framed, ended=self._ended(end))

    def _is_advice(self, before: str, start: int) -> bool:
        """Return whether it is in a HINT that no error stands before."""
        return _HINT_LINE.search(before) is not None and not _LEVEL.search(self._text[:start])

    def _ended(self, end: int) -> bool:
        return _ENDS.match(self._text, end) is not None

    def _enough(
        self, needs: Needs, line: str, tokens: set[str], *, framed: bool, ended: bool
    ) -> float:
        if needs is Needs.TROUBLE and not framed and not prose.is_wrong(line):
            return 0.0
        if needs in (Needs.POSTGRESQL, Needs.TROUBLE):
            return self._speaks_of(POSTGRESQL, line, tokens, "postgresql")
        if needs is Needs.SQLITE:
            return self._speaks_of(SQLITE, line, tokens, "sqlite")
        if needs is Needs.NOTHING or self._engine == "sqlite":
            return 1.0
        here = SQLITE.within(line, tokens) or (ended and not OTHER.within(line, tokens))
        return 1.0 if framed and here else 0.0

    def _speaks_of(self, mark: Marks, line: str, tokens: set[str], engine: str) -> float:
        if self._engine:
            return 1.0 if self._engine == engine else 0.0
        if THEIRS.search(line):
            return 0.0
        if mark.within(line, tokens):
            return 1.0
        if OTHER.within(line, tokens):
            return 0.0
        if _any_database(mark, line, tokens):
            return 1.0
        return self._around_it(mark, line)

    def _around_it(self, mark: Marks, line: str) -> float:
        """Return how far the rest of the text, or the lines before it, say what *line* is about."""
        if "\n" in self._text and _names(mark, self._text):
            return _ELSEWHERE
        near = self._neighbours
        if near and _names(mark, near) and _ATTEMPT.search(near) and not _PORT.search(line):
            return _NEAR
        return 0.0


def _names(mark: Marks, text: str) -> bool:
    """Return whether *text* names the service of *mark*, or a database and no other service."""
    tokens = set(words(text))
    if mark.within(text, tokens):
        return True
    return _any_database(mark, text, tokens) and not OTHER.within(text, tokens)


def _any_database(mark: Marks, text: str, tokens: set[str]) -> bool:
    """Return whether *text* speaks of some database; for SQLite the mere word says nothing."""
    if mark is SQLITE:
        return ANY_DATABASE.strings.search(text) is not None
    return ANY_DATABASE.within(text, tokens)
