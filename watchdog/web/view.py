"""What the status page shows, before it is HTML.

Owns: putting its parts together. Pure: a store's contents, a time and words
in, frozen records out. Must not know: HTML, HTTP.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Final

import watchdog
from watchdog.clock import rfc3339
from watchdog.incidents.keeping import Entry
from watchdog.results import ServerStatus, Status
from watchdog.web.cards import Cards
from watchdog.web.records import Moment, Page
from watchdog.web.rows import Rows
from watchdog.web.services import FailedReload
from watchdog.web.states import DOWN, overall
from watchdog.web.summary import Summary
from watchdog.web.words import Words

_LONGEST: Final = 500  # characters of a mistake


class View:
    """Makes the page of one moment."""

    def __init__(
        self,
        words: Words,
        now: datetime,
        monotonic: float,
        incidents: Mapping[str, Sequence[Entry]] = MappingProxyType({}),
    ) -> None:
        self._words = words
        self._summary = Summary(words, now, monotonic)
        self._cards = Cards(words, now, monotonic)
        self._rows = Rows(words, now, monotonic, incidents)

    def page(
        self,
        statuses: Sequence[Status],
        servers: Sequence[ServerStatus],
        *,
        stalled: bool = False,
        configuration: str = "",
        failed_reload: FailedReload | None = None,
    ) -> Page:
        """Return what to show of *statuses*, problems first."""
        words, now = self._words, self._summary.now
        state = overall(statuses)
        return Page(
            language=words.language,
            state=DOWN if stalled else state,
            title=self._summary.title(state, statuses),
            headline=words("headline_stalled")
            if stalled
            else self._summary.headline(state, statuses),
            sublines=tuple(self._summary.sublines(state, statuses)),
            notices=tuple(self._notices(failed_reload, stalled=stalled)),
            cards=tuple(self._cards.cards(statuses)),
            groups=tuple(self._rows.groups(statuses, servers)),
            now=Moment("", words.instant(now), rfc3339(now)),
            version=watchdog.__version__,
            configuration=configuration,
        )

    def _notices(self, failed: FailedReload | None, *, stalled: bool) -> Iterator[str]:
        """Yield what the watchdog has to say of itself."""
        words = self._words
        if stalled:
            yield words("stalled")
        if failed is not None:
            when = words.instant(failed.at, self._summary.now)
            yield words("reload_failed", when, len(failed.mistakes))
            yield words("reload_first", failed.mistakes[0].replace("`", "'")[:_LONGEST])
            yield words("reload_what")
