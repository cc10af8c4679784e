"""Which relations of a database are a user's, and how names are told.

Owns: words that several probes of the catalogue share. Must not know: what
is asked of the relations.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

OTHER: Final = "other"  # the relname of what has no series of its own
NAMED: Final = 5  # relations named in a message

# pg_class as c, pg_namespace as n: no catalogues, nothing temporary.
OF_USERS: Final = (
    "n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast') and c.relpersistence <> 't'"
)


def named(names: Iterable[str]) -> str:
    """Return the first few of *names* and how many more there are."""
    every = list(names)
    more = f" and {len(every) - NAMED} more" if len(every) > NAMED else ""
    return ", ".join(every[:NAMED]) + more
