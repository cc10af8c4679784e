"""The alert rules for Grafana: the same as those of Prometheus, in Grafana's own form."""

from __future__ import annotations

import json
import re
from typing import Any

import promql_parser as promql
import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models import alerting

from tests.support.dashboards import GRAFANA, files
from tools import write_grafana_alerts as generator
from tools.write_alerts_reference import rules

register_default_plugins()

MADE = {path.name: path.read_text(encoding="utf-8") for path in generator.FOLDER.iterdir()}
DOCUMENT = yaml.safe_load(MADE["db-watchdog.yml"])
RULES: list[dict[str, Any]] = [rule for group in DOCUMENT["groups"] for rule in group["rules"]]
OF_PROMETHEUS = [rule for members in rules().values() for rule in members]
PAIRS = list(zip(RULES, OF_PROMETHEUS, strict=True))
# What Grafana reads of such a file.
KEYS = {
    "uid", "title", "condition", "data", "noDataState", "execErrState", "for", "labels",
    "annotations", "isPaused",
}  # fmt: skip

each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["uid"])
each_pair = pytest.mark.parametrize(("rule", "source"), PAIRS, ids=[r["uid"] for r in RULES])


def asked(rule: dict[str, Any]) -> str:
    expression: str = rule["data"][0]["model"]["expr"]
    return expression


def named(rule: dict[str, Any], severity: str) -> str:
    (found,) = [
        asked(made)
        for made, source in PAIRS
        if source["alert"] == rule and source["labels"]["severity"] == severity
    ]
    return found


def test_the_files_are_current() -> None:
    assert generator.render() == MADE, "run: make generate"


@each_pair
def test_a_rule_is_that_of_prometheus(rule: dict[str, Any], source: dict[str, Any]) -> None:
    assert rule["title"].split(" ")[0] == source["alert"]
    assert rule["labels"] == source["labels"]
    assert rule["for"] == source.get("for", "0s")
    # It begins as it did there; what follows is what Alertmanager would hold back.
    first = source["expr"].strip().splitlines()[0].strip()
    assert first in asked(rule)


def test_rules_are_told_apart() -> None:
    assert len({rule["uid"] for rule in RULES}) == len(RULES)
    assert len({rule["title"] for rule in RULES}) == len(RULES)
    assert all(re.fullmatch(r"[a-zA-Z0-9-]{1,40}", rule["uid"]) for rule in RULES)


@each_rule
def test_grafana_s_schema_knows_every_key(rule: dict[str, Any]) -> None:
    assert set(rule) == KEYS
    wanted = {**rule, "folderUID": "f", "orgID": 1, "ruleGroup": "g"}
    read = alerting.Rule.from_json(json.loads(json.dumps(wanted)))
    assert json.loads(json.dumps(read, cls=JSONEncoder)) == wanted


@each_rule
def test_an_expression_parses(rule: dict[str, Any]) -> None:
    promql.parse(asked(rule))
    assert "ALERTS" not in asked(rule)


@each_rule
def test_every_series_of_an_answer_is_an_alert(rule: dict[str, Any]) -> None:
    query, anything, threshold = rule["data"]
    assert query["model"]["instant"] is True
    sources = yaml.safe_load((GRAFANA / "provisioning/datasources/prometheus.yml").read_text())
    assert query["datasourceUid"] == sources["datasources"][0]["uid"]
    assert query["relativeTimeRange"]["from"] > 0
    assert f"${query['refId']}" in anything["model"]["expression"]
    assert threshold["model"]["expression"] == anything["refId"]
    assert rule["condition"] == threshold["refId"]
    # Nothing is well while Prometheus cannot be asked.
    assert (rule["noDataState"], rule["execErrState"]) == ("OK", "Error")


@each_rule
def test_a_text_has_only_what_grafana_can_fill_in(rule: dict[str, Any]) -> None:
    for text in rule["annotations"].values():
        assert not re.search(r"\{\{[^}]*\bquery ", text)
        assert not re.search(r"\$value\b|\$externalLabels", text)
        assert "hint of the summary" not in text
        assert "behind the colon" not in text
        assert text.count("{{") == text.count("}}")
        opened = len(re.findall(r"\{\{-? *(?:range|if|with)\b", text))
        assert opened == len(re.findall(r"\{\{-? *end\b", text))
    board = re.search(r"/d/([\w-]+)\?", rule["annotations"]["hints"])
    assert board is not None
    variables = {v["name"] for v in files()[board[1]]["templating"]["list"]}
    assert set(re.findall(r"var-(\w+)=", rule["annotations"]["hints"])) <= variables


@pytest.mark.parametrize(
    ("template", "wanted"),
    [
        ("a{{ range query `x` }}b{{ end }}c", "ac"),
        ("a\n  {{- range $i, $h := query `x` }}{{ if $i }},{{ end }}{{ end }}", "a"),
        ("{{ with $x }}{{ . }}{{ else }}y{{ end }}", "{{ with $x }}{{ . }}{{ else }}y{{ end }}"),
        ("{{ if $labels.x }}{{ range query `x` }}{{ end }}{{ end }}z", "z"),
        ("{{ $value | humanize }}", "{{ $values.query.Value | humanize }}"),
    ],
)  # fmt: skip
def test_what_asks_is_cut(template: str, wanted: str) -> None:
    assert generator.without_questions(template) == wanted


@each_pair
def test_what_alertmanager_holds_back_is_held_back(
    rule: dict[str, Any], source: dict[str, Any]
) -> None:
    down = "unless on (job, instance, target) (\n  watchdog_up == 0\n)"
    assert (down in asked(rule)) is (source["alert"] != "DatabaseDown")


def test_a_page_holds_back_the_ticket_of_its_name() -> None:
    page = source_of("RecoveryPointTooOld", "page")
    ticket = named("RecoveryPointTooOld", "ticket")
    assert all(line.strip() in ticket for line in page.splitlines())
    assert "unless on (job, instance, target, server, destination)" in ticket
    assert "1.2 *" not in named("RecoveryPointTooOld", "page")
    exhausted = source_of("ConnectionsExhausted", "page")
    filling = named("ConnectionsFilling", "ticket")
    assert all(line.strip() in filling for line in exhausted.splitlines())


def source_of(alert: str, severity: str) -> str:
    (found,) = [
        rule["expr"]
        for rule in OF_PROMETHEUS
        if rule["alert"] == alert and rule["labels"]["severity"] == severity
    ]
    return str(found)


def test_nobody_is_told_twice_unless_it_is_chosen() -> None:
    assert not list((GRAFANA / "provisioning").glob("alerting/*.y*ml"))
    gone = yaml.safe_load(MADE["delete-db-watchdog.yml"])["deleteRules"]
    assert [one["uid"] for one in gone] == [rule["uid"] for rule in RULES]


def test_the_runbook_may_be_elsewhere() -> None:
    text = generator.render("https://git.example/alerts.md")["db-watchdog.yml"]
    assert "runbook_url: https://git.example/alerts.md#databasedown" in text
