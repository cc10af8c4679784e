"""The names that postgres_exporter uses, for dashboards and rules that know them.

Owns: the table of aliases; adding one is one entry. An alias without a value
of ours is absent, as there. Must not know: HTTP, when anything is rendered.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from watchdog.metrics.aliases import (
    Alias,
    Reading,
    View,
    age_of,
    counter,
    gauge,
    in_database,
    plain,
    same_as,
)
from watchdog.model import Sample

ENGINE: Final = "postgresql"

_MILLISECONDS: Final = 1000.0  # in a second: some of theirs are in milliseconds


def translate(view: View) -> Iterator[Sample]:
    """Yield the readings of every alias that *view* has values for."""
    for alias in ALIASES:
        for value, labels in alias.read(view, alias.metric.labels):
            yield alias.metric.sample(value, *labels)


def _version(view: View, _: tuple[str, ...]) -> Iterator[Reading]:
    version = str(view.facts.get("version") or "")
    if version:
        yield 1.0, (version, version.split(" ", maxsplit=1)[0])


def _replica(view: View) -> float | None:
    role = view.facts.get("role")
    return None if role is None else float(role != "primary")


# ------------------------------------------------------------------ the table

_SERVER: Final[tuple[Alias, ...]] = (
    gauge(
        "pg_up",
        "Whether the last scrape of metrics from PostgreSQL was able to connect (1 or 0).",
        plain(lambda view: float(view.up)),
    ),
    gauge(
        "pg_exporter_last_scrape_error",
        "1 if a probe of this scrape failed, otherwise 0.",
        plain(lambda view: float(view.failed)),
    ),
    gauge(
        "pg_exporter_last_scrape_duration_seconds",
        "How long this scrape took.",
        plain(lambda view: view.seconds),
    ),
    gauge(
        "pg_static",
        "Version string as reported by postgres (server_version).",
        _version,
        "version",
        "short_version",
    ),
    gauge(
        "pg_replication_is_replica",
        "Whether the server is a replica (pg_is_in_recovery()).",
        plain(_replica),
    ),
    gauge(
        "pg_postmaster_start_time_seconds",
        "Time at which postmaster started (pg_postmaster_start_time()).",
        same_as("watchdog_postgresql_start_timestamp_seconds"),
    ),
    gauge(
        "pg_settings_max_connections",
        "max_connections (pg_settings).",
        same_as("watchdog_postgresql_connections_limit"),
    ),
    gauge(
        "pg_stat_activity_count",
        "Number of connections in this state (pg_stat_activity).",
        same_as("watchdog_postgresql_connections"),
        "datname",
        "state",
        "usename",
        "application_name",
        "backend_type",
        "wait_event_type",
        "wait_event",
    ),
    gauge(
        "pg_database_size_bytes",
        "Disk space used by the database (pg_database_size()).",
        same_as("watchdog_postgresql_database_size_bytes"),
        "datname",
    ),
)

_OURS: Final = "watchdog_postgresql_"

# Their column of pg_stat_database, ours, and what turns our unit into theirs.
_OF_DATABASES: Final = (
    ("xact_commit", "commits", 1.0),
    ("xact_rollback", "rollbacks", 1.0),
    ("blks_read", "blocks_read", 1.0),
    ("blks_hit", "blocks_hit", 1.0),
    ("tup_returned", "rows_scanned", 1.0),
    ("tup_fetched", "rows_fetched", 1.0),
    ("tup_inserted", "rows_inserted", 1.0),
    ("tup_updated", "rows_updated", 1.0),
    ("tup_deleted", "rows_deleted", 1.0),
    ("conflicts", "conflicts", 1.0),
    ("temp_files", "temporary_files", 1.0),
    ("temp_bytes", "temporary_bytes", 1.0),
    ("deadlocks", "deadlocks", 1.0),
    ("blk_read_time", "block_read_seconds", _MILLISECONDS),
    ("blk_write_time", "block_write_seconds", _MILLISECONDS),
    ("active_time_seconds_total", "active_seconds", 1.0),
)
_DATABASES: Final = (
    gauge(
        "pg_stat_database_numbackends",
        "Sessions in the database (pg_stat_database).",
        same_as(f"{_OURS}database_sessions"),
        "datid",
        "datname",
    ),
    *(
        counter(
            f"pg_stat_database_{theirs}",
            f"{theirs} of pg_stat_database.",
            same_as(f"{_OURS}database_{ours}_total", scale=scale),
            "datid",
            "datname",
        )
        for theirs, ours, scale in _OF_DATABASES
    ),
    counter(
        "pg_stat_database_stats_reset",
        "When these statistics were last reset, in Unix time (pg_stat_database).",
        same_as(f"{_OURS}database_statistics_reset_timestamp_seconds"),
        "datid",
        "datname",
    ),
    gauge(
        "pg_database_connection_limit",
        "Connection limit set for the database (pg_database.datconnlimit).",
        same_as(f"{_OURS}database_connections_limit"),
        "datname",
    ),
    gauge(
        "pg_database_wraparound_age_datfrozenxid_seconds",
        "Age of the oldest transaction id, in transactions whatever the name says (pg_database).",
        same_as(f"{_OURS}database_transaction_id_age"),
        "datname",
    ),
    gauge(
        "pg_database_wraparound_age_datminmxid_seconds",
        "Age of the oldest multixact, in multixacts whatever the name says (pg_database).",
        same_as(f"{_OURS}database_multixact_age"),
        "datname",
    ),
    *(
        counter(
            f"pg_stat_database_conflicts_confl_{reason}",
            "Queries of the database cancelled for the replay (pg_stat_database_conflicts).",
            same_as(f"{_OURS}conflicts_cancelled_total", only={"reason": reason}),
            "datid",
            "datname",
        )
        for reason in ("bufferpin", "deadlock", "lock", "snapshot", "tablespace")
    ),
)

# Their names under pg_stat_bgwriter and, from 17 on, pg_stat_checkpointer.
_OF_CHECKPOINTS: Final = (
    ("pg_stat_bgwriter_checkpoints_timed_total", "checkpoints_timed", 1.0),
    ("pg_stat_bgwriter_checkpoints_req_total", "checkpoints_requested", 1.0),
    ("pg_stat_bgwriter_checkpoint_write_time_total", "checkpoint_write_seconds", _MILLISECONDS),
    ("pg_stat_bgwriter_checkpoint_sync_time_total", "checkpoint_sync_seconds", _MILLISECONDS),
    ("pg_stat_bgwriter_buffers_checkpoint_total", "checkpoint_buffers", 1.0),
    ("pg_stat_bgwriter_buffers_clean_total", "background_buffers", 1.0),
    ("pg_stat_bgwriter_maxwritten_clean_total", "background_stops", 1.0),
    ("pg_stat_bgwriter_buffers_backend_total", "backend_buffers", 1.0),
    ("pg_stat_bgwriter_buffers_backend_fsync_total", "backend_fsyncs", 1.0),
    ("pg_stat_bgwriter_buffers_alloc_total", "buffers_allocated", 1.0),
    ("pg_stat_checkpointer_num_timed_total", "checkpoints_timed", 1.0),
    ("pg_stat_checkpointer_num_requested_total", "checkpoints_requested", 1.0),
    ("pg_stat_checkpointer_write_time_total", "checkpoint_write_seconds", _MILLISECONDS),
    ("pg_stat_checkpointer_sync_time_total", "checkpoint_sync_seconds", _MILLISECONDS),
    ("pg_stat_checkpointer_buffers_written_total", "checkpoint_buffers", 1.0),
    ("pg_stat_checkpointer_restartpoints_timed_total", "restartpoints_timed", 1.0),
    ("pg_stat_checkpointer_restartpoints_req_total", "restartpoints_requested", 1.0),
    ("pg_stat_checkpointer_restartpoints_done_total", "restartpoints_done", 1.0),
    ("pg_stat_archiver_archived_count", "archived_segments", 1.0),
    ("pg_stat_archiver_failed_count", "archive_failures", 1.0),
)
_SENDER: Final = ("application_name", "client_addr", "state", "slot_name", "pid")
_RECEIVER: Final = ("upstream_host", "slot_name", "status")
_WORK: Final = (
    *(
        counter(theirs, f"As {_OURS}{ours}_total.", same_as(f"{_OURS}{ours}_total", scale=scale))
        for theirs, ours, scale in _OF_CHECKPOINTS
    ),
    gauge(
        "pg_stat_archiver_last_archive_age",
        "Seconds since the last WAL segment was archived (pg_stat_archiver).",
        age_of(f"{_OURS}archive_last_success_timestamp_seconds"),
    ),
    gauge("pg_wal_segments", "Segments in pg_wal.", same_as(f"{_OURS}wal_segments")),
    gauge("pg_wal_size_bytes", "Size of pg_wal.", same_as(f"{_OURS}wal_size_bytes")),
    gauge(
        "pg_locks_count",
        "Number of locks (pg_locks).",
        same_as(f"{_OURS}locks", lower=True),
        "datname",
        "mode",
    ),
    gauge(
        "pg_stat_activity_max_tx_duration",
        "Seconds that the oldest transaction has been open, without dumps and ourselves.",
        same_as(f"{_OURS}oldest_transaction_seconds"),
        "datname",
        "state",
        "usename",
        "application_name",
        "backend_type",
        "wait_event_type",
        "wait_event",
    ),
)
_REPLICATION: Final = (
    gauge(
        "pg_replication_lag_seconds",
        "Seconds that a standby is behind; not 0 where its primary is gone.",
        same_as(f"{_OURS}replication_lag_seconds"),
    ),
    gauge(
        "pg_replication_last_replay_seconds",
        "Age of the last replayed transaction (pg_last_xact_replay_timestamp).",
        age_of(f"{_OURS}last_transaction_replay_timestamp_seconds"),
    ),
    gauge(
        "pg_stat_replication_pg_wal_lsn_diff",
        "WAL that the standby has not replayed, in bytes (pg_stat_replication).",
        same_as(f"{_OURS}standby_replay_lag_bytes"),
        *_SENDER,
    ),
    gauge(
        "pg_replication_slots_active",
        "Whether the slot is read from (pg_replication_slots).",
        same_as(f"{_OURS}replication_slot_active"),
        "slot_name",
        "database",
    ),
    gauge(
        "pg_replication_slots_pg_wal_lsn_diff",
        "WAL that is kept for the slot, in bytes (pg_replication_slots).",
        same_as(f"{_OURS}replication_slot_retained_bytes"),
        "slot_name",
        "database",
    ),
    gauge(
        "pg_replication_slots_slot_is_active",
        "Whether the slot is read from (pg_replication_slots).",
        same_as(f"{_OURS}replication_slot_active"),
        "slot_name",
        "slot_type",
    ),
    gauge(
        "pg_replication_slots_safe_wal_size_bytes",
        "WAL that may still be written before the slot is in danger (pg_replication_slots).",
        same_as(f"{_OURS}replication_slot_safe_wal_bytes"),
        "slot_name",
        "slot_type",
    ),
    gauge(
        "pg_replication_slots_wal_status",
        "1 for the present state of the slot's WAL (pg_replication_slots).",
        same_as(f"{_OURS}replication_slot_wal_status"),
        "slot_name",
        "slot_type",
        "wal_status",
    ),
    counter(
        "pg_stat_wal_receiver_last_msg_receipt_time",
        "When the primary was last heard of, in Unix time (pg_stat_wal_receiver).",
        same_as(f"{_OURS}wal_receiver_last_message_timestamp_seconds"),
        *_RECEIVER,
    ),
    counter(
        "pg_stat_wal_receiver_latest_end_time",
        "When the primary last told the end of its WAL, in Unix time (pg_stat_wal_receiver).",
        same_as(f"{_OURS}wal_receiver_latest_end_timestamp_seconds"),
        *_RECEIVER,
    ),
)

# The settings by the unit in their names; pg_settings_max_connections is above.
_SETTINGS: Final = tuple(
    gauge(
        f"pg_settings_{name}{f'_{unit}' if unit else ''}",
        f"Server Parameter: {name}",
        same_as(f"{_OURS}setting{f'_{unit}' if unit else ''}", only={"name": name}),
    )
    for unit, names in (
        (
            "",
            (
                "archive_mode autovacuum autovacuum_analyze_scale_factor"
                " autovacuum_analyze_threshold autovacuum_freeze_max_age autovacuum_max_workers"
                " autovacuum_vacuum_cost_limit"
                " autovacuum_multixact_freeze_max_age autovacuum_vacuum_scale_factor"
                " autovacuum_vacuum_threshold fsync full_page_writes hot_standby_feedback"
                " max_locks_per_transaction max_prepared_transactions max_replication_slots"
                " max_wal_senders max_worker_processes reserved_connections ssl"
                " superuser_reserved_connections track_io_timing"
            ),
        ),
        (
            "bytes",
            (
                "effective_cache_size maintenance_work_mem max_slot_wal_keep_size max_wal_size"
                " shared_buffers temp_file_limit wal_keep_size work_mem"
            ),
        ),
        ("seconds", "checkpoint_timeout idle_in_transaction_session_timeout statement_timeout"),
    )
    for name in names.split()
)

_TABLE: Final = ("datname", "schemaname", "relname")
_OF_TABLES: Final = (
    ("seq_scan", "sequential_scans"),
    ("seq_tup_read", "sequential_rows_read"),
    ("idx_scan", "index_scans"),
    ("idx_tup_fetch", "index_rows_fetched"),
    ("n_tup_ins", "rows_inserted"),
    ("n_tup_upd", "rows_updated"),
    ("n_tup_del", "rows_deleted"),
    ("n_tup_hot_upd", "rows_hot_updated"),
    ("vacuum_count", "vacuums"),
    ("autovacuum_count", "autovacuums"),
    ("analyze_count", "analyzes"),
    ("autoanalyze_count", "autoanalyzes"),
)
_OF_TABLES_NOW: Final = (
    ("n_live_tup", ("live_rows",)),
    ("n_dead_tup", ("dead_rows",)),
    ("n_mod_since_analyze", ("rows_changed_since_analyze",)),
    ("last_vacuum", ("last_vacuum_timestamp_seconds",)),
    ("last_autovacuum", ("last_autovacuum_timestamp_seconds",)),
    ("last_analyze", ("last_analyze_timestamp_seconds",)),
    ("last_autoanalyze", ("last_autoanalyze_timestamp_seconds",)),
    ("table_size_bytes", ("size_bytes", "toast_size_bytes")),
    ("index_size_bytes", ("indexes_size_bytes",)),
)
_TABLES: Final = (
    *(
        counter(
            f"pg_stat_user_tables_{theirs}",
            f"{theirs} of pg_stat_user_tables.",
            in_database(f"{_OURS}table_{ours}_total"),
            *_TABLE,
        )
        for theirs, ours in _OF_TABLES
    ),
    *(
        gauge(
            f"pg_stat_user_tables_{theirs}",
            f"{theirs} of pg_stat_user_tables; sizes as of the last vacuum or analyze.",
            in_database(*(f"{_OURS}table_{each}" for each in ours)),
            *_TABLE,
        )
        for theirs, ours in _OF_TABLES_NOW
    ),
)

_STATEMENTS: Final = tuple(
    counter(
        f"pg_stat_statements_{theirs}_total",
        f"{theirs} of pg_stat_statements, with probe.statements in the configuration.",
        in_database(f"{_OURS}statement_{ours}_total"),
        "user",
        "datname",
        "queryid",
    )
    for theirs, ours in (
        ("calls", "calls"),
        ("seconds", "execution_seconds"),
        ("rows", "rows"),
        ("block_read_seconds", "read_seconds"),
        ("block_write_seconds", "write_seconds"),
    )
)

ALIASES: Final[tuple[Alias, ...]] = (
    *_SERVER,
    *_DATABASES,
    *_WORK,
    *_REPLICATION,
    *_SETTINGS,
    *_TABLES,
    *_STATEMENTS,
)
