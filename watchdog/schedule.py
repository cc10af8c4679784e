"""When something is due: crontab(5) lines and ``@every`` periods, over time zones.

Owns: the syntax, the slots, and what daylight saving time does to them: a
slot is a local time of day and runs once, in the repeated hour the first
time; one that falls into a gap runs at the first instant after it. Pure,
standard library only; must not know timers, configuration or backups.
"""

from __future__ import annotations

import bisect
import calendar
import hashlib
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Protocol
from zoneinfo import ZoneInfo

YEAR: Final = timedelta(days=366)

_MONTHS = {name.lower(): number for number, name in enumerate(calendar.month_abbr) if name}
_WEEKDAYS = {name: number for number, name in enumerate("sun mon tue wed thu fri sat".split())}  # noqa: SIM905
_NICKNAMES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_FIELDS: Final[tuple[tuple[str, int, int, dict[str, int]], ...]] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of month", 1, 31, {}),
    ("month", 1, 12, _MONTHS),
    ("day of week", 0, 7, _WEEKDAYS),
)
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PERIOD = re.compile(r"(?:\d+(?:\.\d+)?[smhd])+")
_PERIOD_PART = re.compile(r"(\d+(?:\.\d+)?)([smhd])")
_SHORTEST_PERIOD = timedelta(minutes=1)
# 29 February may be eight years away: 2100 is no leap year.
_FARTHEST = 366 * 9


class Schedule(Protocol):
    """When something is due. All moments are aware; answers are in UTC."""

    @property
    def text(self) -> str:
        """As it was written."""
        ...

    def next_after(self, moment: datetime) -> datetime:
        """Return the first slot later than *moment* (``@every``: counted from *moment*)."""
        ...

    def last_before(self, moment: datetime) -> datetime:
        """Return the last slot at or before *moment* (``@every``: one period earlier)."""
        ...

    def longest_gap(self, moment: datetime, horizon: timedelta = YEAR) -> timedelta:
        """Return the longest time between two slots from *moment* on, up to *horizon*."""
        ...


@dataclass(frozen=True, slots=True)
class Every:
    """A fixed period that counts from the last attempt."""

    text: str
    period: timedelta

    def next_after(self, moment: datetime) -> datetime:
        """Return *moment* plus the period."""
        return moment.astimezone(UTC) + self.period

    def last_before(self, moment: datetime) -> datetime:
        """Return *moment* less the period: a last attempt before that is overdue."""
        return moment.astimezone(UTC) - self.period

    def longest_gap(self, moment: datetime, horizon: timedelta = YEAR) -> timedelta:  # noqa: ARG002
        """Return the period."""
        return self.period


@dataclass(frozen=True, slots=True)
class Cron:
    """The slots of a crontab(5) line in one time zone.

    ``either`` is the rule of crontab(5): where both the day of the month and
    the day of the week are restricted, one of them is enough.
    """

    text: str
    timezone: ZoneInfo
    times: tuple[time, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]  # 0 is Sunday
    either: bool

    def next_after(self, moment: datetime) -> datetime:
        """Return the first slot later than *moment*, in UTC."""
        start = moment.astimezone(self.timezone).date() - timedelta(days=1)
        for day in self._dates(start, 1):
            if self._instant(day, self.times[-1]) <= moment:
                continue
            index = self._count_until(day, moment)
            return self._instant(day, self.times[index])
        raise ValueError(f"{self.text!r} never happens")

    def last_before(self, moment: datetime) -> datetime:
        """Return the last slot at or before *moment*, in UTC."""
        start = moment.astimezone(self.timezone).date() + timedelta(days=1)
        for day in self._dates(start, -1):
            if self._instant(day, self.times[0]) > moment:
                continue
            index = self._count_until(day, moment)
            return self._instant(day, self.times[index - 1])
        raise ValueError(f"{self.text!r} never happened")

    def longest_gap(self, moment: datetime, horizon: timedelta = YEAR) -> timedelta:
        """Return the longest time between a slot in ``(moment, moment + horizon]`` and its next."""
        previous = self.next_after(moment)
        end = moment + horizon
        if previous > end:
            return previous - self.last_before(moment)
        longest, usual = timedelta(0), self._longest_within_a_day()
        for day in self._dates(previous.astimezone(self.timezone).date() - timedelta(days=1), 1):
            first, last = (self._instant(day, at) for at in (self.times[0], self.times[-1]))
            if last <= previous:
                continue
            if first > previous and last <= end and not self._changes_clocks(day):
                longest, previous = max(longest, first - previous, usual), last
                continue
            for at in self.times[self._count_until(day, previous) :]:
                instant = self._instant(day, at)
                longest, previous = max(longest, instant - previous), instant
                if instant > end:
                    return longest
        return longest

    def _count_until(self, day: date, moment: datetime) -> int:
        def instant(at: time) -> datetime:
            return self._instant(day, at)

        return bisect.bisect_right(self.times, moment, key=instant)

    def _longest_within_a_day(self) -> timedelta:
        minutes = [at.hour * 60 + at.minute for at in self.times]
        gaps = [later - earlier for earlier, later in itertools.pairwise(minutes)]
        return timedelta(minutes=max(gaps, default=0))

    def _changes_clocks(self, day: date) -> bool:
        midnight = datetime.combine(day, time(), self.timezone)
        following = datetime.combine(day + timedelta(days=1), time(), self.timezone)
        return midnight.utcoffset() != following.utcoffset()

    def _dates(self, start: date, step: int) -> Iterator[date]:
        for distance in range(_FARTHEST):
            day = start + timedelta(days=step * distance)
            if self._includes(day):
                yield day

    def _includes(self, day: date) -> bool:
        if day.month not in self.months:
            return False
        of_month = day.day in self.days
        of_week = day.isoweekday() % 7 in self.weekdays
        return of_month or of_week if self.either else of_month and of_week

    def _instant(self, day: date, at: time) -> datetime:
        """Return when the local time *at* of *day* is, in UTC; never decreasing over a day."""
        local = datetime.combine(day, at, self.timezone)  # fold=0: the first of two
        instant = local.astimezone(UTC)
        if instant.astimezone(self.timezone).replace(tzinfo=None) == local.replace(tzinfo=None):
            return instant
        before = local.replace(fold=1).astimezone(UTC)
        return self._change_between(before, instant)

    def _change_between(self, before: datetime, after: datetime) -> datetime:
        """Return the instant at which the clocks change, to the second."""
        offset = before.astimezone(self.timezone).utcoffset()
        low, high = 0, int((after - before).total_seconds())
        while high - low > 1:
            middle = (low + high) // 2
            moment = before + timedelta(seconds=middle)
            if moment.astimezone(self.timezone).utcoffset() == offset:
                low = middle
            else:
                high = middle
        return before + timedelta(seconds=high)


def parse(text: str, timezone: str = "UTC") -> Schedule:
    """Read a crontab(5) line, ``@daily`` and its like, or ``@every 6h``.

    Raises ``ValueError`` whose text says what is wrong and what to write.
    """
    line = text.strip().lower()
    if line.startswith("@every"):
        return Every(text, _period(line.removeprefix("@every").strip()))
    if line.startswith("@"):
        if line not in _NICKNAMES:
            known = ", ".join(_NICKNAMES)
            advice = " (run_on_start: true backs up at start)" if line == "@reboot" else ""
            raise ValueError(f"unknown schedule {text!r}{advice}: write one of {known}, @every 6h")
        line = _NICKNAMES[line]
    return _cron(text, line, _zone(timezone))


def spread(name: str, limit: float) -> float:
    """Return a delay in ``[0, limit)`` seconds that is always the same for *name*."""
    digest = hashlib.sha256(name.encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 * limit


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(
            f"unknown time zone {name!r}: write one like Europe/Berlin or UTC"
            " (on a machine without time zones install tzdata)"
        ) from error


def _period(text: str) -> timedelta:
    if not _PERIOD.fullmatch(text):
        raise ValueError(f"@every takes a duration with units, like @every 6h, not {text!r}")
    seconds = sum(float(number) * _UNITS[unit] for number, unit in _PERIOD_PART.findall(text))
    try:
        period = timedelta(seconds=seconds)
    except OverflowError as error:
        raise ValueError(f"@every {text} is too long") from error
    if not _SHORTEST_PERIOD <= period <= YEAR:
        raise ValueError(f"@every {text}: write a duration between 1m and 366d")
    return period


def _cron(text: str, line: str, timezone: ZoneInfo) -> Cron:
    fields = line.split()
    if len(fields) != len(_FIELDS):
        raise ValueError(
            f"a schedule has five fields (minute, hour, day of month, month, day of week),"
            f" {text!r} has {len(fields)}: write for example '0 3 * * *'"
        )
    minutes, hours, days, months, weekdays = (
        _values(field, *description) for field, description in zip(fields, _FIELDS, strict=True)
    )
    either = not fields[2].startswith("*") and not fields[4].startswith("*")
    if not either and not any(
        day <= calendar.monthrange(2024, month)[1] for day in days for month in months
    ):
        raise ValueError(f"{text!r} never happens: no such day in that month")
    return Cron(
        text=text,
        timezone=timezone,
        times=tuple(time(hour, minute) for hour in sorted(hours) for minute in sorted(minutes)),
        days=days,
        months=months,
        weekdays=frozenset(number % 7 for number in weekdays),
        either=either,
    )


def _values(
    field: str, name: str, lowest: int, highest: int, names: dict[str, int]
) -> frozenset[int]:
    found: set[int] = set()
    for part in field.split(","):
        body, slash, step = part.partition("/")
        if slash and not (step.isdecimal() and int(step) > 0):
            raise ValueError(f"{name} {part!r}: the step after / is a number from 1 on")
        start, dash, end = body.partition("-")
        if body == "*":
            first, last = lowest, min(highest, 6) if name == "day of week" else highest
        elif dash:
            first, last = (_number(value, name, lowest, highest, names) for value in (start, end))
            last = 7 if name == "day of week" and last == 0 < first else last
        else:
            if slash:
                raise ValueError(f"{name} {part!r}: a step needs a range: {body}-{highest}/{step}")
            first = last = _number(start, name, lowest, highest, names)
        if first > last:
            raise ValueError(f"{name} {part!r}: the range runs backwards")
        found.update(range(first, last + 1, int(step) if slash else 1))
    return frozenset(found)


def _number(text: str, name: str, lowest: int, highest: int, names: dict[str, int]) -> int:
    if text in names:
        return names[text]
    if not (text.isascii() and text.isdecimal() and lowest <= int(text) <= highest):
        also = f" or a name like {next(iter(names))}" if names else ""
        raise ValueError(f"{name} {text!r}: write a number from {lowest} to {highest}{also}")
    return int(text)
