"""install.sh and uninstall.sh on a machine without a network: from nothing to nothing."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.systemd_machine import (
    PREFIX,
    PYTHON,
    ROOT,
    Machine,
    MachineImpossibleError,
    wait_for,
)

# An install takes its half minute on a small machine.
pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]

UNIT = "db-watchdog.service"
CONFIG = "/etc/db-watchdog/watchdog.yaml"
DROP_INS = f"/etc/systemd/system/{UNIT}.d"
DROP_IN = f"{DROP_INS}/credentials.conf"
HTTP = "http://127.0.0.1:10187"
SOURCE = "/root/db-watchdog"
WHEELS = "/srv/wheels"
INSTALLED = f"/{PREFIX}"
INSTALLER = f"{SOURCE}/deploy/systemd/install.sh"
REMOVER = f"{SOURCE}/deploy/systemd/uninstall.sh"
UNINSTALL = f"{INSTALLED}/current/deploy/uninstall.sh"
BAD = "targets:\n  - name: third\n    ulr: sqlite:////var/lib/codelab/auth.db\n"
SEEN = ("/opt", "/usr/local", "/etc", "/var/lib", "/root", "/run/systemd/system")


@pytest.fixture(scope="module")
def booted(wheels: Path) -> Iterator[Machine]:
    made = Machine()
    try:
        try:
            made.prepare()
            made.boot()
        except MachineImpossibleError as missing:
            pytest.skip(f"no systemd as PID 1 here: {missing}")
        shutil.copytree(wheels, made.root / WHEELS.lstrip("/"))
        source = made.root / SOURCE.lstrip("/")
        for name in ("watchdog", "deploy"):
            shutil.copytree(
                ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__")
            )
        for name in ("pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(ROOT / name, source)
        yield made
    finally:
        made.close()


@pytest.fixture
def machine(booted: Machine) -> Iterator[Machine]:
    """Give a machine on which db-watchdog has never been."""
    clean(booted)
    yield booted
    clean(booted)


def clean(machine: Machine) -> None:
    machine.run("systemctl", "disable", "--now", UNIT, check=False)
    machine.run("umount", "/var/lib/db-watchdog/mounted", check=False)
    machine.run("userdel", "db-watchdog", check=False)
    machine.run(
        "rm", "-rf", INSTALLED, "/etc/db-watchdog", "/var/lib/db-watchdog", DROP_INS,
        f"/usr/local/lib/systemd/system/{UNIT}", "/usr/local/bin/db-watchdog", "/srv/backups",
    )  # fmt: skip
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "reset-failed", check=False)
    stamp(machine, "0.1.0")


def install(machine: Machine, *options: str, status: int = 0) -> str:
    """Install from the project and the wheels; return all it said."""
    command = ["sh", INSTALLER, "--wheelhouse", WHEELS, *options]
    done = machine.run(*command, check=False, timeout=280)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def uninstall(machine: Machine, *options: str, script: str = UNINSTALL) -> str:
    return machine.run("sh", script, *options).stdout


def stamp(machine: Machine, version: str) -> None:
    file = machine.root / SOURCE.lstrip("/") / "watchdog" / "__init__.py"
    changed = re.sub(r'__version__ = ".*"', f'__version__ = "{version}"', file.read_text())
    file.write_text(changed)


def version(machine: Machine) -> str:
    said = re.search(r'watchdog_build_info\{.*version="([^"]+)"', machine.get(f"{HTTP}/metrics"))
    return said[1] if said else ""


def active(machine: Machine) -> bool:
    return machine.show(UNIT, "ActiveState")["ActiveState"] == "active"


def main_pid(machine: Machine) -> str:
    return machine.show(UNIT, "MainPID")["MainPID"]


def releases(machine: Machine) -> list[str]:
    return sorted(machine.run("ls", f"{INSTALLED}/releases").stdout.split())


def files(machine: Machine) -> set[str]:
    """Return every path where an install could leave something."""
    # What the machine stands on is in use: a file may go while it is looked at.
    found = machine.run("find", *SEEN, "-xdev", "-ignore_readdir_race", check=False).stdout
    # The system's own: account files' backups, its state, the folder of links (removed when empty).
    own = re.compile(
        r"/etc/(passwd|group|shadow|gshadow|subuid|subgid)-$|/var/lib/systemd/"
        r"|/etc/systemd/system/multi-user.target.wants$"
        # What lies below is the host's: its people go on working meanwhile.
        r"|/root/\.cache/(?!pip)"
    )
    return {path for path in found.splitlines() if not own.search(path)}


def accounts(machine: Machine) -> str:
    return machine.run("cat", "/etc/passwd", "/etc/group").stdout


def modes(machine: Machine, *paths: str) -> list[str]:
    return machine.run("stat", "-c", "%U:%G %a", *paths).stdout.splitlines()


def test_from_nothing_to_a_service_that_answers_and_back_to_nothing(machine: Machine) -> None:
    # Another test on this machine may have left the folder of its unit, empty.
    machine.run("rmdir", "-p", "/usr/local/lib/systemd/system", check=False)
    before, people = files(machine), accounts(machine)
    said = install(machine)
    assert active(machine)
    assert machine.run("systemctl", "is-enabled", UNIT).stdout.strip() == "enabled"
    assert "<html" in machine.get(f"{HTTP}/")
    assert f"{HTTP}/\n" in said, "it says where to look"
    assert version(machine) == "0.1.0"
    assert modes(machine, CONFIG, "/etc/db-watchdog/.env", "/var/lib/db-watchdog") == [
        "root:db-watchdog 640",
        "root:db-watchdog 640",
        "db-watchdog:db-watchdog 700",
    ]
    assert "agent-runtime" in machine.run("/usr/local/bin/db-watchdog", "check-config").stdout
    machine.run("systemctl", "reload", UNIT)
    rights = machine.run("systemd-analyze", "security", UNIT, check=False).stdout
    assert "OK" in rights.splitlines()[-1], "hardened as it is installed"

    uninstall(machine)
    kept = ("/etc/db-watchdog", "/var/lib/db-watchdog")
    left = files(machine) - before
    assert {path for path in left if not path.startswith(kept)} == set()
    assert {CONFIG, "/etc/db-watchdog/.env", "/var/lib/db-watchdog"} <= left
    assert machine.run("systemctl", "cat", UNIT, check=False).returncode != 0

    uninstall(machine, "--purge", "--yes", script=REMOVER)
    assert files(machine) == before
    assert accounts(machine) == people


def test_a_second_install_upgrades_and_keeps_what_was_edited(machine: Machine) -> None:
    install(machine)
    (first,) = releases(machine)
    edited = "log: {level: warning}\ntargets:\n  - name: mine\n    url: ${MINE}\n"
    machine.write(CONFIG, edited, 0o640, "root:db-watchdog")
    machine.write("/etc/db-watchdog/.env", "MINE=sqlite:////srv/mine.db\n", 0o640)
    machine.run("chown", "root:db-watchdog", "/etc/db-watchdog/.env")
    stamp(machine, "0.2.0")
    pid = main_pid(machine)
    said = install(machine)
    assert f"kept {CONFIG}" in said
    assert machine.run("cat", CONFIG).stdout == edited
    assert main_pid(machine) != pid
    assert version(machine) == "0.2.0"
    wait_for("the edited target", lambda: 'target="mine"' in machine.get(f"{HTTP}/metrics"))
    assert machine.run("readlink", f"{INSTALLED}/previous").stdout.strip() == f"releases/{first}"

    install(machine, "--rollback")
    assert version(machine) == "0.1.0"
    assert machine.run("readlink", f"{INSTALLED}/current").stdout.strip() == f"releases/{first}"

    stamp(machine, "0.3.0")
    install(machine)
    assert version(machine) == "0.3.0"
    assert len(releases(machine)) == 2, "older ones are gone"
    assert first in releases(machine)


def test_a_bad_configuration_leaves_the_running_service_as_it_is(machine: Machine) -> None:
    install(machine)
    pid, kept = main_pid(machine), releases(machine)
    machine.write(CONFIG, BAD)
    stamp(machine, "0.2.0")
    said = install(machine, status=2)
    assert f"{CONFIG}:3:" in said
    assert "ulr" in said
    assert main_pid(machine) == pid
    assert version(machine) == "0.1.0"
    assert releases(machine) == kept
    assert not (machine.root / "run/systemd/system/db-watchdog-check-config.service").exists()


def test_a_bad_configuration_is_not_started(machine: Machine) -> None:
    machine.write(CONFIG, BAD)
    said = install(machine, status=2)
    assert f"{CONFIG}:3:" in said
    assert "systemctl enable --now db-watchdog" in said
    assert not active(machine)
    assert machine.run("systemctl", "is-enabled", UNIT, check=False).stdout.strip() == "disabled"
    machine.write(CONFIG, (ROOT / "deploy/systemd/watchdog.yaml").read_text())
    machine.run("systemctl", "enable", "--now", UNIT)
    assert active(machine)


def test_a_release_that_does_not_start_is_taken_back(machine: Machine) -> None:
    install(machine)
    kept = releases(machine)
    run = machine.root / SOURCE.lstrip("/") / "watchdog" / "cli" / "run.py"
    good = run.read_text()
    stamp(machine, "0.2.0")
    try:
        # It takes the configuration, and breaks at its start.
        run.write_text(good.replace("    spare_memory()\n", "    sys.exit(1)\n"))
        said = install(machine, status=1)
    finally:
        run.write_text(good)
    assert "is current again, and runs" in said
    assert active(machine)
    assert version(machine) == "0.1.0"
    assert releases(machine) == kept


def test_an_interrupted_upgrade_leaves_nothing_of_itself(machine: Machine) -> None:
    install(machine)
    pid, kept = main_pid(machine), releases(machine)
    machine.run("systemd-run", "-q", "--unit=upgrade", "sh", INSTALLER, "--wheelhouse", WHEELS)
    wait_for("a second release", lambda: len(releases(machine)) == 2)
    machine.run("systemctl", "stop", "upgrade")
    assert releases(machine) == kept
    assert main_pid(machine) == pid
    assert version(machine) == "0.1.0"


def test_a_first_start_that_fails_says_why(machine: Machine) -> None:
    listen = "import socket, time; s = socket.create_server(('127.0.0.1', 10187)); time.sleep(300)"
    machine.run("systemd-run", "-q", "--unit=other", PYTHON, "-c", listen)
    try:
        said = install(machine, status=1)
    finally:
        machine.run("systemctl", "stop", "other")
    assert "does not start" in said
    assert "10187" in said
    machine.run("systemctl", "restart", UNIT)
    assert active(machine)


def test_drop_ins_are_kept_and_their_credentials_count(machine: Machine) -> None:
    example = ROOT / "deploy/systemd/examples/credentials.conf"
    machine.write(DROP_IN, example.read_text())
    machine.write("/etc/db-watchdog/credentials/orders", "pass", 0o600)
    machine.write(
        CONFIG,
        "targets:\n  - name: orders\n    url: postgresql://u@127.0.0.1:1/orders\n"
        "    password_file: ${CREDENTIALS_DIRECTORY}/orders\n",
    )
    install(machine)
    assert active(machine)
    pid = main_pid(machine)
    install(machine)
    assert active(machine)
    assert main_pid(machine) != pid
    uninstall(machine)
    assert (machine.root / DROP_IN.lstrip("/")).exists()


def test_a_wheel_by_its_name_or_its_path_is_as_good_as_the_project(machine: Machine) -> None:
    machine.run("mv", f"{SOURCE}/pyproject.toml", "/srv/pyproject.toml")
    try:
        assert "--from: what to install?" in install(machine, status=2)
        install(machine, "--from", "db-watchdog==0.1.0", "--with-fast")
        assert active(machine)
        machine.run(f"{INSTALLED}/current/bin/python", "-c", "import uvloop")
        wheel = f"{WHEELS}/db_watchdog-0.1.0-py3-none-any.whl"
        install(machine, "--from", wheel, "--no-start")
        assert active(machine)
        assert machine.run(f"{INSTALLED}/bin/db-watchdog", "--version").stdout
        assert len(releases(machine)) == 2
    finally:
        machine.run("mv", "/srv/pyproject.toml", f"{SOURCE}/pyproject.toml")


def test_roots_own_umask_does_not_lock_the_service_out(machine: Machine) -> None:
    machine.run(
        "sh", "-c", f"umask 077; export PYTHONPATH=/nowhere PIP_USER=1; sh {INSTALLER} "
        f"--wheelhouse {WHEELS}", timeout=280,
    )  # fmt: skip
    assert active(machine)


def test_a_purge_asks_first_and_spares_backups_elsewhere(machine: Machine) -> None:
    install(machine)
    machine.write(
        CONFIG,
        "targets:\n  - name: mine\n    url: sqlite:////srv/mine.db\n"
        "    backup: {directory: /srv/backups/mine}\n",
    )
    machine.write("/srv/backups/mine/mine/a.manifest.json", "{}")
    machine.write("/var/lib/db-watchdog/backups/b/b.manifest.json", "{}")
    machine.write("/var/lib/db-watchdog/mounted/below", "")
    machine.run("mount", "-t", "tmpfs", "tmpfs", "/var/lib/db-watchdog/mounted")
    machine.run("touch", "/var/lib/db-watchdog/mounted/kept")
    refused = machine.run("sh", UNINSTALL, "--purge", check=False)
    assert refused.returncode == 1
    assert "1 backups" in refused.stdout
    assert "/srv/backups/mine" in refused.stdout
    assert active(machine), "nothing happened without the word"

    typed = machine.run("sh", "-c", f"echo purge | sh {UNINSTALL} --purge").stdout
    assert "/srv/backups/mine" in typed
    assert (machine.root / "srv/backups/mine/mine/a.manifest.json").exists()
    machine.run("test", "-e", "/var/lib/db-watchdog/mounted/kept")
    assert not (machine.root / "var/lib/db-watchdog/backups").exists()
    assert not (machine.root / "etc/db-watchdog").exists()
    assert "db-watchdog:" in accounts(machine), "whom the other backups belong to"


def test_a_purge_without_the_program_spares_backups_beside_the_configuration(
    machine: Machine,
) -> None:
    machine.write(CONFIG, "defaults:\n  backup: {schedule: '@every 1h', directory: backups}\n")
    machine.write("/etc/db-watchdog/backups/mine/a.manifest.json", "{}")
    machine.write("/var/lib/db-watchdog/attempts.json", "{}")
    said = uninstall(machine, "--purge", "--yes", script=REMOVER)
    assert "/etc/db-watchdog/backups\n" in said
    assert (machine.root / "etc/db-watchdog/backups/mine/a.manifest.json").exists()
    assert not (machine.root / "var/lib/db-watchdog").exists()


def test_a_dry_run_does_nothing(machine: Machine) -> None:
    before, people = files(machine), accounts(machine)
    said = install(machine, "--dry-run")
    assert f"would run: {PYTHON} -m venv {INSTALLED}/releases/" in said
    assert files(machine) == before
    assert accounts(machine) == people


def test_what_is_missing_is_named_before_anything_is_done(machine: Machine) -> None:
    before = files(machine)
    assert "no Python 3.11" in install(machine, "--python", "/bin/false", status=1)
    no_venv = f'#!/bin/sh\ncase $* in *ensurepip*) exit 1;; esac\nexec {PYTHON} "$@"\n'
    machine.write("/srv/python", no_venv, 0o755)
    assert "apt-get install python3." in install(machine, "--python", "/srv/python", status=1)
    assert "no such file" in install(machine, "--from", "/srv/no.whl", status=2)
    by_hand = machine.root / PREFIX
    by_hand.mkdir()
    (by_hand / "pyvenv.cfg").touch()
    assert f"mv {INSTALLED} {INSTALLED}.by-hand" in install(machine, status=1)
    shutil.rmtree(by_hand)
    machine.write("/usr/local/bin/db-watchdog", "#!/usr/bin/python3\n", 0o755)
    assert "a pip install by hand?" in install(machine, status=1)
    machine.run("rm", "/usr/local/bin/db-watchdog")
    machine.run("systemctl", "mask", UNIT)
    assert "is masked" in install(machine, status=1)
    machine.run("systemctl", "unmask", UNIT)
    machine.run("rm", "/srv/python")
    assert files(machine) == before
