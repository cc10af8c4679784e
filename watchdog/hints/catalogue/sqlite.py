"""A SQLite file and what happens around it.

Owns: the entries of the family ``sqlite``.
"""

# ruff: noqa: E501 - patterns and commands stay on one line

from __future__ import annotations

from watchdog.hints.entry import (
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

_FILE = (Phase.STAT, Phase.OPEN, Phase.READ)

FAMILY = Family(
    Kind.SQLITE,
    (
        Entry(
            "sqlite_busy",
            SQLITE + "rescode.html#busy",
            Severity.WARNING,
            en=Text(
                "Another connection holds the write lock",
                "The database {path|file} was locked by somebody else for longer than we waited.",
                (
                    "{blocker} has it: let it finish its transaction, or end it",
                    "Who has it open? `fuser -v {path|FILE}` or `lsof {path|FILE}`",
                    (
                        "End the long transaction there: an open DB browser, a script without commit, a"
                        " backup that copies"
                    ),
                    (
                        "In the application: `PRAGMA journal_mode = WAL;`,"
                        " `PRAGMA busy_timeout = 5000;`, short transactions, `BEGIN IMMEDIATE` before"
                        " writing"
                    ),
                    "Several services write to it all the time? That is the moment for PostgreSQL",
                ),
            ),
            ru=Text(
                "Запись держит другое соединение",
                "Файл базы {path|данных} был занят кем-то дольше, чем мы ждали.",
                (
                    "Файл занят у {blocker}: дайте завершить транзакцию или остановите процесс",
                    "Кто его открыл? `fuser -v {path|FILE}` или `lsof {path|FILE}`",
                    (
                        "Завершите там долгую транзакцию: открытый просмотрщик базы, скрипт без commit,"
                        " идущее копирование"
                    ),
                    (
                        "В приложении: `PRAGMA journal_mode = WAL;`, `PRAGMA busy_timeout = 5000;`,"
                        " короткие транзакции, `BEGIN IMMEDIATE` перед записью"
                    ),
                    "В него постоянно пишут несколько сервисов? Пора переходить на PostgreSQL",
                ),
            ),
            rules=(Rule("SQLITE_BUSY"), Rule("SQLITE_PROTOCOL", confidence=0.6)),
            wordings=(
                Wording("database is locked", needs=Needs.ERROR),
                Wording(
                    "database is locked",
                    r"database is locked ?(?:\((?:5|261|517|773)\)|\(code 5)",
                    0.95,
                ),
                Wording("sqlite_busy", confidence=0.95),
                Wording("locking protocol", r"locking protocol", 0.6, Needs.SQLITE),
                Wording("database busy", confidence=0.9, needs=Needs.SQLITE),
                Wording("database file is locked", confidence=0.93),
                Wording("databasebusy", confidence=0.93),
                Wording("busyexception", confidence=0.93, needs=Needs.SQLITE),
                Wording(
                    "failed to respond to a query within the configured timeout", confidence=0.85
                ),
                Wording("sqlitedatabaselockedexception", confidence=0.95),
                Wording("database busy", r"exqlite|sqlite|ecto", confidence=0.9),
            ),
        ),
        Entry(
            "sqlite_locked_shared_cache",
            SQLITE + "rescode.html#locked",
            Severity.WARNING,
            en=Text(
                "The process stands in its own way",
                "Two statements of one process, or connections that share a cache, want the same"
                " table of {path|the database}. Waiting does not help.",
                (
                    (
                        "Finish or close the statement that is still open (a cursor not read to its end)"
                        " before the next one changes the table"
                    ),
                    "Drop `cache=shared` from the URL; WAL mode gives what it promised",
                    "A larger busy timeout does not help here",
                ),
            ),
            ru=Text(
                "Процесс мешает сам себе",
                "Два запроса одного процесса или соединения с общим кэшем претендуют на одну таблицу"
                " {path|базы}. Ждать бесполезно.",
                (
                    (
                        "Завершите или закройте ещё открытый запрос (недочитанный курсор), прежде чем"
                        " менять таблицу"
                    ),
                    "Уберите `cache=shared` из URL: режим WAL даёт то же без помех",
                    "Увеличивать busy_timeout здесь бесполезно",
                ),
            ),
            rules=(Rule("SQLITE_LOCKED"),),
            wordings=(
                Wording("database table is locked", needs=Needs.ERROR, confidence=0.95),
                Wording("database schema is locked", needs=Needs.ERROR, confidence=0.95),
                Wording("sqlite_locked", confidence=0.95),
                Wording("database is deadlocked", confidence=0.85, needs=Needs.SQLITE),
                Wording(
                    "database is locked", r"database is locked ?(?:\((?:6|262)\)|\(code 6)", 0.96
                ),
                Wording("databaselocked", confidence=0.95),
                Wording("lockedexception", r"sqlite3::lockedexception", confidence=0.95),
            ),
        ),
        Entry(
            "sqlite_notadb",
            SQLITE + "rescode.html#notadb",
            Severity.CRITICAL,
            en=Text(
                "The file is not a SQLite database",
                "{path|The file} does not begin as a SQLite database does: it is something else,"
                " compressed, encrypted, or was overwritten.",
                (
                    (
                        "What is it? `file {path|FILE}` and `head -c 16 {path|FILE} | xxd` (should be"
                        ' "SQLite format 3")'
                    ),
                    (
                        "Compressed or encrypted? Unpack or decrypt it (SQLCipher needs its own library"
                        " and key); a wrong path? Correct the URL"
                    ),
                    (
                        "{@kept}Overwritten? Keep the file aside and restore the newest backup:"
                        " `db-watchdog restore {target|TARGET} --to sqlite:///NEW.db`"
                    ),
                ),
            ),
            ru=Text(
                "Файл — не база SQLite",
                "{path|Файл} начинается не так, как база SQLite: это что-то другое, он сжат,"
                " зашифрован или затёрт.",
                (
                    (
                        "Что это? `file {path|FILE}` и `head -c 16 {path|FILE} | xxd` (должно быть"
                        " «SQLite format 3»)"
                    ),
                    (
                        "Сжат или зашифрован? Распакуйте или расшифруйте (SQLCipher нужны своя библиотека"
                        " и ключ); не тот путь? Исправьте URL"
                    ),
                    (
                        "{@kept}Затёрт? Отложите файл и восстановите последнюю копию:"
                        " `db-watchdog restore {target|TARGET} --to sqlite:///NEW.db`"
                    ),
                ),
            ),
            rules=(Rule("SQLITE_NOTADB"),),
            wordings=(
                Wording("file is not a database", needs=Needs.ERROR, confidence=0.95),
                Wording("file is encrypted or is not a database", confidence=0.95),
                Wording("sqlite_notadb", confidence=0.95),
                Wording("unsupported file format", r"unsupported file format", 0.8, Needs.SQLITE),
                Wording("notadatabase", confidence=0.95, needs=Needs.SQLITE),
            ),
        ),
        Entry(
            "sqlite_corrupt",
            SQLITE + "howtocorrupt.html",
            Severity.CRITICAL,
            en=Text(
                "The database file is damaged",
                "SQLite found pages of {path|the file} that contradict each other.",
                (
                    (
                        "Stop whoever writes to it, then copy it with its companions:"
                        " `cp -a {path|FILE}* /SAFE/PLACE/`"
                    ),
                    "How bad is it? On the copy: `sqlite3 COPY 'PRAGMA integrity_check;'`",
                    (
                        "{@kept}Restore the newest backup: `db-watchdog restore {target|TARGET} --to"
                        " sqlite:///NEW.db`"
                    ),
                    "Rows that no backup has may be saved with `sqlite3 COPY .recover | sqlite3 RECOVERED.db`",
                    (
                        "Find the cause: a copy of a live file, a deleted `-wal`, two mounts of one file,"
                        " a failing disk (`dmesg | tail`)"
                    ),
                ),
            ),
            ru=Text(
                "Файл базы повреждён",
                "SQLite нашёл в {path|файле} страницы, которые противоречат друг другу.",
                (
                    (
                        "Остановите тех, кто в него пишет, и скопируйте его вместе со спутниками:"
                        " `cp -a {path|FILE}* /SAFE/PLACE/`"
                    ),
                    "Насколько всё плохо? На копии: `sqlite3 COPY 'PRAGMA integrity_check;'`",
                    (
                        "{@kept}Восстановите последнюю резервную копию: `db-watchdog restore {target|TARGET}"
                        " --to sqlite:///NEW.db`"
                    ),
                    "Строки, которых нет в копиях, может спасти `sqlite3 COPY .recover | sqlite3 RECOVERED.db`",
                    (
                        "Найдите причину: копирование живого файла, удалённый `-wal`, один файл через два"
                        " монтирования, умирающий диск (`dmesg | tail`)"
                    ),
                ),
            ),
            rules=(Rule("SQLITE_CORRUPT"),),
            wordings=(
                Wording("database disk image is malformed", needs=Needs.ERROR, confidence=0.95),
                Wording("sqlite_corrupt", confidence=0.93),
                Wording("database corruption at line", confidence=0.9),
                Wording("btreeinitpage() returns error code 11", confidence=0.9),
                Wording("*** in database main ***", confidence=0.9),
                Wording("databasecorrupt", confidence=0.95),
                Wording("sqlitedatabasecorruptexception", confidence=0.95),
            ),
        ),
        Entry(
            "sqlite_index_corrupt",
            SQLITE + "lang_reindex.html",
            Severity.CRITICAL,
            en=Text(
                "An index disagrees with its table",
                "The tables of {path|the file} can be read; only an index lacks rows or has too"
                " many. Queries may give wrong answers.",
                (
                    "Copy the file first: `sqlite3 {path|FILE} \".backup '/SAFE/PLACE/copy.db'\"`",
                    "On the copy: `sqlite3 /SAFE/PLACE/copy.db 'REINDEX; PRAGMA integrity_check;'`",
                    "Says it ok? Do the same on the file itself while nobody writes",
                ),
            ),
            ru=Text(
                "Индекс расходится с таблицей",
                "Таблицы {path|файла} читаются; лишь в индексе строк не хватает или они лишние."
                " Запросы могут отвечать неверно.",
                (
                    "Сначала копия: `sqlite3 {path|FILE} \".backup '/SAFE/PLACE/copy.db'\"`",
                    "На копии: `sqlite3 /SAFE/PLACE/copy.db 'REINDEX; PRAGMA integrity_check;'`",
                    "Ответ ok? Повторите на самом файле, пока никто не пишет",
                ),
            ),
            rules=(Rule("SQLITE_CORRUPT_INDEX", confidence=0.95),),
            wordings=(
                Wording("missing from index", r"row \d+ missing from index", 0.95),
                Wording("wrong # of entries in index", confidence=0.95),
                Wording("non-unique entry in index", confidence=0.95),
                Wording("sqlite_corrupt_index", confidence=0.96),
            ),
        ),
        Entry(
            "sqlite_cantopen_missing_dir",
            SQLITE + "rescode.html#cantopen",
            Severity.CRITICAL,
            en=Text(
                "The file or its folder is not there",
                "SQLite cannot open {path|the file}: the folder or the file is missing, or the path"
                " of the URL is another one than was meant.",
                (
                    "Is it {alike}? Then correct the path in the URL",
                    "Save what was deleted while {blocker} still has it: `cp {deleted_copy} /tmp/saved.db`",
                    "Is it there? `ls -la {path|FILE}` and `ls -ld {directory|FOLDER}`",
                    (
                        "Count the slashes: `sqlite:///data/app.db` is relative to the working directory,"
                        " `sqlite:////data/app.db` is absolute"
                    ),
                    (
                        "{@container}In Docker: is the volume mounted at {directory|that folder}?"
                        " `docker compose config --volumes`, and `ls` inside the container"
                    ),
                    (
                        "{@kept}File gone? Restore the newest backup:"
                        " `db-watchdog restore {target|TARGET} --to sqlite:///NEW.db`"
                    ),
                    "Folder missing? `mkdir -p {directory|FOLDER}`",
                ),
            ),
            ru=Text(
                "Нет файла или его каталога",
                "SQLite не может открыть {path|файл}: нет каталога или файла либо путь в URL не тот,"
                " что имелся в виду.",
                (
                    "Может быть, {alike}? Тогда исправьте путь в URL",
                    "Спасите удалённое, пока оно открыто у {blocker}: `cp {deleted_copy} /tmp/saved.db`",
                    "На месте ли он? `ls -la {path|FILE}` и `ls -ld {directory|FOLDER}`",
                    (
                        "Посчитайте косые черты: `sqlite:///data/app.db` — относительно рабочего"
                        " каталога, `sqlite:////data/app.db` — от корня"
                    ),
                    (
                        "{@container}В Docker: смонтирован ли том в {directory|этот каталог}?"
                        " `docker compose config --volumes` и `ls` внутри контейнера"
                    ),
                    (
                        "{@kept}Пропал файл? Восстановите последнюю копию:"
                        " `db-watchdog restore {target|TARGET} --to sqlite:///NEW.db`"
                    ),
                    "Нет каталога? `mkdir -p {directory|FOLDER}`",
                ),
            ),
            rules=(
                Rule(
                    "SQLITE_CANTOPEN SQLITE_CANTOPEN_CONVPATH"
                    " SQLITE_CANTOPEN_FULLPATH SQLITE_IOERR_DELETE_NOENT",
                    confidence=0.8,
                ),
                Rule("ENOENT ENOTDIR ELOOP", phases=_FILE),
                Rule("ENOENT ENOTDIR ELOOP", engine="sqlite", confidence=0.6),
                Rule(exceptions="FileNotFoundError NotADirectoryError", phases=_FILE),
            ),
            wordings=(
                Wording("unable to open database file", needs=Needs.ERROR, confidence=0.85),
                Wording(
                    "unable to open database",
                    r"unable to open database(?: file)? [\"'/]|unable to open database \"",
                    0.85,
                ),
                Wording(
                    "cannot open database because the directory does not exist", confidence=0.97
                ),
                Wording("sqlite_cantopen", confidence=0.88),
                Wording("no such file or directory", r"\.(?:db|sqlite3?)\b", 0.6, Needs.SQLITE),
                Wording("database file at path", r"does not exist", confidence=0.95),
                Wording(
                    "path to",
                    r"path to '[^'\n]+': '[^'\n]+' does not exist",
                    confidence=0.93,
                    needs=Needs.SQLITE,
                ),
                Wording("sqlitecantopendatabaseexception", confidence=0.93),
                Wording("cannotopen", r"code: cannotopen", confidence=0.93),
                Wording("cannot open database", confidence=0.8, needs=Needs.SQLITE),
                Wording("could not open database", confidence=0.85, needs=Needs.SQLITE),
                Wording("cantopenexception", confidence=0.93),
                Wording("cannot open file at line", confidence=0.85),
            ),
        ),
        Entry(
            "sqlite_path_is_folder",
            SQLITE + "rescode.html#cantopen_isdir",
            Severity.CRITICAL,
            en=Text(
                "Where the database file should be there is a folder",
                "{path|The path} is a folder: Docker makes one where a file is mounted that the"
                " host does not have, or the URL stops before the file's name.",
                (
                    "Is it {alike}? Then correct the path in the URL",
                    "What is in it? `ls -la {path|FILE}`",
                    (
                        "A mount of a single file? Mount its folder instead, for SQLite makes files"
                        ' beside it: `volumes: ["./data:/app/data"]`'
                    ),
                    (
                        "{@container}Empty, and made by Docker: `docker compose down`, `rmdir {path|FILE}` on the"
                        " host, put the file there, `docker compose up -d`"
                    ),
                ),
            ),
            ru=Text(
                "На месте файла базы — каталог",
                "{path|По этому пути} — каталог: Docker создаёт его, если монтируемого файла на"
                " хосте нет, либо URL обрывается перед именем файла.",
                (
                    "Может быть, {alike}? Тогда исправьте путь в URL",
                    "Что в нём? `ls -la {path|FILE}`",
                    (
                        "Смонтирован один файл? Монтируйте его каталог: SQLite создаёт файлы рядом:"
                        ' `volumes: ["./data:/app/data"]`'
                    ),
                    (
                        "{@container}Пустой и создан Docker: `docker compose down`, на хосте `rmdir {path|FILE}`,"
                        " положите файл на место, `docker compose up -d`"
                    ),
                ),
            ),
            rules=(
                Rule("SQLITE_CANTOPEN_ISDIR", confidence=0.95),
                Rule("EISDIR", phases=_FILE),
                Rule("EISDIR", engine="sqlite", confidence=0.7),
            ),
        ),
        Entry(
            "sqlite_cantopen_permission",
            SQLITE + "rescode.html#cantopen",
            Severity.CRITICAL,
            en=Text(
                "We may not open the file",
                "The file is there, but the user this runs as may not read {path|it} or pass one of"
                " the folders above it.",
                (
                    "Which part of the path says no? `namei -l {path|FILE}`, and who are we: `id`",
                    (
                        "Give read access: `chmod g+r {path|FILE}` and add our user to the file's group"
                        " (`SupplementaryGroups=` under systemd)"
                    ),
                    (
                        "{@container}In Docker the volume's owner counts: `chown -R UID:GID {directory|FOLDER}` with"
                        " the uid of the container's user, or `user:` in docker-compose.yml"
                    ),
                ),
            ),
            ru=Text(
                "Нет прав открыть файл",
                "Файл на месте, но пользователю процесса нельзя читать {path|его} или проходить через"
                " один из каталогов выше.",
                (
                    "Какая часть пути не пускает? `namei -l {path|FILE}`, и кто мы: `id`",
                    (
                        "Дайте право на чтение: `chmod g+r {path|FILE}` и добавьте нашего пользователя в"
                        " группу файла (`SupplementaryGroups=` под systemd)"
                    ),
                    (
                        "{@container}В Docker важен владелец тома: `chown -R UID:GID {directory|FOLDER}` с uid"
                        " пользователя контейнера или `user:` в docker-compose.yml"
                    ),
                ),
            ),
            rules=(
                Rule("EACCES EPERM", phases=_FILE),
                Rule("EACCES EPERM", engine="sqlite", confidence=0.6),
                Rule("SQLITE_PERM SQLITE_AUTH"),
                Rule("SQLITE_CANTOPEN", confidence=0.4),
                Rule(exceptions="PermissionError", phases=_FILE),
            ),
            wordings=(
                Wording("permission denied", r"\.(?:db|sqlite3?)\b", 0.85, Needs.SQLITE),
                Wording("unable to open database", r"permission denied|eacces", 0.95),
                Wording("access permission denied", confidence=0.7, needs=Needs.SQLITE),
                Wording("sqlite_perm", confidence=0.95),
                Wording("unable to open database file", needs=Needs.ERROR, confidence=0.45),
            ),
        ),
        Entry(
            "sqlite_readonly",
            SQLITE + "rescode.html#readonly",
            Severity.CRITICAL,
            en=Text(
                "The database cannot be written",
                "{path|The file} is not writable for this user, its mount is read-only, or it was"
                " opened read-only.",
                (
                    (
                        "Owner and mode: `ls -la {path|FILE}` and `id`; give them back with"
                        " `chown USER: {path|FILE}*` and `chmod u+w {path|FILE}`"
                    ),
                    (
                        "Is the mount read-only? `findmnt -T {path|FILE}` (a `:ro` volume in"
                        " docker-compose.yml, a disk that failed: `dmesg | tail`)"
                    ),
                    "Is there `mode=ro` or `immutable=1` in the application's URL?",
                ),
            ),
            ru=Text(
                "В базу нельзя писать",
                "{path|Файл} недоступен этому пользователю для записи, смонтирован только для чтения"
                " или так открыт.",
                (
                    (
                        "Владелец и права: `ls -la {path|FILE}` и `id`; верните их:"
                        " `chown USER: {path|FILE}*` и `chmod u+w {path|FILE}`"
                    ),
                    (
                        "Смонтировано только для чтения? `findmnt -T {path|FILE}` (том с `:ro` в"
                        " docker-compose.yml или сбой диска: `dmesg | tail`)"
                    ),
                    "Нет ли `mode=ro` или `immutable=1` в URL приложения?",
                ),
            ),
            rules=(
                Rule("SQLITE_READONLY SQLITE_READONLY_DBMOVED"),
                Rule("EROFS", engine="sqlite", confidence=0.8),
            ),
            wordings=(
                Wording("attempt to write a readonly database", confidence=0.93),
                Wording("readonly database", r"readonly database", 0.8, Needs.SQLITE),
                Wording("sqlite_readonly", confidence=0.9),
                Wording("readonlyexception", r"sqlite3::readonlyexception", confidence=0.93),
            ),
        ),
        Entry(
            "sqlite_readonly_directory",
            SQLITE + "rescode.html#readonly_directory",
            Severity.CRITICAL,
            en=Text(
                "The folder is not writable",
                "SQLite needs to make a journal or `-wal` file beside {path|the database}, and may"
                " not write into {directory|its folder}.",
                (
                    (
                        "Make the folder writable, not only the file:"
                        " `chown USER: {directory|FOLDER} && chmod u+w {directory|FOLDER}`"
                    ),
                    (
                        "{@container}In Docker mount the folder, not the single file"
                        " (`./data:/app/data`, not `./data/app.db:/app/data/app.db`)"
                    ),
                ),
            ),
            ru=Text(
                "Каталог недоступен для записи",
                "SQLite должен создать рядом с {path|базой} журнал или файл `-wal`, а писать в"
                " {directory|каталог} нельзя.",
                (
                    (
                        "Сделайте доступным для записи каталог, а не только файл:"
                        " `chown USER: {directory|FOLDER} && chmod u+w {directory|FOLDER}`"
                    ),
                    (
                        "{@container}В Docker монтируйте каталог, а не отдельный файл"
                        " (`./data:/app/data`, а не `./data/app.db:/app/data/app.db`)"
                    ),
                ),
            ),
            rules=(
                Rule(
                    "SQLITE_READONLY_DIRECTORY SQLITE_READONLY_CANTINIT SQLITE_READONLY_CANTLOCK",
                    confidence=0.95,
                ),
                Rule("SQLITE_READONLY", confidence=0.35),
                Rule("SQLITE_CANTOPEN", confidence=0.3),
            ),
            wordings=(
                Wording("sqlite_readonly_directory", confidence=0.97),
                Wording("sqlite_readonly_cantinit", confidence=0.95),
                Wording("attempt to write a readonly database", confidence=0.4),
                Wording("1544", r"readonly|sqlite", confidence=0.97),
            ),
        ),
        Entry(
            "sqlite_full",
            SQLITE + "rescode.html#full",
            Severity.CRITICAL,
            en=Text(
                "No room for the database to grow",
                "The disk or quota of {path|the database}, the folder for temporary files, or"
                " max_page_count is exhausted.",
                (
                    "How much is left? `df -h {directory|FOLDER} /tmp` and `df -i {directory|FOLDER}`",
                    "Free space there; large queries also use `SQLITE_TMPDIR`",
                    (
                        "Room enough? Then a limit of the database: `PRAGMA max_page_count;` or a quota:"
                        " `quota -s`"
                    ),
                ),
            ),
            ru=Text(
                "Базе некуда расти",
                "Исчерпаны диск или квота {path|базы}, каталог временных файлов или max_page_count.",
                (
                    "Сколько осталось? `df -h {directory|FOLDER} /tmp` и `df -i {directory|FOLDER}`",
                    "Освободите там место; большим запросам нужен ещё и `SQLITE_TMPDIR`",
                    (
                        "Места хватает? Тогда предел самой базы: `PRAGMA max_page_count;` или квота:"
                        " `quota -s`"
                    ),
                ),
            ),
            rules=(
                Rule("SQLITE_FULL"),
                Rule("ENOSPC EDQUOT", engine="sqlite", phases=_FILE),
            ),
            wordings=(
                Wording("database or disk is full", confidence=0.95),
                Wording("sqlite_full", confidence=0.95),
                Wording("code: diskfull", confidence=0.95),
                Wording("sqlitefullexception", confidence=0.95),
                Wording("fullexception", r"sqlite3::fullexception", confidence=0.95),
            ),
        ),
        Entry(
            "sqlite_ioerr",
            SQLITE + "rescode.html#ioerr",
            Severity.CRITICAL,
            en=Text(
                "The system reported an I/O error",
                "Reading or writing {path|the database} failed below SQLite: the disk, the mount or"
                " the volume driver.",
                (
                    "Save what can be read now: `db-watchdog backup {target|TARGET}`",
                    (
                        "What does the system say? `dmesg -T | tail -50`, `findmnt -T {path|FILE}`,"
                        " `smartctl -a /dev/DISK`"
                    ),
                    "A network or virtual mount? Move the file to a local disk or a named volume",
                ),
            ),
            ru=Text(
                "Система сообщила об ошибке ввода-вывода",
                "Чтение или запись {path|базы} сорвались ниже SQLite: диск, монтирование или драйвер"
                " тома.",
                (
                    "Спасите то, что читается: `db-watchdog backup {target|TARGET}`",
                    (
                        "Что говорит система? `dmesg -T | tail -50`, `findmnt -T {path|FILE}`,"
                        " `smartctl -a /dev/DISK`"
                    ),
                    (
                        "Сетевое или виртуальное монтирование? Перенесите файл на локальный диск или в"
                        " именованный том"
                    ),
                ),
            ),
            rules=(
                Rule("SQLITE_IOERR SQLITE_CANTOPEN_DIRTYWAL"),
                Rule("EIO", engine="sqlite", confidence=0.9),
            ),
            wordings=(
                Wording("disk i/o error", confidence=0.92, needs=Needs.ERROR),
                Wording("sqlite_ioerr", confidence=0.93),
                Wording("systemiofailure", confidence=0.93),
                Wording("ioexception", r"sqlite3::ioexception", confidence=0.93),
                Wording("sqlitediskioexception", confidence=0.93),
                Wording(
                    "disk i/o error", r"(?:sqlite|os_unix\.c)[^\n]*disk i/o error", confidence=0.92
                ),
            ),
        ),
        Entry(
            "sqlite_wal_on_network_fs",
            SQLITE + "wal.html",
            Severity.WARNING,
            en=Text(
                "WAL or locking does not work on this file system",
                "{path|The database} lies on a network or virtual mount (NFS, CIFS, 9p), where"
                " shared memory and locks are not reliable: data can be lost.",
                (
                    "What kind of mount is it? `findmnt -T {path|FILE}`",
                    "Move the file to a local disk or a named Docker volume",
                    (
                        "Until then leave WAL, while nobody else has it open:"
                        " `sqlite3 {path|FILE} 'PRAGMA journal_mode = DELETE;'`"
                    ),
                ),
            ),
            ru=Text(
                "На этой файловой системе не работают WAL и блокировки",
                "{path|База} лежит на сетевом или виртуальном монтировании (NFS, CIFS, 9p), где"
                " общая память и блокировки ненадёжны: данные могут пропасть.",
                (
                    "Что это за монтирование? `findmnt -T {path|FILE}`",
                    "Перенесите файл на локальный диск или в именованный том Docker",
                    (
                        "До тех пор откажитесь от WAL, пока файл никто не открыл:"
                        " `sqlite3 {path|FILE} 'PRAGMA journal_mode = DELETE;'`"
                    ),
                ),
            ),
            rules=(
                Rule(
                    "SQLITE_IOERR_LOCK SQLITE_IOERR_SHMMAP SQLITE_IOERR_SHMOPEN SQLITE_IOERR_SHMLOCK"
                    " SQLITE_IOERR_SHMSIZE SQLITE_IOERR_UNLOCK SQLITE_IOERR_RDLOCK"
                    " SQLITE_IOERR_CHECKRESERVEDLOCK",
                    confidence=0.92,
                ),
                Rule("ESTALE ENOLCK", engine="sqlite"),
                Rule("SQLITE_PROTOCOL SQLITE_NOLFS", confidence=0.7),
            ),
            wordings=(
                Wording("sqlite_ioerr_shm", confidence=0.95),
                Wording("sqlite_ioerr_lock", confidence=0.95),
                Wording("sqlite_protocol", confidence=0.8),
                Wording("locking protocol", confidence=0.85, needs=Needs.SQLITE),
                Wording(
                    "disk i/o error",
                    r"\bnfs\b|\bcifs\b|\bsmb\b|network (?:share|drive)|wal mode",
                    0.93,
                    Needs.ERROR,
                ),
                Wording("stale file handle", confidence=0.85, needs=Needs.SQLITE),
                Wording("cannot change into wal mode", confidence=0.8),
                Wording(
                    "database is locked",
                    r"\bnfs\b|\bcifs\b|\bsmb\b|network (?:share|drive)|\befs\b|azure ?files",
                    confidence=0.96,
                ),
                Wording(
                    "locking protocol", r"^\W*(?:error\W+)?locking protocol\W*$", confidence=0.9
                ),
            ),
        ),
        Entry(
            "sqlite_schema_malformed",
            SQLITE + "pragma.html#pragma_writable_schema",
            Severity.CRITICAL,
            en=Text(
                "The schema holds an invalid statement",
                "The table sqlite_schema of {path|the database} has a line that cannot be parsed:"
                " somebody edited it by hand, or the file is damaged.",
                (
                    "Copy the file first: `cp -a {path|FILE}* /SAFE/PLACE/`",
                    "Try a newer SQLite: an old one calls a schema malformed that it does not know",
                    "Save the rows: `sqlite3 COPY .recover | sqlite3 RECOVERED.db`",
                    "{@kept}Or restore: `db-watchdog restore {target|TARGET} --to sqlite:///NEW.db`",
                ),
            ),
            ru=Text(
                "В схеме записан неверный оператор",
                "В таблице sqlite_schema {path|базы} есть строка, которую нельзя разобрать: её правили"
                " вручную или файл повреждён.",
                (
                    "Сначала скопируйте файл: `cp -a {path|FILE}* /SAFE/PLACE/`",
                    "Попробуйте SQLite поновее: старый называет испорченной схему, которой не знает",
                    "Спасите строки: `sqlite3 COPY .recover | sqlite3 RECOVERED.db`",
                    "{@kept}Или восстановите копию: `db-watchdog restore {target|TARGET} --to sqlite:///NEW.db`",
                ),
            ),
            rules=(
                Rule("SQLITE_CORRUPT", confidence=0.3),
                Rule("SQLITE_ERROR", confidence=0.2),
            ),
            wordings=(Wording("malformed database schema", confidence=0.95),),
        ),
        Entry(
            "sqlite_too_old_library",
            SQLITE + "formatchng.html",
            Severity.WARNING,
            en=Text(
                "This SQLite is too old for the database",
                "The library does not know something that the schema or file of {path|the database}"
                " uses.",
                (
                    "Which one is it? `python3 -c 'import sqlite3; print(sqlite3.sqlite_version)'`",
                    (
                        "Needed: 3.37 for STRICT, 3.35 for RETURNING and DROP COLUMN, 3.31 for generated"
                        " columns, 3.24 for upsert, 3.7 for WAL"
                    ),
                    "Upgrade the system's libsqlite3 or the image, or install `pysqlite3-binary`",
                ),
            ),
            ru=Text(
                "Этот SQLite слишком стар для базы",
                "Библиотека не знает чего-то из схемы или формата файла {path|базы}.",
                (
                    "Какая она? `python3 -c 'import sqlite3; print(sqlite3.sqlite_version)'`",
                    (
                        "Нужно: 3.37 для STRICT, 3.35 для RETURNING и DROP COLUMN, 3.31 для вычисляемых"
                        " столбцов, 3.24 для upsert, 3.7 для WAL"
                    ),
                    "Обновите libsqlite3 в системе или образ, либо поставьте `pysqlite3-binary`",
                ),
            ),
            rules=(
                Rule("SQLITE_CORRUPT", confidence=0.3),
                Rule("SQLITE_ERROR", confidence=0.2),
            ),
            wordings=(
                Wording(
                    "malformed database schema",
                    r"malformed database schema[^\n]*near \"?(?:strict|as|generated|returning|,)",
                    0.95,
                ),
                Wording(
                    "sqlite 3.", r"sqlite 3\.[\d.]+ or (?:later|higher|newer) is required", 0.95
                ),
                Wording("unsupported version of sqlite3", confidence=0.97),
                Wording('near "returning": syntax error', confidence=0.9),
                Wording("unsupported file format", confidence=0.85, needs=Needs.SQLITE),
                Wording(
                    "malformed database schema",
                    r'malformed database schema[^\n]*near \\?"?(?:strict|as|generated|returning|,|where|without)',
                    confidence=0.97,
                ),
                Wording(
                    "or higher", r"sqlite 3\.[\d.]+ or (?:higher|later|newer)", confidence=0.95
                ),
                Wording("or later", r"sqlite 3\.[\d.]+ or (?:higher|later|newer)", confidence=0.95),
                Wording(
                    "requires sqlite", r"requires sqlite3? ?(?:>=|version)? ?3\.\d", confidence=0.93
                ),
                Wording(
                    "requires sqlite3", r"requires sqlite3 ?(?:>=|version)? ?3\.\d", confidence=0.93
                ),
            ),
        ),
        Entry(
            "sqlite_no_such_table",
            SQLITE + "c3ref/open.html",
            Severity.CRITICAL,
            en=Text(
                "The table is not there, or the whole file is empty",
                "{path|The file} has no such table; a file of 0 bytes has none at all. SQLite makes"
                " an empty one silently when the path is wrong.",
                (
                    (
                        "Is it the real file? `ls -la {path|FILE}` (0 bytes is an empty one) and"
                        " `sqlite3 {path|FILE} .tables`"
                    ),
                    (
                        "Look for the real one: `find / -name '*.db' -size +0 2>/dev/null`; count the"
                        " slashes of the URL: `sqlite:///relative.db`, `sqlite:////absolute.db`"
                    ),
                    "The right file? Run the application's migrations (`alembic upgrade head`)",
                ),
            ),
            ru=Text(
                "Такой таблицы нет, или файл пуст",
                "В {path|файле} такой таблицы нет; в файле из 0 байт таблиц нет вовсе. При неверном"
                " пути SQLite молча создаёт пустой файл.",
                (
                    (
                        "Тот ли это файл? `ls -la {path|FILE}` (0 байт — пустой) и"
                        " `sqlite3 {path|FILE} .tables`"
                    ),
                    (
                        "Поищите настоящий: `find / -name '*.db' -size +0 2>/dev/null`; посчитайте косые"
                        " черты в URL: `sqlite:///relative.db`, `sqlite:////absolute.db`"
                    ),
                    "Файл тот? Выполните миграции приложения (`alembic upgrade head`)",
                ),
            ),
            wordings=(
                Wording("no such table", r"no such table: ?[\w.\"'`-]+", 0.93, Needs.ERROR),
                Wording("no such column", r"no such column: ?[\w.\"'`-]+", 0.5, Needs.SQLITE),
                Wording(
                    "does not exist in the current database",
                    r"the table `main\.[^`\n]*` does not exist",
                    confidence=0.95,
                ),
                Wording(
                    "no such table",
                    r"(?:missing database|code: unknown|sqlinputerror)[^\n]*no such table",
                    confidence=0.93,
                ),
            ),
        ),
        Entry(
            "sqlite_slow_in_docker",
            "https://docs.docker.com/engine/storage/volumes/",
            Severity.WARNING,
            en=Text(
                "SQLite is slow on this mount",
                "Every commit waits for the disk, and that takes long where {path|the file} lies:"
                " most often a bind mount of Docker Desktop or WSL2, else a slow or busy disk.",
                (
                    (
                        "Use a named volume instead of a folder of the host:"
                        ' `volumes: ["appdata:/app/data"]`'
                    ),
                    (
                        "Let commits wait less: `PRAGMA journal_mode = WAL;` (on a local file system) and"
                        " `PRAGMA synchronous = NORMAL;`, several writes in one transaction"
                    ),
                    "Still slow, or in production: use PostgreSQL",
                ),
            ),
            ru=Text(
                "SQLite медленно работает на этом монтировании",
                "Каждая фиксация ждёт диска, а там, где лежит {path|файл}, это долго: чаще всего"
                " это каталог хоста, смонтированный через Docker Desktop или WSL2, либо медленный"
                " или занятый диск.",
                (
                    (
                        "Возьмите именованный том вместо каталога хоста:"
                        ' `volumes: ["appdata:/app/data"]`'
                    ),
                    (
                        "Ждите диска реже: `PRAGMA journal_mode = WAL;` (на локальной файловой системе) и"
                        " `PRAGMA synchronous = NORMAL;`, несколько записей в одной транзакции"
                    ),
                    "Всё равно медленно или это production: переходите на PostgreSQL",
                ),
            ),
            wordings=(
                Wording(
                    "sqlite",
                    r"(?:sqlite[^\n]{0,60}(?:very slow|extremely slow|is slow|is so slow|slowly)|slow sqlite)[^\n]{0,80}(?:docker|bind mount|wsl|volume)",
                    0.85,
                ),
                Wording("медленн", r"медленн[^\n]{0,40}sqlite[^\n]{0,60}docker", 0.85),
                Wording("osxfs", r"sqlite", 0.7),
            ),
        ),
        Entry(
            "sqlite_needs_recovery",
            SQLITE + "lockingv3.html#hot_journals",
            Severity.WARNING,
            en=Text(
                "An unfinished write has to be rolled back first",
                "Beside {path|the database} lies a hot journal: its writer died in the middle of a"
                " transaction. The next writer repairs that by itself; a reader may not.",
                (
                    "Do not delete the `-journal` or `-wal` file: it holds what is missing",
                    (
                        "Start the application, or as its user: `sqlite3 {path|FILE} 'SELECT count(*)"
                        " FROM sqlite_master;'`"
                    ),
                    "Then find out why it died: `journalctl -n 100`, `docker compose ps`",
                ),
            ),
            ru=Text(
                "Сначала надо откатить незавершённую запись",
                "Рядом с {path|базой} лежит «горячий» журнал: писавший процесс умер посреди"
                " транзакции. Следующий пишущий исправит это сам, читающему нельзя.",
                (
                    "Не удаляйте файл `-journal` или `-wal`: в нём то, чего не хватает",
                    (
                        "Запустите приложение или от имени его пользователя: `sqlite3 {path|FILE} 'SELECT"
                        " count(*) FROM sqlite_master;'`"
                    ),
                    "Затем выясните, почему он умер: `journalctl -n 100`, `docker compose ps`",
                ),
            ),
            rules=(Rule("SQLITE_READONLY_ROLLBACK SQLITE_READONLY_RECOVERY", confidence=0.95),),
            wordings=(
                Wording("sqlite_readonly_rollback", confidence=0.97),
                Wording("sqlite_readonly_recovery", confidence=0.97),
            ),
        ),
        Entry(
            "sqlite_wal_pinned",
            SQLITE + "wal.html#avoiding_excessively_large_wal_files",
            Severity.WARNING,
            en=Text(
                "A reader keeps the WAL from being emptied",
                "A read transaction on {path|the database} has been open for minutes while others"
                " write. A checkpoint can't pass it, so the `-wal` file grows with every write.",
                (
                    (
                        "Find what {process|the reading process} is doing with the file (`fuser -v"
                        " {path|FILE}`) and let it finish, commit or roll back"
                    ),
                    "If nobody knows it, restart that process: the next checkpoint empties the WAL",
                    (
                        "In the code: read everything from a cursor or close it, and commit after"
                        " reading; no connection should sit in a transaction between requests"
                    ),
                    "Never delete the `-wal` file: it holds committed data",
                ),
            ),
            ru=Text(
                "Читающий процесс не даёт очистить WAL",
                "Транзакция чтения в {path|базе} открыта уже несколько минут, а другие пишут."
                " Контрольная точка не может её обойти, и файл `-wal` растёт с каждой записью.",
                (
                    (
                        "Выясните, что делает с файлом {process|читающий процесс} (`fuser -v"
                        " {path|FILE}`), и дайте ему закончить, зафиксировать или откатить транзакцию"
                    ),
                    (
                        "Если его никто не знает, перезапустите этот процесс: следующая контрольная"
                        " точка очистит WAL"
                    ),
                    (
                        "В коде: дочитывайте курсор до конца или закрывайте его и фиксируйте"
                        " транзакцию после чтения; между запросами транзакций быть не должно"
                    ),
                    "Никогда не удаляйте файл `-wal`: в нём зафиксированные данные",
                ),
            ),
        ),
        Entry(
            "sqlite_replaced_in_use",
            SQLITE + "howtocorrupt.html#unlinking_or_renaming_a_database_file_while_in_use",
            Severity.CRITICAL,
            en=Text(
                "An application writes into a file that is no longer there",
                "{path|The database} was replaced or deleted while {process|an application} had it"
                " open. It goes on with the old file, which vanishes as soon as it is closed.",
                (
                    (
                        "Do not restart {process|the application} yet: what it wrote since is only"
                        " in its memory of the old file"
                    ),
                    (
                        "Rescue the old file: `ls -l /proc/{pid|PID}/fd | grep deleted`, then `cp"
                        " /proc/{pid|PID}/fd/NUMBER {path|FILE}.old` (the `-wal` as `.old-wal`, too)"
                    ),
                    "Look into the copy: `sqlite3 {path|FILE}.old 'PRAGMA integrity_check'`",
                    (
                        "Decide which file is the right one, then restart the application, so that it"
                        " opens the file that is at the path now"
                    ),
                    "Put a database in place only while the application is stopped",
                ),
            ),
            ru=Text(
                "Приложение пишет в файл, которого уже нет",
                "{path|Базу} заменили или удалили, пока она была открыта: её держит"
                " {process|приложение}. Оно пишет в старый файл, который исчезнет при закрытии.",
                (
                    (
                        "Пока не перезапускайте {process|приложение}: записанное с тех пор есть только"
                        " в старом файле"
                    ),
                    (
                        "Спасите старый файл: `ls -l /proc/{pid|PID}/fd | grep deleted`, затем `cp"
                        " /proc/{pid|PID}/fd/NUMBER {path|FILE}.old` (и `-wal` как `.old-wal`)"
                    ),
                    "Проверьте копию: `sqlite3 {path|FILE}.old 'PRAGMA integrity_check'`",
                    (
                        "Решите, какой файл верный, и перезапустите приложение, чтобы оно открыло файл,"
                        " лежащий по этому пути сейчас"
                    ),
                    "Подменяйте базу только при остановленном приложении",
                ),
            ),
        ),
        Entry(
            "sqlite_in_production",
            SQLITE + "whentouse.html",
            Severity.INFO,
            en=Text(
                "SQLite is in use where PostgreSQL was meant",
                "{target|A production target} still points at a SQLite file: one writer at a time,"
                " one machine, no access over the network.",
                (
                    "Was it meant? Look for a commented-out `DB_URL` in .env and docker-compose.yml",
                    (
                        "Copy it over with proof: `db-watchdog migrate {target|TARGET} --to"
                        " postgresql://USER@postgres:5432/DATABASE`"
                    ),
                ),
            ),
            ru=Text(
                "SQLite там, где подразумевался PostgreSQL",
                "{target|Рабочая цель} всё ещё указывает на файл SQLite: один пишущий за раз, одна"
                " машина, без доступа по сети.",
                (
                    "Так и задумано? Поищите закомментированный `DB_URL` в .env и docker-compose.yml",
                    (
                        "Перенесите данные с доказательством: `db-watchdog migrate {target|TARGET} --to"
                        " postgresql://USER@postgres:5432/DATABASE`"
                    ),
                ),
            ),
        ),
        Entry(
            "file_system_hangs",
            "https://www.kernel.org/doc/html/latest/admin-guide/sysrq.html",
            Severity.CRITICAL,
            en=Text(
                "The file system does not answer",
                "Looking at {path|the file} took longer than we wait: a network mount whose server"
                " is gone, a dying disk, or a pipe instead of a file.",
                (
                    "Does it hang for you too? `timeout 5 ls -l {path|FILE}; echo $?` (124: yes)",
                    "What is it mounted from? `findmnt -T {directory|FOLDER}`; is that server up?",
                    "Who is stuck? `ps axo pid,stat,wchan:32,cmd | awk '$2 ~ /D/'` and `dmesg -T | tail`",
                ),
            ),
            ru=Text(
                "Файловая система не отвечает",
                "Обращение к {path|файлу} длилось дольше, чем мы ждём: сетевое монтирование без"
                " сервера, умирающий диск или канал вместо файла.",
                (
                    "У вас тоже висит? `timeout 5 ls -l {path|FILE}; echo $?` (124 — да)",
                    "Откуда смонтировано? `findmnt -T {directory|FOLDER}`; жив ли тот сервер?",
                    "Кто застрял? `ps axo pid,stat,wchan:32,cmd | awk '$2 ~ /D/'` и `dmesg -T | tail`",
                ),
            ),
            rules=(
                Rule(exceptions="TimeoutError", phases=(Phase.STAT, Phase.OPEN), confidence=0.9),
                Rule(exceptions="TimeoutError", phases=(Phase.READ,), confidence=0.6),
            ),
        ),
    ),
)
