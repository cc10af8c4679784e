"""What the page tells of a target's backups, on demand.

Owns: which facts there are, in their order. Pure. Must not know: HTML.
"""

from __future__ import annotations

from collections.abc import Iterable

from watchdog.backups import losses
from watchdog.model import Objectives
from watchdog.results import BackupStatus, Status
from watchdog.secret import mask
from watchdog.web.narrator import Narrator
from watchdog.web.records import Moment


class Facts(Narrator):
    """Tells of the backups of one target."""

    __slots__ = ()

    def of(self, status: Status) -> Iterable[tuple[str, Moment | str]]:
        """Yield the facts of one target's backups, each with its name."""
        words, known = self.words, status.backup
        if not known.enabled:
            return
        yield words("burnt"), self._burnt(known)
        yield from self._objectives(known)
        yield from self._out_of_the_usual(status)
        for key, instant in (
            ("last_backup", known.last_success_at),
            ("recovery_point", known.recovery_point),
            ("next_backup", known.next_run_at),
        ):
            yield words(key), self.moment(instant) if instant is not None else words("never")
        if known.verified_level is not None:
            yield words("verified"), words(f"level_{max(0, min(4, known.verified_level))}")
        if known.count:
            yield words("kept"), words("kept_value", known.count, words.size(known.stored_bytes))
        if known.destination_free is not None:
            yield words("free"), words.size(known.destination_free)
        if known.restore_duration is not None:
            yield words("restore_time"), words.duration(known.restore_duration)
        yield from self._proofs(known)
        if known.last_attempt_successful is False and known.last_failure is not None:
            yield words("last_failure"), self._last_failure(known, mask(known.last_failure.message))

    def _last_failure(self, known: BackupStatus, message: str) -> str:
        at = known.last_attempt_at
        return f"{self.words.instant(at, self.now)}: {message}" if at is not None else message

    def _out_of_the_usual(self, status: Status) -> Iterable[tuple[str, str]]:
        """Yield what a person has ordered, or has to decide on."""
        words, known = self.words, status.backup
        if self.paused(status) and known.paused_until is not None:
            until = words.instant(known.paused_until, self.now)
            why = mask(known.pause_reason)
            yield words("paused_until"), f"{until} ({why})" if why else until
        if known.held:
            yield words("held"), words("held_value", known.held)
        if known.retention_halt:
            yield words("halted"), words(f"halted_{known.retention_halt}")

    def _proofs(self, known: BackupStatus) -> Iterable[tuple[str, Moment | str]]:
        """Yield what later proofs of stored backups have shown."""
        if known.drilled_at is not None:
            yield self.words("last_drill"), self.moment(known.drilled_at)
        if known.drill_failure is not None:
            yield self.words("drill_failed"), mask(known.drill_failure.message)
        if known.rotten:
            yield self.words("rotten"), self.words("rotten_value", len(known.rotten))

    def _burnt(self, known: BackupStatus) -> str:
        """Return what would be lost now, and how long the way back takes."""
        words, loss = self.words, losses.of(known, self.now)
        if loss.everything:
            return words("burnt_everything")
        if loss.lost is None:
            return words("burnt_unknown")
        back = words("burnt_back_unknown")
        if loss.back is not None:
            back = words("burnt_back", words.duration(loss.back))
        return words("burnt_value", words.span(loss.lost), back)

    def _objectives(self, known: BackupStatus) -> Iterable[tuple[str, str]]:
        words, limits = self.words, (known.rpo, known.rto)
        met = losses.of(known, self.now).meets(Objectives(*limits))
        verdicts = {True: "objective_met", False: "objective_missed", None: "objective_unknown"}
        for key, limit, is_met in zip(("rpo", "rto"), limits, met, strict=True):
            if limit is not None:
                yield words(f"objective_{key}"), words(verdicts[is_met], words.span(limit))
