"""Write ``watchdog/hints/translations.txt`` from the message catalogues of PostgreSQL and pgjdbc.

Owns: which messages of the server, libpq and the client tools matter (those
that lead to a hint in English, and the words around them), and their form in
the table. Must not know: how the table is used.

    python tools/write_hint_translations.py FOLDER...

Each FOLDER is searched for ``*/LC_MESSAGES/NAME-MAJOR.mo`` and ``libc.mo``, as
the packages of several majors lay them out, and for ``postgresql-*.jar``. The table holds facts (what the
messages are in each language); it is kept in the repository, so that this has
to run only for a new major.
"""

# ruff: noqa: E501, SIM905 - lists of words, patterns

from __future__ import annotations

import gettext
import itertools
import re
import struct
import sys
import zipfile
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
        # Their reason is a word of the C library.
        'could not open file "%s" for writing: %m',
        'could not open file "%s" for reading: %m',
        'could not open file "%s": %m',
        'could not create file "%s": %m',
        'could not write to file "%s": %m',
        'could not create directory "%s": %m',
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
DRIVER = frozenset(
    (
        "Connection to {0} refused. Check that the hostname and port are correct and that the postmaster is accepting TCP/IP connections.",
        "Connection refused. Check that the hostname and port are correct and that the postmaster is accepting TCP/IP connections.",
        "An I/O error occurred while sending to the backend.",
        "This connection has been closed.",
        "Could not find a server with specified targetServerType: {0}",
        "Could not open SSL root certificate file {0}.",
        "Protocol error.  Session setup failed.",
        "The authentication type {0} is not supported. Check that you have configured the pg_hba.conf file to include the client''s IP address or subnet, and that it is using an authentication scheme supported by the driver.",
        "The hostname {0} could not be verified by hostnameverifier {1}.",
        "The server does not support SSL.",
        "The server requested password-based authentication, but no password was provided.",
    )
)
_FORMAT = re.compile(
    r"%(?:(?P<place>\d+)\$)?[-+ #0']*(?:\d+|\*)?(?:\.(?:\d+|\*))?(?:hh|h|ll|l|z|j|t)?(?P<kind>[sdiuxXcpmgfe%])"
)
# Kinds of constants in a Java class, and how many bytes they take.
_UTF8, _STRING, _DOUBLE = 1, 8, frozenset({5, 6})
_SIZES = {1: 3, 7: 3, 8: 3, 16: 3, 19: 3, 20: 3, 15: 4, 5: 9, 6: 9} | dict.fromkeys(
    (3, 4, 9, 10, 11, 12, 17, 18), 5
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
    return None if "<PRI" in rest else _spaced(rest)


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


def of_driver(folders: Iterable[Path]) -> Iterator[tuple[str, str]]:
    """Yield the messages of pgjdbc and their translations: its classes hold them side by side."""
    for folder in folders:
        for path in sorted(folder.rglob("postgresql-4*.jar")):
            with zipfile.ZipFile(path) as archive:
                for name in archive.namelist():
                    if re.search(r"translation/messages_\w+\.class$", name):
                        strings = constants(archive.read(name))
                        yield from itertools.pairwise(strings)


def constants(code: bytes) -> list[str]:
    """Return the strings of a Java class, in the order in which it names them."""
    (count,) = struct.unpack_from(">H", code, 8)
    texts: dict[int, str] = {}
    named: list[int] = []
    at, number = 10, 1
    while number < count:
        kind = code[at]
        if kind == _UTF8:
            (length,) = struct.unpack_from(">H", code, at + 1)
            texts[number] = code[at + 3 : at + 3 + length].decode("utf-8", "surrogatepass")
            at += length
        elif kind == _STRING:
            named.append(struct.unpack_from(">H", code, at + 1)[0])
        at += _SIZES[kind]
        number += 2 if kind in _DOUBLE else 1
    return [texts[index] for index in named]


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
    for english, translated in of_driver(folders):
        if english in DRIVER:
            found.add((_spaced(english.replace("''", "'")), _spaced(translated.replace("''", "'"))))
    return unambiguous(found)


def unambiguous(found: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return one English text for each translation: that which quotes the names in it."""
    best: dict[str, str] = {}
    for english, translated in sorted(found):
        other = best.get(translated, "")
        if (english.count('"'), len(english)) >= (other.count('"'), len(other)):
            best[translated] = english
    return {(english, translated) for translated, english in best.items()}


def _spaced(text: str) -> str:
    return re.sub(" {2,}", " ", alike(text.strip().lower()))


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
        if left and right and left != right and "}{" not in right and _long_enough(right):
            yield left, right


def _long_enough(text: str) -> bool:
    bare = re.sub(r"\{\w+\}", "", text)
    signs = len(EASTERN.findall(bare))
    letters = sum(map(str.isalpha, bare))
    if signs:  # a word in Latin letters between them counts half
        return 2 * signs + (letters - signs) >= 2 * _FEWEST_SIGNS or letters >= _FEWEST_LETTERS
    return letters >= _FEWEST_LETTERS


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
