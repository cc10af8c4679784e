"""The place of a diagnosis among the connections of a server.

Owns: waiting for it, outside the time that a step may take. A server has at
most two connections of ours, the held session and one more; the visits of its
targets and the steps of a diagnosis take turns at that one. Must not know:
what is asked over it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from watchdog.diagnosis.case import Case


@asynccontextmanager
async def one_connection(case: Case) -> AsyncIterator[None]:
    """Hold the place for one connection to the server of *case*."""
    loop, timer = asyncio.get_running_loop(), case.timer
    began, until = loop.time(), timer.when() if timer is not None else None
    if timer is not None:
        timer.reschedule(None)
    async with case.place():
        waited = loop.time() - began
        case.waited += waited
        if timer is not None and until is not None:
            timer.reschedule(until + waited)
        yield
