"""Codes as people write them.

Owns: telling a SQLSTATE, a SQLite result code (name or number), an errno's
name and a hint's id apart. Must not know: what they lead to.
"""

# ruff: noqa: E501, SIM905 - lists of words

from __future__ import annotations

import errno
import re
from types import MappingProxyType
from typing import Final

from watchdog.hints.catalogue import entries
from watchdog.hints.evidence import Evidence
from watchdog.hints.rules import known_codes

_PRIMARY: Final = (
    "OK ERROR INTERNAL PERM ABORT BUSY LOCKED NOMEM READONLY INTERRUPT IOERR CORRUPT NOTFOUND FULL"
    " CANTOPEN PROTOCOL EMPTY SCHEMA TOOBIG CONSTRAINT MISMATCH MISUSE NOLFS AUTH FORMAT RANGE NOTADB"
).split()
_EXTENDED: Final = {
    "BUSY": "RECOVERY SNAPSHOT TIMEOUT",
    "LOCKED": "SHAREDCACHE VTAB",
    "READONLY": "RECOVERY CANTLOCK ROLLBACK DBMOVED CANTINIT DIRECTORY",
    "CORRUPT": "VTAB SEQUENCE INDEX",
    "CANTOPEN": "NOTEMPDIR ISDIR FULLPATH CONVPATH DIRTYWAL SYMLINK",
    "IOERR": "READ SHORT_READ WRITE FSYNC DIR_FSYNC TRUNCATE FSTAT UNLOCK RDLOCK DELETE BLOCKED NOMEM"
    " ACCESS CHECKRESERVEDLOCK LOCK CLOSE DIR_CLOSE SHMOPEN SHMSIZE SHMLOCK SHMMAP SEEK DELETE_NOENT"
    " MMAP GETTEMPPATH CONVPATH VNODE AUTH BEGIN_ATOMIC COMMIT_ATOMIC ROLLBACK_ATOMIC DATA CORRUPTFS",
}
SQLITE_NAMES: Final = MappingProxyType(
    {number: f"SQLITE_{name}" for number, name in enumerate(_PRIMARY)}
    | {
        _PRIMARY.index(primary) + 256 * place: f"SQLITE_{primary}_{name}"
        for primary, names in _EXTENDED.items()
        for place, name in enumerate(names.split(), start=1)
    }
)
"""The names of SQLite's result codes by their numbers, primary and extended."""

_ERRNOS: Final = frozenset(errno.errorcode.values())
_RESOLVER: Final = re.compile(r"EAI_[A-Z]+|ENOTFOUND")
_SQLITE: Final = re.compile(r"SQLITE_[A-Z_]+")
_SQLSTATE: Final = re.compile(r"[0-9A-Z]{5}")


def evidence_of(code: str, engine: str = "", text: str = "") -> Evidence | None:
    """Return the evidence that *code* is; ``None`` if it is no code at all."""
    upper = code.strip().upper()
    if (
        upper.isdecimal()
        and int(upper) in SQLITE_NAMES
        and engine != "postgresql"
        and len(upper) < 5
    ):
        upper = SQLITE_NAMES[int(upper)]
    if _SQLITE.fullmatch(upper):
        return Evidence(engine=engine or "sqlite", code=upper, text=text)
    if upper in _ERRNOS or _RESOLVER.fullmatch(upper):
        return Evidence(engine=engine, code=upper, text=text)
    if _SQLSTATE.fullmatch(upper) and (upper in known_codes() or any(map(str.isdigit, upper))):
        return Evidence(engine=engine or "postgresql", code=upper, text=text)
    return None


def is_hint(word: str) -> bool:
    """Return whether *word* is the id of a hint."""
    return word in entries()
