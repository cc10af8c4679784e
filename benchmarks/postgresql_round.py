"""What one round costs a PostgreSQL server and us, against a scrape of postgres_exporter.

    python benchmarks/postgresql_round.py [DATABASES] [SCRAPES]

One server, all its databases watched. An hour of rounds is made as fast as
they go, each probe at its own default interval on a clock that is moved on by
15 s a round. A round goes the way that it goes in the daemon: runner, store,
log, diagnosis, the lines of /metrics. Then rounds with a page put together
after each, and rounds in which every probe is asked each time. Beside them the real
postgres_exporter (Debian: prometheus-postgres-exporter) is scraped in the same
run, taking turns with the rounds. CPU is that of the server's processes, those
that have ended included, and of ours or the exporter's. Ends with 1 if a goal
is missed.
"""

from __future__ import annotations

import asyncio
import http.client
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.support.clock import FakeClock
from tests.support.postgres import Cluster, free_port
from watchdog import log
from watchdog.diagnosis_watch import DiagnosisWatch
from watchdog.engines import Probe
from watchdog.engines.postgresql.engine import PostgresqlEngine
from watchdog.metrics.exposition import Exposition
from watchdog.model import Action, Lane, Scope, Target
from watchdog.report import Report
from watchdog.results import ResultStore
from watchdog.rounds import CONNECT, ROUND, ServerRound, TargetVisit
from watchdog.scheduling.runner import TIMER, Runner

EXPORTER = "prometheus-postgres-exporter"
ROLE = "exporter"  # with a password that it can parse
INTERVAL = 15.0
HOUR = round(3600 / INTERVAL)
TURNS = 10
GOAL_SERVER, GOAL_US = 1 / 20, 1 / 10
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cost:
    """CPU seconds of one round or scrape."""

    server: float
    us: float

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.server + other.server, self.us + other.us)

    def __truediv__(self, count: float) -> Cost:
        return Cost(self.server / count, self.us / count)

    def __str__(self) -> str:
        return f"server {self.server * 1000:7.2f} ms   client {self.us * 1000:7.2f} ms"


class EveryTime(PostgresqlEngine):
    """The engine with every probe asked each time."""

    def __init__(self) -> None:
        super().__init__()
        probes = PostgresqlEngine().probes.values()
        self.probes = {probe.name: replace(probe, interval=None) for probe in probes}


def cpu_of(pids: Iterable[int], *, ended: bool) -> float:
    """Return the CPU seconds of *pids* and, with *ended*, of their children that have ended."""
    total = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        total += sum(map(int, fields[11 : 15 if ended else 13]))
    return total / _TICK


def measured(cluster: Cluster, ours: Callable[[], float], count: int) -> Callable[[], Cost]:
    """Begin to measure; what it returns ends it and gives the cost of one of *count*."""

    def server() -> float:
        children = list(cluster.children())
        return cpu_of(children, ended=False) + cpu_of([cluster.pid], ended=True)

    before = server(), ours()
    return lambda: Cost((server() - before[0]) / count, (ours() - before[1]) / count)


# ------------------------------------------------------------------ ours


class Watching:
    """Rounds and visits of one server as the daemon makes them, on a clock of our own."""

    def __init__(self, engine: PostgresqlEngine, targets: list[Target]) -> None:
        self.clock = FakeClock()
        self.store = ResultStore(self.clock)
        self.server = engine.server_of(targets[0])
        self.store.configure((target, self.server) for target in targets)
        self.exposition = Exposition(self.store, self.clock, engine.description)
        report = Report(self.store, self.clock)
        self.runner = Runner(self.clock, report.take)
        diagnoses = DiagnosisWatch(
            {engine.name: engine}, self.clock, self.store, self.runner, self.ask_server
        )
        diagnoses.configure(targets)
        report.listeners += [self.exposition.on_result, diagnoses.on_result]
        self.visits = [
            TargetVisit(engine, target, self.clock, shares_server=True) for target in targets
        ]
        self.round = ServerRound(
            engine, self.server, self.visits, self.clock, lambda: None, lambda _: None
        )

    async def ask_server(self, *_: object) -> None:
        raise SystemExit("a diagnosis asks the server: something is wrong with it")

    async def run(self, action: Action) -> None:
        ticket = self.runner.kick(action, TIMER)
        assert ticket is not None
        result = await ticket.wait()
        if result is None or result.failure is not None:
            raise SystemExit(f"{action.name} of {action.subject.name} failed: {result}")
        for run in result.probes:
            if run.failure is not None:
                raise SystemExit(f"{run.probe} failed: {run.failure.message}")

    async def rounds(self, count: int, *, forced: bool = False) -> None:
        work = self.round.forced if forced else self.round.work
        action = Action(ROUND, self.server, Lane.PROBES, self.round.deadline, work)
        for _ in range(count):
            await self.run(action)
            self.clock.advance(INTERVAL)

    async def pages(self, count: int) -> None:
        """Put the page together anew after each round, as for a scrape of it."""
        for _ in range(count):
            await self.rounds(1)
            self.exposition.parts()

    async def visit_all(self) -> None:
        for visit in self.visits:
            visit.wanted = True
            deadline, place = visit.deadline, self.server.place
            await self.run(Action(CONNECT, visit.target, Lane.PROBES, deadline, visit.work, place))

    async def visiting(self, count: int) -> None:
        for _ in range(count):
            await self.visit_all()
            self.clock.advance(60.0)

    def series(self) -> int:
        return sum(line[:1] not in (b"#", b"") for line in self.exposition.page().split(b"\n"))


async def cost_of(cluster: Cluster, work: Callable[[], Awaitable[None]], count: int) -> Cost:
    done = measured(cluster, time.process_time, count)
    await work()
    return done()


# ------------------------------------------------------------------ the exporter


@contextmanager
def exporter(cluster: Cluster, *more: str) -> Iterator[tuple[int, int]]:
    """Run postgres_exporter on *cluster*; give its process id and port."""
    port = free_port()
    process = subprocess.Popen(
        [EXPORTER, f"--web.listen-address=127.0.0.1:{port}", *more],
        env={**os.environ, "DATA_SOURCE_NAME": cluster.url(ROLE, password=ROLE, sslmode="disable")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process.pid, port
    finally:
        process.terminate()
        process.wait(10)
        time.sleep(1.0)  # until the server has noticed, too


def scraped(port: int, seconds: float = 10.0) -> int:
    """Scrape once; return the number of PostgreSQL's series."""
    deadline = time.monotonic() + seconds
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", "/metrics")
            page = connection.getresponse().read()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
            continue
        finally:
            connection.close()
        return sum(line.startswith(b"pg_") for line in page.split(b"\n"))


def scrapes(cluster: Cluster, pid: int, port: int, count: int) -> Cost:
    done = measured(cluster, lambda: cpu_of([pid], ended=False), count)
    for _ in range(count):
        scraped(port)
    return done()


def discovering(cluster: Cluster, count: int) -> tuple[Cost, int]:
    with exporter(cluster, "--auto-discover-databases") as (pid, port):
        series = [scraped(port) for _ in range(5)][-1]
        return scrapes(cluster, pid, port, count), series


async def side_by_side(cluster: Cluster, watching: Watching, count: int) -> tuple[Cost, Cost, int]:
    """Measure an hour of rounds and the scrapes in turns: a busy machine is busy for both."""
    ours, theirs = Cost(0, 0), Cost(0, 0)
    with exporter(cluster) as (pid, port):
        series = [scraped(port) for _ in range(5)][-1]
        for _ in range(TURNS):
            ours += await cost_of(cluster, lambda: watching.rounds(HOUR // TURNS), HOUR // TURNS)
            theirs += scrapes(cluster, pid, port, max(1, count // TURNS))
    return ours / TURNS, theirs / TURNS, series


# ------------------------------------------------------------------ the figures


def intervals(probes: Iterable[Probe]) -> str:
    by_interval: dict[float, list[str]] = {}
    for probe in probes:
        by_interval.setdefault(probe.interval or 0.0, []).append(probe.name)
    return "\n".join(
        f"  {f'every {seconds:g} s' if seconds else 'each time':<14} {', '.join(names)}"
        for seconds, names in sorted(by_interval.items())
    )


def ratio(what: str, ours: Cost, theirs: Cost, *, goal: bool = False) -> bool:
    server, us = ours.server / theirs.server, ours.us / theirs.us
    met = server <= GOAL_SERVER and us <= GOAL_US
    verdict = f"  goal 1/20, 1/10: {'met' if met else 'MISSED'}" if goal else ""
    print(f"{what:<52} server 1/{1 / server:5.1f}   client 1/{1 / us:5.1f}{verdict}")
    return met or not goal


@dataclass(frozen=True)
class Found:
    """What one run has shown: the cost of each."""

    scrape: Cost
    series: int
    round: Cost
    visits: Cost
    scraped: Cost
    equal: Cost
    equal_visits: Cost


async def found_for(cluster: Cluster, targets: list[Target], count: int) -> Found:
    engine = PostgresqlEngine()
    watching = Watching(engine, targets)
    await watching.rounds(2)
    await watching.visit_all()
    usual, scrape, series = await side_by_side(cluster, watching, count)
    scraped_too = await cost_of(cluster, lambda: watching.pages(HOUR), HOUR)
    every = 60
    visits = await cost_of(cluster, lambda: watching.visiting(every), every)
    server, target = (
        [probe for probe in engine.probes.values() if probe.scope is scope] for scope in Scope
    )
    print(f"ours: {watching.series()} series\nprobes of the server, in a round each {INTERVAL:g} s")
    print(intervals(server))
    print("probes of each database, in a visit each 60 s")
    print(intervals(target))
    await watching.round.close()
    equal = Watching(EveryTime(), targets)
    await equal.rounds(2, forced=True)
    all_probes = await cost_of(cluster, lambda: equal.rounds(100, forced=True), 100)
    all_visits = await cost_of(cluster, equal.visit_all, 1)
    await equal.round.close()
    return Found(scrape, series, usual, visits, scraped_too, all_probes, all_visits)


def main(databases: int, count: int) -> bool:
    if shutil.which(EXPORTER) is None:
        print(f"{EXPORTER} is not installed: nothing to compare with")
        return True
    with Path(os.devnull).open("w") as nowhere, Cluster(shared_buffers="64MB") as cluster:
        log.configure("json", stream=nowhere)
        cluster.create_role(ROLE, ROLE)
        cluster.sql(f"grant pg_monitor to {ROLE}")
        names = [cluster.create_database().name for _ in range(databases)]
        targets = [cluster.target(name, name) for name in names]
        found = asyncio.run(found_for(cluster, targets, count))
        discovered, more = discovering(cluster, count)
    print(f"\n{databases} databases; CPU of one")
    print(f"{f'scrape of the exporter, {found.series} series':<52} {found.scrape}")
    print(f"{f'  the same with --auto-discover-databases, {more}':<52} {discovered}")
    print(f"{'round, each probe at its own interval':<52} {found.round}")
    print(f"{'  the same, and a page of /metrics':<52} {found.scraped}")
    print(f"{'round, every probe each time':<52} {found.equal}")
    print(f"{f'visit of all {databases}, fresh logins and all':<52} {found.visits}")
    print(f"{'  the same, every probe each time':<52} {found.equal_visits}")
    print()
    met = ratio("a round against a scrape", found.round, found.scrape, goal=True)
    ratio("a round and a page against a scrape", found.scraped, found.scrape)
    ratio("at equal frequency", found.equal, found.scrape)
    quarter = found.round + found.visits / 4
    ratio("a round and a quarter of the visits, each 15 s", quarter, found.scrape)
    both = found.equal + found.equal_visits
    ratio("at equal frequency, with logins, against discovery", both, discovered)
    return met


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:]]
    sys.exit(0 if main(*(numbers + [20, 100][len(numbers) :])) else 1)
