"""Visiting and attending at the level of the engine, as a round does it.

``visited(target)`` answers with the failure of a visit, or ``None`` if it was
fine; ``Watched`` holds a server's session and notes when it is lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from tests.support.clock import FakeClock
from watchdog.engines import Probe
from watchdog.engines.postgresql.engine import PostgresqlEngine
from watchdog.errors import NotAskedError
from watchdog.model import Answer, Failure, Scope, Target
from watchdog.rounds import DueProbes

ENGINE = PostgresqlEngine()


def in_order(engine: PostgresqlEngine) -> list[Probe]:
    """Return the probes as a round asks them: the frequent first, then those that want a role."""
    return DueProbes(engine.probes.values(), 15.0, FakeClock()).now()


async def visited(
    target: Target, engine: PostgresqlEngine = ENGINE, seconds: float | None = None
) -> Failure | None:
    """Visit *target* and ask its probes within its timeout."""
    limit = seconds or target.probe.timeout
    visit = engine.visit(target)
    try:
        async with asyncio.timeout(limit), visit as session:
            for probe in in_order(engine):
                if probe.scope is Scope.TARGET and probe.suits(session):
                    with contextlib.suppress(NotAskedError):
                        await probe.ask(session)
    except TimeoutError as error:
        if error.errno:
            return engine.failure(error, visit.phase, target)
        return engine.timed_out(visit.phase, limit, target)
    except Exception as error:  # noqa: BLE001 - as a round guards a visit
        return engine.failure(error, visit.phase, target)
    return None


class Watched:
    """A server under attendance. An asynchronous context manager that ends it."""

    def __init__(self, *targets: Target, engine: PostgresqlEngine = ENGINE) -> None:
        self.engine = engine
        self.targets: Sequence[Target] = targets
        self.lost = asyncio.Event()
        self.losses = 0
        self.attendance: Any = engine.attend(engine.server_of(targets[0]), targets, self._on_lost)

    def _on_lost(self) -> None:
        self.losses += 1
        self.lost.set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.attendance.close()

    async def round(self, seconds: float | None = None) -> Failure | None:
        """Do what a round does: session, absence, every server probe; answer with its failure."""
        limit = seconds or self.targets[0].probe.timeout / 2
        attendance = self.attendance
        try:
            async with asyncio.timeout(limit):
                session = await attendance.session()
                self.absent: Mapping[str, Failure] = await attendance.absent(session)
                self.answers: dict[str, Answer] = {}
                for probe in in_order(self.engine):
                    if probe.scope is Scope.SERVER and probe.suits(session):
                        with contextlib.suppress(NotAskedError):
                            self.answers[probe.name] = await probe.ask(session)
        except TimeoutError as error:
            attendance.abort()
            if error.errno:
                return self.engine.failure(error, attendance.phase, self.targets[0])
            return self.engine.timed_out(attendance.phase, limit, self.targets[0])
        except Exception as error:  # noqa: BLE001 - as a round guards a visit
            attendance.abort()
            return self.engine.failure(error, attendance.phase, self.targets[0])
        return None

    async def lost_within(self, seconds: float) -> float:
        """Wait for the loss of the session; answer with the seconds that it took."""
        began = time.monotonic()
        await asyncio.wait_for(self.lost.wait(), seconds)
        self.lost.clear()
        return time.monotonic() - began
