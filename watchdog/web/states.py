"""How a target stands, in one word, and what its probes last read.

Owns: the states of the page and their order. Pure. Must not know: words, HTML.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from watchdog.model import ProbeRun
from watchdog.results import ServerStatus, Status

UP: Final = "up"
DOWN: Final = "down"
UNKNOWN: Final = "unknown"
ATTENTION: Final = "attention"
EMPTY: Final = "empty"

ORDER: Final = {DOWN: 0, ATTENTION: 1, UNKNOWN: 2, UP: 3}


def state_of(status: Status) -> str:
    """Return how a target stands: down, attention (up, with a hint), unknown or up."""
    if status.up is None:
        return UNKNOWN
    if not status.up:
        return DOWN
    return ATTENTION if status.hints else UP


def overall(statuses: Sequence[Status]) -> str:
    """Return the state of all: the gravest; unknown only while nothing is known to be wrong."""
    states = {state_of(status) for status in statuses}
    for state in (DOWN, ATTENTION, UNKNOWN):
        if state in states:
            return state
    return UP if states else EMPTY


def reading(runs: Iterable[ProbeRun], metric: str, *labels: str) -> float | None:
    """Return the reading of *metric* in *runs*, with *labels* where there are several."""
    for run in runs:
        for sample in run.answer.samples:
            if sample.metric.name == metric and (not labels or sample.labels == labels):
                return sample.value
    return None


def still(status: Status) -> Status:
    """Return a copy that stays as it is, so that it may be read off the event loop."""
    return replace(
        status, probes=dict(status.probes), facts=dict(status.facts), recent=deque(status.recent)
    )


def still_server(status: ServerStatus) -> ServerStatus:
    """Return a copy that stays as it is."""
    return replace(status, probes=dict(status.probes), facts=dict(status.facts))
