"""A statement was stopped.

Owns: the entries of the family ``query``.
"""

# ruff: noqa: E501 - patterns and commands stay on one line

from __future__ import annotations

from watchdog.hints.entry import POSTGRESQL, Entry, Family, Rule, Severity, Text, Wording
from watchdog.model import Kind

FAMILY = Family(
    Kind.QUERY,
    (
        Entry(
            "statement_timeout",
            POSTGRESQL + "runtime-config-client.html#GUC-STATEMENT-TIMEOUT",
            Severity.WARNING,
            en=Text(
                "A statement ran into statement_timeout",
                "It took longer on {server|the server} than it may: it is slow, or it waited for a lock.",
                (
                    "What is slow or blocked right now? `SELECT pid, wait_event_type, now() - query_start AS runs, pg_blocking_pids(pid), query FROM pg_stat_activity WHERE state = 'active' ORDER BY runs DESC;`",
                    "Look at its plan: `EXPLAIN (ANALYZE, BUFFERS) …`; are statistics fresh (`ANALYZE`), is an index missing?",
                    "Raise the limit for this role alone, and only if the time is right: `ALTER ROLE \"{user|USER}\" SET statement_timeout = '60s';`",
                ),
            ),
            ru=Text(
                "Оператор упёрся в statement_timeout",
                "Он выполнялся на {server|сервере} дольше дозволенного: медленный или ждал блокировку.",
                (
                    "Что сейчас тормозит или ждёт? `SELECT pid, wait_event_type, now() - query_start AS runs, pg_blocking_pids(pid), query FROM pg_stat_activity WHERE state = 'active' ORDER BY runs DESC;`",
                    "Посмотрите план: `EXPLAIN (ANALYZE, BUFFERS) …`; свежа ли статистика (`ANALYZE`), не нужен ли индекс?",
                    "Поднимайте предел только этой роли и только если такое время оправдано: `ALTER ROLE \"{user|USER}\" SET statement_timeout = '60s';`",
                ),
            ),
            rules=(
                Rule("57014", confidence=0.6),
                Rule("25P04", confidence=0.85),
                Rule(exceptions="QueryCanceledError QueryCanceled", confidence=0.6),
            ),
            wordings=(
                Wording("canceling statement due to statement timeout", confidence=0.95),
                Wording("terminating connection due to transaction timeout", confidence=0.9),
                Wording("query read timeout", confidence=0.8),
                Wording("timeout during reading attempt", confidence=0.75),
            ),
        ),
        Entry(
            "lock_timeout",
            POSTGRESQL + "runtime-config-client.html#GUC-LOCK-TIMEOUT",
            Severity.WARNING,
            en=Text(
                "A lock was not to be had in time",
                "Another session on {server|the server} holds what this statement needs.",
                (
                    "{blocker} stands in the way: let it commit, or `SELECT pg_terminate_backend({pid});`",
                    "Who stands in the way? `SELECT a.pid, pg_blocking_pids(a.pid) AS blocked_by, a.query FROM pg_stat_activity a WHERE cardinality(pg_blocking_pids(a.pid)) > 0;`",
                    "What does the blocker do? `SELECT pid, usename, application_name, state, xact_start, query FROM pg_stat_activity WHERE pid = BLOCKER;`",
                    "Let it commit, or end it: `SELECT pg_terminate_backend(BLOCKER);`; run schema changes when no long transaction is open",
                ),
            ),
            ru=Text(
                "Блокировку не удалось получить вовремя",
                "Нужное этому оператору держит другой сеанс на {server|сервере}.",
                (
                    "Мешает {blocker}: дайте завершить транзакцию или `SELECT pg_terminate_backend({pid});`",
                    "Кто мешает? `SELECT a.pid, pg_blocking_pids(a.pid) AS blocked_by, a.query FROM pg_stat_activity a WHERE cardinality(pg_blocking_pids(a.pid)) > 0;`",
                    "Чем он занят? `SELECT pid, usename, application_name, state, xact_start, query FROM pg_stat_activity WHERE pid = BLOCKER;`",
                    "Дайте ему завершить транзакцию или оборвите: `SELECT pg_terminate_backend(BLOCKER);`; меняйте схему, когда нет долгих транзакций",
                ),
            ),
            rules=(
                Rule("55P03"),
                Rule(exceptions="LockNotAvailableError LockNotAvailable"),
            ),
            wordings=(
                Wording("canceling statement due to lock timeout", confidence=0.96),
                Wording("could not obtain lock on", confidence=0.9),
                Wording("canceling statement due to statement timeout", r"lock table", 0.97),
                Wording("still waiting for", r"process \d+ still waiting for \w+lock", 0.75),
            ),
        ),
        Entry(
            "idle_in_transaction_timeout",
            POSTGRESQL + "runtime-config-client.html#GUC-IDLE-IN-TRANSACTION-SESSION-TIMEOUT",
            Severity.WARNING,
            en=Text(
                "A session idled inside a transaction and was ended",
                "The client began a transaction, then did something else for longer than idle_in_transaction_session_timeout.",
                (
                    "Find the code that keeps transactions open across waiting: HTTP calls, user input, a missing commit after a SELECT",
                    "Which sessions do it now? `SELECT pid, application_name, now() - xact_start AS open, query FROM pg_stat_activity WHERE state LIKE 'idle in transaction%' ORDER BY open DESC;`",
                    "Raise the limit only for a tool that has to wait: `SET idle_in_transaction_session_timeout = 0;`",
                ),
            ),
            ru=Text(
                "Сеанс простаивал внутри транзакции и был завершён",
                "Клиент начал транзакцию и занялся другим дольше, чем позволяет idle_in_transaction_session_timeout.",
                (
                    "Найдите код, который держит транзакцию открытой во время ожидания: запросы по HTTP, ввод пользователя, забытый commit после SELECT",
                    "Какие сеансы делают это сейчас? `SELECT pid, application_name, now() - xact_start AS open, query FROM pg_stat_activity WHERE state LIKE 'idle in transaction%' ORDER BY open DESC;`",
                    "Снимайте предел только тому, кому положено ждать: `SET idle_in_transaction_session_timeout = 0;`",
                ),
            ),
            rules=(
                Rule("25P03", confidence=0.97),
                Rule(
                    exceptions="IdleInTransactionSessionTimeoutError IdleInTransactionSessionTimeout",
                    confidence=0.97,
                ),
            ),
            wordings=(
                Wording("due to idle-in-transaction timeout", confidence=0.97),
                Wording("idle transaction timeout", confidence=0.7),
            ),
        ),
        Entry(
            "query_cancelled",
            POSTGRESQL + "functions-admin.html#FUNCTIONS-ADMIN-SIGNAL",
            Severity.INFO,
            en=Text(
                "Somebody cancelled the query",
                "A cancel request came: from a person, from pg_cancel_backend, or from the client's own timeout.",
                (
                    "Does the client have a timeout of its own (asyncpg `command_timeout`, JDBC `queryTimeout`, a web framework's)? That is the usual one",
                    "Who calls pg_cancel_backend? `journalctl -u postgresql | grep -B1 -A3 'due to user request'`",
                    "Was the query slow? Look for what runs long: `SELECT pid, now() - query_start AS runs, query FROM pg_stat_activity WHERE state = 'active' ORDER BY runs DESC;`",
                ),
            ),
            ru=Text(
                "Запрос кто-то отменил",
                "Пришла команда отмены: от человека, из pg_cancel_backend или по собственному тайм-ауту клиента.",
                (
                    "Есть ли свой тайм-аут у клиента (`command_timeout` в asyncpg, `queryTimeout` в JDBC, у веб-фреймворка)? Обычно дело в нём",
                    "Кто зовёт pg_cancel_backend? `journalctl -u postgresql | grep -B1 -A3 'due to user request'`",
                    "Запрос был медленным? Посмотрите, что идёт долго: `SELECT pid, now() - query_start AS runs, query FROM pg_stat_activity WHERE state = 'active' ORDER BY runs DESC;`",
                ),
            ),
            rules=(Rule("57014", confidence=0.45),),
            wordings=(Wording("canceling statement due to user request", confidence=0.95),),
        ),
        Entry(
            "deadlock",
            POSTGRESQL + "explicit-locking.html#LOCKING-DEADLOCKS",
            Severity.WARNING,
            en=Text(
                "Two transactions waited for each other",
                "Each held what the other wanted; the server ended one of them. Running that one again is safe.",
                (
                    "Which statements met? The server's log has both behind `DETAIL:` and `CONTEXT:`: `docker compose logs {service|postgres} | grep -A8 'deadlock detected'`",
                    "Let all code lock rows in one order (`SELECT … ORDER BY id FOR UPDATE`), in short transactions",
                    "Repeat the transaction that was ended (SQLSTATE 40P01)",
                ),
            ),
            ru=Text(
                "Две транзакции ждали друг друга",
                "Каждая держала то, что нужно другой; сервер оборвал одну из них. Её можно смело повторить.",
                (
                    "Какие операторы столкнулись? Оба есть в журнале сервера после `DETAIL:` и `CONTEXT:`: `docker compose logs {service|postgres} | grep -A8 'deadlock detected'`",
                    "Блокируйте строки везде в одном порядке (`SELECT … ORDER BY id FOR UPDATE`) и в коротких транзакциях",
                    "Повторите оборванную транзакцию (SQLSTATE 40P01)",
                ),
            ),
            rules=(
                Rule("40P01"),
                Rule(exceptions="DeadlockDetectedError DeadlockDetected"),
            ),
            wordings=(
                Wording("deadlock detected", confidence=0.96),
                Wording("write conflict or a deadlock", confidence=0.85),
            ),
        ),
        Entry(
            "long_transaction",
            POSTGRESQL + "monitoring-stats.html#MONITORING-PG-STAT-ACTIVITY-VIEW",
            Severity.WARNING,
            en=Text(
                "A transaction has been open for too long",
                "A session of {server|the server} keeps its transaction open. As long as it does, no dead row anywhere is cleaned, tables swell, and its locks stay.",
                (
                    "Which one? `SELECT pid, usename, application_name, state, now() - xact_start AS age FROM pg_stat_activity WHERE xact_start IS NOT NULL ORDER BY xact_start LIMIT 5;`",
                    "Ask whose it is; if nobody needs it: `SELECT pg_terminate_backend({pid|PID});`",
                    "So that it does not come again: `ALTER ROLE … SET idle_in_transaction_session_timeout = '5min';`, and let the application commit before it waits for anything",
                ),
            ),
            ru=Text(
                "Транзакция открыта слишком долго",
                "Сеанс на {server|сервере} держит транзакцию открытой. Пока это так, мёртвые строки нигде не вычищаются, таблицы пухнут, а её блокировки остаются.",
                (
                    "Какая? `SELECT pid, usename, application_name, state, now() - xact_start AS age FROM pg_stat_activity WHERE xact_start IS NOT NULL ORDER BY xact_start LIMIT 5;`",
                    "Узнайте, чья она; если никому не нужна: `SELECT pg_terminate_backend({pid|PID});`",
                    "Чтобы не повторилось: `ALTER ROLE … SET idle_in_transaction_session_timeout = '5min';`, и пусть приложение фиксирует транзакцию, прежде чем чего-то ждать",
                ),
            ),
        ),
        Entry(
            "sessions_blocked",
            POSTGRESQL + "view-pg-locks.html",
            Severity.WARNING,
            en=Text(
                "Sessions wait for a lock that another one holds",
                "On {server|the server} sessions stand in a queue behind a lock. Whoever holds it works long, has forgotten to commit, or waits itself.",
                (
                    "Who waits for whom? `SELECT pid, pg_blocking_pids(pid) AS behind, wait_event, left(query, 60) FROM pg_stat_activity WHERE cardinality(pg_blocking_pids(pid)) > 0;`",
                    "End the one at the head of the queue if it is idle: `SELECT pg_terminate_backend({pid|PID});`; let a migration or a VACUUM FULL finish, or cancel it: `SELECT pg_cancel_backend({pid|PID});`",
                    "Give migrations a `SET lock_timeout = '2s';` and repeat them, so that nobody queues behind them",
                ),
            ),
            ru=Text(
                "Сеансы ждут блокировку, которую держит другой",
                "На {server|сервере} сеансы стоят в очереди за блокировкой. Тот, кто её держит, долго работает, забыл зафиксировать транзакцию или сам чего-то ждёт.",
                (
                    "Кто кого ждёт? `SELECT pid, pg_blocking_pids(pid) AS behind, wait_event, left(query, 60) FROM pg_stat_activity WHERE cardinality(pg_blocking_pids(pid)) > 0;`",
                    "Завершите первого в очереди, если он бездействует: `SELECT pg_terminate_backend({pid|PID});`; миграции или VACUUM FULL дайте закончить либо отмените: `SELECT pg_cancel_backend({pid|PID});`",
                    "В миграциях пишите `SET lock_timeout = '2s';` и повторяйте их, чтобы никто не вставал за ними в очередь",
                ),
            ),
        ),
        Entry(
            "forgotten_prepared_transaction",
            POSTGRESQL + "sql-prepare-transaction.html",
            Severity.WARNING,
            en=Text(
                "A prepared transaction has been forgotten",
                "A transaction of {database|a database} was prepared for a two-phase commit and never finished. It belongs to no session, outlives restarts, holds its locks and keeps dead rows everywhere.",
                (
                    "Which ones? `SELECT gid, prepared, owner, database FROM pg_prepared_xacts ORDER BY prepared;`",
                    "Ask the application's transaction manager what became of it; then, connected to {database|its database}: `COMMIT PREPARED '{transaction|GID}';` or `ROLLBACK PREPARED '{transaction|GID}';`",
                    "If nothing here uses two-phase commits: `ALTER SYSTEM SET max_prepared_transactions = 0;` and restart when convenient",
                ),
            ),
            ru=Text(
                "Подготовленная транзакция забыта",
                "Транзакция в {database|базе} подготовлена к двухфазной фиксации и не завершена. Она не принадлежит ни одному сеансу, переживает перезапуски, держит блокировки и не даёт вычищать мёртвые строки.",
                (
                    "Какие? `SELECT gid, prepared, owner, database FROM pg_prepared_xacts ORDER BY prepared;`",
                    "Узнайте у менеджера транзакций приложения, чем она кончилась; затем, подключившись к {database|её базе}: `COMMIT PREPARED '{transaction|GID}';` или `ROLLBACK PREPARED '{transaction|GID}';`",
                    "Если двухфазная фиксация здесь не нужна: `ALTER SYSTEM SET max_prepared_transactions = 0;` и перезапуск при случае",
                ),
            ),
        ),
    ),
)
