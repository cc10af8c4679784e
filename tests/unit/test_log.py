"""Log lines: the contract's keys, secrets masked everywhere, libraries included."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator

import pytest
import structlog

from watchdog import log
from watchdog.secret import Secret


@pytest.fixture(autouse=True)
def restored_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_json_lines_carry_the_keys_of_the_contract() -> None:
    stream = io.StringIO()
    log.configure("json", stream=stream)
    structlog.get_logger("x").error("target down", target="a", kind="auth", steps=["one", "two"])
    (line,) = lines(stream)
    assert line["event"] == "target down"
    assert line["level"] == "error"
    assert line["steps"] == ["one", "two"]
    assert str(line["timestamp"]).endswith("Z")


def test_secrets_are_masked_at_any_depth_and_in_tracebacks() -> None:
    stream = io.StringIO()
    log.configure("json", stream=stream)
    Secret("s3cr3t-value")
    try:
        raise ValueError("cannot use s3cr3t-value")
    except ValueError:
        structlog.get_logger("x").exception(
            "failed with s3cr3t-value",
            nested={"deep": ["postgresql://u:s3cr3t-value@h/d"]},
            error=ValueError("s3cr3t-value"),
        )
    assert "s3cr3t" not in stream.getvalue()
    assert "***" in stream.getvalue()


def test_records_of_libraries_go_the_same_way() -> None:
    stream = io.StringIO()
    log.configure("json", stream=stream)
    Secret("s3cr3t-value")
    logging.getLogger("somebody.else").warning("their words: %s", "s3cr3t-value")
    logging.getLogger("apscheduler.executors").info("ran a job")
    (line,) = lines(stream)
    assert line["event"] == "their words: ***"
    assert line["level"] == "warning"


def test_a_console_line_shows_the_hint_and_its_steps_below() -> None:
    stream = io.StringIO()
    log.configure("console", stream=stream)
    structlog.get_logger("x").error("target down", hint="auth_failed", steps=["look", "mend"])
    text = stream.getvalue()
    assert "hint=auth_failed" in text
    assert "1. look" in text
    assert "2. mend" in text


def test_the_level_is_honoured() -> None:
    stream = io.StringIO()
    log.configure("json", level="warning", stream=stream)
    structlog.get_logger("x").info("chatter")
    structlog.get_logger("x").warning("news")
    assert [line["event"] for line in lines(stream)] == ["news"]


def test_people_read_seconds_and_programs_microseconds() -> None:
    for form, pattern in (("console", r"T\d\d:\d\d:\d\dZ "), ("json", r"T\d\d:\d\d:\d\d\.\d{6}Z")):
        stream = io.StringIO()
        log.configure(form, stream=stream)
        structlog.get_logger("x").info("ready")
        assert re.search(pattern, stream.getvalue()), stream.getvalue()
