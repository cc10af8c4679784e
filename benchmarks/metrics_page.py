"""How much cheaper joining ready lines is than generate_latest over all series.

    python benchmarks/metrics_page.py [SERIES ...]

Prints, for each number of series: the page's size, the time of
prometheus_client's generate_latest over the same samples, of a scrape that
finds everything joined already, of one after every target had a new result,
and of rendering one result. Best of five, milliseconds of this machine.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.demo import FakeClock, describe, run, sqlite, visit
from watchdog.metrics.exposition import Exposition
from watchdog.metrics.negotiation import Compressor
from watchdog.model import Metric, MetricType
from watchdog.results import ResultStore

METRICS = [
    Metric(f"watchdog_sqlite_benchmark_{number}_bytes", MetricType.GAUGE, "Made up.")
    for number in range(25)
]


class Parsed:
    """What the page says, as families for the library to render."""

    def __init__(self, page: bytes) -> None:
        self._families = list(text_string_to_metric_families(page.decode()))

    def collect(self) -> list[object]:
        return self._families


def best(action: object, times: int = 5) -> float:
    """Return the shortest of *times* runs in milliseconds."""
    shortest = float("inf")
    for _ in range(times):
        began = time.perf_counter()
        action()
        shortest = min(shortest, time.perf_counter() - began)
    return shortest * 1000


def measure(series: int) -> None:
    clock = FakeClock()
    store = ResultStore(clock)
    # 25 made-up readings and 28 core series a target
    targets = [sqlite(f"target-{number:05}") for number in range(max(1, series // 53))]
    store.configure([(target, None) for target in targets])
    exposition = Exposition(store, clock, describe)

    def results() -> None:
        for target in targets:
            found = [metric.sample(clock.monotonic() * 1.5) for metric in METRICS]
            result = visit(clock, target, run(clock, "x", *found))
            store.put(result)
            exposition.on_result(result)

    results()
    page = exposition.page()
    count = sum(1 for line in page.splitlines() if not line.startswith(b"#"))
    registry = CollectorRegistry()
    registry.register(Parsed(page))
    library = best(lambda: generate_latest(registry))
    joined = best(exposition.page)

    def dirty() -> float:
        clock.advance(15)
        results()
        return best(exposition.page, times=1)

    after_results = min(dirty() for _ in range(3))
    rendering = best(results, times=3) / len(targets)
    compressor = Compressor()
    parts = exposition.parts()
    packed_first = best(lambda: asyncio.run(compressor.compress(parts, openmetrics=False)), times=1)
    packed_again = best(lambda: asyncio.run(compressor.compress(parts, openmetrics=False)))
    print(f"{count:>8,} series, {len(page) / 1e6:.2f} MB")
    print(f"  generate_latest          {library:10.2f} ms")
    print(f"  joined, nothing changed  {joined:10.2f} ms   x{library / joined:,.0f}")
    print(f"  joined, all changed      {after_results:10.2f} ms   x{library / after_results:,.0f}")
    print(f"  rendering one result     {rendering:10.3f} ms")
    print(f"  gzip, first and again    {packed_first:10.2f} ms, {packed_again:.2f} ms")


if __name__ == "__main__":
    for argument in sys.argv[1:] or ["1000", "10000", "100000"]:
        measure(int(argument))
