"""How long a commit waits for the disk, measured by fsync(2) in our own state directory.

Only where that is on the same file system as the database: nothing is ever
written beside it.
"""

from __future__ import annotations

from dataclasses import replace

from watchdog.engines import Probe
from watchdog.engines.sqlite.failures import trouble
from watchdog.engines.sqlite.fsync import limit_of
from watchdog.engines.sqlite.session import SqliteSession
from watchdog.model import Answer, Failure, Finding, Metric, MetricType, Scope

_FSYNC = Metric(
    "watchdog_sqlite_filesystem_fsync_seconds",
    MetricType.GAUGE,
    "What fsync of a page takes on the database's file system, measured in our own state"
    " directory; absent where that is on another one.",
)


async def _ask(session: SqliteSession) -> Answer:
    files = session.files
    found = await session.disks.measure(files.main.device, limit_of(files.mount))
    if found is None:
        return Answer()
    seconds, slow = found
    troubles: tuple[Failure, ...] = ()
    if slow:
        kind = files.mount.kind if files.mount is not None else "?"
        place = files.mount.point if files.mount is not None else "?"
        text = f"a commit waits {seconds * 1000:.0f} ms for the disk under {files.path} ({kind})"
        measured = Finding(
            "fsync",
            f"fsync on {kind} at {place} takes {seconds * 1000:.0f} ms, measured twice; on an"
            " ordinary disk it takes less than 20 ms",
            f"fsync на {kind} ({place}) занимает {seconds * 1000:.0f} мс, измерено дважды; на"
            " обычном диске — меньше 20 мс",
        )
        said = trouble("sqlite_slow_in_docker", text, "", session.target)
        facts = {**said.facts, "fsync_ms": f"{seconds * 1000:.0f}", "filesystem": kind}
        troubles = (replace(said, facts=facts, findings=(measured,)),)
    return Answer((_FSYNC.sample(seconds),), troubles, {"fsync_seconds": seconds})


PROBE = Probe("fsync", Scope.TARGET, (_FSYNC,), _ask, interval=None)
