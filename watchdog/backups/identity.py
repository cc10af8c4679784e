"""Whether a new backup is still of the database that the last good one was of. Pure.

Owns: which differences make a backup suspect and which are only told. Must
not know: engines, files, what is done with a suspect backup.

Decisive by themselves are another system identifier (another PostgreSQL
cluster) and another application_id (another application's SQLite file), and
that most of the content has gone. A database that was made anew within the
same cluster (another oid), a file that was put in place of another (another
inode) and another timeline (a standby was promoted) are told, and decide only
where hardly a table is the same: each of them is what a restore or a
failover leaves behind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from watchdog import units

# Fewer than a half of the tables, or less than a tenth of the bytes, is a collapse.
TABLES_FACTOR: Final = 2
SIZE_FACTOR: Final = 10
# Below this many bytes a size says nothing: an index more or less is a factor.
SMALLEST_SIZE: Final = 1 << 20
# Of the tables that one has, this share must be in the other, or it is another database.
LIKENESS: Final = 0.2

_FULL: Final = 64  # names in a sketch that has left some out

_DECISIVE: Final = {
    "system_identifier": "the server is another one (system identifier {1}, it was {0})",
    "application_id": "the file is another application's (application_id {1}, it was {0})",
}
_TELLING: Final = {
    "timeline": "the server's timeline is {1}, it was {0}: a standby was promoted",
    "oid": "the database was made anew in the same cluster (oid {1}, it was {0})",
    "inode": "another file lies at the path (inode {1}, it was {0})",
}
# An application_id of 0 is none: an application that begins to set one is the same.
_UNSET: Final = (None, 0)
# Which of those let hardly any table in common decide.
_REPLACED: Final = ("oid", "inode")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a comparison has shown: ``suspect`` are reasons to hold a backup apart."""

    suspect: tuple[str, ...] = ()
    told: tuple[str, ...] = ()


def compare(old: Mapping[str, Any], new: Mapping[str, Any]) -> Verdict:
    """Compare the identity of a new backup with that of the last good one.

    What either does not know decides nothing.
    """
    decisive = _changed(old, new, _DECISIVE)
    told = _changed(old, new, _TELLING)
    suspect = [*decisive.values(), *_collapses(old, new)]
    # The inode of a file that was removed is soon another's: it proves nothing by staying.
    replaced = old.get("inode") is not None or any(key in told for key in _REPLACED)
    if replaced and (strange := _strange(old, new)):
        suspect += [told.pop(key) for key in _REPLACED if key in told]
        suspect.append(strange)
    return Verdict(tuple(suspect), tuple(told.values()))


def _changed(
    old: Mapping[str, Any], new: Mapping[str, Any], texts: Mapping[str, str]
) -> dict[str, str]:
    return {
        key: text.format(old[key], new[key])
        for key, text in texts.items()
        if old.get(key) not in _UNSET and new.get(key) is not None and old[key] != new[key]
    }


def _collapses(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    found = []
    before, after = _number(old, "tables"), _number(new, "tables")
    if before is not None and after is not None and after * TABLES_FACTOR < before:
        found.append(f"it has {after} tables, it had {before}")
    for key, what in (("size_bytes", "database"), ("artefact_bytes", "backup")):
        before, after = _number(old, key), _number(new, key)
        if before is None or after is None or before < SMALLEST_SIZE:
            continue
        if key == "artefact_bytes" and old.get("form") != new.get("form"):
            continue  # packed in another way, or with less of the database in it
        if after * SIZE_FACTOR < before:
            found.append(f"the {what} has {units.size(after)}, it had {units.size(before)}")
    return found


def _strange(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """Return that hardly a table is the same, "" if enough are or nobody knows."""
    before, after = old.get("names"), new.get("names")
    if not isinstance(before, list) or not isinstance(after, list) or not before or not after:
        return ""
    # Sketches are compared as far as both reach.
    reach = min((max(each) for each in (before, after) if len(each) >= _FULL), default="g")
    ours = {name for name in before if name <= reach}
    theirs = {name for name in after if name <= reach}
    smaller = min(len(ours), len(theirs))
    if not smaller or len(ours & theirs) / smaller >= LIKENESS:
        return ""
    return "hardly any table has the name of one that was there"


def _number(of: Mapping[str, Any], key: str) -> int | None:
    value = of.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
