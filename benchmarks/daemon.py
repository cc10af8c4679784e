"""The daemon as a process against its goals: memory, /metrics under trouble, noticing failures.

    python benchmarks/daemon.py [TARGETS]

Each figure stands beside its goal or a floor that was measured in the same
run. Ends with 1 if a goal is missed. Needs the development dependencies.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.support import measures
from tests.support.postgres import Cluster

INTERVAL, TIMEOUT = 2.0, 1.5


def line(what: str, figure: str, goal: str, *, met: bool) -> bool:
    print(f"{what:<44} {figure:>28}   {goal:<24} {'met' if met else 'MISSED'}")
    return met


def main(count: int) -> bool:
    met = []
    with tempfile.TemporaryDirectory() as folder:
        found = measures.memory(Path(folder), count)
        figure = f"{found.daemon / 1e6:.1f} MB (+{found.children / 1e6:.1f} MB children)"
        what = f"resident with {count} SQLite targets"
        met.append(line(what, figure, "goal 70 MB", met=found.daemon <= 70e6))
    with tempfile.TemporaryDirectory() as folder:
        page, floor = measures.latencies(Path(folder), count)
        what = f"/metrics, half of {count} targets hung"
        met.append(line(what, str(page), "goal p99 50 ms", met=page.p99 < 0.05))
        print(f"{'  floor: /healthz in between':<44} {floor!s:>28}")
    with tempfile.TemporaryDirectory() as folder, Cluster() as cluster:
        times = measures.times_to_notice_a_killed_server(Path(folder), cluster, 5)
        figure = f"{min(times) * 1000:.0f} to {max(times) * 1000:.0f} ms"
        met.append(line("a killed server is noticed", figure, "goal 100 ms", met=max(times) < 0.1))
    with tempfile.TemporaryDirectory() as folder, Cluster() as cluster:
        took = measures.time_to_notice_a_frozen_server(Path(folder), cluster, INTERVAL, TIMEOUT)
        goal = f"goal {INTERVAL + TIMEOUT} s"
        figure = f"{took:.2f} s"
        met.append(line("a frozen server is noticed", figure, goal, met=took < INTERVAL + TIMEOUT))
    return all(met)


if __name__ == "__main__":
    sys.exit(0 if main(int(sys.argv[1]) if len(sys.argv) > 1 else 100) else 1)
