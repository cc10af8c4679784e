"""One database takes the place of another, in a single transaction.

Owns: the names of a database that is being filled and of an old one that is
kept aside, what a killed restore has left, the sessions that stand in the
way, the swap, and the way back. Must not know: what is in the databases.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import shlex
import zlib
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from watchdog.database_url import PostgresqlUrl
from watchdog.engines.postgresql import tools
from watchdog.engines.postgresql.administration import (
    Administration,
    literal,
    maintenance,
    quoted,
)
from watchdog.model import ActionFailed, Phase, Target

IN_USE: Final = "restore_in_use"
OBJECT_IN_USE: Final = "55006"
MARK: Final = "db-watchdog: an unfinished restore; the next one begins anew"

_LONGEST: Final = 63  # bytes of a name (NAMEDATALEN - 1)
_UNFINISHED: Final = ".db-watchdog-restore"
_FORCE_SINCE: Final = 13
_LOCK: Final = 0x64627764  # "dbwd": the first half of our advisory locks
_LOOKS: Final = 3
_PAUSE: Final = 0.4
_TRIES: Final = 3  # each waits five seconds on the server
_SHOWN: Final = 10
_AGAIN: Final = 0.05  # seconds between two rounds of ending sessions

_SESSIONS: Final = """
select pid, coalesce(usename, '') as role, coalesce(application_name, '') as application,
       coalesce(host(client_addr), 'a local socket') as client,
       coalesce(state, '') as state, backend_start as since
  from pg_stat_activity
 where datname = $1 and pid <> pg_backend_pid()
 order by pid
"""
_PREPARED: Final = "select gid from pg_prepared_xacts where database = $1 order by prepared"


@dataclass(frozen=True, slots=True)
class Sitting:
    """A session in a database, as a person may look for it."""

    pid: int
    role: str
    application: str
    client: str
    state: str

    def __str__(self) -> str:
        what = f"{self.application}, " if self.application else ""
        state = f", {self.state}" if self.state else ""
        return f"pid {self.pid} ({what}role {self.role} from {self.client}{state})"


# ------------------------------------------------------------------ names


def unfinished_name(name: str) -> str:
    """Return the name of the database that is filled in place of *name*."""
    return _fitted(name, _UNFINISHED)


def aside_name(name: str, now: datetime) -> str:
    """Return the name under which the old *name* is kept."""
    return _fitted(name, f"_before_{now.astimezone(UTC):%Y%m%dT%H%M%SZ}")


def _fitted(name: str, ending: str) -> str:
    """Return *name* with *ending*, within the length that a server takes."""
    whole = name + ending
    if len(whole.encode()) <= _LONGEST:
        return whole
    # Two long names that begin alike are told apart.
    ending = f"~{hashlib.sha256(name.encode()).hexdigest()[:6]}{ending}"
    return name.encode()[: _LONGEST - len(ending.encode())].decode("utf-8", "ignore") + ending


# ------------------------------------------------------------------ one at a time


@asynccontextmanager
async def alone(to: PostgresqlUrl, target: Target | None) -> AsyncIterator[Administration]:
    """Yield a session that keeps other restores into *to* away; the server drops that with it."""
    async with maintenance(to, target) as administration:
        key = zlib.crc32(to.database.encode()) - (1 << 31)
        if not await administration.value("select pg_try_advisory_lock($1, $2)", _LOCK, key):
            raise tools.refusal(
                IN_USE,
                f"another restore into {to.masked} is under way: wait for it to end",
                Phase.PREFLIGHT,
                tools.facts(to, None, None),
            )
        yield administration


async def drop(administration: Administration, name: str) -> None:
    """Drop *name* if it is there, with the sessions that a killed tool has left in it."""
    force = " with (force)" if administration.major >= _FORCE_SINCE else ""
    await administration.do(f"drop database if exists {quoted(name)}{force}")


async def drop_unfinished(administration: Administration, name: str) -> bool:
    """Drop what a killed restore into *name* has left; return whether there was any."""
    left = unfinished_name(name)
    query = "select count(*) from pg_database where datname = $1"
    if not await administration.value(query, left):
        return False
    await drop(administration, left)
    return True


async def mark(administration: Administration, name: str) -> None:
    """Say on the database *name* that it is unfinished."""
    await administration.do(f"comment on database {quoted(name)} is {literal(MARK)}")


# ------------------------------------------------------------------ who stands in the way


async def refuse_if_used(administration: Administration, to: PostgresqlUrl) -> None:
    """Raise ``ActionFailed`` if somebody stays in the database of *to*; passers-by do not count."""
    staying: dict[tuple[int, datetime], Sitting] = {}
    for number in range(_LOOKS):
        seen = await _sittings(administration, to.database)
        staying = seen if number == 0 else {k: v for k, v in seen.items() if k in staying}
        if not staying:
            break
        if number < _LOOKS - 1:
            await asyncio.sleep(_PAUSE)
    if staying:
        raise _in_use(to, staying.values(), "nothing was done")


async def refuse_if_prepared(administration: Administration, to: PostgresqlUrl) -> None:
    """Raise ``ActionFailed`` if prepared transactions hold the database: nothing can rename it."""
    found = [row["gid"] for row in await administration.rows(_PREPARED, to.database)]
    if found:
        shown = ", ".join(literal(gid) for gid in found[:_SHOWN])
        raise tools.refusal(
            IN_USE,
            f"{to.masked} has prepared transactions ({shown}), with which it cannot be renamed:"
            " COMMIT PREPARED or ROLLBACK PREPARED them in it first; nothing was done",
            Phase.PREFLIGHT,
            tools.facts(to, None, None),
            OBJECT_IN_USE,
        )


async def _sittings(
    administration: Administration, name: str
) -> dict[tuple[int, datetime], Sitting]:
    found = {}
    for row in await administration.rows(_SESSIONS, name):
        sitting = Sitting(row["pid"], row["role"], row["application"], row["client"], row["state"])
        found[row["pid"], row["since"]] = sitting
    return found


def _in_use(to: PostgresqlUrl, who: Iterable[Sitting], what: str) -> ActionFailed:
    listed = [str(each) for each in who]
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return tools.refusal(
        IN_USE,
        f"{to.masked} is in use by {'; '.join(listed[:_SHOWN])}{more}: stop them, or have them"
        f" ended with --end-sessions; {what}",
        Phase.PREFLIGHT,
        tools.facts(to, None, None),
        OBJECT_IN_USE,
    )


# ------------------------------------------------------------------ the swap


async def swap(
    to: PostgresqlUrl,
    target: Target | None,
    aside: str,
    before: Iterable[str],
    *,
    end_sessions: bool,
) -> None:
    """Give the unfinished database the name of *to*, whose own is *aside* from then on.

    *aside* is "" where there was none. *before* is run in the same
    transaction. Raises ``ActionFailed``: then nothing has changed.
    """
    ready = unfinished_name(to.database)
    renames = [_renamed(to.database, aside)] if aside else []
    statements = [*before, *renames, _renamed(ready, to.database)]
    async with maintenance(to, target) as administration:
        wanted = await _oid(administration, ready)
        try:
            await _swap(administration, to, target, statements, end_sessions=end_sessions)
        except ActionFailed:
            # The line may have been lost after the server had done it.
            if not await _is_done(to, target, wanted):
                raise


async def _swap(
    administration: Administration,
    to: PostgresqlUrl,
    target: Target | None,
    statements: list[str],
    *,
    end_sessions: bool,
) -> None:
    for attempt in range(1, _TRIES + 1):
        try:
            async with _Ending(to, target, wanted=end_sessions), administration.transaction():
                await administration.do(*statements)
        except ActionFailed as error:
            if error.failure.code != OBJECT_IN_USE:
                raise
            if attempt == _TRIES:
                who = await _sittings(administration, to.database)
                raise _in_use(to, who.values(), _by_hand(to)) from error
        else:
            return


class _Ending:
    """Ends every session in a database again and again for the time of a block.

    The rename has the database locked, so that who comes back waits for it;
    it stays open to all if we are killed meanwhile.
    """

    def __init__(self, to: PostgresqlUrl, target: Target | None, *, wanted: bool) -> None:
        self._to = to
        self._target = target
        self._wanted = wanted
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> None:
        if self._wanted:
            self._task = asyncio.ensure_future(self._end())

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _end(self) -> None:
        async with maintenance(self._to, self._target) as administration:
            while True:
                for pid, _ in await _sittings(administration, self._to.database):
                    with contextlib.suppress(ActionFailed):  # not ours to end: the swap tells
                        await administration.value("select pg_terminate_backend($1)", pid)
                await asyncio.sleep(_AGAIN)


async def _is_done(to: PostgresqlUrl, target: Target | None, wanted: int) -> bool:
    try:
        async with maintenance(to, target) as administration:
            return await _oid(administration, to.database) == wanted
    except ActionFailed:
        return False


async def _oid(administration: Administration, name: str) -> int:
    return int(
        await administration.value("select oid from pg_database where datname = $1", name) or 0
    )


def _renamed(old: str, new: str) -> str:
    return f"alter database {quoted(old)} rename to {quoted(new)}"


# ------------------------------------------------------------------ by hand


def way_back(to: PostgresqlUrl, aside: str, now: datetime) -> str:
    """Return the command that undoes a swap: one transaction, by ``psql``."""
    restored = _fitted(to.database, f"_restored_{now.astimezone(UTC):%Y%m%dT%H%M%SZ}")
    return _psql(to, _renamed(to.database, restored), _renamed(aside, to.database))


def _by_hand(to: PostgresqlUrl) -> str:
    aside = aside_name(to.database, datetime.now(UTC))
    ready = unfinished_name(to.database)
    command = _psql(to, _renamed(to.database, aside), _renamed(ready, to.database))
    return (
        f"what was restored is whole and waits as {ready}: once they are gone, either restore"
        f" again, or have it take its place by: {command}"
    )


def _psql(to: PostgresqlUrl, *statements: str) -> str:
    host, port = to.hosts[0]
    words = ["psql", f"--host={host}", f"--port={port}", f"--username={to.user}"]
    words += ["--dbname=postgres", "--command", "; ".join(statements)]
    return shlex.join(words)
