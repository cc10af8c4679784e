"""Hints for what the daemon itself never meets, provoked by those who do.

It writes to no watched database, restores nothing by itself and keeps no
pool: here an application, a person with PostgreSQL's own tools, or another
library runs into the trouble, and ``explain`` has to know it by the text.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Final

import pytest

from tests.support.postgres import Cluster, bin_dir
from tests.support.sqlite import Application, make_database, open_folder
from watchdog.engines.postgresql import clients
from watchdog.engines.postgresql import restore as archives
from watchdog.hints import Evidence, hint_of, match
from watchdog.model import ActionFailed
from watchdog.restoration import RestoreOptions

# What each trouble is told by; ``tests/unit/test_hints_are_provoked.py`` reads it.
EXPLAINED: Final = (
    "sqlite_locked_shared_cache",
    "sqlite_full",
    "sqlite_readonly_directory",
    "backup_target_exists",
    "missing_role_on_restore",
    "restore_not_owner",
    "restore_in_use",
    "scram_unsupported_client",
    "client_pool_exhausted",
)


_WRITING: Final = """
try:
    connection.execute("INSERT INTO t VALUES (1)")
except sqlite3.Error as error:
    raise RuntimeError(f"{error.sqlite_errorname} sqlite3.{type(error).__name__}: {error}")
"""


def traced(error: BaseException) -> str:
    """Return the last line of a traceback of *error*."""
    name = type(error).__name__
    module = type(error).__module__
    return f"{module}.{name}: {error}"


def explained(text: str) -> str:
    found = match(Evidence(text=text))
    assert found, text
    return found[0].id


# ------------------------------------------------------------------ applications of SQLite


def test_connections_of_one_cache_that_lock_each_other_out() -> None:
    shared = "file:shared?mode=memory&cache=shared"
    with (
        closing(sqlite3.connect(shared, uri=True, isolation_level=None)) as writer,
        closing(sqlite3.connect(shared, uri=True)) as reader,
    ):
        writer.execute("CREATE TABLE t (x)")
        writer.execute("BEGIN")
        writer.execute("INSERT INTO t VALUES (1)")
        with pytest.raises(sqlite3.OperationalError) as caught:
            reader.execute("SELECT * FROM t").fetchall()
    assert explained(traced(caught.value)) == "sqlite_locked_shared_cache"
    coded = match(Evidence("sqlite", code=caught.value.sqlite_errorname))
    assert coded[0].id == "sqlite_locked_shared_cache"


def test_a_database_that_may_not_grow(tmp_path: Path) -> None:
    with closing(sqlite3.connect(make_database(tmp_path / "a.db", "delete"))) as connection:
        connection.execute("PRAGMA max_page_count = 2")
        with pytest.raises(sqlite3.OperationalError) as caught:
            connection.execute("INSERT INTO t VALUES (zeroblob(100000))")
    assert caught.value.sqlite_errorname == "SQLITE_FULL"
    assert explained(traced(caught.value)) == "sqlite_full"


def test_a_folder_that_takes_no_journal() -> None:
    with open_folder() as folder:
        path = make_database(folder / "a.db", "delete")
        path.chmod(0o666)
        folder.chmod(0o555)
        uid = 34567 if os.geteuid() == 0 else None
        with Application(path, uid) as application:
            application.open()
            said = application.do(f"exec({_WRITING!r})").removeprefix("RuntimeError: ")
        folder.chmod(0o777)
    code, _, text = said.partition(" ")
    found = match(Evidence("sqlite", code=code, text=text))
    assert found, said
    assert found[0].id == "sqlite_readonly_directory", said


# ------------------------------------------------------------------ a person with the tools


class Archive:
    """An archive of a database whose owner is not on every server, and the tools to restore it."""

    def __init__(self, cluster: Cluster, folder: Path, stack: ExitStack) -> None:
        self.cluster = cluster
        self.folder = folder
        cluster.create_role("passing", "pw-of-passing")
        cluster.sql("create database departed owner passing")
        cluster.sql("create table t as select 1 as x", "departed", "passing")
        self.path = folder / "departed.dump"
        self.run("pg_dump", "-Fc", "-f", str(self.path), "departed")
        cluster.sql("drop database departed")
        cluster.sql("drop role passing")
        stack.callback(cluster.drop_database, "arriving")

    def run(self, program: str, *arguments: str, user: str = "postgres") -> str:
        """Return what the tool writes on its stderr."""
        place = ("-h", self.cluster.folder, "-p", str(self.cluster.port), "-U", user)
        done = subprocess.run(
            [bin_dir() / program, "-w", *place, *arguments],
            capture_output=True,
            text=True,
            env={"PATH": os.defpath, "LC_ALL": "C", "HOME": str(self.folder)},
            timeout=60,
            check=False,
        )
        return done.stderr


@pytest.fixture(scope="module")
def archive(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    with ExitStack() as stack:
        yield Archive(cluster, tmp_path_factory.mktemp("departed"), stack)


def test_a_restore_whose_owner_is_not_there(archive: Archive) -> None:
    archive.cluster.sql("create database arriving")
    said = archive.run("pg_restore", "-d", "arriving", str(archive.path))
    assert explained(said) == "missing_role_on_restore", said
    # The table is there now, and belongs to somebody else.
    again = ("pg_restore", "-e", "--clean", "--no-owner", "-d", "arriving", str(archive.path))
    said = archive.run(*again, user="plain")
    assert explained(said) == "restore_not_owner", said


def test_a_dump_into_a_folder_that_is_there(archive: Archive) -> None:
    taken = archive.folder / "taken"
    taken.mkdir()
    (taken / "toc.dat").touch()
    said = archive.run("pg_dump", "-Fd", "-f", str(taken), "postgres")
    assert explained(said) == "backup_target_exists", said


async def test_a_restore_over_a_database_that_somebody_uses(
    cluster: Cluster, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(clients.VARIABLE, str(bin_dir()))
    cluster.sql("create database crowded template watched_template owner owner")
    to = cluster.database_url("postgres", "crowded")
    session = await cluster.connect("crowded", "owner")
    options = RestoreOptions(replace=True)
    try:
        with pytest.raises(ActionFailed) as caught:
            await archives.bring_back(archive.path, to, options, lambda _: None)
    finally:
        await session.close()
        cluster.drop_database("crowded")
    hint = hint_of(caught.value.failure)
    assert hint is not None
    assert hint.id == "restore_in_use"
    assert "crowded" in " ".join((hint.cause, *hint.steps))


# ------------------------------------------------------------------ other libraries


@pytest.mark.lab
def test_a_library_that_knows_no_scram(cluster: Cluster) -> None:
    driver = pytest.importorskip("postgresql.driver", reason="pip install '.[lab]'")
    with pytest.raises(Exception, match="unsupported authentication") as caught:
        driver.connect(
            host=cluster.host,
            port=cluster.port,
            user="watchdog",
            password=cluster.passwords["watchdog"],
            database="postgres",
        )
    assert explained(traced(caught.value)) == "scram_unsupported_client"


@pytest.mark.lab
def test_a_pool_of_an_application_that_is_used_up() -> None:
    library = pytest.importorskip("sqlalchemy", reason="pip install '.[lab]'")
    engine = library.create_engine(
        "sqlite://",
        poolclass=library.pool.QueuePool,
        pool_size=1,
        max_overflow=0,
        pool_timeout=0.05,
    )
    held = engine.connect()
    try:
        with pytest.raises(library.exc.TimeoutError) as caught:
            engine.connect()
    finally:
        held.close()
        engine.dispose()
    assert explained(traced(caught.value)) == "client_pool_exhausted"
