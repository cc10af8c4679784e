"""Every panel of the dashboards, asked of a real Prometheus that scrapes the real daemon."""

from __future__ import annotations

import contextlib
import math
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.support import dashboards
from tests.support.daemon import Daemon, clean_environment, daemon, wait_until
from tests.support.dashboards import Query, fill
from tests.support.postgres import Cluster, bin_dir, free_port
from tests.support.sqlite import make_database

PROMETHEUS = shutil.which("prometheus")
pytestmark = [
    pytest.mark.skipif(not PROMETHEUS, reason="prometheus is not installed (Debian: prometheus)"),
    pytest.mark.timeout(180),
]
CONFIGURATION = """
global: {{scrape_interval: 500ms, scrape_timeout: 400ms}}
scrape_configs:
  - job_name: db-watchdog
    static_configs: [{{targets: ["{address}"]}}]
"""
SECONDS = 60.0
# What has no data on a machine where nothing is wrong with that, and why.
MAY_BE_EMPTY = {
    **dict.fromkeys(
        (
            "db-watchdog-postgresql-work: Behind, as the primary sees it: A",
            "db-watchdog-postgresql-work: Behind, as the standby sees it: A",
            "db-watchdog-postgresql-work: WAL kept for slots: A",
            "db-watchdog-postgresql-work: Archive: A",
            "db-watchdog-postgresql-work: Archive: B",
            "db-watchdog-postgresql-work: Subscriptions: A",
        ),
        "the server has no standby, slot, archive or subscription",
    ),
    "db-watchdog-postgresql-work: Time in statements: A": "the extension is not there",
    "db-watchdog-postgresql-work: Locks by mode: A": "none was held at the moment of the question",
    "db-watchdog-postgresql-work: Found in the buffer cache: A": "a minute without a read",
}


@dataclass(frozen=True)
class Lab:
    """The daemon, what it watches, and the Prometheus that scrapes it."""

    running: Daemon
    client: httpx.Client
    server: str
    targets: dict[str, list[str]]

    def values(self, board: str, target: str) -> dict[str, str]:
        """Return what Grafana would put in place of the variables."""
        return {
            "job": ".+",
            "instance": ".+",
            "engine": ".+",
            "server": self.server,
            "target": target,
            "__rate_interval": "20s",
            "__range": "1m",
            "board": board,
        }

    def ask(self, query: Query) -> list[dict[str, Any]]:
        """Return the series of the first choice of a database for which there are any."""
        found: list[dict[str, Any]] = []
        for target in self.targets.get(query.board, [".+"]):
            expression = fill(query.expression, self.values(query.board, target))
            found = self._ask(expression, instant=query.target["instant"])
            if found:
                break
        return found

    def now(self, expression: str) -> list[dict[str, Any]]:
        return self._ask(fill(expression, self.values("", ".+")), instant=True)

    def _ask(self, expression: str, *, instant: bool) -> list[dict[str, Any]]:
        if instant:
            answer = self.client.get("/api/v1/query", params={"query": expression})
        else:
            end = time.time()
            span = {"query": expression, "start": end - 30, "end": end, "step": 1}
            answer = self.client.get("/api/v1/query_range", params=span)
        assert answer.status_code == 200, f"{expression}: {answer.text}"
        found: list[dict[str, Any]] = answer.json()["data"]["result"]
        return [series for series in found if _numbers(series)]


def _numbers(series: dict[str, Any]) -> list[float]:
    points = series["values"] if "values" in series else [series["value"]]
    return [float(value) for _, value in points if not math.isnan(float(value))]


@pytest.fixture(scope="module")
def lab(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("dashboards")
    database = cluster.create_database()
    notes = sqlite3.connect(folder / "notes.db", isolation_level=None)
    notes.execute("pragma journal_mode = wal")
    notes.execute("create table note (body text)")
    # A transaction under way: there is a rollback journal beside the file.
    ledger = sqlite3.connect(folder / "ledger.db", isolation_level=None)
    ledger.execute("create table entry (amount integer)")
    ledger.execute("begin immediate")
    ledger.execute("insert into entry values (1)")
    url = database.url("owner")
    cluster.sql("grant create on schema public to owner", database.name)
    cluster.sql("grant pg_monitor to owner")
    subprocess.run(
        [bin_dir() / "pgbench", url, "-i", "-q", "-s", "1"], check=True, capture_output=True
    )
    backup = {
        "schedule": "@every 1h",
        "directory": "backups",
        "run_on_start": True,
        "objectives": {"rpo": "6h", "rto": "15m"},
    }
    configuration = {
        "defaults": {"probe": {"interval": "1s", "connect_interval": "1s"}, "backup": backup},
        "targets": [
            {"name": "shop", "url": url},
            {"name": "closed", "url": url.replace(database.name, "no_such"), "backup": False},
            {"name": "notes", "url": "sqlite:///notes.db"},
            {"name": "ledger", "url": "sqlite:///ledger.db", "backup": False},
            {"name": "vault", "url": "sqlite:///vault.db"},
            {"name": "gone", "url": "sqlite:///gone.db", "backup": False},
        ],
    }
    environment = {"DB_WATCHDOG_PG_BIN": str(bin_dir())}
    drilled(folder, configuration)
    try:
        with (
            daemon(folder, configuration, environment=environment) as running,
            prometheus(folder, running.url.removeprefix("http://")) as client,
            contextlib.ExitStack() as stack,
        ):
            trouble(running, folder)
            stack.enter_context(load(url, folder / "notes.db"))
            server = f"{cluster.host}:{cluster.port}"
            targets = {
                "db-watchdog-sqlite": ["notes", "ledger"],
                "db-watchdog-postgresql": ["shop|closed"],
                "db-watchdog-postgresql-work": ["shop|closed"],
            }
            yield Lab(running, client, server, targets)
    finally:
        notes.close()
        ledger.close()
        cluster.sql("revoke pg_monitor from owner")
        cluster.drop_database(database.name)


def drilled(folder: Path, configuration: dict[str, Any]) -> None:
    """Take a backup of a vault and restore it into scratch, before the daemon runs."""
    make_database(folder / "vault.db")
    (folder / "watchdog.yaml").write_text(yaml.safe_dump(configuration))
    environment = clean_environment(DB_WATCHDOG_STATE_DIRECTORY=str(folder / "state"))
    for words in (["backup", "vault"], ["verify", "vault", "--level", "4"]):
        command = [sys.executable, "-m", "watchdog", *words, "-c", "watchdog.yaml"]
        subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)


# Gentle: what it takes of the machine is not for the tests beside it to wait for.
TRANSACTIONS_A_SECOND = 20
WRITER = """
import sqlite3, sys, time
notes = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=10)
while True:
    notes.execute("insert into note select hex(randomblob(500))")
    time.sleep(0.05)
"""


@contextlib.contextmanager
def load(url: str, notes: Path) -> Iterator[None]:
    """Write to both engines, a little, until it ends."""
    pgbench = [bin_dir() / "pgbench", url]
    rate = f"--rate={TRANSACTIONS_A_SECOND}"
    writers = [
        subprocess.Popen(
            [*pgbench, "-n", "-c", "2", "-T", "600", rate],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ),
        subprocess.Popen([sys.executable, "-c", WRITER, notes], stdin=subprocess.DEVNULL),
    ]
    try:
        yield
        assert [writer.poll() for writer in writers] == [None, None], "both wrote all the while"
    finally:
        for writer in writers:
            writer.kill()
            writer.wait()


class prometheus:  # noqa: N801 - read as a function is
    """A Prometheus of the test's own that scrapes *address*; gives a client of its API."""

    def __init__(self, folder: Path, address: str) -> None:
        self._listens = f"127.0.0.1:{free_port()}"
        file = folder / "prometheus.yml"
        file.write_text(CONFIGURATION.format(address=address))
        self._log = (folder / "prometheus.log").open("w")
        self._command = [
            str(PROMETHEUS),
            f"--config.file={file}",
            f"--storage.tsdb.path={folder}/prometheus",
            f"--web.listen-address={self._listens}",
        ]

    def __enter__(self) -> httpx.Client:
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log
        )
        self._client = httpx.Client(base_url=f"http://{self._listens}", trust_env=False, timeout=10)
        wait_until(self._scraping, "Prometheus scrapes the daemon")
        return self._client

    def _scraping(self) -> bool:
        try:
            answer = self._client.get("/api/v1/query", params={"query": "watchdog_up"})
        except httpx.TransportError:
            return False
        return answer.status_code == 200 and bool(answer.json()["data"]["result"])

    def __exit__(self, *_: object) -> None:
        self._client.close()
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self._log.close()


def trouble(running: Daemon, folder: Path) -> None:
    """Wait for the backups, and take a file away for a while: a failure that is over."""
    for name in ("shop", "notes"):
        running.event("backup taken", target=name)
    away = folder / "notes.db.away"
    (folder / "notes.db").rename(away)
    running.wait_up("notes", 0)
    away.rename(folder / "notes.db")
    running.wait_up("notes", 1)

    def sized() -> bool:
        # Asked for once in five minutes: on a busy machine the first round may not come to it.
        size = "watchdog_postgresql_database_size_bytes"
        return running.metric(size) is not None or not running.get("/probe?target=shop").text

    wait_until(sized, "the size of the database is known", pause=0.5)


def test_every_panel_has_data(lab: Lab) -> None:
    left = {query.name: query for query in dashboards.queries()}
    assert len(left) > 100

    def all_answered() -> bool:
        for name, query in list(left.items()):
            if lab.ask(query):
                del left[name]
        return not {name for name in left if name not in may_be_empty()}

    try:
        wait_until(all_answered, "every panel has data", SECONDS, pause=0.5)
    except AssertionError:
        missing = [f"{name}: {q.expression}" for name, q in left.items()]
        raise AssertionError("no data:\n" + "\n".join(missing)) from None


def test_every_mark_is_answered(lab: Lab) -> None:
    """Nothing is wrong with a board that has none of them; here each kind has happened."""
    kinds: dict[str, set[str]] = {}
    for uid, board in dashboards.files().items():
        for mark in dashboards.marks(board):
            for target in lab.targets.get(uid, [".+"]):
                asked = fill(mark["expr"], lab.values(uid, target))
                found = lab.now(asked)
                kinds.setdefault(mark["name"], set())
                kinds[mark["name"]] |= {s["metric"].get("target", "") for s in found}
                if mark["useValueForTime"]:
                    for series in found:
                        assert abs(_numbers(series)[0] / 1000 - time.time()) < 3600
    assert kinds["Configuration taken"] == {""}
    assert kinds["Backup taken"] >= {"notes", "shop"}
    assert kinds["Down"] >= {"closed", "gone", "shop", "notes"}, "0 while up: a gap is no news"
    assert kinds["Backup failed"] == set(), "no attempt has failed here"


def test_grafana_s_alert_rules_are_answered_and_held_back(lab: Lab) -> None:
    folder = dashboards.GRAFANA / "alerting"
    groups = yaml.safe_load((folder / "db-watchdog.yml").read_text())["groups"]
    asked = {
        rule["title"]: rule["data"][0]["model"]["expr"]
        for group in groups
        for rule in group["rules"]
    }
    assert len(asked) > 16
    down = {"closed", "gone"}
    # A refused login pages nobody; what is down otherwise is no ticket once it has paged.
    page, ticket = asked["DatabaseDown (page)"], asked["DatabaseDown (ticket)"]
    wait_until(lambda: targets_of(lab.now(page)) == {"gone"}, "one pages", pause=0.5)
    assert "closed" in targets_of(lab.now(ticket))
    for title, expression in asked.items():
        found = lab.now(expression)
        assert title.startswith("DatabaseDown") or not targets_of(found) & down, title


def targets_of(found: list[dict[str, Any]]) -> set[str]:
    return {series["metric"].get("target", "") for series in found}


def may_be_empty() -> set[str]:
    """Return the queries of ``MAY_BE_EMPTY``: board, panel and the column's title or letter."""
    found = set()
    for query in dashboards.queries():
        if query.name in MAY_BE_EMPTY:
            found.add(query.name)
        name = f"Value #{query.target['refId']}"
        for override in query.panel["fieldConfig"]["overrides"]:
            titles = [p["value"] for p in override["properties"] if p["id"] == "displayName"]
            column = f"{query.board}: {query.panel['title']}: {''.join(titles[:1])}"
            if override["matcher"]["options"] == name and column in MAY_BE_EMPTY:
                found.add(query.name)
    assert len(found) == len(MAY_BE_EMPTY)
    return found


def test_a_number_is_one_number(lab: Lab) -> None:
    for query in dashboards.queries():
        if query.panel["type"] == "stat":
            assert len(lab.ask(query)) == 1, query.name


def test_rows_of_a_table_are_told_apart(lab: Lab) -> None:
    for query in dashboards.queries():
        if query.panel["type"] == "table":
            rows = [tuple(sorted(series["metric"].items())) for series in lab.ask(query)]
            assert len(set(rows)) == len(rows), query.name


def test_every_choice_has_values(lab: Lab) -> None:
    for uid, board in dashboards.files().items():
        for name, variable in dashboards.variables(board).items():
            asked = dashboards.label_values(variable)
            if asked:
                selector = fill(asked[0], lab.values(uid, ".+"))
                answer = lab.client.get(
                    f"/api/v1/label/{asked[1]}/values", params={"match[]": selector}
                )
                assert answer.json()["data"], f"{uid}: ${name}"


def test_the_numbers_are_right(lab: Lab) -> None:
    wanted = {
        "db-watchdog-fleet: Databases": 6,
        "db-watchdog-fleet: Down": 2,
        "db-watchdog-fleet: Not yet known": 0,
        "db-watchdog-fleet: Recovery points too old": 0,
        "db-watchdog-fleet: Watchdogs not answering": 0,
        "db-watchdog-backups: Backed up": 3,
        "db-watchdog-backups: Not backed up": 3,
        "db-watchdog-backups: Not recoverable": 0,
        "db-watchdog-backups: Last attempt failed": 0,
        "db-watchdog-process: Not answering": 0,
        "db-watchdog-process: Configuration refused": 0,
    }
    asked = {
        f"{query.board}: {query.panel['title']}": query
        for query in dashboards.queries()
        if query.panel["type"] == "stat"
    }

    def said() -> dict[str, float]:
        return {title: _numbers(lab.ask(asked[title])[0])[0] for title in wanted}

    with contextlib.suppress(AssertionError):  # the comparison says more
        wait_until(lambda: said() == wanted, "the numbers are right", 10, pause=0.5)
    assert said() == wanted


def test_a_daemon_that_is_gone_leaves_no_good_news(tmp_path: Path) -> None:
    """Nothing is known then; a board that said "0 down" would lie."""
    with sqlite3.connect(tmp_path / "notes.db") as notes:
        notes.execute("create table note (body text)")
    notes.close()
    configuration = {
        "defaults": {"probe": {"interval": "1s"}},
        "targets": [{"name": "notes", "url": "sqlite:///notes.db", "backup": False}],
    }
    with (
        daemon(tmp_path, configuration) as running,
        prometheus(tmp_path, running.url.removeprefix("http://")) as client,
    ):
        lab = Lab(running, client, "", {})
        assert numbers_now(lab)["db-watchdog-fleet: Down"] == [0]
        running.kill()
        wait_until(lambda: not lab.now("watchdog_up"), "Prometheus has noticed")
        assert numbers_now(lab) == {
            "db-watchdog-fleet: Watchdogs not answering": [1],
            "db-watchdog-process: Not answering": [1],
        }


def numbers_now(lab: Lab) -> dict[str, list[float]]:
    """Return what each panel of one number says now, but for those that look back."""
    return {
        f"{query.board}: {query.panel['title']}": _numbers(found[0])
        for query in dashboards.queries()
        if query.panel["type"] == "stat"
        and "$__range" not in query.expression
        and (found := lab.ask(query))
    }
