"""What only two looks at a file can tell: commits between them, and who stays.

Owns: the last look at each file, kept in memory. Must not know: how a look is
taken, metrics.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from watchdog.engines.sqlite.wal_index import WalIndex

Identity = tuple[int, int]  # device and inode


@dataclass(slots=True)
class Activity:
    """The story of one file, as far as we have seen it. Times are monotonic seconds."""

    identity: Identity
    commits: int = 0
    _changes: tuple[bool, int] | None = None
    _stays: dict[str, tuple[object, float]] = field(default_factory=dict)

    def count(self, *, wal: bool, changes: int) -> int:
        """Take in a change counter; return the commits seen since the first look."""
        if self._changes is not None:
            same_kind, last = self._changes[0] == wal, self._changes[1]
            if same_kind:
                # A WAL index that was made anew counts from nothing.
                self.commits += changes - last if changes >= last else changes if wal else 0
        self._changes = (wal, changes)
        return self.commits

    def stay(self, what: str, who: object, now: float) -> float:
        """Return for how long *who* has been seen there, in seconds; ``None`` is nobody."""
        if who is None:
            self._stays.pop(what, None)
            return 0.0
        known, since = self._stays.get(what, (None, now))
        if known != who:
            since = now
        self._stays[what] = (who, since)
        return now - since


def pinning(index: WalIndex) -> object:
    """Return what stays the same while one reader pins the log; ``None`` without one."""
    if index.pin is None or index.pinned == 0:
        return None
    return (index.pin, index.salt)


class Activities:
    """The activity of each file by its path; another file at a path begins anew."""

    def __init__(self) -> None:
        self._known: dict[str, Activity] = {}

    def of(self, path: str, identity: Identity) -> Activity:
        """Return the story of the file that is at *path* now."""
        known = self._known.get(path)
        if known is None or known.identity != identity:
            known = self._known[path] = Activity(identity)
        return known
