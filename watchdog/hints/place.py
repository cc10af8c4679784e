"""Where a step makes sense: in a container, beside systemd, behind a pooler.

Owns: the conditions before steps, and what the facts say of the place. Must
not know: hints, how the facts came.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePath
from typing import Final

# One of each row is true; what is not known rules nothing out.
ROWS: Final = (
    frozenset({"container", "host"}),  # this process
    frozenset({"compose", "systemd", "process"}),  # what runs the server
    frozenset({"here", "elsewhere"}),  # the server's machine
    frozenset({"pooler", "direct"}),  # what the URL leads to
    frozenset({"kept", "bare"}),  # whether there is any backup
    frozenset({"postgresql", "sqlite"}),  # the engine
)
CONDITION: Final = re.compile(r"\{@(?P<only>!?)(?P<place>[a-z]+)\}")
"""``{@compose}`` before a step: not where another is known; ``{@!pooler}``: only where it is."""

_PGBOUNCER: Final = "6432"
_LOCAL: Final = re.compile(r"localhost|127\.[\d.]+|\[?::1\]?|/.*")
_ARTEFACTS: Final = {".dump": "postgresql", ".sqlite": "sqlite"}  # what a backup's name tells
_SERVICE: Final = re.compile(r"[a-z0-9][a-z0-9_-]*")


def place_of(facts: Mapping[str, str]) -> frozenset[str]:
    """Return what *facts* say of the place.

    ``surroundings`` names it outright, in words of ``ROWS``; ``container``,
    ``host``, ``port``, ``pooler``, ``backups``, ``engine`` and ``path`` tell some of it.
    """
    place = set(facts.get("surroundings", "").split()) & set().union(*ROWS)
    host, container = facts.get("host", ""), facts.get("container", "")
    if container in ("yes", "no"):
        place.add("container" if container == "yes" else "host")
    if _LOCAL.fullmatch(host):
        place |= {"here"} if container == "no" else set()
    elif _SERVICE.fullmatch(host):
        place |= {"compose"} if container == "yes" else set()
    elif host:
        place.add("elsewhere")
    if facts.get("pooler") in ("yes", "True") or facts.get("port") == _PGBOUNCER:
        place.add("pooler")
    if facts.get("backups") == "none":
        place.add("bare")
    engine = facts.get("engine") or _ARTEFACTS.get(PurePath(facts.get("path", "")).suffix, "")
    place |= {engine} & ROWS[-1]
    return frozenset(place)


def here(step: str, place: frozenset[str]) -> str | None:
    """Return *step* without its conditions, ``None`` if it makes no sense at *place*."""
    while found := CONDITION.match(step):
        known = place & next(row for row in ROWS if found["place"] in row)
        if found["place"] not in known and (known or found["only"]):
            return None
        step = step[found.end() :]
    return step
