"""When backups run and what is said of them: real files, real copies, a clock moved by hand."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import shutil
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.support.clock import FakeClock
from tests.support.hung_mount import hung_mount
from tests.support.sqlite import make_database
from watchdog import backup_watch
from watchdog.backup_watch import BackupWatch
from watchdog.backups import accepted, catalogue, guard, looking, pauses
from watchdog.backups.destination import Destinations
from watchdog.backups.pauses import Pause
from watchdog.backups.status import known_of
from watchdog.clock import rfc3339
from watchdog.database_url import SqliteUrl
from watchdog.engines import find_engines
from watchdog.model import (
    BackupSettings,
    Failure,
    Keep,
    Kind,
    Lane,
    Objectives,
    Outcome,
    Phase,
    ProbeSettings,
    Result,
    Target,
)
from watchdog.report import Report
from watchdog.results import BackupStatus, ResultStore
from watchdog.scheduling.runner import Runner, Ticket
from watchdog.scheduling.scheduler import Kick, Scheduler


@contextlib.contextmanager
def held_by_another(lock: Path) -> Iterator[None]:
    """Hold the lock of a target's folder, as another process that backs it up does."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        yield


class Alarms(Scheduler):
    """Rings no bell by itself: a test does."""

    def __init__(self) -> None:
        super().__init__(FakeClock())
        self.set: dict[str, tuple[Any, Kick]] = {}

    def set_alarm(self, name: str, moment: Any, kick: Kick) -> None:
        self.set[name] = (moment, kick)

    def clear_alarm(self, name: str) -> None:
        self.set.pop(name, None)


class House:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = FakeClock()
        self.store = ResultStore(self.clock)
        self.report = Report(self.store, self.clock)
        self.runner = Runner(self.clock, self.report.take)
        self.alarms = Alarms()
        self.backups = BackupWatch(
            find_engines(),
            self.clock,
            self.report,
            self.store,
            self.runner,
            self.alarms,
            Destinations(folder / "state"),
        )

    def target(self, name: str = "a", **settings: Any) -> Target:
        path = self.folder / f"{name}.db"
        if not path.exists():
            make_database(path)
        kept = {"schedule": "@every 6h", "directory": self.folder / "backups", **settings}
        return Target(name, "sqlite", SqliteUrl(str(path)), backup=BackupSettings(**kept))

    async def configure(self, *targets: Target) -> None:
        self.store.configure((target, None) for target in targets)
        await self.backups.configure(targets)

    def ring(self, name: str = "a") -> Ticket:
        moment, kick = self.alarms.set[f"backup of {name}"]
        self.clock.step((moment - self.clock.now()).total_seconds())
        kick()
        return next(t for t in self.runner.in_flight(Lane.BACKUPS) if t.action.subject.name == name)

    def alarm(self, name: str = "a") -> timedelta:
        wait: timedelta = self.alarms.set[f"backup of {name}"][0] - self.clock.now()
        return wait

    def known(self, name: str = "a") -> BackupStatus:
        status = self.store.status(name)
        assert status is not None
        return status.backup


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    made = House(tmp_path)
    yield made
    await made.runner.stop(0)


async def test_a_backup_that_has_ended_is_not_shown_as_running(house: House) -> None:
    await house.configure(house.target())
    with capture_logs() as said:
        await house.ring().wait()
    assert [line["event"] for line in said] == ["backup begins", "backup taken"]
    known = house.known()
    assert (known.runs, known.failures, known.count, known.last_attempt_successful) == (
        1,
        0,
        1,
        True,
    )
    assert known.running_since is None
    assert house.alarm() == timedelta(hours=6)


async def test_a_reload_that_changes_only_labels_leaves_a_running_backup_alone(
    house: House,
) -> None:
    target = house.target()
    await house.configure(target)
    with held_by_another(house.folder / "backups" / "a" / ".lock"):
        flight = house.ring()
        await asyncio.sleep(0.1)
        labelled = replace(target, labels={"team": "x"}, probe=ProbeSettings(interval=7))
        await house.configure(labelled)
        assert house.runner.in_flight(Lane.BACKUPS) == [flight]
    result = await flight.wait()
    assert result is not None
    assert result.failure is None
    assert house.known().count == 1


async def test_a_reload_says_nothing_of_backups_that_nobody_took(house: House) -> None:
    await house.configure(house.target())
    await house.ring().wait()
    with capture_logs() as said:
        await house.configure(house.target(schedule="@every 3h"))
        await house.configure(replace(house.target(), backup=None))
        await house.configure(house.target())
    assert [line["event"] for line in said if "taken" in line["event"]] == []


async def test_counters_go_on_after_a_change_of_the_schedule(house: House) -> None:
    await house.configure(house.target())
    await house.ring().wait()
    await house.configure(house.target(schedule="@every 3h"))
    assert house.known().runs == 1
    with capture_logs() as said:
        await house.ring().wait()
    assert [line["target"] for line in said if line["event"] == "backup taken"] == ["a"]


async def test_a_look_that_a_reload_overtakes_does_not_bring_a_backup_back(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = house.target()
    await house.configure(target)
    begun, go_on = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow(*arguments: Any) -> Any:
        loop.call_soon_threadsafe(begun.set)
        asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result()
        return known_of(*arguments)

    monkeypatch.setattr("watchdog.backup_sight.known_of", slow)
    (house.folder / "backups").mkdir()
    rescan = asyncio.ensure_future(house.backups.rescan())
    await begun.wait()
    await house.configure(replace(target, backup=None))
    go_on.set()
    await rescan
    assert not house.known().enabled


async def test_free_space_that_others_take_is_seen_though_no_folder_changes(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    (house.folder / "backups").mkdir()
    await house.configure(house.target())
    await house.backups.rescan()
    before = house.known()
    monkeypatch.setattr("watchdog.backups.destination.free_bytes", lambda directory: 4096)
    read = []
    monkeypatch.setattr("watchdog.backup_sight.known_of", lambda *a: read.append(a))
    await house.backups.rescan()
    assert house.known() == replace(before, destination_free=4096)
    assert not read  # dear where there are many backups


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking.Looks.__init__, "__defaults__", (0.1,))


async def test_a_destination_that_hangs_holds_up_no_other_and_is_looked_at_again(
    tmp_path: Path, impatient: None
) -> None:
    house, mount = House(tmp_path), tmp_path / "mount"
    mount.mkdir()
    stuck = [house.target(f"stuck{n}", directory=mount / "backups") for n in range(3)]
    with hung_mount(mount):
        async with asyncio.timeout(2):
            await house.configure(*stuck, house.target())
            assert await house.backups.documents() == []
        for target in stuck:
            known = house.known(target.name)
            assert known.enabled
            assert known.last_attempt_successful is False
            assert known.last_failure is not None
            assert "does not answer" in known.last_failure.message
            assert known.next_run_at is None
        assert house.alarm("a") == timedelta(hours=6)
        assert "backup of stuck0" not in house.alarms.set
        async with asyncio.timeout(5):
            await house.ring("a").wait()
            await house.backups.rescan()
        assert house.known("a").count == 1
    while house.known("stuck0").next_run_at is None:
        await house.backups.rescan()
        await asyncio.sleep(0.02)
    assert house.known("stuck0").last_failure is None
    await house.runner.stop(0)


async def test_a_backup_into_a_destination_that_hangs_fails_soon_and_is_tried_again(
    tmp_path: Path, impatient: None
) -> None:
    house, mount = House(tmp_path), tmp_path / "mount"
    mount.mkdir()
    await house.configure(house.target("stuck", directory=mount / "backups"))
    with hung_mount(mount):
        async with asyncio.timeout(2):
            result = await house.ring("stuck").wait()
        assert result is not None
        assert result.failure is not None
        assert house.alarm("stuck") == timedelta(minutes=1)
    await house.runner.stop(0)


async def test_what_is_in_the_way_of_a_backup_is_tried_again_thrice_then_at_the_next_slot(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup_watch, "_LOCK_TIME", 0.0)
    await house.configure(house.target())
    await house.ring().wait()
    with held_by_another(house.folder / "backups" / "a" / ".lock"):
        waits = []
        for _ in range(4):
            result = await house.ring().wait()
            assert result is not None
            assert result.failure is not None
            assert result.failure.code == "EWOULDBLOCK"
            waits.append(house.alarm())
    assert waits == [timedelta(minutes=n) for n in (1, 5, 15)] + [timedelta(hours=6)]
    assert house.known().failures == 4


async def test_a_backup_that_waits_for_another_process_lets_the_others_on_its_disk_go_on(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup_watch, "_LOCK_TRY", 0.05)
    await house.configure(house.target("a"), house.target("b"))
    with held_by_another(house.folder / "backups" / "a" / ".lock"):
        with capture_logs() as said:
            assert await house.ring("a").wait() is None
            assert await house.ring("a").wait() is None
            await house.ring("b").wait()
        events = [line["event"] for line in said if line["target"] == "a"]
        assert events == ["backup begins", "backup waits for another process"]
        assert house.known("b").count == 1
        assert house.known("a").runs == 0
        assert house.known("a").running_since is None
        assert house.alarm("a") <= timedelta(seconds=30)
        assert not (house.folder / "backups" / "a" / "attempts.json").exists()
    await house.ring("a").wait()
    assert (house.known("a").runs, house.known("a").failures, house.known("a").count) == (1, 0, 1)


class Held:
    """Holds the runs of one target up in their midst."""

    def __init__(self, house: House, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun, self.go_on = asyncio.Event(), asyncio.Event()
        self._name, self._real = name, house.backups._pipeline.back_up
        monkeypatch.setattr(house.backups._pipeline, "back_up", self)

    async def __call__(self, target: Target, **options: Any) -> Any:
        if target.name == self._name:
            self.begun.set()
            await self.go_on.wait()
        return await self._real(target, **options)


async def test_one_backup_at_a_time_goes_onto_a_disk_and_others_onto_other_disks(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(house, "slow", monkeypatch)
    with TemporaryDirectory(dir="/dev/shm") as elsewhere:
        other = house.target("other", directory=Path(elsewhere) / "backups")
        await house.configure(house.target("slow"), house.target("same"), other)
        if house.folder.stat().st_dev == Path(elsewhere).stat().st_dev:
            pytest.skip("there is only one disk here")
        slow = house.ring("slow")
        await held.begun.wait()
        same = house.ring("same")
        await house.ring("other").wait()
        assert house.known("other").count == 1
        assert house.known("same").count == 0
        assert same.began is None
        held.go_on.set()
        await slow.wait()
        await same.wait()
        assert (house.known("slow").count, house.known("same").count) == (1, 1)


async def test_a_pause_is_noticed_holds_the_run_up_and_ends_by_itself(house: House) -> None:
    await house.configure(house.target())
    now, folder = house.clock.now(), house.folder / "backups" / "a"
    pauses.put(folder, Pause(now, now + timedelta(hours=8), "moving"), None, present=True)
    with capture_logs() as said:
        await house.backups.rescan()
    assert [line["reason"] for line in said if line["event"] == "backups are paused"] == ["moving"]
    assert house.known().paused_until == now + timedelta(hours=8)
    assert house.known().pause_reason == "moving"
    assert house.alarm() == timedelta(hours=8)
    # made longer while nobody looked
    pauses.put(folder, Pause(now, now + timedelta(hours=9)), None, present=True)
    assert await house.ring().wait() is None
    assert house.alarm() == timedelta(hours=1)
    assert house.known().runs == 0
    with capture_logs() as said:
        flight = house.ring()
        await house.backups.rescan()  # while it runs
        await flight.wait()
    assert "backups resumed" not in [line["event"] for line in said]
    assert (house.known().runs, house.known().late, house.known().count) == (1, 1, 1)
    assert house.known().paused_until is None
    assert house.alarm() == timedelta(hours=6)


async def test_a_pause_that_is_ended_early_lets_what_fell_due_begin_at_once(house: House) -> None:
    await house.configure(house.target())
    now, state = house.clock.now(), house.folder / "state"
    folder = house.folder / "backups" / "a"
    # while the destination is away, our state folder keeps it
    pauses.put(folder, Pause(now, now + timedelta(hours=30)), state, present=False)
    await house.backups.rescan()
    assert house.alarm() == timedelta(hours=30)
    house.clock.advance(7 * 3600)
    later = house.clock.now()
    pauses.put(folder, Pause(later, later), state, present=True)
    await house.backups.rescan()
    assert house.alarm() == timedelta(0)
    await house.ring().wait()
    assert house.known().skipped["paused"] == 0
    assert house.known().count == 1


async def test_time_alone_misses_an_objective_and_a_backup_meets_it_again(house: House) -> None:
    # the recovery point of a copy is the machine's time
    house.clock.step((datetime.now(UTC) - house.clock.now()).total_seconds())
    await house.configure(
        house.target(objectives=Objectives(rpo=7200.0, rto=60.0), schedule="@every 1m")
    )
    assert [failure.hint for failure in house.known().breaches] == ["no_backup_yet"]
    await house.ring().wait()
    assert house.known().breaches == ()
    house.clock.advance(7000)
    await house.backups.rescan()
    assert house.known().breaches == ()
    house.clock.advance(300)
    await house.backups.rescan()
    (missed,) = house.known().breaches
    assert "would lose the last 2 h" in missed.message
    status = house.store.status("a")
    assert status is not None
    assert [hint.id for hint in status.hints] == ["rpo_missed"]


@contextlib.contextmanager
def mounted(folder: Path) -> Iterator[None]:
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "none", folder], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip(f"cannot mount: {done.stderr.decode()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


async def test_a_destination_that_is_unmounted_costs_nothing_and_is_used_once_it_is_back(
    house: House,
) -> None:
    mount = house.folder / "mount"
    mount.mkdir()
    target = house.target(directory=mount, keep=Keep(last=2))
    with mounted(mount):
        await house.configure(target)
        await house.ring().wait()
        await house.ring().wait()
        kept = shutil.copytree(mount, house.folder / "disk")
    for _ in range(2):
        await house.ring().wait()
        known = house.known()
        assert known.last_failure is not None
        assert known.last_failure.hint == "destination_missing"
        assert known.count == 2  # what was last seen there
        assert list(mount.iterdir()) == []
    assert house.alarm() == timedelta(minutes=5)
    with mounted(mount):
        shutil.copytree(kept, mount, dirs_exist_ok=True)
        with capture_logs() as said:
            await house.backups.rescan()
        assert "destination is back" in [line["event"] for line in said]
        assert house.alarm() == timedelta(0)
        await house.ring().wait()
        assert house.known().last_attempt_successful
        assert house.known().count == 2
        assert house.alarm() == timedelta(hours=6)


async def test_backups_from_the_future_stop_retention_and_that_is_said(house: House) -> None:
    await house.configure(house.target(keep=Keep(last=1), schedule="0 * * * *"))
    for _ in range(2):
        await house.ring().wait()
    assert house.known().count == 1
    house.clock.step(400 * 86400)
    house.backups.reschedule()
    with capture_logs() as said:
        await house.ring().wait()
    (warned,) = [line for line in said if line["event"] == "backup warning"]
    assert "days lie between the newest two" in warned["message"]
    assert (house.known().count, house.known().retention_halt) == (2, "jump")
    house.clock.step(-401 * 86400)
    house.backups.reschedule()
    with capture_logs() as said:
        await house.ring().wait()
    (warned,) = [line for line in said if line["event"] == "backup warning"]
    assert "the clock has moved" in warned["message"]
    assert (house.known().count, house.known().retention_halt) == (3, "future")


async def test_what_a_person_accepts_is_noticed_while_the_daemon_runs(house: House) -> None:
    target = house.target()
    await house.configure(target)
    await house.ring().wait()
    path = house.folder / "a.db"
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("pragma application_id = 77")
        connection.execute("create table other (x)")
    point = house.known().recovery_point
    await house.ring().wait()
    known = house.known()
    assert known.suspect is not None
    assert (known.count, known.held, known.recovery_point) == (2, 1, point)
    folder = house.folder / "backups" / "a"
    held = guard.acceptable(catalogue.scan_folder(folder).backups)
    accepted.accept(folder, [backup.id for backup in held], house.clock.now())
    await house.backups.rescan()
    known = house.known()
    assert known.suspect is None
    assert known.held == 0
    assert known.recovery_point is not None
    assert known.recovery_point > point


async def test_a_first_backup_that_failed_for_good_runs_again_at_the_next_start(
    tmp_path: Path,
) -> None:
    house = House(tmp_path)
    target = house.target(run_on_start=True, schedule="0 3 * * *")
    path = tmp_path / "a.db"
    path.rename(tmp_path / "away.db")
    await house.configure(target)
    assert house.alarm() == timedelta(0)
    await house.ring().wait()
    assert house.known().failures == 1
    assert house.alarm() > timedelta(hours=1)
    await house.runner.stop(0)
    (tmp_path / "away.db").rename(path)
    again = House(tmp_path)
    again.clock.advance(60)
    await again.configure(target)
    assert again.alarm() == timedelta(0)
    await again.ring().wait()
    assert again.known().count == 1
    await again.runner.stop(0)
    third = House(tmp_path)
    third.clock.advance(120)
    await third.configure(target)
    assert third.alarm() > timedelta(hours=1)
    await third.runner.stop(0)


@pytest.mark.parametrize(
    ("document", "key", "value"),
    [
        ("manifest", "size_bytes", 10**400),
        ("manifest", "duration_seconds", float("inf")),
        ("manifest", "artefact", "\0"),
        ("manifest", "artefact", "\ud800"),
        ("manifest", "taken_at", "0001-01-01T00:00:00+14:00"),
        ("verification", "verified_at", 10**400),
        ("verification", "restore_duration_seconds", 10**400),
        ("verification", "levels", {"2": "9999-12-31T23:59:59-14:00"}),
        ("attempts", "attempts", [{"started_at": "0001-01-01T00:00:00+14:00"}]),
    ],
)
async def test_nothing_that_stands_in_a_file_ends_the_daemon(
    house: House, document: str, key: str, value: object
) -> None:
    await house.configure(house.target())
    await house.ring().wait()
    (path,) = (house.folder / "backups" / "a").glob(f"*{document}.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))
    path.rename(path.with_name("x"))
    path.with_name("x").rename(path)
    await house.backups.rescan()
    assert house.known().enabled
    json.dumps(list(await house.backups.documents()), allow_nan=False)


async def test_a_failure_that_no_folder_takes_is_told_as_long_as_the_process_lives(
    house: House,
) -> None:
    for name in ("state", "elsewhere"):
        (house.folder / name).write_text("")  # a file in the way of the folder
    await house.configure(house.target(directory=house.folder / "elsewhere" / "backups"))
    with capture_logs() as said:
        await house.ring().wait()
        await house.backups.rescan()
    assert "backup failed" in [line["event"] for line in said]
    (again,) = [line["at"] for line in said if line["event"] == "backup will be tried again"]
    assert again == rfc3339(house.clock.now() + timedelta(minutes=1))
    known = house.known()
    assert (known.runs, known.failures, known.last_attempt_successful) == (1, 1, False)
    assert known.last_failure is not None
    assert known.last_failure.hint == "backup_dir_missing"
    assert ".new" not in known.last_failure.message, "a name that nobody has given"
    status = house.store.status("a")
    assert status is not None
    assert [hint.id for hint in status.hints] == ["backup_dir_missing"]
    await house.configure(
        house.target(directory=house.folder / "elsewhere" / "backups", schedule="@every 3h")
    )
    assert house.known().last_attempt_successful is False


def visit(house: House, target: Target, failure: Failure | None = None) -> None:
    """Let *target* be found up or, for *failure*, down."""
    house.clock.advance(1)
    house.report.take(
        Result(
            subject=target,
            action="visit",
            outcome=Outcome.OK if failure is None else Outcome.FAILED,
            started_at=house.clock.now(),
            finished=house.clock.monotonic(),
            duration=0.1,
            failure=failure,
        )
    )


def hints_of(house: House, name: str = "a") -> list[Failure]:
    status = house.store.status(name)
    assert status is not None
    return [hint.failure for hint in status.hints]


async def test_a_database_that_is_back_is_backed_up_again_and_its_failure_is_told_as_past(
    house: House,
) -> None:
    target = house.target()
    away = Failure(Kind.SQLITE, "away", Phase.OPEN, hint="sqlite_cantopen_missing_dir")
    database, aside = house.folder / "a.db", house.folder / "aside.db"
    database.rename(aside)
    await house.configure(target)
    visit(house, target, away)
    await house.ring().wait()
    assert house.alarm() == timedelta(hours=6)
    assert [each.hint for each in hints_of(house)] == ["sqlite_cantopen_missing_dir"]
    house.clock.advance(840)
    await house.backups.rescan()
    assert house.alarm() == timedelta(hours=6) - timedelta(minutes=14)
    aside.rename(database)
    visit(house, target)
    (told,) = hints_of(house)
    assert told.hint == "backup_failed"
    ended = house.known().last_attempt_at
    assert ended is not None
    assert f"the last backup of a, at {ended:%Y-%m-%d %H:%M}" in told.message
    assert "does not exist" in told.message
    assert "`db-watchdog backup a`, or wait until" in told.message
    with capture_logs() as said:
        await house.backups.rescan()
    assert [line["event"] for line in said if "back," in line["event"]]
    assert house.alarm() == timedelta()
    await house.backups.rescan()
    assert house.alarm() == timedelta()
    await house.ring().wait()
    assert house.known().last_attempt_successful
    assert hints_of(house) == []


async def test_a_database_that_comes_and_goes_makes_no_storm_of_backups(house: House) -> None:
    target = house.target()
    (house.folder / "a.db").unlink()
    away = Failure(Kind.SQLITE, "away", Phase.OPEN, hint="sqlite_cantopen_missing_dir")
    await house.configure(target)
    waits = []
    for _ in range(5):
        visit(house, target, away)
        await house.ring().wait()
        visit(house, target)
        await house.backups.rescan()
        waits.append(round(house.alarm() / timedelta(minutes=1)))
    assert waits == [1, 5, 15, 15, 15]


async def test_a_backup_that_failed_is_tried_again_once_the_way_to_its_database_is_another(
    house: House,
) -> None:
    target = house.target()
    other = replace(target, url=SqliteUrl(str(house.folder / "right.db")))
    make_database(house.folder / "right.db")
    (house.folder / "a.db").unlink()
    await house.configure(target)
    await house.ring().wait()
    house.clock.advance(3600)
    await house.configure(other)
    assert hints_of(house) == []  # nobody knows yet whether that is over
    assert house.alarm() > timedelta(hours=4)
    visit(house, other)
    assert [each.hint for each in hints_of(house)] == ["backup_failed"]
    await house.backups.rescan()
    await house.ring().wait()
    assert house.known().last_attempt_successful


async def test_a_failure_that_is_not_of_reaching_the_database_is_as_true_as_before(
    house: House,
) -> None:
    (house.folder / "elsewhere").write_text("")
    target = house.target(directory=house.folder / "elsewhere")
    away = Failure(Kind.SQLITE, "away", Phase.OPEN, hint="sqlite_cantopen_missing_dir")
    await house.configure(target)
    visit(house, target, away)
    await house.ring().wait()
    visit(house, target)
    await house.backups.rescan()
    assert [each.hint for each in hints_of(house)] == ["backup_dir_missing"]
    assert house.alarm() == timedelta(seconds=59)  # as after any such failure


@pytest.mark.parametrize("fails", [False, True])
async def test_a_cancelled_backup_leaves_the_verdict_of_the_one_before(
    house: House, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    target = house.target()
    await house.configure(target)
    if fails:
        (house.folder / "a.db").rename(house.folder / "aside.db")
    await house.ring().wait()
    before = house.known()
    assert before.last_attempt_successful is not fails
    begun = asyncio.Event()

    async def endless(*_: Any) -> None:
        begun.set()
        await asyncio.sleep(60)

    monkeypatch.setattr(house.backups._pipeline, "_take", endless)
    house.clock.advance(10)
    house.ring()
    async with asyncio.timeout(10):
        await begun.wait()
        await house.runner.cancel(lambda action: True)
    with capture_logs() as said:
        await house.backups.rescan()
    known = house.known()
    assert (known.last_attempt_successful, known.last_attempt_at, known.last_failure) == (
        before.last_attempt_successful,
        before.last_attempt_at,
        before.last_failure,
    )
    assert (known.runs, known.failures) == (before.runs, before.failures)
    assert not [line for line in said if line["event"] in ("backup taken", "backup failed")]
    written = json.loads((house.folder / "backups" / "a" / "attempts.json").read_text())
    assert [each["outcome"] for each in written["attempts"]][-1] == "cancelled"
