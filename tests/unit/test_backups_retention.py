"""Retention never takes the last good backup, and counts only good ones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from watchdog.backups.retention import Surroundings, decide
from watchdog.model import Keep

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Made:
    id: str
    taken_at: datetime
    good: bool = True
    held: bool = False
    size_bytes: int = 100


def ago(*hours: float, good: bool = True) -> list[Made]:
    return [Made(f"b{h:g}", NOW - timedelta(hours=h), good) for h in hours]


def kept(backups: list[Made], keep: Keep, now: datetime = NOW) -> set[str]:
    decided = decide(backups, keep, Surroundings(now))
    return {decision.backup.id for decision in decided if decision.keep}


NOTHING = Keep(last=None)
counts = st.one_of(st.none(), st.integers(0, 5))
keeps = st.builds(
    Keep, last=counts, hourly=counts, daily=counts, weekly=counts, monthly=counts, yearly=counts
)
backups = st.lists(
    st.tuples(st.integers(0, 24 * 800), st.booleans()), max_size=25, unique_by=lambda each: each[0]
).map(lambda each: [Made(f"b{h}", NOW - timedelta(hours=h), good) for h, good in each])


def test_last_counts_the_newest() -> None:
    assert kept(ago(1, 2, 3, 4), Keep(last=2)) == {"b1", "b2"}


def test_failed_verification_does_not_count() -> None:
    found = kept([*ago(1, good=False), *ago(2, 3, 4)], Keep(last=2))
    assert found == {"b1", "b2", "b3"}


def test_an_unverified_one_goes_once_a_newer_is_good() -> None:
    assert kept([*ago(1), *ago(2, good=False)], Keep(last=5)) == {"b1"}


def test_daily_keeps_the_newest_of_each_day_that_has_one() -> None:
    made = ago(1, 2, 13, 14, 24 * 5)  # today, yesterday, and five days ago
    assert kept(made, Keep(last=None, daily=3)) == {"b1", "b13", "b120"}


def test_days_are_those_of_the_time_zone() -> None:
    made = [
        Made("late", datetime(2026, 11, 22, 23, 30, tzinfo=UTC)),  # the 23rd in Berlin
        Made("early", datetime(2026, 11, 23, 0, 30, tzinfo=UTC)),
    ]
    keep = Keep(last=None, daily=2)
    in_berlin = {
        d.backup.id for d in decide(made, keep, Surroundings(NOW, "Europe/Berlin")) if d.keep
    }
    assert in_berlin == {"early"}
    assert kept(made, keep) == {"early", "late"}


def test_without_any_rule_everything_stays() -> None:
    assert kept(ago(1, 2, 3), NOTHING) == {"b1", "b2", "b3"}


def test_nothing_goes_while_none_is_good() -> None:
    assert kept(ago(1, 2, 3, good=False), Keep(last=1)) == {"b1", "b2", "b3"}


def test_nothing_goes_when_the_clock_has_jumped_back() -> None:
    assert kept(ago(-24 * 30, 1, 2, 3), Keep(last=1)) == {"b-720", "b1", "b2", "b3"}


def test_every_decision_has_a_reason() -> None:
    reasons = {
        d.backup.id: d.reason for d in decide(ago(1, 2), Keep(last=1, daily=1), Surroundings(NOW))
    }
    assert reasons == {"b1": "last 1 of 1, daily 1 of 1", "b2": "no rule keeps it"}


@given(backups, keeps)
def test_the_newest_good_one_always_stays(made: list[Made], keep: Keep) -> None:
    good = [backup for backup in made if backup.good]
    if good:
        newest = max(good, key=lambda each: each.taken_at)
        assert newest.id in kept(made, keep)


@given(backups, keeps)
def test_whatever_goes_has_a_newer_good_one_that_stays(made: list[Made], keep: Keep) -> None:
    staying = kept(made, keep)
    for backup in made:
        if backup.id not in staying:
            assert any(
                other.good and other.id in staying and other.taken_at > backup.taken_at
                for other in made
            )


@given(backups, keeps)
def test_bad_backups_change_nothing_for_good_ones(made: list[Made], keep: Keep) -> None:
    good = [backup for backup in made if backup.good]
    assert {b.id for b in good} & kept(made, keep) == kept(good, keep)


@given(backups, keeps)
def test_deciding_twice_removes_nothing_more(made: list[Made], keep: Keep) -> None:
    staying = kept(made, keep)
    assert kept([backup for backup in made if backup.id in staying], keep) == staying


@given(backups, keeps)
def test_each_is_decided_on_once_newest_first(made: list[Made], keep: Keep) -> None:
    decided = [decision.backup for decision in decide(made, keep, Surroundings(NOW))]
    assert decided == sorted(made, key=lambda each: each.taken_at, reverse=True)


@given(backups, st.integers(1, 5))
def test_last_keeps_exactly_that_many_good_ones(made: list[Made], last: int) -> None:
    good = {backup.id for backup in made if backup.good}
    assert len(kept(made, Keep(last=last)) & good) == min(last, len(good))
