"""One incident: what was known before, at and after it.

Owns: its document and its bounds. Times RFC 3339 UTC, durations seconds,
sizes bytes. Everything in it is masked. Pure. Must not know: files.
"""

from __future__ import annotations

import enum
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from watchdog import hints
from watchdog.clock import rfc3339
from watchdog.model import Failure, Finding, Kind, Phase
from watchdog.secret import mask

FORMAT: Final = 1
LARGEST: Final = 64 << 10  # bytes of one document
_MOST_REASONS: Final = 20
_ODD: Final = re.compile(r"[^A-Za-z0-9._-]")
_LONGEST_PLACE: Final = 100

# What is given up first where a document would be too large.
_GIVEN_UP: Final = ("server_rounds", "rounds", "evidence")


class Event(enum.StrEnum):
    """What happened."""

    DOWN = "down"  # the target went from up to down
    SATURATION = "saturation"  # its server had no connections left, or nearly none
    BACKUP = "backup"  # a backup failed, or what it holds is suspect


@dataclass(slots=True)
class Record:
    """An incident while it lasts; ``document`` is what is kept of it."""

    id: str
    targets: tuple[str, ...]
    engine: str
    event: Event
    url: str
    server: str | None
    began_at: datetime
    failure: Failure
    ended_at: datetime | None = None
    known: dict[str, Any] = field(default_factory=dict)
    reasons: list[tuple[datetime, Failure]] = field(default_factory=list)

    @property
    def place(self) -> str:
        """The name of the folder that it is kept in."""
        if len(self.targets) == 1:
            return self.targets[0]
        return "@" + _ODD.sub("_", self.server or "")[:_LONGEST_PLACE]

    def add_reason(self, at: datetime, failure: Failure) -> bool:
        """Note another reason for the same incident; return whether it was a new one."""
        told = [self.failure, *(each for _, each in self.reasons)]
        if any(each.same_as(failure) for each in told) or len(self.reasons) >= _MOST_REASONS:
            return False
        self.reasons.append((at, failure))
        return True

    def document(self) -> dict[str, Any]:
        """Return it as JSON, of a bounded size."""
        ended = self.ended_at
        whole = {
            "format": FORMAT,
            "id": self.id,
            "target": self.targets[0],
            "targets": list(self.targets),
            "engine": self.engine,
            "url": self.url,
            "server": self.server,
            "event": self.event.value,
            "began_at": rfc3339(self.began_at),
            "ended_at": rfc3339(ended) if ended is not None else None,
            "duration_seconds": (ended - self.began_at).total_seconds() if ended else None,
            "failure": failure_document(self.failure),
            "reasons": [
                {"at": rfc3339(at), "failure": failure_document(failure)}
                for at, failure in self.reasons
            ],
            **self.known,
        }
        masked = _masked(whole)
        assert isinstance(masked, dict)
        return _bounded(masked)


def failure_document(failure: Failure) -> dict[str, Any]:
    """Return a failure with all that its hint needs to be told again in any language."""
    return {
        "kind": failure.kind.value,
        "phase": failure.phase.value if failure.phase is not None else None,
        "code": failure.code or None,
        "message": failure.message,
        "hint": failure.hint or None,
        "facts": dict(failure.facts),
        "findings": [{"step": f.step, "en": f.en, "ru": f.ru} for f in failure.findings],
    }


def failure_of(document: Mapping[str, Any]) -> Failure:
    """Return the failure of a document. Raises ``KeyError`` and ``ValueError``."""
    phase = document.get("phase")
    return Failure(
        Kind(document["kind"]),
        str(document["message"]),
        Phase(phase) if phase else None,
        str(document.get("code") or ""),
        str(document.get("hint") or ""),
        {str(name): str(value) for name, value in dict(document.get("facts") or {}).items()},
        tuple(
            Finding(str(each.get("step", "")), str(each["en"]), str(each["ru"]))
            for each in document.get("findings") or ()
        ),
    )


def record_of(document: Mapping[str, Any]) -> Record:
    """Return the record of a document. Raises ``KeyError``, ``ValueError`` and ``TypeError``."""
    ended = document.get("ended_at")
    own = {
        "format",
        "id",
        "target",
        "targets",
        "engine",
        "url",
        "server",
        "event",
        "began_at",
        "ended_at",
    }
    own |= {"duration_seconds", "failure", "reasons"}
    return Record(
        id=str(document["id"]),
        targets=tuple(str(name) for name in document["targets"]),
        engine=str(document["engine"]),
        event=Event(document["event"]),
        url=str(document["url"]),
        server=document.get("server"),
        began_at=datetime.fromisoformat(document["began_at"]),
        failure=failure_of(document["failure"]),
        ended_at=datetime.fromisoformat(ended) if ended else None,
        known={name: value for name, value in document.items() if name not in own},
        reasons=[
            (datetime.fromisoformat(each["at"]), failure_of(each["failure"]))
            for each in document.get("reasons") or ()
        ],
    )


def summary(document: Mapping[str, Any], language: str = "en") -> dict[str, Any]:
    """Return what a list shows of an incident, its hint in *language*."""
    kept = ["id", "target", "targets", "engine", "server", "event", "began_at", "ended_at"]
    kept += ["duration_seconds"]
    return {name: document.get(name) for name in kept} | told(document, language)


def told(document: Mapping[str, Any], language: str) -> dict[str, Any]:
    """Return failure and hint of an incident as people are told them."""
    failure = failure_of(document["failure"])
    hint = hints.hint_of(failure, language)
    return {
        "failure": {
            name: value
            for name, value in failure_document(failure).items()
            if name in ("kind", "phase", "code", "message")
        },
        "hint": None
        if hint is None
        else {
            "id": hint.id,
            "title": hint.title,
            "cause": hint.cause,
            "steps": list(hint.steps),
            "documentation": hint.documentation,
            "findings": list(hint.findings),
        },
        "found": [found.text(language) for found in failure.findings],
    }


def _masked(value: object) -> object:
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, Mapping):
        return {str(key): _masked(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(inner) for inner in value]
    if isinstance(value, bool | int | float | None):
        return value
    return mask(str(value))


def _bounded(document: dict[str, Any]) -> dict[str, Any]:
    """Return *document* with less evidence where it would be too large."""
    for name in _GIVEN_UP:
        if len(json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")) <= LARGEST:
            return document
        if name in document:
            document = {**document, name: None, "shortened": True}
    return document
