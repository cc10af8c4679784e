"""The metrics that are documented are those that are declared, and named as they should be."""

import re
from pathlib import Path

import pytest

from watchdog.engines import find_engines
from watchdog.metrics import names
from watchdog.metrics.postgres_exporter import ALIASES
from watchdog.metrics.reference import page
from watchdog.model import MetricType

ENGINES = find_engines()
PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"
DECLARED = [
    *names.CORE,
    *(m for engine in ENGINES.values() for p in engine.probes.values() for m in p.metrics),
]

# What users may rely on: none of these is ever renamed.
CONTRACT = [
    "watchdog_up",
    "watchdog_target_info",
    "watchdog_server_info",
    "watchdog_observed_seconds_total",
    "watchdog_down_seconds_total",
    "watchdog_connect_duration_seconds",
    "watchdog_round_duration_seconds",
    "watchdog_probe_success",
    "watchdog_probe_duration_seconds",
    "watchdog_probe_interval_seconds",
    "watchdog_probe_last_run_timestamp_seconds",
    "watchdog_probe_last_success_timestamp_seconds",
    "watchdog_failures_total",
    "watchdog_failure_active",
    "watchdog_hint_active",
    "watchdog_hints",
    "watchdog_hints_total",
    "watchdog_privileges_ok",
    "watchdog_backup_enabled",
    "watchdog_backup_last_attempt_successful",
    "watchdog_backup_runs_total",
    "watchdog_backup_failures_total",
    "watchdog_backup_recovery_point_timestamp_seconds",
    "watchdog_backup_last_success_timestamp_seconds",
    "watchdog_backup_last_attempt_timestamp_seconds",
    "watchdog_backup_last_verified_timestamp_seconds",
    "watchdog_backup_last_restored_timestamp_seconds",
    "watchdog_backup_next_run_timestamp_seconds",
    "watchdog_backup_interval_seconds",
    "watchdog_backup_last_size_bytes",
    "watchdog_backup_last_duration_seconds",
    "watchdog_backup_restore_duration_seconds",
    "watchdog_backup_verified_level",
    "watchdog_backups",
    "watchdog_backup_stored_bytes",
    "watchdog_destination_free_bytes",
    "watchdog_config_last_reload_successful",
    "watchdog_config_last_reload_success_timestamp_seconds",
    "watchdog_build_info",
    "watchdog_loop_lag_seconds",
]


def test_the_page_is_current():
    assert PAGE.read_text(encoding="utf-8") == page(ENGINES), (
        "run: python tools/write_metrics_reference.py"
    )


def test_every_name_that_users_rely_on_is_declared():
    assert set(CONTRACT) <= {metric.name for metric in DECLARED}


def test_no_name_is_declared_twice():
    assert len({metric.name for metric in DECLARED}) == len(DECLARED)


@pytest.mark.parametrize("metric", DECLARED, ids=lambda metric: metric.name)
def test_a_metric_is_named_by_the_rules(metric):
    assert re.fullmatch(r"watchdog_[a-z][a-z0-9_]*[a-z0-9]", metric.name)
    assert metric.name.endswith("_total") is (metric.type is MetricType.COUNTER)
    assert metric.name.endswith("_info") is (metric.type is MetricType.INFO)
    assert not re.search(r"_(count|sum|bucket|created|ms|milliseconds|kb|mb|percent)$", metric.name)
    assert not set(metric.labels) & {"target", "engine", "server", "job", "instance", "le"}
    assert len(set(metric.labels)) == len(metric.labels)
    for label in metric.labels:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", label)


@pytest.mark.parametrize("metric", DECLARED, ids=lambda metric: metric.name)
def test_a_metric_says_what_it_is(metric):
    assert metric.help.endswith(".")
    assert len(metric.help.split()) >= 2
    assert "\n" not in metric.help


def test_no_alias_is_there_twice():
    assert len({alias.metric.name for alias in ALIASES}) == len(ALIASES)
