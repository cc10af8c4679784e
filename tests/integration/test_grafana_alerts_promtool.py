"""The expressions for Grafana, by promtool: where they differ from Prometheus' they still hold."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.dashboards import GRAFANA

PROMTOOL = shutil.which("promtool")
pytestmark = pytest.mark.skipif(
    not PROMTOOL, reason="promtool is not installed (Debian: prometheus)"
)

TARGET = 'job="db-watchdog",instance="w:1",engine="postgresql",target="a"'
DOWN = {
    f'watchdog_target_info{{{TARGET},server="s:5432"}}': "1x60",
    f"watchdog_up{{{TARGET}}}": "0x60",
}
# Two intervals of an hour and more ago; the last attempt failed.
OLD = {
    f'watchdog_target_info{{{TARGET},server="s:5432"}}': "1x600",
    f"watchdog_up{{{TARGET}}}": "1x600",
    f"watchdog_backup_recovery_point_timestamp_seconds{{{TARGET}}}": "1x600",
    f"watchdog_backup_interval_seconds{{{TARGET}}}": "3600x600",
}


def failure(values: str, kind: str = "auth") -> dict[str, str]:
    return {f'watchdog_failure_active{{{TARGET},kind="{kind}"}}': values}


# What there is, and what fires at which minute.
CASES: dict[str, tuple[dict[str, str], dict[int, list[str]]]] = {
    "a server that does not answer pages and is no ticket": (
        {**DOWN, **failure("1x60", "reach")},
        {0: [], 2: ["DatabaseDown (page)"], 20: ["DatabaseDown (page)"]},
    ),
    "a refused login is a ticket and never a page": (
        {**DOWN, **failure("1x60")},
        {4: [], 6: ["DatabaseDown (ticket)"], 30: ["DatabaseDown (ticket)"]},
    ),
    "a failure that changes its kind each minute is still told of": (
        {**DOWN, **failure("1 stale 1 stale 1 stale 1 stale 1 stale 1")},
        {4: [], 8: ["DatabaseDown (ticket)"]},
    ),
    "a page holds back the ticket of its name": (
        OLD,
        {60: [], 120: ["RecoveryPointTooOld (ticket)"], 200: ["RecoveryPointTooOld (page)"]},
    ),
    "a database that is down holds back the rest of it": (
        {**OLD, f"watchdog_up{{{TARGET}}}": "0x600"},
        {120: ["DatabaseDown (page)"], 200: ["DatabaseDown (page)"]},
    ),
}


def rules() -> dict[str, Any]:
    """Return the rules for Grafana as Prometheus would have them."""
    groups = yaml.safe_load((GRAFANA / "alerting" / "db-watchdog.yml").read_text())["groups"]
    made = [
        {
            "alert": rule["title"],
            "expr": rule["data"][0]["model"]["expr"],
            "for": rule["for"],
            # Its templates are those of Prometheus but for the name of the value.
            "annotations": {
                name: text.replace("$values.query.Value", "$value")
                for name, text in rule["annotations"].items()
            },
        }
        for group in groups
        for rule in group["rules"]
    ]
    return {"groups": [{"name": "all", "rules": made}]}


def test_what_fires_is_what_should(tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(rules()))
    tests = [
        {
            "name": name,
            "interval": "1m",
            "input_series": [{"series": s, "values": v} for s, v in series.items()],
            "promql_expr_test": [
                {
                    "expr": 'count by (alertname) (ALERTS{alertstate="firing",target="a"})',
                    "eval_time": f"{minute}m",
                    "exp_samples": [
                        {"labels": f'{{alertname="{title}"}}', "value": 1} for title in titles
                    ],
                }
                for minute, titles in moments.items()
            ],
        }
        for name, (series, moments) in CASES.items()
    ]
    document = {"rule_files": ["rules.yml"], "evaluation_interval": "30s", "tests": tests}
    (tmp_path / "cases.yml").write_text(yaml.safe_dump(document))
    for arguments in (["check", "rules", "rules.yml"], ["test", "rules", "cases.yml"]):
        done = subprocess.run(
            [str(PROMTOOL), *arguments], cwd=tmp_path, check=False, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
