"""Running PostgreSQL's tools: how they log in and what their words mean.

Owns: the private passfile, the connection string, and the step from a
tool's stderr to a failure. Must not know: dumping, restoring.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from watchdog import hints
from watchdog.database_url import PostgresqlUrl
from watchdog.engines.postgresql.connection import APPLICATION
from watchdog.engines.postgresql.credentials import Credentials
from watchdog.engines.postgresql.failures import facts_of
from watchdog.hints import Evidence
from watchdog.model import ActionFailed, Failure, Kind, Phase, Target
from watchdog.process import Completed
from watchdog.secret import Secret, mask

NOT_FOUND: Final = "pg_dump_not_found"
TOO_OLD: Final = "version_mismatch_pg_dump"
KILLED: Final = "backup_tool_killed"

_PREFIX: Final = "db-watchdog-login-"
_CONFIDENT: Final = 0.4
_LONGEST: Final = 600  # characters of a tool's own words in a message

# A peer that vanished is noticed within a minute and a half, even while a
# long COPY only receives. What the URL says comes before this.
_LINE: Final = {
    "connect_timeout": "15",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "6",
    "tcp_user_timeout": "90000",
}
_TCP_USER_TIMEOUT_SINCE: Final = 12


@dataclass(frozen=True, slots=True)
class Login:
    """How a tool logs in: nothing in it is secret, the passfile it names is."""

    url: PostgresqlUrl
    folder: Path | None
    environment: Mapping[str, str]

    def conninfo(self, client: int) -> str:
        """Return the connection string for a tool of major version *client*."""
        line = {**_LINE, **self.url.libpq_parameters(client)}
        if client < _TCP_USER_TIMEOUT_SINCE:
            line.pop("tcp_user_timeout", None)
        return self.url.libpq_conninfo(client, **line, application_name=APPLICATION)


async def password_of(url: PostgresqlUrl, target: Target | None) -> Secret | None:
    """Return the password for *url*; the target's file serves its own login alone."""
    if target is None or target.password_file is None:
        return url.password
    assert isinstance(target.url, PostgresqlUrl)
    own = (url.user, url.server_name) == (target.url.user, target.url.server_name)
    if not own and url.password is not None:
        return url.password
    return await Credentials(url, target.password_file).password()


@asynccontextmanager
async def login(url: PostgresqlUrl, target: Target | None = None) -> AsyncIterator[Login]:
    """Give a tool its login; what it has to keep secret is in a folder that is removed after."""
    url = replace(url, password=await password_of(url, target))
    if url.password is None and url.sslpassword is None:
        yield Login(url, None, {})
        return
    await asyncio.to_thread(_sweep)
    prefix = f"{_PREFIX}{os.getpid()}-"
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix=prefix))
    try:
        yield Login(url, folder, _secrets(url, folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sweep() -> None:
    """Remove the folders of processes of ours that were killed: a passfile may be in them."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*-*"):
        owner = folder.name.removeprefix(_PREFIX).split("-")[0]
        with contextlib.suppress(OSError):
            ours = folder.lstat().st_uid == os.geteuid() and not folder.is_symlink()
            if ours and owner.isdecimal() and not Path("/proc", owner).exists():
                shutil.rmtree(folder, ignore_errors=True)


def _secrets(url: PostgresqlUrl, folder: Path) -> dict[str, str]:
    environment = {}
    if url.password is not None:
        passfile = folder / "passfile"
        _write(passfile, url.passfile_text())
        environment["PGPASSFILE"] = str(passfile)
    if url.sslpassword is not None:
        service = folder / "service"
        _write(service, f"[db-watchdog]\nsslpassword={url.sslpassword.reveal()}\n")
        environment |= {"PGSERVICEFILE": str(service), "PGSERVICE": "db-watchdog"}
    return environment


def _write(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")


# ------------------------------------------------------------------ what went wrong


def refusal(
    hint: str, message: str, phase: Phase, facts: Mapping[str, str], code: str = ""
) -> ActionFailed:
    """Return a failure with a cause that we have found ourselves."""
    return ActionFailed(Failure(Kind.BACKUP, mask(message), phase, code, _known(hint), facts))


def told(
    done: Completed, what: str, phase: Phase, facts: Mapping[str, str], fallback: str = ""
) -> ActionFailed:
    """Return what a tool's stderr tells; it is all that the tool gives (its status is always 1).

    *fallback* is the cause where the text names none.
    """
    if done.returncode < 0:
        return _killed(done, what, phase, facts)
    text = done.raw_stderr
    found = hints.match(Evidence(engine="postgresql", phase=phase, text=text, facts=facts))
    best = found[0].id if found and found[0].confidence >= _CONFIDENT else _known(fallback)
    kind = hints.family_of(best) if best else Kind.BACKUP
    words = _short(done.stderr) or f"{done.program} ended with status {done.returncode}"
    return ActionFailed(Failure(kind, f"{what}: {words}", phase, "", best, facts))


def _killed(done: Completed, what: str, phase: Phase, facts: Mapping[str, str]) -> ActionFailed:
    number = -done.returncode
    name = signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"
    words = f"{what}: {done.program} was ended by {name}, which a person sent, or the kernel"
    words = f"{words} for want of memory (`dmesg -T | grep -i killed` tells)"
    return refusal(KILLED, words, phase, {**facts, "program": done.program})


def facts(url: PostgresqlUrl | None, target: Target | None, path: Path | None) -> dict[str, str]:
    """Return what fills the steps of a hint."""
    found = facts_of(url, target.name if target else "") if url is not None else {}
    return {**found, **({"path": str(path)} if path is not None else {})}


def warnings_of(done: Completed) -> tuple[str, ...]:
    """Return the warnings that a tool wrote; details and hints of PostgreSQL stay with them."""
    found: list[str] = []
    for line in done.stderr.splitlines():
        if match := re.match(r"\w+: warning: (.*)", line):
            found.append(match[1])
        elif found and re.match(r"\w+: (?:detail|hint): ", line):
            found[-1] += "; " + line.split(": ", 2)[2]
    return tuple(found)


def complained(done: Completed) -> bool:
    """Whether the tool failed: its status says so, or an error that it went over."""
    return (
        done.returncode != 0 or re.search(r"^\w+: error: ", done.stderr, re.MULTILINE) is not None
    )


def _short(text: str) -> str:
    lines = [re.sub(r"^pg_(?:dump|restore): (?:error: )?", "", line) for line in text.splitlines()]
    joined = " / ".join(line.strip() for line in lines if line.strip())
    return joined if len(joined) <= _LONGEST else joined[: _LONGEST - 1] + "…"


def _known(cause: str) -> str:
    try:
        hints.family_of(cause)
    except KeyError:
        return ""
    return cause
