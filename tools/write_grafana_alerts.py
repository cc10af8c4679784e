"""Write ``config/grafana/alerting``: the alert rules of Prometheus, for those who alert in Grafana.

Made of ``config/prometheus/rules`` and of the inhibitions in
``alertmanager.yml``: a rule that is added there is here at the next run. Owns:
what Grafana does otherwise. It has no inhibitions, so they become part of the
expressions; its templates cannot ask Prometheus, so a link leads to the hints;
it has no ``ALERTS``.

``--runbook URL`` says where docs/alerts.md can be read, ``--into FOLDER`` where to write.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from tools.write_alerts_reference import rules

ROOT: Final = Path(__file__).parents[1]
FOLDER: Final = ROOT / "config" / "grafana" / "alerting"
ALERTMANAGER: Final = ROOT / "config" / "prometheus" / "alertmanager.yml"
RUNBOOK: Final = "docs/alerts.md"
DATASOURCE: Final = "prometheus"
_SCHEDULE: Final = "30s"  # Grafana takes multiples of 10 s

# Grafana makes no ALERTS: whatever a rule reads there, as a question about the last minute,
# which begins and ends with one of five looks.
_INSTEAD: Final = {
    'ALERTS{alertname="DatabaseDown", severity="page", alertstate="firing"}': (
        "count_over_time((watchdog_up == 0 unless on (job, instance, target)"
        ' watchdog_failure_active{kind=~"auth|privilege"})[75s:15s]) >= 5'
    ),
}
# When what holds others back is there: shorter than its own expression, and as right.
_THERE: Final = {"DatabaseDown": "watchdog_up == 0"}

_HINTS: Final = (
    '{{ reReplaceAll "/$" "" (externalURL) }}/d/db-watchdog-fleet'
    "?var-job={{ $labels.job }}&var-instance={{ $labels.instance }}"
    "{{ with $labels.target }}&var-target={{ . }}{{ end }}"
)

# What is said of a summary with a hint in it, as none is here.
_SAID: Final = {
    "with the hint of the summary": "with the hint that the link in `hints` leads to",
    " Kind and phase tell where it fails; the hint behind the colon tells why.": "",
}

_HEAD: Final = """\
# For those who alert in Grafana; not in use unless it is copied into the folder
# provisioning/alerting (docs/grafana.md). Made of config/prometheus/rules: make generate.
"""
_HEAD_DELETE: Final = """\
# Takes the rules away again: Grafana keeps what it was given, also when the file has gone.
"""

Rule = Mapping[str, Any]


def render(runbook: str = RUNBOOK) -> dict[str, str]:
    """Return the text of each file by its name."""
    found = rules()
    every = [rule for members in found.values() for rule in members]
    groups = [
        {
            "orgId": 1,
            "name": f"db-watchdog-{name}",
            "folder": "Databases",
            "interval": _SCHEDULE,
            "rules": [_rule(rule, every, runbook) for rule in members],
        }
        for name, members in found.items()
    ]
    gone = [{"orgId": 1, "uid": rule["uid"]} for group in groups for rule in group["rules"]]
    return {
        "db-watchdog.yml": _HEAD + _text({"apiVersion": 1, "groups": groups}),
        "delete-db-watchdog.yml": _HEAD_DELETE + _text({"apiVersion": 1, "deleteRules": gone}),
    }


def _text(document: Mapping[str, Any]) -> str:
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1000)


class _Dumper(yaml.SafeDumper):
    """Writes expressions as people read them, line by line."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - of the base class
        return True


def _string(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _string)


# ---------------------------------------------------------------------- one rule


def _rule(rule: Rule, every: Sequence[Rule], runbook: str) -> dict[str, Any]:
    name, severity = rule["alert"], rule["labels"]["severity"]
    several = sum(other["alert"] == name for other in every) > 1
    words = re.sub(r"(?<!^)([A-Z])", r"-\1", name).lower()
    return {
        "uid": f"dbw-{words}-{severity}"[:40],
        # The label alertname is made of it.
        "title": f"{name} ({severity})" if several else name,
        "condition": "threshold",
        "data": _data(expression(rule, every)),
        "noDataState": "OK",
        "execErrState": "Error",
        "for": rule.get("for", "0s"),
        "labels": dict(rule["labels"]),
        "annotations": {
            "summary": without_questions(rule["annotations"]["summary"]),
            "description": _said(rule["annotations"]["description"]),
            "action": _said(rule["annotations"]["action"]),
            "hints": _HINTS,
            "runbook_url": f"{runbook}#{name.lower()}",
        },
        "isPaused": False,
    }


def _said(text: str) -> str:
    for of_the_summary, instead in _SAID.items():
        text = text.replace(of_the_summary, instead)
    return text


def _data(expr: str) -> list[dict[str, Any]]:
    """Return the steps by which Grafana takes every series of an answer for an alert."""
    here = {"type": "prometheus", "uid": DATASOURCE}
    own = {"type": "__expr__", "uid": "__expr__"}
    anything = "is_number($query) || is_nan($query) || is_inf($query)"
    above = {"evaluator": {"type": "gt", "params": [0]}}
    return [
        _step(
            "query", DATASOURCE, {"datasource": here, "expr": expr, "instant": True, "range": False}
        ),
        _step("any", "__expr__", {"datasource": own, "type": "math", "expression": anything}),
        _step(
            "threshold",
            "__expr__",
            {"datasource": own, "type": "threshold", "expression": "any", "conditions": [above]},
        ),
    ]


def _step(ref: str, source: str, model: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "refId": ref,
        "relativeTimeRange": {"from": 600 if ref == "query" else 0, "to": 0},
        "datasourceUid": source,
        "model": {"refId": ref, **model},
    }


# ---------------------------------------------------------------------- expressions


def expression(rule: Rule, every: Sequence[Rule]) -> str:
    """Return the rule's expression, less what Alertmanager would hold back."""
    text = _own(rule)
    held = list(dict.fromkeys(_held_back(rule, every)))
    if not held:
        return f"{text}\n"
    parts = [f"(\n{_indent(text)}\n)"]
    parts += [f"unless on ({', '.join(equal)}) (\n{_indent(by)}\n)" for equal, by in held]
    return "\n".join(parts) + "\n"


def _own(rule: Rule) -> str:
    text: str = rule["expr"].rstrip()
    for asked, instead in _INSTEAD.items():
        text = text.replace(asked, instead)
    return text


def _held_back(rule: Rule, every: Sequence[Rule]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield by what the rule is held back, and the labels that must then be equal."""
    for inhibition in yaml.safe_load(ALERTMANAGER.read_text(encoding="utf-8"))["inhibit_rules"]:
        for source in every:
            if (
                source is not rule
                and _matches(source, inhibition["source_matchers"])
                and _matches(rule, inhibition["target_matchers"])
                and _held_by(rule, source, inhibition["equal"])
            ):
                there = _THERE.get(source["alert"], _own(source))
                yield tuple(name for name in inhibition["equal"] if name != "alertname"), there


def _held_by(rule: Rule, source: Rule, equal: Sequence[str]) -> bool:
    if "alertname" not in equal:
        return True
    # One that asks for ALERTS says itself when its page holds it back.
    return bool(source["alert"] == rule["alert"]) and "ALERTS{" not in rule["expr"]


def _matches(rule: Rule, matchers: Sequence[str]) -> bool:
    """Tell whether alerts of a rule can match; of a label of the series nothing is known."""
    known = {"alertname": rule["alert"], **rule["labels"]}
    for matcher in matchers:
        found = re.fullmatch(r'(\w+)(!?=)"([^"]*)"', matcher)
        if found is None:
            raise ValueError(f'{ALERTMANAGER}: {matcher}: write NAME="VALUE" or NAME!="VALUE"')
        name, operator, value = found.groups()
        if name in known and (known[name] == value) is (operator == "!="):
            return False
    return True


def _indent(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())


# ---------------------------------------------------------------------- templates

_TAG: Final = re.compile(r"\s*\{\{-.*?\}\}|\{\{.*?\}\}")
_OPENING: Final = ("range", "if", "with")


def without_questions(template: str) -> str:
    """Return a template without the blocks that ask, and with values as Grafana names them."""
    kept, at = "", 0
    for start, end in _blocks(template):
        if "query " in template[start:end]:
            kept += template[at:start]
            at = end
    kept += template[at:]
    return kept.replace("$value ", "$values.query.Value ").strip()


def _blocks(template: str) -> Iterator[tuple[int, int]]:
    """Yield where each outermost block of a template begins and ends."""
    depth, start = 0, 0
    for tag in _TAG.finditer(template):
        word = tag[0].strip(" {}-\n").split(" ")[0]
        if word in _OPENING:
            start = start if depth else tag.start()
            depth += 1
        elif word == "end":
            depth -= 1
            if depth == 0:
                yield start, tag.end()


def main() -> None:
    """Write both files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runbook", default=RUNBOOK, metavar="URL")
    parser.add_argument("--into", type=Path, default=FOLDER, metavar="FOLDER")
    arguments = parser.parse_args()
    arguments.into.mkdir(parents=True, exist_ok=True)
    for name, text in render(arguments.runbook).items():
        (arguments.into / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
