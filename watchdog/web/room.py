"""How many connections there may be, and which gives way to a new one.

Owns: the limit, and fairness among those who connect: whoever holds most
gives way first, so that no stranger takes the scraper's place. Must not know:
HTTP, TLS.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Protocol


class Occupant(Protocol):
    """One connection."""

    host: str  # whose it is
    silent_since: float  # on the event loop's clock

    def answering(self) -> bool:
        """Whether a whole request waits for the end of its answer."""

    def cut(self) -> None:
        """End it at once."""


class Room:
    """The connections of one listener, *most* at a time; *told* is whose gave way."""

    def __init__(self, most: int, told: Callable[[str], None]) -> None:
        self.most = most
        self._told = told
        self._occupants: dict[Occupant, None] = {}  # in the order of their coming

    def __len__(self) -> int:
        return len(self._occupants)

    def __iter__(self) -> Iterator[Occupant]:
        return iter(self._occupants)

    def enter(self, occupant: Occupant) -> None:
        """Let one in; if it is one too many, cut another, or itself."""
        self._occupants[occupant] = None
        if len(self._occupants) > self.most:
            leaving = self._whose_turn()
            del self._occupants[leaving]
            self._told(leaving.host)
            leaving.cut()

    def leave(self, occupant: Occupant) -> None:
        """Take note that one has ended."""
        self._occupants.pop(occupant, None)

    def _whose_turn(self) -> Occupant:
        """Return who has been silent longest, of those whose host holds most.

        Where all of them await an answer, it is the one that came last.
        """
        held = Counter(occupant.host for occupant in self._occupants)
        most = max(held.values())
        of_the_greedy = [o for o in self._occupants if held[o.host] == most]
        silent = [occupant for occupant in of_the_greedy if not occupant.answering()]
        if silent:
            return min(silent, key=lambda occupant: occupant.silent_since)
        return of_the_greedy[-1]
