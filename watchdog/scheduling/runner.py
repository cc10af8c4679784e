"""The runner: the only owner of tasks, and ``kick`` the only way that work begins.

Owns: lanes with bounded concurrency, single flight by key, gates, deadlines,
and the one place where an exception becomes a result. Must not know: when
work is due, what the work is, who reads results.
"""

from __future__ import annotations

import asyncio
import math
import secrets
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Final
from weakref import WeakValueDictionary

import structlog

from watchdog.clock import Clock
from watchdog.model import Action, Failure, Kind, Lane, Outcome, Result
from watchdog.secret import mask

# The caller whose kicks count as overlaps when the last one still runs;
# everybody else (a command, /probe) joins the flight.
TIMER: Final = "timer"

_STUCK: Final = 30.0  # seconds beyond its deadline after which an action will not end any more
_ABANDONING_TURNS: Final = 10  # of a tenth of a second each

_log = structlog.get_logger("watchdog.runner")


@dataclass(slots=True)
class Ticket:
    """A place in the runner: what was asked for, and its end."""

    action: Action
    reason: str
    run_id: str
    task: asyncio.Task[None] | None = None
    began: float | None = None  # monotonic; None while it waits for its turn
    result: Result | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def wait(self) -> Result | None:
        """Wait for the end; return the result, ``None`` if nothing was due or it was cancelled."""
        await self.ended.wait()
        return self.result


class Runner:
    """Runs actions; reports each result to *take*.

    *slots* bounds how many actions of a lane run at once. Actions whose last
    run hit a deadline draw from *suspect_slots* instead, so that a hundred
    frozen targets cannot take the places of the healthy ones.
    """

    def __init__(
        self,
        clock: Clock,
        take: Callable[[Result], None],
        slots: Mapping[Lane, int] | None = None,
        suspect_slots: int = 64,
    ) -> None:
        self._clock = clock
        self._take = take
        sizes = {Lane.PROBES: 128, Lane.BACKUPS: 4, Lane.DIAGNOSES: 4, **(slots or {})}
        self._lanes = {lane: asyncio.Semaphore(size) for lane, size in sizes.items()}
        self._suspects = asyncio.Semaphore(suspect_slots)
        # Weak: the gate of a server that is gone goes with its last user.
        self._gates: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._flights: dict[str, Ticket] = {}
        self._slow: set[str] = set()
        self._stopping = False
        self.overlaps: Counter[Lane] = Counter()
        self.runs: Counter[Lane] = Counter()

    # ------------------------------------------------------------------ work begins

    def kick(self, action: Action, reason: str) -> Ticket | None:
        """Begin *action*, or join the flight of the same key.

        A timer that finds the last flight still under way is counted as an
        overlap. Returns ``None`` once the runner is stopping.
        """
        if self._stopping:
            return None
        flight = self._flights.get(action.key)
        if flight is not None:
            if reason == TIMER:
                self.overlaps[action.lane] += 1
            return flight
        ticket = Ticket(action, reason, secrets.token_hex(4))
        self._flights[action.key] = ticket
        ticket.task = asyncio.get_running_loop().create_task(
            self._fly(ticket), name=f"{action.key} ({reason})"
        )
        # Not a `finally` of the flight: one that is cancelled before its first
        # step never runs a line.
        ticket.task.add_done_callback(lambda _task: self._land(ticket))
        return ticket

    def in_flight(self, lane: Lane | None = None) -> list[Ticket]:
        """Return the tickets that have not ended, of one lane or all."""
        return [t for t in self._flights.values() if lane is None or t.action.lane is lane]

    def stuck(self) -> list[Ticket]:
        """Return the probes that are far beyond their deadline: a defect of ours.

        What they last found would stand for ever.
        """
        now = self._clock.monotonic()
        return [
            ticket
            for ticket in self.in_flight(Lane.PROBES)
            if ticket.began is not None and now - ticket.began > ticket.action.deadline + _STUCK
        ]

    # ------------------------------------------------------------------ work ends

    async def cancel(self, keys: Callable[[Action], bool]) -> None:
        """Cancel the flights whose action satisfies *keys*, and await their clean-up."""
        chosen = [t for t in self._flights.values() if keys(t.action)]
        for ticket in chosen:
            if ticket.task is not None:
                ticket.task.cancel()
        for ticket in chosen:
            await ticket.ended.wait()

    async def stop(self, grace: float, patience: float = math.inf) -> None:
        """Take no more work, give probes *grace* seconds, then cancel what is left and await it.

        Backups are cancelled at once: a dump does not end within any grace
        that a service manager would allow, and a partial one is worth nothing.
        What has not ended after *patience* seconds is awaited no longer.
        """
        self._stopping = True
        for ticket in self.in_flight(Lane.BACKUPS):
            _log.info("backup cancelled by the stop", target=ticket.action.subject.name)
        try:
            async with asyncio.timeout(patience if math.isfinite(patience) else None):
                ends = self.cancel(lambda action: action.lane is Lane.BACKUPS)
                await asyncio.gather(ends, self._await_probes(grace))
                await self.cancel(lambda _action: True)
        except TimeoutError:
            await self._abandon()

    async def _abandon(self) -> None:
        """Cancel again and again: each step of a clean-up may hang where the last one did."""
        left = [ticket.action.key for ticket in self.in_flight()]
        _log.error("stopping without waiting any longer", running=left)
        for _ in range(_ABANDONING_TURNS):
            tasks = [t.task for t in self.in_flight() if t.task is not None]
            if not tasks:
                return
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=0.1)

    async def _await_probes(self, grace: float) -> None:
        tasks = [t.task for t in self.in_flight(Lane.PROBES) if t.task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=grace)

    # ------------------------------------------------------------------ one flight

    async def _fly(self, ticket: Ticket) -> None:
        action = ticket.action
        gate = self.gate(action.gate) if action.gate else nullcontext()
        async with gate, self._slot(action):
            with structlog.contextvars.bound_contextvars(run_id=ticket.run_id):
                ticket.began = self._clock.monotonic()
                ticket.result = await self._guarded(action, ticket.run_id)

    def _land(self, ticket: Ticket) -> None:
        del self._flights[ticket.action.key]
        ticket.ended.set()

    def gate(self, name: str) -> asyncio.Lock:
        """Return the gate *name*, for work that has to pass it more than once."""
        gate = self._gates.get(name)
        if gate is None:
            gate = self._gates[name] = asyncio.Lock()
        return gate

    def _slot(self, action: Action) -> asyncio.Semaphore:
        if action.lane is Lane.PROBES and action.key in self._slow:
            return self._suspects
        return self._lanes[action.lane]

    async def _guarded(self, action: Action, run_id: str) -> Result | None:
        """Do the work within its deadline; here alone what is raised becomes a result."""
        started, started_at = self._clock.monotonic(), self._clock.now()
        failure: Failure | None = None
        result: Result | None = None
        try:
            async with asyncio.timeout(action.deadline):
                result = await action.work()
        except TimeoutError:
            failure = Failure(
                Kind.TIMEOUT,
                f"{action.name} of {action.subject.name} did not end within {action.deadline:g} s",
            )
        except Exception as error:  # noqa: BLE001 - the one guard of the house
            failure = Failure(
                Kind.INTERNAL, mask(f"{type(error).__name__}: {error}"), code=type(error).__name__
            )
            _log.exception("defect in an action", action=action.name, target=action.subject.name)
        if failure is not None:
            finished = self._clock.monotonic()
            result = Result(
                subject=action.subject,
                action=action.name,
                outcome=Outcome.FAILED,
                started_at=started_at,
                finished=finished,
                duration=finished - started,
                failure=failure,
                run_id=run_id,
            )
        if result is not None:
            self.runs[action.lane] += 1
            slow = result.failure is not None and result.failure.kind is Kind.TIMEOUT
            (self._slow.add if slow else self._slow.discard)(action.key)
            self._hand_on(result)
        return result

    def _hand_on(self, result: Result) -> None:
        try:
            self._take(result)
        except Exception:  # noqa: BLE001 - a defect in telling must not end the flight unseen
            _log.exception("defect in a report", action=result.action, target=result.subject.name)
