"""The file system under the database: its kind, and what is free, by statvfs(3)."""

from __future__ import annotations

from typing import Final

from watchdog.engines import Probe
from watchdog.engines.sqlite.failures import trouble
from watchdog.engines.sqlite.session import SqliteSession
from watchdog.model import Answer, Failure, Metric, MetricType, Scope

_INFO = Metric(
    "watchdog_sqlite_filesystem_info",
    MetricType.INFO,
    "File system that the database is on, from /proc/self/mountinfo.",
    ("fstype", "mountpoint"),
)
_READ_ONLY = Metric(
    "watchdog_sqlite_filesystem_read_only",
    MetricType.GAUGE,
    "Whether the file system itself is read-only, as it is after an error of its disk: 1 or 0"
    " (/proc/self/mountinfo).",
)
_SIZE = Metric(
    "watchdog_sqlite_filesystem_size_bytes",
    MetricType.GAUGE,
    "Size of the file system, statvfs f_blocks.",
)
_FREE = Metric(
    "watchdog_sqlite_filesystem_free_bytes",
    MetricType.GAUGE,
    "Bytes that ordinary users may still write there, statvfs f_bavail.",
)
_INODES = Metric(
    "watchdog_sqlite_filesystem_free_inodes",
    MetricType.GAUGE,
    "Files that may still be made there, statvfs f_favail; absent where it has no such limit.",
)

_TOO_LITTLE: Final = 1 << 20  # bytes: less than a transaction's journal may take


async def _ask(session: SqliteSession) -> Answer:
    samples = []
    facts = {}
    mount = session.files.mount
    if mount is not None:
        samples += [_INFO.sample(1, mount.kind, mount.point), _READ_ONLY.sample(mount.read_only)]
        facts["filesystem"] = mount.kind
    space = session.space
    if space is not None:
        samples += [_SIZE.sample(space.size), _FREE.sample(space.available)]
        if space.inodes:
            samples.append(_INODES.sample(space.inodes_available))
    return Answer(tuple(samples), _troubles(session), facts)


def _troubles(session: SqliteSession) -> tuple[Failure, ...]:
    """Tell of a full file system before the application's next write does."""
    space, mount = session.space, session.files.mount
    if space is None or (mount is not None and mount.read_only):
        return ()  # an image that nobody writes to is always full
    if space.available < _TOO_LITTLE:
        text = f"ordinary users may write {space.available} more bytes there: the disk is full"
    elif space.inodes and not space.inodes_available:
        text = "no inode is free there, and a transaction needs to make its journal"
    else:
        return ()
    return (trouble("sqlite_full", text, "", session.target),)


PROBE = Probe("filesystem", Scope.TARGET, (_INFO, _READ_ONLY, _SIZE, _FREE, _INODES), _ask)
