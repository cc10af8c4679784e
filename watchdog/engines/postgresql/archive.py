"""An archive of ``pg_dump`` on its way back: what it says of itself, and ``pg_restore``.

Owns: choosing the tools that can read it, its header, running ``pg_restore``
and telling how far it is, and which complaints of it are harmless. Must not
know: where the data goes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from watchdog import process
from watchdog.database_url import PostgresqlUrl
from watchdog.engines.postgresql import clients, tools
from watchdog.engines.postgresql.clients import Client
from watchdog.model import ActionFailed, Phase, Target

_FROM: Final = re.compile(r"^;\s+Dumped from database version: (\d+)", re.MULTILINE)
_NAME: Final = re.compile(r"^;\s+dbname: (.*)$", re.MULTILINE)

# A statement about owners or grants; pg_restore's own words are English, the
# server's need not be, so that its message is not looked at.
_ABOUT_ROLES: Final = re.compile(
    r"^Command was: *(?:(?:ALTER [^;]* OWNER TO |GRANT |REVOKE |ALTER DEFAULT PRIVILEGES )"
    r"|SET SESSION AUTHORIZATION )",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Archive:
    """An archive that can be read. ``major`` of the server it was taken from, 0 if unknown."""

    path: Path
    client: Client
    major: int
    database: str
    listing: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """How ``pg_restore`` is to be run.

    ``owners``: with owners and grants; otherwise all belongs to ``role``, or
    to who logs in. ``whole``: in one transaction. ``contents``: a file that
    names the entries that are meant, as ``--use-list`` takes it.
    """

    owners: bool = True
    role: str = ""
    whole: bool = True
    jobs: int = 1
    contents: Path | None = None

    @property
    def options(self) -> Sequence[str]:
        """Return the options."""
        found = ["--exit-on-error"]
        found += ["--single-transaction"] if self.whole and self.jobs == 1 else []
        found += [f"--jobs={self.jobs}"] if self.jobs > 1 else []
        found += [] if self.owners else ["--no-owner", "--no-acl"]
        found += [f"--role={self.role}"] if self.role else []
        found += [f"--use-list={self.contents}"] if self.contents is not None else []
        return found


async def look(path: Path, to: PostgresqlUrl, server_major: int) -> Archive:
    """Return the archive, with the tools of the server's own version if there are such.

    A newer ``pg_restore`` may set parameters that an older server does not
    know. Raises ``ActionFailed``.
    """
    installed = await clients.installed()
    named = tools.facts(to, None, path)
    if not installed:
        raise tools.refusal(
            tools.NOT_FOUND,
            f"there is no pg_restore on this machine: install postgresql-client-{server_major}",
            Phase.PREFLIGHT,
            {**named, "package": f"postgresql-client-{server_major}"},
            code="ENOENT",
        )
    complaint: process.Completed | None = None
    for client in sorted(installed, key=lambda each: (each.major < server_major, each.major)):
        output = bytearray()
        done = await process.run([client.pg_restore, "--list", str(path)], stdout=output.extend)
        if not tools.complained(done):
            return _described(path, client, output.decode("utf-8", "replace"))
        # The newest tools know best why.
        complaint = done if client == installed[0] or complaint is None else complaint
    assert complaint is not None
    what = f"the archive {path.name} cannot be read"
    raise tools.told(complaint, what, Phase.PREFLIGHT, named, "backup_not_an_archive")


async def pg_restore(
    archive: Archive,
    to: PostgresqlUrl,
    target: Target | None,
    wanted: Wanted,
    progress: Callable[[int], None],
) -> process.Completed:
    """Run ``pg_restore`` into *to* and return how it ended; *progress* is told what it has read."""
    reader = _Reader(progress)
    async with tools.login(to, target) as login:
        return await process.run(
            [
                archive.client.pg_restore,
                "--no-password",
                *wanted.options,
                f"--dbname={login.conninfo(archive.client.major)}",
                str(archive.path),
            ],
            env=login.environment,
            begun=reader.begin,
            poll=reader.look,
        )


complained = tools.complained


def about_roles(done: process.Completed) -> bool:
    """Whether owners or grants were in the way of it."""
    return _ABOUT_ROLES.search(done.raw_stderr) is not None


def failed(done: process.Completed, archive: Archive, to: PostgresqlUrl) -> ActionFailed:
    """Return the failure that ``pg_restore`` tells of."""
    what = f"the restore into {to.masked} failed and left nothing behind"
    return tools.told(done, what, Phase.QUERY, tools.facts(to, None, archive.path))


def _described(path: Path, client: Client, listing: str) -> Archive:
    taken_from, name = _FROM.search(listing), _NAME.search(listing)
    return Archive(
        path, client, int(taken_from[1]) if taken_from else 0, name[1] if name else "", listing
    )


class _Reader:
    """How much of the archive ``pg_restore`` and its workers have read, as the kernel counts it."""

    def __init__(self, progress: Callable[[int], None]) -> None:
        self._progress = progress
        self._pid = 0
        self._most = 0

    def begin(self, pid: int) -> None:
        """Learn which process it is."""
        self._pid = pid

    def look(self) -> None:
        """Tell how far it is."""
        self._most = max(self._most, sum(map(_read_by, _family(self._pid))))
        self._progress(self._most)


def _family(pid: int) -> list[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return [pid]
    return [pid, *map(int, children.split())]


def _read_by(pid: int) -> int:
    # Sockets are not in rchar: what is read is the archive, and little else.
    try:
        text = Path(f"/proc/{pid}/io").read_text()
    except OSError:
        return 0
    match = re.match(r"rchar: (\d+)", text)
    return int(match[1]) if match else 0
