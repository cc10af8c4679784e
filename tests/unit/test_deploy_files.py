"""The files that people install: they parse, they hold what the documentation promises."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from watchdog.config import load
from watchdog.errors import ConfigurationError

ROOT = Path(__file__).parents[2]
SYSTEMD = ROOT / "deploy" / "systemd"
UNIT = SYSTEMD / "db-watchdog.service"
COMPOSE = ROOT / "docker-compose.yml"
SCRIPTS = [ROOT / "config" / "postgres" / "init-databases.sh", *sorted(SYSTEMD.glob("*.sh"))]
DROP_INS = sorted((SYSTEMD / "examples").glob("*.conf"))
LARGEST_EXPOSURE = 1.5


def needs(tool: str) -> None:
    if not shutil.which(tool):
        pytest.skip(f"{tool} is not installed")


def directives(path: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in path.read_text().replace("\\\n", "").splitlines():
        if match := re.match(r"([A-Za-z]+)=(.*)", line):
            found.setdefault(match[1], []).append(match[2])
    return found


def copy_of_unit(folder: Path) -> Path:
    """Copy the unit, with a program that is there: verify wants to see one."""
    copy = folder / UNIT.name
    copy.write_text(
        UNIT.read_text().replace(
            "ExecStart=/opt/db-watchdog/bin/db-watchdog", "ExecStart=/bin/true"
        )
    )
    return copy


def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())
    return loaded


def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = compose()["services"]
    return found


# ---------------------------------------------------------------------- systemd


def test_systemd_has_nothing_to_say_about_the_unit(tmp_path: Path) -> None:
    needs("systemd-analyze")
    said = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", copy_of_unit(tmp_path)],
        check=False,
        capture_output=True,
        text=True,
    )
    # An unknown key is only a line on stderr, with status 0.
    assert (said.returncode, said.stdout + said.stderr) == (0, "")


@pytest.mark.parametrize("drop_in", DROP_INS, ids=lambda path: path.stem)
def test_systemd_has_nothing_to_say_about_a_drop_in(drop_in: Path, tmp_path: Path) -> None:
    needs("systemd-analyze")
    unit = copy_of_unit(tmp_path)
    folder = tmp_path / f"{unit.name}.d"
    folder.mkdir()
    shutil.copy(drop_in, folder)
    said = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", unit], check=False, capture_output=True, text=True
    )
    assert (said.returncode, said.stdout + said.stderr) == (0, "")


def test_the_unit_is_hardened() -> None:
    needs("systemd-analyze")
    said = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", UNIT],
        check=False,
        capture_output=True,
        text=True,
    )
    if "unrecognized option" in said.stderr:
        pytest.skip("this systemd-analyze cannot judge a file that is not loaded")
    exposure = re.search(r"Overall exposure level for \S+: ([0-9.]+)", said.stdout)
    assert exposure is not None, said.stdout + said.stderr
    assert float(exposure[1]) <= LARGEST_EXPOSURE, said.stdout


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("Type", "notify"),
        ("User", "db-watchdog"),
        ("KillMode", "mixed"),
        ("RestartPreventExitStatus", "2"),
        ("LimitCORE", "0"),
        ("StateDirectory", "db-watchdog"),
        ("ConfigurationDirectory", "db-watchdog"),
        ("ProtectSystem", "strict"),
    ],
)
def test_the_unit_says(key: str, value: str) -> None:
    assert directives(UNIT)[key] == [value]


def test_systemd_waits_longer_for_the_end_than_the_daemon_takes() -> None:
    assert int(directives(UNIT)["TimeoutStopSec"][0]) > 10
    assert int(directives(UNIT)["WatchdogSec"][0]) >= 10


def test_a_reload_reads_the_configuration_before_it_signals() -> None:
    (reload,) = directives(UNIT)["ExecReload"]
    assert 0 < reload.index("check-config") < reload.index("kill -HUP")
    assert reload.rstrip("'").endswith("exit $status")


def test_every_drop_in_says_where_it_goes() -> None:
    assert DROP_INS
    for drop_in in DROP_INS:
        first = drop_in.read_text().splitlines()[0]
        assert first == f"# /etc/systemd/system/db-watchdog.service.d/{drop_in.name}"


# ---------------------------------------------------------------------- compose


def test_compose_has_the_services() -> None:
    assert {"postgres", "db-watchdog", "prometheus"} <= set(services())


def test_nothing_is_published_beyond_loopback() -> None:
    published = [port for service in services().values() for port in service.get("ports", [])]
    assert published
    assert all(str(port).startswith("127.0.0.1:") for port in published), published


def test_every_service_has_a_healthcheck_and_a_pinned_image() -> None:
    for name, service in services().items():
        assert service["healthcheck"]["test"], name
        image = re.fullmatch(r"\$\{[A-Z_]+:-(.+)\}", service["image"])
        assert image is not None, name
        _, _, tag = image[1].rpartition(":")
        assert re.search(r"\d+\.\d+", tag), f"{name}: {image[1]} is not pinned"


def test_the_daemon_runs_with_as_little_as_it_needs() -> None:
    daemon = services()["db-watchdog"]
    assert daemon["read_only"] is True
    assert daemon["cap_drop"] == ["ALL"]
    assert daemon["security_opt"] == ["no-new-privileges:true"]
    assert daemon["tmpfs"][0].startswith("/tmp:")
    assert "10187:10187" in re.sub(r"\$\{\w+:-(\w+)\}", r"\1", daemon["ports"][0])
    assert not daemon.get("privileged")
    assert "./config:/etc/db-watchdog:ro" in daemon["volumes"]
    configuration = Path(daemon["environment"]["DB_WATCHDOG_CONFIG"])
    assert (ROOT / "config" / configuration.relative_to("/etc/db-watchdog")).is_file()


def test_a_slow_stop_is_not_cut_short() -> None:
    assert int(services()["db-watchdog"]["stop_grace_period"].rstrip("s")) > 10


def test_no_password_is_on_a_command_line() -> None:
    for name, service in services().items():
        words = str([service.get("command"), service.get("entrypoint"), service["healthcheck"]])
        assert "PASSWORD" not in words.upper(), name
        assert "_DB_URL" not in words, name


def test_every_mounted_file_is_there() -> None:
    for service in services().values():
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            if source.startswith("."):
                assert (ROOT / source).exists(), source
            else:
                assert source in compose()["volumes"]


def test_the_example_environment_has_what_compose_asks_for() -> None:
    example = (ROOT / ".env.example").read_text()
    names = set(re.findall(r"^#?([A-Z_]+)=", example, re.MULTILINE))
    assert {
        "POSTGRES_USER",
        "POSTGRES_PASSWORD",
        "POSTGRES_DB",
        "AGENT_RUNTIME__DB_URL",
        "AUTH_SERVICE__DB_URL",
    } <= names
    asked = {
        name
        for service in services().values()
        for value in service.get("environment", {}).values()
        for name in re.findall(r"\$\{([A-Z_]+)", value)
    }
    assert asked <= names


def test_the_operators_urls_are_the_defaults() -> None:
    example = (ROOT / ".env.example").read_text()
    environment = services()["db-watchdog"]["environment"].items()
    urls = {name: value for name, value in environment if name.endswith("_DB_URL")}
    assert set(urls) == {"AGENT_RUNTIME__DB_URL", "AUTH_SERVICE__DB_URL"}
    for name, value in urls.items():
        default = re.fullmatch(r"\$\{\w+:-(.+)\}", value)
        assert default is not None
        assert f"{name}={default[1]}" in example.splitlines()


def test_prometheus_scrapes_the_daemon_by_its_service_name() -> None:
    scrapes = yaml.safe_load((ROOT / "config" / "prometheus" / "prometheus.yml").read_text())
    targets = {
        job["job_name"]: job["static_configs"][0]["targets"] for job in scrapes["scrape_configs"]
    }
    assert targets["db-watchdog"] == ["db-watchdog:10187"]


def test_promtool_takes_the_configuration_of_prometheus() -> None:
    needs("promtool")
    said = subprocess.run(
        ["promtool", "check", "config", ROOT / "config" / "prometheus" / "prometheus.yml"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert said.returncode == 0, said.stdout + said.stderr


# ---------------------------------------------------------------------- configurations


def test_the_configuration_for_systemd_is_valid_as_it_is() -> None:
    config = load(SYSTEMD / "watchdog.yaml", environ={}, cwd=SYSTEMD)
    assert [target.name for target in config.targets] == ["agent-runtime", "auth-service"]
    for target in config.targets:
        assert target.backup is not None
        assert target.backup.directory == Path("/var/lib/db-watchdog/backups")


def test_the_configuration_for_compose_takes_the_urls_of_the_environment(tmp_path: Path) -> None:
    environ = dict(
        line.split("=", 1)
        for line in (ROOT / ".env.example").read_text().splitlines()
        if line and not line.startswith("#")
    )
    config = load(ROOT / "config" / "watchdog.compose.yaml", environ=environ, cwd=tmp_path)
    assert [target.url.masked for target in config.targets] == [
        "postgresql://codelab:***@postgres:5432/agent_runtime",
        "postgresql://codelab:***@postgres:5432/auth_db",
    ]
    assert config.listen.port == 10187
    with pytest.raises(ConfigurationError, match="AGENT_RUNTIME__DB_URL"):
        load(ROOT / "config" / "watchdog.compose.yaml", environ={}, cwd=tmp_path)


# ---------------------------------------------------------------------- image and scripts


def test_the_image_is_no_root_and_holds_no_secret() -> None:
    text = (ROOT / "Dockerfile").read_text()
    users = re.findall(r"^USER (.+)$", text, re.MULTILINE)
    assert users
    assert users[-1] == "10187:10187"
    assert text.count("FROM ${PYTHON_IMAGE}") == 2
    assert not re.search(r"PASSWORD|SECRET|TOKEN", text.upper())
    for label in ("title", "description", "version", "revision", "licenses"):
        assert f"org.opencontainers.image.{label}=" in text


def test_the_build_context_leaves_out_everything_that_is_not_named() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert "!.env" not in rules
    copied = re.findall(
        r"^COPY (?!--from)(.+) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE
    )
    assert {name for names in copied for name in names.split()} == {
        rule[1:] for rule in rules if rule.startswith("!")
    }


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_is_sound_and_may_be_run(script: Path) -> None:
    assert script.stat().st_mode & 0o111
    assert subprocess.run(["sh", "-n", script], check=False).returncode == 0


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_shellcheck_has_nothing_to_say(script: Path) -> None:
    needs("shellcheck")
    said = subprocess.run(["shellcheck", script], check=False, capture_output=True, text=True)
    assert said.stdout == ""


@pytest.mark.parametrize("name", ["install.sh", "uninstall.sh"])
def test_a_script_says_what_it_can_do_and_takes_nothing_else(name: str) -> None:
    text = (SYSTEMD / name).read_text()
    told = subprocess.run(
        ["sh", SYSTEMD / name, "--help"], check=True, capture_output=True, text=True
    )
    options = set(re.findall(r"^ +(?:-h, )?(--[a-z-]+)", told.stdout, re.MULTILINE))
    assert options == set(re.findall(r"^ +(?:-h \| )?(--[a-z-]+)\) [a-z]+", text, re.MULTILINE))
    assert "--dry-run" in options
    refused = subprocess.run(
        ["sh", SYSTEMD / name, "--dry-urn"], check=False, capture_output=True, text=True
    )
    assert refused.returncode == 2
    assert "--dry-urn: no such option" in refused.stderr
