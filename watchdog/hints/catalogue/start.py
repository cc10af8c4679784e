"""The server, its container or the application does not start.

Owns: the entries of the family ``start``.
"""

# ruff: noqa: E501 - patterns and commands stay on one line

from __future__ import annotations

from watchdog.hints.entry import POSTGRESQL, Entry, Family, Needs, Rule, Severity, Text, Wording
from watchdog.model import Kind

FAMILY = Family(
    Kind.START,
    (
        Entry(
            "data_dir_version_mismatch",
            POSTGRESQL + "upgrading.html",
            Severity.CRITICAL,
            en=Text(
                "The data were written by another major version",
                "The image or package was upgraded, but the data directory was not. The data are whole; this server just cannot read them.",
                (
                    "Which version wrote them? `cat /var/lib/postgresql/data/PG_VERSION`",
                    "Go back to that version's image first (`image: postgres:16`), and pin it",
                    "Then upgrade on purpose: dump with the old one, restore into a new volume with the new one (`pg_dumpall`, or `pg_upgrade`)",
                    "Do not empty the directory and do not run initdb over it",
                ),
            ),
            ru=Text(
                "Данные записаны другой основной версией",
                "Образ или пакет обновили, а каталог данных — нет. Данные целы, просто этот сервер их не читает.",
                (
                    "Какая версия их записала? `cat /var/lib/postgresql/data/PG_VERSION`",
                    "Сначала вернитесь на образ той версии (`image: postgres:16`) и закрепите её",
                    "Затем обновляйтесь осознанно: дамп старой версией, восстановление в новый том новой (`pg_dumpall` или `pg_upgrade`)",
                    "Не очищайте каталог и не запускайте поверх него initdb",
                ),
            ),
            wordings=(
                Wording("database files are incompatible with server", confidence=0.97),
                Wording(
                    "the data directory was initialized by postgresql version", confidence=0.98
                ),
                Wording("there appears to be postgresql data in", confidence=0.9),
                Wording("an old version of the database format was found", confidence=0.95),
                Wording("upgrade the data format before using postgresql", confidence=0.95),
                Wording("in 18+, these docker images", confidence=0.95),
                Wording("pg_ctlcluster", r"in a\s+format which is compatible", confidence=0.9),
                Wording("old database files are incompatible", confidence=0.9),
                Wording(
                    "is not compatible with this version",
                    r"data directory was initialized",
                    confidence=0.97,
                ),
                Wording("initialized with pg_control_version", confidence=0.95),
                Wording(
                    "pg_control_version",
                    r"initialized with|but the server was compiled",
                    confidence=0.95,
                ),
                Wording("with catalog_version_no", r"initialized with", confidence=0.95),
            ),
        ),
        Entry(
            "data_dir_permissions",
            POSTGRESQL + "creating-cluster.html",
            Severity.CRITICAL,
            en=Text(
                "Owner or mode of the data directory is wrong",
                "The server insists that its data directory belongs to its own user and that nobody else may enter.",
                (
                    "Look: `ls -ld {directory|/var/lib/postgresql/data}`",
                    "Put it right: `chown -R postgres:postgres {directory|/var/lib/postgresql/data} && chmod 0700 {directory|/var/lib/postgresql/data}`",
                    "On Docker Desktop or a network share that keeps no owners: use a named volume instead of a folder",
                ),
            ),
            ru=Text(
                "Неверный владелец или права каталога данных",
                "Сервер требует, чтобы каталог данных принадлежал его пользователю и был закрыт для остальных.",
                (
                    "Посмотрите: `ls -ld {directory|/var/lib/postgresql/data}`",
                    "Исправьте: `chown -R postgres:postgres {directory|/var/lib/postgresql/data} && chmod 0700 {directory|/var/lib/postgresql/data}`",
                    "В Docker Desktop или на сетевой папке, где владельцы не хранятся, возьмите именованный том вместо каталога",
                ),
            ),
            wordings=(
                Wording(
                    "data directory",
                    r"data directory \"[^\"\n]+\" has (?:wrong ownership|invalid permissions|group or world access)",
                    0.97,
                ),
                Wording("permissions should be u=rwx", confidence=0.95),
                Wording("could not change permissions of directory", confidence=0.9),
                Wording("chown:", r"/var/lib/postgresql[^\n]*operation not permitted", 0.9),
                Wording("chmod:", r"/var/lib/postgresql[^\n]*operation not permitted", 0.9),
                Wording(
                    "could not open file",
                    r"could not open (?:file|directory) \"/var/lib/postgresql[^\n]*permission denied",
                    0.8,
                ),
                Wording(
                    "could not create directory",
                    r"could not create directory \"/var/lib/postgresql[^\n]*permission denied",
                    0.9,
                ),
                Wording(
                    "could not access directory",
                    r"could not access directory \"[^\"\n]+\": permission denied",
                    0.85,
                ),
                Wording(
                    "cannot create directory",
                    "mkdir: cannot create directory [‘'\"]?/(?:var/lib/(?:postgres|pgsql)|bitnami/postgresql)[^\\n]*(?:permission denied|read-only)",
                    confidence=0.93,
                ),
                Wording(
                    "permission denied",
                    "(?:find|ls|stat|cannot (?:open|access)[^\\n]*): ?[‘'\"]?/var/lib/(?:postgresql|pgsql)[^\\n]*permission denied",
                    confidence=0.9,
                ),
                Wording(
                    "changing ownership of", r"/var/lib/(?:postgresql|pgsql)|pgdata", confidence=0.9
                ),
                Wording("could not change directory to", r"permission denied", confidence=0.4),
                Wording("bitnami/postgresql", r"permission denied", confidence=0.9),
                Wording(
                    "permission denied",
                    r'could not open (?:file|directory) "/var/lib/(?:postgresql|pgsql)/[^"\n]*": permission denied',
                    confidence=0.97,
                ),
                Wording(
                    "permission denied",
                    r"(?:fatal|panic|log):\s+could not (?:open|create|access|read)[^\n]*(?:/pgdata|/data/(?:base|global|pg_)|postmaster\.pid|pg_wal|pg_version|postgresql\.conf|pg_hba\.conf|pg_ident\.conf)[^\n]*permission denied",
                    confidence=0.96,
                ),
            ),
        ),
        Entry(
            "data_dir_invalid",
            POSTGRESQL + "creating-cluster.html",
            Severity.CRITICAL,
            en=Text(
                "This is no data directory",
                "The server does not find a cluster where it looks: the wrong volume is mounted, it is empty, or files are missing.",
                (
                    "What is there? `ls -la {directory|/var/lib/postgresql/data}` (PG_VERSION and global/pg_control must be)",
                    "Is it the right volume? `docker volume ls`, `docker compose config`; on a machine `findmnt -T {directory|/var/lib/postgresql}`",
                    "{@kept}Gone for good? Start an empty server elsewhere and restore: `db-watchdog restore {target|TARGET} --to URL`; do not run initdb over what is left",
                ),
            ),
            ru=Text(
                "Это не каталог данных",
                "Сервер не находит там кластера: смонтирован не тот том, он пуст или не хватает файлов.",
                (
                    "Что там? `ls -la {directory|/var/lib/postgresql/data}` (должны быть PG_VERSION и global/pg_control)",
                    "Тот ли это том? `docker volume ls`, `docker compose config`; на машине `findmnt -T {directory|/var/lib/postgresql}`",
                    "{@kept}Пропало совсем? Запустите пустой сервер в другом месте и восстановите копию: `db-watchdog restore {target|TARGET} --to URL`; не запускайте initdb поверх остатков",
                ),
            ),
            wordings=(
                Wording(
                    "could not access the server configuration file",
                    r"configuration file \"(?!/etc/)[^\"\n]*\": no such file",
                    confidence=0.96,
                ),
                Wording("is not a valid data directory", confidence=0.97),
                Wording("is not a database cluster directory", confidence=0.97),
                Wording("global/pg_control", r"could not (?:open|read) file", 0.95),
                Wording("could not find the database system", confidence=0.97),
                Wording("could not read permissions of directory", confidence=0.85),
                Wording("data directory", r"data directory \"[^\"\n]+\" does not exist", 0.95),
                Wording("initdb: error: directory", r"exists but is not empty", 0.95),
                Wording('file "pg_version" is missing', confidence=0.97),
                Wording("if you want to create a new database system", confidence=0.9),
                Wording(
                    "exists but is not empty", r"initdb(?:: error)?: directory", confidence=0.95
                ),
                Wording("it contains a lost+found directory", confidence=0.9),
                Wording("it contains a dot-prefixed", confidence=0.85),
                Wording("is not a directory", r"specified data directory", confidence=0.93),
                Wording(
                    "does not exist", r"pg_ctl: directory [^\n]* does not exist", confidence=0.9
                ),
                Wording(
                    "could not open directory",
                    r'could not open directory "pg_(?:notify|tblspc|replslot|twophase|stat|stat_tmp|snapshots|commit_ts|logical|wal|xlog|multixact)[^\n]*no such file',
                    confidence=0.93,
                ),
            ),
        ),
        Entry(
            "stale_or_running_postmaster",
            POSTGRESQL + "server-start.html",
            Severity.CRITICAL,
            en=Text(
                "postmaster.pid says that a server is running already",
                "Either another server uses this data directory right now, or one died and left the file behind.",
                (
                    "Is that process a living postgres? `ps -fp $(head -1 {directory|DATA}/postmaster.pid)`",
                    "It is: stop that one properly (`pg_ctl stop -m fast -D {directory|DATA}`); two containers must never share a data volume",
                    "Only if it is not: `rm {directory|DATA}/postmaster.pid` and start again",
                ),
            ),
            ru=Text(
                "По postmaster.pid сервер уже запущен",
                "Либо этим каталогом прямо сейчас пользуется другой сервер, либо он умер и оставил файл.",
                (
                    "Жив ли тот postgres? `ps -fp $(head -1 {directory|DATA}/postmaster.pid)`",
                    "Жив: остановите его как положено (`pg_ctl stop -m fast -D {directory|DATA}`); два контейнера никогда не делят один том данных",
                    "Только если нет: `rm {directory|DATA}/postmaster.pid` и запускайте снова",
                ),
            ),
            wordings=(
                Wording('lock file "postmaster.pid" already exists', confidence=0.97),
                Wording("is another postmaster", confidence=0.93),
                Wording("is another postgres (pid", confidence=0.95),
                Wording("another server might be running", confidence=0.9),
                Wording(
                    "lock file",
                    r"lock file \"[^\"\n]*postmaster\.pid\" (?:already exists|is empty)",
                    0.97,
                ),
                Wording("postmaster.pid", r"файл блокировки|уже существует", 0.95),
                Wording("pre-existing shared memory block", confidence=0.93),
                Wording('lock file "/', r"\.s\.pgsql\.\d+\.lock\" already exists", 0.9),
                Wording("bogus data in lock file", confidence=0.95),
            ),
        ),
        Entry(
            "port_in_use",
            POSTGRESQL + "server-start.html#SERVER-START-FAILURES",
            Severity.CRITICAL,
            en=Text(
                "Another process has the port",
                "Port {port|5432} is taken, so the server cannot listen there.",
                (
                    "Who has it? `ss -ltnp 'sport = :{port|5432}'`",
                    "Often it is PostgreSQL of the machine itself beside the one in Docker: `systemctl status postgresql`; stop one of them",
                    'Or publish another port in docker-compose.yml: `ports: ["5433:5432"]`, and name 5433 in the URL',
                ),
            ),
            ru=Text(
                "Порт занят другим процессом",
                "Порт {port|5432} занят, поэтому сервер не может его слушать.",
                (
                    "Кем? `ss -ltnp 'sport = :{port|5432}'`",
                    "Часто это PostgreSQL самой машины рядом с тем, что в Docker: `systemctl status postgresql`; остановите один из них",
                    'Или опубликуйте другой порт в docker-compose.yml: `ports: ["5433:5432"]` и укажите 5433 в URL',
                ),
            ),
            rules=(Rule("EADDRINUSE", confidence=0.9),),
            wordings=(
                Wording("address already in use", needs=Needs.POSTGRESQL, confidence=0.93),
                Wording("is another postmaster already running on port", confidence=0.97),
                Wording("port is already allocated", needs=Needs.POSTGRESQL, confidence=0.95),
                Wording("could not create any tcp/ip sockets", confidence=0.85),
                Wording("ports are not available", needs=Needs.POSTGRESQL, confidence=0.9),
                Wording("could not bind ipv", confidence=0.9),
            ),
        ),
        Entry(
            "bad_config",
            POSTGRESQL + "config-setting.html",
            Severity.CRITICAL,
            en=Text(
                "The server's configuration has a mistake",
                "A line of postgresql.conf, postgresql.auto.conf or pg_hba.conf cannot be used.",
                (
                    "The log names file and line: `docker compose logs {service|postgres} | grep -iE 'conf|parameter'` or `journalctl -u postgresql -n 50`",
                    "While it runs: `SELECT sourcefile, sourceline, name, error FROM pg_file_settings WHERE error IS NOT NULL;` and the same of `pg_hba_file_rules`",
                    "Mend the line, then `SELECT pg_reload_conf();` or start the server; what ALTER SYSTEM wrote is in postgresql.auto.conf",
                ),
            ),
            ru=Text(
                "В настройках сервера ошибка",
                "Строку в postgresql.conf, postgresql.auto.conf или pg_hba.conf нельзя применить.",
                (
                    "Файл и строку называет журнал: `docker compose logs {service|postgres} | grep -iE 'conf|parameter'` или `journalctl -u postgresql -n 50`",
                    "Пока он работает: `SELECT sourcefile, sourceline, name, error FROM pg_file_settings WHERE error IS NOT NULL;` и то же из `pg_hba_file_rules`",
                    "Исправьте строку, затем `SELECT pg_reload_conf();` или запустите сервер; записанное ALTER SYSTEM лежит в postgresql.auto.conf",
                ),
            ),
            rules=(Rule("F0000", confidence=0.93),),
            wordings=(
                Wording(
                    "configuration file", r"configuration file \"[^\"\n]+\" contains errors", 0.97
                ),
                Wording("syntax error in file", r"syntax error in file \"[^\"\n]+\.conf\"", 0.97),
                Wording(
                    "unrecognized configuration parameter",
                    r"unrecognized configuration parameter \"[^\"\n]+\" in file",
                    0.97,
                ),
                Wording("invalid value for parameter", r"fatal|postgresql\.conf|log:", 0.8),
                Wording("could not load pg_hba.conf", confidence=0.95),
                Wording("could not load", r"could not load /?\S*pg_hba\.conf", 0.95),
                Wording("of configuration file", r"line \d+ of configuration file", 0.93),
                Wording("could not access the server configuration file", confidence=0.95),
                Wording("invalid connection type", r"pg_hba|configuration", 0.85),
                Wording("could not load server certificate file", confidence=0.8),
                Wording("cannot be changed without restarting the server", confidence=0.85),
                Wording("private key file", r"(?:fatal|log):\s+private key file", confidence=0.92),
                Wording(
                    "invalid value for parameter",
                    r"(?:fatal|log):\s+invalid value for parameter",
                    confidence=0.9,
                ),
                Wording("is outside the valid range for parameter", confidence=0.8),
                Wording("pg_hba.conf was not reloaded", confidence=0.9),
                Wording("pg_hba.conf not reloaded", confidence=0.9),
                Wording(
                    "invalid authentication method",
                    r"(?:log|fatal):\s+invalid authentication method",
                    confidence=0.9,
                ),
                Wording("hostssl record cannot match", confidence=0.7),
                Wording("could not open configuration file", confidence=0.97),
            ),
        ),
        Entry(
            "run_as_root",
            POSTGRESQL + "postgres-user.html",
            Severity.CRITICAL,
            en=Text(
                "The server does not run as root",
                "PostgreSQL refuses to run with an administrator's rights, so that a hole in it does not open the machine.",
                (
                    "Start it as its own user: `sudo -u postgres pg_ctl -D {directory|DATA} start`, or let systemd do it: `systemctl start postgresql`",
                    "In a container: `user: postgres`, or the official image's own entry point, which steps down by itself",
                ),
            ),
            ru=Text(
                "Сервер не запускается от root",
                "PostgreSQL отказывается работать с правами администратора, чтобы дыра в нём не открыла всю машину.",
                (
                    "Запустите его от своего пользователя: `sudo -u postgres pg_ctl -D {directory|DATA} start` или через systemd: `systemctl start postgresql`",
                    "В контейнере: `user: postgres` или родная точка входа официального образа, которая сама понизит права",
                ),
            ),
            wordings=(
                Wording(
                    '"root" execution of the postgresql server is not permitted', confidence=0.98
                ),
                Wording("cannot be run as root", r"initdb|pg_ctl|postgres", 0.97),
                Wording(
                    "execution of postgresql by a user with administrative permissions",
                    confidence=0.97,
                ),
            ),
        ),
        Entry(
            "postgres_password_not_set",
            "https://hub.docker.com/_/postgres",
            Severity.CRITICAL,
            en=Text(
                "The image needs POSTGRES_PASSWORD",
                "On an empty volume the official image makes the superuser, and wants a password for it.",
                (
                    "Set it in .env or docker-compose.yml: `POSTGRES_PASSWORD=…`, then `docker compose up -d {service|postgres}`",
                    "Is it in .env and still not seen? It has to be named under `environment:` or `env_file:` of the service: `docker compose config | grep POSTGRES_`",
                ),
            ),
            ru=Text(
                "Образу нужен POSTGRES_PASSWORD",
                "На пустом томе официальный образ создаёт суперпользователя и требует для него пароль.",
                (
                    "Задайте его в .env или docker-compose.yml: `POSTGRES_PASSWORD=…`, затем `docker compose up -d {service|postgres}`",
                    "В .env он есть, а образ не видит? Он должен быть в `environment:` или `env_file:` сервиса: `docker compose config | grep POSTGRES_`",
                ),
            ),
            wordings=(
                Wording(
                    "database is uninitialized and superuser password is not specified",
                    confidence=0.98,
                ),
                Wording("you must specify postgres_password", confidence=0.98),
                Wording(
                    "postgres_password",
                    r"(?:variable is not set|must (?:be set|specify)|is required)",
                    0.85,
                ),
                Wording("postgres_password is missing", confidence=0.9),
                Wording("required variable postgres_password", confidence=0.95),
                Wording("postgresql_password environment variable is empty", confidence=0.95),
                Wording(
                    "allow_empty_password", r"postgresql_(?:postgres_)?password", confidence=0.95
                ),
            ),
        ),
        Entry(
            "initdb_script_failed",
            "https://hub.docker.com/_/postgres",
            Severity.WARNING,
            en=Text(
                "An init script did not run",
                "Scripts in /docker-entrypoint-initdb.d were not readable, failed, or were passed over because the volume is not empty.",
                (
                    "Make them readable and executable: `chmod 755 scripts/*.sh`, with Unix line ends (`sed -i 's/\\r$//' scripts/*.sh`)",
                    "They run only once, on an empty volume; on an existing one run them by hand: `docker compose exec {service|postgres} bash /docker-entrypoint-initdb.d/init-postgres.sh`",
                    "Only if nothing in it is needed: `docker compose down -v` deletes the volume with all data, then `docker compose up -d {service|postgres}`",
                ),
            ),
            ru=Text(
                "Скрипт инициализации не выполнился",
                "Скрипты в /docker-entrypoint-initdb.d не читались, завершились с ошибкой или были пропущены, потому что том не пуст.",
                (
                    "Сделайте их читаемыми и исполняемыми: `chmod 755 scripts/*.sh`, с концами строк Unix (`sed -i 's/\\r$//' scripts/*.sh`)",
                    "Они выполняются один раз, на пустом томе; на существующем запустите вручную: `docker compose exec {service|postgres} bash /docker-entrypoint-initdb.d/init-postgres.sh`",
                    "Только если данные не нужны: `docker compose down -v` удалит том со всеми данными, затем `docker compose up -d {service|postgres}`",
                ),
            ),
            wordings=(
                Wording(
                    "docker-entrypoint-initdb.d",
                    r"permission denied|bad interpreter|no such file|cannot open|not found|ignoring|syntax error",
                    0.95,
                ),
                Wording(
                    "skipping initialization",
                    r"database directory appears to contain a database",
                    0.6,
                ),
            ),
        ),
        Entry(
            "driver_missing",
            "https://docs.sqlalchemy.org/en/20/dialects/",
            Severity.CRITICAL,
            en=Text(
                "The database driver is not installed",
                "The application's URL names a driver ({program|psycopg2, asyncpg, aiosqlite}) that its environment does not have, or a dialect that does not exist.",
                (
                    "Install it where the application runs: `pip install psycopg2-binary`, `pip install asyncpg` or `pip install aiosqlite`",
                    "{@container}In Docker add it to the project's dependencies and build anew: `docker compose build && docker compose up -d`",
                    '"postgres://" with SQLAlchemy 1.4 and newer has to be `postgresql://`',
                ),
            ),
            ru=Text(
                "Не установлен драйвер базы данных",
                "URL приложения требует драйвер ({program|psycopg2, asyncpg, aiosqlite}), которого нет в его окружении, или диалект, которого не бывает.",
                (
                    "Установите его там, где работает приложение: `pip install psycopg2-binary`, `pip install asyncpg` или `pip install aiosqlite`",
                    "{@container}В Docker добавьте его в зависимости проекта и пересоберите: `docker compose build && docker compose up -d`",
                    "В SQLAlchemy 1.4 и новее вместо «postgres://» пишут `postgresql://`",
                ),
            ),
            wordings=(
                Wording(
                    "no module named",
                    r"no module named ['\"]?(?:psycopg2?|asyncpg|aiosqlite|pysqlite2|pg8000|psycopg_binary|psycopg2cffi)\b",
                    0.97,
                ),
                Wording("can't load plugin: sqlalchemy.dialects", confidence=0.95),
                Wording("could not find driver", r"pdo|sqlstate|pgsql|sqlite", 0.9),
                Wording("no suitable driver", r"jdbc:(?:postgresql|sqlite)", 0.93),
                Wording("no pq wrapper available", confidence=0.93),
                Wording("error loading psycopg2", confidence=0.95),
                Wording("cannot find module 'pg'", confidence=0.95),
                Wording("please install pg package manually", confidence=0.95),
                Wording("pg_config executable not found", confidence=0.9),
                Wording(
                    "sql: unknown driver",
                    r'unknown driver \\?"(?:postgres|pgx|sqlite3?|pq)\\?"',
                    confidence=0.97,
                ),
                Wording("go-sqlite3 requires cgo to work", confidence=0.97),
                Wording("driverpackagenotinstallederror", r"postgres|sqlite", confidence=0.97),
                Wording(
                    "package has not been found installed", r"postgres|sqlite", confidence=0.97
                ),
                Wording(
                    "for database adapter, but the gem is not loaded",
                    r"postgres|sqlite|pg",
                    confidence=0.97,
                ),
                Wording("could not locate the bindings file", r"sqlite", confidence=0.95),
                Wording(
                    "libpq.so.5", r"cannot open shared object file|error loading", confidence=0.95
                ),
                Wording("no module named", "no module named ['\\\"]?_?sqlite3", confidence=0.95),
                Wording(
                    "cannot find module",
                    r"cannot find module '(?:pg|pg-native|sqlite3|better-sqlite3|postgres)'",
                    confidence=0.95,
                ),
                Wording(
                    "cannot find package",
                    r"cannot find package '(?:pg|pg-native|sqlite3|better-sqlite3|postgres)'",
                    confidence=0.95,
                ),
                Wording("cannot load driver class", r"postgres|sqlite", confidence=0.95),
                Wording("failed to determine a suitable driver class", confidence=0.7),
                Wording("classnotfoundexception", r"org\.postgresql|org\.sqlite", confidence=0.95),
                Wording("call to undefined function", r"pg_connect|sqlite_open", confidence=0.95),
            ),
        ),
        Entry(
            "driver_not_async",
            "https://docs.sqlalchemy.org/en/20/orm/extensions/asyncio.html",
            Severity.CRITICAL,
            en=Text(
                "The URL names a driver that is not asynchronous",
                "The application uses an asynchronous engine, and the URL leads to psycopg2 or pysqlite.",
                (
                    "PostgreSQL: `postgresql+asyncpg://{user|USER}:PASSWORD@{host|HOST}:{port|5432}/{database|DATABASE}`",
                    "SQLite: `sqlite+aiosqlite:///{path|data/app.db}`",
                    "Make the container anew, so that it gets the changed URL: `docker compose up -d`",
                ),
            ),
            ru=Text(
                "В URL указан не асинхронный драйвер",
                "Приложение работает с асинхронным движком, а URL ведёт к psycopg2 или pysqlite.",
                (
                    "PostgreSQL: `postgresql+asyncpg://{user|USER}:PASSWORD@{host|HOST}:{port|5432}/{database|DATABASE}`",
                    "SQLite: `sqlite+aiosqlite:///{path|data/app.db}`",
                    "Пересоздайте контейнер, чтобы он получил новый URL: `docker compose up -d`",
                ),
            ),
            wordings=(
                Wording("the asyncio extension requires an async driver", confidence=0.98),
                Wording(
                    "is not async", r"loaded '(?:psycopg2|pysqlite|pg8000)' is not async", 0.98
                ),
                Wording("greenlet_spawn has not been called", confidence=0.6),
                Wording("invalid dsn: scheme is expected to be either", confidence=0.85),
            ),
        ),
        Entry(
            "config_changed_not_recreated",
            "https://docs.docker.com/reference/cli/docker/compose/up/",
            Severity.WARNING,
            en=Text(
                "The container still has the old settings",
                ".env or docker-compose.yml was changed, but `docker compose restart` starts the same container with its old environment again.",
                (
                    "Make it anew: `docker compose up -d` (it recreates what changed)",
                    "What does it really have? `docker compose exec {service|SERVICE} env | grep DB_URL`",
                ),
            ),
            ru=Text(
                "У контейнера прежние настройки",
                ".env или docker-compose.yml изменили, но `docker compose restart` запускает тот же контейнер со старым окружением.",
                (
                    "Пересоздайте его: `docker compose up -d` (он пересоздаёт то, что изменилось)",
                    "Что у него на самом деле? `docker compose exec {service|SERVICE} env | grep DB_URL`",
                ),
            ),
        ),
    ),
)
