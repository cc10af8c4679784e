"""The restore of an archive into a database that is new or empty.

Owns: creating the database, refusing one that holds something, choosing the
tool, and that a restore which fails leaves nothing of itself behind. Must
not know: which backup was chosen and why.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import asyncpg

from watchdog import process
from watchdog.database_url import PostgresqlUrl
from watchdog.engines.postgresql import clients, tools
from watchdog.engines.postgresql.clients import Client
from watchdog.engines.postgresql.connection import Connection
from watchdog.engines.postgresql.dump import list_of, session
from watchdog.engines.postgresql.failures import classify
from watchdog.engines.postgresql.wire import Timing
from watchdog.model import ActionFailed, Phase

NONEMPTY: Final = "restore_into_nonempty"
_MAINTENANCE: Final = ("postgres", "template1")
_NO_SUCH_DATABASE: Final = "3D000"
_FORCE_SINCE: Final = 13

# What a user made: relations, functions, types and schemas that initdb and
# extensions did not put there.
_CONTENT: Final = """
with own as (
  select oid, nspname from pg_catalog.pg_namespace
   where nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
     and nspname not like 'pg\\_temp\\_%' and nspname not like 'pg\\_toast\\_temp\\_%'
)
select (select count(*) from pg_catalog.pg_class c join own on own.oid = c.relnamespace
         where c.relkind in ('r', 'p', 'v', 'm', 'S', 'f'))
     + (select count(*) from pg_catalog.pg_proc p join own on own.oid = p.pronamespace)
     + (select count(*) from pg_catalog.pg_type t join own on own.oid = t.typnamespace
         where t.typrelid = 0 and t.typelem = 0)
     + (select count(*) from own where nspname <> 'public')
"""

# Settings of our sessions that would stand in the way of writing.
_WRITABLE: Final = (
    "set default_transaction_read_only = off",
    "set statement_timeout = 0",
    "set lock_timeout = 0",
)

# A statement about owners or grants; pg_restore's own words are English, the
# server's need not be, so that its message is not looked at.
_ABOUT_ROLES: Final = re.compile(
    r"^Command was: *(?:(?:ALTER [^;]* OWNER TO |GRANT |REVOKE |ALTER DEFAULT PRIVILEGES )"
    r"|SET SESSION AUTHORIZATION )",
    re.MULTILINE,
)


async def restore(
    artefact: Path, to: PostgresqlUrl, progress: Callable[[int], None]
) -> Sequence[str]:
    """Restore *artefact* into *to*, creating the database if it is not there.

    In one transaction: all or nothing. Owners and grants are restored where
    the roles are there and may be used; otherwise everything belongs to the
    user of *to*, and that is said. Raises ``ActionFailed``.
    """
    notes: list[str] = []
    async with _database(to) as server_major:
        client = await _client(artefact, server_major, to)
        if await _run(client, artefact, to, ()):
            await _run(client, artefact, to, ("--no-owner", "--no-acl"))
            notes.append(
                f"owners and grants were left out, for not all of their roles are there or open"
                f" to {to.user}: everything belongs to {to.user}"
            )
        progress(0)
        await _analyze(to)
    return notes


@asynccontextmanager
async def _database(to: PostgresqlUrl) -> AsyncIterator[int]:
    """Make sure of a new or empty database and yield the server's major version.

    One that we have created goes again if the restore fails or is cancelled.
    """
    created = False
    try:
        major = await _require_empty(to)
    except ActionFailed as error:
        if error.failure.code != _NO_SUCH_DATABASE:
            raise
        major = await _create(to)
        created = True
    try:
        yield major
    except BaseException:
        if created:
            await _drop(to, major)
        raise


async def _require_empty(to: PostgresqlUrl) -> int:
    connection = await session(to, None, Timing())
    try:
        content = await _ask(connection, to, _CONTENT)
        major = int(connection.driver.get_server_version().major)
    finally:
        await connection.close()
    if content:
        raise tools.refusal(
            NONEMPTY,
            f"{to.masked} is not empty ({content} tables, functions and the like): restore into"
            " a new database name, or drop what is there yourself first",
            Phase.PREFLIGHT,
            tools.facts(to, None, None),
        )
    return major


async def _create(to: PostgresqlUrl) -> int:
    # template0: whatever template1 has been given would stand in the way.
    connection = await _maintenance(to)
    try:
        major = int(connection.driver.get_server_version().major)
        await _do(connection, to, f"create database {_quoted(to.database)} template template0")
    finally:
        await connection.close()
    return major


async def _drop(to: PostgresqlUrl, major: int) -> None:
    # The server may still be ending the session of a pg_restore that was killed.
    force = " with (force)" if major >= _FORCE_SINCE else ""
    connection = await _maintenance(to)
    try:
        await _do(connection, to, f"drop database if exists {_quoted(to.database)}{force}")
    finally:
        await connection.close()


async def _maintenance(to: PostgresqlUrl) -> Connection:
    last: ActionFailed | None = None
    for name in _MAINTENANCE:
        try:
            return await _writable(to.with_database(name))
        except ActionFailed as error:
            last = error
    assert last is not None
    raise last


async def _client(artefact: Path, server_major: int, to: PostgresqlUrl) -> Client:
    """Return the tools that can read the archive, of the server's own version if there are such.

    A newer ``pg_restore`` may set parameters that an older server does not know.
    """
    installed = await clients.installed()
    named = tools.facts(to, None, artefact)
    if not installed:
        raise tools.refusal(
            tools.NOT_FOUND,
            f"there is no pg_restore on this machine: install postgresql-client-{server_major}",
            Phase.PREFLIGHT,
            {**named, "package": f"postgresql-client-{server_major}"},
            code="ENOENT",
        )
    ordered = sorted(installed, key=lambda client: (client.major < server_major, client.major))
    for client in ordered:
        listed = await list_of(client, artefact)
        if not tools.complained(listed.done):
            return client
    listed = await list_of(installed[0], artefact)
    what = f"the archive {artefact.name} cannot be read"
    raise tools.told(listed.done, what, Phase.PREFLIGHT, named, "backup_not_an_archive")


async def _run(client: Client, artefact: Path, to: PostgresqlUrl, options: Sequence[str]) -> bool:
    """Run pg_restore; return whether owners or grants were in its way. Raises ``ActionFailed``."""
    async with tools.login(to) as login:
        done = await process.run(
            [
                client.pg_restore,
                "--exit-on-error",
                "--single-transaction",
                "--no-password",
                *options,
                f"--dbname={login.conninfo(client.major)}",
                str(artefact),
            ],
            env=login.environment,
        )
    if not tools.complained(done):
        return False
    if not options and _ABOUT_ROLES.search(done.raw_stderr):
        return True
    what = f"the restore into {to.masked} failed and left nothing behind"
    raise tools.told(done, what, Phase.QUERY, tools.facts(to, None, artefact))


async def _analyze(to: PostgresqlUrl) -> None:
    """Gather the planner's statistics, which no dump holds."""
    connection = await _writable(to)
    try:
        await _do(connection, to, "analyze")
    finally:
        await connection.close()


async def _writable(to: PostgresqlUrl) -> Connection:
    """Log in with a session that may write, without time limits."""
    connection = await session(to, None, Timing())
    try:
        # Behind a pooler nothing forbids writing, and settings would be left to others.
        for statement in () if connection.pooler else _WRITABLE:
            await _do(connection, to, statement)
    except BaseException:
        connection.abort()
        raise
    return connection


async def _ask(connection: Connection, to: PostgresqlUrl, query: str) -> int:
    try:
        return int(await connection.driver.fetchval(query))
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise ActionFailed(classify(error, Phase.QUERY, tools.facts(to, None, None))) from error


async def _do(connection: Connection, to: PostgresqlUrl, statement: str) -> None:
    try:
        await connection.driver.execute(statement)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise ActionFailed(classify(error, Phase.QUERY, tools.facts(to, None, None))) from error


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
