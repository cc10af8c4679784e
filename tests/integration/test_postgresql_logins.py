"""What we say of logins that fail, in any language, and what is tried before that is said."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.postgres import PASSWORDS, Cluster, Database
from tests.support.visits import Watched, visited
from watchdog.engines.postgresql.engine import PostgresqlEngine
from watchdog.model import Failure, Kind, Phase

MakeCluster = Callable[..., Cluster]


def said(failure: Failure | None) -> tuple[Kind, Phase | None, str, str] | None:
    return failure and (failure.kind, failure.phase, failure.code, failure.hint)


def auth(code: str, hint: str) -> tuple[Kind, Phase, str, str]:
    return (Kind.AUTH, Phase.AUTHENTICATE, code, hint)


async def test_a_wrong_password(cluster: Cluster) -> None:
    failure = await visited(cluster.target("shop", password="not-the-One"))
    assert said(failure) == auth("28P01", "auth_failed")
    assert failure is not None
    assert "not-the-One" not in failure.message
    assert failure.facts["user"] == "watchdog"
    assert failure.facts["port"] == str(cluster.port)


async def test_no_password_at_all(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSFILE", "/nowhere")
    failure = await visited(cluster.target("shop", password=""))
    assert said(failure) == auth("28P01", "no_password")


async def test_a_role_that_is_gone_or_may_not_log_in(cluster: Cluster) -> None:
    # With a password asked for, the server does not tell whether the role exists.
    assert said(await visited(cluster.target("shop", user="nobody", password="x"))) == auth(
        "28P01", "auth_failed"
    )
    cluster.create_role("closed", "pw-closed", "nologin")
    failure = await visited(cluster.target("shop", user="closed", password="pw-closed"))
    assert said(failure) == auth("28000", "role_login_denied")


async def test_a_missing_role_is_named_where_no_password_is_asked_for(
    private_cluster: MakeCluster,
) -> None:
    server = private_cluster(hba=("host all all 127.0.0.1/32 trust",))
    failure = await visited(server.target("shop", user="nobody", password=""))
    assert said(failure) == auth("28000", "role_missing")


async def test_pg_hba_rejects_and_a_database_of_that_name_is_missing(
    private_cluster: MakeCluster,
) -> None:
    server = private_cluster(
        hba=(
            "host postgres all 127.0.0.1/32 reject",
            "host watched_template all 127.0.0.1/32 scram-sha-256",
            "host ghost all 127.0.0.1/32 scram-sha-256",
        )
    )
    assert said(await visited(server.target("shop"))) == auth("28000", "hba_rejected")
    server.create_database("lonely")  # no rule at all
    assert said(await visited(server.target("shop", "lonely"))) == auth("28000", "hba_rejected")
    assert said(await visited(server.target("shop", "ghost"))) == auth("3D000", "database_missing")
    assert await visited(server.target("shop", "watched_template")) is None


async def test_a_closed_database_a_full_role_and_a_full_database(database: Database) -> None:
    cluster = database.cluster
    await cluster.execute(f"alter database {database.name} allow_connections false")
    assert said(await visited(database.target())) == auth("55000", "database_not_accepting")
    await cluster.execute(
        f"alter database {database.name} allow_connections true connection limit 0"
    )
    full = (Kind.CAPACITY, Phase.AUTHENTICATE, "53300", "connection_limit_role_db")
    assert said(await visited(database.target())) == full
    await cluster.execute(f"alter database {database.name} connection limit -1")
    cluster.create_role("narrow", "pw-narrow", "login connection limit 0")
    assert said(await visited(database.target(user="plain"))) is None
    assert said(await visited(cluster.target("n", user="narrow", password="pw-narrow"))) == full


async def test_a_database_that_this_role_may_not_connect_to(database: Database) -> None:
    await database.cluster.execute(f"revoke connect on database {database.name} from public")
    failure = await visited(database.target())
    assert failure is not None
    assert (failure.kind, failure.phase, failure.code) == (
        Kind.PRIVILEGE,
        Phase.AUTHENTICATE,
        "42501",
    )


async def test_a_password_changed_while_a_session_is_held(cluster: Cluster) -> None:
    cluster.create_role("rotated", "before-S3cret")
    target = cluster.target("shop", user="rotated", password="before-S3cret")
    async with Watched(target) as watched:
        assert await watched.round() is None
        await cluster.execute("alter role rotated password 'after-S3cret'")
        assert await watched.round() is None  # the held session lives on
        assert said(await visited(target)) == auth("28P01", "auth_failed")  # and hides nothing


async def test_a_role_dropped_while_a_session_is_held(cluster: Cluster) -> None:
    cluster.create_role("leaving", "pw-leaving")
    target = cluster.target("shop", user="leaving", password="pw-leaving")
    async with Watched(target) as watched:
        assert await watched.round() is None
        await cluster.execute("drop role leaving")
        assert said(await visited(target)) == auth("28P01", "auth_failed")


async def test_a_password_file_is_read_again_when_the_login_fails(
    cluster: Cluster, tmp_path: Path
) -> None:
    cluster.create_role("filed", "first-S3cret")
    file = tmp_path / "password"
    file.write_text("first-S3cret\n")
    target = replace(cluster.target("shop", user="filed", password=""), password_file=file)
    engine = PostgresqlEngine()
    assert await visited(target, engine) is None
    await cluster.execute("alter role filed password 'second-S3cret'")
    assert said(await visited(target, engine)) == auth("28P01", "auth_failed")
    file.write_text("second-S3cret\n")
    assert await visited(target, engine) is None
    file.unlink()
    assert await visited(target, engine) is None  # what was read before still holds


async def test_a_passfile_is_used_as_libpq_would(cluster: Cluster, tmp_path: Path) -> None:
    file = tmp_path / "pgpass"
    escaped = PASSWORDS["watchdog"].replace("\\", "\\\\").replace(":", "\\:")
    file.write_text(f"{cluster.host}:{cluster.port}:*:watchdog:{escaped}\n")
    file.chmod(0o600)
    target = cluster.target("shop", password="", passfile=str(file))
    assert await visited(target) is None
    file.chmod(0o644)
    assert said(await visited(target)) == auth("28P01", "passfile_permissions")


async def test_settings_of_the_role_do_not_unbind_our_sessions(cluster: Cluster) -> None:
    cluster.create_role("tuned", "pw-tuned")
    for setting in (
        "statement_timeout = 0",
        "lock_timeout = 0",
        "default_transaction_read_only = off",
        "search_path = public",
        "jit = on",
    ):
        cluster.sql(f"alter role tuned set {setting}")
    target = cluster.target("shop", "watched_template", user="tuned", password="pw-tuned")
    async with PostgresqlEngine().visit(target) as session:
        names = ("statement_timeout", "lock_timeout", "transaction_read_only", "search_path")
        values = [await session.fetchval("select current_setting($1)", name) for name in names]  # type: ignore[attr-defined]
    assert values == ["800ms", "200ms", "on", "pg_catalog"]  # of two seconds in all


# ------------------------------------------------------------------ a server that speaks Russian


@pytest.fixture(scope="module")
def russian_binaries(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """Give the binaries of a server with message catalogues and the environment they need."""
    found = sorted(Path("/usr/share/locale/ru/LC_MESSAGES").glob("postgres-*.mo"))
    for catalogue in reversed(found):
        binaries = Path("/usr/lib/postgresql", catalogue.stem.partition("-")[2], "bin")
        if (binaries / "initdb").exists():
            break
    else:
        pytest.skip("no PostgreSQL server with Russian messages on this machine")
    localedef = shutil.which("localedef")
    if localedef is None or not Path("/usr/share/i18n/locales/ru_RU").exists():
        pytest.skip("the locale ru_RU cannot be made: localedef or its sources are missing")
    folder = tmp_path_factory.mktemp("locales")
    subprocess.run(
        [localedef, "-i", "ru_RU", "-f", "UTF-8", str(folder / "ru_RU.utf8")],
        capture_output=True,
        check=False,
    )
    folder.chmod(0o755)
    return binaries, {"LOCPATH": str(folder), "LC_ALL": "", "LC_MESSAGES": "ru_RU.utf8"}


async def test_failures_are_told_apart_in_russian_as_well(
    private_cluster: MakeCluster, russian_binaries: tuple[Path, dict[str, str]]
) -> None:
    binaries, environment = russian_binaries
    server = private_cluster(
        binaries=binaries,
        environment=environment,
        lc_messages="ru_RU.utf8",
        hba=(
            "host all ghost 127.0.0.1/32 trust",
            "host all rejected 127.0.0.1/32 reject",
            "host all all 127.0.0.1/32 scram-sha-256",
        ),
    )
    server.create_role("closed", "pw-closed", "nologin")
    server.create_role("full", "pw-full", "login connection limit 0")

    async def told(user: str, database: str = "watched_template", password: str = "") -> Failure:
        failure = await visited(server.target("shop", database, user=user, password=password))
        assert failure is not None
        return failure

    wrong = await told("watchdog", password="wrong-S3cret")
    assert "не прошёл проверку подлинности" in wrong.message
    assert said(wrong) == auth("28P01", "auth_failed")
    assert said(await told("closed", password="pw-closed")) == auth("28000", "role_login_denied")
    assert said(await told("ghost")) == auth("28000", "role_missing")
    assert said(await told("rejected")) == auth("28000", "hba_rejected")
    missing = await told("watchdog", "absent", PASSWORDS["watchdog"])
    assert said(missing) == auth("3D000", "database_missing")
    assert (await told("full", password="pw-full")).hint == "connection_limit_role_db"


def test_the_environment_of_the_tests_has_no_password() -> None:
    assert not any(secret in os.environ.values() for secret in PASSWORDS.values())


async def test_two_failing_visits_at_once_do_not_disturb_each_other(cluster: Cluster) -> None:
    wrong = cluster.target("wrong", password="no")
    right = cluster.target("right")
    failures = await asyncio.gather(*(visited(target) for target in (wrong, right, wrong, right)))
    assert [failure is None for failure in failures] == [False, True, False, True]
