"""The processes below a process, as /proc knows them."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

from tests.support.daemon import wait_until
from tests.support.postgres import alive


@dataclass(frozen=True)
class Child:
    """One process; ``argv`` and ``environ`` are what every user or the owner may read of it."""

    pid: int
    argv: tuple[str, ...]
    environ: str

    @property
    def program(self) -> str:
        return Path(self.argv[0]).name if self.argv else ""


def descendants(pid: int) -> list[Child]:
    """Return all processes below *pid* that still run."""
    found: list[Child] = []
    waiting = _children(pid)
    while waiting:
        each = waiting.pop()
        if alive(each):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError, PermissionError):
                found.append(_child(each))
        waiting += _children(each)
    return found


def program_below(pid: int, name: str) -> Child:
    """Wait until a program called *name* is at work below *pid*, and return it.

    One that is only asked for its version, or for what it can do, writes no file.
    """

    def look() -> Child | None:
        working = (
            child
            for child in descendants(pid)
            if child.program == name and any(word.startswith("--file=") for word in child.argv)
        )
        return next(working, None)

    found: Child = wait_until(look, f"{name} runs below {pid}")
    return found


def wait_gone(pid: int, seconds: float = 2.0) -> None:
    """Wait until a process has gone."""
    wait_until(lambda: not alive(pid), f"process {pid} has gone", seconds)


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
        for entry in Path(f"/proc/{pid}/task").glob("*/children"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                found += [int(child) for child in entry.read_text().split()]
    return found


def _child(pid: int) -> Child:
    folder = Path(f"/proc/{pid}")
    argv = folder.joinpath("cmdline").read_text(errors="replace").split("\0")[:-1]
    return Child(pid, tuple(argv), folder.joinpath("environ").read_text(errors="replace"))


def sockets_to(pid: int, port: int) -> int:
    """Return how many TCP sockets of a process lead to *port*, by its file descriptors."""
    inodes = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            inodes.add(link.readlink().name)
    remote = f":{port:04X}"
    rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[2].endswith(remote) and f"socket:[{row[9]}]" in inodes for row in rows)
