"""A PostgreSQL server of our own for the time of a restore drill.

Owns: finding the server's programs, a cluster in a scratch folder that only
its own user can reach (a socket there, no TCP), and that it ends with us.
Must not know: what is restored into it.

PostgreSQL refuses to run as root. A root of ours runs it in a user namespace
where it is nobody; where that is forbidden, as the user ``postgres``, or else
``nobody``, of this machine.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import re
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from watchdog import process
from watchdog.database_url import PostgresqlUrl
from watchdog.engines import _drills
from watchdog.engines.postgresql import clients
from watchdog.errors import WatchdogError

SUPERUSER: Final = "postgres"
_PORT: Final = 5432  # of the socket's name alone
_INITDB: Final = 120.0
_START: Final = 60.0
_STOP: Final = 20.0
_GRACE: Final = 5.0
_LOOK: Final = 10.0
_NICE: Final = 10
_TURN: Final = 0.05
_LONGEST_SOCKET: Final = 90  # the kernel's limit is 107 bytes with the file's name
_SHORT: Final = Path("/tmp")  # noqa: S108 - a folder of our own in it
_USERS: Final = ("postgres", "nobody")
_STATE_LINE: Final = 7  # of postmaster.pid
_ENCODING: Final = re.compile(r"[A-Za-z0-9_]+")

# What is lost in a crash here is lost with the folder anyway; a restore in one
# transaction locks every table of the database.
_SETTINGS: Final = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "1GB",
    "autovacuum": "off",
    "shared_buffers": "64MB",
    "maintenance_work_mem": "128MB",
    "max_connections": "20",
    "max_locks_per_transaction": "4096",
    "jit": "off",
    "lc_messages": "C",
    "timezone": "UTC",
    "logging_collector": "off",
    "log_min_messages": "fatal",
}


class NoServerError(WatchdogError):
    """There is no server to be had on this machine; the text says why."""


@dataclass(frozen=True, slots=True)
class Programs:
    """An installation with a server; ``major`` its version."""

    folder: Path
    major: int

    def __str__(self) -> str:
        return f"PostgreSQL {self.major} in {self.folder}"


async def programs(at_least: int) -> Programs | None:
    """Return the server programs of version *at_least*, or else the next later ones."""
    found = [
        Programs(client.folder, client.major)
        for client in await clients.installed()
        if all((client.folder / name).is_file() for name in ("initdb", "postgres", "pg_ctl"))
    ]
    fitting = [each for each in found if each.major >= at_least]
    return min(fitting, key=lambda each: each.major, default=None)


@asynccontextmanager
async def running(found: Programs, folder: Path, encoding: str) -> AsyncIterator[PostgresqlUrl]:
    """Run a new server below *folder* for the time of the block; yield its superuser's URL.

    Raises ``NoServerError``.
    """
    wrapper, owner = await _wrapper()
    data = folder / "data"
    async with _socket_folder(folder) as sockets:
        await asyncio.to_thread(_prepare, (data, sockets), owner)
        await _initdb([*wrapper, str(found.folder / "initdb")], data, encoding)
        settings = [f"--{name}={value}" for name, value in _SETTINGS.items()]
        command = [*wrapper, str(found.folder / "postgres"), "-D", str(data), "-k", str(sockets)]
        server = asyncio.ensure_future(
            process.run([*command, *settings], cwd=data, nice=_NICE, grace=_GRACE)
        )
        try:
            await _until_ready(server, data)
            yield PostgresqlUrl(((str(sockets), _PORT),), SUPERUSER, "postgres")
        finally:
            await asyncio.shield(_stop([*wrapper, str(found.folder / "pg_ctl")], data, server))


def prepare_tablespace(folder: Path, number: int) -> Path:
    """Make a folder for a tablespace, owned as the server's own are."""
    place = folder / "tablespaces" / str(number)
    place.mkdir(parents=True)
    made_by = (folder / "data").stat()
    for path in (place.parent, place):
        os.chown(path, made_by.st_uid, made_by.st_gid)
    return place


# ------------------------------------------------------------------ the parts


async def _wrapper() -> tuple[list[str], tuple[int, int] | None]:
    """Return the command before PostgreSQL's programs, and whose files are to be, if not ours."""
    if os.geteuid() != 0:
        return [], None
    setpriv, unshare = shutil.which("setpriv"), shutil.which("unshare")
    # Whoever changes the user forgets that it should die with us: said again.
    dying = [setpriv, "--pdeathsig", "KILL"] if setpriv else []
    if unshare:
        inside = [unshare, "--user", "--map-user=65534", "--map-group=65534", *dying]
        if await _works([*inside, "true"]):
            return inside, None
    for name in _USERS:
        with contextlib.suppress(KeyError):
            user = pwd.getpwnam(name)
            as_user = [*dying, f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
            if dying and await _works([*as_user, "true"]):
                return as_user, (user.pw_uid, user.pw_gid)
    raise NoServerError(
        "PostgreSQL does not run as root, and there is no way to another user here (unshare,"
        " setpriv and the user postgres): run db-watchdog as another user, or set drill.server"
    )


async def _works(command: Sequence[str]) -> bool:
    try:
        return (await process.run(command, deadline=_LOOK)).returncode == 0
    except WatchdogError:
        return False


@asynccontextmanager
async def _socket_folder(folder: Path) -> AsyncIterator[Path]:
    """Give a place for the socket: below *folder*, or nearer the root where that is too deep."""
    if len(os.fsencode(folder)) <= _LONGEST_SOCKET:
        yield folder / "s"
        return
    async with _drills.folder(_SHORT, lambda: 0) as short:
        yield short / "s"


def _prepare(inner: Sequence[Path], owner: tuple[int, int] | None) -> None:
    """Make the folders of data and of sockets, for the server's own user alone."""
    for path in inner:
        path.parent.chmod(0o711 if owner else 0o700)
        path.mkdir(mode=0o700)
        if owner is not None:
            os.chown(path, *owner)


async def _initdb(command: Sequence[str], data: Path, encoding: str) -> None:
    arguments = ["-D", str(data), "-U", SUPERUSER, "-N", "--no-locale", "--auth=trust"]
    if not _ENCODING.fullmatch(encoding):
        raise NoServerError(f"no server can be made with the encoding {encoding!r}")
    try:
        done = await process.run(
            [*command, *arguments, "-E", encoding], cwd=data.parent, deadline=_INITDB
        )
    except WatchdogError as error:
        raise NoServerError(f"no server can be made in {data}: {error}") from error
    if done.returncode != 0:
        raise NoServerError(f"no server can be made in {data}: {done.stderr}")


async def _until_ready(server: asyncio.Future[process.Completed], data: Path) -> None:
    state = data / "postmaster.pid"
    try:
        async with asyncio.timeout(_START):
            while _state(state) != "ready":
                if server.done():
                    raise NoServerError(f"the server in {data} ended: {server.result().stderr}")
                await asyncio.sleep(_TURN)
    except TimeoutError as error:
        raise NoServerError(f"the server in {data} was not ready after {_START:g} s") from error


def _state(path: Path) -> str:
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return ""
    return lines[_STATE_LINE].strip() if len(lines) > _STATE_LINE else ""


async def _stop(
    pg_ctl: Sequence[str], data: Path, server: asyncio.Future[process.Completed]
) -> None:
    """End the server at once: nothing in it is worth a checkpoint."""
    with contextlib.suppress(WatchdogError):
        if not server.done():
            arguments = ["stop", "-D", str(data), "-m", "immediate", "-t", f"{_STOP:g}"]
            await process.run([*pg_ctl, *arguments], cwd=data, deadline=_STOP + _GRACE)
    server.cancel()
    await asyncio.wait([server])
    if not server.cancelled():
        server.exception()  # it has ended, however that was
