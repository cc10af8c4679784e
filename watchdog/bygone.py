"""A failure of the last backup that was of reaching a database which answers by now.

Owns: which failures are of that kind, and what is said of them afterwards. Pure.
Must not know: who asks, when backups run.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from watchdog.model import Failure, Kind, Phase, Target

HINT: Final = "backup_failed"

_OF_REACHING: Final = frozenset(
    {Kind.REACH, Kind.TLS, Kind.AUTH, Kind.CAPACITY, Kind.STATE, Kind.START}
)
# These are of reaching it only before anything was asked.
_AT_FIRST: Final = frozenset({Kind.TIMEOUT, Kind.PRIVILEGE, Kind.POOLER, Kind.SQLITE})
_FIRST_PHASES: Final = frozenset(
    {
        Phase.RESOLVE,
        Phase.CONNECT,
        Phase.TLS,
        Phase.AUTHENTICATE,
        Phase.STAT,
        Phase.OPEN,
        Phase.PREFLIGHT,
    }
)


def is_of_reaching(failure: Failure) -> bool:
    """Whether a backup failed because its database could not be reached or opened."""
    early = failure.kind in _AT_FIRST and failure.phase in _FIRST_PHASES
    return early or failure.kind in _OF_REACHING


def is_told_by_visits(target: Target) -> bool:
    """Whether a visit to *target* goes where its backup goes."""
    url = target.backup.url if target.backup is not None else None
    return url is None or url == target.url


def of(failure: Failure, target: str, at: datetime, next_at: datetime | None) -> Failure:
    """Return what to say of *failure* of the attempt that ended *at* now that *target* answers.

    ``next_at`` is when the next attempt begins by itself; UTC, as *at* is.
    """
    ended = _moment(at)
    wait = f", or wait until {_moment(next_at)}" if next_at is not None else ""
    engine = failure.facts.get("engine", "")
    facts = {"target": target, "at": ended, "reason": failure.message, "engine": engine}
    return Failure(
        Kind.BACKUP,
        f"the last backup of {target}, at {ended}, failed: {failure.message}; the database answers"
        f" now: `db-watchdog backup {target}`{wait}",
        failure.phase,
        failure.code,
        HINT,
        facts if next_at is None else {**facts, "next": _moment(next_at)},
    )


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
