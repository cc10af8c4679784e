"""What an alias is: a metric of another exporter, and how its readings come from ours.

Owns: the types and the ways to read. Must not know: any name, HTTP, when
anything is rendered.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from watchdog.model import Metric, MetricType, Sample

Reading = tuple[float, tuple[str, ...]]

_ALL: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class View:
    """What one synchronous probe found: our samples by the name of their metric."""

    up: bool
    failed: bool
    seconds: float
    samples: Mapping[str, Sequence[Sample]]
    facts: Mapping[str, Any]
    datname: str = ""


@dataclass(frozen=True, slots=True)
class Alias:
    """A metric of postgres_exporter and where its readings come from."""

    metric: Metric
    read: Callable[[View, tuple[str, ...]], Iterable[Reading]]


def plain(value: Callable[[View], float | None]) -> Callable[..., Iterator[Reading]]:
    """Read one value without labels, or none."""

    def read(view: View, _: tuple[str, ...]) -> Iterator[Reading]:
        found = value(view)
        if found is not None:
            yield float(found), ()

    return read


def same_as(
    *names: str, scale: float = 1.0, only: Mapping[str, str] = _ALL, lower: bool = False
) -> Callable[..., Iterator[Reading]]:
    """Read our metrics *names*; labels go by their names, one that ours lacks is empty.

    Readings that become one by it are added up. ``only`` chooses by labels of
    ours, ``lower`` writes labels in small letters, as they do with locks.
    """

    def read(view: View, labels: tuple[str, ...]) -> Iterator[Reading]:
        sums: dict[tuple[str, ...], float] = {}
        for sample in (each for name in names for each in view.samples.get(name, ())):
            ours = dict(zip(sample.metric.labels, sample.labels, strict=True))
            if any(ours.get(label) != value for label, value in only.items()):
                continue
            ours.setdefault("database", ours.get("datname", ""))
            theirs = tuple(ours.get(label, "") for label in labels)
            theirs = tuple(map(str.lower, theirs)) if lower else theirs
            sums[theirs] = sums.get(theirs, 0.0) + sample.value * scale
        for theirs, value in sums.items():
            yield value, theirs

    return read


def in_database(*names: str, scale: float = 1.0) -> Callable[..., Iterator[Reading]]:
    """Read our metrics *names* of a target, which are of the database that was probed.

    What stands for all that has no series of its own is no table of theirs.
    """
    same = same_as(*names, scale=scale)

    def read(view: View, labels: tuple[str, ...]) -> Iterator[Reading]:
        place = labels.index("datname")
        for value, found in same(view, labels):
            if "schemaname" not in labels or found[labels.index("schemaname")]:
                yield value, (*found[:place], view.datname, *found[place + 1 :])

    return read


def age_of(name: str) -> Callable[..., Iterator[Reading]]:
    """Read how long ago the instant was that our metric *name* tells, in seconds."""

    def read(view: View, _: tuple[str, ...]) -> Iterator[Reading]:
        for sample in view.samples.get(name, ()):
            yield max(0.0, time.time() - sample.value), ()

    return read


def gauge(name: str, text: str, read: Callable[..., Iterator[Reading]], *labels: str) -> Alias:
    """Return the alias of a gauge of theirs."""
    return Alias(Metric(name, MetricType.GAUGE, text, labels), read)


def counter(name: str, text: str, read: Callable[..., Iterator[Reading]], *labels: str) -> Alias:
    """Return the alias of a counter of theirs, whatever its name ends with."""
    return Alias(Metric(name, MetricType.COUNTER, text, labels), read)
