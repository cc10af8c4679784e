"""The page of `/metrics`, ready before anybody asks.

Owns: the rendered lines of each target and server by family, when they
expire, and how they are joined. Lines are rendered when a result arrives;
a scrape only joins them and adds what must be exact at its moment
(availability, this process). Must not know: HTTP, who calls when.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from watchdog.clock import Clock
from watchdog.metrics import names, samples
from watchdog.metrics.text import EOF, Subject, encode, header, openmetrics_header
from watchdog.model import Metric, ProbeRun, Result, Sample, Target
from watchdog.results import ResultStore, ServerStatus, Status

_EXPIRES_AFTER_INTERVALS: Final = 3
_EXPIRES_AT_LEAST: Final = 60.0
_ROWS: Final = 512  # sets of labels that a server has: one for each row of its views
_PROCESS: Final = Subject({})
_RUN: Final = (names.PROBE_SUCCESS.name, names.PROBE_DURATION.name)
_TIMES: Final = tuple(
    metric.name for metric in (names.PROBE_INTERVAL, names.PROBE_LAST_RUN, names.PROBE_LAST_SUCCESS)
)

Describe = Callable[[Target], Mapping[str, str]]
Provider = Callable[[], Iterable[Sample]]
Process = Callable[[bool], bytes]


def lifetime(interval: float) -> float:
    """Return the age in seconds at which a value that is read every *interval* expires."""
    return max(_EXPIRES_AT_LEAST, _EXPIRES_AFTER_INTERVALS * interval)


@dataclass(frozen=True, slots=True)
class Parts:
    """A page in two: ``settled`` is the same object until something changes, ``moving`` is new."""

    settled: bytes
    moving: bytes

    def __bytes__(self) -> bytes:
        return self.settled + self.moving


class _Families:
    """The lines of every metric by where they come from, and each family's block of the page.

    A block is the header and all lines of one metric, made anew only once one
    of them has changed; there is one in each format, by whether it is OpenMetrics.
    """

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics: dict[str, Metric] = {}
        self._chunks: dict[str, dict[tuple[str, str], bytes]] = {}
        self._blocks: dict[bool, dict[str, bytes]] = {False: {}, True: {}}
        self._stale: dict[bool, set[str]] = {False: set(), True: set()}
        self._headers: dict[bool, dict[str, bytes]] = {False: {}, True: {}}
        for metric in metrics:
            self.add(metric)

    def add(self, metric: Metric) -> None:
        """Have a family of *metric*, if there is none."""
        if metric.name in self._metrics:
            return
        self._metrics[metric.name] = metric
        self._chunks[metric.name] = {}
        for blocks in self._blocks.values():
            blocks[metric.name] = b""
        # A name that is taken changes what OpenMetrics says of others.
        self._headers[True].clear()
        self._stale[True].update(name for name, chunks in self._chunks.items() if chunks)

    def put(self, name: str, source: tuple[str, str], lines: bytes) -> None:
        self._chunks[name][source] = lines
        self._stale[False].add(name)
        self._stale[True].add(name)

    def drop(self, name: str, source: tuple[str, str]) -> None:
        if self._chunks[name].pop(source, None) is not None:
            self._stale[False].add(name)
            self._stale[True].add(name)

    def has_lines(self, name: str) -> bool:
        return bool(self._chunks.get(name))

    def changed(self, *, openmetrics: bool) -> bool:
        """Whether ``joined`` would say something else than last time."""
        return bool(self._stale[openmetrics])

    def joined(self, *, openmetrics: bool) -> bytes:
        blocks, stale = self._blocks[openmetrics], self._stale[openmetrics]
        for name in stale:
            lines = b"".join(self._chunks[name].values())
            header = self.header(self._metrics[name], openmetrics=openmetrics) if lines else b""
            blocks[name] = header + lines
        stale.clear()
        return b"".join(blocks.values())

    def header(self, metric: Metric, *, openmetrics: bool) -> bytes:
        known = self._headers[openmetrics].get(metric.name)
        if known is None:
            known = openmetrics_header(metric, self._metrics) if openmetrics else header(metric)
            self._headers[openmetrics][metric.name] = known
        return known


@dataclass(slots=True)
class _Owner:
    """A target or server that has lines: what is remembered of it between results."""

    subject: Subject
    status: Status | ServerStatus
    interval: float  # seconds between its rounds or visits, whichever is longer
    families: dict[str, tuple[str, ...]] = field(default_factory=dict)  # by source
    expires: dict[str, float] = field(default_factory=dict)  # by source, monotonic
    awaited: dict[str, float] = field(default_factory=dict)  # by source: when that is looked at
    answered: dict[str, tuple[Sample, ...]] = field(default_factory=dict)  # by source, rendered
    told: dict[str, tuple[float, ...]] = field(default_factory=dict)  # by source: core values
    state: object = None  # what was last rendered of the verdict
    last_success: dict[str, datetime] = field(default_factory=dict)  # by probe


class Exposition:
    """Everything that `/metrics` says.

    The composition root calls ``reconfigure`` after ``store.configure``,
    ``on_result`` after ``store.put`` and ``on_backup`` after
    ``store.put_backup``. *describe* returns what configuration alone tells of
    a target (``Engine.description``). *providers* are asked at each scrape
    for samples of this process; *process* for the ready text of the
    operating system's view of it.
    """

    def __init__(
        self,
        store: ResultStore,
        clock: Clock,
        describe: Describe,
        providers: Iterable[Provider] = (),
        process: Process | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._describe = describe
        self._providers = list(providers)
        self._process = process
        self._families = _Families(names.CORE)
        self._owners: dict[str, _Owner] = {}
        self._deadlines: list[tuple[float, str, str]] = []
        self._settled: dict[bool, bytes] = {}
        self._watched: list[tuple[Subject, Status]] = []
        self.reconfigure()

    def add_provider(self, provider: Provider) -> None:
        """Ask *provider* for samples at each scrape from now on."""
        self._providers.append(provider)

    # -------------------------------------------------------------- listening

    def reconfigure(self) -> None:
        """Take the store's targets and servers: removed ones vanish, moved ones start afresh."""
        statuses = self._store.statuses()
        servers = self._store.servers()
        present: dict[str, Status | ServerStatus] = {s.target.subject: s for s in statuses}
        present |= {s.server.subject: s for s in servers}
        for key in [k for k, o in self._owners.items() if present.get(k) is not o.status]:
            self._forget(key)
        for status in statuses:
            self._adopt_target(status)
        for server in servers:
            self._adopt_server(server)
        self._watched = [(self._owners[s.target.subject].subject, s) for s in statuses]

    def on_result(self, result: Result) -> None:
        """Render what a result changed; call it once the store has taken the result."""
        key = result.subject.subject
        owner = self._owners.get(key)
        if owner is None:
            return  # removed by a reload while the action was under way
        if isinstance(owner.status, ServerStatus):
            self._put_server(key, owner, owner.status, result)
        else:
            spent = samples.visit(result.phases, result.duration)
            self._put(key, "visit", spent, result.finished + lifetime(owner.interval))
            self._put_state(key, owner)
        for run in result.probes:
            self._put_run(key, owner, run)
        self._expire()

    def on_backup(self, name: str) -> None:
        """Render what is now known of a target's backups, once the store has taken it."""
        status = self._store.status(name)
        if status is not None and status.target.subject in self._owners:
            key = status.target.subject
            self._put(key, "backup", samples.backup(status))
            self._put_state(key, self._owners[key])

    # -------------------------------------------------------------- reading

    def describe(self, target: Target) -> Mapping[str, str]:
        """Return what configuration alone tells of *target*: its labels of ``target_info``."""
        said = dict(self._describe(target))
        return said | {f"label_{name}": value for name, value in target.labels.items()}

    def page(self, openmetrics: bool = False) -> bytes:  # noqa: FBT001, FBT002 - the two formats
        """Return the whole page in the text format or in OpenMetrics."""
        return bytes(self.parts(openmetrics=openmetrics))

    def parts(self, *, openmetrics: bool = False) -> Parts:
        """Return the page in two parts, so that the settled one may be compressed once."""
        self._expire()
        settled = self._settled.get(openmetrics)
        if settled is None or self._families.changed(openmetrics=openmetrics):
            settled = self._families.joined(openmetrics=openmetrics)
            self._settled[openmetrics] = settled
        moving = b"".join(self._moving(openmetrics=openmetrics))
        return Parts(settled, moving + EOF if openmetrics else moving)

    # -------------------------------------------------------------- owners

    def _adopt_target(self, status: Status) -> None:
        target = status.target
        key = target.subject
        interval = max(target.probe.interval, target.probe.connect_interval)
        owner = self._owners.get(key)
        if owner is None:
            subject = Subject({"target": target.name, "engine": target.engine})
            owner = self._owners[key] = _Owner(subject, status, interval)
        owner.interval = interval
        info = owner.subject.labelled(names.TARGET_INFO.name, 1, self.describe(target).items())
        self._place(key, "info", {names.TARGET_INFO.name: (names.TARGET_INFO, encode(info))})
        self._put(key, "backup", samples.backup(status))
        owner.state = None
        self._put_state(key, owner)

    def _adopt_server(self, status: ServerStatus) -> None:
        key = status.server.subject
        intervals = [
            member.target.probe.interval
            for member in map(self._store.status, status.targets)
            if member is not None
        ]
        interval = max(intervals, default=_EXPIRES_AT_LEAST)
        if key in self._owners:
            self._owners[key].interval = interval
        else:
            subject = Subject({"server": status.server.name, "engine": status.server.engine}, _ROWS)
            self._owners[key] = _Owner(subject, status, interval)

    def _forget(self, key: str) -> None:
        owner = self._owners.pop(key)
        for source, families in owner.families.items():
            for family in families:
                self._families.drop(family, (key, source))

    # -------------------------------------------------------------- rendering

    def _put_server(self, key: str, owner: _Owner, status: ServerStatus, result: Result) -> None:
        if status.ok:
            deadline = result.finished + lifetime(owner.interval)
            self._put_values(key, owner, "info", tuple(samples.server(status)), deadline)
            self._put(key, "visit", samples.visit({}, result.duration), deadline)
        if owner.state == status.judgements:
            return  # nothing has changed for its targets
        owner.state = status.judgements
        for member in filter(None, map(self._store.status, status.targets)):
            key = member.target.subject
            if key in self._owners:
                self._put_state(key, self._owners[key])

    def _put_state(self, key: str, owner: _Owner) -> None:
        status = owner.status
        assert isinstance(status, Status)
        state = (
            status.up,
            status.failure,
            tuple([hint.id for hint in status.hints]),
            tuple(status.unanswered),
            tuple(status.failures_by_kind.items()),
            tuple(status.hints_by_id.items()),
        )
        if owner.state != state:
            owner.state = state
            self._put(key, "state", samples.state(status))

    def _put_run(self, key: str, owner: _Owner, run: ProbeRun) -> None:
        deadline = run.finished + lifetime(run.interval)
        if run.success:
            owner.last_success[run.probe] = run.finished_at
            self._put_values(key, owner, f"values {run.probe}", run.answer.samples, deadline)
        source = f"run {run.probe}"
        self._tell(key, owner, source, _RUN, samples.run(run))
        self._keep_until(key, owner, source, deadline)
        last_success = owner.last_success.get(run.probe)
        found = samples.times(run, last_success)
        self._tell(key, owner, f"times {run.probe}", _TIMES if last_success else _TIMES[:2], found)

    def _tell(
        self,
        key: str,
        owner: _Owner,
        source: str,
        families: tuple[str, ...],
        found: Iterable[Sample],
    ) -> None:
        """Render *found*, one sample of each of these core *families*, as it was before or more.

        Intervals and successes seldom change: what says the same number stays as it is.
        """
        place = key, source
        before = owner.told.get(source, ())
        told = []
        for number, (metric, value, labels) in enumerate(found):
            told.append(value)
            if number >= len(before) or before[number] != value:
                line = owner.subject.line(metric, value, labels)
                self._families.put(metric.name, place, encode(line))
        owner.told[source] = tuple(told)
        owner.families[source] = families

    def _put_values(
        self, key: str, owner: _Owner, source: str, found: tuple[Sample, ...], deadline: float
    ) -> None:
        """Render what was answered, unless it is what was answered before."""
        if owner.answered.get(source) == found:
            self._keep_until(key, owner, source, deadline)
            return
        self._put(key, source, found, deadline)
        owner.answered[source] = found

    def _keep_until(self, key: str, owner: _Owner, source: str, expires: float) -> None:
        owner.expires[source] = expires
        awaited = owner.awaited.get(source)
        if awaited is None or expires < awaited:
            self._await(key, owner, source, expires)

    def _await(self, key: str, owner: _Owner, source: str, expires: float) -> None:
        owner.awaited[source] = expires
        heapq.heappush(self._deadlines, (expires, key, source))

    def _put(
        self, key: str, source: str, found: Iterable[Sample], expires: float | None = None
    ) -> None:
        owner = self._owners[key]
        self._place(key, source, owner.subject.lines(found))
        if expires is None:
            owner.expires.pop(source, None)
        else:
            self._keep_until(key, owner, source, expires)

    def _place(self, key: str, source: str, lines: Mapping[str, tuple[Metric, bytes]]) -> None:
        owner = self._owners[key]
        for family in owner.families.get(source, ()):
            if family not in lines:
                self._families.drop(family, (key, source))
        for name, (metric, text) in lines.items():
            self._families.add(metric)
            self._families.put(name, (key, source), text)
        owner.families[source] = tuple(lines)

    def _expire(self) -> None:
        now = self._clock.monotonic()
        while self._deadlines and self._deadlines[0][0] <= now:
            deadline, key, source = heapq.heappop(self._deadlines)
            owner = self._owners.get(key)
            if owner is None or owner.awaited.get(source) != deadline:
                continue  # of one that has gone, or no longer so early
            del owner.awaited[source]
            expires = owner.expires.get(source, math.inf)
            if expires <= deadline:
                del owner.expires[source]
                self._place(key, source, {})
                owner.answered.pop(source, None)
                owner.told.pop(source, None)
            elif math.isfinite(expires):  # what is told again and again is looked at once
                self._await(key, owner, source, expires)

    # -------------------------------------------------------------- joining

    def _moving(self, *, openmetrics: bool) -> Iterator[bytes]:
        now = self._clock.monotonic()
        known = [(who, status.seconds(now)) for who, status in self._watched]
        for place, metric in enumerate(names.AVAILABILITY):
            if known:
                yield self._families.header(metric, openmetrics=openmetrics)
                yield "".join([who.line(metric, both[place]) for who, both in known]).encode()
        found = [sample for provider in self._providers for sample in provider()]
        for name, (metric, lines) in _PROCESS.lines(found).items():
            if not self._families.has_lines(name):
                yield self._families.header(metric, openmetrics=openmetrics)
                yield lines
        if self._process is not None:
            yield self._process(openmetrics)
