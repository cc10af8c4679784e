"""A gibibyte under a write storm: our copy is whole and exact, a plain copy is not."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.sqlite import Application, target_of
from watchdog.engines import Exercise
from watchdog.engines.sqlite import ENGINE
from watchdog.model import DrillSettings

pytestmark = pytest.mark.lab

ACCOUNTS = 18_000  # of 60 kB each
BALANCE = 100

# Money moves between the two ends of the file, so that a torn copy shows, and
# a journal of it grows, so that a count of another moment does.
TRANSFER = (
    f"a = random.randrange({ACCOUNTS // 10}); b = {ACCOUNTS} - 1 - a; "
    "connection.execute('BEGIN IMMEDIATE'); "
    "connection.execute('UPDATE account SET balance = balance - 1 WHERE id = ?', (a,)); "
    "connection.execute('UPDATE account SET balance = balance + 1 WHERE id = ?', (b,)); "
    "connection.execute('INSERT INTO journal VALUES (?, ?)', (a, b)); "
    "connection.execute('COMMIT')"
)


def bank(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute(
            "CREATE TABLE account (id INTEGER PRIMARY KEY, balance INTEGER, note BLOB)"
        )
        connection.execute("CREATE TABLE journal (a INTEGER, b INTEGER)")
        connection.execute(
            "WITH RECURSIVE n(id) AS (SELECT 0 UNION ALL SELECT id + 1 FROM n LIMIT ?)"
            " INSERT INTO account SELECT id, ?, randomblob(60000) FROM n",
            (ACCOUNTS, BALANCE),
        )


def is_whole(copy: Path) -> bool:
    try:
        with closing(sqlite3.connect(copy)) as connection:
            if connection.execute("PRAGMA quick_check").fetchall() != [("ok",)]:
                return False
            found = connection.execute("SELECT count(*), sum(balance) FROM account").fetchone()
    except sqlite3.DatabaseError:
        return False
    return bool(found == (ACCOUNTS, ACCOUNTS * BALANCE))


def plain_copy(path: Path, into: Path) -> None:
    shutil.copyfile(path, into)
    wal = Path(f"{path}-wal")
    if wal.exists():
        shutil.copyfile(wal, f"{into}-wal")


@pytest.mark.timeout(900)
async def test_a_gibibyte_under_a_write_storm(tmp_path: Path) -> None:
    path, stop = tmp_path / "bank.db", tmp_path / "stop"
    await asyncio.to_thread(bank, path)
    assert path.stat().st_size > 1 << 30
    target = target_of(path)
    with Application(path) as writer:
        writer.open()
        writer.execute("PRAGMA synchronous = OFF")
        writer.execute("PRAGMA wal_autocheckpoint = 20")
        writer.sure("import random")
        writer.sure("done = 0")
        loop = f"while not os.path.exists({str(stop)!r}):\n {TRANSFER}\n done += 1"
        writer.start(f"exec({loop!r})")
        plain = []
        try:
            copy = tmp_path / "copy.sqlite"
            produced = await ENGINE.backups.produce(target, target.url, copy, lambda _: None)
            for number in range(5):
                naive = tmp_path / f"{number}.cp"
                await asyncio.to_thread(plain_copy, path, naive)
                plain.append(await asyncio.to_thread(is_whole, naive))
                naive.unlink()
                if not plain[-1]:
                    break
        finally:
            stop.touch()
        assert writer.answer(300.0) == "ok"
        writer.sure("assert done > 100, done")
    assert not all(plain), "the control: the storm was too weak to prove anything"
    content = produced.content
    assert content is not None
    assert content.complete
    assert produced.details is not None
    assert produced.details["writers_stalled_seconds"] == 0
    with closing(sqlite3.connect(path)) as connection:
        (live,) = connection.execute("SELECT count(*) FROM journal").fetchone()
    assert live > content.rows["journal"], "a count of another moment is another"
    assert (await ENGINE.backups.prove(target, copy, content)).level == 3
    assert await asyncio.to_thread(is_whole, copy)
    balanced = f"SELECT sum(balance) = {ACCOUNTS * BALANCE} FROM account"
    settings = DrillSettings(directory=tmp_path, assertions=(balanced,))
    drilled = await ENGINE.backups.drill(Exercise(copy, settings, content))
    assert drilled.level == 4
    print(f"{drilled.rows} rows restored in {drilled.seconds:.1f} s", file=sys.stderr)
