"""How many lines of a log ``explain -`` reads in a second on one core.

Prints the figure for ordinary lines and for a log with troubles in it, beside
the floor: reading the same lines and making them lower case.

    python benchmarks/explain_lines.py [LINES]
"""

# ruff: noqa: E501 - lines of a log stay as they are

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable, Iterable

from watchdog.hints.events import events

ORDINARY = (
    "2026-11-23 05:12:44.123 UTC [3121] LOG:  checkpoint complete: wrote 312 buffers (1.9%); 0 WAL file(s) added, 0 removed, 1 recycled; write=31.2 s, sync=0.004 s",
    "2026-11-23 05:12:45.003 UTC [3122] app@agent_runtime LOG:  connection authorized: user=app database=agent_runtime application_name=api",
    "2026-11-23 05:12:45.120 UTC [3122] app@agent_runtime LOG:  duration: 1203.120 ms  statement: SELECT id, payload FROM events WHERE created_at > now() - interval '1 day' ORDER BY id",
    'agent-runtime-1  | INFO:     10.0.0.3:51322 - "GET /api/v1/sessions/42 HTTP/1.1" 200 OK',
    '{"level":"info","ts":"2026-11-23T05:12:45Z","logger":"worker","msg":"job done","job":"sync","took_ms":132,"rows":210}',
)
TROUBLES = (
    '2026-11-23 05:12:46.001 UTC [3123] FATAL:  password authentication failed for user "codelab"',
    '2026-11-23 05:12:46.001 UTC [3123] DETAIL:  Connection matched file "/etc/postgresql/pg_hba.conf" line 100',
    "2026-11-23 05:12:46.001 UTC [77] sqlite3.OperationalError: database is locked",
    '2026-11-23 05:12:46.001 UTC [78] connection to server at "db" (10.0.0.5), port 5432 failed: Connection refused',
    '2026-11-23 05:12:46.001 UTC [79] ERROR:  relation "users" does not exist at character 15',
    "2026-11-23 05:12:46.001 UTC [79] STATEMENT:  SELECT * FROM users",
    "2026-11-23 05:12:46.001 UTC [80] FATAL:  sorry, too many clients already",
    '2026-11-23 05:12:46.001 UTC [81] ВАЖНО:  база данных "app" не существует',
)


def lines_a_second(work: Callable[[Iterable[str]], object], lines: list[str]) -> float:
    """Return the best of three runs, in lines per second of processor time."""
    text = "\n".join(lines)
    best = 0.0
    for _ in range(3):
        started = time.process_time()
        work(io.StringIO(text))
        best = max(best, len(lines) / (time.process_time() - started))
    return best


def lower_all(lines: Iterable[str]) -> int:
    return sum(len(line.lower()) for line in lines)


def explain_all(lines: Iterable[str]) -> int:
    return sum(1 for _ in events(lines))


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    ordinary = [ORDINARY[number % len(ORDINARY)] for number in range(count)]
    troubled = [
        TROUBLES[number // 10 % len(TROUBLES)] if number % 10 == 9 else line
        for number, line in enumerate(ordinary)
    ]
    floor = lines_a_second(lower_all, ordinary)
    print(f"floor (read, lower case)   {floor:12,.0f} lines/s")
    nothing_else = [
        f"2026-11-23 05:12:{number % 60:02}.{number % 1000:03} UTC [{number}] "
        + TROUBLES[number % len(TROUBLES)].partition("] ")[2]
        for number in range(count)
    ]
    logs = (
        ("no trouble", ordinary),
        ("every tenth a trouble", troubled),
        ("nothing but troubles", nothing_else),
    )
    for name, lines in logs:
        speed = lines_a_second(explain_all, lines)
        print(f"explain, {name:<22}{speed:8,.0f} lines/s   {floor / speed:6.1f} x the floor")


if __name__ == "__main__":
    main()
