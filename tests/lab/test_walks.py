"""As a stranger would: from what README says, and nothing else, to something that is of use."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.compose_project import Project
from tests.support.docker_engine import ROOT, Engine
from tests.support.systemd_machine import (
    Machine,
    MachineImpossibleError,
    bare_system,
    wait_for,
)

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]

README = (ROOT / "README.md").read_text()
SOURCE = "/root/db-watchdog"
HTTP = "http://127.0.0.1:10187"
OWN = """
defaults:
  backup: {schedule: "0 3 * * *"}
targets:
  - name: shop
    url: sqlite:////srv/shop/shop.db
"""


def told(beginning: str) -> str:
    """Return the command that README tells people to type to install it."""
    blocks = re.findall(r"^## Install it\n(.+?)^## ", README, re.DOTALL | re.MULTILINE)
    (command,) = re.findall(rf"^({beginning}.*?) *(?:#.*)?$", "".join(blocks), re.MULTILINE)
    return str(command)


# ---------------------------------------------------------------------- systemd


@pytest.fixture
def machine(wheels: Path) -> Iterator[Machine]:
    """Debian, systemd and Python, a checkout in /root, and a package index without a network."""
    try:
        made = Machine(bare_system())
        try:
            made.prepare()
            made.boot()
            shutil.copytree(wheels, made.root / "srv/wheels")
            source = made.root / SOURCE.lstrip("/")
            for name in ("watchdog", "deploy"):
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(ROOT / name, source / name, ignore=ignored)
            for name in ("pyproject.toml", "README.md", "LICENSE"):
                shutil.copy(ROOT / name, source)
            made.write("/etc/pip.conf", "[global]\nno-index = true\nfind-links = /srv/wheels\n")
            yield made
        finally:
            made.close()
    except MachineImpossibleError as missing:
        pytest.skip(f"no bare system with systemd here: {missing}")


def test_from_readme_to_a_reloaded_service_in_five_minutes(machine: Machine) -> None:
    began = time.monotonic()
    said = machine.run("sh", "-c", f"cd {SOURCE} && {told('sh deploy')}", timeout=280).stdout
    # It says where to look, and what to write.
    assert f"{HTTP}/\n" in said
    assert "/etc/db-watchdog/watchdog.yaml" in said
    assert "<html" in machine.get(f"{HTTP}/")
    # A database of one's own; its folder is one that the service may enter.
    machine.run("mkdir", "-p", "/srv/shop")
    make = (
        "import sqlite3; c = sqlite3.connect('/srv/shop/shop.db'); c.execute('create table t (id)')"
    )
    machine.run("/usr/bin/python3", "-c", make)
    machine.write("/etc/db-watchdog/watchdog.yaml", OWN, 0o640, "root:db-watchdog")
    machine.run("systemctl", "reload", "db-watchdog")
    probed = machine.run("/usr/local/bin/db-watchdog", "probe").stdout
    assert "shop" in probed
    wait_for("the new target", lambda: 'target="shop"' in machine.get(f"{HTTP}/metrics"))
    machine.run("/usr/local/bin/db-watchdog", "backup", "shop")
    assert "shop" in machine.run("/usr/local/bin/db-watchdog", "backups").stdout
    status = machine.run("systemctl", "status", "db-watchdog", "--no-pager").stdout
    assert re.search(r'Status: ".*\b1\b.*up', status), status
    assert time.monotonic() - began < 300


# ---------------------------------------------------------------------- compose


@pytest.fixture
def project(engine: Engine, tmp_path: Path) -> Iterator[Project]:
    made = Project(engine, tmp_path, shift=2000)
    try:
        yield made
    finally:
        made.down()


def test_from_compose_up_to_an_alert_that_explains_itself_in_ten_minutes(project: Project) -> None:
    began = time.monotonic()
    command = told("docker compose up").removeprefix("docker compose ").split()
    assert command[0] == "up"
    project.compose(*command)
    wait_for("both databases up", lambda: project.ups() == [1.0, 1.0], 60)
    project.compose("stop", "postgres")
    (alert, *_) = wait_for("an alert", project.alerts, 240)
    assert alert["labels"]["alertname"] == "DatabaseDown"
    assert alert["labels"]["severity"] == "page"
    # Who: the target. What: down, and where it fails. Why: the hint behind the colon.
    summary = alert["annotations"]["summary"]
    found = re.fullmatch(r"(\S+) is down \(\w+ at \w+\): (\w+)(?:, \w+)*", summary)
    assert found is not None, summary
    explained = project.run("db-watchdog", "db-watchdog", "explain", found[2])
    assert len(explained.splitlines()) > 3
    # The runbook has a section of it, the status page the same steps.
    page, _, anchor = alert["annotations"]["runbook_url"].partition("#")
    assert f'<a id="{anchor}">' in (ROOT / page).read_text()
    shown = project.engine.get(f"{project.url('db-watchdog')}/")
    assert found[1] in shown
    first = next(line for line in explained.splitlines() if re.match(r"\W*1[.)]", line.strip()))
    assert first
    assert time.monotonic() - began < 600
