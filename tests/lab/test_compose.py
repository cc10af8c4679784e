"""The compose project on a real Docker engine; what a registry would give is stood in for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.compose_project import IMAGES, PASSWORD, SERVICES, Project
from tests.support.docker_engine import ROOT, Engine
from tests.support.systemd_machine import wait_for

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]

BOTH = [1.0, 1.0]


@pytest.fixture(scope="module")
def project(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """With passwords of its own, as docs/docker.md recommends."""
    made = Project(engine, tmp_path_factory.mktemp("compose"))
    done = made.make_secrets()
    assert done.returncode == 0, done.stdout + done.stderr
    try:
        made.up()
        yield made
    finally:
        made.down()


def secrets(project: Project) -> set[str]:
    """Return the three passwords of the project."""
    files = (project.folder / "secrets").glob("*-password")
    found = {file.read_text().strip() for file in files}
    assert len(found) == 3
    assert PASSWORD not in found
    return found


def test_everything_comes_up(project: Project) -> None:
    wait_for(
        "five healthy services", lambda: project.health() == dict.fromkeys(SERVICES, "healthy")
    )


def test_both_databases_are_up(project: Project) -> None:
    wait_for("both databases up", lambda: project.ups() == BOTH)
    info = project.engine.get(f"{project.url('db-watchdog')}/metrics")
    assert 'label_team="codelab"' in info
    assert 'server="postgres:5432"' in info
    # The role that the script made sees all that it should.
    assert project.metric("watchdog_privileges_ok") == 1.0


def test_prometheus_scrapes_the_daemon(project: Project) -> None:
    def scraped() -> bool:
        found = project.query('up{job="db-watchdog"}')
        return [series["value"][1] for series in found] == ["1"]

    wait_for("a scrape", scraped, 40)
    wait_for(
        "both databases in Prometheus",
        lambda: [s["value"][1] for s in project.query("watchdog_up")] == ["1", "1"],
        40,
    )
    (series,) = project.query('up{job="db-watchdog"}')
    assert series["metric"]["instance"] == "db-watchdog:10187"


def test_grafana_is_given_what_it_provisions(project: Project) -> None:
    """By a stand-in, which reads the files where Grafana looks for them, as Grafana's user."""
    found = project.engine.get_json(f"{project.url('grafana')}/api/health")
    folder = ROOT / "config" / "grafana"
    assert found["dashboards"] == sorted(path.stem for path in (folder / "dashboards").iterdir())
    assert found["home"] == "db-watchdog-fleet"
    assert found["provisioned"] == ["dashboards/db-watchdog.yml", "datasources/prometheus.yml"]
    assert found["admin_password"] in secrets(project)
    assert found["anonymous"] == "false"
    assert found["keeps"] is True


def test_a_backup_is_taken(project: Project) -> None:
    done = project.compose(
        "exec", "-T", "db-watchdog", "db-watchdog", "backup", "--json", check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    backups = json.loads(done.stdout)["backups"]
    assert {backup["target"] for backup in backups} == {"agent-runtime", "auth-service"}
    assert {backup["outcome"] for backup in backups} == {"ok"}
    assert all(
        Path(backup["path"]).is_relative_to("/var/backups/db-watchdog") for backup in backups
    )


def firing(project: Project) -> dict[str, str]:
    """Return the summary of each alert that Alertmanager would tell of, by target."""
    return {
        alert["labels"].get("target", alert["labels"]["alertname"]): alert["annotations"]["summary"]
        for alert in project.alerts()
    }


def test_a_stopped_server_is_down_and_comes_back(project: Project) -> None:
    project.compose("stop", "postgres")
    wait_for("both databases down", lambda: project.ups() == [0.0, 0.0], 40)
    targets = {"agent-runtime", "auth-service"}
    wait_for("an alert of each", lambda: set(firing(project)) == targets, 150)
    for target, summary in firing(project).items():
        assert re.fullmatch(rf"{target} is down \(reach at \w+\): \w+", summary)
    # The daemon stays well: what is down is the database.
    assert project.engine.get(f"{project.url('db-watchdog')}/readyz")
    project.compose("start", "postgres")
    wait_for("both databases up", lambda: project.ups() == BOTH, 60)
    wait_for("no alerts", lambda: firing(project) == {}, 120)


def test_a_changed_file_is_read_at_the_signal(project: Project) -> None:
    file = project.folder / "config" / "watchdog.compose.yaml"
    before = file.read_text()
    pid = project.inspect("db-watchdog")["State"]["Pid"]
    try:
        # Replaced, as editors do.
        file.with_suffix(".new").write_text(before.replace("name: auth-service", "name: renamed"))
        file.with_suffix(".new").rename(file)
        project.compose("kill", "-s", "HUP", "db-watchdog")
        wait_for("the new name", lambda: project.metric("watchdog_up", target="renamed") == 1.0)
    finally:
        file.write_text(before)
        project.compose("kill", "-s", "HUP", "db-watchdog")
    wait_for("the old name", lambda: project.metric("watchdog_up", target="auth-service") == 1.0)
    assert project.inspect("db-watchdog")["State"]["Pid"] == pid


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_confined(project: Project, service: str) -> None:
    described = project.inspect(service)["HostConfig"]
    assert described["ReadonlyRootfs"] is True
    assert described["CapDrop"] == ["ALL"]
    assert described["PidsLimit"] > 0
    assert described["Memory"] > 0
    assert described["NanoCpus"] > 0 or service == "postgres"
    fields = project.status(service)
    assert fields["Uid"].split()[0] != "0"
    assert (int(fields["CapBnd"], 16), int(fields["CapEff"], 16)) == (0, 0)
    assert fields["NoNewPrivs"] == "1"
    touched = project.compose("exec", "-T", service, "touch", "/etc/x", check=False)
    assert "Read-only file system" in touched.stderr
    # What the engine says, the kernel does.
    limits = [
        project.compose("exec", "-T", service, "cat", f"/sys/fs/cgroup/{name}", check=False)
        for name in ("memory.max", "memory/memory.limit_in_bytes")
    ]
    assert str(described["Memory"]) in [limit.stdout.strip() for limit in limits]


def test_no_password_is_where_others_see_it(project: Project) -> None:
    wait_for("both databases up", lambda: project.ups() == BOTH)
    passwords = secrets(project)
    for service in SERVICES:
        seen = project.compose("top", service).stdout + json.dumps(project.inspect(service))
        assert service in seen
        assert not [password for password in passwords if password in seen], service
    logs = project.compose("logs", "--no-color").stdout
    assert "agent-runtime" in logs
    assert not [password for password in passwords if password in logs]


def test_ports_are_published_on_loopback_alone(project: Project) -> None:
    published = {name for name in project.engine.listens() if not name.startswith("127.0.0.")}
    assert published == set()
    wanted = {f"127.0.0.1:{port}" for port in (10187, 9090, 9093, 3000)}
    assert wanted <= project.engine.listens()


def test_the_init_script_may_run_again(project: Project) -> None:
    script = "/docker-entrypoint-initdb.d/10-databases.sh"
    again = project.run("postgres", script)
    assert "database auth_db is there" in again
    assert "role db_watchdog is there" in again


def test_stop_is_clean(project: Project) -> None:
    project.compose("stop", "db-watchdog")
    state = project.inspect("db-watchdog")["State"]
    assert (state["ExitCode"], state["OOMKilled"]) == (0, False)
    project.compose("up", "-d", "--wait", "--no-deps", "db-watchdog")


def test_the_image_says_what_it_is(engine: Engine) -> None:
    image = IMAGES["DB_WATCHDOG_IMAGE"]
    described = json.loads(engine.docker("image", "inspect", image).stdout)[0]
    labels = described["Config"]["Labels"]
    assert labels["org.opencontainers.image.title"] == "db-watchdog"
    assert labels["org.opencontainers.image.revision"] == "lab"
    assert not [name for name in described["Config"]["Env"] if "PASSWORD" in name or "_URL" in name]
    assert "db-watchdog probe" in engine.docker("run", "--rm", image, "--help").stdout
