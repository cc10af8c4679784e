"""The file system under a SQLite file: its kind, whether it is full or read-only.

Source: ``/proc/self/mountinfo`` and statvfs(3).
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Final

from watchdog.database_url import SqliteUrl
from watchdog.diagnosis import surroundings
from watchdog.diagnosis.blocking import aside
from watchdog.diagnosis.case import Case, Found, Step
from watchdog.diagnosis.words import found
from watchdog.engines.sqlite.mounts import Mount
from watchdog.model import Finding, Kind
from watchdog.units import size

_NAME: Final = "file_system"
_HINTS: Final = (
    "sqlite_full",
    "sqlite_ioerr",
    "sqlite_readonly",
    "sqlite_readonly_directory",
    "sqlite_cantopen_permission",
    "sqlite_wal_on_network_fs",
    "sqlite_slow_in_docker",
    "sqlite_corrupt",
    "file_system_hangs",
)
_MAY_BE_FULL: Final = ("sqlite_ioerr", "sqlite_full", "")
_NEARLY: Final = 0.01
_PATIENCE: Final = 1.0  # seconds for the file system to say how full it is
_TELLING: Final = ("overlay", "tmpfs")


async def look(case: Case) -> Found:
    """Look at the mount first: it is known even where the file system itself hangs."""
    assert isinstance(case.url, SqliteUrl)
    path = case.url.path
    mount = surroundings.mount_of(Path(path).parent)  # as written: looking at links might hang
    findings = [_mounted(mount)] if mount is not None and _is_telling(mount) else []
    try:
        async with asyncio.timeout(_PATIENCE):
            space = await aside(
                f"statvfs {case.target.name}", lambda: os.statvfs(_nearest(Path(path).parent))
            )
    except TimeoutError:
        return _hanging(mount, findings)
    except OSError:
        return Found(tuple(findings))
    more, full = _space(space, mount)
    hint = "sqlite_full" if full and case.cause in _MAY_BE_FULL else ""
    free = space.f_bavail * space.f_frsize
    return Found((*findings, *more), {"free": size(free)}, hint)


def _hanging(mount: Mount | None, findings: list[Finding]) -> Found:
    where = f"{mount.point} ({mount.kind}, {mount.source})" if mount is not None else "/"
    silent = found(
        _NAME,
        f"the file system {where} does not answer: whoever touches it waits",
        f"файловая система {where} не отвечает: ждёт каждый, кто к ней обратится",
    )
    return Found((silent, *findings), hint="file_system_hangs")


def _space(space: os.statvfs_result, mount: Mount | None) -> tuple[list[Finding], bool]:
    where = mount.point if mount is not None else "/"
    free, whole = space.f_bavail * space.f_frsize, space.f_blocks * space.f_frsize
    if whole and free < whole * _NEARLY:
        text = f"{size(free)} / {size(whole)}"
        return [
            found(
                _NAME,
                f"the file system {where} is full: {text} free",
                f"файловая система {where} заполнена: свободно {text}",
            )
        ], True
    if space.f_files and space.f_favail == 0:
        return [
            found(
                _NAME,
                f"the file system {where} has no inodes left",
                f"на файловой системе {where} кончились inode",
            )
        ], True
    if space.f_flag & os.ST_RDONLY:
        return [
            found(
                _NAME,
                f"the file system {where} is mounted read-only",
                f"файловая система {where} смонтирована только для чтения",
            )
        ], False
    return [], False


def _is_telling(mount: Mount) -> bool:
    return mount.is_network or mount.kind in _TELLING


def _mounted(mount: Mount) -> Finding:
    source = mount.source
    if mount.kind == "overlay":
        return found(
            _NAME,
            "the file lies in the container's own layer (overlay): it goes when the container does",
            "файл лежит в собственном слое контейнера (overlay): он исчезнет вместе с контейнером",
        )
    if mount.kind == "tmpfs":
        return found(
            _NAME,
            f"the file lies in memory (tmpfs at {mount.point}): it goes at a restart",
            f"файл лежит в памяти (tmpfs в {mount.point}): он исчезнет при перезапуске",
        )
    return found(
        _NAME,
        f"the file lies on {mount.kind} ({source} at {mount.point}), where locks and WAL cannot be"
        " relied on",
        f"файл лежит на {mount.kind} ({source} в {mount.point}), где на блокировки и WAL"
        " полагаться нельзя",
    )


def _nearest(folder: Path) -> Path:
    """Return *folder* or the nearest one above it that is there."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder


def applies(case: Case) -> bool:
    """Where the file system may be the reason."""
    if not isinstance(case.url, SqliteUrl) or case.is_of_destination:
        return False
    return case.failure.hint in _HINTS or case.failure.kind is Kind.TIMEOUT


STEP = Step(_NAME, 70, applies, look, seconds=1.5)
