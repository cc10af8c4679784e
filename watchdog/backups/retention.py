"""Which backups stay. Pure.

Owns: the decision and its reasons. Only backups that count (verified, not
damaged) are counted; the newest of them always stays, so nothing is ever
removed that has no newer good one. Must not know: files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Generic, Protocol, TypeVar
from zoneinfo import ZoneInfo

from watchdog.model import Keep

# A backup from the future means that the clock has moved: ages say nothing then.
_AHEAD: Final = timedelta(minutes=10)


class Candidate(Protocol):
    """What the decision looks at."""

    @property
    def id(self) -> str:
        """Decides between backups of the same second."""
        ...

    @property
    def taken_at(self) -> datetime:
        """When it was begun."""
        ...

    @property
    def good(self) -> bool:
        """Whether it counts."""
        ...


C = TypeVar("C", bound=Candidate)


@dataclass(frozen=True, slots=True)
class Decision(Generic[C]):
    """What becomes of one backup, and why."""

    backup: C
    keep: bool
    reason: str


def decide(
    backups: Iterable[C], keep: Keep, now: datetime, timezone: str = "UTC"
) -> tuple[Decision[C], ...]:
    """Decide on *backups* of one target, newest first; periods are those of *timezone*.

    ``daily: 7`` keeps the newest of each of the last seven days that have
    one, and so on. Without any rule everything stays.
    """
    ordered = sorted(backups, key=lambda each: (each.taken_at, each.id), reverse=True)
    everything = _why_everything(ordered, keep, now)
    if everything:
        return tuple(Decision(backup, keep=True, reason=everything) for backup in ordered)
    good = [backup for backup in ordered if backup.good]
    reasons = _reasons(good, keep, ZoneInfo(timezone))
    return tuple(_decision(backup, good, reasons) for backup in ordered)


def _why_everything(ordered: Sequence[Candidate], keep: Keep, now: datetime) -> str:
    if ordered and ordered[0].taken_at > now + _AHEAD:
        return "one is dated in the future: the clock has moved, nothing is removed"
    if not any(backup.good for backup in ordered):
        return "none is verified, nothing is removed"
    rules = (keep.last, keep.hourly, keep.daily, keep.weekly, keep.monthly, keep.yearly)
    if all(rule is None for rule in rules):
        return "no rule, everything is kept"
    return ""


def _decision(backup: C, good: Sequence[C], reasons: dict[str, list[str]]) -> Decision[C]:
    if backup.id in reasons:
        return Decision(backup, keep=True, reason=", ".join(reasons[backup.id]))
    if not backup.good:
        newest = good[0]
        if (backup.taken_at, backup.id) > (newest.taken_at, newest.id):
            return Decision(
                backup, keep=True, reason="not verified, but newer than the newest verified one"
            )
        return Decision(backup, keep=False, reason=f"not verified, and {newest.id} is newer")
    return Decision(backup, keep=False, reason="no rule keeps it")


def _reasons(good: Sequence[Candidate], keep: Keep, zone: ZoneInfo) -> dict[str, list[str]]:
    reasons: dict[str, list[str]] = {}
    for number, backup in enumerate(good[: keep.last or 0], 1):
        reasons.setdefault(backup.id, []).append(f"last {number} of {keep.last}")
    for name, count, period in _periods(keep):
        for number, backup in enumerate(_newest_of_each(good, count, zone, period), 1):
            reasons.setdefault(backup.id, []).append(f"{name} {number} of {count}")
    if good and good[0].id not in reasons:
        reasons[good[0].id] = ["the last good one"]
    return reasons


Period = Callable[[datetime], tuple[int, ...]]


def _periods(keep: Keep) -> tuple[tuple[str, int, Period], ...]:
    return (
        ("hourly", keep.hourly or 0, lambda at: (at.year, at.month, at.day, at.hour, at.fold)),
        ("daily", keep.daily or 0, lambda at: (at.year, at.month, at.day)),
        ("weekly", keep.weekly or 0, lambda at: tuple(at.isocalendar()[:2])),
        ("monthly", keep.monthly or 0, lambda at: (at.year, at.month)),
        ("yearly", keep.yearly or 0, lambda at: (at.year,)),
    )


def _newest_of_each(
    good: Sequence[Candidate], count: int, zone: ZoneInfo, period: Period
) -> list[Candidate]:
    """Return the newest backup of each of the last *count* periods that have one."""
    newest: dict[tuple[int, ...], Candidate] = {}
    for backup in good:
        key = period(backup.taken_at.astimezone(zone))
        if key not in newest:
            if len(newest) == count:
                break
            newest[key] = backup
    return list(newest.values())
