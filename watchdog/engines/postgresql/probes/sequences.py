"""How much of each sequence is used up, measured by the column that it feeds.

Owns: the ratio of the last value to the least of what the sequence and its
columns can hold: an integer column fed by a bigint sequence overflows at
2147483647. Sources: ``pg_sequence``, ``pg_sequence_last_value()``, ``pg_depend``
(owned columns and defaults). A sequence that our role may not read is
counted, not taken for unused; one that somebody locks exclusively is left out
of this round: nobody shall queue behind us.
"""

from __future__ import annotations

from typing import Any, Final

from watchdog.engines import Probe
from watchdog.engines.postgresql.probes._columns import gauge
from watchdog.engines.postgresql.probes._relations import named
from watchdog.engines.postgresql.session import PostgresqlSession
from watchdog.model import Answer, Failure, Kind, Scope

SEQUENCES: Final = gauge("sequences", "Sequences of the database (pg_sequence).")
UNREADABLE: Final = gauge(
    "sequences_unreadable",
    "Of them, those that our role may not read (has_sequence_privilege): nobody knows how full"
    " they are. Grant pg_read_all_data.",
)
LOCKED: Final = gauge(
    "sequences_locked",
    "Of them, those that somebody has locked, so that they were not asked (pg_locks).",
)
WORST: Final = gauge(
    "sequence_used_ratio_max",
    "The greatest share used up of all readable sequences that do not cycle, 0 to 1"
    " (pg_sequence_last_value).",
)
USED: Final = gauge(
    "sequence_used_ratio",
    "Share used up of the sequence, by its own limit or that of the column it feeds, whichever is"
    " less, 0 to 1 (pg_sequence_last_value); the fullest ones.",
    "schemaname",
    "sequencename",
)

ALARMING: Final = 0.8

_QUERY: Final = """
with feeds as (
  select d.refobjid as seqrelid, a.atttypid, a.attrelid, a.attname
    from pg_attrdef f
    join pg_depend d on d.classid = 'pg_attrdef'::regclass and d.objid = f.oid
     and d.refclassid = 'pg_class'::regclass
    join pg_class c on c.oid = d.refobjid and c.relkind = 'S'
    join pg_attribute a on a.attrelid = f.adrelid and a.attnum = f.adnum
   union
  select d.objid, a.atttypid, a.attrelid, a.attname
    from pg_depend d
    join pg_class c on c.oid = d.objid and c.relkind = 'S'
    join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
   where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass
     and d.deptype in ('a', 'i')),
narrowest as (
  select seqrelid, min(case atttypid when 'int2'::regtype then 32767
                                     when 'int4'::regtype then 2147483647
                                     else 9223372036854775807 end) as most,
         min(attrelid::regclass::text || '.' || quote_ident(attname)) as feeds
    from feeds group by 1),
locked as (
  select relation from pg_locks
   where mode = 'AccessExclusiveLock' and relation is not null
     and database = (select oid from pg_database where datname = current_database())),
state as (
  select c.oid, n.nspname::text as schemaname, c.relname::text as sequencename, s.seqcycle,
         s.seqincrement > 0 as ascending, w.feeds,
         case when s.seqincrement > 0 then least(s.seqmax, coalesce(w.most, s.seqmax))::float8
              else -greatest(s.seqmin, -coalesce(w.most, 9223372036854775807) - 1)::float8
              end as most,
         has_sequence_privilege(c.oid, 'SELECT,USAGE') as readable,
         exists (select 1 from locked l where l.relation = c.oid) as locked
    from pg_sequence s
    join pg_class c on c.oid = s.seqrelid
    join pg_namespace n on n.oid = c.relnamespace
    left join narrowest w on w.seqrelid = s.seqrelid
   where c.relpersistence <> 't')
select schemaname, sequencename, seqcycle, readable, locked, feeds,
       case when readable and not locked then greatest(
         0, case when ascending then 1 else -1 end * pg_sequence_last_value(oid)::float8
            / nullif(most, 0)) end::float8 as used
  from state order by used desc nulls last, oid
"""


async def ask(session: PostgresqlSession) -> Answer:
    """Ask for every sequence."""
    rows = await session.fetch(_QUERY)
    unreadable = [row for row in rows if not row["readable"]]
    ending = [row for row in rows if row["used"] is not None and not row["seqcycle"]]
    samples = [
        SEQUENCES.sample(len(rows)),
        UNREADABLE.sample(len(unreadable)),
        LOCKED.sample(sum(row["locked"] for row in rows if row["readable"])),
    ]
    if ending or not unreadable:
        samples.append(WORST.sample(ending[0]["used"] if ending else 0.0))
    samples += [
        USED.sample(row["used"], row["schemaname"], row["sequencename"])
        for row in ending[: session.settings.tables]
    ]
    return Answer(tuple(samples), (*_exhausted(session, ending), *_blind(session, unreadable)))


def _exhausted(session: PostgresqlSession, rows: list[Any]) -> tuple[Failure, ...]:
    found = [row for row in rows if row["used"] >= ALARMING]
    if not found:
        return ()
    names = named(_told(row) for row in found)
    return (
        session.trouble(
            Kind.SCHEMA,
            f"numbers run out in {session.url.database} on {session.url.server_name}: {names}",
            hint="sequence_exhausted",
            relation=found[0]["feeds"] or _name(found[0]),
        ),
    )


def _blind(session: PostgresqlSession, rows: list[Any]) -> tuple[Failure, ...]:
    if not rows:
        return ()
    names = named(_name(row) for row in rows)
    return (
        session.trouble(
            Kind.PRIVILEGE,
            f"role {session.url.user} may not read sequences of {session.url.database} on"
            f" {session.url.server_name}, so that nobody knows how full they are: {names}",
            hint="blind_sequences",
        ),
    )


def _name(row: Any) -> str:
    return f"{row['schemaname']}.{row['sequencename']}"


def _told(row: Any) -> str:
    feeds = f" for {row['feeds']}" if row["feeds"] else ""
    return f"{_name(row)}{feeds} ({row['used']:.0%})"


PROBE: Final = Probe(
    "sequences",
    Scope.TARGET,
    (SEQUENCES, UNREADABLE, LOCKED, WORST, USED),
    ask,
    interval=900.0,
    privileges=("pg_read_all_data (14 and later), or SELECT on the sequences",),
)
