"""What this process says of itself: build, reloads, loop lag, and the system's view.

Owns: the gauges of the process and prometheus_client's ``process_*`` and
``python_*`` families. Must not know: targets.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

import watchdog
from watchdog.clock import Clock
from watchdog.metrics import names
from watchdog.metrics.text import EOF
from watchdog.model import Sample

# Typed here, for the library does not.
_generate_openmetrics: Callable[[CollectorRegistry], bytes] = generate_openmetrics


class ProcessState:
    """The gauges that the composition root keeps: pass ``samples`` to the Exposition."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._reloaded_at = clock.now()
        self._reload_successful = True
        self._lag = 0.0

    def reloaded(self, *, successful: bool) -> None:
        """Take how a load of the configuration ended, at this moment."""
        self._reload_successful = successful
        if successful:
            self._reloaded_at = self._clock.now()

    def lagged(self, seconds: float) -> None:
        """Take how late the event loop woke up."""
        self._lag = max(0.0, seconds)

    def samples(self) -> Iterator[Sample]:
        """Yield the readings of this moment."""
        yield names.BUILD_INFO.sample(1, watchdog.__version__, platform.python_version())
        yield names.CONFIG_RELOAD_SUCCESSFUL.sample(float(self._reload_successful))
        yield names.CONFIG_RELOAD_TIMESTAMP.sample(self._reloaded_at.timestamp())
        yield names.LOOP_LAG.sample(self._lag)


class SystemView:
    """``process_*`` from /proc/self and ``python_*``, rendered by the library at each call."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        GCCollector(registry=self._registry)

    def __call__(self, openmetrics: bool) -> bytes:  # noqa: FBT001 - the two formats
        """Return the families as text, without the end mark of OpenMetrics."""
        if openmetrics:
            return _generate_openmetrics(self._registry).removesuffix(EOF)
        return generate_latest(self._registry)
