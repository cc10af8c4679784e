"""``.env``: names and values as docker compose reads them.

Owns: ``NAME=value`` lines, ``export``, quotes, comments, CRLF, a BOM, and
``${…}`` in unquoted and double-quoted values. Unlike compose, a bare
``$NAME`` stands for itself (``pa$$word`` and ``pa$word`` are passwords), and
a variable that is not set is a mistake where its line is used. Must not
know: which names matter.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from watchdog.config.expansion import ExpansionError, expand
from watchdog.config.mistakes import Mark, Mistake, Mistakes

_HEAD: Final = re.compile(r"[ \t]*(?:export[ \t]+)?(?P<name>[^\s=#'\"]+)[ \t]*=[ \t]*")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_BLANK: Final = re.compile(r"[ \t]*(?:#[^\n]*)?(?:\n|\Z)")
_UNQUOTED: Final = re.compile(r"[^\n]*")
_COMMENT: Final = re.compile(r"(?:^|[ \t])#.*")
_QUOTED: Final = {
    "'": re.compile(r"'(?P<value>[^']*)'"),
    '"': re.compile(r'"(?P<value>(?:[^"\\]|\\.)*)"', re.DOTALL),
}
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", '"': '"', "$": "$", "'": "'"}


@dataclass(slots=True)
class DotEnv:
    """What a ``.env`` file says; ``broken`` are names whose value could not be made out."""

    values: dict[str, str] = field(default_factory=dict)
    marks: dict[str, Mark] = field(default_factory=dict)
    broken: dict[str, Mistake] = field(default_factory=dict)


def read(text: str, file: str, environ: Mapping[str, str], mistakes: Mistakes) -> DotEnv:
    """Read *text* of *file*; ``${…}`` looks into *environ* first, then at earlier lines."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    found = DotEnv()
    at = 0
    while at < len(text):
        blank = _BLANK.match(text, at)
        if blank and blank.end() > at:
            at = blank.end()
            continue
        mark = _mark(text, at, file)
        head = _HEAD.match(text, at)
        if head is None or not _NAME.fullmatch(head["name"]):
            mistakes.add(mark, "", "write NAME=value, with a name of letters, digits and _")
            at = _next_line(text, at)
            continue
        at = _assignment(text, head, found, mark, environ, mistakes)
    return found


def _assignment(
    text: str,
    head: re.Match[str],
    found: DotEnv,
    mark: Mark,
    environ: Mapping[str, str],
    mistakes: Mistakes,
) -> int:
    name, at = head["name"], head.end()
    quote = text[at : at + 1]
    if quote in _QUOTED:
        match = _QUOTED[quote].match(text, at)
        rest = _BLANK.match(text, match.end()) if match else None
        if match is None or rest is None:
            what = (
                "the quote is never closed" if match is None else "text follows the closing quote"
            )
            mistakes.add(
                _mark(text, at, mark.file), name, f"{what}: write NAME={quote}value{quote}"
            )
            return _next_line(text, at)
        raw, at = match["value"], rest.end()
    else:
        line = _UNQUOTED.match(text, at)
        assert line is not None
        raw, at = _COMMENT.sub("", line[0]).strip(), _next_line(text, at)
    found.values.pop(name, None)
    found.broken.pop(name, None)
    try:
        found.values[name] = _meaning(raw, quote, {**found.values, **environ})
    except ExpansionError as error:
        found.broken[name] = Mistake(mark, name, str(error))
    found.marks[name] = mark
    return at


def _meaning(raw: str, quote: str, environ: Mapping[str, str]) -> str:
    if quote == "'":
        return raw
    if quote != '"':
        return expand(raw, environ, dollars=False)[0]
    # \$ must survive the expansion: the text is cut at its escapes first
    pieces = _ESCAPE.split(raw)
    plain = "".join(
        piece if at % 2 == 0 else _ESCAPES.get(piece, "\\" + piece).replace("$", "\0")
        for at, piece in enumerate(pieces)
    )
    return expand(plain, environ, dollars=False)[0].replace("\0", "$")


def _mark(text: str, at: int, file: str) -> Mark:
    return Mark(file, text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at))


def _next_line(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end + 1
