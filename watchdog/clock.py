"""Time, so that tests can bring their own.

Owns: the ``Clock`` seam. Durations and ages are monotonic, timestamps are
UTC wall time. Must not know: scheduling.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Where the time comes from."""

    def monotonic(self) -> float:
        """Seconds that never step."""
        ...

    def now(self) -> datetime:
        """Return the wall time, aware, in UTC."""
        ...


class SystemClock:
    """The machine's clocks."""

    def monotonic(self) -> float:
        """Seconds that never step."""
        return time.monotonic()

    def now(self) -> datetime:
        """Return the wall time, aware, in UTC."""
        return datetime.now(UTC)


def rfc3339(moment: datetime) -> str:
    """Format an aware *moment* as RFC 3339 in UTC, to the millisecond: ``…T03:00:00.000Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
