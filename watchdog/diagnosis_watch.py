"""The diagnosis watch: which failures are looked into, and what is kept of them.

Owns: when a failure is worth a closer look, the actions that take it, the
incidents from their beginning to their end. Must not know: what is looked at
(``diagnosis``), files (``incidents``), HTTP.

A failure is announced at once, with what its code alone tells; the closer
look ends seconds later and refines it. Nothing waits for it: it has a lane of
its own, one flight per target or server, and a deadline.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from watchdog import diagnosis, hints
from watchdog.clock import Clock, rfc3339
from watchdog.diagnosis.case import Case
from watchdog.engines import Engine
from watchdog.incidents import Event, Record
from watchdog.incidents.keeping import Keeping
from watchdog.incidents.rings import Rings
from watchdog.model import Action, Failure, Lane, Outcome, Result, Server, Target
from watchdog.report import DIAGNOSE
from watchdog.results import ActiveHint, ResultStore, Status, blinds_all
from watchdog.scheduling.runner import Runner

_AGAIN: Final = 3600.0  # seconds after which the same reason is looked into again
_SOON: Final = 5.0  # seconds after which one that could not see enough is tried again, then longer
_MOST_WAITING: Final = 64  # diagnoses; beyond that the machine has other troubles
_GRACE: Final = 3.0  # seconds beyond its own deadline, for a step that hangs
_TURNS: Final = 60.0  # seconds that may go by waiting for a turn between the visits of the server
_FIRST_VERDICTS: Final = 1.5  # seconds that the first verdicts after a start are waited for
_PROBES: Final = ("evidence", "connections")

Ask = Callable[[str, Collection[str], str], Awaitable[None]]

_log = structlog.get_logger("watchdog.diagnosis")


@dataclass(slots=True)
class _Seen:
    """What is known of a target: how it was, its open incidents, what has been looked into."""

    up: bool | None = None
    hints: tuple[ActiveHint, ...] | None = None  # that were active then
    backup_failures: int | None = None
    suspect: Failure | None = None
    open: dict[Event, Record] = field(default_factory=dict)
    looked: dict[object, float] = field(default_factory=dict)  # by reason: when again, monotonic
    tries: int = 0


class DiagnosisWatch:
    """Looks into failures. ``on_result`` and ``on_backup`` listen to the report.

    *ask* makes a round of a server with certain probes; *keeping* takes the
    records, ``None`` keeps none (a command that probes once).
    """

    def __init__(
        self,
        engines: Mapping[str, Engine],
        clock: Clock,
        store: ResultStore,
        runner: Runner,
        ask: Ask,
        keeping: Keeping | None = None,
    ) -> None:
        self._engines = engines
        self._clock = clock
        self._store = store
        self._runner = runner
        self._ask = ask
        self._keeping = keeping
        self._seen: dict[str, _Seen] = {}
        self._rings = Rings()

    # ------------------------------------------------------------------ what is watched

    def configure(self, targets: Sequence[Target]) -> None:
        """Watch exactly *targets*; of one that is gone, what is open ends."""
        names = {target.name for target in targets}
        for name in self._seen.keys() - names:
            for record in list(self._seen[name].open.values()):
                self._end(name, record)
        self._seen = {name: self._seen.get(name, _Seen()) for name in names}
        self._rings.resize(len(names))

    def take_over(self, records: Sequence[Record]) -> None:
        """Go on with incidents that were open when the last process ended."""
        for record in records:
            members = [name for name in record.targets if name in self._seen]
            for name in members:
                self._seen[name].open[record.event] = record
            if not members and self._keeping is not None:
                record.ended_at = self._clock.now()  # nobody watches it any more
                self._keeping.keep(record)

    # ------------------------------------------------------------------ listening

    def on_result(self, result: Result) -> None:
        """Note a round or a visit, and look at whom it changed."""
        self._rings.take(result)
        names: Sequence[str] = [result.subject.name]
        if isinstance(result.subject, Server):
            server = self._store.server(result.subject.name)
            names = server.targets if server is not None else ()
        fallen: list[Status] = []
        for name in names:
            status, seen = self._store.status(name), self._seen.get(name)
            if status is None or seen is None or status.up is None:
                continue
            if status.up and seen.up and not seen.open and seen.hints is status.hints:
                continue  # all is as it was
            if status.up:
                self._recovered(name, seen)
                self._see_saturation(status, seen)
            elif status.failure is not None:
                self._down(status, status.failure, seen, fallen)
            seen.up, seen.hints = status.up, status.hints
        self._begin_down(fallen)

    def on_backup(self, name: str) -> None:
        """Look into a backup that has failed, or turned out suspect, since the last call."""
        status, seen = self._store.status(name), self._seen.get(name)
        if status is None or seen is None or not status.backup.enabled:
            return
        backup = status.backup
        before, seen.backup_failures = seen.backup_failures, backup.failures
        failed = before is not None and backup.failures > before
        suspect = backup.suspect if backup.suspect != seen.suspect else None
        seen.suspect = backup.suspect
        failure = suspect or (backup.last_failure if failed else None)
        if failure is not None:
            self._begin(Event.BACKUP, [status], failure)
            self._look(status, failure)
        elif backup.last_attempt_successful and backup.suspect is None:
            record = seen.open.get(Event.BACKUP)
            if record is not None:
                self._end(name, record)

    # ------------------------------------------------------------------ down and up

    def _down(self, status: Status, failure: Failure, seen: _Seen, fallen: list[Status]) -> None:
        if seen.up is not False and Event.DOWN not in seen.open:
            fallen.append(status)
        record = seen.open.get(Event.DOWN)
        another = record is not None and not _is_known(status, failure)
        if another and record is not None and record.add_reason(self._clock.now(), failure):
            self._keep(record)
        self._look(status, failure)

    def _begin_down(self, fallen: Sequence[Status]) -> None:
        """Begin one incident of what fell together for one reason: a server with its targets."""
        groups: dict[tuple[object, ...], list[Status]] = {}
        for status in fallen:
            failure = status.failure
            assert failure is not None
            place = status.server.name if status.server and blinds_all(failure) else ""
            key = (place or status.target.name, failure.kind, failure.phase, failure.code)
            groups.setdefault(key, []).append(status)
        for members in groups.values():
            failure = members[0].failure
            assert failure is not None
            self._begin(Event.DOWN, members, failure)

    def _recovered(self, name: str, seen: _Seen) -> None:
        record = seen.open.get(Event.DOWN)
        if record is not None:
            self._end(name, record)
        if seen.up is False:
            seen.looked.clear()
            seen.tries = 0

    def _see_saturation(self, status: Status, seen: _Seen) -> None:
        full = next((hint.failure for hint in status.hints if hint.id in hints.SATURATION), None)
        record = seen.open.get(Event.SATURATION)
        if full is None:
            if record is not None:
                self._end(status.target.name, record)
                seen.looked.pop(_reason(record.failure), None)
            return
        if record is None and not self._shares(status, Event.SATURATION):
            members = [
                member
                for name in self._members(status)
                if (member := self._store.status(name)) is not None
            ]
            self._begin(Event.SATURATION, members, full)
        self._look(status, full)

    def _members(self, status: Status) -> Sequence[str]:
        server = self._store.server(status.server.name) if status.server is not None else None
        return server.targets if server is not None else (status.target.name,)

    def _shares(self, status: Status, event: Event) -> bool:
        return any(
            event in self._seen[name].open for name in self._members(status) if name in self._seen
        )

    # ------------------------------------------------------------------ records

    def _begin(self, event: Event, members: Sequence[Status], failure: Failure) -> None:
        if self._keeping is None:
            return
        first = members[0]
        now = self._clock.now()
        before = self._seen[first.target.name].open.get(event)
        if before is not None:  # another attempt at the same backup: one trouble, one record
            before.add_reason(now, failure)
            self._keep(before)
            return
        server = self._store.server(first.server.name) if first.server is not None else None
        record = self._keeping.open(
            event,
            [status.target for status in members],
            first.server.name if first.server is not None else None,
            failure,
            self._rings.evidence(first, server, self._clock.now()),
        )
        for status in members:
            self._seen[status.target.name].open[event] = record
        _log.info("incident begins", incident=record.id, target=first.target.name, of=event.value)

    def _end(self, name: str, record: Record) -> None:
        """End *record* for one target; for the last one it is over."""
        seen = self._seen.get(name)
        if seen is not None:
            seen.open.pop(record.event, None)
        if any(each.open.get(record.event) is record for each in self._seen.values()):
            return
        record.ended_at = self._clock.now()
        self._keep(record)

    def _keep(self, record: Record) -> None:
        if self._keeping is not None:
            self._keeping.keep(record)

    # ------------------------------------------------------------------ a closer look

    def _look(self, status: Status, failure: Failure) -> None:
        """Begin to look into *failure*, unless that has been done not long ago."""
        known = next((each for each in status.diagnoses if each.is_about(failure)), None)
        failure = known.of if known is not None else failure
        looked, reason = self._seen[status.target.name].looked, _reason(failure)
        now = self._clock.monotonic()
        if now < looked.get(reason, now):
            return
        if len(self._runner.in_flight(Lane.DIAGNOSES)) >= _MOST_WAITING:
            return
        if self._runner.kick(self._action(status, failure), "failure") is not None:
            looked[reason] = now + _AGAIN

    def _action(self, status: Status, failure: Failure) -> Action:
        target, server = status.target, status.server
        shared = server is not None and (blinds_all(failure) or failure.hint in hints.SATURATION)
        subject: Target | Server = server if shared and server is not None else target
        return Action(
            name=DIAGNOSE,
            subject=subject,
            lane=Lane.DIAGNOSES,
            deadline=diagnosis.DEADLINE + _GRACE + _TURNS,
            work=lambda: self._work(subject, status, failure),
            gate=f"diagnoses of {server.name}" if server is not None else "",
        )

    async def _work(self, subject: Target | Server, status: Status, failure: Failure) -> Result:
        started, started_at = self._clock.monotonic(), self._clock.now()
        names = self._members(status) if isinstance(subject, Server) else (subject.name,)
        records = self._records_of(names, failure)  # what it is about may be over by the end
        case = self._case(status, failure)
        found = await diagnosis.diagnose(case)
        if case.notes.get("incomplete"):
            self._look_soon(names, failure, started)
        finished = self._clock.monotonic()
        for record in records:
            record.failure = found.refined(record.failure)
            record.known["diagnosis"] = {
                "at": rfc3339(started_at),
                "duration_seconds": round(finished - started, 3),
                "evidence": dict(found.evidence) or None,
            }
            self._keep(record)
        return Result(
            subject=subject,
            action=DIAGNOSE,
            outcome=Outcome.OK,
            started_at=started_at,
            finished=finished,
            duration=finished - started,
            facts={"diagnosis": found, "targets": tuple(names)},
        )

    def _look_soon(self, names: Collection[str], failure: Failure, now: float) -> None:
        """Have *failure* looked into again in a while: what would tell more was not there yet."""
        for name in names:
            seen = self._seen.get(name)
            if seen is not None and _reason(failure) in seen.looked:
                seen.tries += 1
                wait = min(_AGAIN, _SOON * 2 ** min(seen.tries, 10))
                seen.looked[_reason(failure)] = now + wait

    def _records_of(self, names: Collection[str], failure: Failure) -> list[Record]:
        found: dict[str, Record] = {}
        for name in names:
            seen = self._seen.get(name)
            for record in seen.open.values() if seen is not None else ():
                if record.failure.same_as(failure):
                    found[record.id] = record
        return list(found.values())

    def _case(self, status: Status, failure: Failure) -> Case:
        server = status.server

        async def ask_again() -> Mapping[str, Any]:
            if server is None:
                return {}
            asked = self._clock.monotonic()
            await self._ask(server.name, _PROBES, "diagnosis")
            known = self._store.server(server.name)
            fresh = known is not None and known.ok and known.finished >= asked
            return known.facts if known is not None and fresh else {}

        known = self._store.server(server.name) if server is not None else None
        counted = known.facts.get("connections", {}) if known is not None else {}
        return Case(
            failure=failure,
            target=status.target,
            engine=self._engines[status.target.engine],
            server=server,
            siblings=lambda: self._siblings(status),
            ask_again=ask_again,
            place=lambda: self._runner.gate(server.place) if server is not None else nullcontext(),
            has_answered=any(self._has_answered(name) for name in self._members(status)),
            has_room=not counted or counted["used"] < counted["usable"],
        )

    def _has_answered(self, name: str) -> bool:
        status = self._store.status(name)
        return status is not None and status.observed > status.down

    async def _siblings(self, status: Status) -> Sequence[Target]:
        """Return the targets of the same server that are up; shortly after a start wait for one."""
        until = self._clock.monotonic() + _FIRST_VERDICTS
        while True:
            members = [
                member
                for name in self._members(status)
                if (member := self._store.status(name)) is not None
            ]
            found = [member.target for member in members if member.up]
            waiting = any(member.up is None for member in members)
            if found or not waiting or self._clock.monotonic() > until:
                return found
            await asyncio.sleep(0.1)

    async def finished(self) -> None:
        """Wait until every closer look that is under way has ended."""
        flights = self._runner.in_flight(Lane.DIAGNOSES)
        await asyncio.gather(*(ticket.wait() for ticket in flights))


def _reason(failure: Failure) -> tuple[object, ...]:
    return failure.kind, failure.phase, failure.code, failure.hint


def _is_known(status: Status, failure: Failure) -> bool:
    """Whether *failure* has been looked into, and is not just the same words again."""
    return any(each.is_about(failure) for each in status.diagnoses)
