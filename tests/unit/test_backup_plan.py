"""When the next backup begins: slots, pauses, downtime, overlaps, steps of the clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from watchdog.backup_plan import CLOCK, DOWNTIME, OVERLAP, PAUSED, SETTLE, Planned, plan
from watchdog.backups.pauses import Pause
from watchdog.database_url import SqliteUrl
from watchdog.model import BackupSettings, Failure, Kind, Target

NOW = datetime(2026, 11, 23, 12, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
REFUSED = Failure(Kind.REACH, "refused")
WRONG = Failure(Kind.AUTH, "wrong password")


def planned(schedule: str = "0 * * * *", **settings: Any) -> Planned:
    made = BackupSettings(schedule, Path("/backups"), **settings)
    return plan(Target("a", "sqlite", SqliteUrl("/a.db"), backup=made))


def at(hour: int, minute: int = 0) -> datetime:
    return NOW.replace(hour=hour, minute=minute)


def skipped(of: Planned) -> dict[str, int]:
    return {reason: count for reason, count in of.counts().items() if count}


def test_a_target_never_backed_up_waits_for_its_first_slot() -> None:
    made = planned()
    assert not made.anew(NOW, starting=True)
    assert (made.next_at, made.due) == (at(13), at(13))


def test_on_start_a_target_without_any_backup_runs_whatever_was_tried_before() -> None:
    made = planned(run_on_start=True)
    made.never, made.last_run_at = True, at(11)  # it failed for good
    made.anew(NOW, starting=True)
    assert made.next_at == NOW
    made.never = False
    made.last_run_at = at(12)
    made.anew(NOW, starting=True)
    assert made.next_at == at(13)
    # and a step of the clock is no start
    made.never = True
    made.anew(NOW, starting=False)
    assert made.next_at == at(13)


def test_one_run_makes_up_for_all_slots_of_a_downtime() -> None:
    made = planned()
    made.last_run_at = at(8)
    assert made.anew(NOW, starting=True)
    assert (made.next_at, made.due) == (NOW + SETTLE, at(9))
    assert made.begin(NOW + SETTLE) == (NOW + SETTLE - at(9)).total_seconds()
    assert skipped(made) == {DOWNTIME: 3}  # those of 10, 11 and 12
    assert made.late == 1
    made.ended(NOW + SETTLE, NOW + SETTLE, None)
    assert made.next_at == at(13)
    assert made.begin(at(13)) == 0
    assert made.late == 1


def test_slots_that_go_by_while_a_run_lasts_are_counted() -> None:
    made = planned()
    made.anew(NOW, starting=True)
    made.begin(at(13))
    made.ended(at(13), at(15, 20), None)
    assert skipped(made) == {OVERLAP: 2}
    assert made.next_at == at(16)


def test_slots_that_go_by_while_the_disk_is_busy_are_counted() -> None:
    made = planned()
    made.anew(NOW, starting=True)
    assert made.begin(at(15, 10)) == (at(15, 10) - at(13)).total_seconds()
    assert skipped(made) == {OVERLAP: 2}


def test_a_pause_puts_the_run_off_to_its_end_and_is_made_up_for_once() -> None:
    made = planned()
    made.anew(NOW, starting=True)
    made.pause = Pause(NOW, at(16, 15))
    assert made.hold(NOW)
    assert (made.next_at, made.due) == (at(16, 15), at(13))
    assert not made.hold(NOW)
    made.begin(at(16, 15))
    assert skipped(made) == {PAUSED: 3}
    assert made.late == 1


def test_a_pause_that_ends_before_the_slot_changes_nothing() -> None:
    made = planned()
    made.anew(NOW, starting=True)
    made.pause = Pause(NOW, at(12, 45))
    assert not made.hold(NOW)
    assert made.next_at == at(13)


def test_a_pause_that_is_made_longer_holds_on() -> None:
    made = planned()
    made.anew(NOW, starting=True)
    made.pause = Pause(NOW, at(14))
    made.hold(NOW)
    made.pause = Pause(NOW, at(18))
    assert made.hold(at(13))
    assert (made.next_at, made.due) == (at(18), at(13))


def test_a_pause_that_is_made_shorter_ends_sooner() -> None:
    made = planned()
    made.anew(NOW, starting=True)
    made.pause = Pause(NOW, at(18))
    made.hold(NOW)
    made.pause = Pause(NOW, at(14))
    assert made.hold(NOW)
    assert (made.next_at, made.due, made.reason) == (at(14), at(13), PAUSED)
    made.pause = Pause(NOW, at(12, 40))
    assert made.hold(NOW)
    assert (made.next_at, made.due, made.reason) == (at(13), at(13), "")


def test_resumed_early_what_fell_due_runs_at_once_and_what_did_not_at_its_slot() -> None:
    made = planned()
    made.anew(NOW, starting=True)
    made.pause = Pause(NOW, at(18))
    made.hold(NOW)
    assert not made.resumed(NOW)
    made.pause = Pause(NOW, NOW)
    assert made.resumed(NOW)
    early = replace(made)
    early.resume(at(12, 50))
    assert (early.next_at, early.reason) == (at(13), "")
    made.resume(at(14, 5))
    assert made.next_at == at(14, 5)
    made.begin(at(14, 5))
    assert skipped(made) == {PAUSED: 1}


def test_failures_that_may_pass_are_tried_again_thrice_and_others_at_the_next_slot() -> None:
    made = planned("0 3 * * *")
    made.anew(NOW, starting=True)
    waits = []
    for _ in range(4):
        made.ended(NOW, NOW, REFUSED)
        assert made.next_at is not None
        waits.append(made.next_at - NOW)
    assert [wait.total_seconds() / 60 for wait in waits[:3]] == [1, 5, 15]
    assert waits[3] > HOUR
    assert made.retries == 3
    assert not made.ended(NOW, NOW, WRONG)
    assert made.retries == 3


def test_a_destination_that_cannot_be_used_is_no_reason_to_try_without_end() -> None:
    made = planned("0 3 * * *")
    made.anew(NOW, starting=True)
    made.ended(NOW, NOW, Failure(Kind.BACKUP, "read-only", hint="backup_dir_missing"))
    assert not made.back(NOW)  # it was there all the time
    assert made.next_at == NOW + timedelta(minutes=1)


def test_a_slot_that_the_clock_jumps_over_is_made_up_for() -> None:
    made = planned()
    made.anew(NOW, starting=True)
    made.jumped(at(16, 1))
    assert (made.next_at, made.due) == (at(16, 1) + SETTLE, at(13))
    made.begin(at(16, 1) + SETTLE)
    assert skipped(made) == {CLOCK: 3}


def test_the_repeated_hour_has_one_slot_and_the_missing_one_has_its_own() -> None:
    daily = planned("30 2 * * *", timezone="Europe/Berlin")
    autumn = datetime(2026, 10, 24, 12, tzinfo=UTC)
    first = daily.next_slot(autumn)
    assert first == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert daily.next_slot(first) == datetime(2026, 10, 26, 1, 30, tzinfo=UTC)
    spring = datetime(2026, 3, 28, 12, tzinfo=UTC)
    assert daily.next_slot(spring) == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)


moments = st.integers(0, 60 * 24 * 10).map(lambda minutes: NOW + timedelta(minutes=minutes))


@given(
    st.sampled_from(["0 * * * *", "30 2 * * *", "@every 3h", "*/7 1-5 * * 1"]),
    st.lists(st.tuples(moments, st.integers(0, 600), st.booleans()), min_size=1, max_size=12),
)
def test_whatever_happens_the_next_run_is_ahead_and_counts_only_grow(
    schedule: str, runs: list[tuple[datetime, int, bool]]
) -> None:
    made = planned(schedule, timezone="Europe/Berlin")
    now = NOW
    made.anew(now, starting=True)
    before = 0
    for moment, minutes, fails in sorted(runs):
        now = max(now, moment)
        made.pause = Pause(now, now + timedelta(minutes=minutes // 3)) if minutes % 3 == 0 else None
        made.begin(now)
        ended = now + timedelta(minutes=minutes)
        made.ended(now, ended, REFUSED if fails else None)
        now = ended
        assert made.next_at is not None
        assert made.next_at > now
        assert made.due is not None
        assert made.due <= made.next_at
        total = sum(made.counts().values())
        assert total >= before
        before = total
