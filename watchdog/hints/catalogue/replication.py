"""Write-ahead log that does not get where it should.

Owns: the entries of the family ``replication``.
"""

# ruff: noqa: E501 - patterns and commands stay on one line

from __future__ import annotations

from watchdog.hints.entry import POSTGRESQL, Entry, Family, Rule, Severity, Text, Wording
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
                    "What fails since when? `SELECT last_failed_wal, last_failed_time, last_archived_time FROM pg_stat_archiver;`",
                    "Run the very command from the log by hand as the server's user: `sudo -u postgres …`",
                    "Mend its target (room, rights, mount, keys); the server tries again by itself. Keep an eye on `df -h` of pg_wal",
                ),
            ),
            ru=Text(
                "Журнал не удаётся архивировать",
                "archive_command на {server|сервере} завершается с ошибкой. До тех пор pg_wal растёт, а в восстановлении на момент времени будет дыра.",
                (
                    "Что и с каких пор не выходит? `SELECT last_failed_wal, last_failed_time, last_archived_time FROM pg_stat_archiver;`",
                    "Выполните ту самую команду из журнала вручную от пользователя сервера: `sudo -u postgres …`",
                    "Почините место назначения (объём, права, монтирование, ключи); сервер повторит сам. Следите за `df -h` для pg_wal",
                ),
            ),
            wordings=(
                Wording("archive command failed with exit code", confidence=0.97),
                Wording("archive command was terminated by", confidence=0.97),
                Wording("archiving write-ahead log file", r"failed too many times", 0.97),
                Wording("the failed archive command was", confidence=0.95),
                Wording("could not archive", r"wal", 0.8),
            ),
        ),
    ),
)
