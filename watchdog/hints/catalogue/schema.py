"""The database is not of the shape that the client expects.

Owns: the entries of the family ``schema``.
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
                Wording(
                    "could not access file",
                    r'could not access file "(?:\$libdir/)?[\w.-]+": no such file',
                    confidence=0.93,
                ),
                Wording("could not load library", confidence=0.85, needs=Needs.POSTGRESQL),
                Wording("operator class", r"operator class [^\n]* does not exist", confidence=0.85),
                Wording(
                    "does not exist",
                    r"function (?:uuid_generate_v\d\w*|gen_random_uuid|gen_random_bytes|crypt|gen_salt|digest|similarity|word_similarity|unaccent|st_\w+|create_hypertable|time_bucket|pg_stat_statements_reset|dblink\w*|crosstab|levenshtein|hstore)\(",
                    confidence=0.95,
                ),
                Wording(
                    "does not exist",
                    r'type "?(?:vector|halfvec|sparsevec|citext|hstore|geometry|geography|ltree|cube|public\.\w*vector|public\.citext|public\.hstore|public\.geometry)"? does not exist',
                    confidence=0.95,
                ),
                Wording("must be preloaded", confidence=0.95),
                Wording(
                    "does not exist",
                    r'type "?(?:\w+\.)?(?:vector|halfvec|sparsevec|citext|hstore|geometry|geography|ltree|cube|bvector|svector)"? does not exist',
                    confidence=0.95,
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
                Rule("3F000", confidence=0.8),
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
                Wording(
                    "does not exist in the current database",
                    r"the table `[^`\n]*` does not exist",
                    confidence=0.9,
                ),
                Wording("undefined_table", confidence=0.9),
                Wording("p2021", r"\bp2021\b", confidence=0.8),
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
            sqlite=SQLITE + "pragma.html#pragma_application_id",
            en=Text(
                "Another database answers under the same name, or most of its content has gone",
                "The newest backup is of a database that does not look like the one before, by its identifier, its tables or its size: the URL leads elsewhere, a fresh volume stands where the data were, or somebody has emptied it. It is held apart, and retention is frozen.",
                (
                    "{@postgresql}PostgreSQL: is it the right server? `SELECT system_identifier FROM pg_control_system();` and `SELECT datname FROM pg_database;` at {server|the server}",
                    "{@sqlite}SQLite: is it the right file? `ls -li` of the path in {server|the URL}, and what is in it: `sqlite3 FILE .tables`",
                    "{@sqlite}SQLite: does the path lead where it led before? A volume or share that is not mounted, or another working directory under a relative path, leaves room for a new file: `findmnt -T FOLDER`",
                    "{@postgresql}{@compose}In Docker: was a new, empty volume mounted? `docker volume ls` and `docker compose config --volumes`",
                    "Was it meant (a new server, an upgrade, a clean-up)? `db-watchdog accept {target|TARGET}`",
                    "Was it not? The older backups are all there: `db-watchdog backups {target|TARGET}`",
                ),
            ),
            ru=Text(
                "Под тем же именем отвечает другая база или почти всё содержимое исчезло",
                "Последняя копия снята с базы, не похожей на прежнюю: у неё другой идентификатор кластера, другие таблицы или размер. URL ведёт в другое место, на месте данных новый пустой том или базу опустошили. Копия отложена, удаление старых остановлено.",
                (
                    "{@postgresql}PostgreSQL: тот ли это сервер? `SELECT system_identifier FROM pg_control_system();` и `SELECT datname FROM pg_database;` на {server|сервере}",
                    "{@sqlite}SQLite: тот ли это файл? `ls -li` по пути из {server|URL}, а что внутри, покажет `sqlite3 FILE .tables`",
                    "{@sqlite}SQLite: ведёт ли путь туда же, что и раньше? Если том или сетевая папка не смонтированы или у относительного пути другой рабочий каталог, на этом месте появляется новый файл: `findmnt -T FOLDER`",
                    "{@postgresql}{@compose}В Docker: не подключён ли новый пустой том? `docker volume ls` и `docker compose config --volumes`",
                    "Так и задумано (новый сервер, обновление, чистка)? `db-watchdog accept {target|TARGET}`",
                    "Не задумано? Все прежние копии на месте: `db-watchdog backups {target|TARGET}`",
                ),
            ),
        ),
        Entry(
            "sequence_exhausted",
            POSTGRESQL + "datatype-numeric.html#DATATYPE-SERIAL",
            Severity.CRITICAL,
            en=Text(
                "The numbers of a column run out",
                "A sequence of {database|the database} is nearly used up, by its own limit or by that of the column it feeds. At the end every INSERT fails.",
                (
                    "How far is it? `SELECT schemaname, sequencename, last_value, max_value, data_type FROM pg_sequences ORDER BY last_value DESC NULLS LAST LIMIT 5;`",
                    "Is the column {relation|TABLE.COLUMN} an integer? `ALTER TABLE … ALTER COLUMN … TYPE bigint;` rewrites the table under an exclusive lock: on a large one add a new column, fill it in steps, and swap",
                    "Only the sequence is too small? `ALTER SEQUENCE … AS bigint MAXVALUE 9223372036854775807;` is done at once",
                    "For a few hours' grace: `ALTER SEQUENCE … MINVALUE -2147483648 RESTART -2147483648;` uses the negative numbers",
                ),
            ),
            ru=Text(
                "В столбце заканчиваются номера",
                "Последовательность в {database|базе} почти исчерпана: по своему пределу или по пределу столбца, который она заполняет. В конце не удастся ни один INSERT.",
                (
                    "Сколько осталось? `SELECT schemaname, sequencename, last_value, max_value, data_type FROM pg_sequences ORDER BY last_value DESC NULLS LAST LIMIT 5;`",
                    "Столбец {relation|TABLE.COLUMN} типа integer? `ALTER TABLE … ALTER COLUMN … TYPE bigint;` переписывает таблицу под исключительной блокировкой: у большой добавьте новый столбец, заполните по частям и поменяйте местами",
                    "Мала только сама последовательность? `ALTER SEQUENCE … AS bigint MAXVALUE 9223372036854775807;` выполняется сразу",
                    "Чтобы выиграть несколько часов: `ALTER SEQUENCE … MINVALUE -2147483648 RESTART -2147483648;` займёт отрицательные номера",
                ),
            ),
        ),
        Entry(
            "invalid_index",
            POSTGRESQL + "sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY",
            Severity.WARNING,
            en=Text(
                "An index is not valid",
                "A CREATE or REINDEX INDEX CONCURRENTLY in {database|the database} failed and left its index behind: every write maintains it, no query uses it, and a unique one guards nothing.",
                (
                    "Which ones? `SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid;`",
                    "A rest whose name ends in _ccnew or _ccold: `DROP INDEX CONCURRENTLY {index|NAME};`; one that is needed: `REINDEX INDEX CONCURRENTLY {index|NAME};`",
                    "It failed on duplicates? Find and remove them first: the server's log names the first key",
                ),
            ),
            ru=Text(
                "Индекс недействителен",
                "CREATE или REINDEX INDEX CONCURRENTLY в {database|базе} не удался и оставил индекс: каждая запись его обновляет, ни один запрос не использует, а уникальный ничего не охраняет.",
                (
                    "Какие? `SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid;`",
                    "Остаток с именем на _ccnew или _ccold: `DROP INDEX CONCURRENTLY {index|NAME};`; нужный: `REINDEX INDEX CONCURRENTLY {index|NAME};`",
                    "Не удалось из-за дубликатов? Сначала найдите и удалите их: журнал сервера называет первый ключ",
                ),
            ),
        ),
        Entry(
            "unused_indexes",
            POSTGRESQL + "monitoring-stats.html#MONITORING-PG-STAT-ALL-INDEXES-VIEW",
            Severity.INFO,
            en=Text(
                "Indexes that no query has used",
                "Some indexes of {database|the database} have served no query since the statistics began, at least a week ago. They cost room and every write.",
                (
                    "Which ones? `SELECT relname, indexrelname, pg_size_pretty(pg_relation_size(indexrelid)) FROM pg_stat_user_indexes WHERE idx_scan = 0 ORDER BY pg_relation_size(indexrelid) DESC LIMIT 10;`",
                    "Ask the standbys too: each counts its own queries. Is there a report that runs once a month?",
                    "Then: `DROP INDEX CONCURRENTLY {index|NAME};`, and keep its definition: `SELECT pg_get_indexdef('{index|NAME}'::regclass);`",
                ),
            ),
            ru=Text(
                "Индексы, которыми не пользуется ни один запрос",
                "Некоторые индексы в {database|базе} не послужили ни одному запросу с начала статистики, то есть не меньше недели. Они занимают место и замедляют каждую запись.",
                (
                    "Какие? `SELECT relname, indexrelname, pg_size_pretty(pg_relation_size(indexrelid)) FROM pg_stat_user_indexes WHERE idx_scan = 0 ORDER BY pg_relation_size(indexrelid) DESC LIMIT 10;`",
                    "Спросите и реплики: каждая считает свои запросы. Нет ли отчёта, который строится раз в месяц?",
                    "Затем: `DROP INDEX CONCURRENTLY {index|NAME};`, но сохраните определение: `SELECT pg_get_indexdef('{index|NAME}'::regclass);`",
                ),
            ),
        ),
        Entry(
            "duplicate_indexes",
            POSTGRESQL + "sql-dropindex.html",
            Severity.INFO,
            en=Text(
                "Indexes that are there twice",
                "Several indexes of {database|the database} are equal: same table, columns, order and condition. All but one only cost.",
                (
                    "Compare them: `SELECT pg_get_indexdef('{index|NAME}'::regclass);`",
                    "Drop the copy that serves no constraint: `DROP INDEX CONCURRENTLY {index|NAME};`",
                ),
            ),
            ru=Text(
                "Одинаковые индексы",
                "Несколько индексов в {database|базе} одинаковы: та же таблица, столбцы, порядок и условие. Все, кроме одного, только мешают.",
                (
                    "Сравните их: `SELECT pg_get_indexdef('{index|NAME}'::regclass);`",
                    "Удалите копию, которая не служит ограничению: `DROP INDEX CONCURRENTLY {index|NAME};`",
                ),
            ),
        ),
        Entry(
            "foreign_key_without_index",
            POSTGRESQL + "ddl-constraints.html#DDL-CONSTRAINTS-FK",
            Severity.INFO,
            en=Text(
                "A foreign key has no index",
                "Tables of {database|the database} refer to others by columns that lead no index. Each DELETE or change of a key on the other side reads the whole referring table, and holds its lock meanwhile.",
                (
                    "What does it refer to? `SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'f' AND conrelid = '{relation|TABLE}'::regclass;`",
                    "Make the index: `CREATE INDEX CONCURRENTLY ON {relation|TABLE} (COLUMN);`; leave it if rows of the other table are never deleted",
                ),
            ),
            ru=Text(
                "У внешнего ключа нет индекса",
                "Таблицы в {database|базе} ссылаются на другие по столбцам, с которых не начинается ни один индекс. Каждый DELETE или смена ключа на той стороне читает всю ссылающуюся таблицу и всё это время держит блокировку.",
                (
                    "На что он ссылается? `SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'f' AND conrelid = '{relation|TABLE}'::regclass;`",
                    "Создайте индекс: `CREATE INDEX CONCURRENTLY ON {relation|TABLE} (COLUMN);`; не нужно, если строки другой таблицы никогда не удаляются",
                ),
            ),
        ),
        Entry(
            "extension_outdated",
            POSTGRESQL + "sql-alterextension.html",
            Severity.INFO,
            en=Text(
                "An extension is older than its files",
                "The server has a newer version of an extension than the one that was made in {database|the database}, as after an upgrade. Its new functions and corrections are not in force.",
                (
                    "Which ones? `SELECT name, installed_version, default_version FROM pg_available_extensions WHERE installed_version <> default_version;`",
                    'Bring it up to date, connected to {database|the database}: `ALTER EXTENSION "{extension|NAME}" UPDATE;`',
                ),
            ),
            ru=Text(
                "Расширение старее своих файлов",
                "На сервере есть более новая версия расширения, чем созданная в {database|базе}, как бывает после обновления. Новые функции и исправления не действуют.",
                (
                    "Какие? `SELECT name, installed_version, default_version FROM pg_available_extensions WHERE installed_version <> default_version;`",
                    'Обновите, подключившись к {database|базе}: `ALTER EXTENSION "{extension|NAME}" UPDATE;`',
                ),
            ),
        ),
    ),
)
