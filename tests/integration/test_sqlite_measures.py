"""What the proof of a copy tells of the database: integrity, foreign keys, the largest tables."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from tests.support.sqlite import age, target_of
from watchdog.backups.destination import Destinations
from watchdog.backups.pipeline import Pipeline
from watchdog.backups.status import known_of, status_of
from watchdog.clock import SystemClock
from watchdog.engines.sqlite import ENGINE
from watchdog.metrics import samples
from watchdog.model import BackupSettings, Target
from watchdog.results import Status
from watchdog.schedule import parse


def shop(path: Path, small: int) -> Path:
    """Make a database with a large table, *small* others and two orphaned rows."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE goods (id INTEGER PRIMARY KEY, x)")
        connection.execute("CREATE INDEX goods_x ON goods (x)")
        connection.executemany("INSERT INTO goods (x) VALUES (?)", [("y" * 900,)] * 300)
        connection.execute("CREATE TABLE sold (good REFERENCES goods)")
        connection.executemany("INSERT INTO sold VALUES (?)", [(1,), (-1,), (-2,)])
        for number in range(small):
            connection.execute(f"CREATE TABLE small{number} (x)")
        connection.commit()
    age(path)
    return path


async def backed_up(path: Path, folder: Path) -> tuple[Target, dict[str, float]]:
    """Back *path* up and return what the metrics say of its newest copy."""
    settings = BackupSettings("@every 6h", folder)
    target = replace(target_of(path), backup=settings)
    destinations = Destinations(folder / "state")
    report = await Pipeline({"sqlite": ENGINE.backups}, destinations, SystemClock()).back_up(target)
    assert report.ok, report.failure
    known = known_of(target, destinations)
    status = status_of(known, parse(settings.schedule, "UTC"), SystemClock().now())
    found = {}
    for each in samples.backup(Status(target, None, backup=status)):
        if each.metric.name.startswith("watchdog_sqlite_"):
            labels = "".join(f"{{{label}}}" for label in each.labels)
            found[each.metric.name.removeprefix("watchdog_sqlite_") + labels] = each.value
    return target, found


async def test_a_proven_copy_tells_of_integrity_foreign_keys_and_tables(tmp_path: Path) -> None:
    path = shop(tmp_path / "shop.db", small=25)
    (tmp_path / "backups").mkdir()
    _, found = await backed_up(path, tmp_path / "backups")
    assert found["foreign_key_violations"] == 2
    assert found["integrity_check_timestamp_seconds"] > 1.7e9
    assert found["copy_stall_seconds"] >= 0
    assert found["quick_check_duration_seconds"] >= 0
    assert found["integrity_check_duration_seconds"] >= 0
    assert found["table_size_bytes{goods}"] > 2 * 300 * 900, "the index counts for its table"
    named = [name for name in found if name.startswith("table_size_bytes")]
    assert len(named) == 20
    assert found["other_tables"] == 25 + 3 - 20, "goods, sold and sqlite_schema are tables, too"
    total = sum(found[name] for name in named) + found["other_tables_size_bytes"]
    assert total <= path.stat().st_size


async def test_without_a_copy_nothing_is_said(tmp_path: Path) -> None:
    target = replace(target_of(tmp_path / "a.db"), backup=BackupSettings("@daily", tmp_path))
    said = {each.metric.name for each in samples.backup(Status(target, None))}
    assert not [name for name in said if name.startswith("watchdog_sqlite_")]
