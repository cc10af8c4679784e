"""Giving way and giving up: a dump that others wait behind, or that gets nowhere, is ended.

Owns: looking, on a session of its own, who waits for a lock that a session of
ours holds, and for how long; and how long a dump may write nothing. Must not
know: tools, archives.

``pg_locks`` and ``pg_blocking_pids()`` may be asked by every role; of whom it
is, a role without ``pg_read_all_stats`` sees the name alone
(https://www.postgresql.org/docs/current/view-pg-locks.html).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn, TypeVar

from watchdog.engines.postgresql import tools
from watchdog.engines.postgresql.connection import APPLICATION, Connection
from watchdog.model import ActionFailed, Failure, Kind, Phase

T = TypeVar("T")

# Seconds. Each look takes the partitions of the lock table for a moment.
_PERIOD: Final = 2.0
_PATIENCE: Final = 10.0
_SHOWN: Final = 3

# Ours are the sessions of this role that bear our name: the dump's and the one
# that counts. What is not of this database has no relation that could be named.
_WAITERS: Final = """
with ours as materialized (
  select array_agg(pid) as pids from pg_catalog.pg_stat_activity
   where application_name = $1 and usename = current_user)
select l.pid, l.mode, l.relation::bigint as relation, a.usename::text as usename,
       coalesce(nullif(a.application_name, ''), a.client_addr::text, '') as client,
       case when l.database = (select oid from pg_catalog.pg_database
                                where datname = pg_catalog.current_database())
            then l.relation::pg_catalog.regclass::text end as name
  from pg_catalog.pg_locks l left join pg_catalog.pg_stat_activity a using (pid), ours
 where not l.granted and l.pid <> all (ours.pids)
   and pg_catalog.pg_blocking_pids(l.pid) && ours.pids
"""


@dataclass(frozen=True, slots=True)
class Waiter:
    """A session that waits behind us, since when (monotonic seconds), and for what."""

    pid: int
    since: float
    words: str


class Queue:
    """Who has been seen waiting behind us, from one look to the next."""

    def __init__(self) -> None:
        self._known: dict[tuple[Any, ...], Waiter] = {}

    def look(self, rows: list[Mapping[str, Any]], now: float) -> list[Waiter]:
        """Take in what a look has shown; return who waits, the longest first."""
        seen = {}
        for row in rows:
            key = (row["pid"], row["mode"], row["relation"])
            seen[key] = self._known.get(key) or Waiter(row["pid"], now, _words(row))
        self._known = seen
        return sorted(seen.values(), key=lambda waiter: (waiter.since, waiter.pid))


async def unless_others_wait(work: Coroutine[Any, Any, T], watch: Coroutine[Any, Any, Any]) -> T:
    """Do *work* until *watch* raises; one that cannot look any more lets the work go on."""
    tasks = working, watching = asyncio.ensure_future(work), asyncio.ensure_future(watch)
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if watching.done() and not working.done():
            error = watching.exception()
            if isinstance(error, ActionFailed):
                raise error
            await asyncio.wait([working])
        return await working
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        for task in tasks:
            if not task.cancelled():
                task.exception()  # it has been taken in, or comes too late to matter


async def watch(
    connection: Connection, limit: float, target: str, facts: Mapping[str, str]
) -> NoReturn:
    """Look until somebody has waited *limit* seconds behind us; raise ``ActionFailed`` then.

    Raises what the driver raises if the session is lost, and ``TimeoutError``.
    """
    queue = Queue()
    while True:
        await asyncio.sleep(min(_PERIOD, limit))
        rows = await connection.driver.fetch(_WAITERS, APPLICATION, timeout=_PATIENCE)
        now = time.monotonic()
        waiters = queue.look(rows, now)
        if waiters and now - waiters[0].since >= limit:
            raise _gave_way(waiters, now - waiters[0].since, target, facts)


def _gave_way(
    waiters: list[Waiter], seconds: float, target: str, facts: Mapping[str, str]
) -> ActionFailed:
    named = "; ".join(waiter.words for waiter in waiters[:_SHOWN])
    rest = len(waiters) - _SHOWN
    more = f" and {rest} more" if rest > 0 else ""
    return tools.refusal(
        "backup_yielded",
        f"the dump of {target} gave way: {named}{more} had waited {seconds:.0f} s behind its locks",
        Phase.DUMP,
        {**facts, "process": waiters[0].words, "pid": str(waiters[0].pid)},
        code="EAGAIN",  # it is tried again later
    )


def _words(row: Mapping[str, Any]) -> str:
    who = row["usename"] or "a session"
    client = f" ({row['client']})" if row["client"] else ""
    wants = f", {row['mode']} on {row['name']}" if row["name"] else ""
    return f"{who}{client}, pid {row['pid']}{wants}"


class Stall:
    """Ends a dump that has written nothing for too long."""

    def __init__(self, limit: float, target: str, named: Mapping[str, str]) -> None:
        self._limit = limit
        self._target = target
        self._named = named
        self._size = 0
        self._moved_at = time.monotonic()

    def look(self, size: int) -> None:
        """Take in how large the file is now. Raises ``ActionFailed``."""
        now = time.monotonic()
        if size != self._size:
            self._size, self._moved_at = size, now
        elif now - self._moved_at > self._limit:
            raise ActionFailed(
                Failure(
                    Kind.TIMEOUT,
                    f"the dump of {self._target} wrote nothing for {self._limit:g} s and was"
                    " ended: see what it waits for, or raise backup.no_progress",
                    Phase.DUMP,
                    hint="backup_timeout",
                    facts=self._named,
                )
            )
