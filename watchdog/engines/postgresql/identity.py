"""Which PostgreSQL database a backup is of.

Owns: the questions that tell one database from another and how much it
holds. Must not know: what is made of a difference.
"""

from __future__ import annotations

from typing import Any, Final

import asyncpg

from watchdog.engines._sketch import sketch
from watchdog.engines.postgresql.connection import Connection

_DATABASE: Final = """
select oid::bigint as oid from pg_catalog.pg_database
 where datname = pg_catalog.current_database()
"""
# Tables that a dump holds: not those of extensions' or our own temporary schemas.
_TABLES: Final = """
select n.nspname::text || '.' || c.relname::text as name
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where c.relkind in ('r', 'p') and c.relpersistence <> 't'
   and n.nspname <> 'information_schema' and n.nspname not like 'pg\\_%'
"""
# What managed services may refuse: then it is not known, and that is no failure.
_SYSTEM: Final = """
select (select system_identifier::text from pg_catalog.pg_control_system()) as system_identifier,
       (select timeline_id::bigint from pg_catalog.pg_control_checkpoint()) as timeline
"""
_EMPTY_DATABASE: Final = 7 << 20  # bytes of system catalogues, which no table of a user fills


async def read(connection: Connection, size: int, patience: float) -> dict[str, Any]:
    """Return what tells this database of *size* bytes from another; what nobody tells is left out.

    ``size_bytes`` is what it holds beyond an empty one's catalogues. Raises
    ``OSError``.
    """
    found: dict[str, Any] = {"size_bytes": max(0, size - _EMPTY_DATABASE)}
    for ask in (_of_database, _of_tables, _of_system):
        try:
            found |= await ask(connection.driver, patience)
        except (TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            continue  # a right that lacks, a function that the service has taken away
    return found


async def _of_database(driver: Any, patience: float) -> dict[str, Any]:
    row = await driver.fetchrow(_DATABASE, timeout=patience)
    return {"oid": row["oid"]}


async def _of_tables(driver: Any, patience: float) -> dict[str, Any]:
    names = [row["name"] for row in await driver.fetch(_TABLES, timeout=patience)]
    return {"tables": len(names), "names": sketch(names)}


async def _of_system(driver: Any, patience: float) -> dict[str, Any]:
    row = await driver.fetchrow(_SYSTEM, timeout=patience)
    return {"system_identifier": row["system_identifier"], "timeline": row["timeline"]}
