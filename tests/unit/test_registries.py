"""The contract of every member of every registry: engines, probes, commands."""

from __future__ import annotations

import re
from types import ModuleType

import click
import pytest

from watchdog.cli import cli
from watchdog.engines import Probe, find_engines, find_probes
from watchdog.model import Metric, MetricType, Scope

ENGINES = find_engines()
PROBES = [(engine, probe) for engine in ENGINES.values() for probe in engine.probes.values()]
UNITS = ("seconds", "bytes", "ratio", "total", "info")
# A label that Prometheus or we add; a metric that declares it again would clash.
RESERVED = {"target", "engine", "server", "instance", "job", "le", "quantile", "__name__"}


def ids(value: object) -> str | None:
    if isinstance(value, Probe):
        return value.name
    name = getattr(value, "name", None)
    return str(name) if name else None


def test_both_engines_are_found() -> None:
    assert set(ENGINES) >= {"postgresql", "sqlite"}


@pytest.mark.parametrize(("engine", "probe"), PROBES, ids=ids)
def test_a_probe_is_named_and_paced_sensibly(engine: object, probe: Probe) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]*", probe.name)
    assert probe.scope in Scope
    assert probe.interval is None or probe.interval >= 15


def metrics() -> list[Metric]:
    return [metric for _engine, probe in PROBES for metric in probe.metrics]


@pytest.mark.parametrize("metric", metrics(), ids=ids)
def test_a_metric_follows_the_conventions(metric: Metric) -> None:
    assert re.fullmatch(r"watchdog_[a-z0-9_]+", metric.name)
    assert metric.name.endswith("_total") == (metric.type is MetricType.COUNTER)
    assert metric.name.endswith("_info") == (metric.type is MetricType.INFO)
    assert len(metric.help) > 20
    assert metric.help.endswith(".")
    assert not RESERVED & set(metric.labels)
    assert not re.search(r"(milli|micro|_ms$|kb|mb$|minutes|hours)", metric.name)
    for label in metric.labels:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", label)


def test_no_metric_is_declared_twice() -> None:
    names = [metric.name for metric in metrics()]
    assert len(names) == len(set(names))


def test_two_probes_of_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    async def ask(_session: object) -> None: ...

    probe = Probe("same", Scope.TARGET, (), ask)  # type: ignore[arg-type]
    package = ModuleType("package")
    monkeypatch.setattr("watchdog.engines.members", lambda *_: {"a": probe, "b": probe})
    with pytest.raises(TypeError, match="two probes"):
        find_probes(package)


@pytest.mark.parametrize("name", cli.list_commands(click.Context(cli)))
def test_a_command_explains_itself_with_examples(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert command.name == name
    assert command.help
    context = click.Context(command, info_name=name)
    text = command.get_help(context)
    assert re.search(rf"^ +db-watchdog {name}\b", text, re.MULTILINE), "no example in --help"
