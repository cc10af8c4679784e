"""Looking at destinations that may never answer, such as a dead file server's.

Owns: the patience with a destination and threads that it may keep without
hurting anyone else: at most one each. Must not know: what is looked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from watchdog.backups import failures
from watchdog.model import Failure, Kind, Phase
from watchdog.slots import Slots

T = TypeVar("T")

PATIENCE: Final = 5.0  # seconds


class Looks:
    """One look at a time at each destination."""

    def __init__(self, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._slots = Slots()
        self._turns: dict[Path, asyncio.Lock] = {}

    async def at(self, directory: Path, work: Callable[[], T]) -> T:
        """Return what *work*, which looks at *directory* and blocks, returns.

        Raises ``TimeoutError`` after the patience, and at once while an
        earlier look has not come back.
        """
        async with (
            self._turns.setdefault(directory, asyncio.Lock()),
            asyncio.timeout(self._patience),
        ):
            return await self._slots.run(str(directory), work)


def silent(directory: Path, target: str) -> Failure:
    """Return the failure of a destination that does not answer."""
    return Failure(
        Kind.TIMEOUT,
        f"{directory} does not answer: is its file server there? Look with `df {directory}`"
        f" (interrupt it with Ctrl-C), backups of {target} wait for it",
        Phase.PREFLIGHT,
        hint=failures.known(failures.SILENT),
        facts=failures.facts(directory, target),
    )
