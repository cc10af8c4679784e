"""``explain``: look a hint up, by code, by text, or in a log.

Owns: telling what was given, the three outputs (words, JSON, summary).
Must not know: configuration, databases.
"""

from __future__ import annotations

import json
import os
import re
import stat
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TextIO

import click

from watchdog.cli import NO
from watchdog.errors import UsageError
from watchdog.hints import Evidence, Match, match, render
from watchdog.hints.bare import bare
from watchdog.hints.catalogue import entries, kinds
from watchdog.hints.codes import evidence_of, is_hint
from watchdog.hints.entry import LANGUAGES
from watchdog.hints.events import Event, events
from watchdog.hints.facts import facts_of
from watchdog.model import Hint
from watchdog.secret import mask
from watchdog.visible import visible_lines
from watchdog.web.documents import explanations_document, hint_document

_LIKE_A_CODE: Final = re.compile(r"[\w.-]{1,64}")
_WORTH_SAYING: Final = 0.3
_LONGEST_LINE: Final = 16 * 1024  # characters; the rest of a longer one is left out

_WORDS: Final = {
    "en": {
        "or": "It may also be:",
        "none": "no hint fits: {what}",
        "times": "{count} times",
        "once": "once",
        "lines": "lines {first} to {last}",
        "line": "line {first}",
        "more": "More:",
        "nothing": "no line has a hint ({count} lines read)",
        "id": "hint",
        "family": "family",
        "title": "what is wrong",
    },
    "ru": {
        "or": "Возможно также:",
        "none": "подходящей подсказки нет: {what}",
        "times": "раз: {count}",
        "once": "один раз",
        "lines": "строки {first}–{last}",
        "line": "строка {first}",
        "more": "Подробнее:",
        "nothing": "подсказок нет ни для одной строки (прочитано строк: {count})",
        "id": "подсказка",
        "family": "семейство",
        "title": "что случилось",
    },
}


def language_of(environment: Mapping[str, str]) -> str:
    """Return the language that the environment asks for: ours, or the locale's if it is Russian."""
    chosen = environment.get("DB_WATCHDOG_LANGUAGE", "").lower()
    if chosen in LANGUAGES:
        return chosen
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = environment.get(name, "")
        if value:
            return "ru" if value.lower().startswith("ru") else "en"
    return "en"


@click.command(
    "explain",
    short_help="What an error means and what to do about it.",
    epilog="""\b
Examples:
  db-watchdog explain 53300
  db-watchdog explain SQLITE_BUSY
  db-watchdog explain auth_failed --lang ru
  db-watchdog explain 'FATAL: database "app" does not exist'
  docker compose logs --no-log-prefix | db-watchdog explain -""",
)
@click.argument("what", metavar="[CODE|TEXT|FILE|-]", required=False)
@click.option(
    "--code",
    help="The SQLSTATE, SQLite result code or errno that came with the text, or a hint's id.",
)
@click.option(
    "--engine", type=click.Choice(["postgresql", "sqlite"]), help="Which database it was."
)
@click.option("--lang", type=click.Choice(LANGUAGES), help="The language to answer in.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document; for a log one a line.")
@click.option("--summary", is_flag=True, help="For a log: by cause, also when it is piped on.")
def COMMAND(  # noqa: N802 - the name by which the group finds it
    what: str | None,
    code: str | None,
    engine: str | None,
    lang: str | None,
    as_json: bool,
    summary: bool,
) -> int | None:
    """Say what an error means and what to do about it.

    Give a code (28P01, SQLITE_BUSY, 261, ECONNREFUSED), the id of a hint, the
    text of an error, a log file, or - for standard input. Without an argument
    all hints are listed. No configuration is read.
    """
    language = lang or language_of(os.environ)
    if what is None and code is None:
        _list(language, as_json)
        return None
    if what == "-" or (what and _is_file(what)):
        return _explain_log(what, language, as_json, summary)
    return _explain_one(what or "", code or "", engine or "", language, as_json)


# ------------------------------------------------------------------ one error


def _explain_one(what: str, code: str, engine: str, language: str, as_json: bool) -> int | None:
    found = [
        (hint, sure) for hint, sure in _hints(what, code, engine, language) if sure >= _WORTH_SAYING
    ]
    if as_json:
        document = explanations_document(found)
        click.echo(json.dumps(document, ensure_ascii=False, indent=2))
    elif found:
        _tell(found, language)
    else:
        shown = mask(what or code)
        click.echo(_WORDS[language]["none"].format(what=visible_lines(shown[:200])), err=True)
    return None if found else NO


def _hints(what: str, code: str, engine: str, language: str) -> Iterator[tuple[Hint, float]]:
    if is_hint(code or what):
        yield render(code or what, facts_of(what if code else ""), language), 1.0
        return
    evidence, text = _evidence(what, code, engine)
    facts = facts_of(text)
    for cause in match(evidence) or bare(text):
        yield render(cause.id, facts, language), cause.confidence


def _evidence(what: str, code: str, engine: str) -> tuple[Evidence, str]:
    if code:
        evidence = evidence_of(code, engine, what)
        if (
            evidence is None and what and _LIKE_A_CODE.fullmatch(code)
        ):  # a code of something else; the text has to tell
            return Evidence(engine=engine, text=what), what
        if evidence is None:
            raise UsageError(
                f"--code {code}: not a code that we know the kind of; give a SQLSTATE (28P01),"
                " a SQLite result code (SQLITE_BUSY or 5) or an errno (ECONNREFUSED)"
            )
        return evidence, what
    evidence = evidence_of(what, engine)
    return (evidence, "") if evidence else (Evidence(engine=engine, text=what), what)


def _tell(found: list[tuple[Hint, float]], language: str) -> None:
    hint = found[0][0]
    click.secho(f"{hint.title}  [{hint.id}]", bold=True)
    click.echo(hint.cause)
    click.echo()
    _tell_steps(hint, language)
    others = found[1:]
    if others:
        click.echo()
        click.echo(_WORDS[language]["or"])
        for other, _ in others:
            click.echo(f"  {other.title}  [{other.id}]")


def _tell_steps(hint: Hint, language: str) -> None:
    for number, step in enumerate(hint.steps, start=1):
        click.echo(f"  {number}. {step}")
    click.echo(f"  {_WORDS[language]['more']} {hint.documentation}")


# ------------------------------------------------------------------ a log


@dataclass
class _Cause:
    """What a log says of one cause."""

    count: int = 0
    first: Event | None = None
    last: Event | None = None
    facts: dict[str, str] = field(default_factory=dict)

    def add(self, event: Event) -> None:
        self.count += 1
        if self.first is None:
            self.first = event
            self.facts = event.facts
        self.last = event


@dataclass
class _Lines:
    """Passes the lines of a log on and counts them; of endless ones only the beginning."""

    source: TextIO
    count: int = 0

    def __iter__(self) -> Iterator[str]:
        while line := self._read():
            self.count += 1
            rest = line
            while rest and not rest.endswith("\n"):
                rest = self._read()
            yield line

    def _read(self) -> str:
        try:
            return self.source.readline(_LONGEST_LINE)
        except OSError as error:
            raise _unreadable(self.source.name, error) from error


def _explain_log(what: str, language: str, as_json: bool, summary: bool) -> int | None:
    with _opened(what) as source:
        lines = _Lines(source)
        if as_json or not (summary or sys.stdout.isatty()):
            return _as_json_lines(events(lines), language)
        return _as_summary(events(lines), lines, language)


def _as_json_lines(found: Iterable[Event], language: str) -> int | None:
    any_found = False
    for event in found:
        any_found = True
        best = event.matches[0]
        hint = render(best.id, event.facts, language)
        document = {
            "line": event.line,
            "hint": best.id,
            "alternatives": _alternatives(event.matches),
            "title": hint.title,
            "steps": list(hint.steps),
            "confidence": best.confidence,
        }
        if event.time:
            document["time"] = event.time
        click.echo(json.dumps(document, ensure_ascii=False))
    return None if any_found else NO


def _alternatives(matches: tuple[Match, ...]) -> list[str]:
    return [other.id for other in matches[1:] if other.confidence >= _WORTH_SAYING]


def _as_summary(found: Iterable[Event], lines: _Lines, language: str) -> int | None:
    causes: dict[str, _Cause] = {}
    for event in found:
        causes.setdefault(event.matches[0].id, _Cause()).add(event)
    words = _WORDS[language]
    if not causes:
        click.echo(words["nothing"].format(count=lines.count), err=True)
        return NO
    for cause, seen in sorted(causes.items(), key=lambda item: -item[1].count):
        hint = render(cause, seen.facts, language)
        click.secho(f"{hint.title}  [{hint.id}]", bold=True)
        click.echo(f"  {_when(seen, words)}")
        _tell_steps(hint, language)
        click.echo()
    return None


def _when(seen: _Cause, words: Mapping[str, str]) -> str:
    if seen.first is None or seen.last is None or seen.count == 1:
        first = seen.first.line if seen.first else 0
        time = f", {seen.first.time}" if seen.first and seen.first.time else ""
        return f"{words['once']}, {words['line'].format(first=first)}{time}"
    where = words["lines"].format(first=seen.first.line, last=seen.last.line)
    times = " – ".join(time for time in (seen.first.time, seen.last.time) if time)
    return ", ".join(
        part for part in (words["times"].format(count=seen.count), where, times) if part
    )


@contextmanager
def _opened(what: str) -> Iterator[TextIO]:
    """Open a log as text; bytes that are none become replacement characters."""
    if what == "-":
        sys.stdin.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
        yield sys.stdin
        return
    try:
        file = Path(what).open(encoding="utf-8", errors="replace")  # noqa: SIM115 - used below
    except OSError as error:
        raise _unreadable(what, error) from error
    with file:
        yield file


def _unreadable(what: str, error: OSError) -> UsageError:
    return UsageError(f"cannot read {what} ({error.strerror}): give a file that you may read")


def _is_file(what: str) -> bool:
    if "\n" in what or len(what) > 4096:
        return False
    try:
        mode = Path(what).stat().st_mode
    except (OSError, ValueError):
        mode = 0
    # A pipe of the shell (`<(…)`), a FIFO and /dev/null are read as a file is; a word that happens
    # to be the name of a folder is a word.
    if mode and (not stat.S_ISDIR(mode) or _is_path(what)):
        return True
    if _is_path(what):
        raise UsageError(
            f"there is no file {what}: give a log file, an error's text, or - for stdin"
        )
    return False


def _is_path(what: str) -> bool:
    return what.startswith(("/", "./", "../")) and not any(map(str.isspace, what))


# ------------------------------------------------------------------ all of them


def _list(language: str, as_json: bool) -> None:
    if as_json:
        hints = [render(cause, {}, language) for cause in entries()]
        document = {"hints": [hint_document(hint) | {"family": kinds()[hint.id]} for hint in hints]}
        click.echo(json.dumps(document, ensure_ascii=False, indent=2))
        return
    from rich.box import SIMPLE  # noqa: PLC0415 - only this output needs it
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    words = _WORDS[language]
    table = Table(box=SIMPLE)
    for column in ("family", "id", "title"):
        table.add_column(words[column], no_wrap=column != "title")
    for cause, entry in entries().items():
        table.add_row(kinds()[cause], cause, entry.text(language).title)
    Console(soft_wrap=False).print(table)
