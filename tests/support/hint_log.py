"""Hints in the log of the real daemon: which lines tell of them, and what these must hold.

Owns: the events that carry hints, waiting for a line, patience. Must not
know: how a trouble is provoked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tests.support.daemon import Daemon, wait_until

TOLD: Final = (
    "target down",
    "target still down, another reason",
    "trouble",
    "advice",
    "diagnosis",
    "backup failed",
)
PATIENCE: Final = 90.0  # seconds, for a machine that is very busy

# Hint: the target that has the trouble, and what its lines must hold. What is
# in braces is a value of the world that the daemon is in.
Table = Mapping[str, tuple[str, tuple[str, ...]]]


def told(daemon: Daemon, hint: str, target: str) -> list[dict[str, Any]]:
    """Return the lines about *target* that give *hint*; of a server's, those that name it."""
    return [
        line
        for line in list(daemon.lines)
        if line.get("event") in TOLD
        and line.get("hint") == hint
        and (line.get("target") == target or target in line.get("targets", ()))
    ]


def wait_told(
    daemon: Daemon, table: Table, hint: str, values: Mapping[str, str], seconds: float = PATIENCE
) -> None:
    """Wait until the log tells of *hint* as *table* wants it, with *values* filled in."""
    target, wanted = table[hint]
    expected = [each.format(**values) for each in wanted]

    def complete() -> bool:
        text = "\n".join(str(line) for line in told(daemon, hint, target))
        return bool(text) and all(each in text for each in expected)

    try:
        wait_until(complete, f"the log tells {target} with {hint} and {expected}", seconds)
    except AssertionError as error:
        lines = [line for line in daemon.lines if line.get("target") == target]
        raise AssertionError(f"{error}\n" + "\n".join(map(str, lines))) from None
