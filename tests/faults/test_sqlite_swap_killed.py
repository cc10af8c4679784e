"""A restore over a SQLite database, killed before each thing that it does to the folder."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.sqlite import crashed_wal, hot_journal, make_database
from watchdog.database_url import SqliteUrl
from watchdog.engines.sqlite import ENGINE, restore
from watchdog.restoration import RestoreOptions

CHILD = str(Path(restore.__file__).with_name("_swap_child.py"))

# Runs the child's program and is killed before the given one of its steps.
KILLED = """
import os, runpy, signal, sys
last, program = int(sys.argv[1]), sys.argv[2]
steps = 0
def step(event, arguments):
    global steps
    if event in ("os.link", "os.rename", "os.remove", "sqlite3.connect", "fcntl.lockf"):
        steps += 1
        if steps == last:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(step)
runpy.run_path(program, run_name="__main__")
"""


def swap_killed_before(step: int, place: Path, aside: Path, ready: Path) -> bool:
    """Run the swap up to *step*; whether it was killed there, and did not come to its end."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", KILLED, str(step), CHILD],
        input=" ".join(os.fsencode(each).hex() for each in (place, aside, ready)) + "\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == -9 or done.stdout.strip() == "ok", done.stderr + done.stdout
    return done.returncode == -9


def rows(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        (count,) = connection.execute("SELECT count(*) FROM t").fetchone()
    return int(count)


@pytest.mark.parametrize(
    "make",
    [lambda path: make_database(path, "wal", rows=3), crashed_wal, hot_journal],
    ids=["clean", "crashed wal", "hot journal"],
)
async def test_the_old_or_the_new_one_opens_and_a_rerun_finishes(
    tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    artefact = make_database(tmp_path / "copy.sqlite", "delete", rows=50)
    pristine = tmp_path / "pristine"
    pristine.mkdir()
    make(pristine / "app.db")
    step = 0
    while True:
        step += 1
        folder = tmp_path / f"killed before {step}"
        shutil.copytree(pristine, folder)
        place, ready = folder / "app.db", folder / ".app.db.999999999.partial"
        shutil.copy(artefact, ready)
        if not swap_killed_before(step, place, folder / "app.db.before-1", ready):
            assert rows(place) == 50
            break
        looked_at = tmp_path / f"looked at {step}"
        shutil.copytree(folder, looked_at)  # as an application would find it
        assert rows(looked_at / "app.db") in (1, 3, 50)
        if (looked_at / "app.db.before-1").exists() and rows(looked_at / "app.db") == 50:
            assert rows(looked_at / "app.db.before-1") in (1, 3)
        done = await ENGINE.backups.bring_back(
            artefact, SqliteUrl(str(place)), RestoreOptions(replace=True), lambda _: None
        )
        assert rows(place) == 50
        kept = sorted(each.name for each in folder.glob("app.db.before-*"))
        assert Path(done.kept_aside).name in kept
        assert not list(folder.glob("*.partial"))
        assert not [each for each in folder.glob("app.db-*") if each.stat().st_size]
    assert step > 3
