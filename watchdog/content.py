"""What a database held at one instant, and whether a copy of it holds the same.

Owns: the counts, the digests and what was not counted and why, as JSON and
back, and the comparison in words. Standard library only; must not know how
an engine counts, where it is written down.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

_NONE: Final[Mapping[str, Any]] = MappingProxyType({})
_NAMED: Final = 10  # tables that a message names


def _nothing() -> Mapping[str, Any]:
    return _NONE


@dataclass(frozen=True, slots=True)
class Content:
    """What was in a database, table by table, all of one instant.

    ``rows`` and ``digests`` are by table, as people write its name.
    ``passed_over`` names what has no rows of its own to compare (a partitioned
    table, a foreign one, one that the backup leaves out) and ``uncounted``
    what has and could not be counted, each with the reason; ``reason`` is why
    nothing was counted at all, "" where something was. ``schema`` is a digest
    of names, columns and types, "" for none; ``objects`` are counts by kind.
    ``surroundings`` are what a place needs to be restored into: roles,
    extensions, encoding. ``seconds`` is what it took.
    """

    rows: Mapping[str, int] = field(default_factory=_nothing)
    digests: Mapping[str, str] = field(default_factory=_nothing)
    passed_over: Mapping[str, str] = field(default_factory=_nothing)
    uncounted: Mapping[str, str] = field(default_factory=_nothing)
    reason: str = ""
    schema: str = ""
    objects: Mapping[str, int] = field(default_factory=_nothing)
    surroundings: Mapping[str, Any] = field(default_factory=_nothing)
    seconds: float = 0.0

    @property
    def complete(self) -> bool:
        """Whether every table that has rows of its own was counted."""
        return not self.reason and not self.uncounted

    @property
    def total(self) -> int:
        """All rows that were counted."""
        return sum(self.rows.values())

    @property
    def why_incomplete(self) -> str:
        """Why it is not complete, in words; "" if it is."""
        if self.reason:
            return self.reason
        if not self.uncounted:
            return ""
        named = [f"{table} ({why})" for table, why in list(self.uncounted.items())[:_NAMED]]
        rest = len(self.uncounted) - len(named)
        more = f" and {rest} more" if rest > 0 else ""
        return f"not counted: {', '.join(named)}{more}"

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "rows": dict(self.rows),
            "digests": dict(self.digests),
            "passed_over": dict(self.passed_over),
            "uncounted": dict(self.uncounted),
            "reason": self.reason or None,
            "schema_sha256": self.schema or None,
            "objects": dict(self.objects),
            "surroundings": dict(self.surroundings),
            "seconds": round(self.seconds, 3),
        }


def content_from(document: Mapping[str, Any] | None) -> Content | None:
    """Read it back; what is wrong shows as one of the usual errors of lookups."""
    if document is None:
        return None
    rows = {sys.intern(str(table)): int(count) for table, count in document["rows"].items()}
    if any(count < 0 for count in rows.values()):
        raise ValueError("a negative number of rows")
    return Content(
        rows=rows,
        digests=_texts(document.get("digests")),
        passed_over=_texts(document.get("passed_over")),
        uncounted=_texts(document.get("uncounted")),
        reason=str(document.get("reason") or ""),
        schema=str(document.get("schema_sha256") or ""),
        objects={str(kind): int(n) for kind, n in (document.get("objects") or {}).items()},
        surroundings=dict(document.get("surroundings") or {}),
        seconds=float(document.get("seconds") or 0.0),
    )


def differences(source: Content, copy: Content) -> tuple[str, ...]:
    """Say, table by table, how *copy* is not what *source* was; nothing if it is.

    Only what was counted on the side of *source* has to be there; a table of
    *copy* that *source* does not know at all is a difference, too.
    """
    return tuple(_differences(source, copy))


def shown(found: tuple[str, ...]) -> str:
    """Return *found* as a part of a message, cut to what a person reads."""
    rest = len(found) - _NAMED
    return "; ".join(found[:_NAMED]) + (f"; and {rest} more" if rest > 0 else "")


def _differences(source: Content, copy: Content) -> Iterator[str]:
    if copy.reason:
        yield f"the copy could not be counted: {copy.reason}"
        return
    for table, count in source.rows.items():
        yield from _of_table(table, count, source, copy)
    known = source.rows.keys() | source.passed_over.keys() | source.uncounted.keys()
    for table in copy.rows.keys() - known:
        yield f"{table} is not in the source and has {_rows(copy.rows[table])} in the copy"
    if source.schema and copy.schema and source.schema != copy.schema:
        yield _of_schema(source, copy)


def _of_table(table: str, count: int, source: Content, copy: Content) -> Iterator[str]:
    found = copy.rows.get(table)
    if found is None:
        why = copy.uncounted.get(table) or copy.passed_over.get(table) or "it is not there"
        yield f"{table} had {_rows(count)}, in the copy {why}"
    elif found != count:
        yield f"{table} had {_rows(count)}, the copy has {found}"
    elif table in source.digests and source.digests[table] != copy.digests.get(table):
        yield f"{table} has as many rows as it had ({count}), but not the same"


def _of_schema(source: Content, copy: Content) -> str:
    kinds = dict.fromkeys([*source.objects, *copy.objects])
    other = [
        f"{kind} {source.objects.get(kind, 0)} → {copy.objects.get(kind, 0)}"
        for kind in kinds
        if source.objects.get(kind, 0) != copy.objects.get(kind, 0)
    ]
    return "the schema is not the same" + (f" ({', '.join(other)})" if other else "")


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"


def _texts(document: Mapping[str, Any] | None) -> dict[str, str]:
    return {sys.intern(str(key)): str(value) for key, value in (document or {}).items()}
