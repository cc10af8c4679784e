"""How far a restore is, for people: a moving bar on a terminal, a line now and then elsewhere.

Owns: rate and time left. Must not know: what a restore does.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.text import Text

from watchdog.cli import _backups
from watchdog.database_url import DatabaseUrl
from watchdog.restoration import Step

_EVERY: Final = 10.0  # seconds between two lines
_STEPS: Final = {
    Step.DATA: "restoring",
    Step.STATISTICS: "gathering statistics",
    Step.SWAP: "giving it its name",
}
_INDEXES: Final = "building indexes and constraints"


class View(Protocol):
    """Who shows it."""

    def step(self, step: Step) -> None:
        """Show that *step* begins."""
        ...

    def progress(self, done: int) -> None:
        """Show how many bytes of the backup have been taken in."""
        ...


@contextmanager
def shown(console: Console, to: DatabaseUrl, size: int) -> Iterator[View]:
    """Show for the time of a block how far the restore of *size* bytes into *to* is."""
    if not console.is_terminal:
        yield _Lines(console, to, size)
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        yield _Bar(progress, size)


class _Bar:
    def __init__(self, progress: Progress, size: int) -> None:
        self._progress = progress
        self._size = size
        self._task = progress.add_task("verifying the backup", total=None)

    def step(self, step: Step) -> None:
        total = self._size if step is Step.DATA else None
        self._progress.reset(self._task, total=total, description=_STEPS[step])

    def progress(self, done: int) -> None:
        if done >= self._size:
            self._progress.update(
                self._task, completed=self._size, total=None, description=_INDEXES
            )
        else:
            self._progress.update(self._task, completed=done)


class _Lines:
    def __init__(self, console: Console, to: DatabaseUrl, size: int) -> None:
        self._console = console
        self._size = size
        self._began = self._told = time.monotonic()
        console.print(Text(f"restoring into {to.masked}"))

    def step(self, step: Step) -> None:
        self._began = self._told = time.monotonic()
        if step is not Step.DATA:
            self._console.print(Text(_STEPS[step]))

    def progress(self, done: int) -> None:
        now = time.monotonic()
        if now - self._told < _EVERY:
            return
        self._told = now
        self._console.print(Text(line(min(done, self._size), self._size, now - self._began)))


def line(done: int, size: int, seconds: float) -> str:
    """Return how far it is after *seconds*, as a line."""
    if done >= size:
        return f"{_INDEXES}, {_backups.span(seconds)} so far"
    rate = done / seconds if seconds > 0 else 0.0
    left = f", {_backups.span((size - done) / rate)} left" if rate else ""
    speed = f"{_backups.size(int(rate))}/s"
    return f"{_backups.size(done)} of {_backups.size(size)} taken in, {speed}{left}"
