"""The scripts that prepare a PostgreSQL server, run on one, twice."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.postgres import Cluster, bin_dir

POSTGRES = Path(__file__).parents[2] / "config" / "postgres"
PASSWORD = "p'a\\ss:w@rd %41"
ODD = 'odd"na;me'


@pytest.fixture
def server(private_cluster: Callable[..., Cluster]) -> Cluster:
    return private_cluster(log_statement="all")


def run_init(server: Cluster, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": f"{bin_dir()}:{os.environ['PATH']}",
        "PGHOST": server.host,
        "PGPORT": str(server.port),
        "PGPASSWORD": server.passwords["postgres"],
        "POSTGRES_USER": "postgres",
        "POSTGRES_DB": "postgres",
        "WATCHDOG_ROLE_SCRIPT": str(POSTGRES / "monitoring-role.sql"),
        **more,
    }
    return subprocess.run(
        ["sh", POSTGRES / "init-databases.sh"],
        env=environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
    )


def ask(server: Cluster, question: str, database: str = "postgres") -> str:
    return server.sql(question, database).strip()


def test_the_databases_are_made_once_and_left_alone_after(server: Cluster) -> None:
    first = run_init(server)
    assert first.returncode == 0, first.stderr
    server.sql("CREATE TABLE kept (id int)", "auth_db")
    second = run_init(server)
    assert second.returncode == 0, second.stderr
    made = ask(
        server,
        "SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database"
        " WHERE datname IN ('agent_runtime', 'auth_db')",
    )
    assert made == "agent_runtime auth_db"
    assert ask(server, "SELECT count(*) FROM kept", "auth_db") == "0"
    assert ask(server, "SELECT count(*) FROM pg_roles WHERE rolname = 'db_watchdog'") == "0"


def test_names_are_quoted(server: Cluster) -> None:
    said = run_init(server, DATABASES=f"{ODD} x*")
    assert said.returncode == 0, said.stderr
    found = ask(server, "SELECT datname FROM pg_database WHERE datname LIKE 'odd%'")
    assert found == ODD
    assert ask(server, "SELECT datname FROM pg_database WHERE datname LIKE 'x%'") == "x*"


def test_a_failure_is_told(server: Cluster) -> None:
    said = run_init(server, POSTGRES_DB="nowhere")
    assert said.returncode != 0
    assert "nowhere" in said.stderr
    said = run_init(server, WATCHDOG_ROLE_PASSWORD_FILE="/no/such/file")
    assert said.returncode != 0
    assert "/no/such/file" in said.stderr


async def test_the_role_reads_all_and_writes_nothing(server: Cluster, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("")
    said = run_init(server, WATCHDOG_ROLE_PASSWORD_FILE=str(file))
    assert (said.returncode, "role db_watchdog" in said.stdout) == (0, False)
    file.write_text(f"{PASSWORD}\n")
    for given in (
        {"WATCHDOG_ROLE_PASSWORD": PASSWORD, "WATCHDOG_ROLE_PASSWORD_FILE": "/nowhere"},
        {"WATCHDOG_ROLE_PASSWORD_FILE": str(file)},
    ):
        said = run_init(server, **given)
        assert said.returncode == 0, said.stderr
    server.sql("CREATE TABLE orders AS SELECT 1 AS id", "agent_runtime")
    attributes = ask(
        server,
        "SELECT concat_ws(' ', rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls,"
        " rolconnlimit) FROM pg_roles WHERE rolname = 'db_watchdog'",
    )
    assert attributes == "f f f f f 6"
    login = {
        "PGHOST": server.host,
        "PGPORT": str(server.port),
        "PGUSER": "db_watchdog",
        "PGPASSWORD": PASSWORD,
        "PGDATABASE": "agent_runtime",
    }

    def as_role(statement: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [bin_dir() / "psql", "-XAtw", "-c", statement],
            env=login,
            check=False,
            capture_output=True,
            text=True,
            timeout=30,
        )

    # Proof that the password arrived whole, whatever is in it, and that pg_monitor is there.
    seen = as_role("SELECT pg_has_role('pg_monitor', 'USAGE') AND count(*) = 1 FROM orders")
    assert (seen.stdout.strip(), seen.stderr) == ("t", "")
    refused = as_role("BEGIN READ WRITE; DELETE FROM orders")
    assert "permission denied for table orders" in refused.stderr
    dumped = subprocess.run(
        [bin_dir() / "pg_dump", "-w", "-Fp"],
        env=login,
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert dumped.returncode == 0, dumped.stderr
    assert "COPY public.orders" in dumped.stdout


def test_the_password_is_not_in_the_servers_log(server: Cluster) -> None:
    assert run_init(server, WATCHDOG_ROLE_PASSWORD="plain-but-secret").returncode == 0
    log = server.log_text()
    assert "pg_monitor" in log, "statements are logged at all"
    assert "plain-but-secret" not in log
