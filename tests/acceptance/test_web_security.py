"""The HTTP side as strangers, scrapers and those who renew certificates meet it."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import bcrypt
import httpx
import pytest
import yaml

import watchdog
from tests.support.alerting import PROMETHEUS
from tests.support.certificates import make_certificates
from tests.support.daemon import Daemon, clean_environment, wait_until
from tests.support.postgres import free_port
from tests.support.sqlite import make_database

PASSWORD = "curiouser-and-curiouser"
HASH = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(6)).decode()
TLS = "tls_server_config: {cert_file: server.crt, key_file: server.key}\n"
USERS = f"basic_auth_users:\n  alice: {HASH}\n"
TARGETS = [
    {
        "name": "notes",
        "url": "sqlite:///notes.db",
        "probe": {"interval": "1s", "timeout": "900ms"},
    }
]
OPEN = ("/metrics", "/healthz", "/readyz", "/-/healthy", "/-/ready")
CLOSED = ("/", "/probe?target=notes", "/api/v1/targets", "/api/v1/targets/notes", "/api/v1/backups")
CLOSED += ("/static/status.css", "/favicon.ico", "/nowhere")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    make_certificates(folder)
    return folder


def install(certificates: Path, folder: Path) -> None:
    """Put the pair into *folder* as a renewal does: each file is replaced."""
    for name in ("server.crt", "server.key"):
        shutil.copy(certificates / name, folder / f"{name}.new")
        (folder / f"{name}.new").replace(folder / name)


@pytest.fixture(scope="module")
def secured(certificates: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon beyond loopback, with TLS and a password."""
    folder = tmp_path_factory.mktemp("secured")
    make_database(folder / "notes.db")
    install(certificates, folder)
    (folder / "web.yml").write_text(TLS + USERS)
    trusting = ssl.create_default_context(cafile=str(certificates / "ca.crt"))
    with Daemon(
        folder,
        {"listen": "0.0.0.0:0", "targets": TARGETS},
        arguments=("--web.config.file", "web.yml"),
        client={"verify": trusting, "auth": ("alice", PASSWORD)},
        ready=False,
    ) as daemon:
        daemon.url = daemon.url.replace("0.0.0.0", "127.0.0.1")
        wait_until(lambda: daemon.get("/readyz").status_code == 200, "it is ready")
        yield daemon
        assert not daemon.tracebacks
        assert daemon.stop() == 0


def port_of(daemon: Daemon) -> int:
    return int(daemon.url.rpartition(":")[2])


def test_whoever_has_the_password_sees_everything_and_nobody_else_anything(
    secured: Daemon,
) -> None:
    assert secured.url.startswith("https://")
    for path in (*OPEN, "/", "/probe?target=notes", "/api/v1/targets"):
        assert secured.get(path).status_code == 200, path
        for auth in (None, ("alice", "wrong"), ("nobody", PASSWORD), ("", "")):
            answer = secured.get(path, auth=auth)
            assert answer.status_code == 401, (path, auth)
            assert answer.headers["www-authenticate"].startswith("Basic")
            assert "watchdog_up" not in answer.text
    assert not secured.events("listens beyond this machine", level="warning")


@pytest.mark.skipif(not shutil.which("curl"), reason="no curl here")
def test_curl_gets_in(secured: Daemon, certificates: Path) -> None:
    def curl(*arguments: str) -> str:
        done = subprocess.run(
            ["curl", "--disable", "--silent", "--noproxy", "*", *arguments],
            capture_output=True,
            text=True,
            env=clean_environment(),
            timeout=60,
            check=False,
        )
        return done.stdout

    trusting = ("--cacert", str(certificates / "ca.crt"))
    alice = ("--user", f"alice:{PASSWORD}")
    assert "watchdog_up" in curl(*trusting, *alice, "--compressed", f"{secured.url}/metrics")
    head = curl(*trusting, *alice, "--head", f"{secured.url}/").lower()
    assert head.startswith("http/1.1 200")
    assert "\nserver:" not in head
    assert curl(*alice, f"{secured.url}/metrics") == ""  # does not trust us
    plain = f"http://127.0.0.1:{port_of(secured)}/"
    assert "https://" in curl(plain)


@pytest.mark.skipif(not PROMETHEUS, reason="no prometheus here")
def test_a_real_prometheus_scrapes_with_tls_and_a_password(
    secured: Daemon, certificates: Path, tmp_path: Path
) -> None:
    (tmp_path / "password").write_text(PASSWORD)
    job = {
        "job_name": "db-watchdog",
        "scheme": "https",
        "scrape_interval": "1s",
        "scrape_timeout": "1s",
        "tls_config": {"ca_file": str(certificates / "ca.crt")},
        "basic_auth": {"username": "alice", "password_file": str(tmp_path / "password")},
        "static_configs": [{"targets": [f"127.0.0.1:{port_of(secured)}"]}],
    }
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump({"scrape_configs": [job]}))
    port = free_port()
    assert PROMETHEUS
    process = subprocess.Popen(
        [
            PROMETHEUS,
            f"--config.file={tmp_path / 'prometheus.yml'}",
            f"--storage.tsdb.path={tmp_path / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ],
        env=clean_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        with httpx.Client(trust_env=False, timeout=10) as client:

            def up() -> bool:
                try:
                    answer = client.get(
                        f"http://127.0.0.1:{port}/api/v1/query", params={"query": "watchdog_up"}
                    )
                except httpx.TransportError:
                    return False
                return answer.is_success and bool(answer.json()["data"]["result"])

            wait_until(up, "Prometheus has scraped us", seconds=60)
    finally:
        process.kill()
        process.wait()


def test_no_page_and_no_refusal_tells_a_version_or_a_secret(secured: Daemon) -> None:
    answers = [
        secured.get(path, auth=auth)
        for path in ("/nowhere", "/healthz", "/readyz", "/api/v1/nothing", "/probe?target=x")
        for auth in (None, ("alice", PASSWORD))
    ]
    answers.append(secured.post("/metrics"))
    for answer in answers:
        shown = f"{answer.headers}\n{answer.text}"
        assert "server" not in answer.headers
        assert watchdog.__version__ not in shown
        assert "uvicorn" not in shown.lower()
        assert "Traceback" not in shown
    metrics = secured.get("/metrics").text
    for secret in (PASSWORD, HASH):
        assert secret not in metrics
        assert secret not in secured.log


def test_a_bad_file_keeps_the_last_good_one_and_a_renewed_certificate_is_taken(
    secured: Daemon, certificates: Path, tmp_path: Path
) -> None:
    """Without a restart, without a signal; the order matters, so it is one test."""
    web = secured.folder / "web.yml"
    gauge = "watchdog_web_config_last_reload_successful"
    before = secured.metric("watchdog_web_certificate_expiry_timestamp_seconds")
    assert before is not None

    web.write_text(TLS + USERS + "rate_limits: {}\n")
    complaint = secured.event("web configuration not reloaded, the last good one stays")
    assert complaint["level"] == "error"
    assert "web.yml:4:1: rate_limits: unknown key, did you mean rate_limit?" in str(complaint)
    assert secured.metric(gauge) == 0

    # Mended, and with another user: both hold at once.
    queen = bcrypt.hashpw(b"off-with-her-head", bcrypt.gensalt(6)).decode()
    web.write_text(f"{TLS}basic_auth_users:\n  alice: {HASH}\n  queen: {queen}\n")
    secured.event("web configuration reloaded", users=2)
    assert secured.metric(gauge) == 1
    assert secured.get("/metrics", auth=("queen", "off-with-her-head")).status_code == 200

    subprocess.run(
        "openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 60"
        f" -extfile server.ext -out {tmp_path / 'server.crt'}".split(),
        cwd=certificates,
        check=True,
        capture_output=True,
    )
    shutil.copy(certificates / "server.key", tmp_path)
    install(tmp_path, secured.folder)
    expiry = "watchdog_web_certificate_expiry_timestamp_seconds"
    wait_until(lambda: (secured.metric(expiry) or 0) > before, "the renewed certificate is taken")
    served = ssl.get_server_certificate(("127.0.0.1", port_of(secured)))
    assert served.strip() == (tmp_path / "server.crt").read_text().strip()


# ------------------------------------------------------------------ without any of that


EXPOSED = {"listen": "0.0.0.0:0", "targets": TARGETS}


@pytest.fixture(scope="module")
def exposed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon beyond loopback without any protection, and with few file descriptors."""
    folder = tmp_path_factory.mktemp("exposed")
    make_database(folder / "notes.db")
    with Daemon(folder, EXPOSED, prefix=("prlimit", "--nofile=200:200"), ready=False) as daemon:
        daemon.url = daemon.url.replace("0.0.0.0", "127.0.0.1")
        wait_until(lambda: daemon.get("/readyz").status_code == 200, "it is ready")
        yield daemon
        assert not daemon.tracebacks


def test_strangers_see_the_metrics_alone_unless_the_network_is_trusted(exposed: Daemon) -> None:
    (warning,) = [line for line in exposed.lines if "listens beyond" in str(line.get("event"))]
    assert warning["level"] == "warning"
    assert len(warning["steps"]) == 3
    for path in OPEN:
        assert exposed.get(path).status_code == 200, path
    for path in CLOSED:
        answer = exposed.get(path)
        assert answer.status_code == 403, path
        assert answer.headers["content-type"].startswith("text/plain")
        assert "trust_network" in answer.text
        assert "notes" not in answer.text
    assert exposed.post("/-/reload").status_code == 403
    assert exposed.metric("watchdog_web_refusals_total", reason="network") == len(CLOSED) + 1

    exposed.configure({**EXPOSED, "web": {"trust_network": True}})
    exposed.signal(signal.SIGHUP)
    wait_until(lambda: exposed.get("/").status_code == 200, "the network is trusted")
    assert exposed.get("/api/v1/targets").status_code == 200


def test_thousands_of_connections_take_neither_descriptors_nor_probes(exposed: Daemon) -> None:
    crowd: list[socket.socket] = []
    most = 0
    try:
        for number in range(1500):
            client = socket.socket()
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", port_of(exposed)))
            crowd.append(client)
            if len(crowd) > 500:  # our own descriptors are not endless either
                crowd.pop(0).close()
            if number % 250 == 249:
                assert exposed.get("/metrics").status_code == 200
                most = max(most, len(list(Path(f"/proc/{exposed.pid}/fd").iterdir())))
        last = exposed.metric("watchdog_probe_last_success_timestamp_seconds", probe="journal")

        def later() -> bool:
            name = "watchdog_probe_last_success_timestamp_seconds"
            return (exposed.metric(name, probe="journal") or 0) > (last or 0)

        wait_until(later, "a round passes with the crowd there")
        assert exposed.metric("watchdog_up", target="notes") == 1
        assert exposed.metric("watchdog_down_seconds_total", target="notes") == 0
    finally:
        for client in crowd:
            client.close()
    assert most < 150
    assert "Too many open files" not in exposed.log
    assert (exposed.metric("watchdog_web_refusals_total", reason="room") or 0) > 0
    assert len(exposed.events("client turned away", reason="room")) <= 2  # nobody fills the log


# ------------------------------------------------------------------ a file with mistakes


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "watchdog", *arguments],
        cwd=folder,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_all_mistakes_of_both_files_are_named_at_once(tmp_path: Path) -> None:
    (tmp_path / "web.yml").write_text(
        "tls_server_config: {cert_file: none.crt}\nbasic_auth_users:\n  alice: plain-password\n"
    )
    (tmp_path / "w.yaml").write_text(
        "log: {level: loud}\nweb: {config_file: web.yml}\n"
        "targets: [{name: a, url: 'sqlite:///a.db'}]\n"
    )
    for command in ("check-config", "run"):
        done = run(tmp_path, command, "-c", "w.yaml")
        assert done.returncode == 2
        for start in (
            "w.yaml:1:14: log.level: ",
            f"{tmp_path}/web.yml:1:32: tls_server_config.cert_file: there is no file",
            f"{tmp_path}/web.yml:1:20: tls_server_config.key_file: is missing",
            f"{tmp_path}/web.yml:3:10: basic_auth_users.alice: is no bcrypt hash",
        ):
            assert start in done.stderr
        assert "plain-password" not in done.stdout + done.stderr
    # Who serves no HTTP needs no key to read; the option goes before the configuration.
    (tmp_path / "w.yaml").write_text(
        "web: {config_file: web.yml}\ntargets: [{name: a, url: 'sqlite:///a.db'}]\n"
    )
    assert run(tmp_path, "probe", "-c", "w.yaml").returncode == 1
    missing = run(tmp_path, "check-config", "-c", "w.yaml", "--web.config.file", "none.yml")
    assert missing.returncode == 2
    assert missing.stderr == (
        "none.yml:1:1: no such file: write the right path after --web.config.file\n"
    )


def test_check_config_says_who_may_enter(certificates: Path, tmp_path: Path) -> None:
    install(certificates, tmp_path)
    (tmp_path / "web.yml").write_text(TLS + USERS)
    (tmp_path / "w.yaml").write_text(
        "listen: 0.0.0.0:10187\ntargets: [{name: a, url: 'sqlite:///a.db'}]\n"
    )
    bare = run(tmp_path, "check-config", "-c", "w.yaml")
    assert bare.returncode == 0
    assert "only /metrics, /healthz and /readyz are served" in bare.stdout
    done = run(tmp_path, "check-config", "-c", "w.yaml", "--web.config.file", "web.yml", "--json")
    web = json.loads(done.stdout)["web"]
    assert (web["tls"], web["users"], web["for_strangers"]) == (True, ["alice"], False)
    assert HASH not in done.stdout + done.stderr
