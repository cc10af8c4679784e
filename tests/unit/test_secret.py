"""Secrets never show, whatever they are made of."""

from __future__ import annotations

import json
import pickle
import time
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog.secret import MASK, Secret, mask

passwords = st.text(min_size=8, max_size=30).filter(lambda p: MASK not in p and p.strip() == p)


@given(passwords)
def test_a_secret_shows_in_no_way(password: str) -> None:
    secret = Secret("prefix-" + password)
    for shown in (str(secret), repr(secret), f"{secret}", f"{secret!r}", "%s" % secret):  # noqa: UP031
        assert shown == MASK


@given(passwords)
def test_a_known_secret_is_masked_in_any_text_also_percent_encoded(password: str) -> None:
    value = "pw-" + password
    Secret(value)
    for form in (value, quote(value, safe="")):
        text = mask(f"before {form} after")
        assert form not in text
        assert text.startswith("before ")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://codelab:hunter2@postgres:5432/agent_runtime",
        "postgresql+asyncpg://codelab:hunter2@postgres/auth_db?sslmode=require",
        "postgres://u:p@hunter2@h/db",
        "postgres://u:hunter2/with/slash@h/db",
        "postgresql://u@h/db?password=hunter2&sslmode=require",
        "host=db user=u password=hunter2 dbname=x",
        "host=db user=u password='hunter2 with space' dbname=x",
        'connect failed: password="hunter2"',
        "PGPASSWORD=hunter2 psql",
        "{'password': 'hunter2'}",
    ],
)
def test_what_looks_like_a_password_is_masked_even_if_never_registered(url: str) -> None:
    masked = mask(url)
    assert "hunter2" not in masked
    assert MASK in masked


def test_the_rest_of_a_url_stays_readable() -> None:
    url = "cannot reach postgresql://codelab:x@postgres:5432/agent_runtime today"
    assert mask(url) == "cannot reach postgresql://codelab:***@postgres:5432/agent_runtime today"


def test_a_secret_is_not_pickled() -> None:
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(Secret("hunter2hunter2"))


@pytest.mark.parametrize(
    "quoted", [repr, ascii, json.dumps, lambda t: json.dumps(t, ensure_ascii=False)]
)
def test_a_secret_is_found_however_it_was_quoted(quoted: Callable[[str], str]) -> None:
    password = 'quo"ted\\пароль\t12'
    Secret(password)
    said = quoted(f"it said {password} and left")
    assert "ted" not in mask(said)
    assert "12" not in mask(said)


@pytest.mark.parametrize(
    "text",
    ["a.b-" * 10000 + "://", "@" + "a://" * 10000, "a://b:" * 8000, "password='" + "''" * 20000],
)
def test_no_text_takes_long_to_mask(text: str) -> None:
    began = time.perf_counter()
    mask(text)
    assert time.perf_counter() - began < 2
