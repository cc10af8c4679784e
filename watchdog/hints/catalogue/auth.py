"""The server answers, but does not let us in.

Owns: the entries of the family ``auth``.
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
    Kind.AUTH,
    (
        Entry(
            "auth_failed",
            POSTGRESQL + "client-authentication-problems.html",
            Severity.CRITICAL,
            en=Text(
                "Wrong password or user",
                "The server does not take the password of {user|the user in the URL}. To the client"
                " it says the same when the user is missing, expired or has no password.",
                (
                    (
                        "Compare user and password of the URL with the server's; in a URL the"
                        " characters `@ : / % #` of a password are percent-encoded (`@` is `%40`)"
                    ),
                    (
                        "{@!pooler}Behind PgBouncer the user has to be in its userlist.txt too, or be found"
                        " by `auth_query`: its log says which of the two failed"
                    ),
                    (
                        "The server's log names the true reason behind `DETAIL:`"
                        " (`docker compose logs {service|postgres} | grep -A1 'authentication failed'`)"
                    ),
                    (
                        "{@compose}With Docker, POSTGRES_PASSWORD only counts when the volume is first made;"
                        " afterwards change it in the database: `ALTER ROLE \"{user|USER}\" PASSWORD '…';`"
                    ),
                    (
                        "Try it by hand: `psql -h {host|HOST} -p {port|5432} -U {user|USER}"
                        " -d {database|DATABASE}`"
                    ),
                ),
            ),
            ru=Text(
                "Неверный пароль или пользователь",
                "Сервер не принимает пароль пользователя {user|из URL}. Клиент видит то же самое,"
                " если такой роли нет, её срок истёк или пароль у неё не задан.",
                (
                    (
                        "Сверьте пользователя и пароль в URL с сервером; знаки `@ : / % #` в пароле"
                        " внутри URL кодируются (`@` — это `%40`)"
                    ),
                    (
                        "{@!pooler}За PgBouncer пользователь должен быть и в его userlist.txt или находиться"
                        " через `auth_query`: что именно не вышло, скажет его журнал"
                    ),
                    (
                        "Настоящая причина — в журнале сервера, в строке `DETAIL:`"
                        " (`docker compose logs {service|postgres} | grep -A1 'authentication failed'`)"
                    ),
                    (
                        "{@compose}В Docker POSTGRES_PASSWORD действует только при создании тома; потом пароль"
                        " меняют в самой базе: `ALTER ROLE \"{user|USER}\" PASSWORD '…';`"
                    ),
                    (
                        "Проверьте вручную: `psql -h {host|HOST} -p {port|5432} -U {user|USER}"
                        " -d {database|DATABASE}`"
                    ),
                ),
            ),
            rules=(
                Rule("28P01"),
                Rule("28000", routines="auth_failed", confidence=0.4),
                Rule("28000", confidence=0.3),
                Rule(exceptions="InvalidPasswordError InvalidPassword"),
            ),
            wordings=(
                Wording("authentication failed against database server", confidence=0.93),
                Wording("password authentication failed for user", confidence=0.92),
                Wording("password authentication failed", confidence=0.7, needs=Needs.POSTGRESQL),
                # As people type it, from memory: nothing else may stand beside it.
                Wording(
                    "password authentication failed",
                    r"^\W*(?:(?:error|fatal|ошибка)\W+)?password authentication failed\W*$",
                    0.7,
                ),
                Wording("password does not match for user"),
                Wording(
                    "authentication failed for user",
                    r"(?:ldap|pam|radius|gssapi|sspi|bsd) authentication failed for user",
                ),
                Wording("has an expired password"),
                Wording("has no password assigned"),
                Wording("received password packet with wrong username", confidence=0.6),
                Wording(
                    "role", r"password of (?:user|role) \"[^\"\n]+\" (?:has expired|is expired)"
                ),
                Wording("28p01", confidence=0.85, needs=Needs.POSTGRESQL),
                Wording("connecting to your database with your username", confidence=0.9),
                Wording("failed sasl auth", confidence=0.8),
                Wording("invalid_password", confidence=0.85, needs=Needs.POSTGRESQL),
                Wording("e28p01", confidence=0.85),
                Wording("p1000", r"\bp1000\b", confidence=0.85),
            ),
        ),
        Entry(
            "no_password",
            POSTGRESQL + "libpq-pgpass.html",
            Severity.CRITICAL,
            en=Text(
                "No password was given",
                "The server asks {user|this user} for a password and none was found: not in the"
                " URL, not in PGPASSWORD, not in a passfile.",
                (
                    (
                        "Give the password: `password_file:` of the target, or"
                        " `postgresql://{user|USER}:PASSWORD@{host|HOST}:{port|5432}/{database|DATABASE}`"
                    ),
                    (
                        "A passfile's line must fit host, port, database and user exactly:"
                        " `{host|HOST}:{port|5432}:{database|DATABASE}:{user|USER}:PASSWORD` in"
                        " `~/.pgpass`, mode 0600, of the user the process runs as"
                    ),
                ),
            ),
            ru=Text(
                "Пароль не указан",
                "Сервер спрашивает пароль пользователя {user|из URL}, но его нигде нет: ни в URL,"
                " ни в PGPASSWORD, ни в файле паролей.",
                (
                    (
                        "Укажите пароль: `password_file:` у цели или"
                        " `postgresql://{user|USER}:PASSWORD@{host|HOST}:{port|5432}/{database|DATABASE}`"
                    ),
                    (
                        "Строка файла паролей должна точно совпадать по узлу, порту, базе и"
                        " пользователю: `{host|HOST}:{port|5432}:{database|DATABASE}:{user|USER}:PASSWORD`"
                        " в `~/.pgpass` с правами 0600 у того, от чьего имени идёт процесс"
                    ),
                ),
            ),
            rules=(),
            wordings=(
                Wording("no password supplied", confidence=0.95),
                Wording("empty password returned by client", confidence=0.95),
                Wording("client password must be a string", confidence=0.9),
                Wording("no password was provided", confidence=0.9, needs=Needs.POSTGRESQL),
                Wording(
                    "password was provided",
                    r"password-based authentication, but no password was provided",
                    0.95,
                ),
                Wording("no password has been provided", r"postgres|password", 0.9),
                Wording("client password must be", confidence=0.95),
                Wording("authentication, but no password was provided", confidence=0.95),
                Wording("password authentication, but no password", confidence=0.95),
                Wording(
                    "password is an empty string",
                    r"authentication",
                    confidence=0.9,
                    needs=Needs.POSTGRESQL,
                ),
                Wording("no password has been provided", confidence=0.93),
                Wording(
                    "password missing", r"password missing", confidence=0.85, needs=Needs.POSTGRESQL
                ),
            ),
        ),
        Entry(
            "peer_auth_failed",
            POSTGRESQL + "auth-peer.html",
            Severity.CRITICAL,
            en=Text(
                "The system user is not the database user",
                "The rule for local connections is `peer` or `ident`: {user|the database user} may"
                " only come from the system user of the same name.",
                (
                    (
                        "Connect over TCP with a password instead:"
                        " `postgresql://{user|USER}:PASSWORD@localhost:{port|5432}/{database|DATABASE}`"
                    ),
                    "Or run as that system user: `sudo -u {user|USER} psql {database|DATABASE}`",
                    (
                        "Or change the rule in pg_hba.conf to `scram-sha-256`, then"
                        " `SELECT pg_reload_conf();`"
                    ),
                ),
            ),
            ru=Text(
                "Системный пользователь — не пользователь базы",
                "Для локальных подключений действует правило `peer` или `ident`: под именем"
                " {user|пользователя базы} может прийти только одноимённый системный пользователь.",
                (
                    (
                        "Подключитесь по TCP с паролем:"
                        " `postgresql://{user|USER}:PASSWORD@localhost:{port|5432}/{database|DATABASE}`"
                    ),
                    (
                        "Или запустите от имени этого пользователя:"
                        " `sudo -u {user|USER} psql {database|DATABASE}`"
                    ),
                    (
                        "Или замените правило в pg_hba.conf на `scram-sha-256` и выполните"
                        " `SELECT pg_reload_conf();`"
                    ),
                ),
            ),
            rules=(
                Rule("28000", routines="auth_failed", confidence=0.8),
                Rule("28000", confidence=0.3),
            ),
            wordings=(
                Wording("peer authentication failed for user", confidence=0.95),
                Wording("ident authentication failed for user", confidence=0.95),
                Wording("no match in usermap", confidence=0.9),
            ),
        ),
        Entry(
            "scram_unsupported_client",
            POSTGRESQL + "auth-password.html",
            Severity.CRITICAL,
            en=Text(
                "The client is too old for SCRAM",
                "The server keeps passwords as SCRAM-SHA-256, and this driver or libpq does not know"
                " that yet.",
                (
                    (
                        "Upgrade the driver: libpq 10, psycopg2-binary 2.8, JDBC 42.2, Npgsql 3.2.7,"
                        " node-postgres 7.8 or newer"
                    ),
                    (
                        "Only if that is impossible: `SET password_encryption = 'md5';` and set this one"
                        " role's password anew"
                    ),
                ),
            ),
            ru=Text(
                "Клиент слишком стар для SCRAM",
                "Сервер хранит пароли как SCRAM-SHA-256, а этот драйвер или libpq его ещё не знает.",
                (
                    (
                        "Обновите драйвер: libpq 10, psycopg2-binary 2.8, JDBC 42.2, Npgsql 3.2.7,"
                        " node-postgres 7.8 или новее"
                    ),
                    (
                        "Только если это невозможно: `SET password_encryption = 'md5';` и задайте пароль"
                        " этой роли заново"
                    ),
                ),
            ),
            wordings=(
                Wording("scram authentication requires libpq version 10", confidence=0.98),
                Wording("authentication method 10 not supported", confidence=0.95),
                Wording("authentication type 10 is not supported", confidence=0.95),
                Wording("unknown authentication method", r"10|scram|sasl", 0.7, Needs.POSTGRESQL),
                Wording("authentication method not supported", r"(?:received|method)[^\n]*10", 0.9),
                Wording("unsupported authentication", r"sasl|scram|\b10\b", 0.85, Needs.POSTGRESQL),
                Wording("unknown authenticationok message type", confidence=0.93),
                Wording("unknown authentication response: 10", confidence=0.95),
                Wording(
                    "unsupported authentication method",
                    r"unsupported authentication method:? ?(?:10|sasl|scram)",
                    confidence=0.93,
                ),
                Wording(
                    "authentication method is not supported",
                    r"sasl|scram|\b10\b",
                    confidence=0.9,
                    needs=Needs.POSTGRESQL,
                ),
                Wording(
                    "authentication is not supported",
                    r"(?:scram|sasl)[^\n]* is not supported",
                    confidence=0.9,
                    needs=Needs.POSTGRESQL,
                ),
                Wording("scram is not supported", confidence=0.9),
                Wording(
                    "unsupported authentication type",
                    r"\b10\b|sasl",
                    confidence=0.9,
                    needs=Needs.POSTGRESQL,
                ),
            ),
        ),
        Entry(
            "passfile_permissions",
            POSTGRESQL + "libpq-pgpass.html",
            Severity.CRITICAL,
            en=Text(
                "The password file is readable by others, so it is ignored",
                "libpq does not use {path|a passfile} that group or others may read.",
                (
                    "`chmod 0600 {path|~/.pgpass}`",
                    (
                        "Its owner must be the user the process runs as:"
                        " `chown {owner|OWNER} {path|~/.pgpass}`"
                    ),
                ),
            ),
            ru=Text(
                "Файл паролей доступен посторонним и потому не используется",
                "libpq не читает {path|файл паролей}, если его могут прочесть группа или остальные.",
                (
                    "`chmod 0600 {path|~/.pgpass}`",
                    (
                        "Владельцем должен быть тот, от чьего имени идёт процесс:"
                        " `chown {owner|OWNER} {path|~/.pgpass}`"
                    ),
                ),
            ),
            wordings=(
                Wording("password file", r"password file[^\n]*has group or world access", 0.97),
            ),
        ),
        Entry(
            "role_missing",
            POSTGRESQL + "client-authentication-problems.html",
            Severity.CRITICAL,
            en=Text(
                "The user does not exist on the server",
                "There is no role {user|of that name} there: a slip in the URL, or another server,"
                " or it was never made.",
                (
                    "Is it {alike}? Then write that user into the URL",
                    "Which roles are there? `psql -h {host|HOST} -p {port|5432} -U postgres -c '\\du'`",
                    (
                        "Correct the user in the URL, or make it:"
                        " `CREATE ROLE \"{user|USER}\" LOGIN PASSWORD '…';`"
                    ),
                    (
                        "{@compose}With Docker, POSTGRES_USER is made only on an empty volume; on an existing one"
                        " make the role by hand"
                    ),
                ),
            ),
            ru=Text(
                "Такого пользователя на сервере нет",
                "Роли {user|с этим именем} там нет: опечатка в URL, другой сервер или роль так и не"
                " создали.",
                (
                    "Может быть, {alike}? Тогда исправьте пользователя в URL",
                    "Какие роли есть? `psql -h {host|HOST} -p {port|5432} -U postgres -c '\\du'`",
                    (
                        "Исправьте пользователя в URL или создайте его:"
                        " `CREATE ROLE \"{user|USER}\" LOGIN PASSWORD '…';`"
                    ),
                    (
                        "{@compose}В Docker POSTGRES_USER создаётся только на пустом томе; на существующем создайте"
                        " роль вручную"
                    ),
                ),
            ),
            rules=(
                Rule("28000", routines="InitializeSessionUserId", confidence=0.8),
                Rule("28000", confidence=0.34),
                Rule("28P01", confidence=0.3),
                Rule(
                    "42704",
                    routines="get_role_oid get_rolespec_tuple get_rolespec_oid",
                    confidence=0.8,
                ),
                Rule("42704", confidence=0.3),
            ),
            wordings=(
                Wording("does not exist", r"(?:role|user) [\"'«][^\"'»\n]+[\"'»] does not exist"),
                Wording("password authentication failed for user", confidence=0.35),
                Wording(
                    "does not exist",
                    r"(?:detail|подробности):\s+role [\"'«][^\"'»\n]+[\"'»] does not exist",
                    0.97,
                ),
            ),
        ),
        Entry(
            "role_login_denied",
            POSTGRESQL + "role-attributes.html",
            Severity.CRITICAL,
            en=Text(
                "This role may not log in",
                "The role {user|in the URL} exists, but has no LOGIN attribute: it is a group.",
                (
                    'Allow it: `ALTER ROLE "{user|USER}" LOGIN;`',
                    "Or use a role in the URL that is meant for logging in",
                ),
            ),
            ru=Text(
                "Этой роли вход запрещён",
                "Роль {user|из URL} есть, но без атрибута LOGIN: это группа.",
                (
                    'Разрешите вход: `ALTER ROLE "{user|USER}" LOGIN;`',
                    "Или укажите в URL роль, которой вход положен",
                ),
            ),
            rules=(
                Rule("28000", routines="InitializeSessionUserId", confidence=0.5),
                Rule("28000", confidence=0.3),
            ),
            wordings=(Wording("is not permitted to log in", confidence=0.97),),
        ),
        Entry(
            "hba_rejected",
            POSTGRESQL + "auth-pg-hba-conf.html",
            Severity.CRITICAL,
            en=Text(
                "No rule in pg_hba.conf lets us in",
                "The server has no rule (or one that says reject) for this client address with user"
                " {user|of the URL} and database {database|of the URL}.",
                (
                    (
                        'Does the message end with "no encryption" or "SSL off"? Try'
                        " `?sslmode=require` in the URL first"
                    ),
                    (
                        "On the server add a line to pg_hba.conf:"
                        " `host {database|DATABASE} {user|USER} CLIENT_ADDRESS/32 scram-sha-256`"
                    ),
                    (
                        "Take it over: `SELECT pg_reload_conf();`, and see mistakes in"
                        " `SELECT * FROM pg_hba_file_rules WHERE error IS NOT NULL;`"
                    ),
                ),
            ),
            ru=Text(
                "Ни одно правило pg_hba.conf нас не пускает",
                "На сервере нет правила (или есть запрещающее) для адреса этого клиента,"
                " пользователя {user|из URL} и базы {database|из URL}.",
                (
                    (
                        "Сообщение кончается на «без шифрования» или «SSL off»? Сначала попробуйте"
                        " `?sslmode=require` в URL"
                    ),
                    (
                        "Добавьте на сервере строку в pg_hba.conf:"
                        " `host {database|DATABASE} {user|USER} CLIENT_ADDRESS/32 scram-sha-256`"
                    ),
                    (
                        "Примените: `SELECT pg_reload_conf();`, ошибки покажет"
                        " `SELECT * FROM pg_hba_file_rules WHERE error IS NOT NULL;`"
                    ),
                ),
            ),
            rules=(
                Rule("28000", routines="ClientAuthentication", confidence=0.85),
                Rule("28000", confidence=0.35),
                Rule("08004", confidence=0.5),
            ),
            wordings=(
                Wording("no pg_hba.conf entry", confidence=0.9),
                Wording("pg_hba.conf rejects", confidence=0.9),
                Wording(
                    "pg_hba.conf",
                    r"kein pg_hba\.conf-eintrag|aucune entrée dans pg_hba\.conf|no hay una línea en pg_hba\.conf|pg_hba\.conf に|没有用于主机[^\n]*pg_hba\.conf|nessuna voce in pg_hba\.conf",
                ),
                Wording("host rejected", r"authentication failed for user[^\n]*host rejected"),
                Wording("pg_hba.conf rejects connection", confidence=0.95),
            ),
        ),
        Entry(
            "database_missing",
            POSTGRESQL + "manage-ag-createdb.html",
            Severity.CRITICAL,
            en=Text(
                "The database does not exist",
                "The server is there and let {user|us} in, but has no database {database|of that"
                " name}: a slip in the URL, another server, or it was dropped or never made.",
                (
                    "Is it {alike}? Then write that name into the URL",
                    "Which databases are there? `psql -h {host|HOST} -p {port|5432} -U {user|postgres} -l`",
                    (
                        "Correct the name in the URL, or make it: `createdb -h {host|HOST} -p {port|5432}"
                        " -U {user|postgres} {database|DATABASE}`"
                    ),
                    (
                        "{@compose}With Docker, init scripts and POSTGRES_DB only run on an empty volume; on an"
                        " existing one: `docker compose exec {service|postgres} createdb -U {user|postgres}"
                        " {database|DATABASE}`"
                    ),
                    (
                        "{@kept}Was it there yesterday? Restore the newest backup:"
                        " `db-watchdog restore {target|TARGET} --to URL`"
                    ),
                ),
            ),
            ru=Text(
                "Такой базы данных нет",
                "Сервер на месте и пускает {user|нас}, но базы {database|с этим именем} на нём нет:"
                " опечатка в URL, другой сервер, либо базу удалили или не создали.",
                (
                    "Может быть, {alike}? Тогда исправьте имя в URL",
                    "Какие базы есть? `psql -h {host|HOST} -p {port|5432} -U {user|postgres} -l`",
                    (
                        "Исправьте имя в URL или создайте базу: `createdb -h {host|HOST} -p {port|5432}"
                        " -U {user|postgres} {database|DATABASE}`"
                    ),
                    (
                        "{@compose}В Docker скрипты инициализации и POSTGRES_DB срабатывают только на пустом томе;"
                        " на существующем: `docker compose exec {service|postgres} createdb -U {user|postgres}"
                        " {database|DATABASE}`"
                    ),
                    (
                        "{@kept}Вчера она ещё была? Восстановите последнюю копию:"
                        " `db-watchdog restore {target|TARGET} --to URL`"
                    ),
                ),
            ),
            rules=(
                Rule("3D000"),
                Rule("57P04"),
                Rule(exceptions="InvalidCatalogNameError InvalidCatalogName DatabaseDroppedError"),
            ),
            wordings=(
                Wording("does not exist", r"database `[^`\n]{1,63}` does not exist"),
                # As people type it, from memory: nothing else may stand beside it.
                Wording(
                    "database does not exist",
                    r"^\W*(?:(?:error|fatal|ошибка)\W+)?database does not exist\W*$",
                    0.8,
                ),
                Wording(
                    "does not exist",
                    r"database (?:[\"'«][^\"'»\n]{1,63}[\"'»]|[\w.-]{1,63}) does not exist(?!, skipping)",
                ),
                Wording("has disappeared from pg_database"),
                Wording("it seems to have just been dropped or renamed", confidence=0.97),
                Wording("we could not find your database", confidence=0.95),
                Wording("p1003", r"\bp1003\b", confidence=0.85),
            ),
        ),
        Entry(
            "database_not_accepting",
            POSTGRESQL + "sql-alterdatabase.html",
            Severity.CRITICAL,
            en=Text(
                "The database accepts no connections",
                "Somebody closed {database|the database} to connections (ALLOW_CONNECTIONS false),"
                " often for maintenance.",
                (
                    (
                        "Open it again, from another database:"
                        ' `ALTER DATABASE "{database|DATABASE}" ALLOW_CONNECTIONS true;`'
                    ),
                    "Was template0 meant? Use another database in the URL",
                ),
            ),
            ru=Text(
                "База не принимает подключения",
                "Кто-то закрыл {database|базу} для подключений (ALLOW_CONNECTIONS false), обычно на"
                " время работ.",
                (
                    (
                        "Откройте её снова, из другой базы:"
                        ' `ALTER DATABASE "{database|DATABASE}" ALLOW_CONNECTIONS true;`'
                    ),
                    "В URL указана template0? Возьмите другую базу",
                ),
            ),
            rules=(
                Rule("55000", routines="CheckMyDatabase InitPostgres"),
                Rule("55000", confidence=0.3),
            ),
            wordings=(
                Wording("is not currently accepting connections", confidence=0.97),
                Wording("cannot connect to invalid database", confidence=0.7),
            ),
        ),
    ),
)
