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
_TLS: Final = frozenset(
    "CERT_HAS_EXPIRED DEPTH_ZERO_SELF_SIGNED_CERT ERR_TLS_CERT_ALTNAME_INVALID SELF_SIGNED_CERT_IN_CHAIN"
    " UNABLE_TO_GET_ISSUER_CERT UNABLE_TO_GET_ISSUER_CERT_LOCALLY UNABLE_TO_VERIFY_LEAF_SIGNATURE".split()
)
"""What Node.js calls a certificate that does not verify."""
_WINDOWS: Final = MappingProxyType(
    {
        "10048": "EADDRINUSE",
        "10051": "ENETUNREACH",
        "10053": "ECONNABORTED",
        "10054": "ECONNRESET",
        "10060": "ETIMEDOUT",
        "10061": "ECONNREFUSED",
        "10065": "EHOSTUNREACH",
        "11001": "EAI_NONAME",
    }
)
"""The errnos of Windows' sockets."""
_SQLITE: Final = re.compile(r"SQLITE_[A-Z_]+")
_SQLSTATE: Final = re.compile(r"[0-9A-Z]{5}")


def evidence_of(code: str, engine: str = "", text: str = "") -> Evidence | None:
    """Return the evidence that *code* is; ``None`` if it is no code at all."""
    upper = code.strip().upper()
    upper = _WINDOWS.get(upper, upper)
    if upper.isdecimal() and len(upper) < 5 and _may_be_sqlite(engine, text):
        upper = SQLITE_NAMES.get(int(upper), upper)
    if _SQLITE.fullmatch(upper):
        return Evidence(engine=engine or "sqlite", code=upper, text=text)
    if is_system_error(upper) or upper in _TLS:
        return Evidence(engine=engine, code=upper, text=text)
    if _SQLSTATE.fullmatch(upper) and (upper in known_codes() or any(map(str.isdigit, upper))):
        return Evidence(engine=engine or "postgresql", code=upper, text=text)
    return None


def is_system_error(code: str) -> bool:
    """Return whether *code* is the name of an errno or of a resolver's error."""
    return code in _ERRNOS or _RESOLVER.fullmatch(code) is not None


def _may_be_sqlite(engine: str, text: str) -> bool:
    """Return whether a small number is SQLite's: PDO has one for PostgreSQL too."""
    lowered = text.lower()
    return engine != "postgresql" and ("sqlite" in lowered or "postgres" not in lowered)


def is_hint(word: str) -> bool:
    """Return whether *word* is the id of a hint."""
    return word in entries()
