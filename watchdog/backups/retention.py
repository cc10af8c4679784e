"""Which backups stay. Pure.

Owns: the decision and its reasons. Only backups that count (verified, not
damaged, not held apart) are counted; the newest of them always stays, so
nothing is ever removed that has no newer good one. Must not know: files.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Generic, Protocol, TypeVar
from zoneinfo import ZoneInfo

from watchdog.model import Keep

# A backup from the future means that the clock has moved: ages say nothing then.
_AHEAD: Final = timedelta(minutes=10)
# So does a newest backup that stands alone: farther from its neighbours in time than
# anything that the schedule explains.
_FAR: Final = timedelta(days=30)
_FAR_INTERVALS: Final = 3

UNVERIFIED_BUT_NEWER: Final = "not verified, but newer than the newest verified one"


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

    @property
    def held(self) -> bool:
        """Whether it is suspect, so that only a person decides on it."""
        ...

    @property
    def size_bytes(self) -> int:
        """What its removal frees."""
        ...


C = TypeVar("C", bound=Candidate)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a decision depends on beside the backups and the rules.

    Periods are those of *timezone*. *free* is what the destination has left in
    bytes, ``None`` if that is not known; *interval* the longest gap of the
    schedule in seconds.
    """

    now: datetime
    timezone: str = "UTC"
    free: int | None = None
    interval: float | None = None


class Halt(enum.StrEnum):
    """Why nothing at all is removed."""

    FUTURE = "future"
    DIFFERENT = "different"
    UNPROVEN = "unproven"
    JUMP = "jump"


@dataclass(frozen=True, slots=True)
class Halted:
    """That nothing at all is removed, why, and in words."""

    halt: Halt
    reason: str


@dataclass(frozen=True, slots=True)
class Decision(Generic[C]):
    """What becomes of one backup, and why."""

    backup: C
    keep: bool
    reason: str


def decide(backups: Iterable[C], keep: Keep, surroundings: Surroundings) -> tuple[Decision[C], ...]:
    """Decide on *backups* of one target, newest first.

    ``daily: 7`` keeps the newest of each of the last seven days that have
    one, and so on. Without any rule everything stays.
    """
    ordered = sorted(backups, key=_age, reverse=True)
    halted = halt(ordered, surroundings)
    everything = halted.reason if halted is not None else _without_rules(keep)
    if everything:
        return tuple(Decision(backup, keep=True, reason=everything) for backup in ordered)
    good = [backup for backup in ordered if backup.good]
    reasons = _reasons(good, keep, ZoneInfo(surroundings.timezone))
    spared, doomed = _for_space(good, reasons, keep, surroundings.free)
    return tuple(_decision(backup, good[0], {**spared, **reasons}, doomed) for backup in ordered)


def halt(backups: Iterable[C], surroundings: Surroundings) -> Halted | None:
    """Return why nothing at all is removed now, ``None`` if retention may go on."""
    ordered = sorted(backups, key=_age, reverse=True)
    if not ordered:
        return None
    if ordered[0].taken_at > surroundings.now + _AHEAD:
        return Halted(
            Halt.FUTURE, "one is dated in the future: the clock has moved, nothing is removed"
        )
    newest = next((backup for backup in ordered if backup.good), None)
    if any(backup.held and (newest is None or _age(backup) > _age(newest)) for backup in ordered):
        return Halted(
            Halt.DIFFERENT,
            "frozen: the newest is of a different or collapsed database, nothing is removed"
            " until `db-watchdog accept`",
        )
    if newest is None:
        return Halted(Halt.UNPROVEN, "none is verified, nothing is removed")
    jump = _clock_jump([backup.taken_at for backup in ordered if backup.good], surroundings)
    return Halted(Halt.JUMP, jump) if jump else None


def _age(backup: Candidate) -> tuple[datetime, str]:
    return backup.taken_at, backup.id


def _clock_jump(taken: Sequence[datetime], surroundings: Surroundings) -> str:
    if surroundings.interval is None:
        return ""
    far = max(_FAR, timedelta(seconds=_FAR_INTERVALS * surroundings.interval))
    since = surroundings.now - taken[0]
    if since > far:
        return (
            f"the newest good one is {since.days} days old: the clock has jumped or backups have"
            " stopped, nothing is removed before the next success"
        )
    if len(taken) > 1 and taken[0] - taken[1] > far:
        return (
            f"{(taken[0] - taken[1]).days} days lie between the newest two: a clock that jumped,"
            " or a long stop; nothing is removed before one more success"
        )
    return ""


def _without_rules(keep: Keep) -> str:
    rules = (keep.last, keep.hourly, keep.daily, keep.weekly, keep.monthly, keep.yearly)
    if keep.min_free is None and all(rule is None for rule in rules):
        return "no rule, everything is kept"
    return ""


def _decision(
    backup: C, newest: Candidate, reasons: dict[str, str], doomed: dict[str, str]
) -> Decision[C]:
    if backup.id in reasons:
        return Decision(backup, keep=True, reason=reasons[backup.id])
    if backup.held:
        reason = "held apart, of a different or collapsed database: only a person removes it"
        return Decision(backup, keep=True, reason=reason)
    if backup.good:
        return Decision(backup, keep=False, reason=doomed.get(backup.id, "no rule keeps it"))
    if _age(backup) > _age(newest):
        return Decision(backup, keep=True, reason=UNVERIFIED_BUT_NEWER)
    return Decision(backup, keep=False, reason=f"not verified, and {newest.id} is newer")


# ------------------------------------------------------------------ rules that count


def _reasons(good: Sequence[Candidate], keep: Keep, zone: ZoneInfo) -> dict[str, str]:
    reasons: dict[str, list[str]] = {}
    for number, backup in enumerate(good[: keep.last or 0], 1):
        reasons.setdefault(backup.id, []).append(f"last {number} of {keep.last}")
    for name, count, period in _periods(keep):
        for number, backup in enumerate(_newest_of_each(good, count, zone, period), 1):
            reasons.setdefault(backup.id, []).append(f"{name} {number} of {count}")
    if good and good[0].id not in reasons:
        reasons[good[0].id] = ["the last good one"]
    return {identity: ", ".join(each) for identity, each in reasons.items()}


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


# ------------------------------------------------------------------ the rule that fills space


def _for_space(
    good: Sequence[Candidate], kept: dict[str, str], keep: Keep, free: int | None
) -> tuple[dict[str, str], dict[str, str]]:
    """Return which of those that no other rule keeps stay, and which go, oldest first."""
    spare = [backup for backup in good if backup.id not in kept]
    if keep.min_free is None:
        return {}, {}
    if free is None:
        why = "min_free: how much is free is not known"
        return {backup.id: why for backup in spare}, {}
    missing = keep.min_free - free
    doomed: dict[str, str] = {}
    while missing > 0 and spare:
        oldest = spare.pop()
        doomed[oldest.id] = "min_free: no other rule keeps it, and less than that is free"
        missing -= oldest.size_bytes
    return {backup.id: "min_free: there is room" for backup in spare}, doomed


def shortage(decisions: Iterable[Decision[C]], keep: Keep, free: int | None) -> int:
    """Return how many bytes of ``min_free`` are missing once *decisions* are carried out."""
    if keep.min_free is None or free is None:
        return 0
    freed = sum(decision.backup.size_bytes for decision in decisions if not decision.keep)
    return max(0, keep.min_free - free - freed)
