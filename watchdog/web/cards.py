"""What to do: one card a trouble, with its cause and steps.

Owns: which troubles there are and which of them are one. Pure. Must not know:
HTML.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from watchdog import bygone
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

_Which = tuple[str, str, str]  # how grave, where, what
_Trouble = tuple[Status, Failure, datetime | None]


class Cards(Narrator):
    """Tells what is wrong, the gravest first."""

    __slots__ = ()

    def cards(self, statuses: Iterable[Status]) -> Iterable[Card]:
        """Yield one card a trouble; targets of one server of which the same is said share it."""
        found: dict[_Which, list[_Trouble]] = {}
        for status in statuses:
            place = status.server.name if status.server is not None else status.target.name
            for failure, since in _troubles(status):
                what = failure.hint or failure.message
                grave = DOWN if failure is status.failure else ATTENTION
                found.setdefault((grave, place, what), []).append((status, failure, since))
        order = sorted(self._grouped(found), key=lambda group: group[0][0] != DOWN)
        for number, ((grave, place, what), members) in enumerate(order):
            seen = number < (_OPEN_DOWN if grave == DOWN else _OPEN)
            yield self._card(f"{grave} {place} {what}", grave, members, seen=seen)

    def _grouped(
        self, found: dict[_Which, list[_Trouble]]
    ) -> Iterable[tuple[_Which, list[_Trouble]]]:
        """Yield what becomes one card: the same said of one place, or the same trouble in many."""
        places = Counter((grave, what) for grave, _, what in found)
        scattered: dict[_Which, list[_Trouble]] = {}
        for (grave, place, what), members in found.items():
            if places[grave, what] > _PLACES:
                scattered.setdefault((grave, "", what), []).extend(members)
                continue
            for number, group in enumerate(self._alike(members)):
                name = group[0][0].target.name
                yield (grave, f"{place} {name}" if number else place, what), group
        yield from scattered.items()

    def _alike(self, members: list[_Trouble]) -> list[list[_Trouble]]:
        """Return *members* by what is said of them, all together where that is too much."""
        groups: dict[str, list[_Trouble]] = {}
        for member in members:
            groups.setdefault(self._text(member[1]), []).append(member)
            if len(groups) > _PLACES:
                return [members]
        return list(groups.values())

    def _text(self, failure: Failure) -> str:
        hint = self.hint(failure)
        return f"{hint.title} {hint.cause}" if hint is not None else failure.message

    def _card(
        self,
        key: str,
        grave: str,
        members: Sequence[_Trouble],
        *,
        seen: bool,
    ) -> Card:
        words = self.words
        first, failure = members[0][0], _together([failure for _, failure, _ in members])
        since = min((moment for _, _, moment in members if moment is not None), default=None)
        if grave == DOWN:
            verdict = words("down_for", words.span(self.age(since or self.now)))
        elif _is_of_backups(first, members[0][1]):
            verdict = words("backup_trouble")
        else:
            verdict = words("advice")
        hint = self.hint(failure, first.known)
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


def _is_of_backups(status: Status, failure: Failure) -> bool:
    known = status.backup
    told = known.last_failure, known.suspect, *known.breaches
    return failure.hint == bygone.HINT or any(failure is each for each in told)


def _together(failures: Sequence[Failure]) -> Failure:
    """Return what may be said of all of *failures*, which are the same trouble."""
    first = failures[0]
    common = {
        name: value
        for name, value in first.facts.items()
        if all(each.facts.get(name) == value for each in failures)
    }
    if any(each.findings != first.findings for each in failures):
        return replace(first, facts=common, findings=())
    return replace(first, facts=common) if common != first.facts else first


def _troubles(status: Status) -> Iterable[tuple[Failure, datetime | None]]:
    seen = set()
    if status.up is False and status.failure is not None:
        seen.add(status.failure.hint)
        yield status.failure, status.since
    for hint in status.hints:
        if hint.id not in seen:
            yield hint.failure, hint.since
