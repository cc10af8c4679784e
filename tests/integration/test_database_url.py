"""Database URLs against PostgreSQL itself: what we read is what libpq and asyncpg are given."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import asyncpg
import pytest

from tests.support.postgres import Cluster, Database
from watchdog.database_url import PostgresqlUrl, parse

# Each is user, password and database at once, a mine of its own.
NAMES = [
    "mine",
    "o'hara",
    'double"quote',
    "back\\slash",
    "at@sign:colon/slash",
    "per%41cent%",
    "sp ace+plus&amp=eq?#",
    "имя базы 数据",
    "$dollar$${X}",
    "-dash",
    "\ttab",
]


def read(text: str, **environ: str) -> PostgresqlUrl:
    url = parse(text, environ={"HOME": "/nonexistent", **environ}, base_dir=Path("/"))
    assert isinstance(url, PostgresqlUrl)
    return url


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@pytest.fixture
def login(cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[str]:
    """Make a role with its own name as password, and a database of the same name."""
    name: str = request.param
    quoted = _identifier(name)
    literal = "E'" + name.replace("\\", "\\\\").replace("'", "''") + "'"
    cluster.sql(f"create role {quoted} login password {literal}")
    cluster.sql(f"create database {quoted} owner {quoted}")
    yield name
    cluster.sql(f"drop database {quoted}")
    cluster.sql(f"drop role {quoted}")


def psql(cluster: Cluster, conninfo: str, folder: Path, url: PostgresqlUrl, **more: str) -> str:
    passfile = folder / "passfile"
    passfile.touch(mode=0o600)
    passfile.write_text(url.passfile_text())
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    done = subprocess.run(
        [cluster.binaries / "psql", "-XAtqw", *([conninfo] if conninfo else [])],
        input="select current_user || '|' || current_database() || '|' || current_setting('geqo')",
        env={**kept, "PGPASSFILE": str(passfile), "PGCLIENTENCODING": "UTF8", **more},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip("\n")


@pytest.mark.parametrize("login", NAMES, indirect=True)
async def test_any_name_and_password_logs_in_everywhere(
    cluster: Cluster, login: str, tmp_path: Path
) -> None:
    encoded = quote(login, safe="")
    text = (
        f"postgresql+asyncpg://{encoded}:{encoded}@{cluster.host}:{cluster.port}/{encoded}"
        "?application_name=it's&options=-c+geqo%3Doff"
    )
    url = read(text)
    assert psql(cluster, url.libpq_conninfo(), tmp_path, url) == f"{login}|{login}|off"
    environment = url.libpq_environment()
    assert psql(cluster, "", tmp_path, url, **environment) == f"{login}|{login}|off"
    assert url.password is not None
    connection = await asyncpg.connect(
        host=[host for host, _ in url.hosts],
        port=[port for _, port in url.hosts],
        user=url.user,
        database=url.database,
        password=url.password.reveal(),
        server_settings=url.server_settings(),
        timeout=10,
    )
    try:
        row = await connection.fetchrow(
            "select current_user::text, current_database()::text, current_setting('geqo')"
        )
    finally:
        await connection.close(timeout=5)
    assert tuple(row or ()) == (login, login, "off")


def test_a_socket_folder_in_both_forms(
    cluster: Cluster, database: Database, tmp_path: Path
) -> None:
    folder = quote(str(cluster.folder), safe="")
    for text in (
        f"postgresql://owner:x@/{database.name}?host={folder}&port={cluster.port}",
        f"postgresql://owner:x@{folder}:{cluster.port}/{database.name}",
    ):
        url = read(text)
        assert url.server_name == f"{cluster.folder}:{cluster.port}"
        expected = f"owner|{database.name}|on"
        assert psql(cluster, url.libpq_conninfo(), tmp_path, url) == expected


def test_a_service_and_variables_are_read_as_libpq_reads_them(
    cluster: Cluster, database: Database, tmp_path: Path
) -> None:
    services = tmp_path / "services"
    services.write_text(
        f"# ours\n[watched]\nhost={cluster.host}\nport={cluster.port}\ndbname={database.name}\n"
    )
    environ = {"PGSERVICEFILE": str(services), "PGUSER": "owner", "PGPASSWORD": "owner+S3cret"}
    url = read("postgresql://?service=watched", **environ)
    expected = f"owner|{database.name}|on"
    assert psql(cluster, url.libpq_conninfo(), tmp_path, url) == expected
    # libpq itself, told the same
    assert psql(cluster, "postgresql://?service=watched", tmp_path, url, **environ) == expected


def test_several_hosts_are_tried_in_order(
    cluster: Cluster, database: Database, tmp_path: Path
) -> None:
    login = f"owner:{quote('owner+S3cret')}"
    text = f"postgresql://{login}@127.0.0.1:1,{cluster.host}:{cluster.port}/{database.name}"
    url = read(f"{text}?target_session_attrs=read-write&connect_timeout=3")
    assert psql(cluster, url.libpq_conninfo(), tmp_path, url) == f"owner|{database.name}|on"


def test_every_key_that_tools_are_given_is_known_to_libpq(
    cluster: Cluster, database: Database, tmp_path: Path
) -> None:
    text = (
        f"postgresql://owner:{quote('owner+S3cret')}@{cluster.host}:{cluster.port}/{database.name}"
        "?sslmode=prefer&sslnegotiation=postgres&ssl_min_protocol_version=TLSv1.2"
        "&ssl_max_protocol_version=TLSv1.3&sslsni=1&channel_binding=prefer&gssencmode=disable"
        "&krbsrvname=postgres&gsslib=gssapi&target_session_attrs=any&connect_timeout=5"
        "&keepalives=1&keepalives_idle=5&keepalives_interval=5&keepalives_count=3"
        "&tcp_user_timeout=5000&application_name=a&options=-cgeqo%3Don&gssdelegation=0"
        "&sslrootcert=/nonexistent&sslcert=/nonexistent&sslkey=/nonexistent&sslcrl=/nonexistent"
        "&passfile=/nonexistent&client_encoding=utf8&load_balance_hosts=disable&sslcompression=0"
        "&sslcertmode=allow"
    )
    url = read(text)
    conninfo = url.libpq_conninfo(client=17, passfile=str(tmp_path / "passfile"), sslmode="disable")
    assert psql(cluster, conninfo, tmp_path, url) == f"owner|{database.name}|on"
