"""The database is not of the shape that the client expects.

Owns: the entries of the family ``schema``.
"""

# ruff: noqa: E501 - patterns and commands stay on one line

from __future__ import annotations

from watchdog.hints.entry import POSTGRESQL, Entry, Family, Rule, Severity, Text, Wording
from watchdog.model import Kind

FAMILY = Family(
    Kind.SCHEMA,
    (
        Entry(
            "missing_extension",
            POSTGRESQL + "sql-createextension.html",
            Severity.WARNING,
            en=Text(
                "An extension is missing",
                "{extension|The extension} is not installed on the server, or not created in {database|this database}.",
                (
                    "Is it there? `SELECT name, installed_version FROM pg_available_extensions ORDER BY 1;`",
                    'Listed: `CREATE EXTENSION IF NOT EXISTS "{extension|NAME}";` in {database|this database}',
                    "Not listed: install its package on the server (`postgresql-contrib`, `postgresql-17-pgvector`, …) or use an image that has it (postgis/postgis, pgvector/pgvector)",
                    "pg_stat_statements also needs `shared_preload_libraries = 'pg_stat_statements'` and a restart",
                ),
            ),
            ru=Text(
                "Нет расширения",
                "{extension|Расширение} не установлено на сервере или не создано в {database|этой базе}.",
                (
                    "Есть ли оно? `SELECT name, installed_version FROM pg_available_extensions ORDER BY 1;`",
                    'Есть в списке: `CREATE EXTENSION IF NOT EXISTS "{extension|NAME}";` в {database|этой базе}',
                    "Нет в списке: поставьте его пакет на сервере (`postgresql-contrib`, `postgresql-17-pgvector`, …) или возьмите образ, где оно есть (postgis/postgis, pgvector/pgvector)",
                    "pg_stat_statements нужны ещё `shared_preload_libraries = 'pg_stat_statements'` и перезапуск",
                ),
            ),
            rules=(
                Rule("42P01 42704 0A000 55000", confidence=0.3),
                Rule("58P01", confidence=0.35),
                Rule(
                    "0A000",
                    routines="CreateExtension get_extension_control_directory parse_extension_control_file",
                    confidence=0.95,
                ),
                Rule(
                    "58P01",
                    routines="parse_extension_control_file expand_dynamic_library_name load_external_function internal_load_library",
                    confidence=0.95,
                ),
                Rule("55000", routines="pg_stat_statements_internal", confidence=0.97),
                Rule("42883", confidence=0.3),
            ),
            wordings=(
                Wording("could not open extension control file", confidence=0.97),
                Wording(
                    "extension",
                    r"extension \"[^\"\n]+\" (?:is not available|does not exist|has no installation script)",
                    0.96,
                ),
                Wording('could not access file "$libdir/', confidence=0.95),
                Wording("could not load library", r"\.so", 0.85),
                Wording(
                    "must be loaded via", r"must be loaded via \"?shared_preload_libraries", 0.97
                ),
                Wording(
                    "does not exist",
                    r"type \"(?:public\.)?(?:vector|geometry|geography|citext|hstore|halfvec|ltree|raster)\" does not exist",
                    0.93,
                ),
                Wording(
                    "does not exist",
                    r"function (?:public\.)?(?:uuid_generate_v\w+|gen_random_uuid|similarity|unaccent|crypt|gen_salt|st_\w+|digest|postgis_\w+)\([^)\n]*\) does not exist",
                    0.92,
                ),
                Wording(
                    "does not exist",
                    r"operator class \"(?:public\.)?(?:gin_trgm_ops|gist_trgm_ops|vector_\w+)\" does not exist",
                    0.95,
                ),
                Wording(
                    "does not exist",
                    r"relation \"(?:public\.)?pg_stat_statements\" does not exist",
                    0.97,
                ),
            ),
        ),
        Entry(
            "postgres_no_such_table",
            POSTGRESQL + "ddl-schemas.html",
            Severity.WARNING,
            en=Text(
                "A table or column is not there",
                "{relation|The relation} does not exist where the query looks: migrations have not run, it is the wrong database, or the wrong schema.",
                (
                    "Run the application's migrations (`alembic upgrade head`, `python manage.py migrate`)",
                    "Is it the right database and schema? `SELECT current_database(), current_schemas(true);` and `\\dt *.{relation|*}` in psql",
                    'In another schema: `ALTER ROLE "{user|USER}" SET search_path = SCHEMA, public;`; names with capitals need double quotes',
                ),
            ),
            ru=Text(
                "Нет таблицы или столбца",
                "{relation|Отношения} нет там, где ищет запрос: не выполнены миграции, это не та база или не та схема.",
                (
                    "Выполните миграции приложения (`alembic upgrade head`, `python manage.py migrate`)",
                    "Те ли база и схема? `SELECT current_database(), current_schemas(true);` и `\\dt *.{relation|*}` в psql",
                    'В другой схеме: `ALTER ROLE "{user|USER}" SET search_path = SCHEMA, public;`; имена с заглавными буквами пишутся в двойных кавычках',
                ),
            ),
            rules=(
                Rule("42P01"),
                Rule("3F000 42703", confidence=0.8),
                Rule(exceptions="UndefinedTableError UndefinedTable"),
            ),
            wordings=(
                Wording(
                    "does not exist",
                    r"relation [\"'«]?[^\"'»\n]+[\"'»]? does not exist(?!, skipping)",
                    0.93,
                ),
                Wording(
                    "does not exist",
                    r"(?:error:\s+|\) )(?:schema|table) \"[^\"\n]+\" does not exist(?!, skipping)",
                    0.85,
                ),
                Wording(
                    "does not exist", r"undefinedcolumn|error:\s+column [^\n]+ does not exist", 0.6
                ),
                Wording("no schema has been selected to create in", confidence=0.85),
                Wording("undefinedtable", confidence=0.9),
                Wording(
                    "relation",
                    r"relation »[^«\n]+« existiert nicht|la relation «\s?[^»\n]+» n'existe pas",
                    0.93,
                ),
            ),
        ),
        Entry(
            "encoding",
            POSTGRESQL + "multibyte.html",
            Severity.WARNING,
            en=Text(
                "Text does not fit the encoding",
                "Some bytes are not valid in the encoding that was claimed, or a character has no place in the other one.",
                (
                    "What do both sides say? `SHOW client_encoding;` and `SHOW server_encoding;`",
                    "Claim the encoding that the data really have: `SET client_encoding = 'WIN1251';` (or `PGCLIENTENCODING=…`), or convert the file: `iconv -f WINDOWS-1251 -t UTF-8 IN > OUT`",
                    "A database in SQL_ASCII or LATIN1? Make a new one: `createdb -T template0 -E UTF8 NEWDB`, then dump and restore",
                ),
            ),
            ru=Text(
                "Текст не укладывается в кодировку",
                "Часть байтов недопустима в заявленной кодировке либо символа нет в другой.",
                (
                    "Что говорят стороны? `SHOW client_encoding;` и `SHOW server_encoding;`",
                    "Заявите настоящую кодировку данных: `SET client_encoding = 'WIN1251';` (или `PGCLIENTENCODING=…`) либо перекодируйте файл: `iconv -f WINDOWS-1251 -t UTF-8 IN > OUT`",
                    "База в SQL_ASCII или LATIN1? Создайте новую: `createdb -T template0 -E UTF8 NEWDB`, затем дамп и восстановление",
                ),
            ),
            rules=(Rule("22021 22P05 2200M", confidence=0.93), Rule("22P05", confidence=0.95)),
            wordings=(
                Wording("invalid byte sequence for encoding", confidence=0.97),
                Wording("has no equivalent in encoding", confidence=0.97),
                Wording(
                    "conversion between", r"conversion between \S+ and \S+ is not supported", 0.85
                ),
                Wording(
                    "is incompatible with the encoding of the template database", confidence=0.85
                ),
                Wording("unicodedecodeerror", r"psycopg|asyncpg|postgres", 0.75),
            ),
        ),
        Entry(
            "different_database",
            POSTGRESQL + "runtime-config-connection.html",
            Severity.CRITICAL,
            en=Text(
                "Another database answers under the same name, or most of its content has gone",
                "The newest backup is of a database that does not look like the one before, by its system identifier, its tables or its size: the URL leads elsewhere, a fresh volume stands where the data were, or somebody has emptied it. It is held apart, and retention is frozen.",
                (
                    "Is it the right place? `SELECT system_identifier FROM pg_control_system();` and `SELECT datname FROM pg_database;`; for SQLite `ls -li` of the file",
                    "In Docker: was a new, empty volume mounted? `docker volume ls` and `docker compose config --volumes`",
                    "Was it meant (a new server, an upgrade, a clean-up)? `db-watchdog accept {target|TARGET}`",
                    "Was it not? The older backups are all there: `db-watchdog backups {target|TARGET}`",
                ),
            ),
            ru=Text(
                "Под тем же именем отвечает другая база или почти всё содержимое исчезло",
                "Новейшая копия снята с базы, не похожей на прежнюю system identifier, таблицами или размером: URL ведёт в другое место, на месте данных новый пустой том или базу опустошили. Копия отложена, удаление старых остановлено.",
                (
                    "То ли это место? `SELECT system_identifier FROM pg_control_system();` и `SELECT datname FROM pg_database;`; для SQLite `ls -li` файла",
                    "В Docker: не подключён ли новый пустой том? `docker volume ls` и `docker compose config --volumes`",
                    "Так и задумано (новый сервер, обновление, чистка)? `db-watchdog accept {target|TARGET}`",
                    "Не задумано? Все прежние копии на месте: `db-watchdog backups {target|TARGET}`",
                ),
            ),
        ),
    ),
)
