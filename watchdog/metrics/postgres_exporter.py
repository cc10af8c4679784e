"""The names that postgres_exporter uses, for dashboards and rules that know them.

Owns: the table of aliases; adding one is one entry. An alias without a value
of ours is absent, as there. Must not know: HTTP, when anything is rendered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from watchdog.model import Metric, MetricType, Sample

ENGINE: Final = "postgresql"

Reading = tuple[float, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class View:
    """What one synchronous probe found: our samples by the name of their metric."""

    up: bool
    failed: bool
    seconds: float
    samples: Mapping[str, Sequence[Sample]]
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Alias:
    """A metric of postgres_exporter and where its readings come from."""

    metric: Metric
    read: Callable[[View, tuple[str, ...]], Iterable[Reading]]


def translate(view: View) -> Iterator[Sample]:
    """Yield the readings of every alias that *view* has values for."""
    for alias in ALIASES:
        for value, labels in alias.read(view, alias.metric.labels):
            yield alias.metric.sample(value, *labels)


# ------------------------------------------------------------------ where readings come from


def _plain(value: Callable[[View], float | None]) -> Callable[..., Iterator[Reading]]:
    """Read one value without labels, or none."""

    def read(view: View, _: tuple[str, ...]) -> Iterator[Reading]:
        found = value(view)
        if found is not None:
            yield float(found), ()

    return read


def _same_as(name: str) -> Callable[..., Iterator[Reading]]:
    """Read our metric *name*; labels go by their names, one that ours lacks is empty.

    Readings that become one by it are added up.
    """

    def read(view: View, labels: tuple[str, ...]) -> Iterator[Reading]:
        sums: dict[tuple[str, ...], float] = {}
        for sample in view.samples.get(name, ()):
            ours = dict(zip(sample.metric.labels, sample.labels, strict=True))
            theirs = tuple(ours.get(label, "") for label in labels)
            sums[theirs] = sums.get(theirs, 0.0) + sample.value
        for theirs, value in sums.items():
            yield value, theirs

    return read


def _version(view: View, _: tuple[str, ...]) -> Iterator[Reading]:
    version = str(view.facts.get("version") or "")
    if version:
        yield 1.0, (version, version.split(" ", maxsplit=1)[0])


def _replica(view: View) -> float | None:
    role = view.facts.get("role")
    return None if role is None else float(role != "primary")


def _gauge(name: str, text: str, read: Callable[..., Iterator[Reading]], *labels: str) -> Alias:
    return Alias(Metric(name, MetricType.GAUGE, text, labels), read)


# ------------------------------------------------------------------ the table

ALIASES: Final[tuple[Alias, ...]] = (
    _gauge(
        "pg_up",
        "Whether the last scrape of metrics from PostgreSQL was able to connect (1 or 0).",
        _plain(lambda view: float(view.up)),
    ),
    _gauge(
        "pg_exporter_last_scrape_error",
        "1 if a probe of this scrape failed, otherwise 0.",
        _plain(lambda view: float(view.failed)),
    ),
    _gauge(
        "pg_exporter_last_scrape_duration_seconds",
        "How long this scrape took.",
        _plain(lambda view: view.seconds),
    ),
    _gauge(
        "pg_static",
        "Version string as reported by postgres (server_version).",
        _version,
        "version",
        "short_version",
    ),
    _gauge(
        "pg_replication_is_replica",
        "Whether the server is a replica (pg_is_in_recovery()).",
        _plain(_replica),
    ),
    _gauge(
        "pg_postmaster_start_time_seconds",
        "Time at which postmaster started (pg_postmaster_start_time()).",
        _same_as("watchdog_postgresql_start_timestamp_seconds"),
    ),
    _gauge(
        "pg_settings_max_connections",
        "max_connections (pg_settings).",
        _same_as("watchdog_postgresql_connections_limit"),
    ),
    _gauge(
        "pg_stat_activity_count",
        "Number of connections in this state (pg_stat_activity).",
        _same_as("watchdog_postgresql_connections"),
        "datname",
        "state",
        "usename",
        "application_name",
        "backend_type",
        "wait_event_type",
        "wait_event",
    ),
    _gauge(
        "pg_database_size_bytes",
        "Disk space used by the database (pg_database_size()).",
        _same_as("watchdog_postgresql_database_size_bytes"),
        "datname",
    ),
)
