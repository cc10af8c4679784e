"""From the columns of a statistics view to samples.

Owns: which column becomes which metric, and in what unit. A column that a
version of the server lacks, or that is NULL, gives no sample: views are read
by ``select *``, so that one table of columns serves every version. Must not
know: any view.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from watchdog.model import Metric, MetricType, Sample

PREFIX: Final = "watchdog_postgresql_"
MILLISECONDS: Final = 0.001
MICROSECONDS: Final = 0.000001


def gauge(name: str, text: str, *labels: str) -> Metric:
    """Return a gauge; *name* is without the prefix."""
    return Metric(PREFIX + name, MetricType.GAUGE, text, labels)


def counter(name: str, text: str, *labels: str) -> Metric:
    """Return a counter; *name* is without the prefix and with ``_total``."""
    return Metric(PREFIX + name, MetricType.COUNTER, text, labels)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a view and its metric. ``scale`` turns the column's unit into the metric's."""

    name: str
    metric: Metric
    scale: float = 1.0


def metrics(columns: Iterable[Column]) -> tuple[Metric, ...]:
    """Return the metrics of *columns*, each once."""
    return tuple(dict.fromkeys(column.metric for column in columns))


def number(value: Any) -> float | None:
    """Return a column's value as a number: an instant as Unix time, NULL as nothing."""
    if value is None:
        return None
    if isinstance(value, datetime):
        # 'infinity' arrives as the last or first instant that Python knows.
        return value.timestamp() if 1970 < value.year < 9999 else None
    return float(value)


def readings(columns: Iterable[Column], row: Any, *labels: str) -> Iterator[Sample]:
    """Yield a sample for each of *columns* that *row* (an asyncpg record) has a value for."""
    for column in columns:
        value = row.get(column.name)
        if isinstance(value, datetime):
            value = number(value)
        if value is not None:
            yield Sample(column.metric, float(value) * column.scale, labels)


def sample(metric: Metric, value: Any, *labels: str) -> Iterator[Sample]:
    """Yield a sample unless *value* is NULL."""
    known = number(value)
    if known is not None:
        yield metric.sample(known, *labels)
