"""Replication slots: what each keeps for a reader that may never come back.

Owns: ``pg_replication_slots``, every column that the version has, and how
much WAL each slot retains. Any role may read it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from watchdog import units
from watchdog.engines import Probe
from watchdog.engines.postgresql.probes._columns import Column, gauge, metrics, readings, sample
from watchdog.engines.postgresql.session import PostgresqlSession
from watchdog.model import Answer, Failure, Kind, Sample, Scope

_LABELS: Final = ("slot_name", "slot_type", "datname")
COLUMNS: Final = (
    Column(
        "active",
        gauge(
            "replication_slot_active",
            "Whether somebody reads from the slot: 1 or 0 (pg_replication_slots).",
            *_LABELS,
        ),
    ),
    Column(
        "retained",
        gauge(
            "replication_slot_retained_bytes",
            "WAL that is kept for the slot (pg_replication_slots.restart_lsn).",
            *_LABELS,
        ),
    ),
    Column(
        "unconfirmed",
        gauge(
            "replication_slot_unconfirmed_bytes",
            "WAL that the slot's reader has not confirmed"
            " (pg_replication_slots.confirmed_flush_lsn; logical slots).",
            *_LABELS,
        ),
    ),
    Column(
        "safe_wal_size",
        gauge(
            "replication_slot_safe_wal_bytes",
            "WAL that may still be written before the slot loses what it needs"
            " (pg_replication_slots.safe_wal_size; with max_slot_wal_keep_size).",
            *_LABELS,
        ),
    ),
    Column(
        "xmin_age",
        gauge(
            "replication_slot_snapshot_age_transactions",
            "How many transactions ago the oldest rows were deleted that the slot keeps"
            " (age of pg_replication_slots.xmin or catalog_xmin).",
            *_LABELS,
        ),
    ),
    Column(
        "inactive_since",
        gauge(
            "replication_slot_inactive_since_timestamp_seconds",
            "Since when nobody reads from the slot, in Unix time"
            " (pg_replication_slots.inactive_since; 17 and later).",
            *_LABELS,
        ),
    ),
    Column(
        "conflicting",
        gauge(
            "replication_slot_conflicting",
            "Whether the slot was invalidated by a conflict with replay: 1 or 0"
            " (pg_replication_slots; 16 and later).",
            *_LABELS,
        ),
    ),
    Column(
        "failover",
        gauge(
            "replication_slot_failover",
            "Whether the slot is copied to standbys: 1 or 0 (pg_replication_slots; 17 and later).",
            *_LABELS,
        ),
    ),
    Column(
        "synced",
        gauge(
            "replication_slot_synced",
            "Whether the slot came from the primary: 1 or 0 (pg_replication_slots; 17 and later).",
            *_LABELS,
        ),
    ),
)
STATUS: Final = gauge(
    "replication_slot_wal_status",
    "1 for the present state of the WAL that the slot needs: reserved, extended, unreserved, lost"
    " (pg_replication_slots.wal_status).",
    *_LABELS,
    "wal_status",
)
INVALIDATED: Final = gauge(
    "replication_slot_invalidated",
    "1 for a slot that can never be used again, with the reason"
    " (pg_replication_slots.invalidation_reason; 17 and later).",
    *_LABELS,
    "reason",
)
SLOTS: Final = gauge("replication_slots", "Replication slots (pg_replication_slots).")
INACTIVE: Final = gauge(
    "replication_slots_inactive", "Slots from which nobody reads (pg_replication_slots)."
)
RETAINED: Final = gauge(
    "replication_slots_retained_bytes",
    "WAL that is kept for the slot that is furthest behind, whether it has series or not"
    " (pg_replication_slots).",
)
LIMIT: Final = gauge(
    "replication_slots_limit", "How many slots there can be (the setting max_replication_slots)."
)

SHOWN: Final = 50  # slots, those that retain most first

# extended: more is kept than max_wal_size wants; unreserved and lost: it is going or gone.
_BAD: Final = ("extended", "unreserved", "lost")

_QUERY: Final = """
select s.*, most, greatest(age(xmin), age(catalog_xmin)) as xmin_age,
       pg_wal_lsn_diff(here, restart_lsn)::float8 as retained,
       pg_wal_lsn_diff(here, confirmed_flush_lsn)::float8 as unconfirmed
  from (select case when pg_is_in_recovery() then pg_last_wal_replay_lsn()
                    else pg_current_wal_lsn() end as here,
               current_setting('max_replication_slots')::int as most) position
  left join pg_replication_slots s on true
 order by retained desc nulls last, slot_name
"""


async def ask(session: PostgresqlSession) -> Answer:
    """Ask for every slot."""
    every = await session.fetch(_QUERY)
    limit = every[0]["most"]
    rows = [row for row in every if row["slot_name"] is not None]
    samples = [
        LIMIT.sample(limit),
        SLOTS.sample(len(rows)),
        INACTIVE.sample(sum(not row["active"] for row in rows)),
        RETAINED.sample(max((row["retained"] or 0.0 for row in rows), default=0.0)),
    ]
    for row in rows[:SHOWN]:
        samples += _of_slot(row)
    troubles = (_told(session, row) for row in rows if _is_abandoned(row))
    return Answer(tuple(samples), tuple(troubles))


def _of_slot(row: Any) -> Iterator[Sample]:
    labels = (row["slot_name"], row["slot_type"], row["database"] or "")
    yield from readings(COLUMNS, row, *labels)
    if row["wal_status"] is not None:
        yield STATUS.sample(1, *labels, row["wal_status"])
    if row.get("invalidation_reason"):
        yield from sample(INVALIDATED, 1, *labels, row["invalidation_reason"])


def _is_abandoned(row: Any) -> bool:
    return row["wal_status"] == "lost" or (not row["active"] and row["wal_status"] in _BAD)


def _told(session: PostgresqlSession, row: Any) -> Failure:
    slot, server = row["slot_name"], session.url.server_name
    if row["wal_status"] == "lost":
        text = f"replication slot {slot} on {server} has lost WAL that it needs"
    else:
        kept = units.size(row["retained"] or 0.0)
        text = f"replication slot {slot} on {server} has no reader and keeps {kept}"
    return session.trouble(Kind.REPLICATION, text, hint="replication_slot_abandoned", slot=slot)


PROBE: Final = Probe(
    "replication_slots",
    Scope.SERVER,
    (*metrics(COLUMNS), STATUS, INVALIDATED, SLOTS, INACTIVE, RETAINED, LIMIT),
    ask,
    interval=60.0,
)
