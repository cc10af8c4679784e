"""File work of the steps, on threads that a hung mount may keep.

Owns: one slot per piece of work; a second diagnosis that wants the same
while the first still hangs finds nothing. Must not know: any step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from watchdog.slots import Slots

T = TypeVar("T")

_SLOTS: Final = Slots()


async def aside(key: str, work: Callable[[], T]) -> T:
    """Return what *work* returns. Raises ``TimeoutError`` while an earlier *key* still hangs."""
    return await _SLOTS.run(key, work)
