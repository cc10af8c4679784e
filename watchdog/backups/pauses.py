"""Backups of a target that a person has paused, until when and why.

Owns: ``pause.json`` in the target's folder and, for the time when the
destination is away, its stand-in in our state folder. The later word of the
two holds; a pause that is ended is a pause until then. Blocking: callers go
through a thread. Must not know: what a pause holds up.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from watchdog.backups import files, names
from watchdog.backups.documents import moment_text, required_moment

STAND_INS: Final = "pauses"
_MISTAKES: Final = (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError)


@dataclass(frozen=True, slots=True)
class Pause:
    """No backup begins by itself from ``since`` to ``until``, both UTC."""

    since: datetime
    until: datetime
    reason: str = ""

    def active(self, now: datetime) -> bool:
        """Whether it holds at *now*."""
        return now < self.until


def read(folder: Path, state: Path | None) -> Pause | None:
    """Return the last word about *folder* of a target, ``None`` if nobody ever said one."""
    places = [folder / names.PAUSE, *([_stand_in(folder, state)] if state else [])]
    found = [pause for pause in map(_read, places) if pause is not None]
    return max(found, key=lambda pause: pause.since, default=None)


def put(folder: Path, pause: Pause, state: Path | None, *, present: bool) -> Path:
    """Write *pause* and return where: beside the backups or, unless they are *present*, with us.

    Raises ``OSError``.
    """
    document = {
        "format": 1,
        "since": moment_text(pause.since),
        "until": moment_text(pause.until),
        "reason": pause.reason,
    }
    if present:
        files.make_folder(folder)
        path = folder / names.PAUSE
        files.write_json(path, document)
        if state is not None:
            with contextlib.suppress(OSError):
                _stand_in(folder, state).unlink()
        return path
    if state is None:
        raise FileNotFoundError(2, "the destination is not there", str(folder))
    path = _stand_in(folder, state)
    files.make_folder(path.parent)
    files.write_json(path, document)
    return path


def _stand_in(folder: Path, state: Path) -> Path:
    digest = hashlib.sha256(bytes(folder)).hexdigest()[:12]
    return state / STAND_INS / f"{folder.name}-{digest}.json"


def _read(path: Path) -> Pause | None:
    try:
        document = json.loads(path.read_bytes())
        return Pause(
            required_moment(document["since"]),
            required_moment(document["until"]),
            str(document.get("reason") or ""),
        )
    except (*_MISTAKES, RecursionError):
        return None
