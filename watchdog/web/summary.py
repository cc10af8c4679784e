"""The first thing that a tired person reads: how things stand, in a sentence.

Owns: title, headline and the lines below it. Pure. Must not know: HTML.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from watchdog.results import Status
from watchdog.secret import mask
from watchdog.web.narrator import Narrator
from watchdog.web.states import ATTENTION, DOWN, EMPTY, UNKNOWN, UP, state_of

_BOTH: Final = 2


class Summary(Narrator):
    """Tells how all targets stand together."""

    __slots__ = ()

    def title(self, state: str, statuses: Sequence[Status]) -> str:
        """Return the few words for the browser's tab."""
        count = sum(1 for status in statuses if state_of(status) == state)
        return self.words(f"title_{state}", count)

    def headline(self, state: str, statuses: Sequence[Status]) -> str:
        """Return the one sentence."""
        words, total = self.words, len(statuses)
        named = [status for status in statuses if state_of(status) == state]
        name = named[0].target.name if named else ""
        if state == EMPTY:
            return words("headline_empty")
        if state == DOWN:
            return self._headline_down(named, total)
        if state == UNKNOWN and len(named) == 1:
            return words("headline_unknown", name)
        if state == UNKNOWN:
            return words("headline_unknown_count", len(named))
        if total == 1:
            return words("headline_up_one", name)
        return words("headline_up_two") if total == _BOTH else words("headline_up", total)

    def _headline_down(self, down: Sequence[Status], total: int) -> str:
        if len(down) == 1:
            return self.words("headline_down_one", down[0].target.name, self.lasting(down[0]))
        if len(down) == total == _BOTH:
            return self.words("headline_down_both")
        if len(down) == total:
            return self.words("headline_down_all", total)
        return self.words("headline_down", len(down), total)

    def sublines(self, state: str, statuses: Sequence[Status]) -> Iterable[str]:
        """Yield what else a person should know at once."""
        if state == EMPTY:
            return
        down = [status for status in statuses if state_of(status) == DOWN]
        if len(down) == 1:
            yield self.why(down[0])
        counts = " · ".join(self._counts(state, statuses, len(down)))
        if counts:
            yield counts
        yield self._backups(statuses)

    def _counts(self, state: str, statuses: Sequence[Status], down: int) -> Iterable[str]:
        words = self.words
        advised = [status for status in statuses if state_of(status) == ATTENTION]
        unknown = sum(1 for status in statuses if state_of(status) == UNKNOWN)
        answering = len(statuses) - down - unknown
        if answering and state != UP and not (state == ATTENTION and not unknown):
            yield words("subline_other") if answering == 1 else words("subline_others", answering)
        if len(advised) == 1:
            yield words("subline_attention_one", advised[0].target.name, self._advice(advised[0]))
        elif advised:
            yield words("subline_attention", len(advised))
        if unknown and state != UNKNOWN:
            yield words("subline_waiting", unknown)

    def _advice(self, status: Status) -> str:
        failure = status.hints[0].failure
        hint = self.hint(failure)
        return hint.title if hint is not None else mask(failure.message)

    def _backups(self, statuses: Sequence[Status]) -> str:
        words = self.words
        enabled = [s for s in statuses if s.target.backup is not None or s.backup.enabled]
        if not enabled:
            return words("backups_none")
        for phrase, applies in self._worries():
            members = [status for status in enabled if applies(status)]
            if members:
                return words(phrase, self.names(members))
        points = [s.backup.recovery_point for s in enabled]
        oldest = min((point for point in points if point is not None), default=None)
        if oldest is None or None in points:
            return words(
                "backups_waiting", self.names(s for s in enabled if not s.backup.recovery_point)
            )
        return words("backups_good", self.words.span(self.age(oldest)))

    def _worries(self) -> Iterable[tuple[str, Callable[[Status], bool]]]:
        """Yield what may be wrong with backups, the gravest first."""
        yield "backups_suspect", lambda status: status.backup.suspect is not None
        yield "backups_failing", lambda status: status.backup.last_attempt_successful is False
        yield "backups_overdue", self.overdue
        yield "backups_missed", lambda status: bool(status.backup.breaches)
        yield "backups_paused", self.paused
