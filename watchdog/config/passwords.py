"""``password_file``: a file that holds one password.

Owns: reading it and what is worth noting about its mode. Must not know:
targets. Read again, by whoever opens sessions, when a login fails.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_LONGEST: Final = 4096


@dataclass(frozen=True, slots=True, repr=False)
class PasswordFile:
    """A password and the file it came from; ``note`` is "" if its mode is as it should be."""

    path: Path
    password: str
    note: str = ""


def read_password(path: Path) -> PasswordFile:
    """Read the password: the file's text without the line break at its end.

    Raises ``ValueError`` that says what to do.
    """
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(path.stat().st_mode)
            content = file.read(_LONGEST + 1)
    except FileNotFoundError:
        raise ValueError(f"{path} is not there: make it, with mode 0600") from None
    except IsADirectoryError:
        raise ValueError(f"{path} is a folder: write the path of a file") from None
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    if len(content) > _LONGEST:
        raise ValueError(f"{path} is longer than any password: write the path of another file")
    try:
        password = content.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not UTF-8") from None
    if not password:
        raise ValueError(f"{path} is empty: write the password into it")
    if "\n" in password or "\0" in password:
        raise ValueError(f"{path} has several lines: it must hold the password alone")
    note = ""
    if mode & (stat.S_IRGRP | stat.S_IROTH) and not str(path).startswith("/run/"):
        note = f"{path} can be read by others (mode {mode:04o}): chmod 600 {path}"
    return PasswordFile(path, password, note)
