"""What is known about an error, and what it may be.

Owns: ``Evidence`` and ``Match``. Must not know: the catalogue.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from watchdog.model import Phase


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known about an error, the most reliable first.

    ``code``: SQLSTATE, SQLite's result code name (``SQLITE_CANTOPEN_ISDIR``)
    or an errno's name (``ECONNREFUSED``, ``EAI_NONAME``). ``routine``: the
    server's source function. ``exception``: the exception type's name.
    ``text``: the message, only trusted where nothing else decides.
    ``facts``: what is known of the surroundings (``host``, ``container``:
    "yes" when we run in one).
    """

    engine: str = ""
    phase: Phase | None = None
    code: str = ""
    routine: str = ""
    exception: str = ""
    text: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Match:
    """A cause that fits the evidence; confidence 0 to 1."""

    id: str
    confidence: float
