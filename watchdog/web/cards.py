"""What to do: one card a trouble, with its cause and steps.

Owns: which troubles there are and which of them are one. Pure. Must not know:
HTML.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from watchdog.model import Failure
from watchdog.results import Status
from watchdog.secret import mask
from watchdog.web.narrator import Narrator, key_of
from watchdog.web.records import Card
from watchdog.web.states import ATTENTION, DOWN

# Cards whose steps are open: of targets that are down, and of all others.
_OPEN_DOWN: Final = 3
_OPEN: Final = 1
# So many places with the same trouble are one trouble: an unmounted disk, a changed password.
_PLACES: Final = 3

_Trouble = tuple[Status, Failure, datetime | None]


class Cards(Narrator):
    """Tells what is wrong, the gravest first."""

    __slots__ = ()

    def cards(self, statuses: Iterable[Status]) -> Iterable[Card]:
        """Yield one card a trouble; targets of one server with the same trouble share it."""
        found: dict[tuple[str, str, str], list[_Trouble]] = {}
        for status in statuses:
            place = status.server.name if status.server is not None else status.target.name
            for failure, since in _troubles(status):
                what = failure.hint or failure.message
                grave = DOWN if failure is status.failure else ATTENTION
                found.setdefault((grave, place, what), []).append((status, failure, since))
        order = sorted(_merged(found).items(), key=lambda item: item[0][0] != DOWN)
        for number, ((grave, place, what), members) in enumerate(order):
            seen = number < (_OPEN_DOWN if grave == DOWN else _OPEN)
            yield self._card(f"{grave} {place} {what}", grave, members, seen=seen)

    def _card(
        self,
        key: str,
        grave: str,
        members: Sequence[_Trouble],
        *,
        seen: bool,
    ) -> Card:
        words = self.words
        first, failure, _ = members[0]
        since = min((moment for _, _, moment in members if moment is not None), default=None)
        if grave == DOWN:
            verdict = words("down_for", words.span(self.age(since or self.now)))
        elif any(failure is each for each in _of_backups(first)):
            verdict = words("backup_trouble")
        else:
            verdict = words("advice")
        hint = self.hint(failure)
        return Card(
            key=key_of("card", key),
            state=grave,
            targets=self.names(status for status, _, _ in members),
            verdict=verdict,
            since=self.moment(since) if since is not None else None,
            title=hint.title if hint is not None else mask(failure.message),
            hint=hint,
            message=mask(failure.message),
            code=" · ".join(filter(None, (failure.kind, failure.phase, failure.code))),
            open=seen,
        )


def _of_backups(status: Status) -> Iterable[Failure | None]:
    known = status.backup
    return known.last_failure, known.suspect, *known.breaches


def _merged(
    found: dict[tuple[str, str, str], list[_Trouble]],
) -> dict[tuple[str, str, str], list[_Trouble]]:
    """Make one of the same trouble in many places."""
    places = Counter((grave, what) for grave, _, what in found)
    merged: dict[tuple[str, str, str], list[_Trouble]] = {}
    for (grave, place, what), members in found.items():
        where = "" if places[grave, what] > _PLACES else place
        merged.setdefault((grave, where, what), []).extend(members)
    return merged


def _troubles(status: Status) -> Iterable[tuple[Failure, datetime | None]]:
    seen = set()
    if status.up is False and status.failure is not None:
        seen.add(status.failure.hint)
        yield status.failure, status.since
    for hint in status.hints:
        if hint.id not in seen:
            yield hint.failure, hint.since
