"""A clock that tests move by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class FakeClock:
    """Starts at a fixed instant; ``advance`` moves both clocks, ``step`` only the wall's."""

    def __init__(self) -> None:
        self._monotonic = 1000.0
        self._wall = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)

    def monotonic(self) -> float:
        return self._monotonic

    def now(self) -> datetime:
        return self._wall

    def advance(self, seconds: float) -> None:
        self._monotonic += seconds
        self._wall += timedelta(seconds=seconds)

    def step(self, seconds: float) -> None:
        self._wall += timedelta(seconds=seconds)
