"""When stored backups are proven again: real files, real drills, a clock moved by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.support.clock import FakeClock
from tests.support.sqlite import make_database
from watchdog import proof_watch
from watchdog.backup_watch import BackupWatch
from watchdog.backups import catalogue, drills
from watchdog.backups.destination import Destinations
from watchdog.backups.pipeline import Pipeline
from watchdog.backups.places import folder_of
from watchdog.database_url import SqliteUrl
from watchdog.engines import find_engines
from watchdog.model import BackupSettings, DrillSettings, Failure, Kind, Lane, Target
from watchdog.proof_watch import HASH_AGE, SETTLE, ProofWatch
from watchdog.report import DRILL, REHASH, Report
from watchdog.results import BackupStatus, ResultStore
from watchdog.scheduling.runner import Runner
from watchdog.scheduling.scheduler import Kick, Scheduler

WEEK = timedelta(days=7)


class Alarms(Scheduler):
    """Rings no bell by itself: a test does."""

    def __init__(self) -> None:
        super().__init__(FakeClock())
        self.set: dict[str, tuple[datetime, Kick]] = {}

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
        self.engines = find_engines()
        self.destinations = Destinations(folder / "state")
        self.backups = BackupWatch(
            self.engines,
            self.clock,
            self.report,
            self.store,
            self.runner,
            self.alarms,
            self.destinations,
        )
        self.proofs = ProofWatch(
            self.engines,
            self.clock,
            self.store,
            self.runner,
            self.alarms,
            self.backups.rescan,
        )
        self.report.backup_listeners.append(self.proofs.on_backup)

    def target(self, name: str = "a", **settings: Any) -> Target:
        path = self.folder / f"{name}.db"
        if not path.exists():
            make_database(path, rows=20)
        directory = self.folder / "backups"
        drill = DrillSettings(directory=self.folder)
        kept = {"schedule": "@every 6h", "directory": directory, "drill": drill, **settings}
        return Target(name, "sqlite", SqliteUrl(str(path)), backup=BackupSettings(**kept))

    async def configure(self, *targets: Target) -> None:
        self.store.configure((target, None) for target in targets)
        await self.backups.configure(targets)
        await self.proofs.configure(targets)

    async def back_up(self, target: Target) -> None:
        backups = {name: engine.backups for name, engine in self.engines.items()}
        report = await Pipeline(backups, self.destinations, self.clock).back_up(target)
        assert report.failure is None
        self.clock.step(1.0)

    def wait(self, alarm: str) -> timedelta:
        return self.alarms.set[alarm][0] - self.clock.now()

    async def ring(self, alarm: str) -> None:
        """Move the clock to an alarm and let what it begins end."""
        moment, kick = self.alarms.set[alarm]
        self.clock.step(max(0.0, (moment - self.clock.now()).total_seconds()))
        kick()
        for ticket in self.runner.in_flight(Lane.BACKUPS):
            await ticket.wait()

    def known(self, name: str = "a") -> BackupStatus:
        status = self.store.status(name)
        assert status is not None
        return status.backup


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    made = House(tmp_path)
    yield made
    await made.runner.stop(0)


HASH = "hash of a stored backup"


async def test_the_first_drill_follows_the_first_backup_and_the_next_a_week_later(
    house: House,
) -> None:
    target = house.target()
    await house.configure(target)
    assert "drill of a" not in house.alarms.set  # there is nothing to restore
    await house.back_up(target)
    await house.backups.rescan()
    assert house.wait("drill of a") == SETTLE
    with capture_logs() as logs:
        await house.ring("drill of a")
    assert [each["event"] for each in logs][:2] == ["drill begins", "drill passed"]
    known = house.known()
    assert known.verified_level == 4
    assert known.last_restored_at is not None
    assert known.restore_duration is not None
    assert known.drilled_at is not None
    assert house.wait("drill of a") == WEEK


async def test_a_drill_is_remembered_over_restarts_and_without_its_backup(house: House) -> None:
    target = house.target()
    await house.back_up(target)
    await house.configure(target)
    await house.ring("drill of a")
    restored = house.known().last_restored_at
    folder = folder_of(target)
    for path in folder.glob("2*"):
        path.unlink()
    house.clock.step(3 * 86400.0)
    await house.back_up(target)
    again = House(house.folder)
    again.clock.step((house.clock.now() - again.clock.now()).total_seconds())
    await again.configure(target)
    assert again.known().last_restored_at == drills.load(folder)[-1].at
    assert restored is not None
    assert again.known().restore_duration is not None
    assert timedelta(days=3) < again.wait("drill of a") < timedelta(days=4)
    again.clock.step(10 * 86400.0)
    again.proofs.reschedule()
    assert again.wait("drill of a") == SETTLE  # it is overdue
    again.clock.step(-20 * 86400.0)
    again.proofs.reschedule()
    assert again.wait("drill of a") == WEEK


async def test_slots_of_a_drill_are_kept(house: House) -> None:
    settings = DrillSettings(schedule="0 5 * * sun", directory=house.folder)
    target = house.target(drill=settings)
    await house.back_up(target)
    await house.configure(target)
    moment = house.alarms.set["drill of a"][0]
    assert (moment.weekday(), moment.hour) == (6, 5)


async def test_without_drills_none_is_planned_and_a_reload_ends_them(house: House) -> None:
    target = house.target()
    await house.back_up(target)
    await house.configure(house.target(drill=None))
    assert "drill of a" not in house.alarms.set
    await house.configure(target)
    assert "drill of a" in house.alarms.set
    await house.configure(house.target(drill=None))
    assert "drill of a" not in house.alarms.set
    await house.configure(target)
    await house.configure()
    assert "drill of a" not in house.alarms.set


async def test_a_drill_that_fails_is_a_trouble_until_one_passes(house: House) -> None:
    wrong = DrillSettings(directory=house.folder, assertions=("SELECT count(*) = 0 FROM t",))
    target = house.target(drill=wrong)
    await house.back_up(target)
    await house.configure(target)
    with capture_logs() as logs:
        await house.ring("drill of a")
    assert "drill failed" in [each["event"] for each in logs]
    status = house.store.status("a")
    assert status is not None
    assert [hint.id for hint in status.hints] == ["backup_assertion_false"]
    assert (status.backup.verified_level, status.backup.last_attempt_successful) == (3, True)
    await house.configure(house.target())
    await house.proofs._drill(house.proofs._planned["a"])
    status = house.store.status("a")
    assert status is not None
    assert status.hints == ()


async def test_a_machine_without_server_programs_has_no_drill_and_no_trouble(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = house.target()
    await house.back_up(target)
    await house.configure(target)
    none = Failure(Kind.BACKUP, "no server programs", hint="drill_no_place")

    async def nowhere(*arguments: Any) -> Any:
        return proof_watch.Verdict(arguments[0], none)

    monkeypatch.setattr(proof_watch, "drill", nowhere)
    with capture_logs() as logs:
        await house.ring("drill of a")
    told = {each["event"]: each["log_level"] for each in logs}
    assert told["no drill: there is nowhere to restore"] == "info"
    assert house.known().drill_failure is None
    assert house.wait("drill of a") == WEEK


async def test_the_hash_of_everything_is_proven_again_the_oldest_first(house: House) -> None:
    one, two = house.target("a"), house.target("b")
    await house.back_up(two)
    await house.back_up(one)
    await house.back_up(one)
    await house.configure(one, two)
    await house.ring(HASH)
    assert proven(house, one) == proven(house, two) == []  # they are young
    house.clock.step(HASH_AGE.total_seconds())
    order: list[list[int]] = []
    for _ in range(4):
        await house.ring(HASH)
        order.append([len(proven(house, two)), len(proven(house, one))])
    assert order == [[1, 0], [1, 1], [1, 2], [1, 2]]
    assert house.known("a").verified_level == 3  # a proof of less takes nothing away


def proven(house: House, target: Target) -> list[str]:
    """Return the backups whose hash was compared after the clock's long step."""
    listing = catalogue.scan_folder(folder_of(target))
    recent = house.clock.now() - timedelta(days=1)
    return [
        backup.id
        for backup in listing.backups
        if (backup.verification.hashed_at or backup.taken_at) > recent > backup.taken_at
    ]


async def test_rot_is_a_trouble_and_holds_nobody_else_up(house: House) -> None:
    target = house.target()
    await house.back_up(target)
    await house.back_up(target)
    await house.configure(target)
    newest, oldest = catalogue.scan_folder(folder_of(target)).backups
    content = bytearray(oldest.path.read_bytes())
    content[-1] ^= 1
    oldest.path.write_bytes(content)
    point = house.known().recovery_point
    house.clock.step(HASH_AGE.total_seconds())
    with capture_logs() as logs:
        await house.ring(HASH)
    (said,) = [each for each in logs if each["event"] == "a stored backup is not what it was"]
    assert said["backup"] == oldest.id
    status = house.store.status("a")
    assert status is not None
    assert [hint.id for hint in status.hints] == ["backup_damaged"]
    assert len(status.backup.rotten) == 1
    assert status.backup.recovery_point == point == newest.manifest.recovery_point
    await house.ring(HASH)
    assert proven(house, target) == [newest.id, oldest.id]


async def test_rot_of_the_newest_moves_the_recovery_point_back(house: House) -> None:
    target = house.target()
    await house.back_up(target)
    await house.back_up(target)
    await house.configure(target)
    newest, oldest = catalogue.scan_folder(folder_of(target)).backups
    newest.path.write_bytes(b"\0" * newest.manifest.size_bytes)
    house.clock.step(HASH_AGE.total_seconds())
    for _ in range(2):
        await house.ring(HASH)
    assert house.known().recovery_point == oldest.manifest.recovery_point
    assert house.known().verified_level == 3


async def test_a_hash_gives_way_to_a_backup(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    target = house.target()
    await house.back_up(target)
    await house.configure(target)
    begun = asyncio.Event()

    async def endless(*_: Any) -> None:
        begun.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(proof_watch, "verify", endless)
    house.clock.step(HASH_AGE.total_seconds() + 3600)
    house.alarms.set[HASH][1]()
    await asyncio.wait_for(begun.wait(), 10)
    (ticket,) = house.runner.in_flight(Lane.BACKUPS)
    assert ticket.action.name == REHASH
    running = replace(house.known(), running_since=house.clock.now())
    house.report.take_backup("a", running)
    await asyncio.wait_for(ticket.wait(), 10)
    assert house.runner.in_flight(Lane.BACKUPS) == []


async def test_what_proves_is_no_verdict_on_the_database(house: House) -> None:
    target = house.target()
    await house.back_up(target)
    await house.configure(target)
    await house.ring("drill of a")
    status = house.store.status("a")
    assert status is not None
    assert (status.up, status.visit) == (None, None)
    assert DRILL != REHASH
