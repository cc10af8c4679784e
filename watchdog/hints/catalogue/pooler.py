"""PgBouncer stands between, and says no.

Owns: the entries of the family ``pooler``.
"""

# ruff: noqa: E501 - patterns and commands stay on one line

from __future__ import annotations

from watchdog.hints.entry import PGBOUNCER, Entry, Family, Needs, Rule, Severity, Text, Wording
from watchdog.model import Kind

FAMILY = Family(
    Kind.POOLER,
    (
        Entry(
            "pgbouncer_prepared_statement",
            "https://magicstack.github.io/asyncpg/current/faq.html",
            Severity.WARNING,
            en=Text(
                "Prepared statements do not survive the pooler",
                "In transaction mode each transaction may get another server session, and a statement prepared on one is unknown or taken on the next.",
                (
                    "asyncpg: `statement_cache_size=0`; SQLAlchemy with asyncpg: also `prepared_statement_cache_size=0`",
                    "Or upgrade PgBouncer to 1.21 or newer and set `max_prepared_statements = 200`",
                    "psycopg 3: `prepare_threshold=None`; JDBC: `prepareThreshold=0`; or use a session pool or the server directly",
                ),
            ),
            ru=Text(
                "Подготовленные операторы не переживают пулер",
                "В режиме transaction каждая транзакция может попасть в другой серверный сеанс, где оператор, подготовленный раньше, неизвестен или уже занят.",
                (
                    "asyncpg: `statement_cache_size=0`; SQLAlchemy с asyncpg: ещё и `prepared_statement_cache_size=0`",
                    "Или обновите PgBouncer до 1.21 и новее и задайте `max_prepared_statements = 200`",
                    "psycopg 3: `prepare_threshold=None`; JDBC: `prepareThreshold=0`; или ходите через пул session либо прямо на сервер",
                ),
            ),
            rules=(
                Rule("42P05 26000"),
                Rule(
                    exceptions="DuplicatePreparedStatementError InvalidSQLStatementNameError DuplicatePreparedStatement InvalidSqlStatementName"
                ),
            ),
            wordings=(
                Wording(
                    "prepared statement",
                    r"prepared statement \"[^\"\n]*\" (?:does not exist|already exists)",
                    0.96,
                ),
                Wording("pgbouncer with pool_mode set to", confidence=0.95),
                Wording("bind message supplies", r"prepared statement", 0.7),
                Wording("unnamed prepared statement does not exist", confidence=0.93),
                Wording("prepared statement name is already in use", confidence=0.9),
                Wording("cached plan must not change result type", confidence=0.4),
            ),
        ),
        Entry(
            "pgbouncer_auth",
            PGBOUNCER + "config.html#authentication-settings",
            Severity.CRITICAL,
            en=Text(
                "The pooler rejects the login",
                "PgBouncer keeps its own list of users, and {user|this one} is not in it, or with another password than on the server.",
                (
                    "Add the user to userlist.txt: `\"{user|USER}\" \"SCRAM-SHA-256$…\"` (the server's own hash: `SELECT rolpassword FROM pg_authid WHERE rolname = '{user|USER}';`), then `RELOAD;` in PgBouncer's console",
                    "Or let it ask the server: `auth_user` and `auth_query` in pgbouncer.ini",
                    "Does it work directly? `psql -h SERVER -p 5432 -U {user|USER} -d {database|DATABASE}`",
                ),
            ),
            ru=Text(
                "Вход отклонил пулер",
                "У PgBouncer свой список пользователей, и {user|этого} в нём нет либо пароль там не тот, что на сервере.",
                (
                    'Добавьте пользователя в userlist.txt: `"{user|USER}" "SCRAM-SHA-256$…"` (хеш с сервера: `SELECT rolpassword FROM pg_authid WHERE rolname = \'{user|USER}\';`), затем `RELOAD;` в консоли PgBouncer',
                    "Или пусть он спрашивает сервер: `auth_user` и `auth_query` в pgbouncer.ini",
                    "А напрямую получается? `psql -h SERVER -p 5432 -U {user|USER} -d {database|DATABASE}`",
                ),
            ),
            rules=(Rule("28P01 08P01", confidence=0.2),),
            wordings=(
                Wording("bouncer config error", r"no such user", 0.93),
                Wording(
                    "no such user",
                    r"(?:error|fatal)?:?\s*no such user:? ?\S*",
                    0.9,
                    Needs.POSTGRESQL,
                ),
                Wording(
                    "pgbouncer",
                    r"(?:sasl|auth|password|scram|login)[^\n]{0,60}(?:authentication failed|auth failed|failed)",
                    0.93,
                ),
                Wording("sasl authentication failed", confidence=0.85, needs=Needs.POSTGRESQL),
                Wording(
                    "auth failed", r"(?:^|error: |fatal:\s+)auth failed", 0.8, Needs.POSTGRESQL
                ),
                Wording("server login failed", confidence=0.85),
                Wording(
                    "login failed",
                    r"closing because: (?:login failed|password authentication failed|sasl authentication failed|no such user|auth failed)",
                    0.93,
                ),
                Wording("wrong password type", confidence=0.9),
                Wording("cannot do scram authentication", confidence=0.93),
                Wording("unencrypted password", r"userlist", 0.8),
                Wording(
                    "no such user",
                    r"(?:fatal|error): +no such user|closing because: no such user|pooler error: no such user",
                    confidence=0.95,
                ),
                Wording(
                    "pooler error",
                    r"pooler error: (?:password authentication failed|auth|no such user|sasl)",
                    confidence=0.95,
                ),
                Wording(
                    "server login failed",
                    r"(?:password|authentication|auth|sasl|scram)",
                    confidence=0.95,
                ),
                Wording(
                    "sasl authentication failed",
                    r"(?:fatal|error): +sasl authentication failed",
                    confidence=0.9,
                ),
                Wording(
                    "closing because:",
                    r"closing because: (?:password authentication failed|auth failed|sasl authentication failed|wrong password|login rejected|client unexpected auth)",
                    confidence=0.95,
                ),
                Wording("login rejected", confidence=0.85, needs=Needs.POSTGRESQL),
                Wording("auth failed", r"(?:fatal|error): +auth failed", confidence=0.9),
            ),
        ),
        Entry(
            "pgbouncer_no_such_database",
            PGBOUNCER + "config.html#section-databases",
            Severity.CRITICAL,
            en=Text(
                "The pooler knows no such database",
                "PgBouncer has no entry for {database|the database}; the server may well have it.",
                (
                    "Add it to the section [databases] of pgbouncer.ini: `{database|DATABASE} = host=SERVER port=5432 dbname={database|DATABASE}`, then `RELOAD;` in its console",
                    "Or correct the name in the URL: `SHOW DATABASES;` in PgBouncer's console lists what it knows",
                ),
            ),
            ru=Text(
                "Пулер не знает такой базы",
                "В PgBouncer нет записи для {database|базы}; на сервере она вполне может быть.",
                (
                    "Добавьте её в раздел [databases] файла pgbouncer.ini: `{database|DATABASE} = host=SERVER port=5432 dbname={database|DATABASE}`, затем `RELOAD;` в его консоли",
                    "Или исправьте имя в URL: известные базы покажет `SHOW DATABASES;` в консоли PgBouncer",
                ),
            ),
            rules=(Rule("3D000", confidence=0.3), Rule("08P01", confidence=0.3)),
            wordings=(
                Wording("no such database", r"no such database:? ?\S*", 0.95),
                Wording(
                    "pgbouncer", r"database \"?[^\"\n]+\"? is disabled|bouncer config error", 0.8
                ),
                Wording("database", r"database \"[^\"\n]+\" is (?:paused|disabled)", 0.6),
                Wording("closing because: no such database", confidence=0.97),
                Wording(
                    "no such database",
                    r"(?:fatal|error):? +(?:\w{5}:? +)?no such database|pooler error: no such database",
                    confidence=0.96,
                ),
            ),
        ),
        Entry(
            "pgbouncer_pool_timeout",
            PGBOUNCER + "config.html#query_wait_timeout",
            Severity.CRITICAL,
            en=Text(
                "The pooler had no server connection in time",
                "All connections of PgBouncer's pool were busy, or it cannot reach the server behind it.",
                (
                    "Which of the two? In its console: `SHOW POOLS;` (cl_waiting, sv_active) and `SHOW SERVERS;`; its log: `journalctl -u pgbouncer -n 50`",
                    "Is the server behind it well? `pg_isready -h SERVER -p 5432`",
                    "All busy? Find long transactions first, then raise `default_pool_size` below the server's max_connections",
                ),
            ),
            ru=Text(
                "Пулер не дал соединения с сервером вовремя",
                "Все соединения пула PgBouncer заняты либо он не может достучаться до сервера за ним.",
                (
                    "Что из двух? В его консоли: `SHOW POOLS;` (cl_waiting, sv_active) и `SHOW SERVERS;`; его журнал: `journalctl -u pgbouncer -n 50`",
                    "Жив ли сервер за ним? `pg_isready -h SERVER -p 5432`",
                    "Всё занято? Сначала найдите долгие транзакции, потом увеличивайте `default_pool_size`, но ниже max_connections сервера",
                ),
            ),
            wordings=(
                Wording("query_wait_timeout", confidence=0.95),
                Wording("pgbouncer cannot connect to server", confidence=0.95),
                Wording("client_login_timeout", confidence=0.8),
                Wording("server_login_retry", confidence=0.85),
                Wording("server conn crashed?", confidence=0.75),
                Wording("server_connect_timeout", confidence=0.75, needs=Needs.POSTGRESQL),
                Wording("pooler error: query_wait_timeout", confidence=0.97),
                Wording(
                    "pooler error",
                    r"pooler error: (?:query_wait_timeout|client_login_timeout|server|pgbouncer)",
                    confidence=0.95,
                ),
                Wording(
                    "closing because:",
                    r"closing because: (?:query_wait_timeout|client_login_timeout|connect (?:failed|timeout)|server_connect_timeout)",
                    confidence=0.95,
                ),
            ),
        ),
        Entry(
            "pgbouncer_startup_parameter",
            PGBOUNCER + "config.html#ignore_startup_parameters",
            Severity.CRITICAL,
            en=Text(
                "The pooler refuses a start-up parameter",
                "The client sent a setting with its login ({parameter|extra_float_digits, search_path, statement_timeout, options …}) that PgBouncer does not pass on.",
                (
                    "Let it ignore that: `ignore_startup_parameters = extra_float_digits,{parameter|options}` in pgbouncer.ini, then `RELOAD;`",
                    'Or take it out of the URL (`?options=…`, `server_settings`), and set it for the role: `ALTER ROLE "{user|USER}" SET …;`',
                ),
            ),
            ru=Text(
                "Пулер отвергает параметр запуска",
                "Клиент прислал при входе параметр ({parameter|extra_float_digits, search_path, statement_timeout, options …}), который PgBouncer не передаёт дальше.",
                (
                    "Пусть он его пропускает: `ignore_startup_parameters = extra_float_digits,{parameter|options}` в pgbouncer.ini, затем `RELOAD;`",
                    'Или уберите его из URL (`?options=…`, `server_settings`) и задайте роли: `ALTER ROLE "{user|USER}" SET …;`',
                ),
            ),
            rules=(Rule("08P01", confidence=0.6),),
            wordings=(
                Wording("unsupported startup parameter", confidence=0.97),
                Wording("invalid startup parameter", confidence=0.8, needs=Needs.POSTGRESQL),
            ),
        ),
        Entry(
            "pgbouncer_max_clients",
            PGBOUNCER + "config.html#max_client_conn",
            Severity.CRITICAL,
            en=Text(
                "The pooler takes no more clients",
                "PgBouncer has reached max_client_conn; the server itself may have room.",
                (
                    "Who is connected? In its console: `SHOW CLIENTS;`",
                    "Raise `max_client_conn` in pgbouncer.ini (and the limit of open files: `LimitNOFILE=` of its unit), then `RELOAD;`",
                ),
            ),
            ru=Text(
                "Пулер больше не берёт клиентов",
                "PgBouncer упёрся в max_client_conn; на самом сервере место может быть.",
                (
                    "Кто подключён? В его консоли: `SHOW CLIENTS;`",
                    "Увеличьте `max_client_conn` в pgbouncer.ini (и предел открытых файлов: `LimitNOFILE=` его юнита), затем `RELOAD;`",
                ),
            ),
            rules=(Rule("53300 08P01", confidence=0.2),),
            wordings=(
                Wording("no more connections allowed", confidence=0.95),
                Wording("max_client_conn", confidence=0.85),
                Wording(
                    "client connections exceeded",
                    r"max client connections|client connections exceeded",
                    0.8,
                    Needs.POSTGRESQL,
                ),
                Wording("max client connections reached", confidence=0.93),
                Wording("maxclientsinsessionmode", confidence=0.96),
                Wording("max clients reached", confidence=0.93),
            ),
        ),
    ),
)
