"""``pg_service.conf``: the parameters that ``service=NAME`` stands for.

Owns: where the file is looked for and how it is read, both as libpq does.
Must not know: what the parameters mean.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from watchdog.database_url.types import DatabaseUrlError

_SYSTEM_FOLDERS: Final = ("/etc/postgresql-common", "/etc", "/usr/local/etc")
_NAME: Final = "pg_service.conf"


def home(environ: Mapping[str, str]) -> Path | None:
    """Return the home folder: ``HOME``, or the one of the account."""
    if environ.get("HOME"):
        return Path(environ["HOME"])
    try:
        return Path(pwd.getpwuid(os.geteuid()).pw_dir)
    except KeyError:
        return None


def lookup(service: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters of *service*. Raises ``DatabaseUrlError`` if no file has it."""
    files = _files(environ)
    for file in files:
        found = _section(file, service)
        if found is not None:
            return found
    places = ", ".join(str(file) for file in files) or "no place: HOME is not set"
    raise DatabaseUrlError(
        f"the service {service!r} is not defined (looked in {places}): add a section "
        f"[{service}] or set PGSERVICEFILE"
    )


def _files(environ: Mapping[str, str]) -> list[Path]:
    files = []
    folder = home(environ)
    if environ.get("PGSERVICEFILE"):
        files.append(Path(environ["PGSERVICEFILE"]))
    elif folder is not None:
        files.append(folder / ".pg_service.conf")
    if environ.get("PGSYSCONFDIR"):
        files.append(Path(environ["PGSYSCONFDIR"]) / _NAME)
    else:
        files.extend(Path(system) / _NAME for system in _SYSTEM_FOLDERS)
    return files


def _section(file: Path, service: str) -> dict[str, str] | None:
    try:
        text = file.read_text(encoding="utf-8", errors="surrogateescape")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DatabaseUrlError(f"{file} cannot be read: {error.strerror}") from None
    found: dict[str, str] | None = None
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith("["):
            if found is not None:
                return found
            if line == f"[{service}]":
                found = {}
        elif found is not None:
            _add(found, line, file, number)
    return found


def _add(found: dict[str, str], line: str, file: Path, number: int) -> None:
    if line.startswith("ldap"):
        raise DatabaseUrlError(
            f"{file}:{number}: LDAP look-up is not possible: write the parameters"
        )
    key, equals, value = line.partition("=")
    if not equals:
        raise DatabaseUrlError(f"{file}:{number}: write KEY=VALUE")
    found.setdefault(key.strip(), value.strip())
