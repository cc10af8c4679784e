"""The files that people install: they parse, they hold what the documentation promises."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
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
SCRIPTS = [
    ROOT / "config" / "postgres" / "init-databases.sh",
    ROOT / "deploy" / "compose" / "make-secrets.sh",
    *sorted(SYSTEMD.glob("*.sh")),
]
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


SERVICES = services()
each_service = pytest.mark.parametrize("name", SERVICES)


def environment(service: dict[str, Any]) -> dict[str, str | None]:
    """Return what a service's variables are where .env sets none of those that it asks for."""
    written = service.get("environment", {})
    if isinstance(written, dict):
        return dict(written)
    return dict(filled(line).split("=", 1) for line in written)


def filled(text: str) -> str:
    """Return the text with each ${NAME:-default} as its default, and each ${NAME:+…} as nothing."""
    return re.sub(r"\$\{\w+:([-+])([^}]*)\}", lambda m: m[2] if m[1] == "-" else "", text)


def test_compose_has_the_services() -> None:
    bare = {name for name, service in SERVICES.items() if "profiles" not in service}
    assert bare == {"postgres", "db-watchdog", "prometheus", "alertmanager", "grafana"}
    assert {n: s["profiles"] for n, s in SERVICES.items() if n not in bare} == {
        "db-watchdog-sqlite": ["sqlite"]
    }


def test_the_schema_of_compose_files_knows_every_key(tmp_path: Path) -> None:
    def said(file: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                sys.executable, "-m", "check_jsonschema",
                "--builtin-schema", "vendor.compose-spec", file,
            ],
            check=False,
            capture_output=True,
            text=True,
        )  # fmt: skip

    assert said(COMPOSE).returncode == 0, said(COMPOSE).stdout
    wrong = tmp_path / "docker-compose.yml"
    wrong.write_text(COMPOSE.read_text().replace("pids_limit:", "pids_limits:", 1))
    assert "pids_limits" in said(wrong).stdout


def test_nothing_is_published_beyond_loopback() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert published
    assert all(str(port).startswith("127.0.0.1:") for port in published), published
    assert len({filled(port).rsplit(":", 1)[0] for port in published}) == len(published)
    for commented in re.findall(r'^ *# +- "(.+:.+)"$', COMPOSE.read_text(), re.MULTILINE):
        assert commented == "127.0.0.1:5432:5432"


@each_service
def test_an_image_is_pinned(name: str) -> None:
    image = re.fullmatch(r"\$\{[A-Z_]+:-(.+)\}", SERVICES[name]["image"])
    assert image is not None
    _, _, tag = image[1].rpartition(":")
    assert re.search(r"\d+\.\d+", tag), f"{image[1]} is not pinned"


@each_service
def test_a_service_is_confined(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    loose = {"privileged", "cap_add", "pid", "ipc", "network_mode", "devices", "userns_mode"}
    assert not loose & set(service)
    # Whatever is mounted of this machine may be read, no more; the engine's socket is not.
    for volume in service["volumes"]:
        source = filled(volume)
        assert source.endswith(":ro") or not source.startswith((".", "/"))
        assert "docker.sock" not in volume


@each_service
def test_a_service_has_limits(name: str) -> None:
    service = SERVICES[name]
    assert re.fullmatch(r"\d+[mg]", filled(service["mem_limit"]))
    assert service["pids_limit"] > 0
    # More processors than a machine has would be an error there: one, or all there are.
    assert float(filled(str(service["cpus"]))) in {0.0, 1.0}
    assert service["logging"]["options"] == {"max-size": "10m", "max-file": "5"}
    assert service["restart"] == "unless-stopped"


@each_service
def test_a_service_says_how_it_is(name: str) -> None:
    health = SERVICES[name]["healthcheck"]
    assert health["test"][0] in {"CMD", "CMD-SHELL"}
    assert set(health) == {"test", "interval", "timeout", "retries", "start_period"}


def test_prometheus_keeps_no_more_than_it_may() -> None:
    said = " ".join(SERVICES["prometheus"]["command"])
    assert "--storage.tsdb.retention.time=30d" in said
    assert "--storage.tsdb.retention.size=5GB" in filled(said)


@pytest.mark.parametrize("name", ["db-watchdog", "db-watchdog-sqlite"])
def test_the_daemon_has_what_it_needs(name: str) -> None:
    daemon = SERVICES[name]
    assert daemon["tmpfs"][0].startswith("/tmp:")
    assert filled(daemon["ports"][0]).endswith(":10187")
    assert "./config:/etc/db-watchdog:ro" in daemon["volumes"]
    assert daemon["ulimits"] == {"core": 0}
    configuration = Path(daemon["environment"]["DB_WATCHDOG_CONFIG"])
    assert (ROOT / "config" / configuration.relative_to("/etc/db-watchdog")).is_file()
    # A slow stop is not cut short.
    assert int(daemon["stop_grace_period"].rstrip("s")) > 10


def test_the_profile_sqlite_needs_no_postgresql() -> None:
    service = SERVICES["db-watchdog-sqlite"]
    assert "depends_on" not in service
    assert "secrets" not in service
    urls = {n: filled(v) for n, v in service["environment"].items() if n.endswith("_DB_URL")}
    assert urls == {
        "AGENT_RUNTIME__DB_URL": "sqlite:////data/agent_runtime.db",
        "AUTH_SERVICE__DB_URL": "sqlite:////data/auth.db",
    }
    assert "./data:/data:ro" in [filled(volume) for volume in service["volumes"]]
    # Its backups are in a place of their own: the names of the targets are the same.
    mine, others = (
        {v.split(":")[0] for v in SERVICES[name]["volumes"] if v[0].isalpha()}
        for name in ("db-watchdog-sqlite", "db-watchdog")
    )
    assert not mine & others


def test_prometheus_finds_the_daemon_of_the_profile() -> None:
    scrapes = yaml.safe_load((ROOT / "config" / "prometheus" / "prometheus.yml").read_text())
    (job,) = [job for job in scrapes["scrape_configs"] if job["job_name"] == "db-watchdog"]
    assert job["dns_sd_configs"] == [{"names": ["db-watchdog-sqlite"], "type": "A", "port": 10187}]


# ---------------------------------------------------------------------- its passwords


def test_passwords_are_files() -> None:
    documents = compose()["secrets"]
    assert set(documents) == {name for s in SERVICES.values() for name in secret_names(s)}
    for name, secret in documents.items():
        assert set(secret) == {"file"}
        folder, file = filled(secret["file"]).rsplit("/", 1)
        assert (ROOT / folder / file).is_file()
        assert file.removesuffix(".env") == name
        assert secret["file"].startswith("${SECRETS_DIRECTORY:-")


def secret_names(service: dict[str, Any]) -> list[str]:
    return [s if isinstance(s, str) else s["source"] for s in service.get("secrets", [])]


@each_service
def test_no_password_is_on_a_command_line_or_in_the_environment(name: str) -> None:
    service = SERVICES[name]
    words = str([service.get("command"), service.get("entrypoint"), service["healthcheck"]])
    assert "PASSWORD" not in words.upper()
    assert "_DB_URL" not in words
    for variable, value in environment(service).items():
        if "PASSWORD" in variable:
            assert variable.endswith("_FILE")
            assert str(value).removeprefix("/run/secrets/") in secret_names(service)
        if variable.endswith("_DB_URL"):
            assert value is None or value.startswith("sqlite:"), "only what .env says, if it does"


def test_a_password_in_the_environment_wins_over_the_file() -> None:
    """Both would be refused by the images: one variable's name is made of the other's value."""
    lines = SERVICES["postgres"]["environment"] + SERVICES["grafana"]["environment"]
    found = {line for line in lines if "PASSWORD" in line}
    assert len(found) == 3
    for line in found:
        name = re.search(r"\$\{(\w+):\+=\}\$\{\1:-_", line)
        assert name is not None, line
        given = line.replace(f"${{{name[1]}:+=}}", "=")
        given = re.sub(rf"\$\{{{name[1]}:-[^}}]+\}}", "given", given)
        assert re.fullmatch(r"(GF_SECURITY_ADMIN|POSTGRES|WATCHDOG_ROLE)_PASSWORD=given", given)


def test_the_daemon_reads_its_urls_from_a_file() -> None:
    daemon = SERVICES["db-watchdog"]
    assert daemon["secrets"] == [
        {"source": "database-urls", "target": f"{daemon['working_dir']}/.env"}
    ]


def test_every_mounted_file_is_there() -> None:
    for service in SERVICES.values():
        for volume in service["volumes"]:
            source = filled(volume).split(":")[0]
            if source == "./data":
                continue  # the engine makes it
            if source.startswith("."):
                assert (ROOT / source).exists(), source
            else:
                assert source in compose()["volumes"]


def test_the_example_environment_has_what_compose_asks_for() -> None:
    example = (ROOT / ".env.example").read_text()
    names = set(re.findall(r"^#?([A-Z_]+)=", example, re.MULTILINE))
    asked = {
        name
        for name in re.findall(r"(?<!\$)\$\{([A-Z_]+)", COMPOSE.read_text())
        if not name.endswith("_IMAGE")
    }
    asked |= {n for n, v in SERVICES["db-watchdog"]["environment"].items() if v is None}
    assert asked == names
    for name, default in re.findall(r"\$\{([A-Z_]+):-([^}/]+)\}", COMPOSE.read_text()):
        line = re.search(rf"^#?{name}=(.*)$", example, re.MULTILINE)
        if line is not None and name != "SQLITE_GROUP":
            assert line[1] == default, name


def development(name: str) -> str:
    folder = ROOT / "deploy" / "compose" / "development-secrets"
    return (folder / name).read_text().removesuffix("\n")


def test_the_operators_passwords_and_urls_are_the_defaults() -> None:
    example = (ROOT / ".env.example").read_text()
    for line in development("database-urls.env").splitlines():
        assert line.startswith("#") or f"#{line}\n" in example
    for variable, file in {
        "POSTGRES_PASSWORD": "postgres-password",
        "GRAFANA_ADMIN_PASSWORD": "grafana-admin-password",
        "WATCHDOG_ROLE_PASSWORD": "watchdog-role-password",
    }.items():
        assert f"\n#{variable}={development(file)}\n" in example


def make_secrets(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    script = folder / "deploy" / "compose" / "make-secrets.sh"
    if not script.exists():
        shutil.copytree(ROOT / "deploy" / "compose", script.parent)
        shutil.copy(ROOT / ".env.example", folder)
    return subprocess.run(["sh", script, *arguments], check=False, capture_output=True, text=True)


def test_secrets_are_made_once(tmp_path: Path) -> None:
    made = make_secrets(tmp_path)
    assert made.returncode == 0, made.stderr
    folder = tmp_path / "secrets"
    assert folder.stat().st_mode & 0o777 == 0o700
    texts = {file.name: file.read_text() for file in folder.iterdir()}
    assert set(texts) == {
        "postgres-password", "watchdog-role-password", "grafana-admin-password",
        "database-urls.env",
    }  # fmt: skip
    passwords = [texts[name].strip() for name in texts if name.endswith("-password")]
    assert len(set(passwords)) == 3
    assert all(re.fullmatch(r"[A-Za-z0-9]{40}", password) for password in passwords)
    # Whoever runs inside of a container can read them.
    assert all(file.stat().st_mode & 0o777 == 0o444 for file in folder.iterdir())
    assert not [word for word in passwords if word in made.stdout + made.stderr]
    environ = dict(
        line.split("=", 1)
        for line in texts["database-urls.env"].splitlines()
        if not line.startswith("#")
    )
    config = load(ROOT / "config" / "watchdog.compose.yaml", environ=environ, cwd=tmp_path)
    assert [target.url.masked for target in config.targets] == [
        "postgresql://db_watchdog:***@postgres:5432/agent_runtime",
        "postgresql://db_watchdog:***@postgres:5432/auth_db",
    ]
    settings = (tmp_path / ".env").read_text()
    assert settings.startswith((tmp_path / ".env.example").read_text())
    assert settings.splitlines()[-1] == "SECRETS_DIRECTORY=./secrets"
    again = make_secrets(tmp_path)
    assert (again.returncode, again.stderr) == (0, "")
    assert {file.name: file.read_text() for file in folder.iterdir()} == texts
    assert (tmp_path / ".env").read_text() == settings


def test_secrets_that_would_not_be_used_are_told_of(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("POSTGRES_PASSWORD=mine\n")
    made = make_secrets(tmp_path, "mine")
    assert made.returncode == 1
    assert "take the passwords and URLs out of .env" in made.stderr
    assert "SECRETS_DIRECTORY=./mine" in (tmp_path / ".env").read_text()
    assert make_secrets(tmp_path, "--no-such").returncode == 2


# ---------------------------------------------------------------------- Prometheus


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
        for line in development("database-urls.env").splitlines()
        if not line.startswith("#")
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


def test_hadolint_has_nothing_to_say(tmp_path: Path) -> None:
    program = Path(sys.executable).parent / "hadolint"
    if not program.exists():
        pytest.skip("hadolint is not installed (there is a package for x86-64 and arm64 alone)")

    def said(file: Path) -> tuple[int, str]:
        done = subprocess.run([program, file], check=False, capture_output=True, text=True)
        return done.returncode, done.stdout

    assert said(ROOT / "Dockerfile") == (0, "")
    for stand_in in sorted((ROOT / "tests" / "lab" / "images").glob("*/Dockerfile")):
        assert said(stand_in) == (0, ""), stand_in
    wrong = tmp_path / "Dockerfile"
    wrong.write_text("FROM debian\nRUN cd /tmp\n")
    assert "DL3003" in said(wrong)[1]


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
