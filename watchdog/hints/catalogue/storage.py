"""Disk, memory, and data that are not as they were written.

Owns: the entries of the family ``storage``.
"""

# ruff: noqa: E501, S108 - patterns and commands stay on one line, and one speaks of /dev/shm

from __future__ import annotations

from watchdog.hints.entry import POSTGRESQL, Entry, Family, Needs, Rule, Severity, Text, Wording
from watchdog.model import Kind

FAMILY = Family(
    Kind.STORAGE,
    (
        Entry(
            "disk_full",
            POSTGRESQL + "disk-full.html",
            Severity.CRITICAL,
            en=Text(
                "The server's disk is full",
                "{server|The server} cannot write any more; when pg_wal finds no room either, it stops altogether.",
                (
                    "Where is the room gone? On the server: `df -h`, `df -i`, then `du -xsh /var/lib/postgresql/*/*/* | sort -h | tail`",
                    "Free room with old logs, core files, backups on the same disk; never delete files in pg_wal by hand",
                    "Is pg_wal large? A forgotten slot or a failing archive keeps it: `SELECT slot_name, active, pg_size_pretty(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)) FROM pg_replication_slots;` and `SELECT * FROM pg_stat_archiver;`",
                    "{@compose}With Docker also: `docker system df` and `docker system prune`",
                ),
            ),
            ru=Text(
                "На сервере кончился диск",
                "{server|Сервер} больше не может писать; если места не найдёт и pg_wal, он остановится совсем.",
                (
                    "Куда ушло место? На сервере: `df -h`, `df -i`, затем `du -xsh /var/lib/postgresql/*/*/* | sort -h | tail`",
                    "Освободите место: старые журналы, файлы core, копии на том же диске; никогда не удаляйте файлы из pg_wal вручную",
                    "Велик сам pg_wal? Его держит забытый слот или сломанный архив: `SELECT slot_name, active, pg_size_pretty(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)) FROM pg_replication_slots;` и `SELECT * FROM pg_stat_archiver;`",
                    "{@compose}В Docker ещё: `docker system df` и `docker system prune`",
                ),
            ),
            rules=(
                Rule("53100", confidence=0.85),
                Rule("ENOSPC EDQUOT", confidence=0.5),
                Rule(exceptions="DiskFullError DiskFull", confidence=0.85),
            ),
            wordings=(
                Wording(
                    "no space left on device",
                    r"(?:could not (?:extend|write|create|open|fsync|close)|panic|fatal|error|sql)[^\n]*no space left on device",
                    0.88,
                    Needs.POSTGRESQL,
                ),
                Wording(
                    "no space left on device",
                    r"could not (?:extend file|write to file|create file|write init file|write block)[^\n]*no space left",
                    0.93,
                ),
                Wording("could not extend file", confidence=0.9),
                Wording("disk quota exceeded", confidence=0.7, needs=Needs.POSTGRESQL),
                Wording(
                    "no space left on device",
                    r"(?:postmaster\.pid|pg_wal|pg_xlog|pg_xact|base/|pgsql_tmp|pg_stat|could not write lock file|could not write to log file|could not write temporary|initdb:)[^\n]*no space left",
                    confidence=0.94,
                ),
            ),
        ),
        Entry(
            "temp_file_limit",
            POSTGRESQL + "runtime-config-resource.html#GUC-TEMP-FILE-LIMIT",
            Severity.WARNING,
            en=Text(
                "A query spilled more than temp_file_limit to disk",
                "A sort, hash or materialised result was larger than the server lets one session keep in temporary files.",
                (
                    "What spills? `EXPLAIN (ANALYZE, BUFFERS) …` shows external merges and batches; an index or a smaller result helps most",
                    "For this one role: `ALTER ROLE \"{user|USER}\" SET work_mem = '64MB';`",
                    "Or raise the limit, with room on the disk: `ALTER SYSTEM SET temp_file_limit = '20GB';` and `SELECT pg_reload_conf();`",
                ),
            ),
            ru=Text(
                "Запрос сбросил на диск больше, чем temp_file_limit",
                "Сортировка, хеш или промежуточный результат оказались больше, чем сервер позволяет одному сеансу держать во временных файлах.",
                (
                    "Что не помещается? `EXPLAIN (ANALYZE, BUFFERS) …` покажет external merge и batches; лучше всего помогает индекс или меньший результат",
                    "Только этой роли: `ALTER ROLE \"{user|USER}\" SET work_mem = '64MB';`",
                    "Или поднимите предел, если на диске есть место: `ALTER SYSTEM SET temp_file_limit = '20GB';` и `SELECT pg_reload_conf();`",
                ),
            ),
            rules=(Rule("53400", confidence=0.85),),
            wordings=(
                Wording("exceeds temp_file_limit", confidence=0.97),
                Wording("temp_file_limit", r"превыша", 0.97),
                Wording("temp_file_limit", r"temporary file size exceeds", confidence=0.97),
            ),
        ),
        Entry(
            "docker_shm_size",
            "https://hub.docker.com/_/postgres",
            Severity.WARNING,
            en=Text(
                "The container's shared memory is too small",
                "/dev/shm of the container is full (Docker gives 64 MB); the disk is not. Parallel queries and large hashes need it.",
                (
                    "Give the service more in docker-compose.yml: `shm_size: 256mb`, then `docker compose up -d {service|postgres}`",
                    "How full is it? `docker compose exec {service|postgres} df -h /dev/shm`",
                    "Until then: `SET max_parallel_workers_per_gather = 0;`",
                ),
            ),
            ru=Text(
                "В контейнере мало разделяемой памяти",
                "Заполнен /dev/shm контейнера (Docker даёт 64 МБ), а не диск. Он нужен параллельным запросам и большим хешам.",
                (
                    "Дайте сервису больше в docker-compose.yml: `shm_size: 256mb`, затем `docker compose up -d {service|postgres}`",
                    "Насколько он заполнен? `docker compose exec {service|postgres} df -h /dev/shm`",
                    "До тех пор: `SET max_parallel_workers_per_gather = 0;`",
                ),
            ),
            rules=(
                Rule("53100", confidence=0.3),
                Rule(
                    "53100",
                    routines="dsm_impl_posix dsm_impl_posix_resize dsm_impl_mmap",
                    confidence=0.97,
                ),
            ),
            wordings=(
                Wording("could not resize shared memory segment", confidence=0.97),
                Wording("/dev/shm", r"no space left", 0.9),
                Wording(
                    "postgresql.", r"\"/?(?:dev/shm/)?postgresql\.\d+\"[^\n]*no space left", 0.96
                ),
            ),
        ),
        Entry(
            "out_of_memory",
            POSTGRESQL + "kernel-resources.html#LINUX-MEMORY-OVERCOMMIT",
            Severity.CRITICAL,
            en=Text(
                "There is not enough memory",
                "The machine or container of {server|the server} had no memory left; the kernel may have killed a server process.",
                (
                    "Did the kernel kill one? `dmesg -T | grep -iE 'out of memory|killed process'`; in Docker: `docker inspect --format '{{.State.OOMKilled}}' CONTAINER`",
                    "Give more memory, or ask for less: `work_mem` counts per sort and session, then `max_connections`, then `shared_buffers`",
                    "On a machine of its own: `sysctl vm.overcommit_memory=2`",
                ),
            ),
            ru=Text(
                "Не хватает памяти",
                "У машины или контейнера {server|сервера} кончилась память; ядро могло убить серверный процесс.",
                (
                    "Убивало ли ядро? `dmesg -T | grep -iE 'out of memory|killed process'`; в Docker: `docker inspect --format '{{.State.OOMKilled}}' CONTAINER`",
                    "Дайте больше памяти или просите меньше: `work_mem` считается на каждую сортировку и сеанс, затем `max_connections`, затем `shared_buffers`",
                    "На выделенной машине: `sysctl vm.overcommit_memory=2`",
                ),
            ),
            rules=(
                Rule("53200", confidence=0.8),
                Rule("ENOMEM SQLITE_NOMEM", confidence=0.9),
                Rule(exceptions="OutOfMemoryError OutOfMemory", confidence=0.8),
            ),
            wordings=(
                Wording(
                    "out of memory",
                    r"(?:error|fatal|panic|detail):\s+(?:.{0,40})out of memory",
                    0.9,
                ),
                Wording(
                    "out of memory",
                    r"out of memory: (?:killed|kill) process \d+ \((?:postgres|postmaster)",
                    0.97,
                ),
                Wording("out of memory", confidence=0.7, needs=Needs.POSTGRESQL),
                Wording("failed on request of size", confidence=0.9),
                Wording("cannot allocate memory", confidence=0.85, needs=Needs.POSTGRESQL),
                Wording("could not map anonymous shared memory", confidence=0.93),
                Wording("could not create shared memory segment", confidence=0.85),
                Wording("oom-kill", r"postgres", 0.9),
                Wording("by signal 9: killed", confidence=0.55),
                Wording("could not fork new process for connection", confidence=0.8),
                Wording("sqlite_nomem", confidence=0.9),
                Wording(
                    "signal 9: killed",
                    r"(?:server process|worker|process) [^\n]*terminated by signal 9: killed",
                    confidence=0.92,
                ),
                Wording("out of memory: killed process", r"postgres|postmaster", confidence=0.97),
                Wording(
                    "oom",
                    r"(?:oom[-_ ]?kill|oomkilled|out of memory)[^\n]*\bpostgres",
                    confidence=0.9,
                ),
                Wording("oomkilled", confidence=0.85, needs=Needs.POSTGRESQL),
                Wording("could not create semaphores", confidence=0.75),
            ),
        ),
        Entry(
            "lock_table_full",
            POSTGRESQL + "runtime-config-locks.html#GUC-MAX-LOCKS-PER-TRANSACTION",
            Severity.WARNING,
            en=Text(
                "The server's lock table is full",
                "One transaction touches very many tables, as pg_dump of many tables or partitions does.",
                (
                    "Make it larger: `ALTER SYSTEM SET max_locks_per_transaction = 256;`, then restart the server",
                    "Who holds so many? `SELECT pid, count(*) FROM pg_locks GROUP BY 1 ORDER BY 2 DESC LIMIT 5;`",
                    "Until then dump schema by schema: `pg_dump -n SCHEMA`",
                ),
            ),
            ru=Text(
                "Таблица блокировок сервера заполнена",
                "Одна транзакция затрагивает очень много таблиц, как pg_dump при множестве таблиц или секций.",
                (
                    "Увеличьте её: `ALTER SYSTEM SET max_locks_per_transaction = 256;` и перезапустите сервер",
                    "Кто держит столько? `SELECT pid, count(*) FROM pg_locks GROUP BY 1 ORDER BY 2 DESC LIMIT 5;`",
                    "До тех пор снимайте дамп по схемам: `pg_dump -n SCHEMA`",
                ),
            ),
            rules=(
                Rule(
                    "53200",
                    routines="LockAcquireExtended SetupLockInTable FastPathTransferRelationLocks FastPathGetRelationLockEntry lock_twophase_recover GrantLockLocal",
                    confidence=0.97,
                ),
                Rule("53200", confidence=0.35),
            ),
            wordings=(
                Wording(
                    "max_locks_per_transaction",
                    r"increase|увеличить|erhöhen|out of shared memory|hint",
                    0.97,
                ),
                Wording("out of shared memory", confidence=0.9),
            ),
        ),
        Entry(
            "corruption",
            POSTGRESQL + "app-pgchecksums.html",
            Severity.CRITICAL,
            en=Text(
                "Data on the disk are damaged",
                "{server|The server} found a page, file or record that cannot be right.",
                (
                    "Stop writing: stop the application, then the server, and copy the whole data directory: `cp -a /var/lib/postgresql /SAFE/PLACE/`",
                    "Look at the hardware: `dmesg -T | tail -50`, `smartctl -a /dev/DISK`, memory test, the volume's driver",
                    "{@kept}Restore the newest good backup into a new database: `db-watchdog restore {target|TARGET} --to URL`",
                    "Do not run zero_damaged_pages or pg_resetwal first: they destroy what could be saved",
                ),
            ),
            ru=Text(
                "Данные на диске повреждены",
                "{server|Сервер} нашёл страницу, файл или запись, которых в таком виде быть не может.",
                (
                    "Прекратите запись: остановите приложение, затем сервер и скопируйте весь каталог данных: `cp -a /var/lib/postgresql /SAFE/PLACE/`",
                    "Проверьте железо: `dmesg -T | tail -50`, `smartctl -a /dev/DISK`, память, драйвер тома",
                    "{@kept}Восстановите последнюю исправную копию в новую базу: `db-watchdog restore {target|TARGET} --to URL`",
                    "Не начинайте с zero_damaged_pages или pg_resetwal: они уничтожат то, что можно спасти",
                ),
            ),
            rules=(
                Rule("XX001", confidence=0.93),
                Rule("58P01", confidence=0.4),
                Rule("58030", confidence=0.5),
                Rule(exceptions="DataCorruptedError DataCorrupted", confidence=0.93),
            ),
            wordings=(
                Wording("invalid page in block", confidence=0.96),
                Wording("invalid page header in block", confidence=0.96),
                Wording("could not read block", confidence=0.92),
                Wording("page verification failed", confidence=0.95),
                Wording("missing chunk number", confidence=0.95),
                Wording("unexpected chunk number", confidence=0.93),
                Wording("could not locate a valid checkpoint record", confidence=0.93),
                Wording("invalid primary checkpoint record", confidence=0.93),
                Wording('could not open file "base/', confidence=0.9),
                Wording('could not open file "global/', confidence=0.85),
                Wording('could not open file "pg_xact/', confidence=0.93),
                Wording("could not access status of transaction", confidence=0.93),
                Wording("invalid memory alloc request size", confidence=0.75),
                Wording("compressed pglz data is corrupt", confidence=0.95),
                Wording("could not find left sibling of block", confidence=0.4),
                Wording("incorrect checksum in control file", confidence=0.9),
                Wording("heap tuple", r"found xmin \d+ from before relfrozenxid", 0.9),
                Wording("unexpected data beyond eof", confidence=0.95),
                Wording("before relfrozenxid", confidence=0.95),
                Wording("before relminmxid", confidence=0.95),
                Wording("two-phase state file", r"corrupt", confidence=0.9),
                Wording("control file appears to be corrupt", confidence=0.9),
                Wording("could not read blocks", confidence=0.92),
                Wording("checksum verification failed", confidence=0.93, needs=Needs.POSTGRESQL),
                Wording("checksum verification failed in file", confidence=0.93),
                Wording(
                    "cache lookup failed for",
                    r"cache lookup failed for (?:relation|type|attribute)",
                    confidence=0.4,
                ),
                Wording("invalid checkpoint record", confidence=0.9),
                Wording("missing chunk number", confidence=0.95),
                Wording("replication checkpoint has wrong magic", confidence=0.92),
                Wording("apparent wraparound", r"multixactid \d+", confidence=0.9),
            ),
        ),
        Entry(
            "index_corruption",
            POSTGRESQL + "sql-reindex.html",
            Severity.CRITICAL,
            en=Text(
                "An index is damaged",
                "The table is probably whole, but an index of it contradicts it; queries may miss rows.",
                (
                    "Take a backup first: `db-watchdog backup {target|TARGET}`",
                    "Build it anew: `REINDEX INDEX CONCURRENTLY {index|NAME};`",
                    "How far does it go? `CREATE EXTENSION amcheck; SELECT bt_index_check(indexrelid, true) FROM pg_index;`",
                    "Find the cause: the C library changed under text indexes (collation), the disk, a crash with fsync off",
                ),
            ),
            ru=Text(
                "Повреждён индекс",
                "Таблица, скорее всего, цела, но индекс ей противоречит; запросы могут не находить строк.",
                (
                    "Сначала снимите копию: `db-watchdog backup {target|TARGET}`",
                    "Постройте его заново: `REINDEX INDEX CONCURRENTLY {index|NAME};`",
                    "Насколько это далеко зашло? `CREATE EXTENSION amcheck; SELECT bt_index_check(indexrelid, true) FROM pg_index;`",
                    "Найдите причину: под текстовыми индексами сменилась библиотека C (сортировка), диск, падение с выключенным fsync",
                ),
            ),
            rules=(
                Rule("XX002", confidence=0.95),
                Rule(exceptions="IndexCorruptedError IndexCorrupted", confidence=0.95),
            ),
            wordings=(
                Wording("could not find left sibling of block", confidence=0.95),
                Wording("failed to re-find parent key in index", confidence=0.96),
                Wording("contains unexpected zero page", confidence=0.95),
                Wording("contains corrupted page at block", confidence=0.96),
                Wording(
                    "index",
                    r"index \"[^\"\n]+\" (?:is not a btree|lacks|contains a half-dead|is corrupted)",
                    0.9,
                ),
                Wording("right sibling's left-link doesn't match", confidence=0.96),
                Wording("item order invariant violated", confidence=0.95),
                Wording("high key invariant violated", confidence=0.95),
                Wording("lacks matching index tuple", confidence=0.96),
                Wording("posting list tuple", r"cannot be split", 0.9),
                Wording("please reindex it", confidence=0.95),
            ),
        ),
        Entry(
            "wraparound",
            POSTGRESQL + "routine-vacuuming.html#VACUUM-FOR-WRAPAROUND",
            Severity.CRITICAL,
            en=Text(
                "Transaction ids are nearly used up",
                "{database|A database} was not vacuumed for too long. Soon, or already, the server takes no writes to protect the data.",
                (
                    "End what holds vacuum back: `SELECT pid, age(backend_xmin), query FROM pg_stat_activity WHERE backend_xmin IS NOT NULL ORDER BY 2 DESC;`, `SELECT gid, prepared FROM pg_prepared_xacts;`, `SELECT slot_name, age(xmin), age(catalog_xmin) FROM pg_replication_slots;`",
                    "Then, as superuser in the database named: `VACUUM;` (no FREEZE, no FULL, no single-user mode needed)",
                    "Which one is worst? `SELECT datname, age(datfrozenxid) FROM pg_database ORDER BY 2 DESC;`",
                ),
            ),
            ru=Text(
                "Номера транзакций почти исчерпаны",
                "{database|База} слишком долго не очищалась. Скоро (или уже) сервер перестанет принимать запись, чтобы защитить данные.",
                (
                    "Уберите то, что мешает очистке: `SELECT pid, age(backend_xmin), query FROM pg_stat_activity WHERE backend_xmin IS NOT NULL ORDER BY 2 DESC;`, `SELECT gid, prepared FROM pg_prepared_xacts;`, `SELECT slot_name, age(xmin), age(catalog_xmin) FROM pg_replication_slots;`",
                    "Затем суперпользователем в названной базе: `VACUUM;` (без FREEZE, без FULL, однопользовательский режим не нужен)",
                    "Какая хуже всех? `SELECT datname, age(datfrozenxid) FROM pg_database ORDER BY 2 DESC;`",
                ),
            ),
            rules=(
                Rule("54000", routines="GetNewTransactionId GetNewMultiXactId", confidence=0.98),
                Rule("54000", confidence=0.35),
            ),
            wordings=(
                Wording("wraparound data loss", confidence=0.97),
                Wording("must be vacuumed within", confidence=0.97),
                Wording("must be vacuumed before", confidence=0.97),
                Wording('multixact "members" limit exceeded', confidence=0.95),
                Wording("oldest xmin is far in the past", confidence=0.85),
                Wording("oldest multixact is far in the past", confidence=0.9),
            ),
        ),
        Entry(
            "collation_mismatch",
            POSTGRESQL + "sql-alterdatabase.html",
            Severity.WARNING,
            en=Text(
                "The sorting rules changed under the database",
                "The C library or ICU of this system sorts text otherwise than the one {database|the database} was made with (a new image or system). Text indexes may be wrong.",
                (
                    'Build the indexes anew: `REINDEX DATABASE CONCURRENTLY "{database|DATABASE}";`',
                    'Then say that it is done: `ALTER DATABASE "{database|DATABASE}" REFRESH COLLATION VERSION;`',
                    "Stay on one base image: going between Alpine and Debian variants does this",
                ),
            ),
            ru=Text(
                "Под базой сменились правила сортировки",
                "Библиотека C или ICU этой системы сортирует текст иначе, чем при создании {database|базы} (новый образ или система). Текстовые индексы могут врать.",
                (
                    'Постройте индексы заново: `REINDEX DATABASE CONCURRENTLY "{database|DATABASE}";`',
                    'Затем отметьте, что это сделано: `ALTER DATABASE "{database|DATABASE}" REFRESH COLLATION VERSION;`',
                    "Держитесь одного базового образа: к этому приводит переход между Alpine и Debian",
                ),
            ),
            wordings=(
                Wording("collation version mismatch", confidence=0.97),
                Wording("has a collation version mismatch", confidence=0.98),
                Wording("was created using collation version", confidence=0.95),
                Wording(
                    "has no actual collation version, but a version was recorded", confidence=0.95
                ),
                Wording(
                    "has version mismatch",
                    r"collation [^\n]* has version mismatch",
                    confidence=0.97,
                ),
                Wording("has a collation version, but no actual", confidence=0.95),
            ),
        ),
    ),
)
