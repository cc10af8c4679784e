"""Something is not allowed.

Owns: the entries of the family ``privilege``.
"""

# ruff: noqa: E501 - patterns and commands stay on one line

from __future__ import annotations

from watchdog.hints.entry import POSTGRESQL, Entry, Family, Rule, Severity, Text, Wording
from watchdog.model import Kind, Phase

_FILES = (Phase.PREFLIGHT, Phase.DUMP, Phase.COPY, Phase.VERIFY, Phase.PUBLISH, Phase.PRUNE)

FAMILY = Family(
    Kind.PRIVILEGE,
    (
        Entry(
            "permission_denied_table",
            POSTGRESQL + "predefined-roles.html",
            Severity.WARNING,
            en=Text(
                "The role lacks a privilege",
                "{user|The role} may not do this with a table, schema, function or catalogue of {database|the database}.",
                (
                    'Give it the privilege, as the owner or a superuser: `GRANT SELECT ON {relation} TO "{user|USER}";` (or INSERT, UPDATE …)',
                    'For an application: `GRANT USAGE ON SCHEMA public TO "{user|USER}"; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO "{user|USER}";`',
                    'To back it up: `GRANT pg_read_all_data TO "{user|USER}";` (PostgreSQL 14 and newer); where row security hides rows, also `ALTER ROLE "{user|USER}" BYPASSRLS;`',
                    'To watch a server: `GRANT pg_monitor TO "{user|USER}";`',
                    "Who may what? `\\dp {relation|TABLE}` and `\\dn+` in psql; since PostgreSQL 15 only the owner may create in schema public",
                ),
            ),
            ru=Text(
                "У роли нет права",
                "{user|Роли} нельзя это делать с таблицей, схемой, функцией или каталогом {database|базы}.",
                (
                    'Дайте ей право от имени владельца или суперпользователя: `GRANT SELECT ON {relation} TO "{user|USER}";` (или INSERT, UPDATE …)',
                    'Для приложения: `GRANT USAGE ON SCHEMA public TO "{user|USER}"; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO "{user|USER}";`',
                    'Чтобы снимать копии: `GRANT pg_read_all_data TO "{user|USER}";` (PostgreSQL 14 и новее); где строки скрывает защита строк (RLS), ещё и `ALTER ROLE "{user|USER}" BYPASSRLS;`',
                    'Чтобы наблюдать за сервером: `GRANT pg_monitor TO "{user|USER}";`',
                    "Кому что можно? `\\dp {relation|TABLE}` и `\\dn+` в psql; с PostgreSQL 15 создавать в схеме public может только её владелец",
                ),
            ),
            rules=(
                Rule("42501", confidence=0.85),
                Rule("42501", routines="aclcheck_error", confidence=0.9),
                Rule(
                    exceptions="InsufficientPrivilegeError InsufficientPrivilege", confidence=0.85
                ),
            ),
            wordings=(
                Wording(
                    "permission denied for",
                    r"permission denied for (?:table|relation|schema|database|sequence|view|function|column|type|language|large object|tablespace|materialized view|foreign|procedure|\w+ \w+)",
                    0.94,
                ),
                Wording(
                    "permission denied to",
                    r"permission denied to (?:create|set|alter|drop|rename|terminate|examine|grant)",
                    0.85,
                ),
                Wording("query would be affected by row-level security", confidence=0.9),
                Wording(
                    "must be superuser to", r"must be superuser to (?!create .* extension)", 0.6
                ),
                Wording("was denied access on the database", confidence=0.88),
                Wording("p1010", r"\bp1010\b", confidence=0.8),
            ),
        ),
        Entry(
            "blind_role",
            POSTGRESQL + "predefined-roles.html",
            Severity.WARNING,
            en=Text(
                "The watching role cannot see other sessions",
                "{user|The role} is no member of pg_monitor: the server hides the state of others from it, and figures that look calm would be false.",
                (
                    'As superuser: `GRANT pg_monitor TO "{user|USER}";`',
                    "Better a role of its own: `CREATE ROLE watchdog LOGIN CONNECTION LIMIT 3 PASSWORD '…'; GRANT pg_monitor TO watchdog;`",
                ),
            ),
            ru=Text(
                "Наблюдающей роли не видны чужие сеансы",
                "{user|Роль} не входит в pg_monitor: сервер скрывает от неё чужие сеансы, и показатели без них были бы неверны.",
                (
                    'От имени суперпользователя: `GRANT pg_monitor TO "{user|USER}";`',
                    "А лучше отдельная роль: `CREATE ROLE watchdog LOGIN CONNECTION LIMIT 3 PASSWORD '…'; GRANT pg_monitor TO watchdog;`",
                ),
            ),
        ),
        Entry(
            "permission_denied_file",
            POSTGRESQL + "app-pgdump.html",
            Severity.CRITICAL,
            en=Text(
                "The system does not let us at that path",
                "The user this runs as may not write or read {path|the file or folder}.",
                (
                    "Which part of the path says no? `namei -l {path|PATH}`, and who are we: `id`",
                    "Give it to that user: `chown -R {owner|USER}: {directory|FOLDER}`",
                    "{@host}Under systemd: with `ProtectSystem=strict` the folder has to be in `ReadWritePaths=`, then `systemctl daemon-reload` and restart",
                    "{@container}In Docker: the uid inside the container has to own the mounted folder",
                ),
            ),
            ru=Text(
                "Система не пускает к этому пути",
                "Пользователю процесса нельзя писать или читать {path|файл или каталог}.",
                (
                    "Какая часть пути не пускает? `namei -l {path|PATH}`, и кто мы: `id`",
                    "Отдайте его этому пользователю: `chown -R {owner|USER}: {directory|FOLDER}`",
                    "{@host}Под systemd: при `ProtectSystem=strict` каталог должен быть в `ReadWritePaths=`, затем `systemctl daemon-reload` и перезапуск",
                    "{@container}В Docker: каталог должен принадлежать uid внутри контейнера",
                ),
            ),
            rules=(
                Rule("EACCES EPERM EROFS", phases=_FILES, confidence=0.95),
                Rule("EACCES EPERM EROFS", confidence=0.4),
                Rule(exceptions="PermissionError", phases=_FILES),
                Rule("EACCES EPERM", phases=(Phase.CONNECT,), engine="postgresql", confidence=0.8),
            ),
            wordings=(
                Wording(
                    "permission denied",
                    r"could not open (?:output )?file[^\n]*permission denied",
                    0.95,
                ),
                Wording(
                    "permission denied", r"could not create directory[^\n]*permission denied", 0.8
                ),
                Wording(
                    "permission denied",
                    r"(?:pg_dump|pg_restore|pg_basebackup)[^\n]*: permission denied",
                    0.85,
                ),
                Wording(
                    "permission denied", r"permission denied: '[^'\n]*(?:backup|dump)[^'\n]*'", 0.85
                ),
                Wording(
                    "permission denied",
                    r"^(?:bash|sh|zsh|cp|mv)?:? ?[^\n]*\.(?:dump|sql|gz|bak): permission denied",
                    0.85,
                ),
                Wording("permission denied", r"\.s\.pgsql\.\d+", 0.9),
                Wording("read-only file system", r"pg_dump|output file|backup|\.dump|\.sql", 0.85),
            ),
        ),
        Entry(
            "missing_replication_privilege",
            POSTGRESQL + "app-pgbasebackup.html",
            Severity.WARNING,
            en=Text(
                "The role may not replicate",
                "{user|The role} has no REPLICATION attribute, or pg_hba.conf has no replication line for it.",
                (
                    'Give it: `ALTER ROLE "{user|USER}" REPLICATION;`',
                    "Let it in: in pg_hba.conf `host replication {user|USER} CLIENT_ADDRESS/32 scram-sha-256`, then `SELECT pg_reload_conf();`",
                ),
            ),
            ru=Text(
                "Роли нельзя заниматься репликацией",
                "У {user|роли} нет атрибута REPLICATION или в pg_hba.conf для неё нет строки replication.",
                (
                    'Дайте его: `ALTER ROLE "{user|USER}" REPLICATION;`',
                    "Впустите её: в pg_hba.conf `host replication {user|USER} CLIENT_ADDRESS/32 scram-sha-256`, затем `SELECT pg_reload_conf();`",
                ),
            ),
            rules=(
                Rule("42501", confidence=0.3),
                Rule("42501", routines="CheckSlotPermissions check_permissions", confidence=0.97),
            ),
            wordings=(
                Wording("must be superuser or replication role", confidence=0.97),
                Wording("permission denied to start wal sender", confidence=0.97),
                Wording("permission denied to use replication slots", confidence=0.97),
                Wording("no pg_hba.conf entry for replication connection", confidence=0.95),
                Wording("with the replication attribute", confidence=0.9),
                Wording("must be superuser, replication role", confidence=0.95),
            ),
        ),
        Entry(
            "blind_sequences",
            POSTGRESQL + "predefined-roles.html",
            Severity.WARNING,
            en=Text(
                "The watching role cannot read sequences",
                "{user|The role} may not read some sequences of {database|the database}: how near they are to their end is unknown, and would look like nothing used.",
                (
                    'As superuser, 14 and newer: `GRANT pg_read_all_data TO "{user|USER}";`',
                    'Or for each schema, connected to {database|the database}: `GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO "{user|USER}";`',
                ),
            ),
            ru=Text(
                "Наблюдающая роль не может читать последовательности",
                "{user|Роли} не разрешено читать некоторые последовательности в {database|базе}: сколько до их конца, неизвестно, а выглядело бы как «ничего не использовано».",
                (
                    'От имени суперпользователя, 14 и новее: `GRANT pg_read_all_data TO "{user|USER}";`',
                    'Или для каждой схемы, подключившись к {database|базе}: `GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO "{user|USER}";`',
                ),
            ),
        ),
        Entry(
            "superusers",
            POSTGRESQL + "role-attributes.html",
            Severity.INFO,
            en=Text(
                "More roles than need be are superusers",
                "Beside the first superuser of {server|the server} others can log in as one. For them no grant, no row security and no read-only setting holds.",
                (
                    "Which ones? `SELECT rolname FROM pg_roles WHERE rolsuper AND rolcanlogin;`",
                    'Take it away where it is not needed: `ALTER ROLE "{role|ROLE}" NOSUPERUSER;` and grant what is needed (pg_monitor, pg_read_all_data, ownership)',
                ),
            ),
            ru=Text(
                "Суперпользователей больше, чем нужно",
                "Кроме первого суперпользователя на {server|сервере}, так могут входить и другие. Для них не действуют ни права, ни защита строк, ни режим только для чтения.",
                (
                    "Кто именно? `SELECT rolname FROM pg_roles WHERE rolsuper AND rolcanlogin;`",
                    'Заберите там, где не нужно: `ALTER ROLE "{role|ROLE}" NOSUPERUSER;` и выдайте нужное (pg_monitor, pg_read_all_data, владение)',
                ),
            ),
        ),
        Entry(
            "public_schema_open",
            POSTGRESQL + "ddl-schemas.html#DDL-SCHEMAS-PATTERNS",
            Severity.INFO,
            en=Text(
                "Everybody may create objects in schema public",
                "Any role that can connect to {database|the database} may put a table or function into schema public, where others find it first. Until 14 that was how databases were made, and an upgrade keeps it.",
                (
                    "As the owner, connected to {database|the database}: `REVOKE CREATE ON SCHEMA public FROM PUBLIC;`",
                    "Does an application create tables there with a role of its own? First: `GRANT CREATE ON SCHEMA public TO ROLE;`",
                ),
            ),
            ru=Text(
                "Создавать объекты в схеме public может кто угодно",
                "Любая роль, которая подключается к {database|базе}, может поместить таблицу или функцию в схему public, где её найдут первой. До версии 14 базы создавались именно так, и обновление это сохраняет.",
                (
                    "От имени владельца, подключившись к {database|базе}: `REVOKE CREATE ON SCHEMA public FROM PUBLIC;`",
                    "Приложение создаёт там таблицы от своей роли? Сначала: `GRANT CREATE ON SCHEMA public TO ROLE;`",
                ),
            ),
        ),
    ),
)
