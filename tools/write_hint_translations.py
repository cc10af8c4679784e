"""Write ``watchdog/hints/translations.txt`` from PostgreSQL's message catalogues.

Owns: which messages of the server, libpq and the client tools matter (those
that lead to a hint in English, and the words around them), and their form in
the table. Must not know: how the table is used.

    python tools/write_hint_translations.py FOLDER...

Each FOLDER is searched for ``*/LC_MESSAGES/NAME-MAJOR.mo`` and ``libc.mo``, as
the packages of several majors lay them out. The table holds facts (what the
messages are in each language); it is kept in the repository, so that this has
to run only for a new major.
"""

# ruff: noqa: E501, SIM905 - lists of words, patterns

from __future__ import annotations

import gettext
import re
import sys
from collections.abc import Container, Iterable, Iterator
from pathlib import Path

from watchdog.hints.texts import leads_somewhere
from watchdog.hints.translations import alike, literals
from watchdog.hints.words import EASTERN, words

DOMAINS = frozenset(
    "postgres libpq5 pg_dump pg_basebackup initdb pg_ctl psql pgscripts pg_upgrade pg_checksums".split()
)
TARGET = Path(__file__).parents[1] / "watchdog" / "hints" / "translations.txt"
LEVELS = ("ERROR", "FATAL", "PANIC", "WARNING", "NOTICE", "LOG", "INFO", "DEBUG")
FIELDS = ("DETAIL:  ", "HINT:  ", "QUERY:  ", "CONTEXT:  ", "STATEMENT:  ")
SMALL = ("error: ", "fatal: ", "warning: ", "detail: ", "hint: ")
# What stands around the messages that matter, and what they quote from the C library.
AROUND = frozenset(
    (
        'connection to server at "%s", port %s failed: ',
        'connection to server at "%s" (%s), port %s failed: ',
        'connection to server on socket "%s" failed: ',
        "\tIs the server running on that host and accepting TCP/IP connections?",
        "\tIs the server running locally and accepting connections on that socket?",
        "server version: %s; %s version: %s",
        "SSL encryption",
        "no encryption",
        "SSL on",
        "SSL off",
        "server process",
        "You might need to increase %s.",
        'You might need to increase "%s".',
        "You might need to increase max_locks_per_transaction.",
    )
)
ERRNOS = frozenset(
    (
        "Connection refused",
        "Connection timed out",
        "Connection reset by peer",
        "Broken pipe",
        "No route to host",
        "Network is unreachable",
        "No such file or directory",
        "Permission denied",
        "Operation not permitted",
        "No space left on device",
        "Disk quota exceeded",
        "Address already in use",
        "Cannot assign requested address",
        "Cannot allocate memory",
        "File exists",
        "Read-only file system",
        "Input/output error",
        "Is a directory",
        "Name or service not known",
        "Temporary failure in name resolution",
        "No address associated with hostname",
        "Stale file handle",
    )
)
_FORMAT = re.compile(
    r"%(?:(?P<place>\d+)\$)?[-+ #0']*(?:\d+|\*)?(?:\.(?:\d+|\*))?(?:hh|h|ll|l|z|j|t)?(?P<kind>[sdiuxXcpmgfe%])"
)
_FEWEST_LETTERS = 10  # of a message that is looked for by itself
_FEWEST_SIGNS = 4  # of one in Chinese, Japanese or Korean
_ANCHOR_LENGTH = 6  # signs of an eastern message that are looked for first
_LEFT_OUT = re.compile(
    r"must be superuser to |must be owner of (?!table|relation|schema|database|extension|function|view)"
    r"|^(?:usage|\s+-)|--\w|SSPI|GSSAPI buffer|SASL buffer|pg_ctl was|WAL reading|operator|text search"
    r"|permission denied for (?!table|relation|schema|database|sequence|view|function|materialized"
    r"|language|large object|tablespace|foreign table|type|column)|permission denied to (?!create|set"
    r"|start|use|alter role|alter setting|drop role|terminate|examine)|column|attribute|constraint|domain"
    r"|rule |trigger|policy|foreign-data|user mapping|cast |conversion|access method|aggregate|\btransform"
    r"|with OID|zeroing|statistics|publication|subscription|logical replication|reserved name|decompress",
    re.IGNORECASE,
)


def normalised(text: str) -> str | None:
    """Return *text* in lower case with ``{0}``, ``{1}`` … for its formats; ``None`` if it cannot."""
    count = 0
    parts: list[str] = []
    position = 0
    for found in _FORMAT.finditer(text):
        parts.append(text[position : found.start()])
        position = found.end()
        if found["kind"] == "%":
            parts.append("%")
        elif found["kind"] == "m":
            parts.append("{m}")
        else:
            place = int(found["place"]) - 1 if found["place"] else count
            parts.append(f"{{{place}}}")
            count += 1
    parts.append(text[position:])
    rest = "".join(parts)
    return None if "<PRI" in rest else re.sub(" {2,}", " ", alike(rest.strip().lower()))


def catalogues(folders: Iterable[Path]) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the domain and the messages of every catalogue below *folders*."""
    for folder in folders:
        for path in sorted(folder.rglob("*/LC_MESSAGES/*.mo")):
            domain = re.sub(r"-\d+(?:\.\d+)?$", "", path.stem)
            if domain in DOMAINS or domain == "libc":
                with path.open("rb") as file:
                    yield domain, dict(_messages(gettext.GNUTranslations(file)))


def _messages(translations: gettext.GNUTranslations) -> Iterator[tuple[str, str]]:
    for key, value in translations._catalog.items():  # type: ignore[attr-defined]  # noqa: SLF001 - the only way to all
        if isinstance(key, tuple):
            if key[1] == 0:
                yield key[0], value
            yield key[0], value
        elif key:
            yield key, value


def wanted(domain: str, message: str) -> bool:
    """Return whether *message* matters: it leads to a hint, or stands around one that does."""
    if domain == "libc":
        return message in ERRNOS
    if message.rstrip("\n") in AROUND:
        return True
    if _LEFT_OUT.search(message):
        return False
    example = _FORMAT.sub(lambda found: "7" if found["kind"] in "diu" else "abc", message)
    return leads_somewhere(example)


def rows(folders: Iterable[Path]) -> set[tuple[str, str]]:
    """Return the pairs of English and translated text, one line each."""
    found: set[tuple[str, str]] = set()
    for domain, messages in catalogues(folders):
        for english, translated in messages.items():
            if domain != "libc" and (english in LEVELS or english in FIELDS or english in SMALL):
                found |= tag(english, translated)
            elif translated != english and wanted(domain, english):
                found |= set(lines(english, translated))
    return found


def tag(english: str, translated: str) -> set[tuple[str, str]]:
    """Return the row of a level's or a field's name; marked by its colon."""
    word, other = english.strip().rstrip(":"), translated.strip().rstrip(":").strip()
    if other.lower() == word.lower() or not other:
        return set()
    return {(word.lower() + ":", alike(other.lower()) + ":")}


def lines(english: str, translated: str) -> Iterator[tuple[str, str]]:
    """Yield what a message says line by line; of different numbers of lines, the first."""
    ours, theirs = english.strip("\n").split("\n"), translated.strip("\n").split("\n")
    if len(ours) != len(theirs):
        ours, theirs = ours[:1], theirs[:1]
    for one, other in zip(ours, theirs, strict=True):
        left, right = normalised(one), normalised(other)
        if left and right and left != right and _long_enough(right):
            yield left, right


def _long_enough(text: str) -> bool:
    bare = re.sub(r"\{\w+\}", "", text)
    signs = len(EASTERN.findall(bare))
    return signs >= _FEWEST_SIGNS or sum(map(str.isalpha, bare)) >= _FEWEST_LETTERS


def table(found: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield the lines of the table.

    Each English text, and below it the others: a tab, what is looked for
    first, a tab, the text.
    """
    ordered = sorted(found)
    ours = {word for english, _ in ordered for word in words(english)}
    last = ""
    for english, translated in ordered:
        if english != last:
            yield f"{english}\n"
            last = english
        yield f"\t{anchor(translated, ours)}\t{translated}\n"


def anchor(translated: str, ours: Container[str]) -> str:
    """Return what to look for first: a long word that English messages do not have, or signs."""
    pieces = list(literals(translated))
    runs = re.findall(rf"{EASTERN.pattern}+", " ".join(pieces))
    if runs:
        return str(max(runs, key=lambda run: (len(run), run))[-_ANCHOR_LENGTH:])
    candidates = {word for piece in pieces for word in words(piece)}
    return max(candidates, key=lambda word: (word not in ours, len(word), word))


def main() -> None:
    """Write the table from the folders that are named."""
    folders = [Path(name) for name in sys.argv[1:]]
    if not folders:
        sys.exit(__doc__)
    found = rows(folders)
    TARGET.write_text("".join(table(found)), encoding="utf-8")
    print(f"{len(found)} messages in {TARGET}")


if __name__ == "__main__":
    main()
