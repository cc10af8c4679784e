"""The watch: the visits and rounds of everything that is configured now.

Owns: grouping targets by server, the actions made of them, their timers, the
answer to a lost session, and what a change of the configuration starts and
ends. Must not know: signals, HTTP, files. Shared by the daemon and by
``probe``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Final

import structlog

from watchdog.clock import Clock
from watchdog.engines import Engine
from watchdog.model import Action, Failure, Lane, Result, Server, Target
from watchdog.results import ResultStore, blinds_all
from watchdog.rounds import ROUND, ServerRound, TargetVisit
from watchdog.scheduling.runner import TIMER, Runner, Ticket
from watchdog.scheduling.scheduler import Scheduler, Timer

# The first wait before a dead server is looked at again, seconds.
_FLOOR: Final = 1.0

# A session that is lost again and again (an idle timeout, a proxy) must not
# make a round each time: so many at once, and one more every so many seconds.
_LOSSES: Final = 5
_LOSS_PERIOD: Final = 10.0

Work = Callable[[], Awaitable[Result | None]]

_log = structlog.get_logger("watchdog.watch")


class Watch:
    """Everything that is probed. ``configure`` may be called again and again."""

    def __init__(
        self,
        engines: Mapping[str, Engine],
        clock: Clock,
        store: ResultStore,
        runner: Runner,
        scheduler: Scheduler | None = None,
    ) -> None:
        self._engines = engines
        self._clock = clock
        self._store = store
        self._runner = runner
        self._scheduler = scheduler
        self._visits: dict[str, TargetVisit] = {}
        self._rounds: dict[str, ServerRound] = {}
        self._patience: dict[str, _Patience] = {}

    # ------------------------------------------------------------------ what is watched

    async def configure(self, targets: Sequence[Target]) -> None:
        """Watch exactly *targets* from now on; what stays the same goes on undisturbed."""
        placed = [(target, self._engines[target.engine].server_of(target)) for target in targets]
        members: dict[str, list[Target]] = {}
        servers: dict[str, Server] = {}
        for target, server in placed:
            if server is not None:
                servers[server.name] = server
                members.setdefault(server.name, []).append(target)
        await self._end(self._taken_out({target.name: target for target in targets}, members))
        self._store.configure(placed)
        for target, server in placed:
            if target.name not in self._visits:
                self._visits[target.name] = TargetVisit(
                    self._engines[target.engine], target, self._clock, shares_server=bool(server)
                )
        for name, server in servers.items():
            if name not in self._rounds:
                self._rounds[name] = self._server_round(server, members[name])
        self._set_timers()

    def _taken_out(
        self, targets: Mapping[str, Target], members: Mapping[str, list[Target]]
    ) -> list[TargetVisit | ServerRound]:
        """Take out what is not to be as it was, so that nothing begins it any more."""
        gone: list[TargetVisit | ServerRound] = []
        for name, visit in list(self._visits.items()):
            if targets.get(name) != visit.target:
                gone.append(self._visits.pop(name))
        for name, server_round in list(self._rounds.items()):
            if members.get(name) != [visit.target for visit in server_round.visits]:
                gone.append(self._rounds.pop(name))
                self._patience.pop(name)
                if self._scheduler is not None:
                    self._scheduler.clear_alarm(_alarm(name))
        for each in gone:
            each.ended = True
        self._set_timers()
        return gone

    async def _end(self, gone: Sequence[TargetVisit | ServerRound]) -> None:
        subjects = {each.subject for each in gone}
        await self._runner.cancel(lambda a: a.lane is Lane.PROBES and a.subject.subject in subjects)
        await _close(each for each in gone if isinstance(each, ServerRound))

    def _server_round(self, server: Server, targets: Sequence[Target]) -> ServerRound:
        self._patience[server.name] = _Patience(self._clock)
        return ServerRound(
            self._engines[server.engine],
            server,
            [self._visits[target.name] for target in targets],
            self._clock,
            on_lost=lambda: self._lost(server.name),
            want=lambda visit: self._kick_visit(visit, "its server is back"),
        )

    async def close(self) -> None:
        """End all sessions politely."""
        rounds, self._rounds = list(self._rounds.values()), {}
        for server_round in rounds:
            server_round.ended = True
        await _close(rounds)

    # ------------------------------------------------------------------ kicks

    def kick_all(self, reason: str) -> list[Ticket]:
        """Begin a round of everything: the servers first, then every target."""
        tickets = [self._runner.kick(self._round_action(r), reason) for r in self._rounds.values()]
        tickets += [self._kick_visit(visit, reason) for visit in self._visits.values()]
        return [ticket for ticket in tickets if ticket is not None]

    async def probe(self, names: Iterable[str], reason: str) -> None:
        """Make one round of the named targets now, every probe included, and wait for its end."""
        # A name that is missing has been taken out by a reload meanwhile.
        visits = [self._visits[name] for name in names if name in self._visits]
        rounds = [r for r in self._rounds.values() if any(v in r.visits for v in visits)]
        await self._run([self._round_action(r, r.forced) for r in rounds], reason)
        await self._run([self._visit_action(v, v.forced) for v in visits if not v.blocked], reason)

    async def ask_server(self, name: str, probes: Collection[str], reason: str) -> None:
        """Make a round of one server now that asks *probes*, due or not, and wait for its end."""
        server_round = self._rounds.get(name)
        if server_round is not None:
            server_round.want_probes(probes)
            await self._run([self._round_action(server_round)], reason)

    async def _run(self, actions: Iterable[Action], reason: str) -> None:
        await asyncio.gather(*(self._run_one(action, reason) for action in actions))

    async def _run_one(self, action: Action, reason: str) -> None:
        ticket = self._runner.kick(action, reason)
        if ticket is not None and ticket.action is not action:
            # A timer was quicker, and may have found nothing due: ask again after it.
            await ticket.wait()
            ticket = self._runner.kick(action, reason)
        if ticket is not None:
            await ticket.wait()

    def on_result(self, result: Result) -> None:
        """Look again soon at a server that cannot be reached, and leave one that shuts down."""
        if isinstance(result.subject, Target):
            self._leave_if_asked(result.subject, result.failure)
            return
        server_round = self._rounds.get(result.subject.name)
        if server_round is None:
            return
        patience = self._patience[result.subject.name]
        if result.failure is None or not blinds_all(result.failure):
            patience.reset()
            return
        self._look_again(server_round, patience.longer())

    def _leave_if_asked(self, target: Target, failure: Failure | None) -> None:
        """End the held session where a visit has learned that its server waits for that."""
        server = self._engines[target.engine].server_of(target)
        server_round = self._rounds.get(server.name) if server is not None else None
        if failure is not None and server_round is not None and server_round.leave(failure):
            _log.info(
                "the server shuts down, letting go of the session", server=server_round.server.name
            )
            self._runner.kick(self._round_action(server_round), "its server shuts down")

    def _lost(self, name: str) -> None:
        """Look at once why a held session died: that it did is no verdict."""
        server_round = self._rounds.get(name)
        if server_round is None:
            return
        wait = self._patience[name].loss()
        if wait <= 0:
            _log.info("session lost, looking at once", server=name)
            self._runner.kick(self._round_action(server_round), "lost session")
        else:
            self._look_again(server_round, wait)

    def _look_again(self, server_round: ServerRound, wait: float) -> None:
        if self._scheduler is not None and wait < server_round.interval:
            self._scheduler.set_alarm(
                _alarm(server_round.server.name),
                self._clock.now() + timedelta(seconds=wait),
                self._timer_kick(self._round_action(server_round)),
            )

    def _kick_visit(self, visit: TargetVisit, reason: str) -> Ticket | None:
        return self._runner.kick(self._visit_action(visit), reason)

    # ------------------------------------------------------------------ actions and timers

    def _set_timers(self) -> None:
        if self._scheduler is None:
            return
        timers = [
            Timer(r.server.subject, r.interval, self._timer_kick(self._round_action(r)))
            for r in self._rounds.values()
        ]
        for visit in self._visits.values():
            kick = self._timer_kick(self._visit_action(visit))
            timers += [Timer(visit.subject, interval, kick) for interval in visit.intervals]
        self._scheduler.set_timers(timers)

    def _timer_kick(self, action: Action) -> Callable[[], None]:
        def kick() -> None:
            self._runner.kick(action, TIMER)

        return kick

    def _visit_action(self, visit: TargetVisit, work: Work | None = None) -> Action:
        server = self._engines[visit.target.engine].server_of(visit.target)
        return Action(
            name=visit.action,
            subject=visit.target,
            lane=Lane.PROBES,
            deadline=visit.deadline,
            work=work or visit.work,
            gate=server.place if server else "",
        )

    def _round_action(self, server_round: ServerRound, work: Work | None = None) -> Action:
        return Action(
            name=ROUND,
            subject=server_round.server,
            lane=Lane.PROBES,
            deadline=server_round.deadline,
            work=work or server_round.work,
        )


async def _close(rounds: Iterable[ServerRound]) -> None:
    await asyncio.gather(*(server_round.close() for server_round in rounds))


def _alarm(server: str) -> str:
    return f"look again at {server}"


class _Patience:
    """How long to wait before looking at the same trouble again: one second, two, four, …."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._wait = _FLOOR
        self._losses = float(_LOSSES)  # that may be answered at once
        self._counted = clock.monotonic()

    def longer(self) -> float:
        wait, self._wait = self._wait, self._wait * 2
        return wait

    def reset(self) -> None:
        self._wait = _FLOOR

    def loss(self) -> float:
        """Count a loss; return the seconds after which it may be answered, 0 for at once."""
        now = self._clock.monotonic()
        regained = (now - self._counted) / _LOSS_PERIOD
        self._losses, self._counted = min(_LOSSES, self._losses + regained), now
        if self._losses < 1:
            return (1 - self._losses) * _LOSS_PERIOD
        self._losses -= 1
        return 0.0
