"""The last attempts at a backup, so that a restart forgets no failure.

Owns: ``attempts.json`` in the target's folder, for the time when the
destination itself cannot be written to, its stand-in in our state folder, and
for the time when neither can, the memory of this process.
Blocking: callers go through a thread. Must not know: how a backup is taken.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from watchdog.backups import files, names
from watchdog.backups.documents import (
    failure_document,
    failure_from,
    moment_text,
    required_moment,
    seconds,
)
from watchdog.model import Failure, Outcome

KEPT: Final = 50


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt. Moments UTC, ``duration`` in seconds; ``backup`` is the id if there is one."""

    started_at: datetime
    finished_at: datetime
    outcome: Outcome
    duration: float
    backup: str = ""
    failure: Failure | None = None

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "started_at": moment_text(self.started_at),
            "finished_at": moment_text(self.finished_at),
            "outcome": self.outcome.value,
            "duration_seconds": round(self.duration, 3),
            "backup": self.backup or None,
            "failure": failure_document(self.failure),
        }


class Memory:
    """Attempts by target folder; those that no file takes are kept here as long as we live.

    *state* is our state folder. Blocking; one thread at a time for each folder writes.
    """

    def __init__(self, state: Path | None) -> None:
        self._state = state
        self._unwritten: dict[Path, tuple[Attempt, ...]] = {}

    def load(self, folder: Path) -> tuple[Attempt, ...]:
        """Return the attempts of a target, oldest first."""
        kept = self._unwritten.get(folder, ())
        return _joined(load(folder, self._state), kept)

    def append(self, folder: Path, attempt: Attempt) -> None:
        """Remember *attempt*. Raises ``OSError`` if only we do: a restart would forget it."""
        new = (*self._unwritten.get(folder, ()), attempt)[-KEPT:]
        self._unwritten[folder] = new
        append(folder, new, self._state)
        del self._unwritten[folder]


def load(folder: Path, state: Path | None = None) -> tuple[Attempt, ...]:
    """Return the attempts of a target, oldest first, from both places.

    What cannot be read is left out: attempts are a memory, not a proof.
    """
    found = _read(folder / names.ATTEMPTS)
    return _joined(found, _read(_stand_in(folder, state)) if state is not None else ())


def append(folder: Path, new: Sequence[Attempt], state: Path | None = None) -> None:
    """Write *new* attempts: into the target's folder or, if that fails, into our state folder.

    Raises ``OSError`` if neither can be written.
    """
    kept = _joined(load(folder, state), new)
    document = {"format": 1, "attempts": [each.document() for each in kept]}
    try:
        if not folder.is_dir():  # never made here: the destination may not be mounted
            raise FileNotFoundError(str(folder))
        files.write_json(folder / names.ATTEMPTS, document)
    except OSError:
        if state is None:
            raise
        files.make_folder(state / "attempts")
        files.write_json(_stand_in(folder, state), document)
        return
    if state is not None:
        with contextlib.suppress(OSError):
            _stand_in(folder, state).unlink()


def _joined(one: Iterable[Attempt], other: Iterable[Attempt]) -> tuple[Attempt, ...]:
    found = {attempt.started_at: attempt for attempt in (*one, *other)}
    return tuple(found[started] for started in sorted(found))[-KEPT:]


def _stand_in(folder: Path, state: Path) -> Path:
    digest = hashlib.sha256(bytes(folder)).hexdigest()[:12]
    return state / "attempts" / f"{folder.name}-{digest}.json"


def _read(path: Path) -> list[Attempt]:
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return []
    listed = document.get("attempts") if isinstance(document, dict) else None
    found = []
    for each in listed if isinstance(listed, list) else ():
        with contextlib.suppress(KeyError, ValueError, TypeError, AttributeError, OverflowError):
            found.append(_attempt(each))
    return found


def _attempt(document: Mapping[str, Any]) -> Attempt:
    return Attempt(
        started_at=required_moment(document["started_at"]),
        finished_at=required_moment(document["finished_at"]),
        outcome=Outcome(document["outcome"]),
        duration=seconds(document["duration_seconds"]),
        backup=str(document.get("backup") or ""),
        failure=failure_from(document.get("failure")),
    )
