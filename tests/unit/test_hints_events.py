"""A log is read event by event, each line judged with its neighbours."""

# ruff: noqa: E501 - messages stay as they are

from __future__ import annotations

import pytest

from tests.support.error_texts import TRACEBACK, WITH_CAUSE
from watchdog.hints import render
from watchdog.hints.events import Event, events


def read(text: str) -> list[tuple[int, str]]:
    return [(event.line, event.matches[0].id) for event in events(text.splitlines())]


@pytest.mark.parametrize(("cause", "text"), WITH_CAUSE)
def test_a_message_is_one_event_at_its_first_line(cause: str, text: str) -> None:
    log = f"INFO starting\nINFO ready\n{text}\nINFO going on\n"
    assert read(log) == [(3, cause)]


def test_a_detail_belongs_to_its_message() -> None:
    log = (
        '2026-11-23 10:00:00 UTC [7] FATAL:  password authentication failed for user "x"\n'
        '2026-11-23 10:00:00 UTC [7] DETAIL:  Role "x" does not exist.\n'
        "2026-11-23 10:00:01 UTC [8] LOG:  checkpoint starting: time\n"
    )
    assert read(log) == [(1, "role_missing")]


def test_a_chained_traceback_is_one_event() -> None:
    first = TRACEBACK.format(
        last="ConnectionRefusedError: [Errno 111] Connect call failed ('10.0.0.1', 5432)"
    )
    second = TRACEBACK.format(last="RuntimeError: cannot start: postgres is away")
    log = f"INFO a\n{first}\nDuring handling of the above exception, another exception occurred:\n\n{second}INFO b\n"
    assert read(log) == [(2, "connection_refused")]


def test_two_messages_are_two_events() -> None:
    log = "FATAL:  sorry, too many clients already\nFATAL:  sorry, too many clients already\n"
    assert read(log) == [(1, "too_many_connections"), (2, "too_many_connections")]


def test_compose_prefixes_do_not_hide_what_belongs_together() -> None:
    log = (
        "postgres-1  | FATAL:  database files are incompatible with server\n"
        "postgres-1  | DETAIL:  The data directory was initialized by PostgreSQL version 15.\n"
    )
    assert read(log) == [(1, "data_dir_version_mismatch")]


def test_a_bare_refusal_is_judged_by_the_lines_before() -> None:
    near = "INFO connecting to postgresql://app@db/app\nERROR attempt 1: connection refused\n"
    assert read(near) == [(2, "connection_refused")]
    far = "INFO connecting to redis\nERROR attempt 1: connection refused\n"
    assert read(far) == []
    other = "INFO connecting to postgresql://app@db/app\nERROR billing 10.0.0.4:8080: connection refused\n"
    assert read(other) == []


def test_an_event_has_its_time() -> None:
    (event,) = events(
        ["2026-11-23 10:00:00.123 UTC [1] FATAL:  the database system is starting up"]
    )
    assert isinstance(event, Event)
    assert event.time == "2026-11-23 10:00:00.123 UTC"


def test_a_traceback_without_end_is_judged_in_parts() -> None:
    lines = ["Traceback (most recent call last):"] + ["  File x"] * 5000 + ["E: database is locked"]
    assert len(list(events(lines))) <= 1  # and it ends


def test_nothing_comes_of_nothing() -> None:
    assert list(events([])) == []
    assert list(events(["", "  ", "\n"])) == []


def test_a_message_and_what_was_raised_from_it_are_one_event() -> None:
    second = TRACEBACK.format(last="sqlalchemy.exc.OperationalError: (x) connection refused")
    log = (
        'psycopg2.OperationalError: connection to server at "h" (10.0.0.1), port 5432 failed: Connection refused\n'
        "\tIs the server running on that host and accepting TCP/IP connections?\n\n\n"
        "The above exception was the direct cause of the following exception:\n\n"
        f"{second}INFO going on\n"
    )
    assert read(log) == [(1, "connection_refused")]


def test_lines_of_several_containers_are_not_mixed_up() -> None:
    log = (
        "api-1  | Traceback (most recent call last):\n"
        "db-1   | 2026-11-23 10:00:00 UTC [7] ERROR:  deadlock detected\n"
        'api-1  |   File "/app/main.py", line 3, in main\n'
        "db-1   | 2026-11-23 10:00:00 UTC [7] DETAIL:  Process 7 waits for ShareLock\n"
        "cache-1 | Ready to accept connections\n"
        "api-1  | ConnectionRefusedError: [Errno 111] Connect call failed ('127.0.0.1', 5432)\n"
    )
    assert read(log) == [(1, "localhost_in_container"), (2, "deadlock")]  # in the order of lines


def test_what_a_container_wrote_is_explained_for_a_container() -> None:
    line = 'api-1 | connection to server at "db" (10.0.0.5), port 5432 failed: Connection refused'
    (event,) = events([line])
    assert event.facts == {"host": "db", "port": "5432", "container": "yes"}
    assert any(
        "docker compose up -d db" in step
        for step in render("connection_refused", event.facts).steps
    )


def test_endless_names_of_containers_take_bounded_memory() -> None:
    lines = (f"c-{number} | FATAL:  the database system is starting up" for number in range(1000))
    assert len(list(events(lines))) == 1000
