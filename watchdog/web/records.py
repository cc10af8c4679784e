"""What the status page shows, as records: the seam between a view and a template.

Owns: their shapes; every text in them is ready for people. Must not know:
results, HTML.
"""

from __future__ import annotations

from dataclasses import dataclass

from watchdog.model import Hint


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant in words, and exactly."""

    text: str
    exact: str
    machine: str


@dataclass(frozen=True, slots=True)
class Card:
    """Something to do: what is wrong with which targets, why, and the steps.

    ``open`` says whether the steps are seen at once.
    """

    key: str
    state: str
    targets: str
    verdict: str
    since: Moment | None
    title: str
    hint: Hint | None
    message: str
    code: str
    open: bool


@dataclass(frozen=True, slots=True)
class Share:
    """How much of something is used; ``percent`` 0 to 100."""

    text: str
    percent: float
    state: str


@dataclass(frozen=True, slots=True)
class PhaseBar:
    """One phase of a connection: where it begins and how long it is, in percent of the whole."""

    name: str
    text: str
    start: float
    width: float


@dataclass(frozen=True, slots=True)
class Row:
    """One target: what is always seen, and what is there on demand."""

    key: str
    name: str
    state: str
    verdict: str
    url: str
    round_trip: str
    size: str
    space: str
    recovery: Moment | str
    recovery_state: str
    next_backup: Moment | str
    since: Moment | None
    availability: str
    phases: tuple[PhaseBar, ...]
    labels: tuple[tuple[str, str], ...]
    backup: tuple[tuple[str, Moment | str], ...]
    probes: tuple[tuple[str, bool, str, str], ...]
    recent: tuple[tuple[Moment, str, str], ...]
    incidents: tuple[tuple[str, Moment, str], ...] = ()  # id, beginning, what and how long


@dataclass(frozen=True, slots=True)
class Group:
    """Targets that share a server, or the files."""

    key: str
    title: str
    facts: tuple[str, ...]
    silent: bool
    share: Share | None
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """All of it."""

    language: str
    state: str
    title: str
    headline: str
    sublines: tuple[str, ...]
    notices: tuple[str, ...]
    cards: tuple[Card, ...]
    groups: tuple[Group, ...]
    now: Moment
    version: str
    configuration: str
