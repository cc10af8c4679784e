"""The SQLite engine: what rounds and backups get to see of it.

Owns: putting the room's pieces together, and the count of replaced files.
Must not know: schedules, results.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from watchdog.engines import Attendance, Probe, find_probes
from watchdog.engines.sqlite import failures, probes
from watchdog.engines.sqlite.activity import Activities
from watchdog.engines.sqlite.backups import SqliteBackups
from watchdog.engines.sqlite.fsync import Disks
from watchdog.engines.sqlite.session import SqliteVisit
from watchdog.model import Failure, Phase, Server, Target
from watchdog.slots import Slots


class SqliteEngine:
    """Knows SQLite files."""

    name = "sqlite"

    def __init__(self) -> None:
        self.probes: Mapping[str, Probe] = find_probes(probes)
        self._slots = Slots()
        self.backups = SqliteBackups(self._slots)
        self._activities = Activities()
        self._disks = Disks()
        self._identities: dict[str, tuple[tuple[int, int], int]] = {}

    def use_scratch(self, folder: Path) -> None:
        """Measure disks in *folder*, which is ours."""
        self._disks.scratch = folder

    def server_of(self, target: Target) -> Server | None:  # noqa: ARG002
        """Return ``None``: a file has no server."""
        return None

    def visit(self, target: Target) -> SqliteVisit:
        """Return a visit of *target*'s file."""
        return SqliteVisit(
            target, self._slots, self._count_replaced, self._activities.of, self._disks
        )

    def attend(
        self,
        server: Server,
        targets: Sequence[Target],  # noqa: ARG002
        on_lost: Callable[[], None],  # noqa: ARG002
    ) -> Attendance:
        """Raise ``TypeError``: there is no server whose session could be held."""
        raise TypeError(f"SQLite has no servers to attend ({server.name}); visit its targets")

    def failure(self, error: BaseException, phase: Phase | None, target: Target) -> Failure:
        """Classify *error* by its result code."""
        return failures.classify(error, phase, target)

    def timed_out(self, phase: Phase | None, seconds: float, target: Target) -> Failure:
        """Return the failure of a deadline of *seconds* that passed in *phase*."""
        return failures.timed_out(phase, seconds, target)

    def description(self, target: Target) -> Mapping[str, str]:
        """Return the path, as configured."""
        return {"path": failures.path_of(target)}

    def _count_replaced(self, path: str, identity: tuple[int, int]) -> int:
        """Return how often another file took *path*'s place since the first visit."""
        known, count = self._identities.get(path, (identity, 0))
        if known != identity:
            count += 1
        self._identities[path] = (identity, count)
        return count
