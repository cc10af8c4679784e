"""Slots of schedules: syntax, daylight saving time, gaps; against brute force."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchdog import schedule
from watchdog.schedule import Cron

ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Africa/Cairo",  # the gap is at midnight
    "Australia/Lord_Howe",  # by half an hour
    "America/Santiago",
    "Asia/Kathmandu",
]


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def brute(cron: Cron, start: datetime, end: datetime) -> list[datetime]:
    """Every slot in (start, end], by looking at each local minute that exists or is skipped."""
    found, times = set(), set(cron.times)
    naive = start.astimezone(cron.timezone).replace(tzinfo=None, second=0, microsecond=0)
    naive -= timedelta(days=2)
    last = end.astimezone(cron.timezone).replace(tzinfo=None) + timedelta(days=2)
    while naive <= last:
        weekday = naive.isoweekday() % 7
        of_month, of_week = naive.day in cron.days, weekday in cron.weekdays
        day = (of_month or of_week) if cron.either else (of_month and of_week)
        if day and naive.month in cron.months and naive.time() in times:
            instant = naive.replace(tzinfo=cron.timezone).astimezone(UTC)
            back = instant.astimezone(cron.timezone).replace(tzinfo=None)
            if back != naive:  # skipped: walk to the first local minute that exists
                probe = naive
                while (
                    probe.replace(tzinfo=cron.timezone)
                    .astimezone(UTC)
                    .astimezone(cron.timezone)
                    .replace(tzinfo=None)
                    != probe
                ):
                    probe += timedelta(minutes=1)
                instant = probe.replace(tzinfo=cron.timezone).astimezone(UTC)
            found.add(instant)
        naive += timedelta(minutes=1)
    return sorted(slot for slot in found if start < slot <= end)


@pytest.mark.parametrize(
    ("line", "after", "expected"),
    [
        ("0 3 * * *", "2026-11-23T02:59:59", "2026-11-23T03:00"),
        ("0 3 * * *", "2026-11-23T03:00", "2026-11-24T03:00"),
        ("0 3 * * 0", "2026-11-23T00:00", "2026-11-29T03:00"),  # a Sunday
        ("0 3 * * 7", "2026-11-23T00:00", "2026-11-29T03:00"),
        ("0 3 * * sun", "2026-11-23T00:00", "2026-11-29T03:00"),
        ("0 3 * * MON-fri", "2026-11-27T04:00", "2026-11-30T03:00"),
        ("0 3 * * fri-sun", "2026-11-27T04:00", "2026-11-28T03:00"),
        ("0 0 13 * 5", "2026-11-01T00:00", "2026-11-06T00:00"),  # either: the first Friday
        ("0 0 13 * *", "2026-11-01T00:00", "2026-11-13T00:00"),
        ("0 0 */2 * 1", "2026-11-03T00:00", "2026-11-09T00:00"),  # a star: both must fit
        ("*/20 1,5-6 * * *", "2026-11-23T01:40", "2026-11-23T05:00"),
        ("5-59/10 * * * *", "2026-11-23T01:50", "2026-11-23T01:55"),
        ("0 0 29 feb *", "2026-11-23T00:00", "2028-02-29T00:00"),
        ("0 0 29 2 *", "2096-03-01T00:00", "2104-02-29T00:00"),
        ("@hourly", "2026-11-23T01:30", "2026-11-23T02:00"),
        ("@daily", "2026-11-23T01:30", "2026-11-24T00:00"),
        ("@weekly", "2026-11-23T01:30", "2026-11-29T00:00"),
        ("@monthly", "2026-11-23T01:30", "2026-12-01T00:00"),
        ("@yearly", "2026-11-23T01:30", "2027-01-01T00:00"),
        ("@every 6h", "2026-11-23T01:30", "2026-11-23T07:30"),
        ("@every 1h30m", "2026-11-23T01:30", "2026-11-23T03:00"),
    ],
)
def test_the_next_slot(line: str, after: str, expected: str) -> None:
    assert schedule.parse(line).next_after(utc(after)) == utc(expected)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("", "five fields"),
        ("0 3 * *", "has 4"),
        ("60 3 * * *", "minute '60': write a number from 0 to 59"),
        ("0 24 * * *", "hour '24'"),
        ("0 3 0 * *", "day of month '0'"),
        ("0 3 * foo *", "or a name like jan"),
        ("0 3 * * 8", "day of week '8'"),
        ("5/10 * * * *", "5-59/10"),
        ("*/0 * * * *", "step"),
        ("30-10 * * * *", "backwards"),
        ("0 0 30 2 *", "never happens"),
        ("@reboot", "run_on_start"),
        ("@fortnightly", "unknown schedule"),
        ("@every", "duration"),
        ("@every 6", "duration with units"),
        ("@every 10s", "between 1m"),
        ("@every 999999999999d", "too long"),
        ("²² 3 * * *", "minute"),
    ],
)
def test_mistakes_say_what_to_write(line: str, says: str) -> None:
    with pytest.raises(ValueError, match=says.replace("*", r"\*")):
        schedule.parse(line)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../etc/passwd", ""])
def test_an_unknown_time_zone_is_named(zone: str) -> None:
    with pytest.raises(ValueError, match="time zone"):
        schedule.parse("0 3 * * *", zone)


def test_a_slot_runs_once_in_the_repeated_hour() -> None:
    cron = schedule.parse("30 2 * * *", "Europe/Berlin")
    first = cron.next_after(utc("2026-10-24T12:00"))
    assert first == utc("2026-10-25T00:30")
    assert cron.next_after(first) == utc("2026-10-26T01:30")


def test_a_skipped_slot_runs_at_the_first_instant_after_the_gap() -> None:
    cron = schedule.parse("*/15 2 * * *", "Europe/Berlin")
    first = cron.next_after(utc("2026-03-28T12:00"))
    assert first == utc("2026-03-29T01:00")
    assert cron.next_after(first) == utc("2026-03-30T00:00")
    assert cron.last_before(utc("2026-03-29T12:00")) == first


def test_the_longest_gap_sees_daylight_saving_time() -> None:
    cron = schedule.parse("0 3 * * *", "Europe/Berlin")
    assert cron.longest_gap(utc("2026-11-23T00:00")) == timedelta(hours=25)
    assert schedule.parse("0 3 * * *").longest_gap(utc("2026-11-23T00:00")) == timedelta(days=1)


def test_the_longest_gap_of_rare_slots() -> None:
    leap = schedule.parse("0 0 29 2 *").longest_gap(utc("2026-11-23T00:00"))
    assert leap == timedelta(days=4 * 365 + 1)
    yearly = schedule.parse("@yearly").longest_gap(utc("2026-11-23T00:00"))
    assert yearly == timedelta(days=365)


def test_every_counts_from_the_moment() -> None:
    every = schedule.parse("@every 7d")
    assert every.last_before(utc("2026-11-23T00:00")) == utc("2026-11-16T00:00")
    assert every.longest_gap(utc("2026-11-23T00:00")) == timedelta(days=7)


def field(lowest: int, highest: int) -> st.SearchStrategy[str]:
    number = st.integers(lowest, highest)
    pair = st.tuples(number, number).map(sorted)
    return st.one_of(
        st.just("*"),
        st.integers(2, 20).map(lambda n: f"*/{n}"),
        number.map(str),
        pair.map(lambda p: f"{p[0]}-{p[1]}"),
        st.tuples(pair, st.integers(1, 9)).map(lambda p: f"{p[0][0]}-{p[0][1]}/{p[1]}"),
        st.lists(number, min_size=1, max_size=3).map(lambda n: ",".join(map(str, n))),
    )


lines = st.tuples(field(0, 59), field(0, 23), field(1, 28), st.just("*"), field(0, 7)).map(" ".join)
moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 1)).map(  # noqa: DTZ001
    lambda moment: moment.replace(tzinfo=UTC)
)
near_changes = st.sampled_from(
    [
        utc(day) + timedelta(hours=hours)
        for day in ("2026-03-29", "2026-10-25", "2026-04-24", "2026-10-04", "2026-04-05")
        for hours in range(-24, 24, 5)
    ]
)


@given(lines, st.sampled_from(ZONES), st.one_of(moments, near_changes))
@settings(max_examples=40, deadline=None)
def test_slots_are_those_of_brute_force(line: str, zone: str, moment: datetime) -> None:
    cron = schedule.parse(line, zone)
    assert isinstance(cron, Cron)
    assert cron.timezone == ZoneInfo(zone)
    expected = brute(cron, moment, moment + timedelta(days=3))
    found, at = [], moment
    while (at := cron.next_after(at)) <= moment + timedelta(days=3):
        found.append(at)
    assert found == expected
    for slot in expected[:50]:
        assert cron.last_before(slot) == slot
        assert cron.last_before(slot + timedelta(seconds=30)) <= slot + timedelta(seconds=30)


@given(lines, st.sampled_from(ZONES), near_changes)
@settings(max_examples=25, deadline=None)
def test_the_longest_gap_is_that_of_all_slots(line: str, zone: str, moment: datetime) -> None:
    cron = schedule.parse(line, zone)
    horizon = timedelta(days=6)
    slots = [cron.next_after(moment)]
    if slots[0] > moment + horizon:
        return
    while slots[-1] <= moment + horizon and len(slots) < 1500:
        slots.append(cron.next_after(slots[-1]))
    horizon = min(horizon, slots[-2] - moment) if len(slots) > 1 else horizon
    gaps = [later - earlier for earlier, later in itertools.pairwise(slots)]
    assert cron.longest_gap(moment, horizon) == max(gaps)


@given(st.text(max_size=30))
def test_the_spread_is_stable_and_bounded(name: str) -> None:
    delay = schedule.spread(name, 3600)
    assert 0 <= delay < 3600
    assert delay == schedule.spread(name, 3600)
