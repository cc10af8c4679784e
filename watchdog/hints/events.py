"""From a stream of log lines to the events that have a hint.

Owns: which lines belong together (a message with its DETAIL, a traceback, a
wrapped statement) and judging them with their neighbours. Must not know:
files, terminals, languages.
"""

# ruff: noqa: E501 - lists of words

from __future__ import annotations

import functools
import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from watchdog.hints import texts
from watchdog.hints.evidence import Match
from watchdog.hints.facts import facts_of
from watchdog.hints.translations import field_names
from watchdog.hints.words import words

_MOST_LINES: Final = 400  # of one event; longer ones are judged in parts
_NEIGHBOURS: Final = 3
_CONFIDENT: Final = 0.5  # a line of a log is no question: what is less sure is not said

# "postgres-1  | ", as docker compose puts before each line, and what kubectl does.
_CONTAINER: Final = re.compile(r"[\w.-]{1,64} +\| ?|\[pod/[^\]\n]{1,200}\] ")
_MOST_SOURCES: Final = 200
_LONGEST_WAIT: Final = 1000  # lines, for the end of an event of another container
_GOES_ON: Final = re.compile(
    r"caused by:|suppressed:|\.{3} \d+ more|\[sql[:\]]|\[parameters|\(background on this error"
    r"|command was:|the above exception was|during handling of the above"
    r"|at [\w.$<>]{3,}\(|line \d+:|(?:sql state|error code|message|location) +:"
    r"|ssl connection has been closed|expected to find it|pg_\w+: aborting because|file \"pg_version|but could not open file",
    re.IGNORECASE,
)
_CHAIN: Final = re.compile(r"(?:The above exception was|During handling of the above) ")
_ENGLISH_FIELDS: Final = ("detail:", "hint:", "context:", "statement:", "query:", "location:")
_TRACEBACK: Final = "Traceback (most recent call last)"
_ATTEMPT: Final = "connection to server "
_TIME: Final = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z| ?[+-]\d\d:?\d\d| UTC)?"
)

# What tells two lines of a log apart that say the same: times, process and session numbers.
_VOLATILE: Final = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?|(?<=\[)\d{1,10}(?:-\d{1,6})?(?=\])"
    r"|\b0x[0-9a-f]{6,16}\b|(?<=\(age=)\d+|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"
)


@dataclass(frozen=True, slots=True)
class Event:
    """Lines that tell one thing, and what they may mean.

    ``line`` counts from 1; ``container`` says that a container wrote them.
    """

    line: int
    text: str
    matches: tuple[Match, ...]
    container: bool = False

    @property
    def facts(self) -> dict[str, str]:
        """What it names, for the steps of its hint."""
        return facts_of(self.text) | ({"container": "yes"} if self.container else {})

    @property
    def time(self) -> str:
        """The first time that stands in it, as written; "" if none does."""
        found = _TIME.search(self.text)
        return found.group() if found else ""


def events(lines: Iterable[str]) -> Iterator[Event]:
    """Yield the events of *lines* that have a hint, in their order, as soon as they are known.

    Where each line names the container that wrote it, the lines of each are
    put together by themselves: they come mixed.
    """
    groupings = {"": _Grouping()}
    waiting: list[Event] = []
    for number, line in enumerate(lines, start=1):
        source, text = _parted(line)
        if source not in groupings:
            if len(groupings) > _MOST_SOURCES:
                source = min(groupings.keys() - {""})
            else:
                groupings[source] = _Grouping(container=True)
        grouping = groupings[source]
        event = grouping.add(number, text)
        if event is not None:
            waiting.append(event)
        if waiting:
            yield from _in_turn(waiting, groupings.values(), number)
    waiting.extend(filter(None, (grouping.end() for grouping in groupings.values())))
    yield from sorted(waiting, key=_line_of)


def _parted(line: str) -> tuple[str, str]:
    """Return the container that wrote *line*, "" if none is named, and the rest."""
    if "|" in line[:66] or line.startswith("[pod/"):
        found = _CONTAINER.match(line)
        if found is not None:
            return found.group().strip(), line[found.end() :]
    return "", line


def _in_turn(waiting: list[Event], groupings: Iterable[_Grouping], number: int) -> Iterator[Event]:
    """Yield those of *waiting* before which nothing else can come any more; at line *number*."""
    first = number + 1
    for grouping in groupings:
        if grouping.suspicious and grouping.first < number - _LONGEST_WAIT:
            event = grouping.end()
            if event is not None:
                waiting.append(event)
        elif grouping.suspicious:
            first = min(first, grouping.first)
    ready = sorted((event for event in waiting if event.line < first), key=_line_of)
    waiting[:] = [event for event in waiting if event.line >= first]
    yield from ready


def _line_of(event: Event) -> int:
    return event.line


@functools.cache
def _field() -> tuple[frozenset[str], re.Pattern[str]]:
    """Return the words and the pattern of a line that belongs to the message before it."""
    lower = "|".join(re.escape(name[:-1]) for name in (*_ENGLISH_FIELDS, *field_names()))
    upper = lower.upper()
    tokens = {words(name)[-1] for name in (*_ENGLISH_FIELDS, *field_names())}
    # The server's, and those of its tools.
    begins = rf"[^\n]{{0,160}}?(?<!\w)(?:{upper})|(?:pg_\w+|psql): (?:{lower})"
    return frozenset(tokens), re.compile(rf"(?:{begins})[ ]?[:：] {{1,2}}\S")


class _Grouping:
    """Collects the lines of the event at hand."""

    def __init__(self, *, container: bool = False) -> None:
        self._container = container  # whether a container writes the lines
        self._lines: list[str] = []
        self.first = 1
        self.suspicious = False
        self._in_traceback = False
        self._had_traceback = False
        self._blank = 0
        self._before: deque[str] = deque(maxlen=_NEIGHBOURS)
        self._lowered = ""  # the line at hand, and its words
        self._tokens: set[str] = set()

    def add(self, number: int, line: str) -> Event | None:
        """Take the next line; return the event that it ended, if that has a hint."""
        line = line.rstrip("\r\n")
        self._lowered = line.lower()
        self._tokens = set(words(self._lowered))
        if not line or line.isspace():
            self._blank += 1
            return None
        finished = None
        if not self._lines or not self._belongs(line):
            finished = self.end()
            self.first = number
        self._take(line)
        return finished

    def end(self) -> Event | None:
        """Judge the event at hand and forget it."""
        lines, self._lines = self._lines, []
        event = None
        if lines and self.suspicious:
            event = self._judge("\n".join(lines))
        self._before.extend(lines[-_NEIGHBOURS:])
        self.suspicious = self._in_traceback = self._had_traceback = False
        self._blank = 0
        return event

    def _take(self, line: str) -> None:
        self._lines.append(line)
        self._blank = 0
        if _TRACEBACK in line:
            self._in_traceback = self._had_traceback = True
        elif self._in_traceback and not line[0].isspace():
            self._in_traceback = False  # the exception itself; its stack is above it
        if not self.suspicious:
            self.suspicious = texts.may_match(self._lowered, self._tokens)

    def _belongs(self, line: str) -> bool:
        if len(self._lines) >= _MOST_LINES:
            return False
        if self._blank:
            return self._blank <= 2 and self._resumes(line)
        return (
            self._in_traceback
            or line[0].isspace()
            or _GOES_ON.match(line) is not None
            or self._is_field(line)
            or (line.startswith(_ATTEMPT) and _ATTEMPT in self._lines[-1] + self._lines[0])
            or (self._had_traceback and _TRACEBACK in line)
        )

    def _is_field(self, line: str) -> bool:
        tokens, pattern = _field()
        return not tokens.isdisjoint(self._tokens) and pattern.match(line) is not None

    def _resumes(self, line: str) -> bool:
        """Whether *line* goes on after a blank one: a chain of exceptions does."""
        if _TRACEBACK in line:
            return self._had_traceback or _CHAIN.match(self._lines[-1]) is not None
        return _CHAIN.match(line) is not None or (
            self._had_traceback and _GOES_ON.match(line) is not None
        )

    def _judge(self, text: str) -> Event | None:
        found = _judged(_VOLATILE.sub("", text), self._container)
        if not found:  # the lines before may say what it is about
            near = "\n".join(self._before)
            found = texts.ranked(texts.candidates(text, neighbours=near, container=self._container))
        if not found or found[0].confidence < _CONFIDENT:
            return None
        return Event(self.first, text, found, self._container)


@functools.lru_cache(maxsize=2048)
def _judged(text: str, container: bool) -> tuple[Match, ...]:  # noqa: FBT001 - a key of the cache
    """Judge *text*, from which what changes from line to line is gone: logs repeat themselves."""
    return texts.ranked(texts.candidates(text, container=container))
