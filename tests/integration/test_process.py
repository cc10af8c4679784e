"""Programs are run, bounded, cleaned up after, and told no secrets."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from watchdog import process
from watchdog.secret import Secret


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


async def wait_for(condition, seconds: float = 5.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen in time"
        await asyncio.sleep(0.01)


async def test_status_and_stderr_are_returned() -> None:
    done = await process.run(["sh", "-c", "echo one >&2; echo two >&2; exit 3"])
    assert (done.returncode, done.stderr, done.program) == (3, "one\ntwo", "sh")


async def test_stdout_is_handed_over_as_it_comes() -> None:
    output = bytearray()
    await process.run(["sh", "-c", "printf abc"], stdout=output.extend)
    assert output == b"abc"


async def test_a_flood_of_stderr_neither_blocks_nor_grows() -> None:
    done = await process.run(
        [sys.executable, "-c", "import sys; sys.stderr.write('WHY' + 'x' * 5_000_000 + 'END')"],
        deadline=20,
    )
    assert done.returncode == 0
    assert done.stderr.startswith("WHYxxx")
    assert done.stderr.endswith("xxxEND")
    assert len(done.stderr) <= process.STDERR_TAIL


async def test_a_missing_program_is_named() -> None:
    with pytest.raises(process.ProgramNotFound, match="cannot run no-such-program: not found"):
        await process.run(["no-such-program"])


async def test_a_program_that_may_not_be_executed_is_named(tmp_path: Path) -> None:
    (tmp_path / "tool").write_text("#!/bin/sh\n")
    with pytest.raises(process.ProgramNotFound, match="not executable"):
        await process.run([str(tmp_path / "tool")])


async def test_the_environment_is_clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PGHOST", "PGPASSWORD", "NOTIFY_SOCKET", "WATCHDOG_USEC", "LANGUAGE", "MY_TOKEN"):
        monkeypatch.setenv(name, "leak")
    output = bytearray()
    await process.run(["env"], env={"PGPASSFILE": "/f"}, stdout=output.extend)
    lines = output.decode().splitlines()
    assert not [line for line in lines if "leak" in line]
    assert {"LC_ALL=C", "PGPASSFILE=/f"} <= set(lines)


async def test_a_secret_in_stderr_is_masked() -> None:
    Secret("hunter2-hunter2")
    done = await process.run(["sh", "-c", "echo no hunter2-hunter2 >&2"])
    assert done.stderr == "no ***"
    assert "hunter2" not in repr(done)


@pytest.mark.parametrize("argument", ["postgresql://u:p@h/d", "--dbname=host=h password=x"])
async def test_a_password_in_an_argument_is_refused(argument: str) -> None:
    with pytest.raises(ValueError, match="carries a password"):
        await process.run(["echo", argument])


async def test_the_deadline_ends_a_program_that_ignores_sigterm_and_its_children(
    tmp_path: Path,
) -> None:
    pids = tmp_path / "pids"
    script = f"trap '' TERM; (trap '' TERM; sleep 60) & echo $$ $! > {pids}; echo why >&2; wait"
    with pytest.raises(process.DeadlinePassed) as caught:
        await process.run(["sh", "-c", script], deadline=0.5, grace=0.2)
    assert caught.value.stderr == "why"
    for pid in pids.read_text().split():
        await wait_for(lambda pid=pid: not alive(int(pid)))


async def test_a_polite_program_ends_by_sigterm(tmp_path: Path) -> None:
    said = tmp_path / "said"
    script = f"trap 'echo bye > {said}; exit 0' TERM; while :; do sleep 0.05; done"
    with pytest.raises(process.DeadlinePassed):
        await process.run(["sh", "-c", script], deadline=0.3)
    assert said.read_text() == "bye\n"


async def test_cancellation_ends_the_program_before_it_returns(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    task = asyncio.ensure_future(
        process.run(["sh", "-c", f"echo $$ > {pid_file}; exec sleep 60"], grace=1)
    )
    await wait_for(lambda: pid_file.exists() and pid_file.read_text())
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not alive(int(pid_file.read_text()))


async def test_a_stopped_program_is_ended_too(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    task = asyncio.ensure_future(
        process.run(["sh", "-c", f"echo $$ > {pid_file}; exec sleep 60"], grace=5)
    )
    await wait_for(lambda: pid_file.exists() and pid_file.read_text())
    os.kill(int(pid_file.read_text()), signal.SIGSTOP)
    started = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - started < 3


async def test_what_poll_raises_ends_the_program(tmp_path: Path) -> None:
    class EnoughError(Exception):
        pass

    pid_file = tmp_path / "pid"

    def poll() -> None:
        if pid_file.exists():
            raise EnoughError

    with pytest.raises(EnoughError):
        await process.run(
            ["sh", "-c", f"echo $$ > {pid_file}; exec sleep 60"], poll=poll, poll_interval=0.05
        )
    assert not alive(int(pid_file.read_text()))


async def test_a_grandchild_that_keeps_stderr_open_does_not_hold_us() -> None:
    started = time.monotonic()
    done = await process.run(["sh", "-c", "setsid sleep 4 & echo ok >&2"])
    assert done.stderr == "ok"
    assert time.monotonic() - started < 3


async def test_the_child_dies_with_a_killed_parent(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    code = (
        "import asyncio, sys; from watchdog import process;"
        "asyncio.run(process.run(['sh', '-c', f'echo $$ > {sys.argv[1]}; exec sleep 60']))"
    )
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", code, str(pid_file))
    await wait_for(lambda: pid_file.exists() and pid_file.read_text(), 10)
    child = int(pid_file.read_text())
    assert alive(child)
    parent.kill()
    await parent.wait()
    await wait_for(lambda: not alive(child))
