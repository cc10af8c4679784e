"""What server this is: version, role, identity, since when it runs.

Owns: the facts by which a restart, a promotion or another server behind the
same name is noticed. Sources: ``pg_postmaster_start_time()``,
``pg_conf_load_time()``, ``pg_is_in_recovery()``, ``pg_control_system()``,
``pg_control_checkpoint()``.
"""

from __future__ import annotations

import time
from typing import Final

from watchdog.engines import Probe
from watchdog.engines.postgresql.session import PostgresqlSession
from watchdog.model import Answer, Metric, MetricType, Role, Scope

_GAUGE: Final = MetricType.GAUGE
VERSION: Final = Metric(
    "watchdog_postgresql_version_number",
    _GAUGE,
    "The server's server_version_num: 170010 is 17.10.",
)
START_TIME: Final = Metric(
    "watchdog_postgresql_start_timestamp_seconds",
    _GAUGE,
    "When the postmaster started (pg_postmaster_start_time).",
)
CONFIG_TIME: Final = Metric(
    "watchdog_postgresql_config_load_timestamp_seconds",
    _GAUGE,
    "When the server last loaded its configuration (pg_conf_load_time).",
)
IN_RECOVERY: Final = Metric(
    "watchdog_postgresql_in_recovery",
    _GAUGE,
    "Whether the server is a standby: 1 or 0 (pg_is_in_recovery).",
)
TIMELINE: Final = Metric(
    "watchdog_postgresql_timeline",
    _GAUGE,
    "The timeline of the last checkpoint (pg_control_checkpoint); a promotion raises it.",
)
CLOCK_OFFSET: Final = Metric(
    "watchdog_postgresql_clock_offset_seconds",
    _GAUGE,
    "The server's clock minus ours, to half a round trip (clock_timestamp).",
)
CHECKSUMS: Final = Metric(
    "watchdog_postgresql_data_checksums",
    _GAUGE,
    "Whether data pages carry checksums: 1 or 0 (the setting data_checksums).",
)

_QUERY: Final = """
select current_setting('server_version_num')::int as version_number,
       current_setting('server_version') as version,
       extract(epoch from pg_postmaster_start_time())::float8 as start_time,
       extract(epoch from pg_conf_load_time())::float8 as config_time,
       pg_is_in_recovery() as in_recovery,
       (select system_identifier::text from pg_control_system()) as system_identifier,
       (select timeline_id from pg_control_checkpoint()) as timeline,
       current_setting('data_checksums') = 'on' as data_checksums,
       extract(epoch from clock_timestamp())::float8 as clock
"""


async def ask(session: PostgresqlSession) -> Answer:
    """Ask who it is; the answer also becomes what is known of the server."""
    before = time.time()
    row = await session.fetchrow(_QUERY)
    middle = (before + time.time()) / 2
    session.facts.update(
        version=row["version"],
        role=Role.STANDBY if row["in_recovery"] else Role.PRIMARY,
        system_identifier=row["system_identifier"],
        started_at=row["start_time"],
        timeline=row["timeline"],
    )
    return Answer(
        (
            VERSION.sample(row["version_number"]),
            START_TIME.sample(row["start_time"]),
            CONFIG_TIME.sample(row["config_time"]),
            IN_RECOVERY.sample(row["in_recovery"]),
            TIMELINE.sample(row["timeline"]),
            CHECKSUMS.sample(row["data_checksums"]),
            CLOCK_OFFSET.sample(row["clock"] - middle),
        ),
        facts=dict(session.facts),
    )


PROBE: Final = Probe(
    "server_info",
    Scope.SERVER,
    (VERSION, START_TIME, CONFIG_TIME, IN_RECOVERY, TIMELINE, CHECKSUMS, CLOCK_OFFSET),
    ask,
    interval=240.0,
    leading=True,
)
