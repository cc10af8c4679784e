"""``python -m watchdog.hints.document``: the catalogue as a page for people.

Owns: the form of ``docs/hints.md``; every hint is an anchor there, which
alerts and the status page link to. Must not know: matching.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from watchdog.hints.catalogue import families
from watchdog.hints.entry import Entry, Text
from watchdog.hints.place import CONDITION
from watchdog.hints.rendering import fill, render

_HEAD = """\
# Hints

What db-watchdog says about a trouble, for each cause it knows: what it means
and what to do, first thing first. In the log, on the status page and in
`db-watchdog explain ID` the names in the steps (HOST, USER, DATABASE, FILE …)
are those of your own database.

This page is made from the catalogue by `python -m watchdog.hints.document >
docs/hints.md`; to change a hint, change its entry in `watchdog/hints/catalogue/`.

Каждая подсказка приведена по-английски и по-русски (`--lang ru`).
"""


def document() -> str:
    """Return the whole page as Markdown."""
    return "\n".join([_HEAD, *_index(), *_bodies()]) + "\n"


def _index() -> Iterator[str]:
    for family in families():
        yield f"- **{family.kind}**: " + ", ".join(
            f"[{entry.id}](#{entry.id})" for entry in family.entries
        )
    yield ""


def _bodies() -> Iterator[str]:
    for family in families():
        yield f"## {family.kind}\n"
        for entry in family.entries:
            yield from _body(entry)


def _body(entry: Entry) -> Iterator[str]:
    yield f'<a id="{entry.id}"></a>\n'
    yield f"### {entry.id}\n"
    yield f"Severity: {entry.severity}. [Documentation]({entry.documentation})\n"
    yield from _language(entry, entry.en, "en")
    yield from _language(entry, entry.ru, "ru")


def _language(entry: Entry, text: Text, language: str) -> Iterator[str]:
    hint = render(entry.id, {}, language)
    yield f"**{hint.title}.** {hint.cause}\n"
    # Steps that need a fact are shown with its name, so that the page is complete.
    for number, step in enumerate(_complete(text), start=1):
        yield f"{number}. {step}"
    yield ""


def _complete(text: Text) -> Iterator[str]:
    for step in text.steps:
        anywhere = CONDITION.sub("", step)
        yield fill(anywhere, {}) or anywhere.replace("{", "").replace("}", "")


def main() -> None:
    """Print the page."""
    sys.stdout.write(document())


if __name__ == "__main__":
    main()
