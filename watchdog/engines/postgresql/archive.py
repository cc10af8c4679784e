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

# Which statement failed is looked at, and not the server's message: pg_restore's
# own words are English, the server's need not be.
_BLOCK: Final = re.compile(r"^pg_restore: error: ", re.MULTILINE)
_COMMAND: Final = re.compile(r"^Command was: *(.*)", re.MULTILINE)
_IGNORED: Final = re.compile(
    r"^pg_restore: warning: errors ignored on restore: (\d+)", re.MULTILINE
)
_ABOUT_ROLES: Final = re.compile(
    r"(?:ALTER [^;]* OWNER TO |GRANT |REVOKE |ALTER DEFAULT PRIVILEGES |SET SESSION AUTHORIZATION )"
)
# A parameter that an older server does not know, and what every database has already.
_HARMLESS: Final = re.compile(r"(?:SET \w+ = |CREATE SCHEMA public;)")
_SMALL: Final = re.compile(r"COMMENT ON (?:EXTENSION|SCHEMA public) ")


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
    to who logs in. ``patient``: go on after an error and judge at the end, for
    what one transaction cannot get over. ``contents``: a file that names the
    entries that are meant, as ``--use-list`` takes it.
    """

    owners: bool = True
    role: str = ""
    patient: bool = False
    jobs: int = 1
    contents: Path | None = None

    @property
    def whole(self) -> bool:
        """Whether it goes in one transaction, so that a failure leaves nothing."""
        return self.jobs == 1 and not self.patient

    @property
    def options(self) -> Sequence[str]:
        """Return the options."""
        found = [] if self.patient else ["--exit-on-error"]
        found += ["--single-transaction"] if self.whole else []
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


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the complaints of ``pg_restore`` come to.

    ``ok``: everything is there. ``roles``: owners or grants were in the way,
    ``patience``: something harmless was. ``notes``: what is told of it.
    """

    ok: bool
    roles: bool = False
    patience: bool = False
    notes: tuple[str, ...] = ()


def judge(done: process.Completed, wanted: Wanted) -> Verdict:
    """Tell what came of a run."""
    if not tools.complained(done):
        return Verdict(ok=True)
    commands = [_command(block) for block in _BLOCK.split(done.raw_stderr)[1:]]
    small = [command for command in commands if _SMALL.match(command)]
    harmless = all(_HARMLESS.match(command) or _SMALL.match(command) for command in commands)
    if wanted.patient and commands and harmless and _all_told(done, len(commands)):
        return Verdict(ok=True, notes=tuple(f"left out: {command}" for command in small))
    return Verdict(
        ok=False,
        roles=wanted.owners and any(map(_ABOUT_ROLES.match, commands)),
        patience=not wanted.patient and bool(commands) and harmless,
    )


def _command(block: str) -> str:
    found = _COMMAND.search(block)
    return found[1] if found else ""


def _all_told(done: process.Completed, told: int) -> bool:
    """Whether we have seen every error: of a long stderr only the end is kept."""
    found = _IGNORED.search(done.raw_stderr)
    return found is not None and int(found[1]) == told


def failed(done: process.Completed, archive: Archive, to: PostgresqlUrl) -> ActionFailed:
    """Return the failure that ``pg_restore`` tells of."""
    what = f"the restore into {to.masked} failed; what was there is as it was"
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
