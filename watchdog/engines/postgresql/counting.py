"""What a PostgreSQL database holds: rows, digests, the shape of its schema.

Owns: the questions and how each kind of table is dealt with. They are asked
in a transaction that the caller has begun, so that all answers are of its
one instant. Must not know: dumps, drills, where answers are written down.

Each table is counted within a savepoint that is rolled back: its lock goes
at once, and one that cannot be read does not end the transaction. A table
that was rewritten meanwhile (TRUNCATE is not transactional for those who
look from an older instant) shows by its file and is not counted.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import asyncpg

from watchdog.content import Content
from watchdog.engines.postgresql import shape

# Few questions for thousands of small tables, one for each large one.
_BATCH_TABLES: Final = 100
_BATCH_PAGES: Final = 4096

_PLAIN: Final = re.compile(r"[a-z_][a-z0-9_]*")
_LOCKED: Final = "55P03"
_OBJECTS_TABLE: Final = "pg_catalog.pg_largeobject_metadata"

_TABLES: Final = """
select c.oid, n.nspname as schema, c.relname as name, c.relkind::text as kind,
       c.relpersistence::text as persistence, greatest(c.relpages, 0) as pages,
       c.relfilenode as file,
       pg_catalog.has_table_privilege(c.oid, 'select') as readable,
       (select e.extname from pg_catalog.pg_depend d
          join pg_catalog.pg_extension e on e.oid = d.refobjid
         where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid and d.objsubid = 0
           and d.refclassid = 'pg_catalog.pg_extension'::regclass and d.deptype = 'e'
         limit 1) as extension
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where c.relkind in ('r', 'p', 'm', 'f')
   and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
   and n.nspname !~ '^pg_(toast_)?temp_'
 order by c.oid
"""
_COLUMNS: Final = """
select attname from pg_catalog.pg_attribute
 where attrelid = $1 and attnum > 0 and not attisdropped order by attname
"""
_REWRITTEN: Final = """
select c.oid from pg_catalog.pg_class c
 where c.oid = any($1::oid[])
   and c.relfilenode is distinct from pg_catalog.pg_relation_filenode(c.oid)
"""
_ROLES: Final = """
select distinct r.rolname from pg_catalog.pg_roles r
 where r.oid = 10 or r.oid in (
   select d.refobjid from pg_catalog.pg_shdepend d
    where d.refclassid = 'pg_catalog.pg_authid'::regclass
      and d.dbid = (select oid from pg_catalog.pg_database
                     where datname = pg_catalog.current_database()))
"""
_TABLESPACES: Final = """
select distinct t.spcname from pg_catalog.pg_tablespace t
  join pg_catalog.pg_class c on c.reltablespace = t.oid
 where t.spcname !~ '^pg_' order by 1
"""
_EXTENSIONS: Final = "select extname, extversion from pg_catalog.pg_extension order by extname"
_ENCODING: Final = """
select pg_catalog.pg_encoding_to_char(encoding) as encoding, datcollate, datctype
  from pg_catalog.pg_database where datname = pg_catalog.current_database()
"""

_BACK: Final = "rollback to savepoint one; release savepoint one"

# What a server may raise, and names or values that cannot be decoded.
TROUBLES: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, UnicodeError)


@dataclass(frozen=True, slots=True)
class Table:
    """One relation that has, or seems to have, rows. ``file`` is its file node at the instant."""

    oid: int
    schema: str
    name: str
    kind: str
    persistence: str
    pages: int
    file: int
    readable: bool
    extension: str | None

    @property
    def shown(self) -> str:
        """Its name as people write it; the same on every server."""
        return f"{_shown(self.schema)}.{_shown(self.name)}"

    @property
    def quoted(self) -> str:
        """Its name for SQL."""
        return f"{quoted(self.schema)}.{quoted(self.name)}"


@dataclass(slots=True)
class Tally:
    """The answers as they come in, so that what is there by a deadline can be used."""

    digests_too: bool = False
    tables: dict[str, Table] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    passed_over: dict[str, str] = field(default_factory=dict)
    uncounted: dict[str, str] = field(default_factory=dict)
    schema: str = ""
    objects: dict[str, int] = field(default_factory=dict)
    surroundings: dict[str, Any] = field(default_factory=dict)
    listed: bool = False
    seconds: float = 0.0  # that the questions took

    def content(self, dumped: Collection[int] | None = None, late: str = "") -> Content:
        """Return what has been found so far.

        *dumped* are the tables whose data is in the archive, by their oid;
        ``None`` for all. *late* is why what is still open was not counted.
        """
        rows, uncounted, passed = dict(self.rows), dict(self.uncounted), dict(self.passed_over)
        for shown, table in self.tables.items():
            if dumped is not None and table.oid not in dumped:
                rows.pop(shown, None)
                uncounted.pop(shown, None)
                passed[shown] = "its rows are not in the backup"
            elif shown not in rows and shown not in uncounted:
                uncounted[shown] = late or "it was not reached"
        return Content(
            rows=rows,
            digests={shown: each for shown, each in self.digests.items() if shown in rows},
            passed_over=passed,
            uncounted=uncounted,
            reason="" if self.listed else late or "the tables could not be listed",
            schema=self.schema,
            objects=dict(self.objects),
            surroundings=dict(self.surroundings),
            seconds=self.seconds,
        )


async def look_around(driver: Any, tally: Tally) -> None:
    """Find out which tables there are and what a restore needs. Raises ``TROUBLES``."""
    began = time.monotonic()
    standby = await driver.fetchval("select pg_catalog.pg_is_in_recovery()")
    for row in await driver.fetch(_TABLES):
        table = Table(**dict(row))
        if why := _why_not(table, standby=standby):
            tally.passed_over[table.shown] = why
        else:
            tally.tables[table.shown] = table
    encoding = await driver.fetchrow(_ENCODING)
    tally.surroundings = {
        "roles": sorted(row[0] for row in await driver.fetch(_ROLES) if row[0][:3] != "pg_"),
        "extensions": {row[0]: row[1] for row in await driver.fetch(_EXTENSIONS)},
        "tablespaces": [row[0] for row in await driver.fetch(_TABLESPACES)],
        "encoding": encoding["encoding"],
        "collate": encoding["datcollate"],
        "ctype": encoding["datctype"],
    }
    tally.listed = True
    tally.seconds += time.monotonic() - began


async def count(driver: Any, tally: Tally) -> None:
    """Count every table that ``look_around`` has found, and take the shape of the schema.

    Raises ``TROUBLES`` once the session is gone; what one table alone meets
    is noted with it.
    """
    began = time.monotonic()
    try:
        await _count_all(driver, tally)
    finally:
        tally.seconds += time.monotonic() - began


async def _count_all(driver: Any, tally: Tally) -> None:
    await _shape(driver, tally)
    rows = await _within(driver, f"select 0::oid, count(*) from {_OBJECTS_TABLE}")  # noqa: S608
    if isinstance(rows, list) and rows[0][1]:
        tally.rows[_OBJECTS_TABLE] = rows[0][1]
    for batch in _batches(list(tally.tables.values())):
        await _count(driver, batch, tally)
    # Somebody who waits for a lock of the dump's kept us from these.
    for shown in [each for each, why in tally.uncounted.items() if why.startswith(_LOCKED)]:
        del tally.uncounted[shown]
        await _count(driver, [tally.tables[shown]], tally)


async def _shape(driver: Any, tally: Tally) -> None:
    lines: dict[str, list[str]] = {}
    for kind, select in shape.QUESTIONS:
        found = await _within(driver, select)
        if not isinstance(found, list):
            return
        lines[kind] = [row[0] for row in found]
    tally.objects = {kind: len(found) for kind, found in lines.items()}
    # There may be hundreds of thousands of columns.
    tally.schema = await asyncio.to_thread(shape.digest, lines)


async def _count(driver: Any, batch: Sequence[Table], tally: Tally) -> None:
    names = {table.oid: table.shown for table in batch}
    columns = {}
    if tally.digests_too:
        columns = {
            table.oid: [row[0] for row in await driver.fetch(_COLUMNS, table.oid)]
            for table in batch
        }
    asked = " union all ".join(_question(table, columns.get(table.oid)) for table in batch)
    found = await _within(driver, asked, [table.oid for table in batch])
    if isinstance(found, str):
        if len(batch) == 1:
            tally.uncounted[batch[0].shown] = found
            return
        for table in batch:
            await _count(driver, [table], tally)
        return
    for row in found:
        shown = names[row[0]]
        if row[1] is None:
            tally.uncounted[shown] = "it was emptied or rewritten meanwhile"
            continue
        tally.rows[shown] = row[1]
        if tally.digests_too:
            tally.digests[shown] = str(row[2])


def _question(table: Table, columns: Sequence[str] | None) -> str:
    if columns is None:
        return f"select {table.oid}::oid, count(*) from only {table.quoted}"  # noqa: S608
    # The order of rows and of columns says nothing: the sum of a hash of each row.
    row = ", ".join(f"t.{quoted(name)}" for name in columns)
    hashed = f"('x' || substr(md5(row({row})::text), 1, 16))::bit(64)::bigint"
    return (
        f"select {table.oid}::oid, count(*), coalesce(sum({hashed}), 0)::text"  # noqa: S608
        f" from only {table.quoted} t"
    )


async def _within(driver: Any, query: str, oids: Sequence[int] = ()) -> list[Any] | str:
    """Return the rows of *query*, asked within a savepoint, or why there are none.

    Counts (second column) of tables that were rewritten meanwhile are ``None``.
    """
    await driver.execute("savepoint one")
    try:
        rows = [tuple(row) for row in await driver.fetch(query)]
        rewritten = {row[0] for row in await driver.fetch(_REWRITTEN, list(oids))} if oids else ()
    except asyncpg.PostgresError as error:
        await driver.execute(_BACK)
        return f"{error.sqlstate or ''} {str(error).splitlines()[0]}".strip()
    except UnicodeError:
        await driver.execute(_BACK)
        return "it has a name that is not text"
    await driver.execute(_BACK)
    return [(row[0], None, *row[2:]) if row[0] in rewritten else row for row in rows]


def _why_not(table: Table, *, standby: bool) -> str:
    """Return why there is nothing of *table* to compare, "" if there is."""
    if table.kind == "p":
        return "partitioned: its partitions are counted"
    if table.kind == "m":
        return "materialized view: computed anew by a restore"
    if table.kind == "f":
        return "foreign table: its rows are elsewhere"
    if table.extension is not None:
        return f"belongs to the extension {table.extension}"
    if table.persistence == "u" and standby:
        return "unlogged: a standby has none of its rows"
    return ""


def _batches(tables: Sequence[Table]) -> list[list[Table]]:
    batches: list[list[Table]] = []
    pages = 0
    for table in tables:
        if not batches or len(batches[-1]) >= _BATCH_TABLES or pages + table.pages > _BATCH_PAGES:
            batches.append([])
            pages = 0
        batches[-1].append(table)
        pages += table.pages
    return batches


def quoted(name: str) -> str:
    """Return *name* as an identifier of SQL."""
    return '"' + name.replace('"', '""') + '"'


def _shown(name: str) -> str:
    return name if _PLAIN.fullmatch(name) else quoted(name)
