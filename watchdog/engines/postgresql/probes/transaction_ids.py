"""How far each database is from running out of transaction ids, multixacts and their members.

Owns: the ages of all databases, for the oldest of them stops the whole
server, watched or not. Sources: ``pg_database`` (``age``, ``mxid_age``),
``pg_control_checkpoint()``, and, where somebody granted it, the files of
``pg_multixact/members``: members run out while the ages look fine.
"""

from __future__ import annotations

from typing import Any, Final

from watchdog.engines import Probe
from watchdog.engines.postgresql.probes._columns import counter, gauge
from watchdog.engines.postgresql.session import PostgresqlSession
from watchdog.model import Answer, Failure, Kind, Sample, Scope

XID_AGE: Final = gauge(
    "database_transaction_id_age",
    "How many transactions old the database's oldest row may be (age(pg_database.datfrozenxid));"
    " near 2147483648 the server takes no writes.",
    "datname",
)
MXID_AGE: Final = gauge(
    "database_multixact_age",
    "The same for multixacts, the locks that several transactions share"
    " (mxid_age(pg_database.datminmxid)).",
    "datname",
)
OLDEST_XID: Final = gauge(
    "oldest_transaction_id_age",
    "The greatest of these ages of all databases, watched or not (pg_database).",
)
OLDEST_MXID: Final = gauge(
    "oldest_multixact_age",
    "The greatest age of multixacts of all databases, watched or not (pg_database).",
)
MEMBERS: Final = gauge(
    "multixact_members",
    "Members of multixacts that are kept, to the next 52352 (files of pg_multixact/members);"
    " near 4294967296 the server takes no writes. Absent unless the role may call pg_ls_dir.",
)
MEMBERS_MADE: Final = counter(
    "multixact_members_made_total",
    "Members of multixacts ever made, up to the last checkpoint (next_multi_offset of"
    " pg_control_checkpoint); begins again at 4294967296.",
)
CONNECTION_LIMIT: Final = gauge(
    "database_connections_limit",
    "How many connections the database takes, -1 for no limit of its own"
    " (pg_database.datconnlimit).",
    "datname",
)
DATABASES: Final = gauge(
    "databases",
    "Databases by what they are to us: watched, other, template, closed (no connections),"
    " invalid (dropping it was interrupted) (pg_database).",
    "kind",
)

ALARMING: Final = 1_000_000_000  # of 2^31; autovacuum should have come at a fifth of that
ALARMING_MEMBERS: Final = 3_000_000_000  # of 2^32; autovacuum hurries from the half on
_OF_A_SEGMENT: Final = 52_352  # members in one file of pg_multixact/members
_KINDS: Final = ("watched", "other", "template", "closed", "invalid")

_QUERY: Final = """
select datname::text as datname, datname = any($1::name[]) as watched,
       age(datfrozenxid) as xid_age, mxid_age(datminmxid) as mxid_age,
       datconnlimit as connection_limit,
       case when datconnlimit = -2 then 'invalid' when datname = any($1::name[]) then 'watched'
            when not datallowconn then 'closed' when datistemplate then 'template'
            else 'other' end as kind
  from pg_database
"""
_MADE: Final = """
select next_multi_offset::text::bigint as made,
       has_function_privilege('pg_ls_dir(text)', 'EXECUTE') as may_list
  from pg_control_checkpoint()
"""
_SEGMENTS: Final = "select count(*)::bigint from pg_ls_dir('pg_multixact/members')"


async def ask(session: PostgresqlSession) -> Answer:
    """Ask for the ages of every database and for the members."""
    rows = await session.fetch(_QUERY, sorted(session.databases))
    oldest = max(rows, key=lambda row: row["xid_age"])
    oldest_multi = max(rows, key=lambda row: row["mxid_age"])
    samples = [OLDEST_XID.sample(oldest["xid_age"]), OLDEST_MXID.sample(oldest_multi["mxid_age"])]
    for row in rows:
        if row["watched"]:
            samples.append(XID_AGE.sample(row["xid_age"], row["datname"]))
            samples.append(MXID_AGE.sample(row["mxid_age"], row["datname"]))
            samples.append(CONNECTION_LIMIT.sample(row["connection_limit"], row["datname"]))
    kinds = [row["kind"] for row in rows]
    samples += [DATABASES.sample(kinds.count(kind), kind) for kind in _KINDS]
    counted, members = await _members(session)
    return Answer((*samples, *counted), _told(session, oldest, oldest_multi, members))


async def _members(session: PostgresqlSession) -> tuple[list[Sample], int]:
    made = await session.fetchrow(_MADE)
    samples = [MEMBERS_MADE.sample(made["made"])]
    if not made["may_list"]:
        return samples, 0
    members = await session.fetchval(_SEGMENTS) * _OF_A_SEGMENT
    return [*samples, MEMBERS.sample(members)], members


def _told(
    session: PostgresqlSession, oldest: Any, oldest_multi: Any, members: int
) -> tuple[Failure, ...]:
    found: list[tuple[str, str]] = []
    if oldest["xid_age"] >= ALARMING:
        text = f"database {oldest['datname']} is {oldest['xid_age']} of 2147483648 transactions old"
        found.append((text, oldest["datname"]))
    if oldest_multi["mxid_age"] >= ALARMING:
        age = oldest_multi["mxid_age"]
        text = f"database {oldest_multi['datname']} is {age} of 2147483648 multixacts old"
        found.append((text, oldest_multi["datname"]))
    if members >= ALARMING_MEMBERS:
        text = f"{members} of 4294967296 members of multixacts are kept"
        found.append((text, oldest_multi["datname"]))
    return tuple(
        session.trouble(
            Kind.STORAGE,
            f"{text} on {session.url.server_name}: when they are used up, it takes no more writes",
            hint="wraparound",
            database=datname,
        )
        for text, datname in found
    )


PROBE: Final = Probe(
    "transaction_ids",
    Scope.SERVER,
    (
        XID_AGE,
        MXID_AGE,
        OLDEST_XID,
        OLDEST_MXID,
        MEMBERS,
        MEMBERS_MADE,
        CONNECTION_LIMIT,
        DATABASES,
    ),
    ask,
    interval=300.0,
    privileges=("EXECUTE on pg_ls_dir(text), for the members",),
)
