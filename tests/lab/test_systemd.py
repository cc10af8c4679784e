"""The unit under a real systemd: start, reload, wedge, crash, stop, and what the sandbox allows."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import bcrypt
import pytest

from tests.support.certificates import make_certificates
from tests.support.postgres import PostgresMissingError, bin_dir
from tests.support.systemd_machine import (
    ROOT,
    Machine,
    MachineImpossibleError,
    install,
    install_postgresql,
    wait_for,
)

pytestmark = [pytest.mark.lab, pytest.mark.timeout(180)]

UNIT = "db-watchdog.service"
CONFIG = "/etc/db-watchdog/watchdog.yaml"
DROP_INS = f"/etc/systemd/system/{UNIT}.d"
HTTP = "http://127.0.0.1:10187"
PASSWORD = "lab:pa/ss@w%41rd"

GOOD = """\
targets:
  - name: agent-runtime
    url: sqlite:////var/lib/codelab/agent_runtime.db
  - name: auth-service
    url: sqlite:////var/lib/codelab/auth.db
"""
BAD = GOOD + "  - name: third\n    ulr: sqlite:////var/lib/codelab/auth.db\n"

# An application that keeps its WAL file open and writes, as another user.
APPLICATION = """\
import sqlite3, time
c = sqlite3.connect("/var/lib/codelab/agent_runtime.db", isolation_level=None)
c.execute("PRAGMA journal_mode=WAL")
c.execute("CREATE TABLE IF NOT EXISTS t (x)")
while True:
    c.execute("INSERT INTO t VALUES (1)")
    time.sleep(0.05)
"""
CLOSED = """\
import sqlite3
c = sqlite3.connect("/var/lib/codelab/auth.db")
c.executescript("CREATE TABLE IF NOT EXISTS users (name); INSERT INTO users VALUES ('a')")
c.close()
"""


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    made = Machine()
    try:
        try:
            made.prepare()
            install(made)
            made.boot()
        except MachineImpossibleError as missing:
            pytest.skip(f"no systemd as PID 1 here: {missing}")
        made.write("/etc/sysusers.d/codelab.conf", "u codelab - - /var/lib/codelab\n")
        made.run("systemd-sysusers")
        made.run(
            "install", "-d", "-o", "codelab", "-g", "codelab", "-m", "0750", "/var/lib/codelab"
        )
        made.write("/opt/application.py", APPLICATION)
        made.write("/opt/closed.py", CLOSED)
        as_application = ["systemd-run", "-q", "--uid=codelab", "--property=UMask=0027"]
        made.run(*as_application, "--wait", "python3", "/opt/closed.py")
        made.run(*as_application, "--unit=application", "python3", "/opt/application.py")
        wait_for(
            "the application's WAL file",
            (made.root / "var/lib/codelab/agent_runtime.db-wal").exists,
        )
        yield made
    finally:
        made.close()


@pytest.fixture
def unit(machine: Machine) -> Iterator[Machine]:
    """Give the machine with our unit stopped, a good configuration and the group's drop-in."""
    machine.write(CONFIG, GOOD)
    example = ROOT / "deploy/systemd/examples/sqlite-of-an-application.conf"
    machine.write(f"{DROP_INS}/{example.name}", example.read_text())
    machine.run("systemctl", "daemon-reload")
    yield machine
    machine.run("systemctl", "stop", UNIT, check=False)
    machine.run("systemctl", "reset-failed", UNIT, check=False)
    machine.run("rm", "-rf", DROP_INS, "/etc/db-watchdog")


def show(machine: Machine, key: str) -> str:
    return machine.show(UNIT, key)[key]


def metric(machine: Machine, name: str, **labels: str) -> float | None:
    wanted = [f'{key}="{value}"' for key, value in labels.items()]
    for line in machine.get(f"{HTTP}/metrics").splitlines():
        series, _, value = line.rpartition(" ")
        if series.split("{")[0] == name and all(label in series for label in wanted):
            return float(value)
    return None


def both_up(machine: Machine) -> bool:
    return all(
        metric(machine, "watchdog_up", target=name) == 1.0
        for name in ("agent-runtime", "auth-service")
    )


def records(machine: Machine, *options: str) -> list[dict[str, Any]]:
    """Return what the daemon itself logged, as it logged it."""
    found = []
    for entry in machine.journal(UNIT, *options):
        with suppress(ValueError, TypeError):
            record = json.loads(entry["MESSAGE"])
            if isinstance(record, dict):
                found.append(record)
    return found


def messages(machine: Machine) -> str:
    return "\n".join(str(entry.get("MESSAGE")) for entry in machine.journal(UNIT))


def drop_in(machine: Machine, name: str, text: str) -> None:
    machine.write(f"{DROP_INS}/{name}.conf", text)
    machine.run("systemctl", "daemon-reload")


# ---------------------------------------------------------------------- life


def test_start_returns_when_the_daemon_serves(unit: Machine) -> None:
    unit.run("systemctl", "start", UNIT)
    assert "watchdog_build_info" in unit.get(f"{HTTP}/metrics"), "it answers at once"
    assert show(unit, "ActiveState") == "active"
    wait_for("both databases up", lambda: both_up(unit))
    wait_for(
        "the status line", lambda: show(unit, "StatusText").startswith("2 of 2 databases up"), 10
    )
    wait_for("readiness", lambda: unit.get(f"{HTTP}/readyz"))


def test_the_journal_has_records_with_fields(unit: Machine) -> None:
    unit.run("systemctl", "start", UNIT)
    wait_for("both databases up", lambda: both_up(unit))
    logged = records(unit)
    assert all({"timestamp", "level", "event"} <= set(record) for record in logged)
    configured = [r for r in logged if r["event"] == "database auth-service configured"]
    assert configured[-1]["target"] == "auth-service"
    assert configured[-1]["engine"] == "sqlite"
    entries = unit.journal(UNIT)
    assert {e["SYSLOG_IDENTIFIER"] for e in entries if e.get("_COMM") == "db-watchdog"} <= {
        "db-watchdog"
    }


def test_a_reload_reads_the_configuration_again(unit: Machine) -> None:
    unit.run("systemctl", "start", UNIT)
    pid = show(unit, "MainPID")
    unit.write(CONFIG, GOOD.replace("auth-service", "renamed"))
    unit.run("systemctl", "reload", UNIT)
    wait_for("the new target", lambda: metric(unit, "watchdog_up", target="renamed") == 1.0)
    assert metric(unit, "watchdog_up", target="auth-service") is None
    assert metric(unit, "watchdog_config_last_reload_successful") == 1.0
    assert show(unit, "MainPID") == pid
    assert show(unit, "ActiveState") == "active"


def test_a_reload_reads_the_variables_of_the_env_file_again(unit: Machine) -> None:
    url = "sqlite:////var/lib/codelab/auth.db"
    unit.write(CONFIG, GOOD.replace(url, "${AUTH_SERVICE__DB_URL}"))
    unit.write("/etc/db-watchdog/.env", f"AUTH_SERVICE__DB_URL={url}\n", 0o640, "root:db-watchdog")
    unit.run("systemctl", "start", UNIT)
    wait_for("both databases up", lambda: both_up(unit))
    unit.write("/etc/db-watchdog/.env", "AUTH_SERVICE__DB_URL=sqlite:////var/lib/codelab/no.db\n")
    unit.run("systemctl", "reload", UNIT)
    wait_for("the other file", lambda: metric(unit, "watchdog_up", target="auth-service") == 0.0)
    assert "watchdog_up" in unit.get(f"{HTTP}/metrics")
    assert metric(unit, "watchdog_up", target="agent-runtime") == 1.0


def test_a_bad_file_fails_the_reload_and_changes_nothing_else(unit: Machine) -> None:
    unit.run("systemctl", "start", UNIT)
    pid = show(unit, "MainPID")
    unit.write(CONFIG, BAD)
    reload = unit.run("systemctl", "reload", UNIT, check=False)
    assert reload.returncode != 0
    wait_for(
        "the reload gauge",
        lambda: metric(unit, "watchdog_config_last_reload_successful") == 0.0,
    )
    status = unit.run("systemctl", "status", "--no-pager", "-n", "50", UNIT, check=False).stdout
    assert f"{CONFIG}:" in status
    assert "ulr" in status
    assert show(unit, "MainPID") == pid
    assert both_up(unit)
    unit.write(CONFIG, GOOD)
    unit.run("systemctl", "reload", UNIT)
    wait_for(
        "the reload gauge",
        lambda: metric(unit, "watchdog_config_last_reload_successful") == 1.0,
    )


def test_a_bad_file_fails_the_start_with_the_reason_and_does_not_loop(unit: Machine) -> None:
    unit.write(CONFIG, BAD)
    start = unit.run("systemctl", "start", UNIT, check=False)
    assert start.returncode != 0
    assert unit.show(UNIT, "ActiveState", "SubState", "ExecMainStatus", "NRestarts") == {
        "ActiveState": "failed",
        "SubState": "failed",  # auto-restart, were it to loop
        "ExecMainStatus": "2",
        "NRestarts": "0",
    }
    status = unit.run("systemctl", "status", "--no-pager", UNIT, check=False).stdout
    assert [line for line in status.splitlines() if f"{CONFIG}:7:" in line and "ulr" in line]


def test_stop_is_clean_and_quick(unit: Machine) -> None:
    unit.run("systemctl", "start", UNIT)
    wait_for("both databases up", lambda: both_up(unit))
    began = time.monotonic()
    unit.run("systemctl", "stop", UNIT)
    assert time.monotonic() - began < 10
    assert unit.show(UNIT, "ActiveState", "Result", "ExecMainStatus") == {
        "ActiveState": "inactive",
        "Result": "success",
        "ExecMainStatus": "0",
    }
    assert records(unit)[-1]["event"] == "stopped"


def test_a_wedged_daemon_is_killed_and_started_anew(unit: Machine) -> None:
    drop_in(unit, "quick", "[Service]\nWatchdogSec=2\nTimeoutAbortSec=2\nRestartSec=100ms\n")
    unit.run("systemctl", "start", UNIT)
    pid = show(unit, "MainPID")
    time.sleep(3)
    assert show(unit, "MainPID") == pid, "a daemon that lives is left alone"
    unit.run("kill", "-STOP", pid)
    wait_for("a new process", lambda: show(unit, "MainPID") not in (pid, "0"), 15)
    wait_for("both databases up", lambda: both_up(unit))
    assert show(unit, "NRestarts") == "1"
    assert "Watchdog timeout" in messages(unit)


def test_a_killed_daemon_comes_back(unit: Machine) -> None:
    drop_in(unit, "quick", "[Service]\nRestartSec=100ms\n")
    unit.run("systemctl", "start", UNIT)
    pid = show(unit, "MainPID")
    unit.run("kill", "-KILL", pid)
    wait_for("a new process", lambda: show(unit, "MainPID") not in (pid, "0"))
    wait_for("both databases up", lambda: both_up(unit))


# ---------------------------------------------------------------------- the sandbox


def test_it_runs_without_rights(unit: Machine) -> None:
    unit.run("systemctl", "start", UNIT)
    pid = show(unit, "MainPID")
    status = dict(
        line.split(":\t", 1)
        for line in unit.run("cat", f"/proc/{pid}/status").stdout.splitlines()
        if ":\t" in line
    )
    assert status["Uid"].split()[0] == unit.run("id", "-u", "db-watchdog").stdout.strip()
    assert {int(status[key], 16) for key in ("CapInh", "CapPrm", "CapEff", "CapBnd")} == {0}
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"
    limits = unit.run("cat", f"/proc/{pid}/limits").stdout
    assert [line.split()[4:6] for line in limits.splitlines() if line.startswith("Max core")] == [
        ["0", "0"]
    ]


def test_the_start_time_is_true_within_the_sandbox(unit: Machine) -> None:
    unit.run("systemctl", "start", UNIT)
    started = metric(unit, "process_start_time_seconds")
    assert started is not None
    assert abs(started - time.time()) < 60


def test_an_sqlite_file_is_backed_up_under_the_state_directory(unit: Machine) -> None:
    before = sorted(unit.run("ls", "/var/lib/codelab").stdout.split())
    unit.write(CONFIG, GOOD.replace(".db\n", ".db\n    backup: {run_on_start: true}\n"))
    unit.run("systemctl", "start", UNIT)
    for name in ("agent-runtime", "auth-service"):
        sealed = wait_for(
            f"a backup of {name}",
            lambda name=name: unit.run(
                "find", "/var/lib/db-watchdog", "-path", f"*/{name}/*.manifest.json",
                "-printf", "%u %m %p\n",
            ).stdout.split(),
            30,
        )  # fmt: skip
        owner, mode, manifest = sealed
        assert (owner, mode) == ("db-watchdog", "600")
        copy = manifest.removesuffix(".manifest.json") + ".sqlite"
        question = (
            "import sqlite3, sys;"
            "c = sqlite3.connect('file:' + sys.argv[1] + '?immutable=1', uri=True);"
            "print(c.execute('PRAGMA integrity_check').fetchone()[0])"
        )
        assert unit.run("python3", "-c", question, copy).stdout.strip() == "ok"
    assert sorted(unit.run("ls", "/var/lib/codelab").stdout.split()) == before
    state = unit.run("stat", "-c", "%U %a", "/var/lib/db-watchdog").stdout.strip()
    assert state == "db-watchdog 700"


def elsewhere(machine: Machine, folder: str) -> None:
    machine.run("install", "-d", "-o", "db-watchdog", "-g", "db-watchdog", "-m", "0700", folder)
    backup = f"    backup: {{run_on_start: true, directory: {folder}}}\n"
    machine.write(CONFIG, GOOD.replace("auth-service", "elsewhere") + backup)


def test_backups_go_elsewhere_with_the_drop_in(unit: Machine) -> None:
    elsewhere(unit, "/srv/backups/db-watchdog")
    example = ROOT / "deploy/systemd/examples/backups-elsewhere.conf"
    drop_in(unit, example.stem, example.read_text())
    unit.run("systemctl", "start", UNIT)
    wait_for(
        "a sealed backup",
        lambda: unit.run("find", "/srv/backups", "-name", "*.manifest.json").stdout,
        30,
    )


def test_backups_elsewhere_fail_by_the_sandbox_without_it(unit: Machine) -> None:
    elsewhere(unit, "/srv/not-allowed")
    unit.run("systemctl", "start", UNIT)
    labels = {"target": "elsewhere"}
    wait_for(
        "a failed backup",
        lambda: (metric(unit, "watchdog_backup_failures_total", **labels) or 0) > 0,
        30,
    )
    assert metric(unit, "watchdog_backup_last_attempt_successful", **labels) == 0.0
    assert metric(unit, "watchdog_up", **labels) == 1.0
    failed = [record for record in records(unit) if record.get("phase") == "preflight"]
    assert failed[-1]["target"] == "elsewhere"
    assert failed[-1]["code"] == "EROFS"
    assert failed[-1]["hint"]


def test_commands_by_hand_run_as_the_service(unit: Machine) -> None:
    example = ROOT / "deploy/systemd/watchdog.yaml"
    unit.write(CONFIG, example.read_text())
    by_hand = "/usr/local/bin/db-watchdog"
    # The state directory is systemd's to make.
    unit.run("systemctl", "start", UNIT)
    probed = json.loads(unit.run(by_hand, "probe", "--json").stdout)
    assert [target["up"] for target in probed["targets"]] == [True, True]
    backed_up = json.loads(unit.run(by_hand, "backup", "auth-service", "--json").stdout)
    path = backed_up["backups"][0]["path"]
    assert path.startswith("/var/lib/db-watchdog/backups/auth-service/")
    assert unit.run("stat", "-c", "%U %a", path).stdout.strip() == "db-watchdog 600"
    seen = unit.run("systemctl", "show", UNIT, "--property=NRestarts", "--value").stdout.strip()
    assert seen == "0"


def test_a_file_below_home_is_seen_by_the_drop_in(unit: Machine) -> None:
    unit.run("install", "-d", "-m", "0755", "/home/codelab/data")
    unit.run("cp", "/var/lib/codelab/auth.db", "/home/codelab/data/auth.db")
    unit.run("chmod", "0644", "/home/codelab/data/auth.db")
    example = ROOT / "deploy/systemd/examples/sqlite-below-home.conf"
    drop_in(unit, example.stem, example.read_text())
    unit.write(CONFIG, GOOD.replace("/var/lib/codelab/auth.db", "/home/codelab/data/auth.db"))
    unit.run("systemctl", "start", UNIT)
    wait_for("both databases up", lambda: both_up(unit))


@pytest.fixture(scope="module")
def postgresql(machine: Machine) -> Iterator[Callable[[str], str]]:
    """Start PostgreSQL inside on port 5432; give a function that asks it."""
    try:
        binaries = install_postgresql(machine, bin_dir())
    except PostgresMissingError as missing:
        pytest.skip(str(missing))
    machine.write("/etc/sysusers.d/server.conf", "u server - - /var/lib/server\n")
    machine.run("systemd-sysusers")
    machine.run("install", "-d", "-o", "server", "-g", "server", "-m", "0700", "/var/lib/server")
    machine.write("/var/lib/server/password", PASSWORD, 0o600, "server")
    data, options = "/var/lib/server/data", "-c unix_socket_directories= -c fsync=off"
    as_server = ["systemd-run", "-q", "--uid=server", "--property=WorkingDirectory=/"]
    machine.run(
        *as_server, "--wait", f"{binaries}/initdb", "-D", data, "-N", "-U", "owner",
        "-A", "scram-sha-256", "--pwfile=/var/lib/server/password", "-E", "UTF8", "--no-locale",
    )  # fmt: skip
    machine.run(*as_server, "--unit=server", f"{binaries}/postgres", "-D", data, *options.split())

    def ask(statement: str) -> str:
        answer = machine.run(
            "env", f"PGPASSWORD={PASSWORD}", f"{binaries}/psql", "-XAtw", "-h", "127.0.0.1",
            "-U", "owner", "-d", "postgres", "-c", statement, check=False,
        )  # fmt: skip
        return answer.stdout.strip()

    wait_for("PostgreSQL", lambda: ask("SELECT 1") == "1")
    ask("CREATE DATABASE orders")
    yield ask
    machine.run("systemctl", "stop", "server", check=False)


ORDERS = """\
targets:
  - name: orders
    url: postgresql://owner@127.0.0.1:5432/orders
    password_file: ${CREDENTIALS_DIRECTORY}/orders
    backup: {run_on_start: true}
"""


@pytest.fixture
def orders(unit: Machine, postgresql: Callable[[str], str]) -> Machine:
    """Give the machine configured to watch a PostgreSQL database by a credential."""
    example = ROOT / "deploy/systemd/examples/credentials.conf"
    drop_in(unit, example.stem, example.read_text())
    unit.write("/etc/db-watchdog/credentials/orders", PASSWORD + "\n", 0o600)
    unit.write(CONFIG, ORDERS)
    # As if it had never run: run_on_start is for the first time alone.
    unit.run("rm", "-rf", "/var/lib/db-watchdog")
    return unit


def kept(machine: Machine, pattern: str) -> list[str]:
    found = machine.run("find", "/var/lib/db-watchdog", "-path", f"*/orders/{pattern}", check=False)
    return found.stdout.split()


def test_postgresql_is_dumped_with_a_password_from_a_credential(orders: Machine) -> None:
    orders.run("systemctl", "start", UNIT)
    wait_for("the database up", lambda: metric(orders, "watchdog_up", target="orders") == 1.0)
    wait_for("a sealed dump", lambda: kept(orders, "*.manifest.json"), 30)
    # A reload's command has to see the credential, too.
    orders.run("systemctl", "reload", UNIT)
    # So has a command by hand.
    assert "orders" in orders.run("/usr/local/bin/db-watchdog", "probe").stdout
    assert PASSWORD not in messages(orders)


def test_stop_during_a_dump_leaves_nothing_behind(
    orders: Machine, postgresql: Callable[[str], str]
) -> None:
    orders.write("/opt/lock.sql", "BEGIN; LOCK TABLE held; SELECT pg_sleep(120);\n")
    postgresql_folder = orders.run(
        "sh", "-c", "ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1"
    ).stdout.strip()
    made = orders.run(
        "env", f"PGPASSWORD={PASSWORD}", f"{postgresql_folder}/psql", "-Xqw", "-h", "127.0.0.1",
        "-U", "owner", "-d", "orders", "-c", "CREATE TABLE IF NOT EXISTS held (id int)",
    )  # fmt: skip
    assert made.returncode == 0
    orders.run(
        "systemd-run", "-q", "--unit=holder", f"--setenv=PGPASSWORD={PASSWORD}",
        f"{postgresql_folder}/psql", "-Xqw", "-h", "127.0.0.1", "-U", "owner", "-d", "orders",
        "-f", "/opt/lock.sql",
    )  # fmt: skip
    try:
        wait_for(
            "the lock",
            lambda: (
                postgresql("SELECT count(*) FROM pg_stat_activity WHERE query ~ 'pg_sleep'") == "2"
            ),
        )
        orders.run("systemctl", "start", UNIT)
        wait_for("a dump", lambda: orders.run("pgrep", "pg_dump", check=False).stdout, 30)
        began = time.monotonic()
        orders.run("systemctl", "stop", UNIT)
        assert time.monotonic() - began < 10
        assert orders.run("pgrep", "pg_dump", check=False).stdout == ""
        assert show(orders, "Result") == "success"
        left = [name for name in kept(orders, "*") if not name.endswith(("attempts.json", ".lock"))]
        assert [name for name in left if not name.endswith("RESTORE.md")] == []
    finally:
        # The server would not notice before pg_sleep ends that its client has gone.
        postgresql(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE query ~ 'pg_sleep' AND pid <> pg_backend_pid()"
        )
        orders.run("systemctl", "stop", "holder", check=False)


def test_tls_and_the_passwords_of_http_come_as_credentials(unit: Machine, tmp_path: Path) -> None:
    """Files that root alone may read, loaded from memory by a process without rights."""
    example = ROOT / "deploy/systemd/examples/web.conf"
    drop_in(unit, example.stem, example.read_text())
    make_certificates(tmp_path)
    hashed = bcrypt.hashpw(b"curiouser", bcrypt.gensalt(10)).decode()
    credentials = "/etc/db-watchdog/credentials"
    web = "tls_server_config: {cert_file: tls.crt, key_file: tls.key}\n"
    for name, text in (
        ("tls.crt", (tmp_path / "server.crt").read_text()),
        ("tls.key", (tmp_path / "server.key").read_text()),
        ("web.yml", f"{web}basic_auth_users: {{alice: {hashed}}}\n"),
    ):
        unit.write(f"{credentials}/{name}", text, 0o600)
    unit.write("/opt/ca.crt", (tmp_path / "ca.crt").read_text())
    unit.write(CONFIG, 'web: {config_file: "${CREDENTIALS_DIRECTORY}/web.yml"}\n' + GOOD)
    unit.run("systemctl", "start", UNIT)

    def status(authorization: str) -> str:
        program = (
            "import ssl, sys, http.client;"
            "c = http.client.HTTPSConnection('127.0.0.1', 10187, timeout=10,"
            " context=ssl.create_default_context(cafile='/opt/ca.crt'));"
            "c.request('GET', '/metrics', headers={'Authorization': sys.argv[1]});"
            "print(c.getresponse().status)"
        )
        return unit.run("/usr/bin/python3", "-c", program, authorization).stdout.strip()

    right = "Basic " + base64.b64encode(b"alice:curiouser").decode()
    assert status(right) == "200"
    assert status("Basic bm9ib2R5Og==") == "401"
    unit.run("systemctl", "reload", UNIT)  # its check sees the credentials, too
    assert status(right) == "200"
    assert hashed not in messages(unit)
