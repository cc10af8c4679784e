"""The settings that decide how the server behaves, and whether somebody changed any.

Owns: which settings have series, each in base units, and a fingerprint of all
that differ from their defaults. Source: ``pg_settings``; values that only
superusers may see count as what our role sees of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from watchdog.engines import Probe
from watchdog.engines.postgresql.probes._columns import gauge
from watchdog.engines.postgresql.session import PostgresqlSession
from watchdog.model import Answer, Metric, Sample, Scope

SETTING: Final = gauge(
    "setting", "The server's setting of this name; switches are 1 or 0 (pg_settings).", "name"
)
SETTING_BYTES: Final = gauge(
    "setting_bytes", "The server's setting of this name, -1 for no limit (pg_settings).", "name"
)
SETTING_SECONDS: Final = gauge(
    "setting_seconds",
    "The server's setting of this name, 0 or less for none (pg_settings).",
    "name",
)
PENDING: Final = gauge(
    "settings_pending_restart",
    "Settings that were changed in the file and wait for a restart (pg_settings).",
)
FINGERPRINT: Final = gauge(
    "settings_fingerprint",
    "A number made of every setting that the server does not have by default, but for sessions'"
    " own: when it changes, somebody changed one (pg_settings).",
)

NAMES: Final = (
    "archive_mode",
    "autovacuum",
    "autovacuum_analyze_scale_factor",
    "autovacuum_analyze_threshold",
    "autovacuum_freeze_max_age",
    "autovacuum_max_workers",
    "autovacuum_multixact_freeze_max_age",
    "autovacuum_vacuum_cost_limit",
    "autovacuum_vacuum_scale_factor",
    "autovacuum_vacuum_threshold",
    "checkpoint_timeout",
    "effective_cache_size",
    "fsync",
    "full_page_writes",
    "hot_standby_feedback",
    "idle_in_transaction_session_timeout",
    "maintenance_work_mem",
    "max_connections",
    "max_locks_per_transaction",
    "max_prepared_transactions",
    "max_replication_slots",
    "max_slot_wal_keep_size",
    "max_wal_senders",
    "max_wal_size",
    "max_worker_processes",
    "reserved_connections",
    "shared_buffers",
    "ssl",
    "statement_timeout",
    "superuser_reserved_connections",
    "synchronous_commit",
    "temp_file_limit",
    "track_io_timing",
    "wal_keep_size",
    "work_mem",
)
# What our session, or the role that asks, has set for itself is not the server's.
_OURS: Final = ("client", "session", "database", "user", "database user")

_QUERY: Final = """
select name, setting, unit, vartype from pg_settings
 where name = any($1) and not source = any($2)
"""
_WHOLE: Final = """
select count(*) filter (where pending_restart)::int as pending,
       ('x' || left(md5(string_agg(name || '=' || coalesce(setting, ''), ',' order by name)
                        filter (where source <> 'default' and not source = any($1)
                                  and context <> 'internal')), 12))::bit(48)::bigint as fingerprint
  from pg_settings
"""

_BYTES: Final = {"B": 1, "kB": 2**10, "8kB": 2**13, "16kB": 2**14, "MB": 2**20, "16MB": 2**24}
_SECONDS: Final = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}
_SWITCHES: Final = {"on": 1.0, "off": 0.0, "always": 1.0}


async def ask(session: PostgresqlSession) -> Answer:
    """Ask for the chosen settings and for the sum of all."""
    rows = await session.fetch(_QUERY, list(NAMES), list(_OURS))
    whole = await session.fetchrow(_WHOLE, list(_OURS))
    samples = [PENDING.sample(whole["pending"])]
    if whole["fingerprint"] is not None:
        samples.append(FINGERPRINT.sample(whole["fingerprint"]))
    return Answer((*samples, *(each for row in rows for each in _of_setting(row))))


def _of_setting(row: Any) -> Iterator[Sample]:
    text, unit = row["setting"], row["unit"]
    metric: Metric = SETTING
    factor = 1.0
    if unit in _BYTES:
        metric, factor = SETTING_BYTES, float(_BYTES[unit])
    elif unit in _SECONDS:
        metric, factor = SETTING_SECONDS, _SECONDS[unit]
    if row["vartype"] in ("bool", "enum"):
        if text in _SWITCHES:
            yield metric.sample(_SWITCHES[text], row["name"])
        return
    value = float(text)
    yield metric.sample(value if value < 0 else value * factor, row["name"])


PROBE: Final = Probe(
    "settings",
    Scope.SERVER,
    (SETTING, SETTING_BYTES, SETTING_SECONDS, PENDING, FINGERPRINT),
    ask,
    interval=900.0,
    privileges=("pg_monitor",),
)
