"""One round: a session, the probes that are due, a Result.

Owns: which probes are due, how a probe is guarded and timed, the visit of a
target and the round of a server, and when a visit is wanted. Must not know:
timers, lanes, results of others, what a probe asks.

A target without servers is visited every ``interval``. Of a PostgreSQL
server the held session is asked every ``interval`` (the server's round) and
each target is visited with its own credentials every ``connect_interval``,
or every ``interval`` while it is not known to be well.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Final

from watchdog.clock import Clock
from watchdog.engines import Attendance, Engine, Probe, Session
from watchdog.errors import NotAskedError
from watchdog.model import (
    ActionFailed,
    Answer,
    Failure,
    Kind,
    Outcome,
    Phase,
    ProbeRun,
    Result,
    Scope,
    Server,
    SessionMode,
    Target,
)
from watchdog.results import blinds_all

ROUND: Final = "round"
CONNECT: Final = "connect"

# A timer fires a little early or late: what is due within this share of its
# interval is due now.
_SLACK: Final = 0.1

# A dear question that got no answer (its round was spent, a lock was in the
# way) is asked again after this many seconds and not after its long interval.
_TRY_AGAIN: Final = 60.0

# What is refused stays refused until somebody grants it: asked more often, it
# would fill the server's log.
_REFUSED_AGAIN: Final = 600.0
_REFUSALS: Final = (Kind.PRIVILEGE, Kind.SCHEMA)

# A question with an interval from here on (seconds) is too dear to be asked
# whenever somebody forces a round: its last answer stands for its interval.
_DEAR: Final = 300.0


@dataclass(slots=True)
class _Course:
    """What happened so far in one visit or round."""

    started_at: datetime
    started: float
    failure: Failure | None = None
    runs: list[ProbeRun] = field(default_factory=list)
    phases: Mapping[Phase, float] = field(default_factory=dict)
    absent: Mapping[str, Failure] = field(default_factory=dict)
    told: Mapping[str, Failure] = field(default_factory=dict)
    cause: Exception | None = None  # what a probe raised when its session died with it
    facts: dict[str, Any] = field(default_factory=dict)


class DueProbes:
    """Remembers when each probe is due again."""

    def __init__(self, probes: Iterable[Probe], every: float, clock: Clock) -> None:
        self._probes = tuple(probes)
        self._every = every
        self._clock = clock
        self._due_at: dict[str, float] = {}
        self._left: set[str] = set()  # the last round had no time for them
        self._failed: set[str] = set()

    def now(self, *, forced: bool = False) -> list[Probe]:
        """Return the probes that are due, in the order in which to ask them.

        First those that tell what the server is, then those that were left out
        last time, then the others, the most frequent first. When *forced*, all
        of them but dear ones whose last answer still holds.
        """
        now, due_at = self._clock.monotonic(), self._due_at
        due = [
            probe
            for probe in self._probes
            if due_at.get(probe.name, now) <= now or (forced and not _is_dear(probe))
        ]
        return sorted(due, key=self._order)

    def want(self, names: Collection[str]) -> None:
        """Make the probes of these *names* due."""
        for name in names:
            self._due_at.pop(name, None)

    def renew(self, names: Collection[str]) -> None:
        """Make the probes of these *names* due, but for those that wait after a failure."""
        self.want(set(names) - self._failed)

    def interval(self, probe: Probe) -> float:
        """Return how often *probe* is asked, seconds: as often as its session at most."""
        return max(self._every, probe.interval or 0.0)

    def leave(self, probe: Probe) -> None:
        """Note that the round had no time for *probe*: it is still due, and comes first next time.

        However slow a server is, each question has its turn.
        """
        self._left.add(probe.name)

    def asked(self, probe: Probe, failure: Failure | None = None) -> float:
        """Note that *probe* has been asked; return the seconds after which it is due again.

        One without an answer is due within a minute, one that was refused
        within ten.
        """
        wait = self.interval(probe)
        if failure is not None and failure.kind in _REFUSALS:
            wait = max(self._every, _REFUSED_AGAIN)
        elif failure is not None:
            wait = min(wait, max(self._every, _TRY_AGAIN))
        self._due_at[probe.name] = self._clock.monotonic() + wait * (1 - _SLACK)
        self._left.discard(probe.name)
        (self._failed.discard if failure is None else self._failed.add)(probe.name)
        return wait

    def _order(self, probe: Probe) -> tuple[object, ...]:
        left = probe.name in self._left
        return not probe.leading, not left, probe.interval or 0.0, probe.name


def _is_dear(probe: Probe) -> bool:
    return (probe.interval or 0.0) >= _DEAR


class _Work:
    """What a visit and a server's round share: asking probes within one deadline."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    def _begin(self) -> _Course:
        return _Course(self._clock.now(), self._clock.monotonic())

    async def _ask(
        self, session: Session, due: DueProbes, course: _Course, target: Target, *, forced: bool
    ) -> None:
        """Ask every due probe. A probe that fails, fails alone, unless its session died with it."""
        for probe in due.now(forced=forced):
            if not probe.suits(session):
                continue
            began = self._clock.monotonic()
            failure, answer, cause = None, Answer(), None
            try:
                answer = await probe.ask(session)
            except NotAskedError:
                due.leave(probe)
                continue
            except ActionFailed as error:
                failure = error.failure
            except Exception as error:  # noqa: BLE001 - the guard of a probe
                cause, failure = error, self._engine.failure(error, self._engine_phase(), target)
            wait = max(due.asked(probe, failure), due.interval(probe))
            course.facts.update(answer.facts)
            course.runs.append(self._run(probe, wait, began, answer, failure))
            if failure is not None and blinds_all(failure):
                course.cause = cause
                raise ActionFailed(failure) from cause

    def _engine_phase(self) -> Phase:
        return Phase.READ if self._engine.name == "sqlite" else Phase.QUERY

    def _run(
        self, probe: Probe, interval: float, began: float, answer: Answer, failure: Failure | None
    ) -> ProbeRun:
        finished = self._clock.monotonic()
        return ProbeRun(
            probe=probe.name,
            success=failure is None,
            duration=finished - began,
            interval=interval,
            finished=finished,
            finished_at=self._clock.now(),
            answer=answer,
            failure=failure,
        )

    def _end(self, course: _Course, subject: Target | Server, action: str) -> Result:
        finished = self._clock.monotonic()
        return Result(
            subject=subject,
            action=action,
            outcome=Outcome.OK if course.failure is None else Outcome.FAILED,
            started_at=course.started_at,
            finished=finished,
            duration=finished - course.started,
            failure=course.failure,
            phases=dict(course.phases),
            probes=tuple(course.runs),
            absent=course.absent,
            told=course.told,
            facts=course.facts,
        )


class TargetVisit(_Work):
    """The visit of one target: a fresh session with its own credentials, timed by phase."""

    def __init__(
        self, engine: Engine, target: Target, clock: Clock, *, shares_server: bool
    ) -> None:
        super().__init__(engine, clock)
        self.target = target
        self.action = CONNECT if shares_server else ROUND
        settings = target.probe
        self._every = settings.connect_interval if shares_server else settings.interval
        probes = (p for p in engine.probes.values() if p.scope is Scope.TARGET)
        self._due = DueProbes(probes, self._every, clock)
        self._visited: float | None = None
        self._well = False
        self.wanted = True  # visit at the next chance, due or not
        self.blocked = False  # the server says there is nothing to visit
        self.ended = False  # taken out by a reload: whoever still begins it, begins nothing

    @property
    def intervals(self) -> tuple[float, ...]:
        """How often to see whether a visit is due, seconds.

        Each interval, for one that is not well is visited then; and, unless
        that comes to the same, as often as one that is well is visited.
        """
        interval = self.target.probe.interval
        return (interval, self._every) if self._every % interval else (interval,)

    @property
    def subject(self) -> str:
        """The key of the target that it visits."""
        return self.target.subject

    @property
    def deadline(self) -> float:
        """Seconds after which even a defect in the visit's own timing ends."""
        return self.target.probe.timeout + 5.0

    async def work(self) -> Result | None:
        """Visit if that is due; ``None`` if it is not."""
        return await self._visit(forced=False) if self._is_due() else None

    async def forced(self) -> Result | None:
        """Visit now and ask every probe, due or not."""
        return None if self.ended else await self._visit(forced=True)

    def _is_due(self) -> bool:
        if self.blocked or self.ended:
            return False
        if self.wanted or not self._well or self._visited is None:
            return True
        return self._clock.monotonic() - self._visited >= self._every * (1 - _SLACK)

    async def _visit(self, *, forced: bool) -> Result:
        course = self._begin()
        self.wanted = False
        visit = self._engine.visit(self.target)
        seconds = self.target.probe.timeout
        try:
            async with asyncio.timeout(seconds), visit as session:
                await self._ask(session, self._due, course, self.target, forced=forced)
        except ActionFailed as error:
            course.failure = error.failure
        except TimeoutError:
            course.failure = self._engine.timed_out(visit.phase, seconds, self.target)
        except Exception as error:  # noqa: BLE001 - a driver may raise anything; it is classified
            course.failure = self._engine.failure(error, visit.phase, self.target)
        course.phases = visit.phases
        self._well = course.failure is None
        self._visited = self._clock.monotonic()
        return self._end(course, self.target, self.action)


class ServerRound(_Work):
    """The round of one server: its held session, server probes, and whose database is gone.

    *want* is called with each visit that must be made at once: its server is
    back, or its database is.
    """

    def __init__(
        self,
        engine: Engine,
        server: Server,
        visits: Sequence[TargetVisit],
        clock: Clock,
        on_lost: Callable[[], None],
        want: Callable[[TargetVisit], object],
    ) -> None:
        super().__init__(engine, clock)
        self.server = server
        self.visits = tuple(visits)
        targets = [visit.target for visit in visits]
        self.interval = min(target.probe.interval for target in targets)
        self.timeout = min(target.probe.timeout for target in targets)
        self._held = any(t.probe.session is SessionMode.HELD for t in targets)
        probes = (p for p in engine.probes.values() if p.scope is Scope.SERVER)
        self._leading = [p.name for p in engine.probes.values() if p.leading]
        self._due = DueProbes(probes, self.interval, clock)
        self._attendance: Attendance = engine.attend(server, targets, on_lost)
        self._want = want
        self._known: tuple[Session | None, object] = None, None  # the session and its server's role
        self._leaving = False  # the server waits for our session to end
        self.ended = False  # taken out by a reload or the end: it opens no session any more

    @property
    def subject(self) -> str:
        """The key of the server that it asks."""
        return self.server.subject

    @property
    def deadline(self) -> float:
        """Seconds after which even a defect in the round's own timing ends."""
        return self.timeout + 5.0

    async def work(self) -> Result | None:
        """Ask the server what is due."""
        return None if self.ended else await self._round(forced=False)

    async def forced(self) -> Result | None:
        """Ask the server every server probe, due or not."""
        return None if self.ended else await self._round(forced=True)

    def want_probes(self, names: Collection[str]) -> None:
        """Have the next round ask these probes, whether they are due or not."""
        self._due.want(names)

    def leave(self, failure: Failure) -> bool:
        """Let go of the held session if a visit's *failure* says that the server waits for it.

        Answers whether it has to go: the round that is under way, or else the
        next one, ends it; make one at once.
        """
        self._leaving = self._leaving or self._attendance.must_leave(failure)
        return self._leaving

    async def close(self) -> None:
        """End the held session politely."""
        await self._attendance.close()

    async def _round(self, *, forced: bool) -> Result:
        course = self._begin()
        if self._leaving:
            await self._attendance.close()
            self._leaving = False
        # Half of the time for the session that is held: if it does not answer,
        # the other half tells whether the server does.
        await self._attempt(course, self.timeout / 2, forced=forced)
        if course.failure is not None and blinds_all(course.failure):
            course.failure, course.told, course.cause = None, {}, None
            remaining = self.timeout - (self._clock.monotonic() - course.started)
            await self._attempt(course, max(remaining, self.timeout / 4), forced=forced)
        course.phases = self._attendance.phases
        course.facts.update(self._attendance.facts())
        self._tell_visits(course)
        if self._leaving or not self._held or not self._attendance.lasting:
            await self._attendance.close()
            self._leaving = False
        return self._end(course, self.server, ROUND)

    async def _attempt(self, course: _Course, seconds: float, *, forced: bool) -> None:
        attendance, target = self._attendance, self.visits[0].target
        tell: Callable[[Target], Failure] | None = None
        try:
            async with asyncio.timeout(seconds):
                session = await attendance.session()
                self._meet(session)
                course.absent = await attendance.absent(session)
                await self._ask(session, self._due, course, target, forced=forced)
                self._meet(session)
        except ActionFailed as error:
            # What the guard of a probe has classified, it has classified for the first target.
            tell = partial(self._engine.failure, course.cause or error, attendance.phase)
        except TimeoutError:
            tell = partial(self._engine.timed_out, attendance.phase, seconds)
        except Exception as error:  # noqa: BLE001 - a driver may raise anything; it is classified
            tell = partial(self._engine.failure, error, attendance.phase)
        if tell is not None:
            course.failure = tell(target)
            course.told = {visit.target.name: tell(visit.target) for visit in self.visits}
            attendance.abort()

    def _meet(self, session: Session) -> None:
        """Have it asked again what the server is, where it may be another one than it was.

        Another session may have found another server behind the same name,
        and a standby may have been promoted.
        """
        known, role = self._known
        self._known = session, self._attendance.facts().get("role")
        if session is not known or (role is not None and self._known[1] is not role):
            self._due.renew(self._leading)

    def _tell_visits(self, course: _Course) -> None:
        """Block visits that cannot succeed; ask for one at once when their reason has gone."""
        blind = course.failure is not None and blinds_all(course.failure)
        for visit in self.visits:
            was_blocked = visit.blocked
            visit.blocked = blind or visit.target.name in course.absent
            if was_blocked and not visit.blocked:
                visit.wanted = True
                self._want(visit)
