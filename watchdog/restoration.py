"""How a restore is wanted, what it would do, what came of it.

Owns: the types that the command and the engines share. Standard library
only; must not know: engines, files, servers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from watchdog.model import Target


class Step(StrEnum):
    """Where a restore stands, for those who wait for it."""

    DATA = "data"
    STATISTICS = "statistics"
    SWAP = "swap"


def _untold(_step: Step) -> None:
    pass


@dataclass(frozen=True, slots=True)
class RestoreOptions:
    """How a restore is wanted.

    ``replace``: in place of a database that holds something, which is kept
    aside. ``end_sessions``: those that stand in the way of that. ``jobs``:
    how many tables at a time. ``tables``: only these, as they are named.
    ``target``: the one whose database it is, for its password.
    ``expected_bytes``: what the database took when it was backed up.
    ``kept_aside``: the name for the old one, as the plan said it; "" for any.
    ``step`` is called when a step begins.
    """

    replace: bool = False
    end_sessions: bool = False
    jobs: int = 1
    tables: tuple[str, ...] = ()
    target: Target | None = None
    expected_bytes: int | None = None
    kept_aside: str = ""
    step: Callable[[Step], None] = _untold


@dataclass(frozen=True, slots=True)
class RestorePlan:
    """What a restore would do. Sizes in bytes, ``None`` where nobody can tell.

    ``name``: of the database, as a person types it. ``kept_aside``: the name
    that the old one would get, "" if nothing is replaced. ``lines``: what
    would be done, in plain words.
    """

    name: str
    kept_aside: str = ""
    needed_bytes: int | None = None
    free_bytes: int | None = None
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Restored:
    """What came of a restore.

    ``notes``: what a person should know, in plain words; usually none.
    ``kept_aside``: the name of the old database now, "" if nothing was
    replaced. ``way_back``: commands that undo it.
    """

    notes: tuple[str, ...] = ()
    kept_aside: str = ""
    way_back: tuple[str, ...] = ()
