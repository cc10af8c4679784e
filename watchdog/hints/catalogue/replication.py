"""Write-ahead log that does not get where it should.

Owns: the entries of the family ``replication``.
"""

# ruff: noqa: E501 - patterns and commands stay on one line

from __future__ import annotations

from watchdog.hints.entry import POSTGRESQL, Entry, Family, Needs, Rule, Severity, Text, Wording
from watchdog.model import Kind

FAMILY = Family(
    Kind.REPLICATION,
    (
        Entry(
            "replication_slot_missing",
            POSTGRESQL + "warm-standby.html#STREAMING-REPLICATION-SLOTS",
            Severity.CRITICAL,
            en=Text(
                "The replication slot does not exist",
                "The standby or subscriber asks for a slot that the primary does not have: never made, dropped, or lost in a failover.",
                (
                    "Which ones are there? On the primary: `SELECT slot_name, slot_type, active, restart_lsn FROM pg_replication_slots;`",
                    "Make it: `SELECT pg_create_physical_replication_slot('{slot|NAME}');`, or correct `primary_slot_name` on the standby",
                    "A logical one that is lost has to be synchronised anew: `ALTER SUBSCRIPTION … SET (slot_name = NONE);`, drop and create it again",
                ),
            ),
            ru=Text(
                "Слота репликации нет",
                "Реплика или подписчик просит слот, которого на главном сервере нет: не создан, удалён или потерян при переключении.",
                (
                    "Какие есть? На главном: `SELECT slot_name, slot_type, active, restart_lsn FROM pg_replication_slots;`",
                    "Создайте: `SELECT pg_create_physical_replication_slot('{slot|NAME}');` или исправьте `primary_slot_name` на реплике",
                    "Потерянный логический слот придётся синхронизировать заново: `ALTER SUBSCRIPTION … SET (slot_name = NONE);`, удалить и создать снова",
                ),
            ),
            rules=(
                Rule(
                    "42704",
                    routines="ReplicationSlotAcquire ReplicationSlotDrop SearchNamedReplicationSlot",
                    confidence=0.97,
                ),
            ),
            wordings=(
                Wording(
                    "replication slot",
                    r"replication slot [\"'«][^\"'»\n]+[\"'»] does not exist",
                    0.98,
                ),
            ),
        ),
        Entry(
            "wal_segment_removed",
            POSTGRESQL + "warm-standby.html#STREAMING-REPLICATION",
            Severity.CRITICAL,
            en=Text(
                "The log that the standby needs is gone",
                "The primary has removed write-ahead log that the standby or backup had not fetched yet.",
                (
                    "Is it in the archive? A `restore_command` on the standby can bring it",
                    "Otherwise build the standby anew: `pg_basebackup -h {host|PRIMARY} -D NEW_DATA -X stream -R -S SLOT`",
                    "So that it does not happen again: a slot for each standby with `max_slot_wal_keep_size`, or a larger `wal_keep_size`",
                ),
            ),
            ru=Text(
                "Журнала, нужного реплике, больше нет",
                "Главный сервер удалил часть журнала предзаписи, которую реплика или копия ещё не забрала.",
                (
                    "Есть ли она в архиве? Её может принести `restore_command` на реплике",
                    "Иначе постройте реплику заново: `pg_basebackup -h {host|PRIMARY} -D NEW_DATA -X stream -R -S SLOT`",
                    "Чтобы не повторилось: каждой реплике слот с `max_slot_wal_keep_size` или больший `wal_keep_size`",
                ),
            ),
            rules=(
                Rule(
                    "58P01",
                    routines="XLogFileOpen WALOpenSegment WalSndSegmentOpen WALReadRaiseError",
                    confidence=0.97,
                ),
            ),
            wordings=(
                Wording(
                    "has already been removed", r"wal segment \S+ has already been removed", 0.98
                ),
                Wording("can no longer get changes from replication slot", confidence=0.93),
                Wording("can no longer access replication slot", confidence=0.93),
                Wording("wal segment", r"angeforderte(?:s)? wal-segment|le segment demandé", 0.9),
                Wording('invalidated due to "wal_removed"', confidence=0.95),
                Wording(
                    "this slot has been invalidated because it exceeded the maximum reserved size",
                    confidence=0.97,
                ),
                Wording("invalidating obsolete replication slot", confidence=0.9),
                Wording("invalidating slot", r"exceeds max_slot_wal_keep_size", confidence=0.9),
            ),
        ),
        Entry(
            "wal_archive_failed",
            POSTGRESQL + "continuous-archiving.html#BACKUP-ARCHIVING-WAL",
            Severity.CRITICAL,
            en=Text(
                "Archiving the log fails",
                "archive_command of {server|the server} does not succeed. Until it does, pg_wal grows and point-in-time recovery has a gap.",
                (
                    "Run the very command from the log by hand as the server's user, and read what it says: `sudo -u postgres sh -c '{command|COMMAND}'`",
                    "What fails since when? `SELECT last_failed_wal, last_failed_time, last_archived_time FROM pg_stat_archiver;`",
                    "Mend its target (room, rights, mount, keys); the server tries again by itself. Keep an eye on `df -h` of pg_wal",
                ),
            ),
            ru=Text(
                "Журнал не удаётся архивировать",
                "archive_command на {server|сервере} завершается с ошибкой. До тех пор pg_wal растёт, а в восстановлении на момент времени будет дыра.",
                (
                    "Выполните ту самую команду из журнала вручную от пользователя сервера и прочитайте, что она скажет: `sudo -u postgres sh -c '{command|COMMAND}'`",
                    "Что и с каких пор не выходит? `SELECT last_failed_wal, last_failed_time, last_archived_time FROM pg_stat_archiver;`",
                    "Почините место назначения (объём, права, монтирование, ключи); сервер повторит сам. Следите за `df -h` для pg_wal",
                ),
            ),
            wordings=(
                Wording("archive command failed with exit code", confidence=0.97),
                Wording("archive command was terminated by", confidence=0.97),
                Wording("archiving write-ahead log file", r"failed too many times", 0.97),
                Wording("the failed archive command was", confidence=0.95),
                Wording("could not archive", r"wal", 0.8),
                Wording("was not archived before the", confidence=0.95),
                Wording(
                    "archive-push", r"error|fail|unable", confidence=0.8, needs=Needs.POSTGRESQL
                ),
                Wording(
                    "failed too many times, will try again later", r"archiving", confidence=0.97
                ),
            ),
        ),
        Entry(
            "replication_slot_abandoned",
            POSTGRESQL + "view-pg-replication-slots.html",
            Severity.CRITICAL,
            en=Text(
                "A replication slot keeps WAL for nobody",
                "Slot {slot|SLOT} of {server|the server} has no reader, or has lost what it needs. One that is not read keeps WAL until the disk is full.",
                (
                    "What does each slot keep? `SELECT slot_name, active, wal_status, pg_size_pretty(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)) FROM pg_replication_slots;`",
                    "Does its standby or subscriber come back? Then start that now. If not: `SELECT pg_drop_replication_slot('{slot|SLOT}');`",
                    "Bound it: `ALTER SYSTEM SET max_slot_wal_keep_size = '10GB';` and `SELECT pg_reload_conf();`; a standby that then falls behind further has to be made anew",
                ),
            ),
            ru=Text(
                "Слот репликации хранит WAL ни для кого",
                "У слота {slot|SLOT} на {server|сервере} нет читателя, или он уже потерял нужное. Слот, из которого не читают, копит WAL, пока не кончится диск.",
                (
                    "Что хранит каждый слот? `SELECT slot_name, active, wal_status, pg_size_pretty(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)) FROM pg_replication_slots;`",
                    "Вернётся ли его реплика или подписчик? Тогда запустите сейчас. Если нет: `SELECT pg_drop_replication_slot('{slot|SLOT}');`",
                    "Ограничьте: `ALTER SYSTEM SET max_slot_wal_keep_size = '10GB';` и `SELECT pg_reload_conf();`; отставшую ещё сильнее реплику придётся создать заново",
                ),
            ),
        ),
        Entry(
            "standby_disconnected",
            POSTGRESQL + "warm-standby.html#STREAMING-REPLICATION",
            Severity.CRITICAL,
            en=Text(
                "The standby receives nothing from its primary",
                "{server|The standby} is told to stream from a primary and is not connected to it: the primary is down, the network is cut, the login fails, or the WAL it needs is gone. It answers with ever older data.",
                (
                    "What does the standby's own log say? `docker compose logs --tail=50 SERVICE` or `journalctl -u postgresql`: look for `could not connect to the primary server` or `requested WAL segment … has already been removed`",
                    "Where does it connect to? On the standby: `SHOW primary_conninfo;`; try it from there with `psql`",
                    "Is the primary up? `pg_isready -h PRIMARY`. If it is gone for good, promote: `SELECT pg_promote();`",
                ),
            ),
            ru=Text(
                "Реплика ничего не получает от главного сервера",
                "{server|Реплика} должна получать поток от главного сервера, но не подключена к нему: тот остановлен, сеть разорвана, вход не удаётся или нужный WAL уже удалён. Она отвечает всё более старыми данными.",
                (
                    "Что говорит журнал самой реплики? `docker compose logs --tail=50 SERVICE` или `journalctl -u postgresql`: ищите `could not connect to the primary server` или `requested WAL segment … has already been removed`",
                    "Куда она подключается? На реплике: `SHOW primary_conninfo;`; проверьте оттуда с помощью `psql`",
                    "Работает ли главный? `pg_isready -h PRIMARY`. Если он потерян навсегда, повысьте реплику: `SELECT pg_promote();`",
                ),
            ),
        ),
        Entry(
            "subscription_stopped",
            POSTGRESQL + "logical-replication-monitoring.html",
            Severity.CRITICAL,
            en=Text(
                "A subscription applies nothing",
                "A logical subscription of {database|the database} is enabled and no worker runs for it: it fails and starts again on every try, or there are no workers left.",
                (
                    "Why? The server's log has the error of each try behind `logical replication apply worker`; counts since 15: `SELECT subname, apply_error_count, sync_error_count FROM pg_stat_subscription_stats;`",
                    "A row that conflicts: change it here, or skip that transaction: `ALTER SUBSCRIPTION {subscription|NAME} SKIP (lsn = '…');` (15 and newer)",
                    "No worker left? Compare `SHOW max_logical_replication_workers;` with the number of subscriptions",
                ),
            ),
            ru=Text(
                "Подписка ничего не применяет",
                "Логическая подписка в {database|базе} включена, но ни один процесс её не обслуживает: он падает и запускается снова, или свободных процессов нет.",
                (
                    "Почему? Ошибка каждой попытки есть в журнале сервера после `logical replication apply worker`; счётчики с версии 15: `SELECT subname, apply_error_count, sync_error_count FROM pg_stat_subscription_stats;`",
                    "Конфликтует строка: измените её здесь или пропустите ту транзакцию: `ALTER SUBSCRIPTION {subscription|NAME} SKIP (lsn = '…');` (15 и новее)",
                    "Нет свободных процессов? Сравните `SHOW max_logical_replication_workers;` с числом подписок",
                ),
            ),
        ),
    ),
)
