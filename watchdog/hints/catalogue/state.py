"""The server runs, but is in no state to serve.

Owns: the entries of the family ``state``.
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
    Kind.STATE,
    (
        Entry(
            "starting_up",
            POSTGRESQL + "server-start.html",
            Severity.WARNING,
            en=Text(
                "The server is still starting",
                "{server|The server} is there but not ready: it starts, or replays its write-ahead"
                " log after a hard stop. That may take minutes.",
                (
                    "Wait and try again: `pg_isready -h {host|HOST} -p {port|5432}`",
                    (
                        "Watch how far it is: `docker compose logs -f {service|postgres}` or"
                        " `journalctl -fu postgresql` (redo in progress, elapsed time, current LSN)"
                    ),
                    "Does it never end? Look for the same message over and over in that log",
                ),
            ),
            ru=Text(
                "Сервер ещё запускается",
                "{server|Сервер} отвечает, но не готов: запускается или проигрывает журнал"
                " предзаписи после жёсткой остановки. Это может занять минуты.",
                (
                    "Подождите и повторите: `pg_isready -h {host|HOST} -p {port|5432}`",
                    (
                        "Следите за ходом: `docker compose logs -f {service|postgres}` или"
                        " `journalctl -fu postgresql` (redo in progress, elapsed time, current LSN)"
                    ),
                    "Это не кончается? Поищите в журнале одно и то же сообщение снова и снова",
                ),
            ),
            rules=(
                Rule("57P03", confidence=0.7),
                Rule(exceptions="CannotConnectNowError CannotConnectNow", confidence=0.7),
            ),
            wordings=(
                Wording("the database system is starting up", confidence=0.95),
                Wording("the database system is not yet accepting connections", confidence=0.95),
                Wording("the database system is not accepting connections", confidence=0.85),
                Wording("consistent recovery state has not been", confidence=0.85),
                Wording("rejecting connections", r":\d+ - rejecting connections", 0.8),
            ),
        ),
        Entry(
            "shutting_down",
            POSTGRESQL + "server-shutdown.html",
            Severity.CRITICAL,
            en=Text(
                "The server is shutting down",
                "Somebody or something is stopping {server|the server}; it lets nobody in until it"
                " is up again.",
                (
                    "Wait for the restart: `pg_isready -h {host|HOST} -p {port|5432}`",
                    (
                        "Who stopped it? `journalctl -u postgresql -n 50`, `docker compose ps {service|postgres}`,"
                        " `docker events --since 10m --until 0s`"
                    ),
                    (
                        "Does it hang in the shutdown? Clients that stay keep a smart shutdown waiting:"
                        " `pg_ctl stop -m fast`"
                    ),
                ),
            ),
            ru=Text(
                "Сервер останавливается",
                "{server|Сервер} кто-то останавливает; пока он не поднимется снова, никого не"
                " пустит.",
                (
                    "Дождитесь запуска: `pg_isready -h {host|HOST} -p {port|5432}`",
                    (
                        "Кто его остановил? `journalctl -u postgresql -n 50`, `docker compose ps {service|postgres}`,"
                        " `docker events --since 10m --until 0s`"
                    ),
                    "Остановка затянулась? Режим smart ждёт ухода клиентов: `pg_ctl stop -m fast`",
                ),
            ),
            rules=(Rule("57P03", confidence=0.35),),
            wordings=(
                Wording("the database system is shutting down", confidence=0.96),
                Wording("the database system is shut down", confidence=0.7),
                Wording("received fast shutdown request", confidence=0.8),
                Wording("received smart shutdown request", confidence=0.8),
            ),
        ),
        Entry(
            "admin_termination",
            POSTGRESQL + "functions-admin.html#FUNCTIONS-ADMIN-SIGNAL",
            Severity.WARNING,
            en=Text(
                "Somebody ended the session",
                "An administrator, a restart or a failover ended this session on {server|the"
                " server}.",
                (
                    "Connect again; one time is nothing to worry about",
                    (
                        "Unexpected? Look for a restart or pg_terminate_backend in the log of that"
                        " minute: `journalctl -u postgresql -n 100` or"
                        " `docker compose logs --tail 100 {service|postgres}`"
                    ),
                    (
                        "Was it a failover? `SELECT pg_is_in_recovery();` says whether this is still the"
                        " primary"
                    ),
                ),
            ),
            ru=Text(
                "Сеанс кто-то завершил",
                "Сеанс на {server|сервере} завершил администратор, перезапуск или переключение на"
                " другой сервер.",
                (
                    "Подключитесь снова; один раз — не повод для тревоги",
                    (
                        "Не ждали этого? Ищите перезапуск или pg_terminate_backend в журнале за эту"
                        " минуту: `journalctl -u postgresql -n 100` или"
                        " `docker compose logs --tail 100 {service|postgres}`"
                    ),
                    (
                        "Было переключение? `SELECT pg_is_in_recovery();` скажет, главный ли это ещё"
                        " сервер"
                    ),
                ),
            ),
            rules=(
                Rule("57P01"),
                Rule(exceptions="AdminShutdownError AdminShutdown"),
            ),
            wordings=(
                Wording("terminating connection due to administrator command", confidence=0.95),
                Wording("connection terminated by administrator", confidence=0.8),
                Wording(
                    "immediate shutdown command",
                    r"terminating connection due to immediate shutdown command",
                    confidence=0.85,
                ),
            ),
        ),
        Entry(
            "server_crashed",
            POSTGRESQL + "server-shutdown.html",
            Severity.CRITICAL,
            en=Text(
                "The server crashed and resets itself",
                "A process of {server|the server} died; all sessions were ended and the server"
                " recovers. What was not committed is lost, what was committed is not.",
                (
                    (
                        "Find what died just before: `journalctl -u postgresql | grep -B2 -A5"
                        " 'terminated by signal'` or `docker compose logs {service|postgres} | grep 'by signal'`"
                    ),
                    (
                        "Signal 9 is mostly the OOM killer: `dmesg -T | grep -i 'killed process'`;"
                        " signal 11 or 6 is a defect (often of an extension): keep the core file"
                    ),
                    (
                        "Check disk and memory (`df -h`, `free -m`), then wait for recovery:"
                        " `pg_isready -h {host|HOST} -p {port|5432}`"
                    ),
                ),
            ),
            ru=Text(
                "Сервер упал и восстанавливается",
                "Процесс {server|сервера} погиб; все сеансы разорваны, идёт восстановление."
                " Незафиксированное потеряно, зафиксированное — нет.",
                (
                    (
                        "Найдите, что погибло перед этим: `journalctl -u postgresql | grep -B2 -A5"
                        " 'terminated by signal'` или `docker compose logs {service|postgres} | grep 'by signal'`"
                    ),
                    (
                        "Сигнал 9 — чаще всего OOM killer: `dmesg -T | grep -i 'killed process'`; сигнал"
                        " 11 или 6 — дефект (часто расширения): сохраните файл core"
                    ),
                    (
                        "Проверьте диск и память (`df -h`, `free -m`) и дождитесь восстановления:"
                        " `pg_isready -h {host|HOST} -p {port|5432}`"
                    ),
                ),
            ),
            rules=(
                Rule("57P02", confidence=0.95),
                Rule("57P03", confidence=0.3),
                Rule(exceptions="CrashShutdownError CrashShutdown", confidence=0.95),
            ),
            wordings=(
                Wording(
                    "terminating connection because of crash of another server process",
                    confidence=0.97,
                ),
                Wording("the database system is in recovery mode", confidence=0.95),
                Wording(
                    "was terminated by signal",
                    r"(?:server process|process) \(pid \d+\) was terminated by signal|was terminated by signal \d+",
                    0.9,
                ),
                Wording("all server processes terminated; reinitializing", confidence=0.95),
                Wording("terminating any other active server processes", confidence=0.9),
                Wording("database system was not properly shut down", confidence=0.6),
                Wording("database system was interrupted", confidence=0.8),
                Wording("unexpected postmaster exit", confidence=0.9),
                Wording("unexpected sigquit signal", confidence=0.9),
                Wording("startup process failure", confidence=0.7),
            ),
        ),
        Entry(
            "in_recovery_read_only",
            POSTGRESQL + "hot-standby.html",
            Severity.CRITICAL,
            en=Text(
                "This server is a standby and only reads",
                "A write was sent to {server|a server} that replays another one's changes: the URL"
                " names the standby, or there was a failover.",
                (
                    "Is it a standby? `SELECT pg_is_in_recovery();`",
                    (
                        "Name the primary in the URL, or all of them and let the client choose:"
                        " `postgresql://{user|USER}@HOST1,HOST2/{database|DATABASE}"
                        "?target_session_attrs=read-write`"
                    ),
                    "Was the primary meant to be here? Look for a failover before you promote anything",
                ),
            ),
            ru=Text(
                "Этот сервер — реплика и только читает",
                "Запись пришла на {server|сервер}, который проигрывает чужие изменения: в URL"
                " указана реплика или произошло переключение.",
                (
                    "Реплика ли это? `SELECT pg_is_in_recovery();`",
                    (
                        "Укажите в URL главный сервер или все сразу, чтобы клиент выбрал сам:"
                        " `postgresql://{user|USER}@HOST1,HOST2/{database|DATABASE}"
                        "?target_session_attrs=read-write`"
                    ),
                    (
                        "Здесь должен быть главный? Выясните, было ли переключение, прежде чем что-то"
                        " повышать"
                    ),
                ),
            ),
            rules=(
                Rule("25006", routines="PreventCommandDuringRecovery", confidence=0.97),
                Rule("25006", confidence=0.5),
            ),
            wordings=(
                Wording(
                    "during recovery",
                    r"cannot (?:execute [a-z_ ()]+|assign transactionids|acquire lock mode \w+[^\n]*) during recovery",
                    0.95,
                ),
                Wording("recovery is in progress", confidence=0.85),
                Wording("session is read-only", confidence=0.85),
                Wording("server is in hot standby mode", confidence=0.85),
                Wording("could not find any suitable host", r"target|server type", 0.5),
                Wording(
                    "in a read-only transaction",
                    r"cannot execute [a-z ]+ in a read-only transaction",
                    0.55,
                ),
                Wording("could not find a server with specified targetservertype", confidence=0.9),
                Wording(
                    "read only connection",
                    r"target_session_attrs|session_attrs",
                    confidence=0.85,
                    needs=Needs.POSTGRESQL,
                ),
                Wording("server is not primary", confidence=0.85, needs=Needs.POSTGRESQL),
                Wording("is not in hot standby mode", confidence=0.7),
                Wording(
                    "no suitable server",
                    r"target|primary|read",
                    confidence=0.7,
                    needs=Needs.POSTGRESQL,
                ),
            ),
        ),
        Entry(
            "read_only_transaction",
            POSTGRESQL + "runtime-config-client.html#GUC-DEFAULT-TRANSACTION-READ-ONLY",
            Severity.WARNING,
            en=Text(
                "The transaction is read-only",
                "A write came in a transaction that may only read: the setting is on for the role,"
                " the database or the server, or this is a standby.",
                (
                    (
                        "Which of the two? `SHOW default_transaction_read_only;` and"
                        " `SELECT pg_is_in_recovery();`"
                    ),
                    (
                        "Where is it set? `SELECT * FROM pg_db_role_setting;`, then for instance"
                        ' `ALTER ROLE "{user|USER}" RESET default_transaction_read_only;`'
                    ),
                    (
                        "A managed service sets it when the disk is nearly full: look at the free space"
                        " first"
                    ),
                ),
            ),
            ru=Text(
                "Транзакция только для чтения",
                "Запись пришла в транзакции, которой можно лишь читать: так настроена роль, база"
                " или сервер, либо это реплика.",
                (
                    (
                        "Что из двух? `SHOW default_transaction_read_only;` и"
                        " `SELECT pg_is_in_recovery();`"
                    ),
                    (
                        "Где это задано? `SELECT * FROM pg_db_role_setting;`, затем, например,"
                        ' `ALTER ROLE "{user|USER}" RESET default_transaction_read_only;`'
                    ),
                    "Облачные службы включают это, когда кончается диск: сначала проверьте место",
                ),
            ),
            rules=(
                Rule("25006", routines="PreventCommandIfReadOnly", confidence=0.85),
                Rule("25006", confidence=0.7),
                Rule(
                    exceptions="ReadOnlySQLTransactionError ReadOnlySqlTransaction", confidence=0.7
                ),
            ),
            wordings=(
                Wording(
                    "in a read-only transaction",
                    r"cannot execute [a-z ]+ in a read-only transaction",
                    0.85,
                ),
            ),
        ),
        Entry(
            "recovery_conflict",
            POSTGRESQL + "hot-standby.html#HOT-STANDBY-CONFLICT",
            Severity.WARNING,
            en=Text(
                "The standby cancelled the query to go on replaying",
                "A query or dump on the standby needed rows that the primary has cleaned up already.",
                (
                    (
                        "Take dumps from the primary, or give the standby more patience:"
                        " `ALTER SYSTEM SET max_standby_streaming_delay = '1h';`"
                    ),
                    (
                        "Or let the primary keep the rows:"
                        " `ALTER SYSTEM SET hot_standby_feedback = on;` on the standby (bloat on the"
                        " primary)"
                    ),
                    "Take it over: `SELECT pg_reload_conf();`",
                ),
            ),
            ru=Text(
                "Реплика отменила запрос, чтобы догонять главный сервер",
                "Запросу или дампу на реплике понадобились строки, которые главный сервер уже"
                " вычистил.",
                (
                    (
                        "Снимайте дампы с главного сервера или дайте реплике терпения:"
                        " `ALTER SYSTEM SET max_standby_streaming_delay = '1h';`"
                    ),
                    (
                        "Либо пусть главный хранит эти строки:"
                        " `ALTER SYSTEM SET hot_standby_feedback = on;` на реплике (ценой раздувания"
                        " таблиц на главном)"
                    ),
                    "Примените: `SELECT pg_reload_conf();`",
                ),
            ),
            rules=(
                Rule(
                    "40001 40P01 57014 57P01",
                    routines="ProcessRecoveryConflictInterrupt ProcessRecoveryConflictInterrupts"
                    " RecoveryConflictInterrupt",
                    confidence=0.97,
                ),
                Rule("40001", routines="ProcessInterrupts", confidence=0.97),
                Rule("40001", confidence=0.2),
                Rule("57P01 57014", confidence=0.2),
            ),
            wordings=(
                Wording("due to conflict with recovery", confidence=0.97),
                Wording(
                    "user query might have needed to see row versions that must be removed",
                    confidence=0.9,
                ),
            ),
        ),
    ),
)
