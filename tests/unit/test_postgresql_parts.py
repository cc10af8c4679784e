"""Password files, the resolver, bounds: what needs no server."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog.database_url import PostgresqlUrl
from watchdog.engines.postgresql.connection import Limits
from watchdog.engines.postgresql.credentials import Credentials
from watchdog.engines.postgresql.engine import ENGINE
from watchdog.engines.postgresql.passfile import look_up
from watchdog.engines.postgresql.resolver import resolve
from watchdog.engines.postgresql.wire import Timing
from watchdog.model import Phase, Target
from watchdog.secret import Secret

# ------------------------------------------------------------------ password files


def passfile(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "pgpass"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def found(path: Path, host: str = "h", port: int = 1, db: str = "d", user: str = "u") -> str | None:
    secret = look_up(path, host, port, db, user).password
    return secret and secret.reveal()


def test_the_first_line_that_fits_counts(tmp_path: Path) -> None:
    path = passfile(tmp_path, "# note\nother:*:*:*:no\nh:1:d:u:first-one\n*:*:*:*:anybody\n")
    assert found(path) == "first-one"
    assert found(path, user="x") == "anybody"


def test_a_socket_is_also_localhost(tmp_path: Path) -> None:
    path = passfile(tmp_path, "localhost:*:*:*:by-socket\n")
    assert found(path, host="/run/postgresql") == "by-socket"
    assert found(path, host="h") is None


def test_a_file_that_others_may_read_is_ignored(tmp_path: Path) -> None:
    path = passfile(tmp_path, "*:*:*:*:secret-word\n", 0o640)
    assert look_up(path, "h", 1, "d", "u").ignored
    assert found(path) is None
    assert found(tmp_path / "absent") is None
    assert found(tmp_path) is None


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"]), min_size=1))
def test_any_password_survives_its_quoting(
    tmp_path_factory: pytest.TempPathFactory, password: str
) -> None:
    quoted = password.replace("\\", "\\\\").replace(":", "\\:")
    path = passfile(tmp_path_factory.mktemp("pass"), f"h:1:d:u:{quoted}\n")
    assert found(path) == password


async def test_a_password_file_that_is_gone_leaves_the_password_known_before(
    tmp_path: Path,
) -> None:
    file = tmp_path / "password"
    file.write_text("one-S3cret\n")
    url = PostgresqlUrl((("h", 1),), "u", "d", Secret("of-the-url"))
    credentials = Credentials(url, file)
    assert await credentials.password() == Secret("one-S3cret")
    file.unlink()
    assert not await credentials.reread()
    assert "cannot be read" in credentials.unreadable
    assert await credentials.password() == Secret("one-S3cret")
    file.write_text("two-S3cret\n")
    assert await credentials.reread()
    assert not await credentials.reread()


# ------------------------------------------------------------------ the resolver


async def test_addresses_are_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", None)
    assert (await resolve("127.0.0.1", 5))[0].sockaddr == ("127.0.0.1", 5)
    assert (await resolve("::1", 5))[0].family == socket.AF_INET6


async def test_a_resolver_that_hangs_has_one_thread_a_name_and_holds_up_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real, release = socket.getaddrinfo, threading.Event()

    def getaddrinfo(host: Any, port: Any, *rest: Any, **more: Any) -> Any:
        if host == "hangs.invalid":
            release.wait(10)
            raise socket.gaierror(socket.EAI_AGAIN, "late")
        return real("127.0.0.1", port, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    try:
        for _ in range(20):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(resolve("hangs.invalid", 5432), 0.002)
        asking = [t.name for t in threading.enumerate() if "hangs.invalid" in t.name]
        assert len(asking) == 1
        began = time.monotonic()
        assert (await resolve("fine.invalid", 5432))[0].sockaddr == ("127.0.0.1", 5432)
        assert time.monotonic() - began < 0.1
        waiting = asyncio.ensure_future(resolve("hangs.invalid", 5432))
        await asyncio.sleep(0)
    finally:
        release.set()
    with pytest.raises(socket.gaierror):
        await waiting


@pytest.mark.parametrize("host", ["a" * 70 + ".example", "bad..name", "\udcff"])
async def test_a_name_that_cannot_be_one_is_no_defect_of_ours(host: str) -> None:
    with pytest.raises(socket.gaierror):
        await resolve(host, 5432)


# ------------------------------------------------------------------ bounds and names


def test_every_session_is_bounded_and_read_only() -> None:
    settings = Limits(login=5, statement=0.1).settings()
    assert settings["statement_timeout"] == "100"
    assert settings["lock_timeout"] == "100"
    assert Limits(login=5, statement=9).settings()["lock_timeout"] == "200"
    assert settings["default_transaction_read_only"] == "on"
    assert settings["search_path"] == "pg_catalog"


def test_a_repeated_phase_is_summed_and_an_unfinished_one_left_out() -> None:
    timing = Timing()
    timing.enter(Phase.CONNECT)
    timing.enter(Phase.TLS)
    timing.enter(Phase.CONNECT)
    timing.enter(Phase.AUTHENTICATE)
    timing.drop()
    timing.stop()
    assert set(timing.phases) == {Phase.CONNECT, Phase.TLS}
    assert timing.phase is Phase.AUTHENTICATE


def test_what_configuration_alone_says_of_a_target() -> None:
    url = PostgresqlUrl((("a", 1), ("::1", 2)), "u", "shop")
    target = Target("t", "postgresql", url)
    assert ENGINE.description(target) == {"server": "a:1,[::1]:2", "datname": "shop"}
    assert ENGINE.server_of(target).name == "a:1,[::1]:2"
