"""The folder that backups go to: whether it is there, for whom, and what is left on its disk.

Source: ``stat``, statvfs(3) and ``/proc/self/mountinfo``.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from watchdog.diagnosis import surroundings
from watchdog.diagnosis.blocking import aside
from watchdog.diagnosis.case import Case, Found, Step
from watchdog.diagnosis.words import alike, found, listed
from watchdog.model import Finding
from watchdog.units import size

_NAME: Final = "destination"
_HINTS: Final = (
    "backup_no_space",
    "backup_dir_missing",
    "destination_missing",
    "permission_denied_file",
    "file_system_hangs",
    "disk_full",
    "sqlite_full",
)
_MOST: Final = 200


async def look(case: Case) -> Found:
    """Look at the folder in a thread that may hang with it."""
    settings = case.target.backup
    assert settings is not None
    return await aside(f"destination {case.target.name}", lambda: _look(settings.directory))


def _look(directory: Path) -> Found:
    mount = surroundings.mount_of(directory)
    facts = {"directory": str(directory)}
    try:
        seen = directory.stat()
    except OSError:
        return Found(tuple(_missing(directory)), facts)
    findings = []
    space = os.statvfs(directory)
    free, whole = space.f_bavail * space.f_frsize, space.f_blocks * space.f_frsize
    where = f" ({mount.kind}, {mount.point})" if mount is not None else ""
    facts |= {"free": size(free)}
    findings.append(
        found(
            _NAME,
            f"{size(free)} of {size(whole)} are free at {directory}{where}",
            f"в {directory}{where} свободно {size(free)} из {size(whole)}",
        )
    )
    if space.f_files and space.f_favail == 0:
        findings.append(found(_NAME, "no inodes are left there", "inode там кончились"))
    if not os.access(directory, os.W_OK | os.X_OK):
        mode = f"{stat.S_IMODE(seen.st_mode):04o}"
        findings.append(
            found(
                _NAME,
                f"{directory} may not be written to by us: mode {mode}, owner"
                f" {seen.st_uid}:{seen.st_gid}, and this process is uid {os.geteuid()}",
                f"{directory} недоступен нам на запись: права {mode}, владелец"
                f" {seen.st_uid}:{seen.st_gid}, а этот процесс — uid {os.geteuid()}",
            )
        )
    return Found(tuple(findings), facts)


def _missing(directory: Path) -> list[Finding]:
    here = directory
    while not here.parent.exists() and here != here.parent:
        here = here.parent
    try:
        names = sorted(entry.name for entry in list(os.scandir(here.parent))[:_MOST])
    except OSError as error:
        reason = error.strerror or str(error)
        return [found(_NAME, f"{here.parent}: {reason}", f"{here.parent}: {reason}")]
    near = alike(here.name, names)
    there_en = (
        f"there is {here.parent / near}"
        if near
        else f"{here.parent} has {listed(names) or 'nothing'}"
    )
    there_ru = (
        f"есть {here.parent / near}" if near else f"в {here.parent} есть {listed(names) or 'пусто'}"
    )
    return [found(_NAME, f"{here} does not exist; {there_en}", f"{here} не существует; {there_ru}")]


def applies(case: Case) -> bool:
    """Where the folder of the backups may be the reason."""
    return case.target.backup is not None and case.failure.hint in _HINTS


STEP = Step(_NAME, 80, applies, look, seconds=1.5)
