"""There is no connection left.

Owns: the entries of the family ``capacity``.
"""

# ruff: noqa: E501 - patterns and commands stay on one line

from __future__ import annotations

from watchdog.hints.entry import (
    POSTGRESQL,
    Entry,
    Family,
    Needs,
    Rule,
    Severity,
    Text,
    Wording,
)
from watchdog.model import Kind

FAMILY = Family(
    Kind.CAPACITY,
    (
        Entry(
            "too_many_connections",
            POSTGRESQL + "runtime-config-connection.html#GUC-MAX-CONNECTIONS",
            Severity.CRITICAL,
            en=Text(
                "All connections of the server are taken",
                "{server|The server} has reached max_connections; nobody else gets in, and"
                " usually some client leaks connections.",
                (
                    "Most are held: {holders}. Begin there",
                    (
                        "Who holds them? `SELECT application_name, usename, client_addr, state, count(*)"
                        " FROM pg_stat_activity GROUP BY 1, 2, 3, 4 ORDER BY 5 DESC;`"
                    ),
                    (
                        "Nobody gets in? Superusers have slots of their own:"
                        " `docker compose exec {service|postgres} psql -U postgres` or `sudo -u postgres psql`"
                    ),
                    (
                        "Free what idles: `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE"
                        " state = 'idle' AND state_change < now() - interval '10 minutes';`"
                    ),
                    (
                        "Restart the client that leaks, make its pool smaller, or put PgBouncer in front;"
                        " only then raise `max_connections` (needs a restart and memory)"
                    ),
                ),
            ),
            ru=Text(
                "Все подключения сервера заняты",
                "{server|Сервер} упёрся в max_connections: больше никто не войдёт. Обычно"
                " подключения копит какой-то один клиент.",
                (
                    "Больше всего занято: {holders}. Начните с них",
                    (
                        "Кто их держит? `SELECT application_name, usename, client_addr, state, count(*)"
                        " FROM pg_stat_activity GROUP BY 1, 2, 3, 4 ORDER BY 5 DESC;`"
                    ),
                    (
                        "Никого не пускает? У суперпользователя есть свои места:"
                        " `docker compose exec {service|postgres} psql -U postgres` или `sudo -u postgres psql`"
                    ),
                    (
                        "Освободите простаивающие: `SELECT pg_terminate_backend(pid) FROM"
                        " pg_stat_activity WHERE state = 'idle' AND state_change < now() - interval"
                        " '10 minutes';`"
                    ),
                    (
                        "Перезапустите того, кто их копит, уменьшите его пул или поставьте PgBouncer;"
                        " и только потом увеличивайте `max_connections` (нужны перезапуск и память)"
                    ),
                ),
            ),
            rules=(
                Rule("53300", confidence=0.85),
                Rule(
                    "53300",
                    routines="InitProcess InitPostgres ProcArrayAdd InitAuxiliaryProcess",
                    confidence=0.97,
                ),
                Rule(exceptions="TooManyConnectionsError TooManyConnections", confidence=0.85),
            ),
            wordings=(
                Wording("too many clients already", confidence=0.97),
                Wording("remaining connection slots are reserved", confidence=0.97),
                Wording("number of requested standby connections exceeds", confidence=0.6),
                Wording("p2037", r"\bp2037\b", confidence=0.9),
                Wording("too many database connections opened", confidence=0.93),
            ),
        ),
        Entry(
            "connection_limit_role_db",
            POSTGRESQL + "sql-alterrole.html",
            Severity.CRITICAL,
            en=Text(
                "The connection limit of the role or database is reached",
                "The server has room, but {user|the role} or {database|the database} has a CONNECTION"
                " LIMIT of its own and it is used up.",
                (
                    (
                        "How many are there? `SELECT usename, datname, state, count(*) FROM"
                        " pg_stat_activity GROUP BY 1, 2, 3 ORDER BY 4 DESC;`"
                    ),
                    (
                        "Close what is not needed, or raise the limit:"
                        ' `ALTER ROLE "{user|USER}" CONNECTION LIMIT 20;`'
                    ),
                    (
                        "For the database:"
                        ' `ALTER DATABASE "{database|DATABASE}" CONNECTION LIMIT 100;` (-1 is none)'
                    ),
                ),
            ),
            ru=Text(
                "Исчерпан лимит подключений роли или базы",
                "На сервере место есть, но у {user|роли} или {database|базы} задан свой CONNECTION"
                " LIMIT, и он выбран.",
                (
                    (
                        "Сколько их сейчас? `SELECT usename, datname, state, count(*) FROM"
                        " pg_stat_activity GROUP BY 1, 2, 3 ORDER BY 4 DESC;`"
                    ),
                    (
                        "Закройте лишние или поднимите лимит:"
                        ' `ALTER ROLE "{user|USER}" CONNECTION LIMIT 20;`'
                    ),
                    (
                        'Для базы: `ALTER DATABASE "{database|DATABASE}" CONNECTION LIMIT 100;`'
                        " (-1 — без лимита)"
                    ),
                ),
            ),
            rules=(
                Rule("53300", routines="InitializeSessionUserId CheckMyDatabase", confidence=0.98),
                Rule("53300", confidence=0.3),
            ),
            wordings=(
                Wording("too many connections for role", confidence=0.98),
                Wording("too many connections for database", confidence=0.98),
            ),
        ),
        Entry(
            "client_pool_exhausted",
            "https://docs.sqlalchemy.org/en/20/errors.html#error-3o7r",
            Severity.WARNING,
            en=Text(
                "The client's own pool is empty",
                "The server is fine: the application waited for a connection of its own pool. Some"
                " code keeps connections, or the pool is too small for the load.",
                (
                    (
                        "Look for code that does not give connections back (no `with`, no `close()`),"
                        " or holds them across slow work such as HTTP calls"
                    ),
                    (
                        "Which ones hang? `SELECT pid, state, now() - state_change AS since, query FROM"
                        " pg_stat_activity WHERE state <> 'active' ORDER BY since DESC;`"
                    ),
                    (
                        "Only then enlarge the pool (`pool_size`, `max_overflow`), keeping the sum over"
                        " all processes below `max_connections`"
                    ),
                ),
            ),
            ru=Text(
                "У приложения кончился собственный пул",
                "С сервером всё в порядке: приложение не дождалось соединения из своего пула. Код"
                " где-то не возвращает соединения, либо пул мал для нагрузки.",
                (
                    (
                        "Найдите код, который не возвращает соединения (нет `with`, нет `close()`) или"
                        " держит их во время долгой работы, например запросов по HTTP"
                    ),
                    (
                        "Какие висят? `SELECT pid, state, now() - state_change AS since, query FROM"
                        " pg_stat_activity WHERE state <> 'active' ORDER BY since DESC;`"
                    ),
                    (
                        "Только потом увеличивайте пул (`pool_size`, `max_overflow`), чтобы сумма по всем"
                        " процессам оставалась ниже `max_connections`"
                    ),
                ),
            ),
            wordings=(
                Wording("could not obtain a connection from the pool within", confidence=0.97),
                Wording("all pooled connections were in use", confidence=0.97),
                Wording("queuepool limit", confidence=0.97),
                Wording("connection pool exhausted", confidence=0.95),
                Wording("couldn't get a connection after", confidence=0.95),
                Wording("connection is not available, request timed out after", confidence=0.95),
                Wording("the connection pool has been exhausted", confidence=0.95),
                Wording(
                    "timed out fetching a new connection from the connection pool", confidence=0.97
                ),
                Wording("remaining connection slots are used by the pool", confidence=0.8),
                Wording("resourcerequest timed out", confidence=0.7),
                Wording("timeout acquiring a connection", r"knex|pool", 0.95),
                Wording("timeout exceeded when trying to connect", confidence=0.9),
                Wording("could not obtain a database connection within", confidence=0.95),
                Wording("pool timed out while waiting for an open connection", confidence=0.97),
                Wording("pooltimeout", r"psycopg|couldn't get a connection", 0.9),
                Wording("sequelizeconnectionacquiretimeouterror", confidence=0.97),
                Wording(
                    "request was dropped from queue", r"connection not available", confidence=0.97
                ),
                Wording(
                    "connection not available and request was dropped from queue", confidence=0.97
                ),
                Wording("unable to fetch a connection in", confidence=0.97),
                Wording("cannot get a connection, pool error", confidence=0.97),
                Wording("timeout waiting for idle object", confidence=0.9),
                Wording(
                    "timed out waiting for connection",
                    r"deadpool|r2d2|bb8|mobc|pool",
                    confidence=0.95,
                ),
                Wording("timeout(wait)", confidence=0.8, needs=Needs.POSTGRESQL),
                Wording("connection pool is full", confidence=0.9, needs=Needs.POSTGRESQL),
                Wording("timeout waiting for a connection from the pool", confidence=0.93),
                Wording("pool exhausted", confidence=0.85, needs=Needs.POSTGRESQL),
                Wording("poolexhaustedexception", confidence=0.95),
                Wording(
                    "acquiring connection from pool",
                    r"timeout|timed out",
                    confidence=0.9,
                    needs=Needs.POSTGRESQL,
                ),
                Wording(
                    "asyncpg/pool.py",
                    r"asyncpg/pool\.py[\s\S]{0,3000}timeouterror|timeouterror[\s\S]{0,300}asyncpg/pool\.py",
                    confidence=0.92,
                ),
                Wording("pool.acquire", r"timed? ?out", confidence=0.85, needs=Needs.POSTGRESQL),
                Wording("p2024", r"\bp2024\b", confidence=0.9),
                Wording("waiting to acquire a resource", confidence=0.95),
                Wording("connection acquisition timed out", confidence=0.95),
                Wording("acquisition timeout", confidence=0.9),
                Wording("waiting for a free connection", confidence=0.85),
                Wording(
                    "acquire connection",
                    r"(?:time(?:d )?out|timeout)[^\n]{0,60}acquire connection|acquire connection[^\n]{0,60}(?:timed out|timeout)",
                    confidence=0.9,
                    needs=Needs.POSTGRESQL,
                ),
            ),
        ),
    ),
)
