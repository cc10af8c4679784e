"""The compose project as a user has it: its files in a folder, on the tests' own engine.

``stand_ins`` builds what a registry would give; ``Project`` is one copy of
the project with ports, volumes and containers of its own.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tests.support.docker_engine import ROOT, Engine, EngineImpossibleError, wheels
from tests.support.postgres import bin_dir

SERVICES: Final = ("postgres", "db-watchdog", "prometheus", "alertmanager", "grafana")
# Known to everybody: that of the folder for development.
PASSWORD: Final = "codelab_password"
PORTS: Final = {
    "DB_WATCHDOG_PORT": 10187,
    "DB_WATCHDOG_SQLITE_PORT": 10188,
    "PROMETHEUS_PORT": 9090,
    "ALERTMANAGER_PORT": 9093,
    "GRAFANA_PORT": 3000,
}
IMAGES: Final = {
    "POSTGRES_IMAGE": "lab/postgres:17",
    "DB_WATCHDOG_IMAGE": "lab/db-watchdog",
    "PROMETHEUS_IMAGE": "lab/prometheus",
    "ALERTMANAGER_IMAGE": "lab/alertmanager",
    "GRAFANA_IMAGE": "lab/grafana",
}
Json = dict[str, Any]


def stand_ins(engine: Engine) -> None:
    """Build them all; raises ``EngineImpossibleError`` that says what is missing."""
    programs = {
        name: shutil.which(found)
        for name, found in {
            "prometheus": "prometheus",
            "promtool": "promtool",
            "alertmanager": "prometheus-alertmanager",
            "amtool": "amtool",
        }.items()
    }
    if missing := [name for name, found in programs.items() if not found]:
        raise EngineImpossibleError(f"{', '.join(missing)}: not installed")
    there = {name: Path(found) for name, found in programs.items() if found}
    postgresql = bin_dir().parent
    wheelhouse = wheels()
    engine.make_base()
    engine.make_stand_in("python", "lab/python", {"wheels": wheelhouse, "postgresql": postgresql})
    engine.make_stand_in("postgres", IMAGES["POSTGRES_IMAGE"], {"postgresql": postgresql})
    engine.make_stand_in(
        "prometheus",
        IMAGES["PROMETHEUS_IMAGE"],
        {name: there[name] for name in ("prometheus", "promtool")},
    )
    engine.make_stand_in(
        "alertmanager",
        IMAGES["ALERTMANAGER_IMAGE"],
        {
            "templates": Path("/usr/share/prometheus/alertmanager"),
            **{name: there[name] for name in ("alertmanager", "amtool")},
        },
    )
    engine.make_stand_in("grafana", IMAGES["GRAFANA_IMAGE"], {})
    engine.docker(
        "build", "-q", "-t", IMAGES["DB_WATCHDOG_IMAGE"],
        "--build-arg", "PYTHON_IMAGE=lab/python", "--build-arg", "POSTGRES_CLIENT=base",
        "--build-arg", "REVISION=lab", ROOT,
    )  # fmt: skip


class Project:
    """A copy of the project's files in *folder*; *shift* moves its ports out of others' way."""

    def __init__(self, engine: Engine, folder: Path, *, shift: int = 0) -> None:
        self.engine = engine
        self.folder = folder
        self._ports = {name: port + shift for name, port in PORTS.items()}
        self.name = f"db-watchdog-{shift}"
        shutil.copy(ROOT / "docker-compose.yml", folder)
        shutil.copy(ROOT / ".env.example", folder)
        shutil.copytree(ROOT / "config", folder / "config")
        shutil.copytree(ROOT / "deploy", folder / "deploy")

    # ------------------------------------------------------------------ commands

    def make_secrets(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the script of the project."""
        script = self.folder / "deploy" / "compose" / "make-secrets.sh"
        return subprocess.run(
            ["sh", script, *arguments], check=False, capture_output=True, text=True
        )

    def env(self, *lines: str) -> None:
        """Write ``.env``."""
        (self.folder / ".env").write_text("".join(f"{line}\n" for line in lines))

    def compose(
        self, *arguments: str, check: bool = True, **environ: str
    ) -> subprocess.CompletedProcess[str]:
        """Run compose as a user would in this folder."""
        settings = {name: str(port) for name, port in self._ports.items()}
        more = {**IMAGES, **settings, "COMPOSE_PROJECT_NAME": self.name, **environ}
        return self.engine.compose(self.folder, *arguments, environ=more, check=check)

    def up(self, *arguments: str) -> None:
        """``up -d --wait``; where that fails, with the containers' logs."""
        wait = ("up", "-d", "--wait", "--wait-timeout", "120")
        done = self.compose(*wait, *arguments, check=False)
        if done.returncode:
            logs = self.compose("logs", "--no-color", "--tail=40", check=False).stdout
            raise AssertionError(done.stderr + logs)

    def down(self) -> None:
        """Remove all of it, volumes too."""
        every = ("--profile", "*")
        self.compose(*every, "down", "-v", "--timeout", "5", "--remove-orphans", check=False)

    def run(self, service: str, *command: str, check: bool = True) -> str:
        """Run a command in a service's container and return what it printed."""
        return self.compose("exec", "-T", service, *command, check=check).stdout

    def sql(self, database: str, text: str, check: bool = True) -> str:
        """Ask the project's PostgreSQL by its socket."""
        ask = ("psql", "-XAtq", "-U", "codelab", "-d", database, "-c", text)
        return self.run("postgres", *ask, check=check).strip()

    # ------------------------------------------------------------------ what there is

    def url(self, service: str) -> str:
        """Return where a service is published."""
        name = service.upper().replace("-", "_") + "_PORT"
        return f"http://127.0.0.1:{self._ports[name]}"

    def inspect(self, service: str) -> Json:
        """Return what the engine says of a service's container."""
        container = self.compose("--profile", "*", "ps", "-a", "-q", service).stdout.strip()
        described: list[Json] = json.loads(self.engine.docker("inspect", container).stdout)
        return described[0]

    def running(self) -> set[str]:
        """Return the services that have a running container."""
        listed = self.compose("--profile", "*", "ps", "--services").stdout
        return set(listed.split())

    def health(self) -> dict[str, str]:
        """Return each service's health."""
        listed = self.compose("ps", "--format", "json").stdout
        found = map(json.loads, filter(None, listed.splitlines()))
        return {service["Service"]: service["Health"] for service in found}

    def status(self, service: str) -> Mapping[str, str]:
        """Return /proc/PID/status of a service's first process."""
        pid = self.inspect(service)["State"]["Pid"]
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return dict(line.split(":\t", 1) for line in lines if ":\t" in line)

    # ------------------------------------------------------------------ what it says

    def metric(self, name: str, daemon: str = "db-watchdog", **labels: str) -> float | None:
        """Return the value of the first series of the daemon's that has these labels."""
        wanted = [f'{key}="{value}"' for key, value in labels.items()]
        for line in self.engine.get(f"{self.url(daemon)}/metrics").splitlines():
            series, _, value = line.rpartition(" ")
            if series.split("{")[0] == name and all(label in series for label in wanted):
                return float(value)
        return None

    def ups(self, daemon: str = "db-watchdog") -> list[float | None]:
        """Return ``watchdog_up`` of both databases."""
        return [
            self.metric("watchdog_up", daemon, target=name)
            for name in ("agent-runtime", "auth-service")
        ]

    def query(self, expression: str) -> list[Json]:
        """Ask the project's Prometheus."""
        quoted = expression.replace('"', "%22").replace("{", "%7B").replace("}", "%7D")
        answer = self.engine.get_json(f"{self.url('prometheus')}/api/v1/query?query={quoted}")
        found: list[Json] = answer["data"]["result"] if answer else []
        return found

    def instances(self, job: str) -> set[str]:
        """Return what the project's Prometheus scrapes for *job* now, whatever it has stored."""
        answer = self.engine.get_json(f"{self.url('prometheus')}/api/v1/targets?state=active")
        active: list[Json] = answer["data"]["activeTargets"] if answer else []
        return {one["labels"]["instance"] for one in active if one["labels"]["job"] == job}

    def alerts(self) -> list[Json]:
        """Return what Alertmanager would tell of."""
        url = f"{self.url('alertmanager')}/api/v2/alerts?inhibited=false"
        found: list[Json] = self.engine.get_json(url) or []
        return found

    def psql(self, port: int, database: str, text: str, password: str) -> str:
        """Ask as the host would: over a published port, by the host's own psql."""
        client = [str(bin_dir() / "psql"), "-XAtq", "-h", "127.0.0.1", "-p", str(port)]
        return self.engine.inside(
            [*client, "-U", "codelab", "-d", database, "-c", text],
            {"PGPASSWORD": password, "PATH": os.environ["PATH"], "PGCONNECT_TIMEOUT": "5"},
        )
