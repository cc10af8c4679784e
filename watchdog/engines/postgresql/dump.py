"""The dump: ``pg_dump`` in its custom format, by the right binary, and reading it back.

Owns: the arguments of the tool, levels of proof of an archive. Must not know:
where backups are kept, when one is due.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from watchdog import hints, process
from watchdog.content import Content
from watchdog.database_url import PostgresqlUrl
from watchdog.engines import Produced, Proof
from watchdog.engines.postgresql import (
    clients,
    preflight,
    role_globals,
    tools,
    yielding,
)
from watchdog.engines.postgresql.clients import Client
from watchdog.engines.postgresql.instant import Instant, held
from watchdog.engines.postgresql.role_globals import Globals
from watchdog.engines.postgresql.wire import Timing
from watchdog.model import ActionFailed, BackupSettings, Failure, Phase, ProofMode, Target

# Seconds. A dump that waits for a lock holds every lock that it has already.
LOCK_WAIT: Final = 60.0
_SOON: Final = 10.0
_LINK: Final = "connection to server at"  # as libpq begins what it says of one
_SNAPSHOT: Final = "SET TRANSACTION SNAPSHOT"  # quoted by pg_dump, in whatever language it speaks
_COUNTING: Final = 6 * 3600.0
_READ_THROUGH: Final = 2
_NICE: Final = 10  # the client packs: others on this machine come first

_TABLE_DATA: Final = re.compile(rb"^\d+; \d+ (\d+) TABLE DATA ", re.MULTILINE)
_TABLE: Final = re.compile(rb"^\d+; \d+ \d+ TABLE (?!DATA |ATTACH )", re.MULTILINE)


def _selected(settings: BackupSettings | None) -> tuple[str, ...]:
    """Return the arguments for what is left out; a pattern that matches nothing is an error."""
    if settings is None or not (settings.include or settings.exclude):
        return ()
    wanted, unwanted = settings.include, settings.exclude
    return (
        *(("--strict-names",) if wanted else ()),
        *(f"--schema={pattern}" for pattern in wanted.schemas),
        *(f"--table={pattern}" for pattern in wanted.tables),
        *(f"--exclude-schema={pattern}" for pattern in unwanted.schemas),
        *(f"--exclude-table={pattern}" for pattern in unwanted.tables),
        *(f"--exclude-table-data={pattern}" for pattern in unwanted.data),
    )


async def produce(
    target: Target, url: PostgresqlUrl, into: Path, progress: Callable[[int], None]
) -> Produced:
    """Dump into *into*, and count what is dumped at the same instant beside it.

    Gives way to others, and up where nothing moves, as the target is
    configured. Raises ``ActionFailed``; the file is worth nothing then.
    """
    settings = target.backup
    limit = settings.yield_after if settings is not None else None
    if limit is None:
        return await _produce(target, url, into, progress)
    watcher = await preflight.session(url, target, Timing())
    try:
        return await yielding.unless_others_wait(
            _produce(target, url, into, progress),
            yielding.watch(watcher, limit, target.name, tools.facts(url, target, into)),
        )
    finally:
        await watcher.close()


async def _produce(
    target: Target, url: PostgresqlUrl, into: Path, progress: Callable[[int], None]
) -> Produced:
    try:
        return await _dump(target, url, into, progress)
    except _BeganBadlyError as error:
        # The session of the counts may be the one too many for the role or the server.
        why = f"the dump failed beside it: {error}"
        return await _dump(target, url, into, progress, uncounted=why)


class _BeganBadlyError(Exception):
    """A dump ended at once, while a session of ours held its snapshot."""


async def _dump(
    target: Target,
    url: PostgresqlUrl,
    into: Path,
    progress: Callable[[int], None],
    *,
    uncounted: str = "",
) -> Produced:
    """Dump; *uncounted* is why there are to be no counts."""
    client = await clients.newest()
    if client is None:
        raise preflight.no_client(None, target, url)
    method = await clients.compression(client)
    named = tools.facts(url, target, into)
    settings = target.backup
    stall = yielding.Stall(settings.no_progress if settings else _COUNTING, target.name, named)
    async with tools.login(url, target) as login, _instant(target, url, uncounted) as instant:

        def poll() -> None:
            size = _size(into)
            progress(size)
            stall.look(size)
            if size:  # it has locked its tables and read the catalogues
                instant.begin_counting()

        done = await process.run(
            [
                client.pg_dump,
                "--format=custom",
                f"--compress={method}",
                "--no-password",
                f"--lock-wait-timeout={int(LOCK_WAIT * 1000)}",
                *([f"--snapshot={instant.snapshot}"] if instant.snapshot else ()),
                *_selected(settings),
                f"--file={into}",
                f"--dbname={login.conninfo(client.major)}",
            ],
            env=login.environment,
            poll=poll,
            nice=_NICE,
        )
        if tools.complained(done):
            what = f"the dump of {target.name} failed"
            failed = tools.told(done, what, Phase.DUMP, named, _fallback(done))
            if instant.snapshot and done.duration < _SOON and _may_be_ours(failed.failure, done):
                raise _BeganBadlyError(failed.failure.message) from failed
            raise failed
        content = await instant.content((await list_of(client, into)).with_data)
        beside = await _globals(client, login, settings, into)
    details: dict[str, Any] = {"format": "custom", "compression": method}
    if beside is not None:
        details["globals"] = await asyncio.to_thread(beside.document)
    if _selected(settings):
        details["selection"] = list(_selected(settings))
        content = replace(content, schema="", objects={})  # a part has another shape
    return Produced(
        instant.recovery_point,
        {"pg_dump": client.version},
        warnings=(*tools.warnings_of(done), *_uncounted(content)),
        details=details,
        content=content,
        beside={role_globals.SUFFIX: beside.path} if beside and beside.path else {},
    )


def _fallback(done: process.Completed) -> str:
    """Return the cause where libpq lost the server, in words of its own, and was told none."""
    text = done.raw_stderr
    return "server_closed_connection" if _LINK in text and "FATAL" not in text else ""


def _may_be_ours(failure: Failure, done: process.Completed) -> bool:
    """Tell whether a dump failed of our session: of its place, or of a snapshot not to be had."""
    return failure.hint in hints.SATURATION or _SNAPSHOT in done.raw_stderr


async def _globals(
    client: Client, login: tools.Login, settings: BackupSettings | None, into: Path
) -> Globals | None:
    """Write roles and tablespaces beside the dump, if they are wanted."""
    if settings is None or not settings.role_globals:
        return None
    name = into.name.replace(".dump.", f".{role_globals.SUFFIX}.")
    return await role_globals.write(client, login, into.with_name(name))


@asynccontextmanager
async def _instant(target: Target, url: PostgresqlUrl, why: str = "") -> AsyncIterator[Instant]:
    """Hold an instant of the database for the time of a dump; without one the dump goes on."""
    settings = target.backup
    mode = settings.proof if settings is not None else ProofMode.AUTO
    connection = None
    if mode is not ProofMode.OFF and not why:
        try:
            connection = await preflight.session(url, target, Timing())
        except ActionFailed as error:
            why = f"no session for it: {error.failure.message}"
    limit = settings.timeout if settings is not None else _COUNTING
    async with held(connection, mode, limit, why) as instant:
        yield instant


def _uncounted(content: Content) -> tuple[str, ...]:
    """Return a warning if what should have been counted was not; ``proof: off`` is a choice."""
    why = content.why_incomplete
    return () if not why or why.startswith("proof: ") else (f"without all counts: {why}",)


async def prove(target: Target | None, artefact: Path) -> Proof:
    """Read the archive through to its end: ``--list`` alone misses a file cut in half.

    Raises ``ActionFailed``.
    """
    named = tools.facts(None, target, artefact)
    what = f"the archive {artefact.name} cannot be read back"
    client = await clients.newest()
    if client is None:
        raise tools.refusal(
            tools.NOT_FOUND,
            f"{what}: there is no pg_restore on this machine: install postgresql-client",
            Phase.VERIFY,
            named,
            code="ENOENT",
        )
    listed = await list_of(client, artefact)
    if tools.complained(listed.done):
        raise tools.told(listed.done, what, Phase.VERIFY, named, "backup_not_an_archive")
    # Written as SQL to nowhere, every compressed block has to be unpacked.
    done = await process.run([client.pg_restore, "--file=/dev/null", str(artefact)])
    if tools.complained(done):
        raise tools.told(done, what, Phase.VERIFY, named, "backup_truncated")
    return Proof(_READ_THROUGH, tables=listed.tables)


@dataclass(frozen=True, slots=True)
class Listed:
    """What ``pg_restore --list`` says of an archive; ``with_data`` are the oids of tables."""

    done: process.Completed
    tables: int
    with_data: frozenset[int]


async def list_of(client: Client, artefact: Path) -> Listed:
    """List an archive."""
    output = bytearray()
    done = await process.run([client.pg_restore, "--list", str(artefact)], stdout=output.extend)
    data = frozenset(int(oid) for oid in _TABLE_DATA.findall(output))
    return Listed(done, len(_TABLE.findall(output)), data)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
