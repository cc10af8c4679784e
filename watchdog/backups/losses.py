"""If it burnt now: what would be lost, and how long the way back takes. Pure.

Owns: both answers, and whether they are within what was asked for. Unknown
is ``None``, never 0. Must not know: files, who shows it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from watchdog import units
from watchdog.backups import failures
from watchdog.model import Failure, Kind, Objectives
from watchdog.results import BackupStatus

RPO_MISSED: Final = "rpo_missed"
RTO_MISSED: Final = "rto_missed"
NO_BACKUP: Final = "no_backup_yet"


@dataclass(frozen=True, slots=True)
class Loss:
    """What a fire would cost now, in seconds.

    ``everything``: there is no backup that counts. ``lost`` and ``back`` are
    ``None`` where nobody knows.
    """

    everything: bool = False
    lost: float | None = None
    back: float | None = None

    def meets(self, objectives: Objectives) -> tuple[bool | None, bool | None]:
        """Return whether both objectives are met; ``None`` where there is none, or nobody knows."""
        rpo = None if objectives.rpo is None else self._within(objectives.rpo)
        back, limit = self.back, objectives.rto
        return rpo, None if limit is None or back is None else back <= limit

    def _within(self, limit: float) -> bool | None:
        if self.everything:
            return False
        return None if self.lost is None else self.lost <= limit


def of(status: BackupStatus, now: datetime) -> Loss:
    """Return what would be lost of a target with *status* at *now*."""
    if status.recovery_point is None:
        return Loss(everything=status.listed, back=status.restore_duration)
    lost = max(0.0, (now - status.recovery_point).total_seconds())
    return Loss(lost=lost, back=status.restore_duration)


def sentence(loss: Loss) -> str:
    """Return *loss* for people: ``lose 3 h 12 m, back in 4 m 10 s``."""
    if loss.everything:
        return "everything would be lost now, there is no good backup"
    lost = "unknown" if loss.lost is None else units.span(loss.lost)
    if loss.back is None:
        return f"lose {lost}; how long the way back takes is not known: no restore drill yet"
    return f"lose {lost}, back in {units.span(loss.back)}"


def breaches(status: BackupStatus, target: str, now: datetime) -> Iterator[Failure]:
    """Yield a failure for each objective that is not met at *now*."""
    loss = of(status, now)
    rpo, rto = loss.meets(Objectives(status.rpo, status.rto))
    named = {"target": target, "directory": status.destination}
    if rpo is False and status.rpo is not None:
        lost = "everything" if loss.lost is None else f"the last {units.span(loss.lost)}"
        why = ": there is no good backup" if loss.everything else ""
        yield Failure(
            Kind.BACKUP,
            f"{target} would lose {lost} now{why}, {units.span(status.rpo)} are allowed"
            " (objectives.rpo)",
            hint=failures.known(NO_BACKUP if loss.everything else RPO_MISSED),
            facts={**named, "objective": "rpo", "limit": units.span(status.rpo)},
        )
    if rto is False and status.rto is not None and loss.back is not None:
        yield Failure(
            Kind.BACKUP,
            f"the way back takes {units.span(loss.back)} for {target},"
            f" {units.span(status.rto)} are allowed (objectives.rto)",
            hint=failures.known(RTO_MISSED),
            facts={**named, "objective": "rto", "limit": units.span(status.rto)},
        )
