"""A case: what is known of a failure before anybody looks closer, and what a step finds.

Owns: the types that steps take and give. Must not know: any step.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from watchdog.database_url import DatabaseUrl
from watchdog.engines import Engine
from watchdog.model import Failure, Finding, Server, Target


async def _nothing_new() -> Mapping[str, Any]:
    return {}


async def _nobody() -> Sequence[Target]:
    return ()


@dataclass(slots=True)
class Case:
    """One failure of one target, or of one server with several.

    ``siblings`` tells which targets of the same server are up, once the first
    verdicts are there: their logins are known to work. ``ask_again`` makes a
    round of the server now and returns what it told (nothing where there is
    no server or it tells nothing).
    ``place`` gives the one connection that a diagnosis may have on the server
    (``place.one_connection`` takes it); ``timer`` is the time limit of the step
    that is being taken, ``waited`` the seconds that waiting for a place took.
    ``has_answered``: whether the target has been up since we look, so that its
    address is right. ``has_room``: whether the server has a connection to spare for us. A later
    step may read in ``notes`` what an earlier one left for it (``incomplete``:
    it is worth trying again); ``cause`` is the best hint so far.
    """

    failure: Failure
    target: Target
    engine: Engine
    server: Server | None = None
    siblings: Callable[[], Awaitable[Sequence[Target]]] = _nobody
    ask_again: Callable[[], Awaitable[Mapping[str, Any]]] = _nothing_new
    place: Callable[[], AbstractAsyncContextManager[None]] = nullcontext
    has_answered: bool = False
    has_room: bool = True
    notes: dict[str, Any] = field(default_factory=dict)
    cause: str = ""
    timer: asyncio.Timeout | None = None
    waited: float = 0.0

    def __post_init__(self) -> None:
        """Begin with the failure's own hint."""
        self.cause = self.cause or self.failure.hint

    @property
    def url(self) -> DatabaseUrl:
        """Where the target is."""
        return self.target.url

    @property
    def is_of_destination(self) -> bool:
        """Whether the folder of the backups is what failed, and not the database."""
        backup = self.target.backup
        return backup is not None and self.failure.facts.get("path") == str(backup.directory)


@dataclass(frozen=True, slots=True)
class Found:
    """What a step found: sentences, facts for the steps of the hint, a better cause or "".

    ``evidence`` is only kept for the record.
    """

    findings: tuple[Finding, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    hint: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to look at. ``order`` says when; ``seconds`` is the most it may take."""

    name: str
    order: int
    applies: Callable[[Case], bool]
    look: Callable[[Case], Awaitable[Found]]
    seconds: float = 2.0
