"""Passwords, the rate limit and what strangers are shown, without sockets."""

import asyncio
import base64
import re
from pathlib import Path

import bcrypt
import httpx
import pytest

from tests.support.demo import FakeClock, busy_day, services
from watchdog.config import WebFile
from watchdog.config.web_file import RateLimit
from watchdog.secret import Secret
from watchdog.web import logins as logins_module
from watchdog.web import strangers
from watchdog.web.access import PUBLIC, REASONS, Access
from watchdog.web.application import build
from watchdog.web.logins import Crowded, Logins

DOCS = Path(__file__).parents[2] / "docs"


def hashed(password, cost=4):
    return Secret(bcrypt.hashpw(password.encode(), bcrypt.gensalt(cost)).decode())


USERS = {"alice": hashed("wonderland"), "élise": hashed("pass:word"), "long": hashed("x" * 72)}


def basic(name, password):
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


@pytest.fixture
def logins():
    made = Logins()
    made.take(USERS)
    return made


@pytest.fixture
def comparisons(monkeypatch):
    """The hashes that passwords were compared with."""
    done = []
    real = logins_module.bcrypt.checkpw

    def counted(password, stored):
        done.append(stored)
        return real(password, stored)

    monkeypatch.setattr(logins_module.bcrypt, "checkpw", counted)
    return done


@pytest.mark.parametrize(
    ("name", "password"),
    [("alice", "wonderland"), ("élise", "pass:word"), ("long", "x" * 72), ("long", "x" * 100)],
)
async def test_a_right_password_is_known(logins, name, password):
    assert await logins.known(basic(name, password))
    assert await logins.known(basic(name, password).replace("Basic", "basic"))


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Basic",
        "Basic !!!",
        "Basic " + base64.b64encode(b"alice").decode(),
        "Basic " + base64.b64encode(b"\xff\xfe:wonderland").decode(),
        "Bearer wonderland",
        basic("alice", ""),
        basic("alice", "Wonderland"),
        basic("alice", "wonderland\0"),
        basic("nobody", "wonderland"),
        basic("", "wonderland"),
    ],
)
async def test_anything_else_is_not(logins, header):
    assert not await logins.known(header)


async def test_a_right_password_is_compared_once_until_the_users_change(logins, comparisons):
    for _ in range(3):
        assert await logins.known(basic("alice", "wonderland"))
    assert len(comparisons) == 1
    logins.take({"alice": hashed("another")})
    assert not await logins.known(basic("alice", "wonderland"))
    assert len(comparisons) == 2


async def test_a_name_that_nobody_has_costs_as_much_as_a_wrong_password(logins, comparisons):
    logins.take({"alice": hashed("wonderland", 5)})
    assert not await logins.known(basic("alice", "wrong"))
    assert not await logins.known(basic("nobody", "wrong"))
    assert [stored[:7] for stored in comparisons] == [b"$2b$05$"] * 2


async def test_what_is_remembered_has_a_bound(logins, monkeypatch):
    monkeypatch.setattr(logins_module, "_REMEMBERED", 5)
    assert await logins.known(basic("alice", "wonderland"))
    for number in range(12):
        assert not await logins.known(basic("alice", f"guess {number}"))
    assert len(logins._wrong) == 5
    assert len(logins._right) == 1  # guesses do not push out who is right


async def test_no_password_stays_in_memory(logins):
    assert await logins.known(basic("alice", "wonderland"))
    assert all(b"wonderland" not in seal for seal in logins._right)


async def test_too_many_logins_at_once_are_turned_away_and_the_known_are_not(logins, monkeypatch):
    assert await logins.known(basic("alice", "wonderland"))
    monkeypatch.setattr(logins_module, "_WAITING_AT_MOST", 2)
    async with logins._turn:
        waiting = [
            asyncio.ensure_future(logins.known(basic("alice", f"guess {n}"))) for n in range(2)
        ]
        await asyncio.sleep(0)
        with pytest.raises(Crowded):
            await logins.known(basic("alice", "one more"))
        assert await logins.known(basic("alice", "wonderland"))
    assert await asyncio.gather(*waiting) == [False, False]
    assert not await logins.known(basic("alice", "one more"))


# ------------------------------------------------------------------ through the doors


def client(access):
    clock = FakeClock()
    transport = httpx.ASGITransport(build(services(busy_day(clock), clock), access))
    return httpx.AsyncClient(transport=transport, base_url="http://test")


async def test_a_listener_on_loopback_shows_everything():
    async with client(Access()) as http:
        assert (await http.get("/")).status_code == 200


@pytest.mark.parametrize("path", ["/metrics/", "//metrics", "/metrics%2f..", "/METRICS", "/x"])
async def test_only_the_very_paths_are_public(path):
    access = Access()
    access.wide = True
    async with client(access) as http:
        for public in PUBLIC:
            assert (await http.get(public)).status_code == 200
        refused = await http.get(path)
    assert refused.status_code == 403
    assert refused.headers["x-content-type-options"] == "nosniff"


async def test_an_optional_certificate_opens_nothing_and_a_password_everything():
    access = Access(WebFile(users=USERS))
    access.wide = True
    async with client(access) as http:
        assert (await http.get("/", auth=("alice", "wonderland"))).status_code == 200
        assert (await http.get("/metrics")).status_code == 401
    access.take(WebFile(), trust_network=False)
    async with client(access) as http:
        assert (await http.get("/")).status_code == 403
    access.take(WebFile(), trust_network=True)
    async with client(access) as http:
        assert (await http.get("/")).status_code == 200


async def test_headers_of_the_file_are_on_every_answer_and_go_before_ours():
    headers = {"X-Frame-Options": "deny", "Content-Security-Policy": "default-src 'self'"}
    access = Access(WebFile(headers=headers, users=USERS))
    async with client(access) as http:
        for answer in (
            await http.get("/metrics"),
            await http.get("/", auth=("alice", "wonderland")),
            await http.get("/nothing", auth=("alice", "wonderland")),
        ):
            assert answer.headers["x-frame-options"] == "deny"
            assert answer.headers.get_list("content-security-policy") == ["default-src 'self'"]


async def test_more_requests_than_the_limit_lets_through_are_refused():
    access = Access(WebFile(rate_limit=RateLimit(interval=3600, burst=3)))
    async with client(access) as http:
        answers = [(await http.get("/healthz")).status_code for _ in range(5)]
    assert answers == [200, 200, 200, 429, 429]
    assert access.turned_away["rate"] == 2
    access.take(WebFile(rate_limit=RateLimit(interval=3600, burst=3)), trust_network=False)
    async with client(access) as http:  # the same limit again gives no new tokens
        assert (await http.get("/healthz")).status_code == 429


def test_every_reason_is_described():
    text = (DOCS / "metrics.md").read_text()
    (row,) = [line for line in text.splitlines() if "`watchdog_web_refusals_total`" in line]
    assert all(re.search(rf"\b{reason}\b", row) for reason in REASONS)


@pytest.mark.parametrize(
    ("language", "by_variables", "words"),
    [
        ("en", False, ("not for the network", "`listen: 127.0.0.1:10187`", "trust_network: true")),
        ("ru", False, ("закрыта для сети", "web.config_file", "trust_network: true")),
        ("ru", True, ("DB_WATCHDOG_LISTEN", "DB_WATCHDOG_WEB_CONFIG_FILE", "только вы")),
        ("en", True, ("DB_WATCHDOG_TRUST_NETWORK=true", "docs/security.md")),
    ],
)
def test_strangers_are_told_the_names_that_are_there(language, by_variables, words):
    told = strangers.refusal(language, by_variables=by_variables)
    assert all(word in told for word in words)
    assert ("{trust_network" in told) is not by_variables
