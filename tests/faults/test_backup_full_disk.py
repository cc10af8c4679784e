"""A disk that is full at each step of a backup: no half of anything, and no good one lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.disks import small_disk
from tests.support.postgres import Database, bin_dir
from tests.support.sqlite import make_database, target_of
from watchdog.backups import attempts, catalogue, files, names
from watchdog.backups.destination import Destinations
from watchdog.backups.drill import drill
from watchdog.backups.pipeline import Pipeline
from watchdog.backups.run import Report
from watchdog.clock import SystemClock
from watchdog.engines.postgresql import clients, drilling, role_globals
from watchdog.engines.postgresql.backups import BACKUPS
from watchdog.engines.sqlite import ENGINE as SQLITE
from watchdog.model import BackupSettings, DrillSettings, Keep, Outcome, Phase, Target

ENGINES = {"postgresql": BACKUPS, "sqlite": SQLITE.backups}
MIB = 1 << 20


def fill(folder: Path) -> Path:
    """Take the last byte of the disk of *folder*."""
    filler = folder / "filler"
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        for size in (MIB, 4096, 1):
            with suppress(OSError):
                while file.write(b"\0" * size) == size:
                    pass
    return filler


class House:
    """A SQLite database whose backups go onto a small disk."""

    def __init__(self, tmp_path: Path, disk: Path) -> None:
        path = make_database(tmp_path / "app.db", rows=200)
        self.disk = disk
        self.state = tmp_path / "state"
        self.folder = disk / "backups" / "app"
        settings = BackupSettings("0 3 * * *", disk / "backups", keep=Keep(last=2))
        self.target = replace(target_of(path), name="app", backup=settings)
        self.pipeline = Pipeline(ENGINES, Destinations(self.state), SystemClock())

    async def back_up(self, full_at: Phase | None = None) -> Report:
        """Back up; the disk is full from the moment on when the phase *full_at* is entered."""
        filled: list[Path] = []

        def progress(phase: Phase, _size: int) -> None:
            if phase is full_at and not filled:
                filled.append(fill(self.disk))

        report = await self.pipeline.back_up(self.target, progress=progress)
        for filler in filled:
            filler.unlink()
        assert len(filled) == (full_at is not None)
        return report

    def good(self) -> list[str]:
        """Return the ids of all good backups, oldest first; there must be nothing else."""
        listing = catalogue.scan_folder(self.folder)
        assert listing.damaged == ()
        found = [backup.id for backup in reversed(listing.backups) if backup.good]
        usual = {names.LOCK, names.ATTEMPTS, names.INSTRUCTIONS}
        left = {path.name.split(".")[0] for path in self.folder.iterdir() if path.name not in usual}
        assert left == set(found), "something unfinished is left"
        return found


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with small_disk(tmp_path / "disk", "2m") as disk:
        yield House(tmp_path, disk)


@pytest.mark.parametrize(
    "step", [Phase.PREFLIGHT, Phase.COPY, Phase.PUBLISH], ids=lambda phase: phase.value
)
async def test_a_disk_that_is_full_at_a_step_costs_no_backup_and_is_said(
    house: House, step: Phase
) -> None:
    assert (await house.back_up()).ok
    (first,) = house.good()
    report = await house.back_up(full_at=step)
    failure = report.failure
    assert failure is not None
    assert (failure.hint, failure.phase) == ("backup_no_space", step)
    assert str(house.disk) in failure.message
    assert "are free" in failure.message
    assert "lower keep" in failure.message
    assert failure.facts["target"] == "app"  # its hint tells to prune it
    assert house.good() == [first]
    last = attempts.load(house.folder, house.state)[-1]
    assert (last.outcome, last.failure) == (Outcome.FAILED, failure)
    assert (await house.back_up()).ok  # there is room again
    assert len(house.good()) == 2


async def test_a_disk_without_inodes_is_told_from_one_without_bytes(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "2m,nr_inodes=16") as disk:
        house = House(tmp_path, disk)
        assert (await house.back_up()).ok
        (first,) = house.good()
        others = disk / "others"
        others.mkdir()
        with suppress(OSError):
            for number in range(16):
                (others / str(number)).touch()
        failure = (await house.back_up()).failure
        assert failure is not None
        assert failure.hint == "backup_no_space"
        assert "no inode is free (df -i)" in failure.message
        assert house.good() == [first]


async def test_reading_a_copy_back_takes_no_room(house: House) -> None:
    report = await house.back_up(full_at=Phase.VERIFY)
    # The copy was proven; what it lacks is a few bytes for its manifest.
    assert report.failure is not None
    assert report.failure.phase is Phase.PUBLISH
    assert house.good() == []


async def test_a_disk_that_is_full_when_old_ones_are_to_go_lets_them_go(house: House) -> None:
    for _ in range(2):
        assert (await house.back_up()).ok
    first, second = house.good()
    report = await house.back_up(full_at=Phase.PRUNE)
    assert report.ok
    assert report.backup is not None
    # Removing takes no room; RESTORE.md, for which there was some again, is of what is there.
    assert house.good() == [second, report.backup.id]
    assert first not in (house.folder / names.INSTRUCTIONS).read_text()


@pytest.mark.parametrize("step", ["globals", "sealing"])
async def test_a_disk_that_is_full_beside_or_after_a_dump_leaves_nothing_of_it(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    monkeypatch.setenv(clients.VARIABLE, str(bin_dir()))
    module, name = (role_globals, "write") if step == "globals" else (files, "sync_folder")
    real = getattr(module, name)

    def filled(*arguments: Any) -> Any:
        fill(disk)
        return real(*arguments)

    with small_disk(tmp_path / "disk", "2m") as disk:
        settings = BackupSettings("0 3 * * *", disk / "backups")
        target = replace(database.target("app", user="owner"), backup=settings)
        pipeline = Pipeline(ENGINES, Destinations(tmp_path / "state"), SystemClock())
        first = (await pipeline.back_up(target)).backup
        assert first is not None
        before = {each.name for each in first.folder.iterdir()}
        with monkeypatch.context() as patched:
            patched.setattr(module, name, filled)
            report = await pipeline.back_up(target)
        failure = report.failure
        assert failure is not None
        assert (failure.hint, failure.phase) == ("backup_no_space", Phase.PUBLISH)
        assert {each.name for each in first.folder.iterdir()} == before
        (disk / "filler").unlink()
        assert (await pipeline.back_up(target)).ok


# ------------------------------------------------------------------ drills


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[Path]:
    """Give a scratch place that holds a new server and little more."""
    with small_disk(tmp_path / "scratch", "72m") as folder:
        yield folder


@pytest.fixture
def big(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Target:
    monkeypatch.setenv(clients.VARIABLE, str(bin_dir()))
    database.cluster.sql(
        "create table big as select n, repeat(md5(n::text), 100) as body"
        " from generate_series(1, 20000) n; alter table big alter body set storage external",
        database.name,
    )
    target = database.target("app", user="postgres")
    return replace(target, backup=BackupSettings("0 3 * * *", tmp_path / "backups"))


@pytest.mark.parametrize("foreseen", [True, False])
async def test_a_scratch_place_that_is_full_speaks_of_the_place_and_not_of_the_backup(
    big: Target, tmp_path: Path, scratch: Path, foreseen: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not foreseen:
        monkeypatch.setattr(drilling, "_needed", lambda _: 0)
    pipeline = Pipeline(ENGINES, Destinations(tmp_path / "state"), SystemClock())
    backup = (await pipeline.back_up(big)).backup
    assert backup is not None
    settings = DrillSettings(server="local", directory=scratch)
    verdict = await drill(backup, ENGINES, SystemClock(), settings, big)
    assert verdict.failure is not None
    assert "space" in verdict.failure.message
    assert verdict.failure.hint in ("drill_no_place", "disk_full")
    assert verdict.backup.good
    assert verdict.backup.verification.level == backup.verification.level
    assert list(scratch.iterdir()) == []
