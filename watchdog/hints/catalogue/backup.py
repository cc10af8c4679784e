"""A backup is not taken, not readable or not restorable.

Owns: the entries of the family ``backup``.
"""

# ruff: noqa: E501 - patterns and commands stay on one line

from __future__ import annotations

from watchdog.hints.entry import (
    POSTGRESQL,
    SQLITE,
    Entry,
    Family,
    Needs,
    Rule,
    Severity,
    Text,
    Wording,
)
from watchdog.model import Kind, Phase

_WRITING = (Phase.PREFLIGHT, Phase.DUMP, Phase.COPY, Phase.PUBLISH, Phase.VERIFY)

FAMILY = Family(
    Kind.BACKUP,
    (
        Entry(
            "version_mismatch_pg_dump",
            POSTGRESQL + "app-pgdump.html#PG-DUMP-NOTES",
            Severity.CRITICAL,
            en=Text(
                "pg_dump is older than the server",
                "{program|pg_dump} refuses a server newer than itself"
                " (server: {version|newer}). No backup was taken.",
                (
                    (
                        "Install the client of the server's major version, on Debian or Ubuntu from"
                        " apt.postgresql.org: `apt-get install postgresql-client-{major|17}`"
                    ),
                    (
                        "Which ones are here? `ls /usr/lib/postgresql/*/bin/pg_dump`; the newest one is"
                        " taken by itself"
                    ),
                    (
                        "{@compose}With Docker use the server's own:"
                        " `docker compose exec {service|postgres} pg_dump -Fc -U {user|USER} {database|DATABASE}`"
                    ),
                ),
            ),
            ru=Text(
                "pg_dump старее сервера",
                "{program|pg_dump} отказывается работать с сервером новее себя (сервер:"
                " {version|новее}). Копия не снята.",
                (
                    (
                        "Установите клиент той же основной версии, в Debian и Ubuntu — с"
                        " apt.postgresql.org: `apt-get install postgresql-client-{major|17}`"
                    ),
                    "Какие есть? `ls /usr/lib/postgresql/*/bin/pg_dump`; самый новый берётся сам",
                    (
                        "{@compose}В Docker возьмите родной pg_dump сервера:"
                        " `docker compose exec {service|postgres} pg_dump -Fc -U {user|USER} {database|DATABASE}`"
                    ),
                ),
            ),
            wordings=(
                Wording("pg_dump version:", r"server version:", 0.97),
                Wording("server version mismatch", confidence=0.97),
            ),
        ),
        Entry(
            "archive_version_unsupported",
            POSTGRESQL + "app-pgrestore.html",
            Severity.CRITICAL,
            en=Text(
                "pg_restore is older than the backup",
                "The archive was written by a newer pg_dump than this pg_restore can read.",
                (
                    (
                        "Use a pg_restore at least as new as the pg_dump that wrote it:"
                        " `apt-get install postgresql-client-{major|17}`"
                    ),
                    (
                        "Which one runs now? `pg_restore --version`; others:"
                        " `ls /usr/lib/postgresql/*/bin/pg_restore`"
                    ),
                ),
            ),
            ru=Text(
                "pg_restore старее копии",
                "Архив записан более новым pg_dump, чем умеет читать этот pg_restore.",
                (
                    (
                        "Возьмите pg_restore не старее того pg_dump, который его записал:"
                        " `apt-get install postgresql-client-{major|17}`"
                    ),
                    (
                        "Какой запускается сейчас? `pg_restore --version`; другие:"
                        " `ls /usr/lib/postgresql/*/bin/pg_restore`"
                    ),
                ),
            ),
            wordings=(
                Wording("in file header", r"unsupported version \([\d.]+\) in file header", 0.98),
            ),
        ),
        Entry(
            "backup_zero_bytes",
            POSTGRESQL + "backup-dump.html",
            Severity.CRITICAL,
            sqlite=SQLITE + "backup.html",
            en=Text(
                "The backup file is empty",
                "{path|The file} has no content: the program that should have written it failed, and"
                " nobody looked at its exit status.",
                (
                    "Take it again and read what it says: `db-watchdog backup {target|TARGET}`",
                    (
                        "In your own scripts: `set -o pipefail` before `pg_dump | gzip > FILE`, or better"
                        " `pg_dump -Fc -f FILE`"
                    ),
                    (
                        "Do not count this file as a backup; look for older ones:"
                        " `db-watchdog backups {target|TARGET}`"
                    ),
                ),
            ),
            ru=Text(
                "Файл копии пуст",
                "В {path|файле} ничего нет: программа, которая должна была его записать, завершилась"
                " с ошибкой, а код возврата никто не посмотрел.",
                (
                    "Снимите копию заново и прочтите ответ: `db-watchdog backup {target|TARGET}`",
                    (
                        "В своих скриптах: `set -o pipefail` перед `pg_dump | gzip > FILE`, а лучше"
                        " `pg_dump -Fc -f FILE`"
                    ),
                    "Не считайте этот файл копией; поищите прежние: `db-watchdog backups {target|TARGET}`",
                ),
            ),
            wordings=(
                Wording("input file is too short", r"input file is too short \(read 0,", 0.97),
                Wording(
                    "backup",
                    r"backup[^\n]{0,60}(?:is empty|0 bytes|zero bytes|size 0\b|0 b\b)",
                    0.85,
                ),
                Wording("dump", r"dump[^\n]{0,60}(?:is empty|0 bytes|zero bytes)", 0.8),
            ),
        ),
        Entry(
            "backup_truncated",
            POSTGRESQL + "app-pgrestore.html",
            Severity.CRITICAL,
            sqlite=SQLITE + "backup.html",
            en=Text(
                "The backup file ends early",
                "{path|The file} was cut off: the disk was full, the copy was interrupted, or the"
                " program was killed. What is missing cannot be had from it.",
                (
                    "Take a new one now: `db-watchdog backup {target|TARGET}`",
                    "Which older ones are whole? `db-watchdog verify --all`",
                    (
                        "Find what cut it: `df -h {directory|FOLDER}`, an interrupted upload, `dmesg -T |"
                        " grep -i 'killed process'`"
                    ),
                ),
            ),
            ru=Text(
                "Файл копии обрывается",
                "{path|Файл} обрезан: кончился диск, прервалось копирование или программу убили."
                " Недостающего из него не достать.",
                (
                    "Снимите новую копию сейчас: `db-watchdog backup {target|TARGET}`",
                    "Какие из прежних целы? `db-watchdog verify --all`",
                    (
                        "Найдите, что её оборвало: `df -h {directory|FOLDER}`, прерванная загрузка,"
                        " `dmesg -T | grep -i 'killed process'`"
                    ),
                ),
            ),
            wordings=(
                Wording("could not read from input file: end of file", confidence=0.97),
                Wording("unexpected end of file", r"pg_restore|gzip|gunzip|zcat|\.gz|dump", 0.85),
                Wording("could not uncompress data", confidence=0.9),
                Wording("unexpected block id", r"unexpected block id \(\d+\)", 0.85),
                Wording("corrupt tar header found", confidence=0.8),
                Wording("input file is too short", r"input file is too short \(read [1-4],", 0.9),
                Wording("premature end", r"zstd|premature end", 0.7, Needs.POSTGRESQL),
                Wording("could not find block id", confidence=0.8),
                Wording(
                    "premature end",
                    r"(?:zstd|\.zst|\.gz|\.dump|backup)[^\n]*premature end",
                    confidence=0.85,
                ),
            ),
        ),
        Entry(
            "backup_not_an_archive",
            POSTGRESQL + "app-pgrestore.html",
            Severity.CRITICAL,
            sqlite=SQLITE + "backup.html",
            en=Text(
                "The file is not a dump archive",
                "pg_restore does not recognise {path|the file}: it is compressed or encrypted once"
                " more, or something else altogether.",
                (
                    "What is it? `file {path|FILE}`",
                    (
                        "gzip or zstd? Unpack it first: `gunzip -k FILE.gz`, `zstd -d FILE.zst`; age:"
                        " `age -d -i KEY FILE.age`"
                    ),
                    (
                        "Plain SQL is restored with psql: `psql -X -v ON_ERROR_STOP=1 -1 -d NEWDB"
                        " -f {path|FILE}`"
                    ),
                ),
            ),
            ru=Text(
                "Файл — не архив дампа",
                "pg_restore не узнаёт {path|файл}: он ещё раз сжат или зашифрован либо это вообще"
                " другое.",
                (
                    "Что это? `file {path|FILE}`",
                    (
                        "gzip или zstd? Сначала распакуйте: `gunzip -k FILE.gz`, `zstd -d FILE.zst`; age:"
                        " `age -d -i KEY FILE.age`"
                    ),
                    (
                        "Обычный SQL восстанавливает psql: `psql -X -v ON_ERROR_STOP=1 -1 -d NEWDB"
                        " -f {path|FILE}`"
                    ),
                ),
            ),
            wordings=(
                Wording("input file does not appear to be a valid archive", confidence=0.93),
                Wording("did not find magic string in file header", confidence=0.95),
                Wording("does not appear to be a valid archive", confidence=0.9),
                Wording("toc.dat", r"does not exist|no such file", 0.85),
                Wording("not in gzip format", r"\.(?:sql|dump|gz|bak|tar)", confidence=0.85),
                Wording("unsupported format", r"zstd: [^\n]*unsupported format", confidence=0.85),
                Wording(
                    "not a valid archive", r"pg_restore[^\n]*not a valid archive", confidence=0.93
                ),
                Wording(
                    "does not appear to be a valid", r"valid (?:tar )?archive", confidence=0.93
                ),
            ),
        ),
        Entry(
            "backup_no_space",
            POSTGRESQL + "disk-full.html",
            Severity.CRITICAL,
            sqlite=SQLITE + "rescode.html#full",
            en=Text(
                "The place for backups is full",
                "{directory|The destination} has no room left; this backup was given up and the"
                " partial file is useless.",
                (
                    "How much is left? `df -h {directory|FOLDER}` and `df -i {directory|FOLDER}`",
                    (
                        "What may go? `db-watchdog prune {target|TARGET} --dry-run`, then without `--dry-run`;"
                        " keep fewer with `backup.keep`"
                    ),
                    "Then take it again: `db-watchdog backup {target|TARGET}`",
                ),
            ),
            ru=Text(
                "Место для копий кончилось",
                "В {directory|хранилище} нет места; эта копия не снята, а недописанный файл"
                " бесполезен.",
                (
                    "Сколько осталось? `df -h {directory|FOLDER}` и `df -i {directory|FOLDER}`",
                    (
                        "Что можно удалить? `db-watchdog prune {target|TARGET} --dry-run`, затем без"
                        " `--dry-run`; хранить меньше — `backup.keep`"
                    ),
                    "Потом снимите копию снова: `db-watchdog backup {target|TARGET}`",
                ),
            ),
            rules=(
                Rule("ENOSPC EDQUOT EFBIG", phases=_WRITING, confidence=0.95),
                Rule("ENOSPC EDQUOT", confidence=0.5),
            ),
            wordings=(
                Wording(
                    "no space left on device",
                    r"(?:pg_dump|pg_basebackup)[^\n]*no space left on device",
                    0.96,
                ),
                Wording(
                    "no space left on device",
                    r"pg_dump|pg_basebackup|output file|write to file|\.dump|\.sql|\.gz|backup",
                    0.92,
                ),
                Wording("disk quota exceeded", r"pg_dump|pg_basebackup|output file|backup", 0.9),
                Wording(
                    "stdout: no space left on device",
                    r"(?:gzip|zstd|xz|bzip2|lz4): stdout",
                    confidence=0.93,
                ),
            ),
        ),
        Entry(
            "backup_dir_missing",
            POSTGRESQL + "app-pgdump.html",
            Severity.CRITICAL,
            sqlite=SQLITE + "backup.html",
            en=Text(
                "The folder for the backup cannot be used",
                "{directory|The destination folder} does not exist, is not mounted, or may not be written"
                " to.",
                (
                    "Should it be mounted? `findmnt {directory|FOLDER}` and `mount -a`",
                    (
                        "Otherwise make it, or give it to the user that backs up:"
                        " `install -d -m 0700 -o {owner|USER} {directory|FOLDER}`"
                    ),
                    (
                        "Under systemd it also has to be in `ReadWritePaths=`; in Docker it has to be a"
                        " volume"
                    ),
                ),
            ),
            ru=Text(
                "Каталогом для копии нельзя воспользоваться",
                "{directory|Каталог назначения} не существует, не смонтирован или закрыт для записи.",
                (
                    "Он должен быть смонтирован? `findmnt {directory|FOLDER}` и `mount -a`",
                    (
                        "Если нет, создайте его или отдайте тому, кто делает копию:"
                        " `install -d -m 0700 -o {owner|USER} {directory|FOLDER}`"
                    ),
                    "Под systemd он должен быть и в `ReadWritePaths=`, в Docker — быть томом",
                ),
            ),
            rules=(Rule("ENOENT ENOTDIR", phases=_WRITING, confidence=0.75),),
            wordings=(
                Wording("could not open output file", r"no such file or directory", 0.95),
                Wording("could not create directory", r"pg_dump[^\n]*no such file", 0.9),
                Wording(
                    "no such file or directory",
                    r"(?:backup|dump)[^\n]*\.(?:sql|dump|gz|bak)[^\n]*no such file|no such file[^\n]*(?:backup|dump)[^\n]*/",
                    0.5,
                ),
            ),
        ),
        Entry(
            "backup_target_exists",
            POSTGRESQL + "app-pgdump.html",
            Severity.WARNING,
            sqlite=SQLITE + "backup.html",
            en=Text(
                "There is something at the output path already",
                "{path|The output file or folder} exists, and a directory dump or copy does not"
                " write over anything.",
                (
                    "Is it a backup that somebody needs? `ls -la {path|FILE}`",
                    "Choose a fresh name (with the time in it), or move the old one away",
                ),
            ),
            ru=Text(
                "По этому пути уже что-то есть",
                "{path|Файл или каталог вывода} существует, а дамп в каталог и копия ничего не"
                " перезаписывают.",
                (
                    "Не нужная ли это копия? `ls -la {path|FILE}`",
                    "Возьмите новое имя (со временем в нём) или уберите старое",
                ),
            ),
            rules=(Rule("EEXIST ENOTEMPTY", phases=_WRITING, confidence=0.85),),
            wordings=(
                Wording("could not create directory", r"file exists", 0.95),
                Wording("output file already exists", confidence=0.9),
                Wording("exists but is not empty", r"pg_dump|pg_basebackup|dump", 0.85),
                Wording("output file", r"output file [^\n]*already exists", 0.9),
            ),
        ),
        Entry(
            "pg_dump_not_found",
            POSTGRESQL + "app-pgdump.html",
            Severity.CRITICAL,
            en=Text(
                "The program is not installed",
                "{program|pg_dump} was not found on this machine, so no backup can be taken or"
                " restored.",
                (
                    (
                        "Install the client of the server's major version:"
                        " `apt-get install postgresql-client-{major|17}` (Alpine:"
                        " `apk add postgresql{major|17}-client`)"
                    ),
                    "Is it there, but not in PATH? `ls /usr/lib/postgresql/*/bin/{program|pg_dump}`",
                    (
                        "{@container}In Docker it has to be in the image of the process that backs up, not only in"
                        " the database's"
                    ),
                ),
            ),
            ru=Text(
                "Программа не установлена",
                "{program|pg_dump} на этой машине не найден, поэтому ни снять, ни восстановить копию"
                " нельзя.",
                (
                    (
                        "Установите клиент той же основной версии, что у сервера:"
                        " `apt-get install postgresql-client-{major|17}` (в Alpine:"
                        " `apk add postgresql{major|17}-client`)"
                    ),
                    "Есть, но не в PATH? `ls /usr/lib/postgresql/*/bin/{program|pg_dump}`",
                    "{@container}В Docker она нужна в образе того, кто снимает копии, а не только базы",
                ),
            ),
            rules=(
                Rule(
                    "ENOENT", phases=(Phase.PREFLIGHT,), facts=(("program", ".+"),), confidence=0.95
                ),
            ),
            wordings=(
                Wording(
                    "command not found",
                    r"(?:pg_dump|pg_dumpall|pg_restore|psql)[^\n]{0,40}command not found|command not found: (?:pg_dump|pg_restore|psql)",
                    0.97,
                ),
                Wording(
                    "not found",
                    r"(?:pg_dump|pg_dumpall|pg_restore)(?:['\"\]])?: (?:executable file )?not found",
                    0.95,
                ),
                Wording(
                    "no such file or directory",
                    r"no such file or directory: '(?:[^'\n]*/)?(?:pg_dump|pg_dumpall|pg_restore|psql)'",
                    0.97,
                ),
                Wording(
                    "is not recognized as an internal or external command",
                    r"pg_dump|pg_restore|psql",
                    0.95,
                ),
                Wording("команда не найдена", r"pg_dump|pg_restore|psql", 0.95),
                Wording("spawn pg_dump enoent", confidence=0.97),
                Wording("executable file not found in $path", r"pg_dump|pg_restore|psql", 0.97),
                Wording("you must install at least one postgresql-client", confidence=0.95),
                Wording(
                    "cannot run program",
                    r'cannot run program "[^"\n]*(?:pg_dump|pg_dumpall|pg_restore|psql)"',
                    confidence=0.97,
                ),
                Wording(
                    "command not found",
                    r"command not found: (?:pg_dump|pg_dumpall|pg_restore|psql|pg_basebackup)",
                    confidence=0.97,
                ),
                Wording(
                    "no such file or directory",
                    r"(?:/usr/(?:local/)?(?:lib/postgresql/\d+/)?bin/)(?:pg_dump|pg_dumpall|pg_restore|psql): no such file",
                    confidence=0.95,
                ),
                Wording("winerror 2", r"pg_dump|pg_restore|psql", confidence=0.93),
                Wording(
                    "is not recognized as", r"pg_dump|pg_dumpall|pg_restore|psql", confidence=0.95
                ),
                Wording(
                    "no such file or directory",
                    "env: [‘'\"]?(?:pg_dump|pg_dumpall|pg_restore|psql)[’'\"]?: no such file",
                    confidence=0.96,
                ),
            ),
        ),
        Entry(
            "backup_file_missing",
            POSTGRESQL + "app-pgrestore.html",
            Severity.CRITICAL,
            sqlite=SQLITE + "backup.html",
            en=Text(
                "The backup file is not there",
                "{path|The file to restore or copy} does not exist: another path, another machine,"
                " or its volume is not mounted.",
                (
                    "Which ones are there? `db-watchdog backups {target|TARGET}`",
                    "Is its folder mounted? `ls -la {directory|FOLDER}` and `findmnt -T {directory|FOLDER}`",
                    (
                        "Inside a container paths are the container's: mount the folder, or send the file"
                        " through standard input (`docker compose exec -T {service|postgres} pg_restore … < FILE`)"
                    ),
                ),
            ),
            ru=Text(
                "Файла копии нет",
                "{path|Файл, который надо восстановить или скопировать,} не существует: другой путь,"
                " другая машина или не смонтирован том.",
                (
                    "Какие есть? `db-watchdog backups {target|TARGET}`",
                    "Смонтирован ли каталог? `ls -la {directory|FOLDER}` и `findmnt -T {directory|FOLDER}`",
                    (
                        "Внутри контейнера пути — контейнера: смонтируйте каталог или подайте файл на"
                        " стандартный ввод (`docker compose exec -T {service|postgres} pg_restore … < FILE`)"
                    ),
                ),
            ),
            rules=(Rule("ENOENT", phases=(Phase.VERIFY, Phase.PRUNE), confidence=0.8),),
            wordings=(
                Wording("could not open input file", r"no such file", 0.97),
                Wording(
                    "no such file or directory",
                    r"pg_restore: error: could not (?:stat|open)|psql: error: [^\n]*: no such file",
                    0.93,
                ),
                Wording(
                    "no such file or directory",
                    r"^(?:cp|cat|gunzip|gzip|zcat): [^\n]*\.(?:db|sqlite3?|dump|sql|gz|bak)",
                    0.8,
                ),
                Wording(
                    "no such file or directory",
                    r"^[\w./-]+\.(?:sql|dump|bak|backup)(?:\.gz)?: no such file or directory",
                    confidence=0.85,
                ),
            ),
        ),
        Entry(
            "dump_newer_than_server",
            POSTGRESQL + "app-pgdump.html#PG-DUMP-NOTES",
            Severity.WARNING,
            en=Text(
                "The dump is newer than the server or psql",
                "It holds settings or commands (transaction_timeout, `\\restrict`) that this server or"
                " psql does not know yet.",
                (
                    "Restore into the same or a newer major version",
                    (
                        "`invalid command \\restrict`? Use a newer psql: the latest minor version of any"
                        " supported major one"
                    ),
                    (
                        "Only settings are refused? With pg_restore the rest goes on; look through its"
                        " errors to the end"
                    ),
                ),
            ),
            ru=Text(
                "Дамп новее сервера или psql",
                "В нём есть параметры или команды (transaction_timeout, `\\restrict`), которых этот"
                " сервер или psql ещё не знает.",
                (
                    "Восстанавливайте на ту же или более новую основную версию",
                    (
                        "`invalid command \\restrict`? Возьмите psql поновее: последний выпуск любой"
                        " поддерживаемой основной версии"
                    ),
                    (
                        "Отвергнуты лишь параметры? pg_restore продолжит остальное; просмотрите его ошибки"
                        " до конца"
                    ),
                ),
            ),
            wordings=(
                Wording(
                    "unrecognized configuration parameter",
                    r"unrecognized configuration parameter \"(?:transaction_timeout|idle_session_timeout|default_table_access_method|row_security|xmloption|idle_in_transaction_session_timeout|default_toast_compression)\"",
                    0.95,
                ),
                Wording("invalid command \\restrict", confidence=0.97),
                Wording("invalid command \\unrestrict", confidence=0.97),
                Wording("backslash commands are restricted", confidence=0.95),
                Wording("invalid command", r"invalid command \\+(?:un)?restrict", confidence=0.97),
            ),
        ),
        Entry(
            "missing_role_on_restore",
            POSTGRESQL + "app-pgrestore.html",
            Severity.WARNING,
            en=Text(
                "An owner named in the dump does not exist here",
                "A dump holds no roles, and {user|a role} that owns or may use something in it is"
                " missing on this server.",
                (
                    'Make the role first: `CREATE ROLE "{user|ROLE}" NOLOGIN;`',
                    (
                        "Or restore without owners and rights: `pg_restore --no-owner --no-privileges -d"
                        " {database|NEWDB} {path|FILE}`"
                    ),
                    "All roles of the old server: `pg_dumpall --roles-only`",
                ),
            ),
            ru=Text(
                "Владельца из дампа здесь нет",
                "Роли в дамп не входят, и роли {user|ROLE}, которой в нём что-то принадлежит или"
                " разрешено, на этом сервере нет.",
                (
                    'Сначала создайте роль: `CREATE ROLE "{user|ROLE}" NOLOGIN;`',
                    (
                        "Или восстановите без владельцев и прав: `pg_restore --no-owner --no-privileges -d"
                        " {database|NEWDB} {path|FILE}`"
                    ),
                    "Все роли старого сервера: `pg_dumpall --roles-only`",
                ),
            ),
            rules=(
                Rule(
                    "42704",
                    routines="get_role_oid get_rolespec_tuple get_rolespec_oid",
                    confidence=0.6,
                ),
            ),
            wordings=(
                Wording("pg_restore", r"(?:role|user) \"[^\"\n]+\" does not exist", 0.95),
                Wording("command was: alter", r"role \"[^\"\n]+\" does not exist", 0.96),
                Wording(
                    "does not exist",
                    r"(?:psql:[^\n]*:\d+: error: +)role \"[^\"\n]+\" does not exist",
                    0.93,
                ),
                Wording("pg_restore", r"роль [\"«][^\"»\n]+[\"»] не существует", 0.95),
            ),
        ),
        Entry(
            "restore_not_owner",
            POSTGRESQL + "app-pgrestore.html",
            Severity.WARNING,
            en=Text(
                "The restoring user does not own these objects",
                "{user|This role} may not change, own or drop something that the dump wants to"
                " change.",
                (
                    (
                        "Restore as the owner or a superuser:"
                        " `pg_restore -U postgres -d {database|NEWDB} {path|FILE}`"
                    ),
                    (
                        "Or into a new database that belongs to this role, with"
                        " `--no-owner --no-privileges` and without `--clean`"
                    ),
                    "Only COMMENT ON EXTENSION or ALTER DEFAULT PRIVILEGES? Those are harmless",
                ),
            ),
            ru=Text(
                "Восстанавливающий — не владелец этих объектов",
                "{user|Этой роли} нельзя менять, присваивать или удалять то, что хочет изменить дамп.",
                (
                    (
                        "Восстановите от имени владельца или суперпользователя:"
                        " `pg_restore -U postgres -d {database|NEWDB} {path|FILE}`"
                    ),
                    "Или в новую базу этой роли, с `--no-owner --no-privileges` и без `--clean`",
                    "Только COMMENT ON EXTENSION или ALTER DEFAULT PRIVILEGES? Это безвредно",
                ),
            ),
            rules=(
                Rule("42501", confidence=0.3),
                Rule("42501", routines="aclcheck_error", confidence=0.3),
            ),
            wordings=(
                Wording(
                    "must be owner of",
                    r"must be owner of (?:table|schema|extension|database|function|sequence|view|type|relation|event trigger|materialized view|large object|\w+)",
                    0.93,
                ),
                Wording("must be able to set role", confidence=0.9),
                Wording("must be member of role", confidence=0.9),
                Wording("must be superuser to create", r"extension|procedural|cast|operator", 0.6),
            ),
        ),
        Entry(
            "restore_in_use",
            POSTGRESQL + "sql-alterdatabase.html",
            Severity.WARNING,
            en=Text(
                "Somebody is in the database that is to be replaced",
                "{database|The database} has sessions or prepared transactions, with which PostgreSQL"
                " renames no database.",
                (
                    (
                        "Who it is: `SELECT pid, usename, application_name, client_addr, state FROM"
                        " pg_stat_activity WHERE datname = '{database|DATABASE}'`; stop those applications"
                        " and restore again"
                    ),
                    (
                        "Or have their sessions ended at the swap: `db-watchdog restore TARGET --to URL"
                        " --force --end-sessions`"
                    ),
                    (
                        "Prepared transactions (`SELECT * FROM pg_prepared_xacts`) are to be ended in the"
                        " database by COMMIT PREPARED or ROLLBACK PREPARED"
                    ),
                ),
            ),
            ru=Text(
                "В базе, которую нужно заменить, кто-то работает",
                "В {database|базе} есть сеансы или подготовленные транзакции; с ними PostgreSQL базу не"
                " переименует.",
                (
                    (
                        "Кто это: `SELECT pid, usename, application_name, client_addr, state FROM"
                        " pg_stat_activity WHERE datname = '{database|DATABASE}'`; остановите эти приложения и"
                        " восстановите ещё раз"
                    ),
                    (
                        "Или завершите их сеансы в момент замены: `db-watchdog restore TARGET --to URL"
                        " --force --end-sessions`"
                    ),
                    (
                        "Подготовленные транзакции (`SELECT * FROM pg_prepared_xacts`) завершите в самой базе"
                        " командой COMMIT PREPARED или ROLLBACK PREPARED"
                    ),
                ),
            ),
        ),
        Entry(
            "restore_into_nonempty",
            POSTGRESQL + "app-pgrestore.html",
            Severity.WARNING,
            en=Text(
                "The target of the restore is not empty",
                "{database|The database} has some of these objects or rows already; a restore over"
                " them mixes old and new.",
                (
                    (
                        "Restore into a new one: `db-watchdog restore TARGET --to URL`, with the URL of a"
                        " database (or the path of a SQLite file) that does not exist yet; then swap the names"
                    ),
                    (
                        "By hand, PostgreSQL: `createdb -T template0 NEWDB`, then"
                        " `pg_restore -d NEWDB FILE.dump`; SQLite: `cp FILE.sqlite NEW.db`"
                    ),
                    (
                        "Really in its place? `db-watchdog restore TARGET --to URL --force --dry-run` shows"
                        " what `--force` would do: the old one is kept aside, and there is a way back"
                    ),
                ),
            ),
            ru=Text(
                "База, куда восстанавливают, не пуста",
                "В {database|базе} часть этих объектов или строк уже есть; восстановление поверх"
                " смешает старое с новым.",
                (
                    (
                        "Восстановите в новую: `db-watchdog restore TARGET --to URL`, где URL — база"
                        " (или файл SQLite), которой ещё нет; затем поменяйте имена"
                    ),
                    (
                        "Вручную, PostgreSQL: `createdb -T template0 NEWDB`, затем"
                        " `pg_restore -d NEWDB FILE.dump`; SQLite: `cp FILE.sqlite NEW.db`"
                    ),
                    (
                        "Именно на её место? `db-watchdog restore TARGET --to URL --force --dry-run` покажет,"
                        " что сделает `--force`: прежняя база остаётся в стороне, и к ней можно вернуться"
                    ),
                ),
            ),
            rules=(
                Rule("42P07 42P06 42710 42723 42P16", confidence=0.6),
                Rule("42P04", confidence=0.7),
            ),
            wordings=(
                Wording(
                    "already exists",
                    r"error: +(?:relation|schema|type|function|table|constraint|database|sequence|extension|index|view|trigger|role|policy|publication) \"?[^\n]*already exists(?!, skipping)",
                    0.75,
                ),
                Wording(
                    "already exists",
                    r"pg_restore[^\n]*already exists|psql:[^\n]*already exists",
                    0.92,
                ),
                Wording("multiple primary keys for table", confidence=0.85),
                Wording(
                    "duplicate key value violates unique constraint",
                    r"(?:pg_restore|^psql:|copy failed|\bcopy [\w.]+, line \d)",
                    0.85,
                ),
            ),
        ),
        Entry(
            "restore_wrong_tool",
            POSTGRESQL + "backup-dump.html#BACKUP-DUMP-RESTORE",
            Severity.WARNING,
            en=Text(
                "The wrong program for this kind of dump",
                "Plain SQL goes to psql; custom, directory and tar archives go to pg_restore.",
                (
                    "Which kind is it? `head -c 5 {path|FILE}` (PGDMP is a custom archive)",
                    "Archive: `pg_restore --exit-on-error -d NEWDB {path|FILE}`",
                    "Plain SQL: `psql -X -v ON_ERROR_STOP=1 -1 -d NEWDB -f {path|FILE}`",
                ),
            ),
            ru=Text(
                "Не та программа для этого вида дампа",
                "Обычный SQL восстанавливает psql; архивы custom, directory и tar — pg_restore.",
                (
                    "Какого он вида? `head -c 5 {path|FILE}` (PGDMP — архив custom)",
                    "Архив: `pg_restore --exit-on-error -d NEWDB {path|FILE}`",
                    "Обычный SQL: `psql -X -v ON_ERROR_STOP=1 -1 -d NEWDB -f {path|FILE}`",
                ),
            ),
            wordings=(
                Wording("input file appears to be a text format dump", confidence=0.98),
                Wording("the input is a postgresql custom-format dump", confidence=0.98),
                Wording("pgdmp", r"syntax error at or near \"pgdmp", 0.98),
                Wording("please use psql", confidence=0.97),
            ),
        ),
        Entry(
            "backup_no_matching_tables",
            POSTGRESQL + "app-pgdump.html",
            Severity.WARNING,
            en=Text(
                "Nothing matches the pattern",
                "The tables or schemas named for the dump are not in {database|this database}.",
                (
                    "What is there? `psql -d {database|DATABASE} -c '\\dt *.*'`",
                    (
                        "Mixed case needs inner quotes: `-t '\"MyTable\"'`; other schemas their name:"
                        " `-t 'app.mytable'`"
                    ),
                    "Is it the right database?",
                ),
            ),
            ru=Text(
                "Под шаблон ничего не подходит",
                "Таблиц или схем, названных для дампа, в {database|этой базе} нет.",
                (
                    "Что там есть? `psql -d {database|DATABASE} -c '\\dt *.*'`",
                    (
                        "Заглавным буквам нужны внутренние кавычки: `-t '\"MyTable\"'`, другим схемам —"
                        " имя: `-t 'app.mytable'`"
                    ),
                    "Та ли это база?",
                ),
            ),
            wordings=(
                Wording("no matching tables were found", confidence=0.97),
                Wording("no matching schemas were found", confidence=0.97),
                Wording("no matching extensions were found", confidence=0.95),
                Wording(
                    "no matching table",
                    r"no matching (?:table|schema)s? (?:was|were) found for pattern",
                    0.97,
                ),
            ),
        ),
        Entry(
            "backup_timeout",
            POSTGRESQL + "app-pgdump.html",
            Severity.CRITICAL,
            sqlite=SQLITE + "backup.html",
            en=Text(
                "The backup took longer than it may",
                "The backup of {target|the target} did not end in time and was cancelled; nothing of"
                " it was kept.",
                (
                    (
                        "What was it waiting for? While it runs: `SELECT pid, wait_event_type, wait_event,"
                        " query FROM pg_stat_activity WHERE application_name LIKE 'pg_dump%';`"
                    ),
                    "For SQLite: is somebody writing without a pause? `fuser -v {path|FILE}`",
                    "Simply large? Allow more: `backup.timeout` of the target, at a quieter hour",
                ),
            ),
            ru=Text(
                "Копирование длилось дольше дозволенного",
                "Копия {target|цели} не была готова в срок, её отменили; ничего от неё не осталось.",
                (
                    (
                        "Чего она ждала? Пока идёт: `SELECT pid, wait_event_type, wait_event, query FROM"
                        " pg_stat_activity WHERE application_name LIKE 'pg_dump%';`"
                    ),
                    "Для SQLite: не пишет ли кто-то без передышки? `fuser -v {path|FILE}`",
                    "Просто велика? Дайте больше времени: `backup.timeout` у цели, в более тихий час",
                ),
            ),
            rules=(Rule(exceptions="TimeoutError", phases=(*_WRITING, Phase.PRUNE)),),
        ),
        Entry(
            "backup_yielded",
            POSTGRESQL + "explicit-locking.html",
            Severity.WARNING,
            en=Text(
                "The backup gave way to somebody who waited behind its locks",
                "A dump keeps every table from being altered or dropped until it ends. {process|A"
                " session} had to wait for that, and so does everybody behind it: the dump was"
                " cancelled and will be tried again.",
                (
                    "Nothing to do if it succeeds later: see `db-watchdog backups {target|TARGET}`",
                    (
                        "If it gives way every night: change the schema at another hour than"
                        " `backup.schedule`, or allow a longer `backup.yield_after`"
                    ),
                    (
                        "Let migrations give up soon instead of queueing: `SET lock_timeout = '5s';`"
                        " before ALTER TABLE"
                    ),
                ),
            ),
            ru=Text(
                "Копирование уступило тому, кто ждал за его блокировками",
                "Пока идёт дамп, ни одну таблицу нельзя изменить или удалить. Этого ждал"
                " {process|другой сеанс}, а за ним и все остальные: дамп отменён, попытка будет"
                " повторена.",
                (
                    (
                        "Если позже он удастся, делать ничего не надо: `db-watchdog backups"
                        " {target|TARGET}`"
                    ),
                    (
                        "Если он уступает каждую ночь: меняйте схему в другой час, чем"
                        " `backup.schedule`, или разрешите ждать дольше: `backup.yield_after`"
                    ),
                    (
                        "Пусть миграции не стоят в очереди, а отступают: `SET lock_timeout = '5s';`"
                        " перед ALTER TABLE"
                    ),
                ),
            ),
        ),
        Entry(
            "backup_tool_killed",
            POSTGRESQL + "kernel-resources.html#LINUX-MEMORY-OVERCOMMIT",
            Severity.CRITICAL,
            sqlite=SQLITE + "backup.html",
            en=Text(
                "The program that took the backup was killed",
                "A signal ended {program|pg_dump} before it was done: of the kernel, for want of"
                " memory on this machine or in this container, or of a person. What it had written"
                " is removed; the backup will be tried again.",
                (
                    (
                        "Was it the kernel? `dmesg -T | grep -iE 'out of memory|killed process'`; in"
                        " Docker: `docker inspect --format '{{.State.OOMKilled}}' CONTAINER`"
                    ),
                    (
                        "Then give this machine or container more memory: `MemoryMax=` of the"
                        " unit, `mem_limit:` of the container"
                    ),
                    "Take it again: `db-watchdog backup {target|TARGET}`",
                ),
            ),
            ru=Text(
                "Программу, снимавшую копию, убили",
                "Сигнал завершил {program|pg_dump} раньше срока: его послало ядро, когда на этой"
                " машине или в этом контейнере кончилась память, или человек. Недописанное"
                " удалено; попытка будет повторена.",
                (
                    (
                        "Это было ядро? `dmesg -T | grep -iE 'out of memory|killed process'`; в"
                        " Docker: `docker inspect --format '{{.State.OOMKilled}}' CONTAINER`"
                    ),
                    (
                        "Тогда дайте этой машине или контейнеру больше памяти: `MemoryMax=` юнита,"
                        " `mem_limit:` контейнера"
                    ),
                    "Снимите копию снова: `db-watchdog backup {target|TARGET}`",
                ),
            ),
        ),
        Entry(
            "backup_value_too_large",
            POSTGRESQL + "limits.html",
            Severity.CRITICAL,
            en=Text(
                "A row is too large to be dumped",
                "PostgreSQL writes no row of more than 1 GiB as text, and a bytea takes twice its"
                " size there: a value from 512 MiB on can be stored, but no pg_dump can read it. The"
                " whole database has no backup until that is changed.",
                (
                    (
                        "Which rows are it? `SELECT ctid, octet_length(COLUMN) FROM"
                        " {relation|TABLE} ORDER BY 2 DESC NULLS LAST LIMIT 5;`"
                    ),
                    (
                        "Store such values in pieces, as a large object, or as a file with its path"
                        " in the table"
                    ),
                    (
                        "Until then back up everything else: `backup: {exclude: {data:"
                        " [{relation|TABLE}]}}`, and that table by `COPY … TO … (FORMAT binary)`"
                    ),
                ),
            ),
            ru=Text(
                "Строка слишком велика для дампа",
                "PostgreSQL не выдаёт текстом строку больше 1 ГиБ, а bytea занимает там вдвое больше"
                " места: значение от 512 МиБ сохранить можно, но прочитать его pg_dump не сможет."
                " Пока это так, копии нет у всей базы.",
                (
                    (
                        "Какие это строки? `SELECT ctid, octet_length(COLUMN) FROM"
                        " {relation|TABLE} ORDER BY 2 DESC NULLS LAST LIMIT 5;`"
                    ),
                    (
                        "Храните такие значения по частям, большим объектом или файлом, путь к"
                        " которому записан в таблице"
                    ),
                    (
                        "А пока копируйте всё остальное: `backup: {exclude: {data:"
                        " [{relation|TABLE}]}}`, и эту таблицу — командой `COPY … TO … (FORMAT"
                        " binary)`"
                    ),
                ),
            ),
            wordings=(
                # From 1 GiB on, to twice what a field may hold; nonsense beyond that is corruption.
                Wording(
                    "invalid memory alloc request size",
                    r"request size (?:107[4-9]\d{6}|10[89]\d{7}|1[1-9]\d{8}|[2-4]\d{9})\b",
                    confidence=0.93,
                ),
                Wording("string buffer exceeds maximum allowed length", confidence=0.9),
                Wording("cannot enlarge string buffer containing", confidence=0.93),
            ),
        ),
        Entry(
            "backup_through_pooler",
            POSTGRESQL + "app-pgdump.html",
            Severity.CRITICAL,
            en=Text(
                "Backups do not go through a pooler",
                "The address leads to a pooler such as PgBouncer, where each transaction may get"
                " another session of the server: settings of a dump or a restore would reach the"
                " sessions of applications, and names in a dump could lose their schemas.",
                (
                    (
                        "Give the server's own address for backups: `backup: {url:"
                        " postgresql://USER@SERVER:5432/{database|DATABASE}}` of"
                        " {target|the target}; probes may go on through the pooler"
                    ),
                    "Which one that is: the section [databases] of pgbouncer.ini",
                    (
                        "Only the pooler can be reached? Give one whose pool_mode is session as"
                        " `backup.url`"
                    ),
                ),
            ),
            ru=Text(
                "Через пулер резервные копии не снимают",
                "Адрес ведёт к пулеру, например PgBouncer, где каждой транзакции может достаться"
                " другой сеанс сервера: параметры дампа или восстановления попали бы в сеансы"
                " приложений, а имена в дампе могли бы остаться без схем.",
                (
                    (
                        "Дайте для копий адрес самого сервера: `backup: {url:"
                        " postgresql://USER@SERVER:5432/{database|DATABASE}}` у"
                        " {target|цели}; проверки могут и дальше идти через пулер"
                    ),
                    "Какой это адрес: раздел [databases] файла pgbouncer.ini",
                    (
                        "Доступен только пулер? Укажите в `backup.url` тот, у которого"
                        " pool_mode = session"
                    ),
                ),
            ),
        ),
        Entry(
            "backup_locked",
            POSTGRESQL + "app-pgdump.html",
            Severity.WARNING,
            sqlite=SQLITE + "backup.html",
            en=Text(
                "Another backup of this target is running",
                "Somebody else holds the lock of {directory|the target's folder}; only one backup per"
                " target runs at a time.",
                (
                    "Who is it? `fuser -v {directory|FOLDER}/.lock`",
                    "Wait for it (`--wait 30m`), or end that process if it is stuck",
                ),
            ),
            ru=Text(
                "Копия этой цели уже снимается",
                "Кто-то держит блокировку {directory|каталога цели}; одновременно снимается только"
                " одна копия.",
                (
                    "Кто это? `fuser -v {directory|FOLDER}/.lock`",
                    "Дождитесь (`--wait 30m`) или завершите тот процесс, если он завис",
                ),
            ),
            rules=(Rule("EWOULDBLOCK EAGAIN", phases=_WRITING, confidence=0.9),),
        ),
        Entry(
            "backup_failed",
            POSTGRESQL + "backup.html",
            Severity.WARNING,
            sqlite=SQLITE + "backup.html",
            en=Text(
                "The last backup failed, and the database answers since",
                "The last backup of {target|the target}, at {at|an earlier time}, failed:"
                " {reason|it could not reach the database}. The database answers now, so what was wrong"
                " then is most likely mended, but no newer backup has been taken since.",
                (
                    "Take one now: `db-watchdog backup {target|TARGET}`",
                    "Or wait: it begins by itself at {next}",
                ),
            ),
            ru=Text(
                "Последняя копия не удалась, но база снова отвечает",
                "Последняя попытка снять копию {target|цели} ({at|некоторое время назад}) не удалась:"
                " {reason|база была недоступна}. Сейчас база отвечает: скорее всего, причина"
                " устранена, но более новой копии с тех пор нет.",
                (
                    "Снимите копию сейчас: `db-watchdog backup {target|TARGET}`",
                    "Или подождите: она начнётся сама в {next}",
                ),
            ),
        ),
        Entry(
            "destination_missing",
            POSTGRESQL + "backup.html",
            Severity.CRITICAL,
            sqlite=SQLITE + "backup.html",
            en=Text(
                "The place for backups is not mounted",
                "{directory|The destination} lacks the marker that was put there: most likely its disk"
                " or share is not mounted. Nothing was written and nothing pruned.",
                (
                    "Is it mounted? `findmnt -T {directory|FOLDER}`, then `mount -a`",
                    (
                        "Emptied on purpose? Say so by a new marker:"
                        " `touch {directory|FOLDER}/.db-watchdog-destination`"
                    ),
                ),
            ),
            ru=Text(
                "Место для копий не смонтировано",
                "В {directory|хранилище} нет оставленной там метки: скорее всего, не смонтирован диск"
                " или сетевая папка. Ничего не записано и ничего не удалено.",
                (
                    "Смонтировано ли оно? `findmnt -T {directory|FOLDER}`, затем `mount -a`",
                    (
                        "Опустошили намеренно? Поставьте новую метку:"
                        " `touch {directory|FOLDER}/.db-watchdog-destination`"
                    ),
                ),
            ),
        ),
        Entry(
            "backup_damaged",
            POSTGRESQL + "app-pgrestore.html",
            Severity.CRITICAL,
            sqlite=SQLITE + "backup.html",
            en=Text(
                "The backup is not what was written",
                "The content of {path|the backup} does not fit the sum or size in its manifest: it"
                " was changed, or the disk lost bits. Do not rely on it.",
                (
                    "Take a new one now: `db-watchdog backup {target|TARGET}`",
                    "Which others are whole? `db-watchdog verify --all`",
                    "Look at the disk: `dmesg -T | tail`, `smartctl -a /dev/DISK`",
                ),
            ),
            ru=Text(
                "В копии не то, что было записано",
                "Содержимое {path|копии} не сходится с суммой или размером в её описании: файл меняли"
                " или диск теряет биты. Полагаться на неё нельзя.",
                (
                    "Снимите новую сейчас: `db-watchdog backup {target|TARGET}`",
                    "Какие из остальных целы? `db-watchdog verify --all`",
                    "Посмотрите на диск: `dmesg -T | tail`, `smartctl -a /dev/DISK`",
                ),
            ),
        ),
        Entry(
            "no_backup_yet",
            POSTGRESQL + "backup.html",
            Severity.CRITICAL,
            sqlite=SQLITE + "backup.html",
            en=Text(
                "There is no backup that could be restored",
                "No proven backup of {target|the target} exists yet: a fire now would cost"
                " everything, and objectives.rpo allows {limit|less than that}.",
                (
                    "Take one now: `db-watchdog backup {target|TARGET}`",
                    (
                        "Why is there none? `db-watchdog backups {target|TARGET}` names the last failure, a"
                        " pause, and what is held apart or not proven"
                    ),
                    "Until the first slot of the schedule? Let it begin at the start: `run_on_start: true`",
                ),
            ),
            ru=Text(
                "Нет ни одной копии, из которой можно восстановиться",
                "Ни одной проверенной копии {target|цели} пока нет: при аварии пропало бы всё, а"
                " objectives.rpo допускает потерять {limit|меньше}.",
                (
                    "Снимите копию сейчас: `db-watchdog backup {target|TARGET}`",
                    (
                        "Почему её нет? `db-watchdog backups {target|TARGET}` покажет последнюю ошибку,"
                        " паузу и то, что отложено или не проверено"
                    ),
                    "Первый срок по расписанию ещё не наступил? Пусть начнётся при запуске: `run_on_start: true`",
                ),
            ),
        ),
        Entry(
            "rpo_missed",
            POSTGRESQL + "backup.html",
            Severity.CRITICAL,
            sqlite=SQLITE + "backup.html",
            en=Text(
                "More would be lost than is allowed",
                "The newest proven backup of {target|the target} is older than objectives.rpo"
                " allows: a fire now would cost more than was agreed.",
                (
                    "Take one now: `db-watchdog backup {target|TARGET}`",
                    (
                        "Why is there no newer one? `db-watchdog backups {target|TARGET}` names the last"
                        " failure, a pause, and what is held apart"
                    ),
                    (
                        "Is the schedule too sparse for the objective? A gap between two slots must be"
                        " shorter than objectives.rpo; below an hour take WAL archiving instead"
                        " (pgBackRest, WAL-G, Barman) or Litestream for SQLite"
                    ),
                ),
            ),
            ru=Text(
                "Потеря была бы больше допустимой",
                "Последняя проверенная копия {target|цели} старше, чем допускает objectives.rpo:"
                " при аварии сейчас пропало бы больше, чем допустимо.",
                (
                    "Снимите копию сейчас: `db-watchdog backup {target|TARGET}`",
                    (
                        "Почему нет более новой? `db-watchdog backups {target|TARGET}` покажет последнюю"
                        " ошибку, паузу и то, что отложено"
                    ),
                    (
                        "Не слишком ли редкое расписание? Промежуток между копиями должен быть короче"
                        " objectives.rpo; если нужно меньше часа, берите архивирование WAL (pgBackRest,"
                        " WAL-G, Barman), для SQLite — Litestream"
                    ),
                ),
            ),
        ),
        Entry(
            "rto_missed",
            POSTGRESQL + "app-pgrestore.html",
            Severity.WARNING,
            sqlite=SQLITE + "backup.html",
            en=Text(
                "The way back takes longer than is allowed",
                "The last restore drill of {target|the target} took longer than objectives.rto"
                " allows.",
                (
                    "How long did it take? `db-watchdog backups {target|TARGET}`",
                    (
                        "Was the machine busy? Prove it again at a calm time:"
                        " `db-watchdog verify {target|TARGET} --level 4`"
                    ),
                    (
                        "If it is the size: remove what nobody needs, restore on a faster disk, or keep a"
                        " standby for the short way and these backups for the long one"
                    ),
                ),
            ),
            ru=Text(
                "Восстановление дольше допустимого",
                "Последнее пробное восстановление {target|цели} заняло больше, чем допускает"
                " objectives.rto.",
                (
                    "Сколько оно длилось? `db-watchdog backups {target|TARGET}`",
                    (
                        "Машина была занята? Проверьте ещё раз в спокойное время:"
                        " `db-watchdog verify {target|TARGET} --level 4`"
                    ),
                    (
                        "Если дело в размере: удалите ненужное, восстанавливайте на более быстрый диск"
                        " или держите реплику для короткого пути, а эти копии — для длинного"
                    ),
                ),
            ),
        ),
        Entry(
            "backup_content_differs",
            POSTGRESQL + "app-pgdump.html",
            Severity.CRITICAL,
            sqlite=SQLITE + "pragma.html#pragma_integrity_check",
            en=Text(
                "The backup does not hold what was there",
                "Restored, or read back, the backup has other rows or another schema than the"
                " database had at the instant when it was taken. It counts no more.",
                (
                    "Take another one now: `db-watchdog backup {target|TARGET}`",
                    "Prove that one at once: `db-watchdog verify {target|TARGET} --level 4`",
                    "Which others are whole? `db-watchdog verify --all`",
                    (
                        "If it happens again, look at the disk and the memory of both machines:"
                        " `dmesg -T | tail`, and at what else writes into the folder of backups"
                    ),
                ),
            ),
            ru=Text(
                "В копии не то, что было в базе",
                "После восстановления или чтения в копии другое число строк или другая схема, чем"
                " было в базе в момент снятия. Копия больше не считается годной.",
                (
                    "Снимите другую сейчас: `db-watchdog backup {target|TARGET}`",
                    "Сразу проверьте её: `db-watchdog verify {target|TARGET} --level 4`",
                    "Какие из остальных целы? `db-watchdog verify --all`",
                    (
                        "Если это повторится, посмотрите на диск и память обеих машин:"
                        " `dmesg -T | tail`, и на то, что ещё пишет в папку копий"
                    ),
                ),
            ),
        ),
        Entry(
            "backup_assertion_false",
            POSTGRESQL + "app-pgrestore.html",
            Severity.CRITICAL,
            sqlite=SQLITE + "backup.html",
            en=Text(
                "An assertion does not hold on the restored copy",
                "The backup was restored and is what the database was, but a query of drill.assert"
                " does not answer true on it: what is wrong with the data was wrong at its source.",
                (
                    "Ask the same query in the database itself: is it true there now?",
                    (
                        "If not, find out since when: `db-watchdog backups {target|TARGET}`, and restore"
                        " older ones into new databases to ask them"
                    ),
                    "If the query is out of date, mend it under backup.drill.assert",
                ),
            ),
            ru=Text(
                "Условие не выполняется на восстановленной копии",
                "Копия восстановлена и совпадает с тем, что было в базе, но запрос из drill.assert"
                " отвечает на ней не «истина»: неверные данные были уже в самой базе.",
                (
                    "Задайте тот же запрос самой базе: верен ли он сейчас?",
                    (
                        "Если нет, выясните, с каких пор: `db-watchdog backups {target|TARGET}`, и"
                        " восстановите более старые копии в новые базы, чтобы спросить их"
                    ),
                    "Если устарел сам запрос, исправьте его в backup.drill.assert",
                ),
            ),
        ),
        Entry(
            "drill_no_place",
            POSTGRESQL + "app-initdb.html",
            Severity.WARNING,
            sqlite=SQLITE + "backup.html",
            en=Text(
                "There is nowhere to restore a backup for a drill",
                "The restore drill could not run: what it needs of this machine or of the scratch"
                " server is not there. The backup itself is as proven as it was.",
                (
                    (
                        "Install the server's programs, of the source's version or a later one; the"
                        " service itself need not run: `apt-get install postgresql-{major|17}`"
                    ),
                    (
                        "Or name a scratch server whose user may create databases, under"
                        " backup.drill: `server: postgresql://drill@HOST:5432/postgres`"
                    ),
                    "Is it the space? `df -h {directory|/tmp}`; another place is drill.directory",
                    "Without drills: `drill: false`",
                ),
            ),
            ru=Text(
                "Негде пробно восстановить копию",
                "Пробное восстановление не состоялось: на этой машине или на запасном сервере нет"
                " того, что для него нужно. Сама копия проверена так же, как и раньше.",
                (
                    (
                        "Установите программы сервера той же версии или новее; сама служба работать не"
                        " обязана: `apt-get install postgresql-{major|17}`"
                    ),
                    (
                        "Или укажите в backup.drill запасной сервер, пользователь которого может"
                        " создавать базы: `server: postgresql://drill@HOST:5432/postgres`"
                    ),
                    "Мало места? `df -h {directory|/tmp}`; другое место задаёт drill.directory",
                    "Без пробных восстановлений: `drill: false`",
                ),
            ),
        ),
        Entry(
            "drill_timeout",
            POSTGRESQL + "populate.html",
            Severity.WARNING,
            sqlite=SQLITE + "backup.html",
            en=Text(
                "The restore drill took too long",
                "The drill of {target|the target} was ended at its time limit. So long, or longer,"
                " would the way back take.",
                (
                    "How large is the backup? `db-watchdog backups {target|TARGET}`",
                    "Allow it more time: `timeout:` under backup.drill",
                    "Restore on a faster disk: `directory:` or `server:` under backup.drill",
                ),
            ),
            ru=Text(
                "Пробное восстановление длилось слишком долго",
                "Пробное восстановление {target|цели} прервано по истечении отведённого времени."
                " Столько же или дольше занял бы и настоящий возврат.",
                (
                    "Какого размера копия? `db-watchdog backups {target|TARGET}`",
                    "Дайте больше времени: `timeout:` в backup.drill",
                    "Восстанавливайте на более быстрый диск: `directory:` или `server:` в backup.drill",
                ),
            ),
        ),
    ),
)
