"""``db-watchdog explain`` as its user meets it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.support.daemon import ROOT

LOG = """\
2026-11-23 10:00:00.000 UTC [1] LOG:  database system is ready to accept connections
2026-11-23 10:00:05.000 UTC [7] FATAL:  password authentication failed for user "codelab"
2026-11-23 10:00:05.000 UTC [7] DETAIL:  Role "codelab" does not exist.
redis.exceptions.ConnectionError: Error 111 connecting to localhost:6379. Connection refused.
2026-11-23 10:00:09.000 UTC [8] FATAL:  sorry, too many clients already
2026-11-23 10:00:10.000 UTC [9] FATAL:  sorry, too many clients already
"""


def explain(
    *arguments: str, stdin: str | bytes = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG"))
    }
    raw = stdin.encode() if isinstance(stdin, str) else stdin
    done = subprocess.run(
        [sys.executable, "-m", "watchdog", "explain", *arguments],
        input=raw,
        capture_output=True,
        env={**clean, "PYTHONIOENCODING": "utf-8", **environment},
        timeout=60,
        check=False,
    )
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )


@pytest.mark.parametrize(
    ("given", "cause"),
    [
        ("28P01", "auth_failed"),
        ("53300", "too_many_connections"),
        ("SQLITE_BUSY", "sqlite_busy"),
        ("5", "sqlite_busy"),
        ("261", "sqlite_busy"),
        ("ECONNREFUSED", "connection_refused"),
        ("auth_failed", "auth_failed"),
        ("--code=rpo_missed", "rpo_missed"),
        ('FATAL:  database "app" does not exist', "database_missing"),
        # As people type them, without the name that the server gave.
        ("could not connect to server", "connection_refused"),
        ("database does not exist", "database_missing"),
        ("too many clients", "too_many_connections"),
        ("No space left on device", "disk_full"),
        ("relation does not exist", "postgres_no_such_table"),
        ("Ошибка: password authentication failed", "auth_failed"),
        ("sqlite3.OperationalError: database is locked", "sqlite_busy"),
    ],
)
def test_codes_ids_and_texts_are_explained_as_json(given: str, cause: str) -> None:
    done = explain(given, "--json")
    assert done.returncode == 0, done.stderr
    first = json.loads(done.stdout)["hints"][0]
    assert first["id"] == cause
    assert set(first) >= {"id", "title", "cause", "steps", "documentation", "confidence"}
    assert 0 < first["confidence"] <= 1
    assert first["steps"]


def test_best_first_with_all_that_it_may_be() -> None:
    hints = json.loads(explain("28P01", "--json").stdout)["hints"]
    assert [hint["id"] for hint in hints][:2] == ["auth_failed", "role_missing"]
    assert hints[0]["confidence"] > hints[1]["confidence"]


def test_the_names_of_the_text_are_in_the_steps() -> None:
    done = explain('connection to server at "db7" (10.0.0.5), port 5433 failed: Connection refused')
    assert done.returncode == 0
    assert "pg_isready -h db7 -p 5433" in done.stdout


def test_no_hint_is_exit_one() -> None:
    done = explain("hello world", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout) == {"hints": []}
    done = explain("hello world")
    assert done.returncode == 1
    assert done.stdout == ""
    assert "no hint" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("--lang", "xx", "28P01"),
        ("--engine", "oracle", "28P01"),
        ("x", "--code", "?!"),
        ("/no/such.log",),
    ],
)
def test_wrong_usage_is_exit_two(arguments: tuple[str, ...]) -> None:
    done = explain(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr


def test_a_code_beside_a_text_decides() -> None:
    done = explain("система баз данных останавливается", "--code", "57P03", "--json")
    assert json.loads(done.stdout)["hints"][0]["id"] == "shutting_down"


def test_the_engine_is_context() -> None:
    assert explain("Connection refused").returncode == 1
    done = explain("Connection refused", "--engine", "postgresql", "--json")
    assert json.loads(done.stdout)["hints"][0]["id"] == "connection_refused"


@pytest.mark.parametrize(
    ("arguments", "environment", "russian"),
    [
        ((), {}, False),
        (("--lang", "ru"), {}, True),
        ((), {"LANG": "ru_RU.UTF-8"}, True),
        ((), {"LC_MESSAGES": "ru_RU.UTF-8", "LANG": "en_US.UTF-8"}, True),
        ((), {"DB_WATCHDOG_LANGUAGE": "ru"}, True),
        (("--lang", "en"), {"LANG": "ru_RU.UTF-8"}, False),
        ((), {"LANG": "de_DE.UTF-8"}, False),
    ],
)
def test_the_language_is_the_readers(
    arguments: tuple[str, ...], environment: dict[str, str], russian: bool
) -> None:
    done = explain("28P01", *arguments, **environment)
    assert ("Неверный пароль" in done.stdout) is russian


def test_a_log_is_answered_line_by_line() -> None:
    done = explain("-", "--json", stdin=LOG)
    assert done.returncode == 0
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(one["line"], one["hint"]) for one in found] == [
        (2, "role_missing"),
        (5, "too_many_connections"),
        (6, "too_many_connections"),
    ]
    assert "auth_failed" in found[0]["alternatives"]
    assert all(set(one) >= {"line", "hint", "alternatives", "title", "steps"} for one in found)
    assert 'CREATE ROLE "codelab" LOGIN' in " ".join(found[0]["steps"])


def test_a_log_file_is_read_too(tmp_path: Path) -> None:
    log = tmp_path / "postgresql.log"
    log.write_text(LOG)
    assert explain(str(log), "--json").stdout == explain("-", "--json", stdin=LOG).stdout


def test_the_summary_counts_by_cause() -> None:
    done = explain("-", "--summary", stdin=LOG)
    assert done.returncode == 0
    assert done.stdout.index("[too_many_connections]") < done.stdout.index("[role_missing]")
    assert (
        "2 times, lines 5 to 6, 2026-11-23 10:00:09.000 UTC – 2026-11-23 10:00:10.000 UTC"
        in done.stdout
    )
    assert "max_connections" in done.stdout


def test_a_quiet_log_is_exit_one() -> None:
    done = explain("-", "--json", stdin="all is well\n")
    assert (done.returncode, done.stdout) == (1, "")
    assert explain("-", "--summary", stdin="").returncode == 1


def test_bytes_that_are_no_text_do_not_stop_it() -> None:
    done = explain(
        "-", "--json", stdin=b"\xff\xfe\x00 x\nFATAL:  the database system is starting up\n"
    )
    assert json.loads(done.stdout)["hint"] == "starting_up"


def test_without_an_argument_all_hints_are_listed() -> None:
    done = explain(COLUMNS="200")
    assert done.returncode == 0
    assert "connection_refused" in done.stdout
    assert "sqlite_slow_in_docker" in done.stdout
    listed = json.loads(explain("--json").stdout)["hints"]
    assert len(listed) > 100


def test_a_password_in_the_text_is_not_said_again() -> None:
    done = explain("connecting to postgresql://app:hunter2secret@db:5432/app: connection refused")
    assert done.returncode == 0
    assert "hunter2secret" not in done.stdout + done.stderr
    assert "hunter2secret" not in explain("what is postgresql://app:hunter2secret@db/app").stderr


def test_no_configuration_is_read(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text("][")
    assert explain("28P01", DB_WATCHDOG_CONFIG=str(broken)).returncode == 0


def test_an_endless_line_is_cut_and_counted_once() -> None:
    log = "x" * 3_000_000 + "\n" + "FATAL:  the database system is starting up"
    done = explain("-", "--json", stdin=log)
    assert json.loads(done.stdout)["line"] == 2


def test_a_reader_that_has_gone_ends_it_quietly(tmp_path: Path) -> None:
    causes = [
        'FATAL:  database "app" does not exist',
        'FATAL:  role "app" does not exist',
        "FATAL:  sorry, too many clients already",
        'FATAL:  password authentication failed for user "codelab"',
    ]
    log = tmp_path / "app.log"
    log.write_text("\n".join(causes * 20) + "\n")
    done = subprocess.run(
        ["bash", "-c", '"$0" -m watchdog explain --summary app.log | head -n 1', sys.executable],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == b""
    assert done.stdout.count(b"\n") == 1


def test_a_pipe_and_a_device_are_read_as_a_file_is(tmp_path: Path) -> None:
    fifo = tmp_path / "ff"
    os.mkfifo(fifo)
    writer = threading.Thread(target=lambda: fifo.write_text(LOG), daemon=True)
    writer.start()
    done = explain(str(fifo))
    assert json.loads(done.stdout.splitlines()[0])["hint"] == "role_missing"
    done = explain("/dev/null")
    assert (done.returncode, done.stdout) == (1, "")
    assert "0 lines read" in explain("/dev/null", "--summary").stderr
    assert "Is a directory" in explain(str(tmp_path)).stderr
