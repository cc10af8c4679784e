"""Write ``docs/alerts.md``, the runbook, from the alert rules themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[1]
RULES: Final = ROOT / "config" / "prometheus" / "rules"
PAGE: Final = ROOT / "docs" / "alerts.md"

_TITLES: Final = {
    "availability": "Availability",
    "capacity": "Capacity",
    "postgresql": "PostgreSQL",
    "replication": "Replication and the archive of PostgreSQL",
    "sqlite": "SQLite files",
    "backups": "Backups",
    "watchdog": "db-watchdog itself",
}
_SEVERITIES: Final = {"page": "wakes somebody", "ticket": "can wait until the morning"}

_HEAD: Final = """\
# Alerts

This page is made from the rules in `config/prometheus/rules`: `python
tools/write_alerts_reference.py`. Each section says what an alert means and what to do first; which
series exist when is in [metrics.md](metrics.md), what a hint means in [hints.md](hints.md).

## How they are used

With docker compose they are in use already. Elsewhere, copy `config/prometheus/rules` beside your
`prometheus.yml` and add

```yaml
rule_files:
  - rules/*.yml
scrape_configs:
  - job_name: db-watchdog        # DbWatchdogAbsent and DbWatchdogRestarting know it by this name
    static_configs:
      - targets: ["127.0.0.1:10187"]
```

Who alerts in Grafana instead has the same rules there: [grafana.md](grafana.md#alerts-in-grafana).

Use `/metrics` or `/probe` for a target, not both, or each of its alerts is there twice.
`config/prometheus/alertmanager.yml` is an Alertmanager configuration to begin with: one message for
a server with all its databases, `DatabaseDown` holds back the other alerts of its target, a page
holds back the ticket of the same name. Its receivers are empty: write yours there.

**Labels.** `severity` is `page` or `ticket`. What is about a target carries `target`, `engine` and,
on PostgreSQL, `server`; what is about a whole server carries `server` and no `target`, so that a
database that is down does not hold it back.

**Annotations.** `summary` names the hints that apply while it fires: ids of [hints.md](hints.md),
explained by `db-watchdog explain ID`, and `hints` links to each of them there. `description` says
what it means, `action` what to do first, `runbook_url` points to the section below.

**Links.** `runbook_url` begins with `docs/alerts.md` and `hints` with `docs/hints.md`, the pages'
places in the repository. To make them links, tell Prometheus where you publish the pages by
external labels; nothing in the rules needs an edit:

```yaml
global:
  external_labels:
    runbook_base: https://git.example.org/db-watchdog/blob/main/docs/alerts.md
    hints_base: https://git.example.org/db-watchdog/blob/main/docs/hints.md
alerting:
  alert_relabel_configs:         # the labels have done their work by then
    - {regex: runbook_base|hints_base, action: labeldrop}
```

**A watcher of the watchers.** None of these rules fires when Prometheus or Alertmanager is down.
An always-firing alert that an outside service misses is the remedy; it belongs to your Prometheus,
not to db-watchdog.
"""


def rules(folder: Path = RULES) -> dict[str, list[dict[str, Any]]]:
    """Return the rules of each file by its name, in the order in which the page has them."""
    found = {}
    for name in _TITLES:
        document = yaml.safe_load((folder / f"{name}.yml").read_text(encoding="utf-8"))
        found[name] = [rule for group in document["groups"] for rule in group["rules"]]
    return found


def page(found: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """Return the page for the rules of each file."""
    parts = [_HEAD, *_overview(found)]
    for file, members in found.items():
        parts.append(f"\n## {_TITLES[file]}\n")
        for name in dict.fromkeys(rule["alert"] for rule in members):
            parts += _section(name, [rule for rule in members if rule["alert"] == name])
    return "".join(parts)


def _overview(found: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[str]:
    yield "\n## All of them\n\n| alert | severity | after |\n| --- | --- | --- |\n"
    for rule in (rule for members in found.values() for rule in members):
        name, severity = rule["alert"], rule["labels"]["severity"]
        yield f"| [{name}](#{name.lower()}) | {severity} | {rule.get('for', 'at once')} |\n"


def _section(name: str, members: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield f'\n<a id="{name.lower()}"></a>\n\n### {name}\n'
    for rule in members:
        severity, notes = rule["labels"]["severity"], rule["annotations"]
        after = f"after {rule['for']}" if "for" in rule else "at once"
        yield f"\n**{severity.capitalize()}** (it {_SEVERITIES[severity]}), {after}.\n"
        yield f"\n{notes['description']}\n"
        yield f"\n*First:* {notes['action']}\n"
        yield f"\n```promql\n{rule['expr'].rstrip()}\n```\n"


if __name__ == "__main__":
    PAGE.write_text(page(rules()), encoding="utf-8")
