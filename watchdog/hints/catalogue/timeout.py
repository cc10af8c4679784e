"""A deadline of ours passed, and nobody said why.

Owns: the entries of the family ``timeout``.
"""

# ruff: noqa: E501 - patterns and commands stay on one line

from __future__ import annotations

from watchdog.hints.entry import POSTGRESQL, Entry, Family, Rule, Severity, Text
from watchdog.model import Kind, Phase

FAMILY = Family(
    Kind.TIMEOUT,
    (
        Entry(
            "server_not_answering",
            POSTGRESQL + "monitoring-stats.html",
            Severity.CRITICAL,
            en=Text(
                "The server takes the connection, but does not answer",
                "{server|The server} accepted us and then fell silent: it is frozen, starved of CPU, memory or disk, or everything waits for one lock.",
                (
                    "Does it answer you? `psql -h {host|HOST} -p {port|5432} -U {user|USER} -d {database|DATABASE} -c 'SELECT 1'`",
                    "Look at its machine: `uptime`, `free -m`, `iostat -x 1 3`, `ps axo pid,stat,wchan:32,cmd | grep postgres`; in Docker `docker stats --no-stream` and `docker compose ps` (paused?)",
                    "If a session gets in: `SELECT pid, state, wait_event_type, wait_event, now() - query_start AS runs, query FROM pg_stat_activity WHERE state <> 'idle' ORDER BY runs DESC;`",
                ),
            ),
            ru=Text(
                "Сервер принимает подключение, но не отвечает",
                "{server|Сервер} принял нас и замолчал: завис, не хватает процессора, памяти или диска либо всё ждёт одной блокировки.",
                (
                    "А вам отвечает? `psql -h {host|HOST} -p {port|5432} -U {user|USER} -d {database|DATABASE} -c 'SELECT 1'`",
                    "Посмотрите на его машину: `uptime`, `free -m`, `iostat -x 1 3`, `ps axo pid,stat,wchan:32,cmd | grep postgres`; в Docker `docker stats --no-stream` и `docker compose ps` (не paused ли?)",
                    "Если сеанс открылся: `SELECT pid, state, wait_event_type, wait_event, now() - query_start AS runs, query FROM pg_stat_activity WHERE state <> 'idle' ORDER BY runs DESC;`",
                ),
            ),
            rules=(
                Rule(
                    exceptions="TimeoutError",
                    phases=(Phase.TLS, Phase.AUTHENTICATE, Phase.QUERY),
                    engine="postgresql",
                ),
            ),
        ),
    ),
)
