"""What the proof of a backup costs beside the backup itself, all in one run.

    python benchmarks/proof.py [MEGABYTES]

For PostgreSQL (a server of the tests' own) and SQLite: the dump or copy
alone, with counts and with digests of the same instant, reading it back, and
the restore drill with the comparison. Half of the data is random: a dump
packs it about five to one, where that of pgbench packs more than thirtyfold.
Needs the development dependencies.
"""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Awaitable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.support.postgres import Cluster, bin_dir
from watchdog.backups import proving
from watchdog.database_url import SqliteUrl
from watchdog.engines import BackupEngine, Exercise, Produced
from watchdog.engines.postgresql import clients
from watchdog.engines.postgresql.backups import BACKUPS
from watchdog.engines.sqlite import ENGINE
from watchdog.model import BackupSettings, DrillSettings, ProofMode, Target

T = TypeVar("T")

ROW = 1000  # bytes, half of them random


async def timed(work: Awaitable[T]) -> tuple[float, T]:
    began = time.perf_counter()
    result = await work
    return time.perf_counter() - began, result


def fill_postgresql(cluster: Cluster, database: str, megabytes: int) -> None:
    rows = megabytes * 1_000_000 // ROW // 10
    noise = "(select string_agg(md5(random()::text || n || i), '') from generate_series(1, 16) i)"
    for table in range(10):
        cluster.sql(
            f"create table data_{table} (id bigint primary key, noise text, calm text);"
            f" insert into data_{table} select n, {noise}, repeat('calm', 120)"
            f" from generate_series(1, {rows}) n",
            database,
        )


def fill_sqlite(path: Path, megabytes: int) -> None:
    rows, noise = megabytes * 1_000_000 // ROW // 10, random.Random(1)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("BEGIN")
        for table in range(10):
            connection.execute(
                f"CREATE TABLE data_{table} (id INTEGER PRIMARY KEY, noise TEXT, calm TEXT)"
            )
            connection.executemany(
                f"INSERT INTO data_{table} VALUES (?, ?, ?)",
                ((n, noise.randbytes(256).hex(), "calm" * 120) for n in range(rows)),
            )
        connection.execute("COMMIT")


class Bench:
    """One engine's run; every figure stands beside the backup's own."""

    def __init__(self, engine: BackupEngine, target: Target, folder: Path) -> None:
        self.engine = engine
        self.target = target
        self.folder = folder
        self.alone = 0.0

    async def take(self, mode: ProofMode) -> tuple[float, Produced, Path]:
        assert self.target.backup is not None
        target = replace(self.target, backup=replace(self.target.backup, proof=mode))
        best = float("inf")
        for _ in range(2):
            into = self.folder / f"{mode}.{self.engine.suffix}"
            into.unlink(missing_ok=True)
            work = self.engine.produce(target, target.url, into, lambda _: None)
            seconds, produced = await timed(work)
            best = min(best, seconds)
        return best, produced, into

    async def run(self, size: int) -> None:
        self.alone, _, into = await self.take(ProofMode.OFF)
        packed = into.stat().st_size
        print(f"{'database':<44} {size / 1e6:>9.0f} MB")
        print(f"{'artefact':<44} {packed / 1e6:>9.0f} MB   {size / packed:.1f} to 1")
        self.line(f"the {self.engine.phase} alone (proof: off)", self.alone)
        counted, produced, into = await self.take(ProofMode.COUNTS)
        self.line("with counts of the same instant", counted)
        digested, exact, _ = await self.take(ProofMode.DIGESTS)
        self.line("with digests of the same instant", digested)
        for name, each in (("counting", produced), ("digesting", exact)):
            assert each.content is not None
            assert each.content.complete, each.content.why_incomplete
            self.line(f"  {name} itself, beside it", each.content.seconds)
        hashing, _ = await timed(proving.sha256(into))
        self.line("read back: SHA-256 (level 1)", hashing)
        for level in range(2, self.engine.highest + 1):
            what = "read through" if level == 2 else "integrity and counts"
            reading, _ = await timed(self.engine.prove(None, into, produced.content, level))
            self.line(f"read back: {what} (level {level})", reading)
        exercise = Exercise(
            into,
            DrillSettings(server="local", directory=self.folder),
            produced.content,
            self.target,
            None,
            produced.versions.get("pg_dump", ""),
        )
        whole, drilled = await timed(self.engine.drill(exercise))
        assert drilled.level == 4
        self.line("drill (level 4), all of it", whole)
        self.line("  the restore in it", drilled.seconds)

    def line(self, what: str, seconds: float) -> None:
        print(f"{what:<44} {seconds:>10.2f} s   {seconds / self.alone:.2f} of the backup alone")


def backed_up(target: Target, folder: Path) -> Target:
    settings = BackupSettings("0 3 * * *", folder, role_globals=False)
    return replace(target, backup=settings)


async def main(megabytes: int) -> None:
    os.environ[clients.VARIABLE] = str(bin_dir())
    with tempfile.TemporaryDirectory() as name, Cluster(shared_buffers="128MB") as cluster:
        folder = Path(name)
        database = cluster.create_database()
        fill_postgresql(cluster, database.name, megabytes)
        size = int(cluster.sql(f"select pg_database_size('{database.name}')"))
        print(f"PostgreSQL {cluster.sql('show server_version')}")
        target = backed_up(database.target("bench", user="postgres"), folder)
        await Bench(BACKUPS, target, folder).run(size)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "bench.db"
        fill_sqlite(path, megabytes)
        print(f"\nSQLite {sqlite3.sqlite_version}")
        target = backed_up(Target("bench", "sqlite", SqliteUrl(str(path))), folder)
        await Bench(ENGINE.backups, target, folder).run(path.stat().st_size)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 200))
