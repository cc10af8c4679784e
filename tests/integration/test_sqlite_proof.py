"""What is counted within a copy's transaction, and the drill that compares it, on real files."""

from __future__ import annotations

import asyncio
import fcntl
import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.sqlite import Application, make_database, target_of
from watchdog.backups import files
from watchdog.backups.catalogue import Backup
from watchdog.backups.destination import Destinations
from watchdog.backups.drill import drill
from watchdog.backups.pipeline import Pipeline
from watchdog.backups.verify import Verdict, verify
from watchdog.clock import SystemClock
from watchdog.content import Content
from watchdog.engines import Produced, Proof, _scratch
from watchdog.engines.sqlite import ENGINE, counting, reading
from watchdog.model import ActionFailed, BackupSettings, DrillSettings, ProofMode, Target

ENGINES = {"sqlite": ENGINE.backups}


async def produce(path: Path, into: Path, mode: ProofMode = ProofMode.AUTO) -> Produced:
    target = replace(
        target_of(path), backup=BackupSettings("0 3 * * *", path.parent / "backups", proof=mode)
    )
    return await ENGINE.backups.produce(target, target.url, into, lambda _: None)


async def prove(copy: Path, content: Content | None, level: int | None = None) -> Proof:
    return await ENGINE.backups.prove(None, copy, content, level)


def held(produced: Produced) -> Content:
    assert produced.content is not None
    return produced.content


def change(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


@pytest.mark.parametrize("mode", ["wal", "delete"])
async def test_the_counts_are_those_of_the_copy_while_others_write(
    tmp_path: Path, mode: str
) -> None:
    path, stop = tmp_path / "a.db", tmp_path / "stop"
    with Application(path) as writer:
        writer.open(mode)
        writer.execute("PRAGMA synchronous = OFF")
        writer.execute("CREATE TABLE one (x)")
        writer.execute("CREATE TABLE two (x)")
        writer.execute("INSERT INTO one SELECT 1 FROM pragma_function_list")
        writer.execute("INSERT INTO two SELECT 1 FROM pragma_function_list")
        both = "INSERT INTO {} VALUES (1)"
        step = (
            "connection.execute('BEGIN IMMEDIATE'); "
            f"connection.execute({both.format('one')!r}); "
            f"connection.execute({both.format('two')!r}); connection.execute('COMMIT')"
        )
        loop = f"while not os.path.exists({str(stop)!r}):\n {step}\n time.sleep(0.0005)"
        writer.start(f"exec({loop!r})")
        counted: list[int] = []
        try:
            for number in range(3):
                copy = tmp_path / f"{number}.sqlite"
                produced = await produce(path, copy)
                rows = held(produced).rows
                counted.append(rows["one"])
                assert rows["one"] == rows["two"]
                assert (await prove(copy, produced.content)).level == 3
        finally:
            stop.touch()
        assert writer.answer() == "ok"
    with closing(sqlite3.connect(path)) as connection:
        (live,) = connection.execute("SELECT count(*) FROM one").fetchone()
    assert live > counted[0], "the control: the storm was too weak to prove anything"


async def test_a_row_that_is_missing_is_found_though_the_file_is_sound(tmp_path: Path) -> None:
    path, copy = make_database(tmp_path / "a.db", rows=50), tmp_path / "copy"
    produced = await produce(path, copy)
    change(copy, "DELETE FROM t WHERE rowid = 7")
    assert (await prove(copy, None)).level == 2
    assert (await prove(copy, produced.content, 2)).level == 2
    with pytest.raises(ActionFailed, match="t had 50 rows, the copy has 49") as caught:
        await prove(copy, produced.content)
    assert caught.value.failure.hint == "backup_content_differs"


async def test_another_table_or_index_is_found(tmp_path: Path) -> None:
    path, copy = make_database(tmp_path / "a.db", rows=5), tmp_path / "copy"
    produced = await produce(path, copy)
    change(copy, "CREATE INDEX more ON t (x)")
    with pytest.raises(ActionFailed, match=r"the schema is not the same \(indexes 0 → 1\)"):
        await prove(copy, produced.content)
    change(copy, "DROP INDEX more", "CREATE TABLE more (x)")
    with pytest.raises(ActionFailed, match="more is not in the source"):
        await prove(copy, produced.content)


async def test_digests_find_a_value_that_is_another(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    change(
        path,
        "CREATE TABLE t (a, b)",
        "CREATE TABLE w (k TEXT PRIMARY KEY, v) WITHOUT ROWID",
        "INSERT INTO t VALUES (1, 'x'), (1.0, x'78'), (NULL, 'Ю'), (9223372036854775807, '')",
        "INSERT INTO t VALUES (2, CAST(x'FF' AS TEXT))",
        "INSERT INTO w VALUES ('a', 1), ('b', 2)",
    )
    counted = await produce(path, tmp_path / "counted")
    exact = await produce(path, tmp_path / "exact", ProofMode.DIGESTS)
    assert held(exact).digests.keys() == {"t", "w"}
    for copy in (tmp_path / "counted", tmp_path / "exact"):
        assert (await prove(copy, held(exact))).level == 3
        change(copy, "UPDATE t SET b = 'y' WHERE b = 'x'")
    assert (await prove(tmp_path / "counted", held(counted))).level == 3
    with pytest.raises(ActionFailed, match=r"t has as many rows as it had \(5\), but not the same"):
        await prove(tmp_path / "exact", held(exact))


async def test_every_kind_of_table_is_counted_or_said(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    change(
        path,
        "CREATE VIRTUAL TABLE search USING fts5(body)",
        "INSERT INTO search VALUES ('hello')",
        'CREATE TABLE "o\'dd ""\nтаблица" (x); ',
        'INSERT INTO "o\'dd ""\nтаблица" VALUES (1)',
        "CREATE TABLE auto (id INTEGER PRIMARY KEY AUTOINCREMENT)",
        "INSERT INTO auto DEFAULT VALUES",
        "CREATE VIEW seen AS SELECT * FROM auto",
    )
    content = held(await produce(path, tmp_path / "copy"))
    assert content.complete
    assert content.rows["o'dd \"\nтаблица"] == 1
    assert content.rows["auto"] == 1
    assert content.rows["search_content"] == 1  # what the virtual table keeps
    assert not {"sqlite_sequence", "seen"} & content.rows.keys()
    assert list(content.passed_over) == ["search"]
    assert (await prove(tmp_path / "copy", content)).level == 3


async def test_a_broken_foreign_key_of_the_source_is_told_and_no_fault_of_the_copy(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.db"
    change(
        path,
        "CREATE TABLE parent (id INTEGER PRIMARY KEY)",
        "CREATE TABLE child (p REFERENCES parent (id))",
        "INSERT INTO child VALUES (1), (2)",
    )
    produced = await produce(path, tmp_path / "copy")
    proof = await prove(tmp_path / "copy", produced.content)
    assert proof.level == 3
    assert proof.remarks == ("2 rows of the database point to rows that are not there, in child",)


@pytest.mark.parametrize(("mode", "level"), [("delete", 2), ("wal", 3)])
async def test_a_large_file_whose_writers_would_wait_is_not_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str, level: int
) -> None:
    monkeypatch.setattr(counting, "AUTO_LIMIT_BLOCKING", 1 << 10)
    # As if somebody had just written: it is read under a lock, not as it lies there.
    monkeypatch.setattr(reading, "_YOUNG_NS", 1 << 62)
    path, copy = make_database(tmp_path / "a.db", mode, rows=500), tmp_path / "copy"
    with Application(path) as application:
        application.open()
        application.execute("INSERT INTO t VALUES (1)")
        produced = await produce(path, copy)
        insisted = await produce(path, tmp_path / "insisted", ProofMode.COUNTS)
    proof = await prove(copy, produced.content)
    assert proof.level == level
    assert bool(proof.remarks) is (level == 2)
    assert held(produced).schema
    assert (await prove(tmp_path / "insisted", insisted.content)).level == 3


# ------------------------------------------------------------------ the drill


@pytest.fixture
def target(tmp_path: Path) -> Target:
    found = target_of(make_database(tmp_path / "a.db", rows=50))
    return replace(found, backup=BackupSettings("0 3 * * *", tmp_path / "backups"))


@pytest.fixture
async def backup(target: Target, tmp_path: Path) -> Backup:
    pipeline = Pipeline(ENGINES, Destinations(tmp_path / "state"), SystemClock())
    report = await pipeline.back_up(target)
    assert report.backup is not None, report.failure
    return report.backup


async def drilled(backup: Backup, folder: Path, *assertions: str) -> Verdict:
    folder.mkdir(exist_ok=True)
    settings = DrillSettings(directory=folder, assertions=assertions)
    return await drill(backup, ENGINES, SystemClock(), settings)


async def test_a_drill_restores_compares_and_leaves_nothing(backup: Backup, tmp_path: Path) -> None:
    verdict = await drilled(backup, tmp_path / "scratch", "SELECT count(*) = 50 FROM t")
    assert verdict.failure is None
    assert (verdict.level, verdict.backup.level) == (4, 4)
    assert verdict.drilled is not None
    assert (verdict.drilled.tables, verdict.drilled.rows) == (1, 50)
    assert verdict.backup.verification.restored_at is not None
    assert list((tmp_path / "scratch").iterdir()) == []


async def test_a_drill_finds_a_missing_row(backup: Backup, tmp_path: Path) -> None:
    content = backup.manifest.content
    assert content is not None
    lacking = replace(backup.manifest, content=replace(content, rows={"t": 51}))
    verdict = await drilled(replace(backup, manifest=lacking), tmp_path / "scratch")
    assert verdict.failure is not None
    assert "t had 51 rows, the copy has 50" in verdict.failure.message
    assert verdict.backup.level == 0
    assert list((tmp_path / "scratch").iterdir()) == []


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("SELECT count(*) > 50 FROM t", "does not hold: it answers 0"),
        ("SELECT 1 WHERE 0", "does not hold: it answers without a row"),
        ("SELECT 1 FROM nowhere", "cannot be asked: no such table: nowhere"),
        ("DELETE FROM t RETURNING 1", "cannot be asked: attempt to write a readonly database"),
    ],
)
async def test_an_assertion_fails_the_drill_and_not_the_backup(
    backup: Backup, tmp_path: Path, query: str, told: str
) -> None:
    verdict = await drilled(backup, tmp_path / "scratch", "SELECT 1", query)
    assert verdict.failure is not None
    assert verdict.failure.hint == "backup_assertion_false"
    assert told in verdict.failure.message
    assert (verdict.level, verdict.backup.level) == (3, 3)


async def test_a_place_without_room_says_nothing_of_the_backup(
    backup: Backup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stat = os.statvfs(tmp_path)
    full = os.statvfs_result((*stat[:4], 0, *stat[5:10]))
    monkeypatch.setattr(_scratch.os, "statvfs", lambda _: full)
    verdict = await drilled(backup, tmp_path / "scratch")
    assert verdict.failure is not None
    assert verdict.failure.hint == "drill_no_place"
    assert "No space left on device" in verdict.failure.message
    assert verdict.backup.level == 3


async def test_what_a_killed_drill_has_left_goes_with_the_next_and_a_living_one_stays(
    backup: Backup, tmp_path: Path
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    dead, living = (scratch / f"{_scratch.PREFIX}{name}" for name in ("dead", "living"))
    others = scratch / "of-somebody-else"
    for folder in (dead, living, others):
        folder.mkdir()
        (folder / "restored.sqlite").write_bytes(b"x")
    lock = os.open(living, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert (await drilled(backup, scratch)).level == 4
        assert set(scratch.iterdir()) == {living, others}
    finally:
        os.close(lock)


async def test_a_cancelled_drill_leaves_nothing(
    backup: Backup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n"
    task = asyncio.ensure_future(drilled(backup, scratch, endless))
    async with asyncio.timeout(30):
        while not list(scratch.glob("*/restored.sqlite")) and not task.done():
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert list(scratch.iterdir()) == []
    assert backup.level == 3


async def test_a_backup_that_was_removed_meanwhile_is_no_rot(
    backup: Backup, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in backup.folder.glob(f"{backup.id}.*"):
        path.unlink()
    verdict = await verify(backup, ENGINES, SystemClock(), 1)
    assert verdict.gone
    assert not list(backup.folder.glob(f"{backup.id}.*"))


async def test_a_bounded_hash_reads_no_faster_than_it_may(
    backup: Backup, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []

    class Patient:
        def is_set(self) -> bool:
            return False

        def wait(self, seconds: float) -> None:
            slept.append(seconds)

    size = backup.path.stat().st_size
    digest = files.sha256(backup.path, Patient(), size / 100)  # type: ignore[arg-type]
    assert digest == backup.manifest.sha256
    assert 50 < sum(slept) <= 100
