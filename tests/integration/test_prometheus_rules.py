"""promtool and amtool take the rules and both configurations; every alert fires when it should.

The cases of each alert are in ``tests/prometheus``, in promtool's own format:
`promtool test rules tests/prometheus/*.yml` runs them without pytest.
"""

import re
import shutil
import subprocess

import pytest
import yaml

from tests.support.daemon import ROOT
from tools.write_alerts_reference import rules

FOLDER = ROOT / "config" / "prometheus"
CASES = sorted((ROOT / "tests" / "prometheus").glob("*.yml"))
PROMTOOL = shutil.which("promtool")
AMTOOL = shutil.which("amtool")

needs_promtool = pytest.mark.skipif(
    not PROMTOOL, reason="promtool is not installed (Debian: prometheus)"
)
needs_amtool = pytest.mark.skipif(
    not AMTOOL, reason="amtool is not installed (Debian: prometheus-alertmanager)"
)

DAEMON = 'job="db-watchdog",instance="w:1"'
TARGET = f'{DAEMON},engine="postgresql",target="a"'
SERVER = f'{DAEMON},engine="postgresql",server="s:5432"'
CLIENTS = f"watchdog_postgresql_client_connections{{{SERVER}"
# What each alert says: series, minutes until it fires, its labels, its summary.
SUMMARIES = {
    "DatabaseDown-page": (
        {
            f"watchdog_up{{{TARGET}}}": "0x60",
            f'watchdog_failure_active{{{TARGET},kind="reach",phase="connect"}}': "1x60",
            f'watchdog_hint_active{{{TARGET},hint="localhost_in_container"}}': "1x60",
            f'watchdog_hint_active{{{TARGET},hint="connection_refused"}}': "1x60",
            f'watchdog_hint_active{{{TARGET},hint="corruption"}}': "0x60",
        },
        {},
        "a is down (reach at connect): connection_refused, localhost_in_container",
    ),
    "DatabaseDown-ticket": (
        {
            f"watchdog_up{{{TARGET}}}": "0x60",
            f'watchdog_failure_active{{{TARGET},kind="auth",phase=""}}': "1x60",
        },
        {},
        "a does not let db-watchdog in (auth)",
    ),
    "ConnectionsExhausted-page": (
        {
            f"watchdog_postgresql_connections_used{{{SERVER}}}": "95x60",
            f"watchdog_postgresql_connections_limit{{{SERVER}}}": "100x60",
            f"watchdog_postgresql_connections_reserved{{{SERVER}}}": "5x60",
            f'{CLIENTS},usename="shop",datname="orders",application_name="web"}}': "80x60",
            f'{CLIENTS},usename="bill",datname="orders",application_name=""}}': "5x60",
            f'{CLIENTS},usename="other",datname="",application_name=""}}': "90x60",
            f'watchdog_hint_active{{{TARGET},hint="too_many_connections"}}': "1x60",
        },
        {"server": "s:5432"},
        (
            "s:5432 has 100% of its usable connections taken: too_many_connections;"
            " most by shop in orders (web): 80"
        ),
    ),
    "BackupFailed-ticket": (
        {
            f"watchdog_backup_last_attempt_successful{{{TARGET}}}": "0x60",
            f'watchdog_destination_free_bytes{{{TARGET},destination="/b"}}': "1e12x60",
            f'watchdog_hint_active{{{TARGET},hint="pg_dump_not_found"}}': "1x60",
        },
        {},
        "The last backup of a failed: pg_dump_not_found",
    ),
    "RecoveryPointTooOld-ticket": (
        {
            f"watchdog_backup_recovery_point_timestamp_seconds{{{TARGET}}}": "1x60",
            f"watchdog_backup_interval_seconds{{{TARGET}}}": "600x60",
        },
        {},
        "a would lose the last 59m 59s",
    ),
    "WatchdogBlind-ticket": (
        {
            f"watchdog_privileges_ok{{{SERVER}}}": "0x60",
            f'watchdog_hint_active{{{TARGET},hint="blind_role"}}': "1x60",
        },
        {"server": "s:5432"},
        "db-watchdog does not see other people's sessions on s:5432: blind_role",
    ),
    "ProbeFailing-ticket": (
        {
            f'watchdog_probe_success{{{SERVER},probe="connections"}}': "0x60",
            f'watchdog_hint_active{{{TARGET},hint="statement_timeout"}}': "1x60",
        },
        {"server": "s:5432", "probe": "connections"},
        "s:5432 answers, but not to the probe connections: statement_timeout",
    ),
    "DatabaseFlapping-ticket": (
        {
            f"watchdog_up{{{TARGET}}}": "1x40 0 1 0 1x20",
            f'watchdog_hint_active{{{TARGET},hint="server_crashed"}}': "0x40 1 0 1 0x20",
            f'watchdog_hint_active{{{TARGET},hint="disk_full"}}': "0x60",
        },
        {},
        "a went up or down 4 times in 30 minutes: server_crashed",
    ),
    "SqliteWalGrowing-ticket": (
        {f"watchdog_sqlite_wal_size_bytes{{{TARGET}}}": "300000000+1000000x60"},
        {},
        "The write-ahead log of a has 343.3MiB and grows on",
    ),
    "BackupDestinationFilling-ticket": (
        {
            f"watchdog_backup_last_size_bytes{{{TARGET}}}": "2048x60",
            f'watchdog_destination_free_bytes{{{TARGET},destination="/b"}}': "3072x60",
        },
        {"engine": None, "destination": "/b"},
        "/b has 3kiB left for backups: one more of each target may not fit",
    ),
    "DbWatchdogRestarting-ticket": (
        {f"process_start_time_seconds{{{DAEMON}}}": "1x40 60 120 180x20"},
        {"engine": None},
        "db-watchdog at w:1 started 3 times in 30 minutes",
    ),
    "DbWatchdogAbsent-page": (
        {f"up{{{DAEMON}}}": "0x60"},
        {"engine": None},
        "db-watchdog at w:1 is not scraped: nobody watches its databases",
    ),
}


def run(*command):
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)


@needs_promtool
def test_promtool_takes_the_configuration_and_all_rules():
    done = run(PROMTOOL, "check", "config", "--lint=all", "--lint-fatal", FOLDER / "prometheus.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("rules found") == len(rules())


@needs_amtool
@pytest.mark.parametrize("examples", [False, True], ids=["as it is", "with its examples"])
def test_amtool_takes_the_configuration(examples, tmp_path):
    text = (FOLDER / "alertmanager.yml").read_text()
    if examples:
        text = text.replace("    # ", "    ")
        assert len(yaml.safe_load(text)["receivers"][0]["webhook_configs"]) == 1
    (tmp_path / "alertmanager.yml").write_text(text)
    done = run(AMTOOL, "check-config", tmp_path / "alertmanager.yml")
    assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_the_alerts_fire_when_they_should_and_only_then(case):
    done = run(PROMTOOL, "test", "rules", case)
    assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
def test_a_case_that_is_wrong_fails(tmp_path):
    text = (ROOT / "tests" / "prometheus" / "availability.yml").read_text()
    text = text.replace("../../config", str(ROOT / "config"))
    (tmp_path / "case.yml").write_text(text.replace('severity="page",target="a"', 'severity="x"'))
    done = run(PROMTOOL, "test", "rules", tmp_path / "case.yml")
    assert done.returncode != 0
    assert 'severity="x"' in done.stderr


@needs_promtool
@pytest.mark.parametrize("alert", SUMMARIES)
def test_the_summary_says_why_and_links_to_what_to_do(alert, tmp_path):
    series, labels, summary = SUMMARIES[alert]
    name, severity = alert.split("-")
    rule = next(
        rule
        for members in rules().values()
        for rule in members
        if (rule["alert"], rule["labels"]["severity"]) == (name, severity)
    )
    base = "https://git.example.org/docs/alerts.md"
    about = labels or {"target": "a", "server": "s:5432"}
    expected = {"job": "db-watchdog", "instance": "w:1", "engine": "postgresql", **about}
    expected = {key: value for key, value in expected.items() if value is not None}
    # Each hint that the summary names is linked to.
    named = {hint for key in series for hint in re.findall(r'hint="(\w+)"', key) if hint in summary}
    there = " ".join(f"docs/hints.md#{hint}" for hint in sorted(named))
    links = {"hints": there} if "hints" in rule["annotations"] else {}
    info = f'watchdog_target_info{{{TARGET},server="s:5432"}}'
    test = {
        "interval": "1m",
        "external_labels": {"runbook_base": base},
        "input_series": [
            {"series": key, "values": values} for key, values in {info: "1x60", **series}.items()
        ],
        "alert_rule_test": [
            {
                "eval_time": "60m",
                "alertname": name,
                "exp_alerts": [
                    {
                        "exp_labels": {"severity": severity, **expected},
                        "exp_annotations": {
                            **rule["annotations"],
                            **links,
                            "summary": summary,
                            "runbook_url": f"{base}#{name.lower()}",
                        },
                    }
                ],
            }
        ],
    }
    document = {"rule_files": [str(FOLDER / "rules" / "*.yml")], "tests": [test]}
    (tmp_path / "case.yml").write_text(yaml.safe_dump(document))
    done = run(PROMTOOL, "test", "rules", tmp_path / "case.yml")
    assert done.returncode == 0, done.stdout + done.stderr
