"""A backup that is killed outright at any step leaves no half of anything."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.daemon import ROOT
from tests.support.killed import STEPS, pipeline, target
from tests.support.postgres import Database, bin_dir
from tests.support.sqlite import make_database
from watchdog.backups import attempts, catalogue, names
from watchdog.engines.postgresql import clients

BEFORE = 2


async def backed_up(folder: Path) -> str:
    report = await pipeline(folder).back_up(target(folder))
    assert report.failure is None
    assert report.backup is not None
    return report.backup.id


def killed(folder: Path, *steps: str) -> None:
    command = [sys.executable, "-m", "tests.support.killed", str(folder), *steps]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def strays(folder: Path) -> list[str]:
    """What belongs to no sealed backup."""
    sealed = {backup.id for backup in catalogue.scan_folder(folder).backups}
    usual = {names.LOCK, names.ATTEMPTS, names.INSTRUCTIONS}
    return sorted(
        path.name
        for path in folder.iterdir()
        if path.name not in usual and path.name.split(".")[0] not in sealed
    )


@pytest.fixture
def app(tmp_path: Path) -> Path:
    make_database(tmp_path / "app.db", rows=50)
    return tmp_path


async def test_a_backup_that_is_killed_at_any_step_costs_none_and_the_next_one_sweeps(
    app: Path,
) -> None:
    folder = app / "backups" / "app"
    good = [await backed_up(app) for _ in range(BEFORE)]
    early = STEPS[: STEPS.index("sealing")]
    killed(app, *early)
    listing = catalogue.scan_folder(folder)
    assert [backup.id for backup in listing.backups] == good[::-1]
    assert listing.damaged == ()
    # A run that was killed is no attempt that ended: the daemon begins it anew.
    assert len(attempts.load(folder)) == BEFORE
    assert len(strays(folder)) >= 1
    newest = await backed_up(app)
    assert strays(folder) == []
    assert [backup.id for backup in catalogue.scan_folder(folder).backups] == [newest, good[1]]


async def test_a_backup_that_is_killed_before_it_is_sealed_is_none_and_never_removed_unseen(
    app: Path,
) -> None:
    folder = app / "backups" / "app"
    good = await backed_up(app)
    killed(app, "sealing")
    listing = catalogue.scan_folder(folder)
    assert [backup.id for backup in listing.backups] == [good]
    await backed_up(app)
    (artefact,) = [name for name in strays(folder) if name.endswith(".sqlite")]
    hours_ago = (folder / artefact).stat().st_mtime - 7200
    os.utime(folder / artefact, (hours_ago, hours_ago))
    (damage,) = catalogue.scan_folder(folder).damaged
    assert damage.path == folder / artefact
    assert "has no manifest" in damage.reason


async def test_a_dump_that_is_killed_at_any_step_costs_none_and_the_next_one_sweeps(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(clients.VARIABLE, str(bin_dir()))
    (tmp_path / "app.url").write_text(database.url("owner"))
    folder = tmp_path / "backups" / "app"
    good = await backed_up(tmp_path)
    killed(tmp_path, "preflight", "dump", "verify", "publish")
    assert [backup.id for backup in catalogue.scan_folder(folder).backups] == [good]
    assert [name for name in strays(folder) if "globals.sql" in name]
    newest = await backed_up(tmp_path)
    assert strays(folder) == []
    killed(tmp_path, "sealing")
    assert [backup.id for backup in catalogue.scan_folder(folder).backups] == [newest, good]
    sealed = {name.partition(".")[2] for name in strays(folder)}
    assert sealed == {"dump", "globals.sql", "verification.json"}  # listed as damaged after an hour


@pytest.mark.parametrize("step", ["prune", "removing"])
async def test_a_retention_that_is_killed_is_finished_by_the_next(app: Path, step: str) -> None:
    folder = app / "backups" / "app"
    good = [await backed_up(app) for _ in range(BEFORE)]
    killed(app, step)
    backups = catalogue.scan_folder(folder).backups
    assert backups[0].id not in good  # it was sealed before
    assert all(backup.good for backup in backups)
    newest = await backed_up(app)
    assert strays(folder) == []
    assert [backup.id for backup in catalogue.scan_folder(folder).backups] == [
        newest,
        backups[0].id,
    ]
