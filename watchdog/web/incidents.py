"""Incidents over HTTP: their list, one of them as JSON, one of them as a page.

Owns: what is shown of a record and in which tables. Must not know: routes,
files.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from watchdog import units
from watchdog.incidents.record import summary, told
from watchdog.model import Hint
from watchdog.web.documents import Document
from watchdog.web.narrator import Narrator
from watchdog.web.page import template
from watchdog.web.records import Moment
from watchdog.web.services import Services
from watchdog.web.words import Words

_LONGEST: Final = 300  # characters of a cell


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of one kind of evidence; every cell is text."""

    key: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class IncidentPage:
    """What the page of an incident shows."""

    language: str
    id: str
    state: str
    targets: str
    event: str
    began: Moment
    ended: Moment | None
    lasted: str
    title: str
    hint: Hint | None
    found: tuple[str, ...]
    message: str
    code: str
    reasons: tuple[tuple[Moment, str], ...]
    known_at: str
    tables: tuple[Table, ...]


class Incidents:
    """Answers about the incidents of *services*."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def listed(self, target: str | None) -> Document:
        """Return the document of the newest incidents, of one target or of all."""
        keeping, language = self._services.incidents, self._services.language
        found = await keeping.documents(target) if keeping is not None else []
        return {"incidents": [summary(document, language) for document in found]}

    async def document(self, identity: str) -> Document | None:
        """Return all that is known of one incident, ``None`` without it."""
        keeping = self._services.incidents
        found = await keeping.document(identity) if keeping is not None else None
        if found is None:
            return None
        return {**found, **told(found, self._services.language)}

    async def page(self, identity: str) -> bytes | None:
        """Return one incident as a page, ``None`` without it."""
        document = await self.document(identity)
        if document is None:
            return None
        clock, words = self._services.clock, Words(self._services.language)
        shown = _shown(document, Narrator(words, clock.now(), clock.monotonic()))
        return await asyncio.to_thread(
            lambda: (
                template("incident.html").render(page=shown, words=words).encode("utf-8", "replace")
            )
        )


def _shown(document: Mapping[str, Any], narrator: Narrator) -> IncidentPage:
    words, failure, hint = narrator.words, document["failure"], document["hint"]
    ended = document.get("ended_at")
    seconds = document.get("duration_seconds")
    evidence = document.get("evidence") or {}
    return IncidentPage(
        language=words.language,
        id=document["id"],
        state="up" if ended else "down",
        targets=", ".join(document["targets"]),
        event=words(f"event_{document['event']}"),
        began=narrator.moment(datetime.fromisoformat(document["began_at"])),
        ended=narrator.moment(datetime.fromisoformat(ended)) if ended else None,
        lasted=words("lasted", words.span(seconds)) if seconds is not None else words("goes_on"),
        title=hint["title"] if hint else failure["message"],
        hint=Hint(
            hint["id"], hint["title"], hint["cause"], tuple(hint["steps"]), hint["documentation"]
        )
        if hint
        else None,
        found=tuple(document["found"]),
        message=failure["message"],
        code=" · ".join(filter(None, (failure["kind"], failure["phase"], failure["code"]))),
        reasons=tuple(
            (narrator.moment(datetime.fromisoformat(each["at"])), each["failure"]["message"])
            for each in document.get("reasons") or ()
        ),
        known_at=str(evidence.get("at") or ""),
        tables=tuple(_tables(document, evidence)),
    )


def _tables(document: Mapping[str, Any], evidence: Mapping[str, Any]) -> list[Table]:
    after = (document.get("diagnosis") or {}).get("evidence") or {}
    rows: Sequence[tuple[str, Any]] = (
        ("holders", after.get("holders") or evidence.get("holders")),
        ("blockers", evidence.get("blockers")),
        ("sessions", after.get("sessions") or evidence.get("sessions")),
        ("slots", evidence.get("slots")),
        ("before", document.get("rounds")),
        ("server_before", document.get("server_rounds")),
        ("disk", [document["disk"]] if document.get("disk") else None),
    )
    return [_table(key, found) for key, found in rows if found]


def _table(key: str, found: Sequence[Mapping[str, Any]]) -> Table:
    columns = tuple(dict.fromkeys(name for row in found for name in row if name != "evidence"))
    return Table(
        key,
        columns,
        tuple(tuple(_measured(name, row.get(name)) for name in columns) for row in found),
    )


def _measured(name: str, value: object) -> str:
    if name.endswith("_bytes") and isinstance(value, float):
        return units.size(value)
    return _cell(value)


def _cell(value: object) -> str:
    if value is None or value == []:
        return ""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_cell(inner)}" for name, inner in value.items())
    if isinstance(value, list):
        return ", ".join(_cell(inner) for inner in value)
    if isinstance(value, float):
        return f"{value:.6g}" if value < 1e6 else f"{value:.0f}"
    return str(value)[:_LONGEST]
