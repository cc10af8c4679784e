"""Retention never takes the last good backup, and counts only good ones."""

from __future__ import annotations

import random
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from watchdog.backups.retention import Surroundings, decide, shortage
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


def kept(backups: list[Made], keep: Keep, now: datetime = NOW, free: int | None = None) -> set[str]:
    decided = decide(backups, keep, Surroundings(now, free=free))
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


# ------------------------------------------------------------------ what is held apart


guarded = st.lists(
    st.tuples(st.integers(0, 24 * 800), st.sampled_from(["good", "bad", "held"])),
    max_size=25,
    unique_by=lambda each: each[0],
).map(
    lambda each: [
        Made(f"b{h}", NOW - timedelta(hours=h), good=kind == "good", held=kind == "held")
        for h, kind in each
    ]
)


def test_nothing_goes_while_the_newest_is_held_apart() -> None:
    strange = [Made(f"s{n}", NOW - timedelta(minutes=n), good=False, held=True) for n in range(4)]
    made = [*strange, *ago(1, 2, 3, 4, 5, 6, 7, 8)]
    assert len(kept(made, Keep(last=3))) == 12
    reasons = {decision.reason for decision in decide(made, Keep(last=3), Surroundings(NOW))}
    assert len(reasons) == 1
    assert "db-watchdog accept" in reasons.pop()


def test_what_is_held_apart_stays_once_the_right_database_is_back() -> None:
    strange = Made("strange", NOW - timedelta(hours=2.5), good=False, held=True)
    assert kept([*ago(1, 2, 3, 4), strange], Keep(last=2)) == {"b1", "b2", "strange"}


@given(guarded, keeps)
def test_what_is_held_apart_is_never_removed_and_takes_nobodys_place(
    made: list[Made], keep: Keep
) -> None:
    staying = kept(made, keep)
    held = {backup.id for backup in made if backup.held}
    assert held <= staying
    others = [backup for backup in made if not backup.held]
    if staying != {backup.id for backup in made}:  # not frozen
        assert staying - held == kept(others, keep)


# ------------------------------------------------------------------ laws


@given(backups, keeps, st.randoms(use_true_random=False))
def test_the_order_in_which_backups_are_listed_decides_nothing(
    made: list[Made], keep: Keep, chance: random.Random
) -> None:
    shuffled = list(made)
    chance.shuffle(shuffled)
    decided = decide(made, keep, Surroundings(NOW, free=0))
    assert decide(shuffled, keep, Surroundings(NOW, free=0)) == decided


@given(backups, keeps, st.sampled_from([field.name for field in fields(Keep)][:6]))
def test_a_larger_number_never_removes_more(made: list[Made], keep: Keep, rule: str) -> None:
    more = replace(keep, **{rule: (getattr(keep, rule) or 0) + 1})
    if any(getattr(keep, field.name) is not None for field in fields(Keep)):
        assert kept(made, keep) <= kept(made, more)


@given(backups, keeps, st.integers(0, 24 * 30))
def test_time_that_goes_by_removes_nothing(made: list[Made], keep: Keep, hours: int) -> None:
    assert kept(made, keep) == kept(made, keep, NOW + timedelta(hours=hours))


@given(backups, keeps)
def test_a_new_backup_removes_none_that_counts_but_by_its_own_place(
    made: list[Made], keep: Keep
) -> None:
    """What was removed is not wanted back: a run a day ends where deciding once would."""
    new = Made("new", NOW + timedelta(minutes=1))
    later = NOW + timedelta(minutes=1)
    staying = [backup for backup in made if backup.id in kept(made, keep)]
    assert kept([*made, new], keep, later) == kept([*staying, new], keep, later)


# ------------------------------------------------------------------ space


def test_min_free_keeps_what_no_other_rule_keeps_as_long_as_there_is_room() -> None:
    keep = Keep(last=2, min_free=1000)
    made = ago(1, 2, 3, 4, 5)  # of 100 bytes each
    assert kept(made, keep, free=1000) == {"b1", "b2", "b3", "b4", "b5"}
    assert kept(made, keep, free=850) == {"b1", "b2", "b3"}
    assert kept(made, keep, free=0) == {"b1", "b2"}
    assert kept(made, keep, free=None) == {"b1", "b2", "b3", "b4", "b5"}


def test_min_free_alone_keeps_what_fits_and_the_last_good_one_always() -> None:
    keep = Keep(last=None, min_free=1000)
    assert kept(ago(1, 2, 3), keep, free=950) == {"b1", "b2"}
    assert kept(ago(1, 2, 3), keep, free=0) == {"b1"}


def test_what_min_free_cannot_have_is_counted() -> None:
    keep = Keep(last=2, min_free=1000)
    decided = decide(ago(1, 2, 3), keep, Surroundings(NOW, free=300))
    assert shortage(decided, keep, 300) == 600
    assert shortage(decided, keep, None) == 0
    assert shortage(decided, Keep(last=2), 300) == 0


@given(backups, keeps, st.integers(0, 3000), st.integers(0, 3000))
def test_more_room_never_removes_more_and_no_room_no_rules_choice(
    made: list[Made], keep: Keep, free: int, more: int
) -> None:
    spacious = replace(keep, min_free=3000)
    assert kept(made, spacious, free=free) <= kept(made, spacious, free=free + more)
    if any(getattr(keep, field.name) is not None for field in fields(Keep)):
        assert kept(made, keep) <= kept(made, spacious, free=free)


@given(backups, st.integers(0, 3000))
def test_min_free_frees_no_more_than_it_needs(made: list[Made], free: int) -> None:
    keep = Keep(last=1, min_free=1000)
    decided = decide(made, keep, Surroundings(NOW, free=free))
    gone = [each.backup for each in decided if not each.keep and each.backup.good]
    assert sum(each.size_bytes for each in gone[1:]) < max(1, 1000 - free)
    after = [each.backup for each in decided if each.keep]
    freed = sum(each.backup.size_bytes for each in decided if not each.keep)
    assert kept(after, keep, free=free + freed) == {each.id for each in after}


# ------------------------------------------------------------------ the clock and the calendar


def test_a_clock_that_has_jumped_ahead_removes_nothing_until_another_success() -> None:
    around = Surroundings(NOW, interval=86400)

    def stay(made: list[Made]) -> set[str]:
        return {each.backup.id for each in decide(made, Keep(last=1), around) if each.keep}

    days = [24.0 * n for n in (400, 401, 402)]
    assert len(stay(ago(0.1, *days))) == 4  # the newest stands alone
    assert len(stay(ago(*days))) == 3  # nothing new at all
    assert stay(ago(0.1, 24, *days)) == {"b0.1"}
    weekly = Surroundings(NOW, interval=7 * 86400)
    assert len(decide(ago(0.1, 24 * 8), Keep(last=1), weekly)) == 2
    assert [each.keep for each in decide(ago(0.1, 24 * 8), Keep(last=1), weekly)] == [True, False]


def test_the_repeated_hour_of_autumn_is_two_hours() -> None:
    made = [
        Made("first", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),  # 02:30 in summer time
        Made("second", datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),  # 02:30 in winter time
    ]
    keep = Keep(last=None, hourly=2)
    around = Surroundings(NOW, "Europe/Berlin")
    assert {each.backup.id for each in decide(made, keep, around) if each.keep} == {
        "first",
        "second",
    }


def test_a_week_at_the_turn_of_the_year_is_one_week() -> None:
    now = datetime(2027, 1, 3, 12, tzinfo=UTC)
    made = [
        Made(f"d{day}", datetime(2026, 12, 28, 3, tzinfo=UTC) + timedelta(days=day))
        for day in range(6)
    ]
    assert kept(made, Keep(last=None, weekly=2), now) == {"d5"}
    assert kept(made, Keep(last=None, yearly=2), now) == {"d5", "d3"}
