"""Applications that own SQLite databases, and visits of ours to them.

``Application`` is a process of its own, of any uid, that keeps a connection
and does what it is told. ``listing`` is everything that may not change.
"""

from __future__ import annotations

import os
import select
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from watchdog.database_url import SqliteUrl
from watchdog.engines.sqlite import ENGINE
from watchdog.engines.sqlite.session import SqliteSession
from watchdog.model import Answer, Failure, ProbeSettings, Target

APPLICATION_UID = 12345
WATCHER_UID = 23456
SUFFIXES = ("", "-wal", "-shm", "-journal")

_PROGRAM = """
import os, signal, sqlite3, sys, time
path, uid = sys.argv[1], int(sys.argv[2])
if uid != os.geteuid():
    os.setgroups([]); os.setgid(uid); os.setuid(uid)
os.umask(0o022)
connection = None
def opened(busy=5.0):
    return sqlite3.connect(path, isolation_level=None, timeout=busy)
for line in sys.stdin:
    try:
        exec(line)
        answer = "ok"
    except Exception as error:
        answer = f"{type(error).__name__}: {error}"
    print(answer, flush=True)
"""


class Application:
    """A process that uses a database; each method waits until it is done."""

    def __init__(self, path: Path, uid: int | None = None) -> None:
        self.path = path
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _PROGRAM, str(path), str(uid or os.geteuid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def do(self, statement: str) -> str:
        """Run one line of Python with ``connection``; "ok", or the error."""
        self.start(statement)
        return self.answer()

    def start(self, statement: str) -> None:
        """Run one line without waiting for it."""
        assert self._process.stdin is not None
        self._process.stdin.write(statement + "\n")

    def answer(self, timeout: float = 60.0) -> str:
        """Wait for the answer of what was started."""
        assert self._process.stdout is not None
        if not select.select([self._process.stdout], [], [], timeout)[0]:
            raise TimeoutError("the application does not answer")
        return self._process.stdout.readline().strip()

    def open(self, journal_mode: str = "") -> None:
        self.sure("connection = opened()")
        if journal_mode:
            self.execute(f"PRAGMA journal_mode = {journal_mode}")

    def sure(self, statement: str) -> None:
        answer = self.do(statement)
        assert answer == "ok", answer

    def execute(self, sql: str) -> None:
        self.sure(f"connection.execute({sql!r}).fetchall()")

    def close(self) -> None:
        self.sure("connection.close()")

    def kill(self) -> None:
        """End it as a crash does."""
        self._process.kill()
        self._wait()

    def end(self) -> None:
        if self._process.poll() is None:
            assert self._process.stdin is not None
            with suppress(BrokenPipeError):
                self._process.stdin.close()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._wait()

    def _wait(self) -> None:
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with suppress(BrokenPipeError):
                    stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.end()


@contextmanager
def open_folder() -> Iterator[Path]:
    """Give a folder that every uid may reach and write into."""
    folder = Path(tempfile.mkdtemp(prefix="db-watchdog-test-"))
    folder.chmod(0o777)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def make_database(path: Path, journal_mode: str = "wal", rows: int = 1) -> Path:
    """Make a closed database with a table ``t(x)``."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA journal_mode = {journal_mode}")
        connection.execute("CREATE TABLE t (x)")
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO t VALUES (?)", [("x" * 500,)] * rows)
        connection.execute("COMMIT")
    age(path)
    return path


def age(path: Path, seconds: float = 10.0) -> None:
    """Let the database look as if nobody had written it lately."""
    for suffix in SUFFIXES:
        with suppress(FileNotFoundError):
            found = Path(f"{path}{suffix}").stat()
            moment = found.st_mtime_ns - int(seconds * 1e9)
            os.utime(f"{path}{suffix}", ns=(moment, moment))


def crashed_wal(path: Path, *, keep_shm: bool = True) -> Path:
    """Make a WAL database as a killed application leaves it, with a row only in the -wal."""
    with Application(path) as application:
        application.open("wal")
        application.execute("CREATE TABLE t (x)")
        application.execute("INSERT INTO t VALUES (1)")
        application.kill()
    if not keep_shm:
        Path(f"{path}-shm").unlink()
    age(path)
    return path


def hot_journal(path: Path) -> Path:
    """Make a rollback database as an application leaves it that was killed while it wrote."""
    make_database(path, "delete")
    with Application(path) as application:
        application.open()
        application.execute("PRAGMA cache_size = 1")
        application.execute("BEGIN")
        application.execute(
            "INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
            "LIMIT 1000) SELECT printf('%0500d', i) FROM n"
        )
        application.kill()
    age(path)
    return path


def listing(folder: Path) -> dict[str, tuple[int, ...]]:
    """Return what may not change of every file: inode, owner, group, mode, size, mtime."""
    found = {}
    for entry in sorted(folder.iterdir()):
        seen = entry.lstat()
        found[entry.name] = (
            seen.st_ino,
            seen.st_uid,
            seen.st_gid,
            seen.st_mode,
            seen.st_size,
            seen.st_mtime_ns,
        )
    return found


def target_of(path: Path | str, timeout: float = 2.0) -> Target:
    return Target(
        "app", "sqlite", SqliteUrl(str(path)), probe=ProbeSettings(timeout=timeout, interval=15.0)
    )


@dataclass
class Round:
    """What a visit came to."""

    failure: Failure | None
    answers: dict[str, Answer]
    session: SqliteSession | None = None

    @property
    def up(self) -> bool:
        return self.failure is None

    def values(self) -> dict[str, float]:
        """Readings by metric name without the prefix, labels in braces."""
        return {
            sample.metric.name.removeprefix("watchdog_sqlite_")
            + (f"{{{','.join(sample.labels)}}}" if sample.labels else ""): sample.value
            for answer in self.answers.values()
            for sample in answer.samples
        }

    def troubles(self) -> list[Failure]:
        return [each for answer in self.answers.values() for each in answer.troubles]


async def visit(
    path: Path | str, timeout: float = 2.0, engine: Any = ENGINE, target: Target | None = None
) -> Round:
    """Visit *path* as a round does: session, then every probe."""
    target = target or target_of(path, timeout)
    step = engine.visit(target)
    try:
        async with step as session:
            answers = {name: await probe.ask(session) for name, probe in engine.probes.items()}
            return Round(None, answers, session)
    except Exception as error:  # noqa: BLE001 - what the runner does
        return Round(engine.failure(error, step.phase, target), {})
