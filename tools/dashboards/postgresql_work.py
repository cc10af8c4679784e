"""What goes on inside one PostgreSQL server: waiting, work, storage, replication, tables."""

from __future__ import annotations

from tools.dashboards import frame, look, marks
from tools.dashboards.frame import Board, Section, choice
from tools.dashboards.panels import graph, stat
from tools.dashboards.queries import rate, select

_SERVER = 'engine="postgresql",server="$server"'
_TARGET = 'engine="postgresql",target=~"$target"'
_OURS = "watchdog_postgresql_"


def board(status_page: str) -> Board:
    """Return the board of what goes on inside a server."""
    info = select("watchdog_target_info", 'engine="postgresql"')
    own = select("watchdog_target_info", 'engine="postgresql",server="$server"')
    return frame.make(
        frame.POSTGRESQL_WORK,
        "Inside one PostgreSQL server: who waits for whom, what is done, what will run out, how"
        " far standbys and the archive are behind, and which tables need care.",
        status_page,
        [
            choice("server", "Server", info, several=False),
            choice("target", "Database", own, several=True, spelled_out=True),
        ],
        [
            Section("The server now", _now()),
            Section("Who waits, and for how long", _waiting()),
            Section("What is done", _work()),
            Section("Storage", _storage()),
            Section("Replication and the archive", _replication()),
            Section("Tables, sequences, statements", _tables()),
        ],
        [
            marks.reloads(),
            marks.backups(_TARGET),
            marks.failed_backups(_TARGET),
            marks.down(_TARGET),
        ],
    )


def _of(name: str) -> str:
    return select(_OURS + name, _SERVER)


def _in(name: str) -> str:
    return select(_OURS + name, _TARGET)


def _rate(name: str) -> str:
    return rate(_OURS + name, _SERVER)


def _now() -> list[frame.Panel]:
    return [
        stat(
            "Blocked sessions",
            "Sessions that wait for a lock that another one holds.",
            f"max({_of('blocked_sessions')})",
            steps=look.NONE_IS_BEST,
        ),
        stat(
            "Oldest transaction",
            "Age of the oldest transaction of a client, without dumps; dead rows wait for it."
            " Not known without pg_monitor.",
            f"max({_of('oldest_transaction_seconds')})",
            unit="s",
            steps=((None, look.GOOD), (600, look.WARN), (3600, look.BAD)),
        ),
        stat(
            "Transaction ids in use",
            "Share of the 2147483648 transaction ids that the oldest database uses; half of them"
            " is late, three quarters an emergency.",
            f"max({_of('oldest_transaction_id_age')}) / 2147483648",
            unit="percentunit",
            steps=((None, look.GOOD), (0.47, look.WARN), (0.7, look.BAD)),
            decimals=1,
        ),
        stat(
            "Fullest sequence",
            "Share used up of the fullest sequence of the chosen databases, by the column that it"
            " feeds. Not known while no sequence can be read.",
            f"max({_in('sequence_used_ratio_max')})",
            unit="percentunit",
            steps=look.OF_THE_WHOLE,
            decimals=1,
        ),
        stat(
            "Standbys",
            "Connected standbys and subscribers of this server.",
            f"max({_of('standbys')})",
        ),
        stat(
            "WAL kept for slots",
            "What the slot that is furthest behind keeps.",
            f"max({_of('replication_slots_retained_bytes')})",
            unit="bytes",
            steps=((None, look.GOOD), (1e9, look.WARN), (5e9, look.BAD)),
        ),
    ]


def _waiting() -> list[frame.Panel]:
    return [
        graph(
            "Sessions behind locks",
            "How many sessions wait, and how many hold them up.",
            [
                (f"max({_of('blocked_sessions')})", "blocked"),
                (f"max({_of('blocking_sessions')})", "blocking"),
            ],
            width=8,
            decimals=0,
            colours={"blocked": look.WARN, "blocking": look.BAD},
        ),
        graph(
            "The longest",
            "The longest wait for a lock, transaction, idle transaction, query and dump. Without"
            " pg_monitor only the wait is known.",
            [
                (f"max({_of('longest_block_seconds')})", "wait for a lock"),
                (f"max({_of('oldest_transaction_seconds')})", "transaction"),
                (f"max({_of('oldest_idle_in_transaction_seconds')})", "idle in transaction"),
                (f"max({_of('longest_query_seconds')})", "query"),
                (f"max({_of('longest_dump_seconds')})", "dump"),
            ],
            unit="s",
            width=8,
            colours={"idle in transaction": look.WARN},
        ),
        graph(
            "What keeps dead rows",
            "How many transactions ago the oldest snapshot was taken, by who holds it. Sessions and"
            " standbys are not known without pg_monitor.",
            [(f"max by (holder) ({_of('oldest_snapshot_age_transactions')})", "{{holder}}")],
            width=8,
            decimals=0,
        ),
        graph(
            "Locks by mode",
            "Locks that are held or waited for.",
            [(f"sum by (mode) ({_of('locks')})", "{{mode}}")],
            stacked=True,
            decimals=0,
        ),
        graph(
            "Autovacuum",
            "Workers at work, how many there can be, and prepared transactions that are not"
            " finished.",
            [
                (f"max({_of('autovacuum_workers')})", "workers"),
                (f"max({_of('autovacuum_workers_limit')})", "workers at most"),
                (f"max({_of('prepared_transactions')})", "prepared transactions"),
            ],
            decimals=0,
        ),
    ]


def _work() -> list[frame.Panel]:
    commits, back = _rate("database_commits_total"), _rate("database_rollbacks_total")
    hits = f"sum by (datname) ({_rate('database_blocks_hit_total')})"
    read = _rate("database_blocks_read_total")
    return [
        graph(
            "Transactions a second",
            "Commits and rollbacks of the watched databases.",
            [
                (f"sum by (datname) ({commits})", "{{datname}} commits"),
                (f"sum by (datname) ({back})", "{{datname}} rollbacks"),
            ],
            unit="ops",
            width=8,
        ),
        graph(
            "Rows changed a second",
            "Rows inserted, updated and deleted in the watched databases.",
            [
                (f"sum({_rate('database_rows_inserted_total')})", "inserted"),
                (f"sum({_rate('database_rows_updated_total')})", "updated"),
                (f"sum({_rate('database_rows_deleted_total')})", "deleted"),
            ],
            unit="ops",
            width=8,
        ),
        graph(
            "Found in the buffer cache",
            "Share of the blocks that were found in shared buffers; the rest came from the system,"
            " cached there or not. A gap where nothing was read.",
            [
                (
                    f"{hits} / ({hits} + sum by (datname) ({read}) > 0)",
                    "{{datname}}",
                )
            ],
            unit="percentunit",
            width=8,
            maximum=1,
        ),
        graph(
            "Temporary files",
            "Bytes a second that sorts and hashes wrote to disk for want of work_mem.",
            [(f"sum by (datname) ({_rate('database_temporary_bytes_total')})", "{{datname}}")],
            unit="Bps",
        ),
        graph(
            "Deadlocks and conflicts",
            "Deadlocks that were broken, and queries of a standby that were cancelled, a second.",
            [
                (f"sum({_rate('database_deadlocks_total')})", "deadlocks"),
                (f"sum({_rate('database_conflicts_total')})", "conflicts"),
            ],
            unit="ops",
        ),
    ]


def _storage() -> list[frame.Panel]:
    most = select(_OURS + "setting_bytes", _SERVER + ',name="max_wal_size"')
    return [
        graph(
            "WAL made",
            "Bytes of WAL a second, by the position in the log.",
            [(f"max({_rate('wal_position_bytes_total')})", "WAL")],
            unit="Bps",
            width=8,
        ),
        graph(
            "WAL on disk",
            "What pg_wal takes, and max_wal_size. The folder is not known without pg_monitor.",
            [
                (f"max({_of('wal_size_bytes')})", "pg_wal"),
                (f"max({most})", "max_wal_size"),
            ],
            unit="bytes",
            width=8,
        ),
        graph(
            "Checkpoints a second",
            "Those that came with the clock and those that came because the WAL was full.",
            [
                (f"max({_rate('checkpoints_timed_total')})", "timed"),
                (f"max({_rate('checkpoints_requested_total')})", "requested"),
            ],
            unit="ops",
            width=8,
            colours={"timed": look.GOOD, "requested": look.WARN},
        ),
        graph(
            "Time in checkpoints",
            "Share of time that checkpoints spent writing and in fsync.",
            [
                (f"max({_rate('checkpoint_write_seconds_total')})", "writing"),
                (f"max({_rate('checkpoint_sync_seconds_total')})", "fsync"),
            ],
            unit="percentunit",
            width=8,
        ),
        graph(
            "Reads and writes by process",
            "Operations a second by kind of process (pg_stat_io, PostgreSQL 16 and later).",
            [
                (f"sum by (backend_type) ({_rate('io_reads_total')})", "{{backend_type}} reads"),
                (f"sum by (backend_type) ({_rate('io_writes_total')})", "{{backend_type}} writes"),
            ],
            unit="ops",
            width=8,
        ),
        graph(
            "Age of the oldest transaction id",
            "Of each watched database, and of the oldest of all; autovacuum brings it down again.",
            [
                (f"max by (datname) ({_of('database_transaction_id_age')})", "{{datname}}"),
                (f"max({_of('oldest_transaction_id_age')})", "all databases"),
            ],
            width=8,
            decimals=0,
        ),
    ]


def _replication() -> list[frame.Panel]:
    standby = "application_name, client_addr"
    lag = _of("standby_replay_lag_bytes")
    return [
        graph(
            "Behind, as the primary sees it",
            "WAL that each standby or subscriber has not replayed. Empty on a server without any,"
            " and without pg_monitor.",
            [(f"max by ({standby}) ({lag})", "{{application_name}} {{client_addr}}")],
            unit="bytes",
            width=8,
        ),
        graph(
            "Behind, as the standby sees it",
            "Age of what the standby answers: 0 only while it streams and has replayed all. Empty"
            " on a primary.",
            [(f"max({_of('replication_lag_seconds')})", "lag")],
            unit="s",
            width=8,
        ),
        graph(
            "WAL kept for slots",
            "What each slot keeps. Empty without slots.",
            [(f"max by (slot_name) ({_of('replication_slot_retained_bytes')})", "{{slot_name}}")],
            unit="bytes",
            width=8,
        ),
        graph(
            "Archive",
            "Segments that wait to be archived, and whether the last attempt failed. Empty where"
            " nothing is archived.",
            [
                (f"max({_of('archive_waiting_segments')})", "waiting"),
                (f"max({_of('archive_failing')})", "failing"),
            ],
            decimals=0,
            colours={"failing": look.BAD},
        ),
        graph(
            "Subscriptions",
            "1 while a worker applies the changes. Empty without subscriptions.",
            [(f"min by (subname) ({_of('subscription_running')})", "{{subname}}")],
            decimals=0,
        ),
    ]


def _tables() -> list[frame.Panel]:
    table = "{{target}} {{schemaname}}.{{relname}}"
    by = "target, schemaname, relname"
    sequence, used = "target, schemaname, sequencename", _in("sequence_used_ratio")
    return [
        graph(
            "Dead rows",
            "The ten tables with most dead rows; other is all that have no series of their own.",
            [(f"topk(10, max by ({by}) ({_in('table_dead_rows')}))", table)],
            decimals=0,
        ),
        graph(
            "Largest tables",
            "The ten largest tables without their indexes, as of their last vacuum or analyze;"
            " other is all that have no series of their own.",
            [(f"topk(10, max by ({by}) ({_in('table_size_bytes')}))", table)],
            unit="bytes",
        ),
        graph(
            "Sequences used up",
            "The fullest sequences, by their own limit or that of the column they feed. Empty while"
            " none can be read.",
            [
                (f"topk(10, max by ({sequence}) ({used}))", "{{target}} {{sequencename}}"),
            ],
            unit="percentunit",
            maximum=1,
        ),
        graph(
            "Time in statements",
            "Time that statements of each database spent in execution since their statistics began"
            " (pg_stat_statements). Empty without the extension.",
            [(f"max by (target) ({_in('statements_execution_seconds')})", "{{target}}")],
            unit="s",
        ),
    ]
