"""One run of a backup: what it is of, how far it has come, and what came of it.

Owns: the state of a run and the report on it. Must not know: the steps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from watchdog.backups import names
from watchdog.backups.attempts import Attempt
from watchdog.backups.catalogue import Backup
from watchdog.backups.places import folder_of
from watchdog.engines import BackupEngine
from watchdog.model import BackupSettings, Failure, Kind, Outcome, Phase, Target

Progress = Callable[[Phase, int], None]  # the phase, and the bytes so far in it

_NOT_ENDED: Final = Failure(Kind.INTERNAL, "the backup ended in a way that nobody foresaw")


@dataclass(frozen=True, slots=True)
class Report:
    """What came of one run. ``troubles`` are what went wrong without failing it."""

    target: Target
    attempt: Attempt
    backup: Backup | None = None
    removed: tuple[Backup, ...] = ()
    troubles: tuple[Failure, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether there is a new backup."""
        return self.attempt.outcome is Outcome.OK

    @property
    def failure(self) -> Failure | None:
        """Why there is none."""
        return self.attempt.failure


@dataclass(slots=True)
class Run:
    """One run as it goes."""

    target: Target
    settings: BackupSettings
    engine: BackupEngine
    progress: Progress
    started_at: datetime
    started: float
    identity: str
    phase: Phase = Phase.PREFLIGHT
    outcome: Outcome = Outcome.FAILED
    failure: Failure | None = _NOT_ENDED
    backup: Backup | None = None
    removed: tuple[Backup, ...] = ()
    troubles: list[Failure] = field(default_factory=list)
    gave_way: bool = False

    @property
    def folder(self) -> Path:
        """Where the backups of its target lie."""
        return folder_of(self.target)

    @property
    def partial(self) -> Path:
        """The name of the artefact as long as it is unfinished."""
        return names.partial(self.folder, self.identity, self.engine.suffix)

    def enter(self, phase: Phase) -> None:
        """Begin *phase*."""
        self.phase = phase
        self.progress(phase, 0)

    def tell(self, size: int) -> None:
        """Tell of *size* bytes so far in this phase."""
        self.progress(self.phase, size)
