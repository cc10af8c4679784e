"""Lines of the text formats, byte for byte as prometheus_client writes them.

Owns: escaping, headers, and a line's label order. Text 0.0.4, text 1.0.0 and
OpenMetrics 1.0.0 share their sample lines (our names need no quoting); only
the headers differ. Must not know: targets, stores.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from typing import Final

from prometheus_client.utils import floatToGoString

from watchdog.model import Metric, MetricType, Sample

EOF: Final = b"# EOF\n"
_UNITS: Final = ("seconds", "bytes")
_REMEMBERED: Final = 64  # sets of labels of a subject, unless it says otherwise

# The library's own spelling of a float; it is not typed there.
_library: Callable[[float], str] = floatToGoString
_PLAIN: Final = 1e6  # a smaller number is spelled there as Python does


def _spell(value: float) -> str:
    return repr(float(value)) if -_PLAIN < value < _PLAIN else _library(value)


def escape(value: str) -> str:
    r"""Escape a label value: backslash, newline and double quote."""
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def encode(text: str) -> bytes:
    """Encode as UTF-8; a lone surrogate (an undecodable file name) becomes ``?``."""
    return text.encode("utf-8", "replace")


def family_name(metric: Metric) -> str:
    """Return the name without ``_total`` or ``_info``, as OpenMetrics calls a family."""
    if metric.type is MetricType.COUNTER:
        return metric.name.removesuffix("_total")
    if metric.type is MetricType.INFO:
        return metric.name.removesuffix("_info")
    return metric.name


def unit(metric: Metric) -> str:
    """Return the base unit that the family's name ends with, "" if none."""
    if metric.type is MetricType.INFO:
        return ""
    return next((u for u in _UNITS if family_name(metric).endswith(f"_{u}")), "")


def header(metric: Metric) -> bytes:
    """Return HELP and TYPE in the text format; an info is a gauge there."""
    kind = MetricType.GAUGE if metric.type is MetricType.INFO else metric.type
    documentation = metric.help.replace("\\", r"\\").replace("\n", r"\n")
    return encode(f"# HELP {metric.name} {documentation}\n# TYPE {metric.name} {kind}\n")


def openmetrics_header(metric: Metric, taken: Container[str] = ()) -> bytes:
    """Return HELP, TYPE and, where the name ends with one, UNIT in OpenMetrics.

    A counter's family has no ``_total`` there; where that name is *taken* by
    another family, its type is left unknown, which keeps the whole name.
    """
    name = family_name(metric)
    if name != metric.name and name in taken:
        return encode(f"# HELP {metric.name} {escape(metric.help)}\n# TYPE {metric.name} unknown\n")
    lines = f"# HELP {name} {escape(metric.help)}\n# TYPE {name} {metric.type}\n"
    if unit(metric):
        lines += f"# UNIT {name} {unit(metric)}\n"
    return encode(lines)


class Subject:
    """Who a series is about: the labels that every line of a target or server carries.

    The text of so many sets of further labels is *remembered*.
    """

    __slots__ = ("_bare", "_braced", "_names", "_pairs", "_remembered")

    def __init__(self, labels: Mapping[str, str], remembered: int = _REMEMBERED) -> None:
        self._remembered = remembered
        self._names = frozenset(labels)
        self._pairs = tuple((name, f'{name}="{escape(value)}"') for name, value in labels.items())
        self._bare = _braced(self._pairs)
        self._braced: dict[tuple[tuple[str, ...], tuple[str, ...]], str] = {}

    def line(self, metric: Metric, value: float, labels: tuple[str, ...] = ()) -> str:
        """Return one line; *labels* are the values of the metric's own, in its order."""
        if not labels:
            return f"{metric.name}{self._bare} {_spell(value)}\n"
        # A row of a view becomes a line in each of many families, all with these labels.
        both = metric.labels, labels
        known = self._braced.get(both)
        if known is None:
            if len(self._braced) >= self._remembered:
                self._braced.clear()
            known = self._braced[both] = self._with(zip(metric.labels, labels, strict=False))
        return f"{metric.name}{known} {_spell(value)}\n"

    def labelled(self, name: str, value: float, labels: Iterable[tuple[str, str]]) -> str:
        """Return one line with *labels*; one named as a label of the subject gives way to it."""
        return f"{name}{self._with(labels)} {_spell(value)}\n"

    def _with(self, labels: Iterable[tuple[str, str]]) -> str:
        own = [(n, f'{n}="{escape(v)}"') for n, v in labels if n not in self._names]
        return _braced((*self._pairs, *own))

    def lines(self, samples: Iterable[Sample]) -> dict[str, tuple[Metric, bytes]]:
        """Render *samples* by metric name; of two with the same labels the first one stays."""
        found: dict[str, tuple[Metric, dict[tuple[str, ...], str]]] = {}
        for metric, value, labels in samples:
            known = found.get(metric.name)
            if known is None:
                found[metric.name] = metric, {labels: self.line(metric, value, labels)}
            elif labels not in known[1]:
                known[1][labels] = self.line(metric, value, labels)
        return {
            name: (metric, "".join(lines.values()).encode("utf-8", "replace"))
            for name, (metric, lines) in found.items()
        }


def _braced(pairs: Iterable[tuple[str, str]]) -> str:
    text = ",".join([text for _, text in sorted(pairs)])
    return f"{{{text}}}" if text else ""
