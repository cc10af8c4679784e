"""A file system that hangs keeps its own target's slot, and nothing else."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.support.hung_mount import hung_mount
from tests.support.sqlite import age, make_database, target_of, visit
from watchdog.engines.sqlite import ENGINE
from watchdog.engines.sqlite.keeper import borrow
from watchdog.model import Kind, Phase

_VISIT_AND_EXIT = """
import asyncio, sys
from tests.support.sqlite import target_of
from watchdog.engines.sqlite import ENGINE
async def main():
    try:
        async with asyncio.timeout(0.3):
            async with ENGINE.visit(target_of(sys.argv[1])):
                pass
    except TimeoutError:
        print("timed out", flush=True)
asyncio.run(main())
"""


_VISIT_AND_STAY = """
import asyncio, sys, time
from tests.support.sqlite import visit
from watchdog.engines.sqlite.keeper import borrow
assert asyncio.run(visit(sys.argv[1])).up
with borrow() as keeper:
    print(keeper.pid, flush=True)
    time.sleep(60)
"""


async def test_a_hung_mount_times_out_fails_at_once_meanwhile_and_recovers(tmp_path: Path) -> None:
    folder = tmp_path / "mount"
    folder.mkdir()
    healthy = make_database(tmp_path / "healthy.db")
    path = make_database(folder / "app.db")  # found again under the mount once it has gone
    target = target_of(path)
    with hung_mount(folder):
        step = ENGINE.visit(target)
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3), step:
                pass
        assert time.monotonic() - began < 1
        assert step.phase is Phase.STAT
        failure = ENGINE.timed_out(step.phase, 0.3, target)
        assert (failure.kind, failure.phase) == (Kind.TIMEOUT, Phase.STAT)
        threads = threading.active_count()
        for _ in range(20):
            began = time.monotonic()
            found = await visit(path)
            assert time.monotonic() - began < 0.1
            assert found.failure is not None
            assert found.failure.kind is Kind.TIMEOUT
            assert "since" in found.failure.message
            assert (await visit(healthy)).up  # nobody else waits
        assert threading.active_count() <= threads + 2
    async with asyncio.timeout(5):
        while not (await visit(path)).up:
            await asyncio.sleep(0.02)


async def test_a_hung_mount_does_not_keep_the_process_from_ending(tmp_path: Path) -> None:
    folder = tmp_path / "mount"
    folder.mkdir()
    with hung_mount(folder):
        process = subprocess.Popen(
            [sys.executable, "-c", _VISIT_AND_EXIT, str(folder / "app.db")],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        # A thread in the kernel's hands cannot even be killed with its process
        # where the file system refuses signals; FUSE lets it.
        out, errors = process.communicate(timeout=15)
    assert (out, process.returncode) == ("timed out\n", 0), errors


async def test_a_keeper_that_hangs_is_replaced(tmp_path: Path) -> None:
    path = make_database(tmp_path / "a.db")
    assert (await visit(path)).up
    with borrow() as keeper:
        pid = keeper.pid
    os.kill(pid, signal.SIGSTOP)
    found = await visit(path)
    assert found.failure is not None
    assert (found.failure.kind, found.failure.phase) == (Kind.TIMEOUT, Phase.OPEN)
    assert (await visit(path)).up
    with borrow() as keeper:
        assert keeper.pid != pid


async def test_a_keeper_ends_when_we_are_killed(tmp_path: Path) -> None:
    path = make_database(tmp_path / "a.db")
    process = subprocess.Popen(
        [sys.executable, "-c", _VISIT_AND_STAY, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    keeper = Path(f"/proc/{process.stdout.readline().strip()}")
    assert b"_keeper_child" in (keeper / "cmdline").read_bytes()
    process.kill()
    process.communicate()
    async with asyncio.timeout(5):
        while keeper.exists() and "Z" not in (keeper / "stat").read_text():
            await asyncio.sleep(0.01)


async def test_a_keeper_that_was_killed_is_replaced_without_anybody_noticing(
    tmp_path: Path,
) -> None:
    path = make_database(tmp_path / "a.db")
    assert (await visit(path)).up
    with borrow() as keeper:
        os.kill(keeper.pid, signal.SIGKILL)
        while keeper.alive:
            await asyncio.sleep(0.001)
    assert (await visit(path)).up


async def test_a_question_that_takes_too_long_is_interrupted(tmp_path: Path) -> None:
    path = make_database(tmp_path / "a.db", rows=10)
    age(path)
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    async with ENGINE.visit(target_of(path)) as session:
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await session.fetch(endless)
        assert time.monotonic() - began < 1
    async with asyncio.timeout(1):
        while not (await visit(path)).up:
            await asyncio.sleep(0.01)
