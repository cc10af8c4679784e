"""The password file, as libpq reads it: ``~/.pgpass``, ``PGPASSFILE`` or the URL's ``passfile``.

Owns: its format, which the driver reads wrongly where a password has a colon
or backslash. Must not know: logins.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from watchdog.secret import Secret

_FIELDS = 5


@dataclass(frozen=True, slots=True)
class Found:
    """What the file says. ``ignored``: others may read it, so that libpq would not believe it."""

    password: Secret | None = None
    ignored: bool = False


def path_of(parameters: Mapping[str, str]) -> Path:
    """Return which file counts."""
    named = parameters.get("passfile") or os.environ.get("PGPASSFILE")
    return Path(named or os.path.expanduser("~/.pgpass"))  # noqa: PTH111 - there may be no home


def look_up(path: Path, host: str, port: int, database: str, user: str) -> Found:
    """Return the password of the first line that fits; reads the file."""
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            return Found()
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            return Found(ignored=True)
        lines = path.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return Found()
    hosts = {host, "localhost"} if host.startswith("/") else {host}
    for line in lines:
        fields = _fields(line)
        if len(fields) != _FIELDS or line.startswith("#"):
            continue
        asked = (hosts, {str(port)}, {database}, {user})
        if all(field == "*" or field in fit for field, fit in zip(fields, asked, strict=False)):
            return Found(Secret(fields[-1]))
    return Found()


def _fields(line: str) -> list[str]:
    """Split at colons; a backslash takes the next character as it is."""
    fields = [""]
    characters = iter(line)
    for character in characters:
        if character == "\\":
            fields[-1] += next(characters, "")
        elif character == ":" and len(fields) < _FIELDS:
            fields.append("")
        else:
            fields[-1] += character
    return fields
