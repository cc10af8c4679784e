"""The targets one by one, those of one server together.

Owns: what a row shows, and what is there on demand. Pure. Must not know: HTML.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from watchdog.database_url import PostgresqlUrl
from watchdog.incidents.keeping import Entry
from watchdog.results import Incident, ServerStatus, Status
from watchdog.secret import mask
from watchdog.web.backup_facts import Facts
from watchdog.web.narrator import Narrator, key_of
from watchdog.web.records import Group, Moment, PhaseBar, Row, Share
from watchdog.web.states import ATTENTION, DOWN, ORDER, UP, reading, state_of

_RECENT: Final = 5


@dataclass(frozen=True, slots=True)
class Rows(Narrator):
    """Tells of every target; *incidents* are the newest ones by target."""

    incidents: Mapping[str, Sequence[Entry]] = field(default_factory=dict)

    def groups(
        self, statuses: Iterable[Status], servers: Sequence[ServerStatus]
    ) -> Iterable[Group]:
        """Yield the groups in the order of the configuration; problems first in each."""
        by_name = {server.server.name: server for server in servers}
        members: dict[str, list[Status]] = {}
        for status in statuses:
            members.setdefault(status.server.name if status.server else "", []).append(status)
        for name, present in members.items():
            server = by_name.get(name)
            present.sort(key=lambda status: ORDER[state_of(status)])
            yield Group(
                key=key_of("group", name),
                title=name or self.words("files"),
                facts=self._server_facts(server),
                silent=server is not None and server.ok is False,
                share=self._connections(server),
                rows=tuple(self._row(status, server) for status in present),
            )

    def _server_facts(self, server: ServerStatus | None) -> tuple[str, ...]:
        if server is None:
            return ()
        version, role = server.facts.get("version"), str(server.facts.get("role") or "")
        facts = [self.words("version", str(version).split(" ", maxsplit=1)[0])] if version else []
        if role:
            facts.append(self.words(role) if role in ("primary", "standby") else role)
        return tuple(facts)

    def _connections(self, server: ServerStatus | None) -> Share | None:
        if server is None or not server.ok:
            return None
        used = reading(server.probes.values(), "watchdog_postgresql_connections_used")
        limit = reading(server.probes.values(), "watchdog_postgresql_connections_limit")
        if used is None or not limit:
            return None
        share = min(1.0, used / limit)
        state = DOWN if share >= 0.95 else ATTENTION if share >= 0.8 else UP
        return Share(self.words("connections", int(used), int(limit)), share * 100, state)

    def _row(self, status: Status, server: ServerStatus | None) -> Row:
        state = state_of(status)
        return Row(
            key=key_of("target", status.target.name),
            name=status.target.name,
            state=state,
            verdict=self._verdict(status),
            url=status.target.url.masked,
            round_trip=self._round_trip(status),
            size=self._size(status, server),
            space=self._space(status),
            recovery=self._recovery(status),
            recovery_state=self._recovery_state(status),
            next_backup=self._next_backup(status),
            since=self.moment(status.since) if status.since is not None else None,
            availability=self._availability(status),
            phases=self._phases(status),
            labels=tuple(status.target.labels.items()),
            backup=tuple(Facts(self.words, self.now, self.monotonic).of(status)),
            probes=tuple(self._probes(status)),
            recent=tuple(self._recent(status.recent)),
            incidents=tuple(self._incidents(status)),
        )

    def _verdict(self, status: Status) -> str:
        if status.up is None:
            return self.words("waiting")
        return self.words("up_for" if status.up else "down_for", self.lasting(status))

    def _round_trip(self, status: Status) -> str:
        if not status.up or status.round_duration is None:
            return ""
        return self.words.duration(sum(status.phases.values()) or status.round_duration)

    def _size(self, status: Status, server: ServerStatus | None) -> str:
        url = status.target.url
        if isinstance(url, PostgresqlUrl):
            runs = (*status.probes.values(), *(server.probes.values() if server else ()))
            size = reading(runs, "watchdog_postgresql_database_size_bytes", url.database)
        else:
            size = reading(status.probes.values(), "watchdog_sqlite_file_size_bytes")
        return self.words.size(size) if size is not None else ""

    def _space(self, status: Status) -> str:
        """Return what a file's size leaves out: its WAL, and what is left on its disk."""
        runs, words = status.probes.values(), self.words
        size = reading(runs, "watchdog_sqlite_file_size_bytes")
        wal = reading(runs, "watchdog_sqlite_wal_size_bytes")
        free = reading(runs, "watchdog_sqlite_filesystem_free_bytes")
        parts = []
        if size is not None:
            parts.append(
                words("with_wal", words.size(size), words.size(wal)) if wal else words.size(size)
            )
        if free is not None:
            parts.append(words("disk_free", words.size(free)))
        return " · ".join(parts)

    def _recovery(self, status: Status) -> Moment | str:
        if status.target.backup is None and not status.backup.enabled:
            return self.words("off")
        point = status.backup.recovery_point
        if point is None:
            return self.words("never" if status.backup.listed else "unknown")
        return self.moment(point)

    def _recovery_state(self, status: Status) -> str:
        if status.backup.last_attempt_successful is False or status.backup.suspect is not None:
            return DOWN
        if status.backup.breaches or status.backup.rotten or status.backup.drill_failure:
            return ATTENTION
        never = status.backup.enabled and status.backup.recovery_point is None
        return ATTENTION if never or self.overdue(status) else ""

    def _next_backup(self, status: Status) -> Moment | str:
        known = status.backup
        if known.running_since is not None:
            return self.words("running", self.words.span(self.age(known.running_since)))
        if self.paused(status) and known.paused_until is not None:
            return self.words("paused", self.words.span(-self.age(known.paused_until)))
        return self.moment(known.next_run_at) if known.next_run_at is not None else ""

    def _availability(self, status: Status) -> str:
        observed, down = status.seconds(self.monotonic)
        if observed < 1:
            return ""
        share = 1 - down / observed
        return self.words("availability", self.words.percent(share), self.words.span(observed))

    def _phases(self, status: Status) -> tuple[PhaseBar, ...]:
        whole = sum(status.phases.values())
        bars, start = [], 0.0
        for phase, seconds in status.phases.items():
            width = 100 * seconds / whole if whole else 0.0
            bars.append(PhaseBar(phase, self.words.duration(seconds), start, width))
            start += width
        return tuple(bars)

    def _probes(self, status: Status) -> Iterable[tuple[str, bool, str, str]]:
        for run in status.probes.values():
            why = mask(run.failure.message) if run.failure is not None else ""
            yield run.probe, run.success, self.words.duration(run.duration), why

    def _recent(self, incidents: Iterable[Incident]) -> Iterable[tuple[Moment, str, str]]:
        for incident in list(reversed(list(incidents)))[:_RECENT]:
            yield self.moment(incident.at), incident.failure.kind, mask(incident.failure.message)

    def _incidents(self, status: Status) -> Iterable[tuple[str, Moment, str]]:
        for entry in self.incidents.get(status.target.name, ()):
            text = self.words(f"event_{entry.event}")
            if entry.ended_at is not None:
                lasted = (entry.ended_at - entry.began_at).total_seconds()
                text = f"{text}, {self.words.span(lasted)}"
            yield entry.id, self.moment(entry.began_at), text
