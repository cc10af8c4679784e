"""The compose project on a real Docker engine; what a registry would give is stood in for."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.docker_engine import (
    ROOT,
    Engine,
    EngineImpossibleError,
    compose_command,
    wheels,
)
from tests.support.postgres import PostgresMissingError, bin_dir
from tests.support.systemd_machine import wait_for

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]

DAEMON = "http://127.0.0.1:10187"
PROMETHEUS = "http://127.0.0.1:9090"
ALERTMANAGER = "http://127.0.0.1:9093"
GRAFANA = "http://127.0.0.1:3000"
PASSWORD = "codelab_password"
ROLE_PASSWORD = "role-lab-password"
SETTINGS = {
    "POSTGRES_IMAGE": "lab/postgres:17",
    "DB_WATCHDOG_IMAGE": "lab/db-watchdog",
    "PROMETHEUS_IMAGE": "lab/prometheus",
    "ALERTMANAGER_IMAGE": "lab/alertmanager",
    "GRAFANA_IMAGE": "lab/grafana",
}

SERVICES = ("postgres", "db-watchdog", "prometheus", "alertmanager", "grafana")


class Project:
    """The compose project as a user has it: a copy of the files, ``.env`` made of its example."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine = engine
        self.folder = folder
        shutil.copy(ROOT / "docker-compose.yml", folder)
        shutil.copytree(ROOT / "config", folder / "config")
        # One of the two with the least privileged role, as .env.example says.
        example = (ROOT / ".env.example").read_text()
        role = "postgresql+asyncpg://db_watchdog:" + ROLE_PASSWORD
        text = example.replace(f"postgresql+asyncpg://codelab:{PASSWORD}", role)
        text = text.replace("#WATCHDOG_ROLE_PASSWORD=", f"WATCHDOG_ROLE_PASSWORD={ROLE_PASSWORD}")
        assert text.count(ROLE_PASSWORD) == 2
        (folder / ".env").write_text(text)

    def compose(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self.engine.compose(self.folder, *arguments, environ=SETTINGS, check=check)

    def metric(self, name: str, **labels: str) -> float | None:
        wanted = [f'{key}="{value}"' for key, value in labels.items()]
        for line in self.engine.get(f"{DAEMON}/metrics").splitlines():
            series, _, value = line.rpartition(" ")
            if series.split("{")[0] == name and all(label in series for label in wanted):
                return float(value)
        return None

    def up(self) -> dict[str, float | None]:
        return {
            name: self.metric("watchdog_up", target=name)
            for name in ("agent-runtime", "auth-service")
        }

    def query(self, expression: str) -> list[dict[str, Any]]:
        answer = self.engine.get_json(f"{PROMETHEUS}/api/v1/query?query={expression}")
        found: list[dict[str, Any]] = answer["data"]["result"] if answer else []
        return found


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    made = Engine()
    try:
        try:
            compose_command()
            postgresql = bin_dir().parent
            prometheus = [shutil.which(name) for name in ("prometheus", "promtool")]
            if not all(prometheus):
                pytest.skip("prometheus and promtool are not installed")
            alertmanager = {
                "alertmanager": shutil.which("prometheus-alertmanager"),
                "amtool": shutil.which("amtool"),
            }
            if not all(alertmanager.values()):
                pytest.skip("Debian's prometheus-alertmanager is not installed")
            wheelhouse = wheels()
            made.start().make_base()
        except (EngineImpossibleError, PostgresMissingError) as missing:
            pytest.skip(f"no compose project here: {missing}")
        made.make_stand_in("python", "lab/python", {"wheels": wheelhouse, "postgresql": postgresql})
        made.make_stand_in("postgres", SETTINGS["POSTGRES_IMAGE"], {"postgresql": postgresql})
        made.make_stand_in(
            "prometheus",
            SETTINGS["PROMETHEUS_IMAGE"],
            {Path(name).name: Path(name) for name in prometheus if name},
        )
        made.make_stand_in(
            "alertmanager",
            SETTINGS["ALERTMANAGER_IMAGE"],
            {
                "templates": Path("/usr/share/prometheus/alertmanager"),
                **{name: Path(program) for name, program in alertmanager.items() if program},
            },
        )
        made.make_stand_in("grafana", SETTINGS["GRAFANA_IMAGE"], {})
        made.docker(
            "build", "-q", "-t", SETTINGS["DB_WATCHDOG_IMAGE"],
            "--build-arg", "PYTHON_IMAGE=lab/python", "--build-arg", "POSTGRES_CLIENT=base",
            "--build-arg", "REVISION=lab", ROOT,
        )  # fmt: skip
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def project(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    made = Project(engine, tmp_path_factory.mktemp("compose"))
    try:
        brought = made.compose("up", "-d", "--wait", "--wait-timeout", "120", check=False)
        assert brought.returncode == 0, (
            brought.stderr + made.compose("logs", "--no-color", "--tail=40", check=False).stdout
        )
        yield made
    finally:
        made.compose("down", "-v", "--timeout", "5", check=False)


def test_everything_comes_up(project: Project) -> None:
    def healthy() -> bool:
        listed = project.compose("ps", "--format", "json").stdout
        health = {
            service["Service"]: service["Health"]
            for service in map(json.loads, filter(None, listed.splitlines()))
        }
        return health == dict.fromkeys(SERVICES, "healthy")

    wait_for("four healthy services", healthy)


def test_both_databases_are_up(project: Project) -> None:
    wait_for("both databases up", lambda: project.up() == dict.fromkeys(project.up(), 1.0))
    info = project.engine.get(f"{DAEMON}/metrics")
    assert 'label_team="codelab"' in info
    assert 'server="postgres:5432"' in info


def test_prometheus_scrapes_the_daemon(project: Project) -> None:
    def scraped() -> bool:
        found = project.query('up{job="db-watchdog"}'.replace('"', "%22"))
        return [series["value"][1] for series in found] == ["1"]

    wait_for("a scrape", scraped, 40)
    wait_for(
        "both databases in Prometheus",
        lambda: [s["value"][1] for s in project.query("watchdog_up")] == ["1", "1"],
        40,
    )


def test_grafana_is_given_what_it_provisions(project: Project) -> None:
    """By a stand-in, which reads the files where Grafana looks for them, as Grafana's user."""
    found = project.engine.get_json(f"{GRAFANA}/api/health")
    assert found["dashboards"] == sorted(
        path.stem for path in (ROOT / "config" / "grafana" / "dashboards").iterdir()
    )
    assert found["home"] == "db-watchdog-fleet"
    assert found["provisioned"] == ["dashboards/db-watchdog.yml", "datasources/prometheus.yml"]
    assert found["admin_password"] == PASSWORD
    assert found["anonymous"] == "false"
    assert found["keeps"] is True


def test_a_backup_is_taken_by_each_role(project: Project) -> None:
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
    found = project.engine.get_json(f"{ALERTMANAGER}/api/v2/alerts?inhibited=false") or []
    return {
        alert["labels"].get("target", alert["labels"]["alertname"]): alert["annotations"]["summary"]
        for alert in found
    }


def test_a_stopped_server_is_down_and_comes_back(project: Project) -> None:
    project.compose("stop", "postgres")
    wait_for("both databases down", lambda: project.up() == dict.fromkeys(project.up(), 0.0), 40)
    wait_for("an alert of each", lambda: set(firing(project)) == set(project.up()), 150)
    for target, summary in firing(project).items():
        assert re.fullmatch(rf"{target} is down \(reach at \w+\): \w+", summary)
    # The daemon stays well: what is down is the database.
    assert project.engine.get(f"{DAEMON}/readyz")
    project.compose("start", "postgres")
    wait_for("both databases up", lambda: project.up() == dict.fromkeys(project.up(), 1.0), 60)
    wait_for("no alerts", lambda: firing(project) == {}, 120)


def test_a_changed_file_is_read_at_the_signal(project: Project) -> None:
    file = project.folder / "config" / "watchdog.compose.yaml"
    before = file.read_text()
    pid = inspect(project, "db-watchdog")["State"]["Pid"]
    try:
        # Replaced, as editors do.
        file.with_suffix(".new").write_text(before.replace("name: auth-service", "name: renamed"))
        file.with_suffix(".new").rename(file)
        project.compose("kill", "-s", "HUP", "db-watchdog")
        wait_for("the new name", lambda: project.metric("watchdog_up", target="renamed") == 1.0)
    finally:
        file.write_text(before)
        project.compose("kill", "-s", "HUP", "db-watchdog")
    wait_for("the old name", lambda: project.up()["auth-service"] == 1.0)
    assert inspect(project, "db-watchdog")["State"]["Pid"] == pid


def test_the_daemon_is_locked_down(project: Project) -> None:
    daemon = inspect(project, "db-watchdog")
    assert daemon["HostConfig"]["ReadonlyRootfs"] is True
    assert daemon["HostConfig"]["CapDrop"] == ["ALL"]
    assert daemon["Config"]["User"] == "10187:10187"
    status = Path(f"/proc/{daemon['State']['Pid']}/status").read_text()
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert fields["Uid"].split()[0] == "10187"
    assert int(fields["CapBnd"], 16) == 0
    assert fields["NoNewPrivs"] == "1"
    touched = project.compose("exec", "-T", "db-watchdog", "touch", "/etc/x", check=False)
    assert "Read-only file system" in touched.stderr


def test_no_password_is_on_a_command_line_or_in_a_log(project: Project) -> None:
    wait_for("both databases up", lambda: project.up() == dict.fromkeys(project.up(), 1.0))
    for service in SERVICES:
        top = project.compose("top", service).stdout
        assert service != "postgres" or "postgres" in top
        assert PASSWORD not in top
        assert ROLE_PASSWORD not in top
    logs = project.compose("logs", "--no-color").stdout
    assert "agent-runtime" in logs
    assert PASSWORD not in logs
    assert ROLE_PASSWORD not in logs


def test_ports_are_published_on_loopback_alone(project: Project) -> None:
    published = {name for name in project.engine.listens() if not name.startswith("127.0.0.")}
    assert published == set()
    wanted = {f"127.0.0.1:{port}" for port in (10187, 9090, 9093, 3000)}
    assert wanted <= project.engine.listens()


def test_the_init_script_may_run_again(project: Project) -> None:
    script = "/docker-entrypoint-initdb.d/10-databases.sh"
    again = project.compose("exec", "-T", "-u", "postgres", "postgres", script)
    assert "database auth_db is there" in again.stdout


def test_stop_is_clean(project: Project) -> None:
    project.compose("stop", "db-watchdog")
    state = inspect(project, "db-watchdog")["State"]
    assert (state["ExitCode"], state["OOMKilled"]) == (0, False)
    project.compose("up", "-d", "--wait", "--no-deps", "db-watchdog")


def test_the_image_says_what_it_is(engine: Engine) -> None:
    image = json.loads(engine.docker("image", "inspect", SETTINGS["DB_WATCHDOG_IMAGE"]).stdout)[0]
    labels = image["Config"]["Labels"]
    assert labels["org.opencontainers.image.title"] == "db-watchdog"
    assert labels["org.opencontainers.image.revision"] == "lab"
    assert not [name for name in image["Config"]["Env"] if "PASSWORD" in name or "_URL" in name]
    help_text = engine.docker("run", "--rm", SETTINGS["DB_WATCHDOG_IMAGE"], "--help").stdout
    assert "db-watchdog probe" in help_text


def inspect(project: Project, service: str) -> dict[str, Any]:
    container = project.compose("ps", "-a", "-q", service).stdout.strip()
    described: list[dict[str, Any]] = json.loads(project.engine.docker("inspect", container).stdout)
    return described[0]
