"""A database for a restore drill, with the roles that its content names.

Owns: its marked name, the advisory lock by which a living drill is known to
all others, the stub roles, and that nothing of it stays: what a killed drill
has left goes with the next one. Must not know: what is restored into it, and
whether the server is there for good.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from watchdog.database_url import PostgresqlUrl
from watchdog.engines.postgresql.administration import Administration, open_in, quoted
from watchdog.model import ActionFailed, Target

PREFIX: Final = "db_watchdog_drill_"
_MARK: Final = "made by db-watchdog for the restore drill "
_FORCE_SINCE: Final = 13
_LEFT: Final = "select datname from pg_catalog.pg_database where position($1 in datname) = 1"
_ROLES: Final = "select rolname from pg_catalog.pg_roles"
_MARKED: Final = """
select r.rolname from pg_catalog.pg_shdescription s
  join pg_catalog.pg_roles r on r.oid = s.objoid
 where s.classoid = 'pg_catalog.pg_authid'::regclass and position($1 in s.description) = 1
   and (not $2::boolean or not exists (select from pg_catalog.pg_database d
          where d.datname = substr(s.description, length($1) + 1)))
"""
_LOCK: Final = "select pg_catalog.pg_try_advisory_lock(pg_catalog.hashtext($1), 0)"
_UNLOCK: Final = "select pg_catalog.pg_advisory_unlock(pg_catalog.hashtext($1), 0)"
_SUBSCRIPTIONS: Final = """
select subname from pg_catalog.pg_subscription
 where subdbid = (select oid from pg_catalog.pg_database
                   where datname = pg_catalog.current_database())
"""


@asynccontextmanager
async def made(
    server: PostgresqlUrl,
    target: Target | None,
    surroundings: Mapping[str, Any],
    *,
    passing: bool = False,
) -> AsyncIterator[tuple[PostgresqlUrl, tuple[str, ...]]]:
    """Make a database for the time of the block; yield its URL, and what a person should know.

    It has the encoding and, where the server knows it, the locale of the
    source; roles that *surroundings* names and that are not there are made,
    without a login. *server* names the database that is held meanwhile; a
    *passing* one goes as a whole, so that nothing in it needs removing.
    Raises ``ActionFailed``.
    """
    name = f"{PREFIX}{secrets.token_hex(6)}"
    async with open_in(server, target) as administration:
        await administration.value(_LOCK, name)
        await _sweep(administration, server, target)
        try:
            notes = await _stub_roles(administration, name, surroundings)
            notes += await _create(administration, name, surroundings)
            yield server.with_database(name), notes
        finally:
            if not passing:
                # By another session: this one may have gone with what ended the drill.
                await asyncio.shield(_remove(server, target, name))


async def _create(
    administration: Administration, name: str, surroundings: Mapping[str, Any]
) -> tuple[str, ...]:
    encoding = _literal(str(surroundings.get("encoding") or "UTF8"))
    # template0: whatever template1 has been given would stand in the way.
    statement = f"create database {quoted(name)} template template0 encoding {encoding}"
    collate, ctype = surroundings.get("collate"), surroundings.get("ctype")
    plain = f"{statement} lc_collate 'C' lc_ctype 'C'"
    if not collate or not ctype:
        await administration.do(plain)
        return ()
    wanted = f"lc_collate {_literal(str(collate))} lc_ctype {_literal(str(ctype))}"
    try:
        await administration.do(f"{statement} {wanted}")
    except ActionFailed:
        await administration.do(plain)
        return (f"the locale {collate} is not there, C took its place",)
    return ()


async def _stub_roles(
    administration: Administration, name: str, surroundings: Mapping[str, Any]
) -> tuple[str, ...]:
    there = {row[0] for row in await administration.rows(_ROLES)}
    missing = [str(role) for role in surroundings.get("roles") or () if role not in there]
    for role in missing:
        try:
            async with administration.transaction():
                await administration.do(
                    f"create role {quoted(role)} nologin",
                    f"comment on role {quoted(role)} is {_literal(_MARK + name)}",
                )
        except ActionFailed as error:
            return (f"the role {role} is not there and cannot be made: {error.failure.message}",)
    return ()


async def _remove(server: PostgresqlUrl, target: Target | None, name: str) -> None:
    async with open_in(server, target) as administration:
        await _drop(administration, server, target, name)
        await _drop_roles(administration, _MARK + name, orphans=False)


async def _sweep(
    administration: Administration, server: PostgresqlUrl, target: Target | None
) -> None:
    """Remove what dead drills have left: those whose lock is to be had."""
    for row in await administration.rows(_LEFT, PREFIX):
        name = row[0]
        if await administration.value(_LOCK, name):
            try:
                await _drop(administration, server, target, name)
            finally:
                await administration.value(_UNLOCK, name)
    await _drop_roles(administration, _MARK, orphans=True)


async def _drop(
    administration: Administration, server: PostgresqlUrl, target: Target | None, name: str
) -> None:
    if not await administration.rows(f"{_LEFT} and datname = $2", PREFIX, name):
        return
    await _cut_subscriptions(server.with_database(name), target)
    # The server may still be ending the session of a pg_restore that was killed.
    force = " with (force)" if administration.major >= _FORCE_SINCE else ""
    await administration.do(f"drop database if exists {quoted(name)}{force}")


async def _cut_subscriptions(url: PostgresqlUrl, target: Target | None) -> None:
    """Drop restored subscriptions, and never the publisher's slots, which the source uses."""
    async with open_in(url, target) as inside:
        for row in await inside.rows(_SUBSCRIPTIONS):
            subscription = f"subscription {quoted(row[0])}"
            await inside.do(
                f"alter {subscription} disable",
                f"alter {subscription} set (slot_name = none)",
                f"drop {subscription}",
            )


async def _drop_roles(administration: Administration, mark: str, *, orphans: bool) -> None:
    for row in await administration.rows(_MARKED, mark, orphans):
        await administration.do(f"drop role if exists {quoted(row[0])}")


def _literal(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "''")
    return f"E'{escaped}'"
