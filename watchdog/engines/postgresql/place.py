"""Where a restore is to go: what is there, and whether that may be.

Owns: looking at the database and the server before anything is done, the
refusals that follow, and how much disk it takes. Must not know: how the
restore is done.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from watchdog import units
from watchdog.database_url import PostgresqlUrl
from watchdog.engines.postgresql import properties, swap, tools
from watchdog.engines.postgresql.administration import Administration, maintenance, open_in
from watchdog.engines.postgresql.archive import Archive
from watchdog.engines.postgresql.properties import Properties
from watchdog.model import ActionFailed, Phase
from watchdog.restoration import RestoreOptions

NONEMPTY: Final = "restore_into_nonempty"
OLDER_SERVER: Final = "dump_newer_than_server"

_MINE: Final = ("postgres", "template0", "template1")
_LOCAL: Final = ("127.0.0.1", "::1", "localhost")
_UNPACKED: Final = 4  # times the archive's size, where nothing better is known
_MARGIN: Final = 1.1
_START: Final = 10  # seconds between the two notes that a server makes of its start

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
_RIGHTS: Final = """
select r.rolsuper as super, r.rolcreatedb as may_create, pg_is_in_recovery() as standby
  from pg_roles r where r.rolname = current_user
"""
_MEMBER: Final = "select pg_has_role(current_user, $1::name, 'MEMBER')"
_SIZE: Final = "select pg_database_size($1::oid)"
_WAL: Final = "select pg_size_bytes(current_setting('max_wal_size'))"
_WHERE: Final = """
select current_setting('data_directory') as folder,
       (select pg_tablespace_location(oid) from pg_tablespace where spcname = $1) as place,
       extract(epoch from pg_postmaster_start_time())::bigint as started
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where it goes. ``there`` is the database of that name, ``None`` if there is none.

    ``content``: how many things it holds. ``needed_bytes`` and ``free_bytes``
    of the server's disk; ``None`` where nobody can tell.
    """

    major: int
    there: Properties | None
    content: int
    needed_bytes: int
    free_bytes: int | None

    @property
    def unfinished(self) -> bool:
        """Whether it is what a killed restore has made, and nothing is in it."""
        return self.there is not None and not self.content and self.there.comment == swap.MARK

    @property
    def swaps(self) -> bool:
        """Whether a database that holds something is replaced."""
        return self.content > 0


async def look(to: PostgresqlUrl, options: RestoreOptions, archive_bytes: int) -> Place:
    """Look at the place and refuse what may not be restored into. Raises ``ActionFailed``."""
    _refuse_by_name(to)
    async with maintenance(to, options.target) as administration:
        there = await properties.read(administration, to.database)
        if there is not None and there.template:
            raise _refused(to, f"{to.masked} is a template database: give another name")
        content = await _content(to, there, options)
        await _refuse_without_rights(administration, to, there)
        needed = await _needed(administration, there, options, archive_bytes)
        free = await _free(administration, to, there)
        place = Place(administration.major, there, content, needed, free)
        if content:
            await _refuse_swap(administration, to, options)
    if free is not None and free < needed:
        raise _refused(
            to,
            f"no space for the restore into {to.masked}: about {units.size(needed)} are needed on"
            f" the server's disk, {units.size(free)} are left: free some first",
            "backup_no_space",
            "ENOSPC",
        )
    return place


def refuse_older(archive: Archive, place: Place, to: PostgresqlUrl) -> None:
    """Raise ``ActionFailed`` if the server is older than the one that the archive is from."""
    if archive.major > place.major:
        raise _refused(
            to,
            f"the backup is from PostgreSQL {archive.major} and {to.server_name} is PostgreSQL"
            f" {place.major}, which may lack what it needs: restore into version {archive.major}"
            " or later",
            OLDER_SERVER,
        )


def _refuse_by_name(to: PostgresqlUrl) -> None:
    if to.database in _MINE:
        raise _refused(
            to,
            f"{to.database} belongs to the server itself: give the restored database a name of its"
            " own",
        )


async def _content(to: PostgresqlUrl, there: Properties | None, options: RestoreOptions) -> int:
    if there is None:
        return 0
    if not there.open or there.connection_limit == 0:
        content = 1  # nobody may look: it counts as full
    else:
        async with open_in(to, options.target) as inside:
            content = int(await inside.value(_CONTENT))
    if content and not options.replace:
        raise _refused(
            to,
            f"{to.masked} is not empty ({content} tables, functions and the like): restore into a"
            " new database name, or replace it with --force, which keeps the old one aside",
            NONEMPTY,
        )
    return content


async def _refuse_without_rights(
    administration: Administration, to: PostgresqlUrl, there: Properties | None
) -> None:
    (rights,) = await administration.rows(_RIGHTS)
    if rights["standby"]:
        raise _refused(
            to, f"{to.server_name} is a standby, which cannot be written to: restore on its primary"
        )
    if there is None and not (rights["super"] or rights["may_create"]):
        raise _refused(
            to,
            f"{to.user} may not create databases: ALTER ROLE {to.user} CREATEDB, or create"
            f" {to.database} empty beforehand, owned by {to.user}",
            code="42501",
        )


async def _refuse_swap(
    administration: Administration, to: PostgresqlUrl, options: RestoreOptions
) -> None:
    there = await properties.read(administration, to.database)
    assert there is not None
    (rights,) = await administration.rows(_RIGHTS)
    member = await administration.value(_MEMBER, there.owner)
    if not rights["super"] and not (rights["may_create"] and member):
        raise _refused(
            to,
            f"to replace {to.database}, {to.user} has to be a superuser, or have CREATEDB and be"
            f" a member of its owner {there.owner}",
            code="42501",
        )
    await swap.refuse_if_prepared(administration, to)
    if not options.end_sessions:
        await swap.refuse_if_used(administration, to)


async def _needed(
    administration: Administration,
    there: Properties | None,
    options: RestoreOptions,
    archive_bytes: int,
) -> int:
    size = options.expected_bytes or archive_bytes * _UNPACKED
    if there is not None and options.expected_bytes is None:
        size = max(size, int(await administration.value(_SIZE, there.oid)))
    # Until the next checkpoint the data lies in the write-ahead log as well.
    return int(size * _MARGIN) + min(int(await administration.value(_WAL)), size)


async def _free(
    administration: Administration, to: PostgresqlUrl, there: Properties | None
) -> int | None:
    """Return what the server's disk has left, if it is this machine's and may be looked at."""
    host, port = to.hosts[0]
    if not host.startswith("/") and host not in _LOCAL:
        return None
    try:
        tablespace = there.tablespace if there is not None else "pg_default"
        (row,) = await administration.rows(_WHERE, tablespace)
        folder = Path(row["folder"])
        lines = (folder / "postmaster.pid").read_text().splitlines()
        # A server in a container says the path that it sees: is this the same one?
        if abs(int(lines[2]) - row["started"]) > _START or int(lines[3]) != port:
            return None
        stat = os.statvfs(row["place"] or folder)
    except (ActionFailed, OSError, ValueError, IndexError):
        return None
    return stat.f_bavail * stat.f_frsize


def _refused(to: PostgresqlUrl, message: str, hint: str = "", code: str = "") -> ActionFailed:
    return tools.refusal(hint, message, Phase.PREFLIGHT, tools.facts(to, None, None), code)
