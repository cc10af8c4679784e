"""Which suspect backups a person has accepted.

Owns: ``accepted.json`` in the target's folder. A file that cannot be read
accepts nothing. Blocking: callers go through a thread. Must not know: why a
backup is suspect.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from watchdog.backups import files, names
from watchdog.backups.documents import moment_text


def read(folder: Path) -> frozenset[str]:
    """Return the ids of the backups that were accepted."""
    return frozenset(_load(folder))


def accept(folder: Path, identities: Iterable[str], now: datetime) -> None:
    """Remember that *identities* are accepted. Raises ``OSError``."""
    known = _load(folder)
    for identity in identities:
        known.setdefault(identity, moment_text(now))
    files.write_json(folder / names.ACCEPTED, {"format": 1, "accepted": known})


def _load(folder: Path) -> dict[str, Any]:
    try:
        document = json.loads((folder / names.ACCEPTED).read_bytes())
        return dict(document["accepted"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}
