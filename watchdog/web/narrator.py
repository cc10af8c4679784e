"""What every part of the page says in the same way: ages, instants, names, reasons.

Owns: the moment of the page and its language. Pure. Must not know: which part
asks, HTML.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from watchdog.clock import rfc3339
from watchdog.model import Failure, Hint
from watchdog.results import Status
from watchdog.secret import mask
from watchdog.web.documents import hint_of
from watchdog.web.records import Moment
from watchdog.web.words import Words

_NAMED: Final = 4  # targets named in one place before the rest is counted


@dataclass(frozen=True, slots=True)
class Narrator:
    """Tells of one moment: ``now`` UTC, ``monotonic`` seconds."""

    words: Words
    now: datetime
    monotonic: float

    def lasting(self, status: Status) -> str:
        """Return for how long the target has been as it is."""
        return self.words.span(self.age(status.since)) if status.since is not None else ""

    def age(self, moment: datetime) -> float:
        """Return the seconds since *moment*; negative in the future."""
        return (self.now - moment).total_seconds()

    def overdue(self, status: Status) -> bool:
        """Whether the newest backup has missed two slots of its schedule."""
        point, interval = status.backup.recovery_point, status.backup.interval
        return point is not None and bool(interval) and self.age(point) > 2 * (interval or 0.0)

    def paused(self, status: Status) -> bool:
        """Whether backups of the target are paused now."""
        until = status.backup.paused_until
        return until is not None and self.age(until) < 0

    def moment(self, moment: datetime) -> Moment:
        """Return *moment* in words and exactly."""
        age, words = self.age(moment), self.words
        text = words("ago", words.span(age)) if age >= 0 else words("in", words.span(-age))
        return Moment(text, words.instant(moment, self.now), rfc3339(moment))

    def why(self, status: Status) -> str:
        """Return what is wrong with a target that is down, in a few words."""
        if status.failure is None:
            return ""
        hint = self.hint(status.failure)
        return hint.title if hint is not None else mask(status.failure.message)

    def hint(self, failure: Failure, known: Mapping[str, str] | None = None) -> Hint | None:
        """Return the hint of *failure*, if there is one."""
        return hint_of(failure, self.words.language, known or {})

    def names(self, statuses: Iterable[Status]) -> str:
        """Return the names of targets; of many the first few and a count."""
        names = list(dict.fromkeys(status.target.name for status in statuses))
        if len(names) <= _NAMED:
            return ", ".join(names)
        return self.words("and_more", ", ".join(names[: _NAMED - 1]), len(names) - _NAMED + 1)


def key_of(prefix: str, text: str) -> str:
    """Return an id of HTML for *text*: the same on every page, another for another text."""
    tame = "".join(char if char.isalnum() and char.isascii() else "-" for char in text)
    if tame != text:
        tame = f"{tame[:60]}-{zlib.crc32(text.encode('utf-8', 'replace')):08x}"
    return f"{prefix}-{tame}"
