"""What a round on a SQLite file costs, against the floor: open, one statement, close.

    python benchmarks/sqlite_rounds.py [FILES] [ROUNDS]

Prints CPU and wall time per visit (all probes included, the keeper's CPU
too), the ratio to the floor and to one aiosqlite connection per visit, and
memory and threads. The ratio is the figure to compare: machines differ.
"""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

import aiosqlite

from watchdog.database_url import SqliteUrl
from watchdog.engines.sqlite import ENGINE
from watchdog.engines.sqlite.files import uri
from watchdog.engines.sqlite.session import _FACTS, _ask
from watchdog.model import Target

AT_ONCE = 8


def make(folder: Path, count: int) -> list[Target]:
    targets = []
    for number in range(count):
        path = folder / f"{number}.db"
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute(f"PRAGMA journal_mode = {'wal' if number % 2 else 'delete'}")
            for table in range(10):
                connection.execute(f"CREATE TABLE t{table} (id INTEGER PRIMARY KEY, x TEXT)")
        targets.append(Target(f"t{number}", "sqlite", SqliteUrl(str(path))))
    return targets


async def ours(target: Target) -> None:
    async with ENGINE.visit(target) as session:
        for probe in ENGINE.probes.values():
            await probe.ask(session)


async def floor(target: Target) -> None:
    address = uri(target.url.path, mode="ro", immutable="1")
    with closing(sqlite3.connect(address, uri=True)) as connection:
        _ask(connection)


async def by_aiosqlite(target: Target) -> None:
    address = uri(target.url.path, mode="ro", immutable="1")
    async with aiosqlite.connect(address, uri=True) as connection:
        await (await connection.execute(_FACTS)).fetchone()


def cpu() -> float:
    return time.process_time() + child_cpu()


def child_cpu() -> float:
    """Return the CPU seconds of the keepers that still run, from /proc."""
    ticks = 0
    for task in Path("/proc/self/task").iterdir():
        for child in (task / "children").read_text().split():
            fields = Path(f"/proc/{child}/stat").read_text().rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


async def measure(
    name: str, visit: Callable[[Target], Awaitable[None]], targets: list[Target], rounds: int
) -> float:
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(target: Target) -> None:
        async with slots:
            await visit(target)

    await asyncio.gather(*(one(target) for target in targets[:50]))
    began, used = time.perf_counter(), cpu()
    for _ in range(rounds):
        await asyncio.gather(*(one(target) for target in targets))
    visits = rounds * len(targets)
    wall, used = (time.perf_counter() - began) / visits, (cpu() - used) / visits
    print(f"{name:<12} {used * 1e6:7.0f} us CPU, {wall * 1e6:7.0f} us wall per visit")
    return used


def resident() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 4
    folder = Path(tempfile.mkdtemp(prefix="sqlite-rounds-"))
    try:
        targets = make(folder, count)
        lowest = await measure("floor", floor, targets, rounds)
        mine = await measure("ours", ours, targets, rounds)
        print(f"memory {resident():.0f} MB, {threading.active_count()} threads, {count} files")
        theirs = await measure("aiosqlite", by_aiosqlite, targets, rounds)
        print(f"ratio to the floor {mine / lowest:.2f}; to aiosqlite {mine / theirs:.2f}")
        share = mine * 10_000 / 15 * 100
        print(f"10,000 files every 15 s would take {share:.0f} % of a core")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    asyncio.run(main())
