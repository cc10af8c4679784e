"""What a message says about the names in it.

Owns: reading host, port, user, database, path … out of an error's text, so
that the steps of a hint can name them. Must not know: the catalogue.
"""

# ruff: noqa: E501 - one pattern a line

from __future__ import annotations

import re
from typing import Final

from watchdog.hints.translations import english

_NAME: Final = r"[\"'«“]([^\"'«»”\n]{1,128})[\"'»”]"

# In the order of trust: the first that finds a fact wins.
_PATTERNS: Final[tuple[tuple[str, re.Pattern[str]], ...]] = tuple(
    (name, re.compile(pattern, re.IGNORECASE))
    for name, pattern in (
        ("host", r"connection to server (?:at|on socket) " + _NAME),
        ("host", r"translate host name " + _NAME),
        ("host", r"getaddrinfo (?:ENOTFOUND|EAI_AGAIN) ([\w.-]{1,128})"),
        ("host", r"server running on host " + _NAME),
        ("host", r"Connect call failed \('([^']{1,64})'"),
        ("host", r"(?:ECONNREFUSED|ETIMEDOUT|EHOSTUNREACH) ([\w.:-]{1,64}):\d{2,5}\b"),
        ("host", r"dial tcp:? (?:lookup )?\[?([\w.:-]{1,64}?)\]?:\d{2,5}\b"),
        ("host", r"lookup ([\w.-]{1,128})(?: on [\d.:]+)?:"),
        ("host", r"Connection to ([\w.-]{1,128}):\d{2,5} refused"),
        ("host", r"postgres(?:ql)?(?:\+\w+)?://[^\s/@]{0,200}@([\w.-]{1,128})"),
        ("port", r"\bport (\d{2,5})\b"),
        ("port", r"Connect call failed \('[^']{1,64}', (\d{2,5})"),
        ("port", r"(?:ECONNREFUSED|ETIMEDOUT|EHOSTUNREACH) [\w.:-]{1,64}:(\d{2,5})\b"),
        ("port", r"dial tcp \[?[\w.:-]{1,64}?\]?:(\d{2,5})\b"),
        ("port", r"Connection to [\w.-]{1,128}:(\d{2,5}) refused"),
        ("user", r"(?:for|for user|user|role) " + _NAME),
        ("database", r"database " + _NAME),
        ("relation", r"(?:relation|table|no such table:?) " + _NAME),
        ("relation", r"permission denied for (?:table|relation|view|sequence) ([\w.]{1,128})"),
        ("relation", r"no such table: ([\w.]{1,128})"),
        ("extension", r"extension " + _NAME),
        ("extension", r"extension/([\w-]{1,64})\.control"),
        ("slot", r"replication slot " + _NAME),
        ("parameter", r"unsupported startup parameter:? ([\w.]{1,64})"),
        ("index", r"index " + _NAME),
        (
            "path",
            r"(?:output file|input file|password file|database file|open database|database:?) [\"']?(/[^\s\"':]{1,200})",
        ),
        ("path", r"[\"'\s](/[^\s\"':]{1,200}\.(?:db|sqlite3?|dump|sql|gz))\b"),
        ("command", r"the failed archive command was: ([^\n']{1,200})"),
        ("version", r"server version: ([\w.]{1,20})"),
        ("program", r"\b(pg_dumpall|pg_dump|pg_restore|pg_basebackup|psql)\b"),
    )
)
_MAJOR: Final = re.compile(r"\d+")


def facts_of(text: str) -> dict[str, str]:
    """Return the facts that *text* names, by the names that placeholders use."""
    facts: dict[str, str] = {}
    text = english(text)
    for name, pattern in _PATTERNS:
        if name not in facts and (found := pattern.search(text)):
            facts[name] = found[1]
    if "/" in facts.get("path", ""):
        facts["directory"] = facts["path"].rpartition("/")[0] or "/"
    if major := _MAJOR.match(facts.get("version", "")):
        facts["major"] = major.group()
    return facts
