"""The last restore drills of a target, kept longer than the backups that they restored.

Owns: ``drills.json`` in the target's folder. Blocking: callers go through a
thread. Must not know: how a drill is done.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
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
    whole,
)
from watchdog.model import Failure

KEPT: Final = 50


@dataclass(frozen=True, slots=True)
class Drill:
    """One drill of the backup with the id ``backup``. Moments UTC, times in seconds.

    ``level`` is what it has proven, ``None`` for nothing; ``restore_duration``
    what the restore alone took; ``where`` it was, in words.
    """

    at: datetime
    backup: str
    duration: float
    level: int | None = None
    restore_duration: float | None = None
    where: str = ""
    tables: int = 0
    rows: int = 0
    notes: tuple[str, ...] = ()
    failure: Failure | None = None

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "at": moment_text(self.at),
            "backup": self.backup,
            "level": self.level,
            "duration_seconds": round(self.duration, 3),
            "restore_duration_seconds": self.restore_duration,
            "where": self.where or None,
            "tables": self.tables,
            "rows": self.rows,
            "notes": list(self.notes),
            "failure": failure_document(self.failure),
        }


def load(folder: Path) -> tuple[Drill, ...]:
    """Return the drills of a target, oldest first; what cannot be read is left out."""
    try:
        document = json.loads((folder / names.DRILLS).read_bytes())
    except (OSError, ValueError, RecursionError):
        return ()
    listed = document.get("drills") if isinstance(document, dict) else None
    found = []
    for each in listed if isinstance(listed, list) else ():
        with contextlib.suppress(KeyError, ValueError, TypeError, AttributeError, OverflowError):
            found.append(_drill(each))
    return tuple(sorted(found, key=lambda drill: drill.at))


def append(folder: Path, drill: Drill) -> None:
    """Remember *drill*. Raises ``OSError``."""
    kept = (*load(folder), drill)[-KEPT:]
    document = {"format": 1, "drills": [each.document() for each in kept]}
    files.write_json(folder / names.DRILLS, document)


def _drill(document: Mapping[str, Any]) -> Drill:
    level = document.get("level")
    restoring = document.get("restore_duration_seconds")
    return Drill(
        at=required_moment(document["at"]),
        backup=str(document["backup"]),
        duration=seconds(document["duration_seconds"]),
        level=None if level is None else whole(level),
        restore_duration=None if restoring is None else seconds(restoring),
        where=str(document.get("where") or ""),
        tables=whole(document.get("tables") or 0),
        rows=whole(document.get("rows") or 0),
        notes=tuple(str(note) for note in document.get("notes") or ()),
        failure=failure_from(document.get("failure")),
    )
