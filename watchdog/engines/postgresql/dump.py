"""The dump: ``pg_dump`` in its custom format, by the right binary, and reading it back.

Owns: looking before it starts, the arguments of the tool, levels of proof of
an archive. Must not know: where backups are kept, when one is due.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import asyncpg

from watchdog import hints, process
from watchdog.content import Content
from watchdog.database_url import PostgresqlUrl
from watchdog.engines import Preflight, Produced, Proof
from watchdog.engines.postgresql import (
    clients,
    identity,
    pooling,
    role_globals,
    tools,
    yielding,
)
from watchdog.engines.postgresql.clients import Client
from watchdog.engines.postgresql.connection import Connection, Limits, Poolers, connect
from watchdog.engines.postgresql.credentials import Credentials
from watchdog.engines.postgresql.errors import LineError
from watchdog.engines.postgresql.failures import classify, timed_out
from watchdog.engines.postgresql.instant import Instant, held
from watchdog.engines.postgresql.role_globals import Globals
from watchdog.engines.postgresql.wire import Timing
from watchdog.model import ActionFailed, BackupSettings, Failure, Phase, ProofMode, Target

# Seconds. A dump that waits for a lock holds every lock that it has already.
LOCK_WAIT: Final = 60.0
_LOGIN: Final = 15.0
_STATEMENT: Final = 30.0
_SOON: Final = 10.0
_SNAPSHOT: Final = "SET TRANSACTION SNAPSHOT"  # quoted by pg_dump, in whatever language it speaks
_COUNTING: Final = 6 * 3600.0
_READ_THROUGH: Final = 2
_NICE: Final = 10  # the client packs: others on this machine come first

# The archive holds no indexes and is packed: rather too little than a refusal
# of a backup that would have fitted.
_SHARE_OF_DATABASE: Final = 4
_EMPTY_DATABASE: Final = 7 << 20  # bytes of system catalogues, which no dump holds

_LOOK: Final = """
select current_setting('server_version_num')::int as number,
       current_setting('server_version') as version,
       pg_catalog.pg_database_size(pg_catalog.current_database()) as size
"""
_TABLE_DATA: Final = re.compile(rb"^\d+; \d+ (\d+) TABLE DATA ", re.MULTILINE)
_TABLE: Final = re.compile(rb"^\d+; \d+ \d+ TABLE (?!DATA |ATTACH )", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Seen:
    """What the look before a dump has shown; ``size`` of the database in bytes.

    ``warning`` is what is to be told of the way to it, "" for nothing.
    """

    major: int
    version: str
    size: int
    identity: Mapping[str, Any]
    warning: str = ""


async def preflight(target: Target, url: PostgresqlUrl) -> Preflight:
    """Look with a session, choose the client. Raises ``ActionFailed``."""
    seen = await _look(target, url)
    client = await _client_for(seen, target, url)
    return Preflight(
        {"server": seen.version, "pg_dump": client.version},
        estimated_bytes=max(0, seen.size - _EMPTY_DATABASE) // _SHARE_OF_DATABASE,
        identity=seen.identity,
        warnings=(seen.warning,) if seen.warning else (),
    )


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
    watcher = await session(url, target, Timing())
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
        raise _no_client(None, target, url)
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
            failed = tools.told(done, f"the dump of {target.name} failed", Phase.DUMP, named)
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
            connection = await session(url, target, Timing())
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


# ------------------------------------------------------------------ looking first


async def session(url: PostgresqlUrl, target: Target | None, timing: Timing) -> Connection:
    """Log in with a session of our own. Raises ``ActionFailed``."""
    limits = Limits(login=_LOGIN, statement=_STATEMENT)
    url = replace(url, password=await tools.password_of(url, target))
    named = tools.facts(url, target, None)
    try:
        async with asyncio.timeout(_LOGIN):
            return await connect(url, Credentials(url), timing, limits, Poolers())
    except TimeoutError as error:
        failure = timed_out(timing.phase, _LOGIN, named)
        raise ActionFailed(failure) from error
    except (OSError, LineError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise ActionFailed(classify(error, timing.phase, named)) from error


async def _look(target: Target, url: PostgresqlUrl) -> Seen:
    timing = Timing()
    connection = await session(url, target, timing)
    named = tools.facts(url, target, None)
    try:
        warning = await pooling.warning_for(
            connection, target, url, lambda: session(url, target, Timing())
        )
        row: Any = await connection.driver.fetchrow(_LOOK, timeout=_STATEMENT)
        which = await identity.read(connection, row["size"], _STATEMENT)
    except TimeoutError as error:
        raise ActionFailed(timed_out(Phase.PREFLIGHT, _STATEMENT, named)) from error
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise ActionFailed(classify(error, Phase.PREFLIGHT, named)) from error
    finally:
        await connection.close()
    return Seen(row["number"] // 10000, row["version"], row["size"], which, warning)


async def _client_for(seen: Seen, target: Target, url: PostgresqlUrl) -> Client:
    client = await clients.newest()
    if client is None:
        raise _no_client(seen, target, url)
    package = f"postgresql-client-{seen.major}"
    if client.major < seen.major:
        raise tools.refusal(
            tools.TOO_OLD,
            f"the newest pg_dump here is {client.version} ({client.pg_dump}) and cannot dump"
            f" {target.name}, whose server is {seen.version}: install {package}",
            Phase.PREFLIGHT,
            {
                **tools.facts(url, target, None),
                "version": str(seen.major),
                "server_version": seen.version,
                "client_version": client.version,
                "package": package,
            },
        )
    return client


def _no_client(seen: Seen | None, target: Target, url: PostgresqlUrl) -> ActionFailed:
    package = f"postgresql-client-{seen.major}" if seen else "postgresql-client"
    return tools.refusal(
        tools.NOT_FOUND,
        f"there is no pg_dump on this machine to back {target.name} up: install {package},"
        f" or name its folder in {clients.VARIABLE}",
        Phase.PREFLIGHT,
        {
            **tools.facts(url, target, None),
            "package": package,
            **({"version": str(seen.major), "server_version": seen.version} if seen else {}),
        },
        code="ENOENT",
    )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
