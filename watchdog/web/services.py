"""What the pages are given: everything they read or call.

Owns: the seam between the composition root and the routes. Must not know: HTTP.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from watchdog.clock import Clock
from watchdog.incidents.keeping import Keeping
from watchdog.metrics.exposition import Exposition
from watchdog.results import ResultStore


@dataclass(frozen=True, slots=True)
class Health:
    """Whether rounds progress, and what a person may want to know beside it."""

    ok: bool
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FailedReload:
    """A configuration that was not taken: when it was read, and its mistakes, masked."""

    at: datetime
    mistakes: tuple[str, ...]


@dataclass(slots=True)
class Services:
    """What the composition root injects. ``language`` may be set anew by a reload.

    ``probe_now(name, seconds)`` makes a round of one target and returns when
    it has ended; it may return ``False``, or be cancelled, when *seconds* are
    over first. ``awaited`` names the initial targets that have had neither
    their first round nor its deadline. ``catalogue`` returns the sealed
    backups, newest first, as documents. ``reload`` raises
    ``ConfigurationError``; it is ``None`` where reloading by HTTP is off.
    ``incidents`` is ``None`` where none are kept. ``failed_reload`` is set
    while the configuration that stands is not the one that was read last.
    """

    store: ResultStore
    exposition: Exposition
    clock: Clock
    probe_now: Callable[[str, float], Awaitable[bool | None]]
    catalogue: Callable[[], Awaitable[Sequence[Mapping[str, Any]]]]
    awaited: Callable[[], Sequence[str]]
    health: Callable[[], Health]
    reload: Callable[[], Awaitable[None]] | None = None
    language: str = "en"
    incidents: Keeping | None = None
    failed_reload: FailedReload | None = None
    configuration: str = ""  # where the configuration came from, for people
