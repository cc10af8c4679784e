"""The core metrics: every name that does not belong to a probe, with what it means.

Owns: the naming table; ``docs/metrics.md`` is made from it. Must not know:
how values are come by or rendered.
"""

from __future__ import annotations

from typing import Final

from watchdog.model import Metric, MetricType

_GAUGE: Final = MetricType.GAUGE
_COUNTER: Final = MetricType.COUNTER
_INFO: Final = MetricType.INFO

# ------------------------------------------------------------------ targets

UP: Final = Metric(
    "watchdog_up",
    _GAUGE,
    "Whether the database answers a new client: 1 or 0 as of its last visit or its server's"
    " session. Absent until the first round or its deadline, then always there.",
)
TARGET_INFO: Final = Metric(
    "watchdog_target_info",
    _INFO,
    "What the configuration says of the target: server and datname, or path, and its labels."
    " Always there.",
)
OBSERVED: Final = Metric(
    "watchdog_observed_seconds_total",
    _COUNTER,
    "Seconds for which the target has been known to be up or down, by this process's monotonic"
    " clock, exact at the moment of the scrape.",
)
DOWN: Final = Metric(
    "watchdog_down_seconds_total",
    _COUNTER,
    "Of the observed seconds, those for which the target was down, exact at the moment of the"
    " scrape.",
)
CONNECT_DURATION: Final = Metric(
    "watchdog_connect_duration_seconds",
    _GAUGE,
    "How long each phase of the last visit took, timed by this process (PostgreSQL: resolve,"
    " connect, tls, authenticate, query; SQLite: stat, open, read).",
    ("phase",),
)
ROUND_DURATION: Final = Metric(
    "watchdog_round_duration_seconds",
    _GAUGE,
    "How long the last round of the target, or of the server, took, without waiting for its turn.",
)
FAILURES: Final = Metric(
    "watchdog_failures_total",
    _COUNTER,
    "Failed rounds and visits since this process started, by the kind of their failure.",
    ("kind",),
)
FAILURE_ACTIVE: Final = Metric(
    "watchdog_failure_active",
    _GAUGE,
    "1 while the target is down: the kind of its failure and the phase it happened in.",
    ("kind", "phase"),
)
HINT_ACTIVE: Final = Metric(
    "watchdog_hint_active",
    _GAUGE,
    "Whether the hint applies now: 1 or 0, from its first activation on; `db-watchdog explain"
    " HINT` and the status page say what to do.",
    ("hint",),
)
HINTS: Final = Metric("watchdog_hints", _GAUGE, "How many hints apply to the target now.")
HINTS_TOTAL: Final = Metric(
    "watchdog_hints_total",
    _COUNTER,
    "How often the hint became active since this process started.",
    ("hint",),
)

# ------------------------------------------------------------------ probes, of targets and servers

PROBE_SUCCESS: Final = Metric(
    "watchdog_probe_success",
    _GAUGE,
    "Whether the probe's last run got an answer: 1 or 0; absent when it has not run for three of"
    " its intervals.",
    ("probe",),
)
PROBE_DURATION: Final = Metric(
    "watchdog_probe_duration_seconds", _GAUGE, "How long the probe's last run took.", ("probe",)
)
PROBE_INTERVAL: Final = Metric(
    "watchdog_probe_interval_seconds",
    _GAUGE,
    "How often the probe is asked; its values expire at three times this age, at least 60 s.",
    ("probe",),
)
PROBE_LAST_RUN: Final = Metric(
    "watchdog_probe_last_run_timestamp_seconds",
    _GAUGE,
    "When the probe's last run ended, in Unix time.",
    ("probe",),
)
PROBE_LAST_SUCCESS: Final = Metric(
    "watchdog_probe_last_success_timestamp_seconds",
    _GAUGE,
    "When the probe last got an answer, in Unix time; absent if it never did.",
    ("probe",),
)

# ------------------------------------------------------------------ servers

SERVER_INFO: Final = Metric(
    "watchdog_server_info",
    _INFO,
    "What the server says of itself: server_version, role by pg_is_in_recovery() and"
    " system_identifier of pg_control_system(). Absent while it does not answer.",
    ("version", "role", "system_identifier"),
)

# ------------------------------------------------------------------ backups

BACKUP_ENABLED: Final = Metric(
    "watchdog_backup_enabled", _GAUGE, "Whether the configuration backs the target up: 1 or 0."
)
BACKUP_LAST_ATTEMPT_SUCCESSFUL: Final = Metric(
    "watchdog_backup_last_attempt_successful",
    _GAUGE,
    "Whether the last attempt at a backup succeeded: 1 or 0; absent if there was none"
    " (attempts.json of the target's folder).",
)
BACKUP_RUNS: Final = Metric(
    "watchdog_backup_runs_total",
    _COUNTER,
    "Attempts at a backup since this process started, failures included.",
)
BACKUP_FAILURES: Final = Metric(
    "watchdog_backup_failures_total",
    _COUNTER,
    "Attempts at a backup that failed since this process started.",
)
BACKUP_RECOVERY_POINT: Final = Metric(
    "watchdog_backup_recovery_point_timestamp_seconds",
    _GAUGE,
    "The instant whose data the newest backup verified at the required level holds, in Unix time"
    " (its manifest); 0 if there is none.",
)
BACKUP_LAST_SUCCESS: Final = Metric(
    "watchdog_backup_last_success_timestamp_seconds",
    _GAUGE,
    "When a backup last succeeded, in Unix time; 0 if never.",
)
BACKUP_LAST_ATTEMPT: Final = Metric(
    "watchdog_backup_last_attempt_timestamp_seconds",
    _GAUGE,
    "When a backup was last attempted, in Unix time; 0 if never.",
)
BACKUP_LAST_VERIFIED: Final = Metric(
    "watchdog_backup_last_verified_timestamp_seconds",
    _GAUGE,
    "When a backup was last verified, in Unix time (its verification file); 0 if never.",
)
BACKUP_LAST_RESTORED: Final = Metric(
    "watchdog_backup_last_restored_timestamp_seconds",
    _GAUGE,
    "When a backup was last restored in a drill, in Unix time; 0 if never.",
)
BACKUP_NEXT_RUN: Final = Metric(
    "watchdog_backup_next_run_timestamp_seconds",
    _GAUGE,
    "When the next backup is due, in Unix time; 0 if never.",
)
BACKUP_INTERVAL: Final = Metric(
    "watchdog_backup_interval_seconds",
    _GAUGE,
    "The longest gap between two slots of the schedule in the coming 366 days.",
)
BACKUP_LAST_SIZE: Final = Metric(
    "watchdog_backup_last_size_bytes", _GAUGE, "Size of the newest backup (its manifest)."
)
BACKUP_LAST_DURATION: Final = Metric(
    "watchdog_backup_last_duration_seconds", _GAUGE, "How long the newest backup took."
)
BACKUP_RESTORE_DURATION: Final = Metric(
    "watchdog_backup_restore_duration_seconds",
    _GAUGE,
    "How long the last restore drill took to bring the data back.",
)
BACKUP_VERIFIED_LEVEL: Final = Metric(
    "watchdog_backup_verified_level",
    _GAUGE,
    "How far the newest backup is proven: 0 size, 1 hash, 2 read through, 3 integrity, 4 restored.",
)
BACKUP_OLDEST_PROOF: Final = Metric(
    "watchdog_backup_oldest_hash_timestamp_seconds",
    _GAUGE,
    "When the hash of a stored backup was last compared, for the one where that is longest ago, in"
    " Unix time (the verification files); each is due within a week. Absent without backups.",
)
BACKUP_ROTTEN: Final = Metric(
    "watchdog_backup_rotten",
    _GAUGE,
    "Stored backups that are no longer, or never were, what they ought to be: they count no more.",
)
BACKUP_LAST_DRILL: Final = Metric(
    "watchdog_backup_last_drill_timestamp_seconds",
    _GAUGE,
    "When a restore drill was last tried, in Unix time (drills.json); 0 if never.",
)
BACKUP_LAST_DRILL_SUCCESSFUL: Final = Metric(
    "watchdog_backup_last_drill_successful",
    _GAUGE,
    "Whether the last restore drill succeeded: 1 or 0; absent if there was none.",
)
BACKUP_SUSPECT: Final = Metric(
    "watchdog_backup_suspect",
    _GAUGE,
    "Whether the newest backup is of a different or collapsed database and held apart until"
    " somebody accepts it: 1 or 0 (its manifest). Retention is frozen then.",
)
BACKUP_RETENTION_HALTED: Final = Metric(
    "watchdog_backup_retention_halted",
    _GAUGE,
    "Whether retention removes nothing at all: 1 or 0. The newest backup is held apart, one is"
    " dated in the future, none is proven, or the clock seems to have jumped.",
)
BACKUP_PAUSED_UNTIL: Final = Metric(
    "watchdog_backup_paused_until_timestamp_seconds",
    _GAUGE,
    "Until when no backup begins by itself, in Unix time (pause.json); 0 if they are not paused.",
)
BACKUP_LATE: Final = Metric(
    "watchdog_backup_late_total",
    _COUNTER,
    "Backups that began more than a minute after their slot since this process started.",
)
BACKUP_RETRIES: Final = Metric(
    "watchdog_backup_retries_total",
    _COUNTER,
    "Further tries after failures that may pass, since this process started.",
)
BACKUP_SKIPPED: Final = Metric(
    "watchdog_backup_skipped_total",
    _COUNTER,
    "Slots that went by without a backup of their own since this process started: the one before"
    " still ran or its disk was busy (overlap), a pause, a downtime, a step of the clock.",
    ("reason",),
)
BACKUP_OBJECTIVE: Final = Metric(
    "watchdog_backup_objective_seconds",
    _GAUGE,
    "What a fire may cost by the configuration: rpo is the age up to which the newest proven data"
    " may grow, rto the time that the way back may take; absent where none is given.",
    ("objective",),
)
BACKUP_OBJECTIVE_MET: Final = Metric(
    "watchdog_backup_objective_met",
    _GAUGE,
    "Whether the objective is met now: 1 or 0; absent where there is none, or nobody knows (the"
    " way back was never measured).",
    ("objective",),
)
BACKUPS: Final = Metric(
    "watchdog_backups", _GAUGE, "Sealed backups of the target at its destination."
)
BACKUP_STORED: Final = Metric(
    "watchdog_backup_stored_bytes",
    _GAUGE,
    "What the target's sealed backups take at their destination.",
)
DESTINATION_FREE: Final = Metric(
    "watchdog_destination_free_bytes",
    _GAUGE,
    "Free space where the target's backups are kept (statvfs, for an unprivileged user).",
    ("destination",),
)
SQLITE_CHECKED: Final = Metric(
    "watchdog_sqlite_integrity_check_timestamp_seconds",
    _GAUGE,
    "The instant whose data the newest good copy holds: it has passed quick_check,"
    " integrity_check and the comparison with its source. Absent before the first.",
)
SQLITE_QUICK_CHECK: Final = Metric(
    "watchdog_sqlite_quick_check_duration_seconds", _GAUGE, "How long its quick_check took."
)
SQLITE_INTEGRITY_CHECK: Final = Metric(
    "watchdog_sqlite_integrity_check_duration_seconds",
    _GAUGE,
    "How long its integrity_check took.",
)
SQLITE_COPY_STALL: Final = Metric(
    "watchdog_sqlite_copy_stall_seconds",
    _GAUGE,
    "How long writers had to wait while it was taken: 0 in WAL mode, the whole read in rollback"
    " mode.",
)
SQLITE_FOREIGN_KEYS: Final = Metric(
    "watchdog_sqlite_foreign_key_violations",
    _GAUGE,
    "Rows that point to rows that are not there, PRAGMA foreign_key_check on it; counted up to"
    " 1000.",
)
SQLITE_TABLE_SIZE: Final = Metric(
    "watchdog_sqlite_table_size_bytes",
    _GAUGE,
    "Size of each of the 20 largest tables with their indexes, dbstat on it; absent where the"
    " SQLite library has no dbstat.",
    ("relname",),
)
SQLITE_OTHER_TABLES: Final = Metric(
    "watchdog_sqlite_other_tables", _GAUGE, "Tables that have no size of their own there."
)
SQLITE_OTHER_TABLES_SIZE: Final = Metric(
    "watchdog_sqlite_other_tables_size_bytes", _GAUGE, "Size of those together."
)

# ------------------------------------------------------------------ this process

BUILD_INFO: Final = Metric(
    "watchdog_build_info",
    _INFO,
    "The version of db-watchdog and of its Python.",
    ("version", "python_version"),
)
CONFIG_RELOAD_SUCCESSFUL: Final = Metric(
    "watchdog_config_last_reload_successful",
    _GAUGE,
    "Whether the last load of the configuration succeeded: 1, or 0 while the former one stays in"
    " use.",
)
CONFIG_RELOAD_TIMESTAMP: Final = Metric(
    "watchdog_config_last_reload_success_timestamp_seconds",
    _GAUGE,
    "When the configuration was last loaded successfully, in Unix time.",
)
LOOP_LAG: Final = Metric(
    "watchdog_loop_lag_seconds",
    _GAUGE,
    "How late this process's event loop woke up when it last looked.",
)
RUNS: Final = Metric(
    "watchdog_runner_runs_total", _COUNTER, "Actions that ran in the lane.", ("lane",)
)
OVERLAPS: Final = Metric(
    "watchdog_runner_overlaps_total",
    _COUNTER,
    "Timers that found the last run of their action still under way, and so began none.",
    ("lane",),
)
CLOCK_STEPS: Final = Metric(
    "watchdog_clock_steps_total",
    _COUNTER,
    "Steps of the wall clock against the monotonic one that the schedules were set right after.",
)
LANE_ACTIONS: Final = Metric(
    "watchdog_runner_actions",
    _GAUGE,
    "Actions of the lane that run or wait for a free slot now.",
    ("lane",),
)

# ------------------------------------------------------------------ HTTP

WEB_CONNECTIONS: Final = Metric(
    "watchdog_web_connections", _GAUGE, "Open connections to the HTTP side."
)
WEB_REFUSALS: Final = Metric(
    "watchdog_web_refusals_total",
    _COUNTER,
    "Who was turned away from the HTTP side since this process started: password (none, or a wrong"
    " one), network (a page that is not for strangers), rate, crowd (too many logins at once),"
    " plain (HTTP where TLS is spoken), handshake (no certificate, no common version, too slow),"
    " name (a client's certificate without an allowed name), room (connections that gave way).",
    ("reason",),
)
WEB_CERTIFICATE_EXPIRY: Final = Metric(
    "watchdog_web_certificate_expiry_timestamp_seconds",
    _GAUGE,
    "Until when the certificate of the HTTP side is valid. Absent without TLS.",
)
WEB_CONFIG_RELOAD_SUCCESSFUL: Final = Metric(
    "watchdog_web_config_last_reload_successful",
    _GAUGE,
    "Whether the web configuration file and the certificates that it names were good when they"
    " were last read; 0: the last good ones are still used. Absent without such a file.",
)

TARGETS: Final = (
    UP,
    TARGET_INFO,
    CONNECT_DURATION,
    ROUND_DURATION,
    FAILURES,
    FAILURE_ACTIVE,
    HINT_ACTIVE,
    HINTS,
    HINTS_TOTAL,
)
PROBES: Final = (
    PROBE_SUCCESS,
    PROBE_DURATION,
    PROBE_INTERVAL,
    PROBE_LAST_RUN,
    PROBE_LAST_SUCCESS,
)
SERVERS: Final = (SERVER_INFO,)
BACKUP: Final = (
    BACKUP_ENABLED,
    BACKUP_LAST_ATTEMPT_SUCCESSFUL,
    BACKUP_RUNS,
    BACKUP_FAILURES,
    BACKUP_RECOVERY_POINT,
    BACKUP_LAST_SUCCESS,
    BACKUP_LAST_ATTEMPT,
    BACKUP_LAST_VERIFIED,
    BACKUP_LAST_RESTORED,
    BACKUP_NEXT_RUN,
    BACKUP_INTERVAL,
    BACKUP_LAST_SIZE,
    BACKUP_LAST_DURATION,
    BACKUP_RESTORE_DURATION,
    BACKUP_VERIFIED_LEVEL,
    BACKUP_OLDEST_PROOF,
    BACKUP_ROTTEN,
    BACKUP_LAST_DRILL,
    BACKUP_LAST_DRILL_SUCCESSFUL,
    BACKUP_SUSPECT,
    BACKUP_RETENTION_HALTED,
    BACKUP_PAUSED_UNTIL,
    BACKUP_LATE,
    BACKUP_RETRIES,
    BACKUP_SKIPPED,
    BACKUP_OBJECTIVE,
    BACKUP_OBJECTIVE_MET,
    BACKUPS,
    BACKUP_STORED,
    DESTINATION_FREE,
)
COPIES: Final = (
    SQLITE_CHECKED,
    SQLITE_QUICK_CHECK,
    SQLITE_INTEGRITY_CHECK,
    SQLITE_COPY_STALL,
    SQLITE_FOREIGN_KEYS,
    SQLITE_TABLE_SIZE,
    SQLITE_OTHER_TABLES,
    SQLITE_OTHER_TABLES_SIZE,
)
AVAILABILITY: Final = (OBSERVED, DOWN)
PROCESS: Final = (
    BUILD_INFO,
    CONFIG_RELOAD_SUCCESSFUL,
    CONFIG_RELOAD_TIMESTAMP,
    LOOP_LAG,
    RUNS,
    OVERLAPS,
    CLOCK_STEPS,
    LANE_ACTIONS,
    WEB_CONNECTIONS,
    WEB_REFUSALS,
    WEB_CERTIFICATE_EXPIRY,
    WEB_CONFIG_RELOAD_SUCCESSFUL,
)
CORE: Final = TARGETS + PROBES + SERVERS + BACKUP + AVAILABILITY + PROCESS
