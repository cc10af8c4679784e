"""``docs/metrics.md``: every metric, from the declarations themselves.

Owns: the words around the tables. Pure. Must not know: where the file is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from watchdog.engines import Engine, Probe
from watchdog.metrics import names
from watchdog.metrics.postgres_exporter import ALIASES
from watchdog.model import Metric, Scope

_HEAD = """\
# Metrics

This page is made from the declarations in the code: `python tools/write_metrics_reference.py`.

`/metrics` speaks the Prometheus text format and, where `Accept` asks for it, OpenMetrics 1.0.0.
Every series of a target carries `target` (its name in the configuration) and `engine`. What is
true of a whole PostgreSQL server carries `server` (`host:port`) instead of `target`, and is there
once, however many targets the server has: join on `watchdog_target_info`, which has both.

    watchdog_postgresql_connections_used
      * on (server) group_right watchdog_target_info

What is not known is absent, never 0. A value expires by its own age: three of its intervals, at
least 60 s. `watchdog_up` and `watchdog_target_info` never expire.

Of the tables, indexes and sequences of a database only so many have series of their own as
`probe.tables` in the [configuration](configuration.md) says (20), of its statements
`probe.statements` (none): those with most dead rows, the largest, the fullest, the most expensive.
The rest is counted (`watchdog_postgresql_tables_left_out`), and added up under the `relname`
`other` where a sum means something.

In OpenMetrics the type of `watchdog_hints_total` is `unknown`: the gauge `watchdog_hints` has the
name that a counter's family would need. Its name and values are the same in both formats.
"""

_PROBE = """
## The names of postgres_exporter

`/probe?target=NAME` makes a round now and answers within the scraper's timeout. For a PostgreSQL
target it also has these names, with the labels that postgres_exporter gives them.
"""

_PROCESS = """
`process_*` and `python_*` are those of prometheus_client: this process alone.
"""


def page(engines: Mapping[str, Engine]) -> str:
    """Return the page for the engines and their probes."""
    parts = [
        _HEAD,
        _section("Targets", names.TARGETS + names.AVAILABILITY, "target, engine"),
        _section("Probes", names.PROBES, "target or server, engine"),
        _section("Servers", names.SERVERS, "server, engine"),
        _section("Backups", names.BACKUP, "target, engine"),
        "Where backup is off there is no series of these but `watchdog_backup_enabled 0`.\n",
    ]
    for engine in engines.values():
        parts += _of_engine(engine)
    parts.append(_section("sqlite: the newest good copy", names.COPIES, "target, engine"))
    parts += [_section("This process", names.PROCESS, ""), _PROCESS]
    parts += [_PROBE, _table([alias.metric for alias in ALIASES])]
    return "".join(parts)


def _of_engine(engine: Engine) -> Iterable[str]:
    for probe in sorted(engine.probes.values(), key=lambda probe: probe.name):
        if probe.metrics:
            often = f", every {probe.interval:g} s" if probe.interval else ""
            subject = "server" if probe.scope is Scope.SERVER else "target"
            title = f"{engine.name}: {probe.name} (asked of each {subject}{often})"
            yield _section(title, probe.metrics, f"{subject}, engine", _conditions(probe))


def _conditions(probe: Probe) -> str:
    """Return of which servers it is asked and what it needs to see everything."""
    said = []
    if probe.minimum_version:
        said.append(f"From version {probe.minimum_version} on.")
    if probe.role is not None:
        said.append(f"Only of a {probe.role}.")
    if probe.privileges:
        said.append(f"To see everything it needs {'; '.join(probe.privileges)}.")
    return " ".join(said)


def _section(title: str, metrics: Iterable[Metric], labels: str, conditions: str = "") -> str:
    carried = f"\nEach with {labels}.{f' {conditions}' if conditions else ''}\n" if labels else ""
    return f"\n## {title}\n{carried}{_table(metrics)}"


def _table(metrics: Iterable[Metric]) -> str:
    lines = ["", "| metric | type | further labels | meaning |", "| --- | --- | --- | --- |"]
    for metric in metrics:
        labels = ", ".join(f"`{label}`" for label in metric.labels)
        meaning = metric.help.replace("|", r"\|")
        lines.append(f"| `{metric.name}` | {metric.type} | {labels} | {meaning} |")
    return "\n".join(lines) + "\n"
