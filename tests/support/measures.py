"""How fast and how small the real daemon is: measured alike by tests and by benchmarks.

Every figure is of a daemon as a process of its own. Latencies are in seconds,
sizes in bytes.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sqlite3
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from tests.support.daemon import Daemon, wait_until
from tests.support.freeze import frozen_cluster
from tests.support.postgres import Cluster
from tests.support.processes import descendants


@dataclass(frozen=True)
class Latencies:
    """Seconds of many requests, sorted."""

    sorted: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.sorted)

    @property
    def p99(self) -> float:
        return self.sorted[max(0, round(len(self.sorted) * 0.99) - 1)]

    def __str__(self) -> str:
        return f"p50 {self.median * 1000:.1f} ms, p99 {self.p99 * 1000:.1f} ms"


@dataclass(frozen=True)
class Memory:
    """Resident bytes of the daemon and of the processes that it keeps, and what those cost.

    ``ended`` is the CPU time in seconds of children that came and went.
    """

    daemon: int
    children: int
    ended: float


def sqlite_targets(folder: Path, count: int, **probe: str) -> list[dict[str, Any]]:
    """Make *count* small databases, half of them in WAL mode, and return them as targets."""
    targets = []
    for number in range(count):
        path = folder / f"file{number}.db"
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("pragma synchronous = off")
            connection.execute(f"pragma journal_mode = {'wal' if number % 2 else 'delete'}")
            for table in range(5):
                connection.execute(f"create table t{table} (id integer primary key, x text)")
        targets.append({"name": f"file{number}", "url": f"sqlite:///{path}", "probe": probe})
    return targets


def memory(
    folder: Path, count: int = 100, seconds: float = 6.0, paths: Sequence[str] = ("/metrics",)
) -> Memory:
    """Return what is resident while *count* SQLite targets are visited every second.

    *paths* are asked for four times a second meanwhile.
    """
    targets = sqlite_targets(folder, count, interval="1s", timeout="900ms")
    with Daemon(folder, {"targets": targets}) as daemon:
        until = time.monotonic() + seconds
        most, beside = 0, 0
        while time.monotonic() < until:
            for path in paths:
                daemon.get(path)
            most = max(most, daemon.resident_bytes())
            beside = max(beside, sum(_resident(c.pid) for c in descendants(daemon.pid)))
            time.sleep(0.25)
        assert daemon.metric("watchdog_up", target=f"file{count - 1}") is not None
        return Memory(most, beside, _cpu_of_ended_children(daemon.pid))


def _cpu_of_ended_children(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")


def _resident(pid: int) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    return 0


@contextlib.contextmanager
def silent_servers(count: int) -> Iterator[list[int]]:
    """Listen on *count* ports where connections are taken and nothing is ever said."""
    with contextlib.ExitStack() as stack:
        sockets = [
            stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=256))
            for _ in range(count)
        ]
        yield [each.getsockname()[1] for each in sockets]


def latencies(folder: Path, count: int = 100, requests: int = 300) -> tuple[Latencies, Latencies]:
    """Return how long /metrics takes, half of *count* targets hung, and /healthz as a floor."""
    probe = {"interval": "2s", "timeout": "1500ms"}
    with silent_servers(count // 2) as ports:
        targets = sqlite_targets(folder, count - count // 2, **probe)
        targets += [
            {"name": f"hung{port}", "url": f"postgresql://u:secret@127.0.0.1:{port}/db",
             "probe": probe | {"connect_interval": "2s"}}
            for port in ports
        ]  # fmt: skip
        with Daemon(folder, {"targets": targets}) as daemon, httpx.Client() as client:
            assert daemon.metric("watchdog_up", target=targets[-1]["name"]) == 0
            pages, floor = [], []
            for _ in range(requests):
                pages.append(_timed(client, f"{daemon.url}/metrics"))
                floor.append(_timed(client, f"{daemon.url}/healthz"))
                time.sleep(0.02)
    return Latencies(tuple(sorted(pages))), Latencies(tuple(sorted(floor)))


def _timed(client: httpx.Client, url: str) -> float:
    began = time.perf_counter()
    answer = client.get(url)
    took = time.perf_counter() - began
    assert answer.status_code == 200
    return took


def times_to_notice_a_killed_server(folder: Path, cluster: Cluster, times: int = 3) -> list[float]:
    """Return the seconds from SIGKILL to the verdict, each time, at an interval of a minute."""
    probe = {"interval": "60s", "timeout": "2s", "connect_interval": "60s"}
    target = {"name": "app", "url": cluster.create_database().url(), "probe": probe}
    found = []
    with Daemon(folder, {"targets": [target]}) as daemon:
        for number in range(times):
            daemon.wait_up("app", 1)
            time.sleep(0.5)
            killed = time.time()
            cluster.kill()
            found.append(_down_at(daemon, number) - killed)
            cluster.start()
    return found


def time_to_notice_a_frozen_server(
    folder: Path, cluster: Cluster, interval: float, timeout: float
) -> float:
    """Return how long it takes from SIGSTOP to the verdict."""
    span = {"interval": interval, "timeout": timeout, "connect_interval": interval}
    probe = {name: f"{round(seconds * 1000)}ms" for name, seconds in span.items()}
    target = {"name": "app", "url": cluster.create_database().url(), "probe": probe}
    with Daemon(folder, {"targets": [target]}) as daemon:
        daemon.wait_up("app", 1)
        stopped = time.time()
        with frozen_cluster(cluster):
            return _down_at(daemon, 0) - stopped


def _down_at(daemon: Daemon, already: int) -> float:
    wait_until(lambda: len(daemon.events("target down")) > already, f"it is down\n{daemon.log}")
    return datetime.fromisoformat(daemon.events("target down")[-1]["timestamp"]).timestamp()
