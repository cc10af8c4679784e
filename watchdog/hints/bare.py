"""What a person types who remembers only the end of an error.

Owns: short texts that are the whole of what was asked, and all that each may
be. Pure. Must not know: logs: in a line of a log the same words are somebody
else's more often than a database's, and there they lead nowhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from watchdog.hints.evidence import Match

_FULL: Final = (
    Match("disk_full", 0.4),
    Match("backup_no_space", 0.35),
    Match("sqlite_full", 0.35),
)
_TABLE: Final = (Match("postgres_no_such_table", 0.5), Match("sqlite_no_such_table", 0.4))
_CROWD: Final = (Match("too_many_connections", 0.5), Match("pgbouncer_max_clients", 0.35))

# "Connection refused" and "address already in use" are not among them: nothing in them speaks of a
# database more than of any other service.
_KNOWN: Final[Mapping[str, tuple[Match, ...]]] = {
    "no space left on device": _FULL,
    "no space left": _FULL,
    "disk full": _FULL,
    "disk is full": _FULL,
    "too many clients": _CROWD,
    "too many clients already": _CROWD,
    "too many connections": _CROWD,
    "relation does not exist": _TABLE,
    "table does not exist": _TABLE,
    "no such table": _TABLE,
}


def bare(text: str) -> tuple[Match, ...]:
    """Return what *text* may be if it is one of these and nothing else, best first."""
    return _KNOWN.get(" ".join(re.sub(r"[\"'.!?]", " ", text.lower()).split()), ())
