"""No password shows anywhere: one scanner over everything that the program says, writes, starts."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml

from tests.support.daemon import ROOT, Daemon, clean_environment, wait_until
from tests.support.leaks import files, forms, leaks
from tests.support.locks import locked
from tests.support.postgres import Cluster, bin_dir
from tests.support.processes import Child, descendants, program_below

PROBE = {"interval": "1s", "timeout": "900ms", "connect_interval": "1s"}
SLOW = {"interval": "30s", "timeout": "10s"}
BACKUP = {"directory": "backups", "schedule": "@every 6h", "run_on_start": True}

# Each holds what some quoting would break on; each is a user's of its own.
PASSWORDS = {
    "plain": "correct-horse-battery",
    "punctuated": "p@ss:w/o?r#d%41&=' \"q\\z",
    "query": "in the+query&of=it",
    "file": "from-a-file \\'\\: x",
    "dialect": "async pg #1 @work",
    "dotenv": "env$file`s {one}",
    "unicode": "пароль-ключ-ß-漢字",
    "lines": "line\u2028break\u0085vt\x0bend",
    "wrong": "not-the-right/one@all",
    "libpq": "pgpassword-of-libpq",
}
SECRETS = tuple(PASSWORDS.values())


@dataclass(frozen=True)
class Watched:
    """A cluster with one role for each password, and a configuration that uses all of them."""

    folder: Path
    cluster: Cluster
    configuration: dict[str, Any]
    environment: dict[str, str]

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "watchdog", *arguments],
            cwd=self.folder,
            env=clean_environment(**self.environment, **environment),
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done


@pytest.fixture(scope="module")
def watched(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    folder = tmp_path_factory.mktemp("secrets")
    for name, password in PASSWORDS.items():
        cluster.create_role(f"role_{name}", password if name != "wrong" else "another one")
    cluster.create_database("secretive")
    cluster.sql("grant pg_read_all_data to " + ", ".join(f"role_{name}" for name in PASSWORDS))
    at = f"{cluster.host}:{cluster.port}/secretive"

    def url(name: str, scheme: str = "postgresql") -> str:
        return f"{scheme}://role_{name}:{quote(PASSWORDS[name], safe='')}@{at}"

    passfile = folder / "password"
    passfile.touch(mode=0o600)
    passfile.write_text(PASSWORDS["file"] + "\n")
    escaped = PASSWORDS["dotenv"].replace("$", "%24")
    (folder / ".env").write_text(
        f"DOTENV_URL='postgresql://role_dotenv:{quote(escaped, safe='%')}@{at}'\n"
    )
    urls = {
        "plain": url("plain"),
        "punctuated": url("punctuated", "postgres"),
        "query": f"postgresql://role_query@{at}?password={quote(PASSWORDS['query'], safe='')}",
        "file": f"postgresql://role_file@{at}",
        "dialect": url("dialect", "postgresql+asyncpg"),
        "dotenv": "${DOTENV_URL}",
        "unicode": f"postgresql+psycopg2://role_unicode:{quote(PASSWORDS['unicode'])}@{at}",
        "lines": url("lines"),
        "wrong": url("wrong"),
        "libpq": f"postgresql://role_libpq@{at}",
    }
    # a file beside them: it is looked into by a process that inherits nothing either
    with closing(sqlite3.connect(folder / "lite.db")) as connection:
        connection.execute("create table t (x)")
    urls["lite"] = "sqlite:///lite.db"
    targets = [{"name": name, "url": url, "probe": SLOW} for name, url in urls.items()]
    next(t for t in targets if t["name"] == "file")["password_file"] = "password"
    for target in targets:
        if target["name"] in ("punctuated", "wrong"):
            target["backup"] = BACKUP
    environment = {
        "DB_WATCHDOG_PG_BIN": str(bin_dir()),
        "DB_WATCHDOG_STATE_DIRECTORY": str(folder / "state"),
        "PGPASSWORD": PASSWORDS["libpq"],
    }
    configuration = {"targets": targets}
    (folder / "watchdog.yaml").write_text(yaml.safe_dump(configuration, allow_unicode=True))
    yield Watched(folder, cluster, configuration, environment)
    cluster.drop_database("secretive")
    for name in PASSWORDS:
        cluster.sql(f"drop owned by role_{name}; drop role role_{name}")


def pages(daemon: Daemon) -> dict[str, str]:
    """Return everything that is served."""
    names = [target["name"] for target in daemon.get("/api/v1/targets").json()["targets"]]
    paths = ["/", "/metrics", "/healthz", "/readyz", "/api/v1/targets", "/api/v1/backups"]
    paths += [f"/api/v1/targets/{name}" for name in names]
    paths += [f"/probe?target={name}" for name in (*names, "nobody")]
    found = {path: daemon.get(path) for path in paths}
    openmetrics = {"Accept": "application/openmetrics-text; version=1.0.0"}
    found["/metrics in OpenMetrics"] = daemon.get("/metrics", headers=openmetrics)
    return {path: f"{answer.headers}\n{answer.text}" for path, answer in found.items()}


def seen_of(children: list[Child]) -> dict[str, str]:
    return {f"argv of {c.program}": "\0".join(c.argv) for c in children} | {
        f"environment of {c.program}": c.environ for c in children
    }


@pytest.mark.parametrize("form", ["json", "console"])
def test_the_daemon_shows_none_while_a_dump_runs_and_after(watched: Watched, form: str) -> None:
    for written in ("backups", "state"):
        shutil.rmtree(watched.folder / written, ignore_errors=True)
    log = {"format": form, "level": "debug"}
    configuration = watched.configuration | {"log": log}
    daemon = Daemon(
        watched.folder, configuration, environment=watched.environment, ready=form == "json"
    )
    with locked(watched.cluster, "secretive"):
        if form == "console":
            _start_by_its_console(daemon)
        else:
            daemon.start()
        dump = program_below(daemon.pid, "pg_dump")
        children = descendants(daemon.pid)
        assert dump.pid in {child.pid for child in children}
        passfile = Path(dump.environ.split("PGPASSFILE=")[1].split("\0")[0])
        assert passfile.stat().st_mode & 0o777 == 0o600
        assert passfile.parent.stat().st_mode & 0o777 == 0o700
        assert len({child.program for child in children}) >= 2, children
        during = seen_of(children) | pages(daemon)
    sealed = watched.folder / "backups" / "punctuated"
    wait_until(lambda: list(sealed.glob("*.manifest.json")), f"it is backed up\n{daemon.log}")
    wait_until((sealed.parent / "wrong" / "attempts.json").exists, "wrong was tried")
    if form == "json":
        # all but the wrong one log in: each form of URL really was used
        document = daemon.get("/api/v1/targets").json()
        down = {t["name"] for t in document["targets"] if not t["up"]}
        assert down == {"wrong"}, [t["failure"] for t in document["targets"]]
        assert len(daemon.events("target down", kind="auth")) >= 1
    bad = {"name": "bad", "url": f"postgresql://u:{quote(PASSWORDS['plain'])}@h:port/d"}
    daemon.configure({"targets": [*configuration["targets"], bad]})
    daemon.signal(signal.SIGHUP)
    wait_until(lambda: "configuration not reloaded" in daemon.log, "the mistake is told")
    daemon.configure(watched.configuration)
    after = pages(daemon)
    assert daemon.stop() == 0
    assert not passfile.exists()
    written = files(watched.folder / "backups", watched.folder / "state")
    assert any(path.endswith(".manifest.json") for path in written)
    places = {"log": daemon.log} | during
    places |= {f"{path}, later": text for path, text in after.items()} | written
    assert len(daemon.log) > 2000
    assert leaks(SECRETS, places) == []


def _start_by_its_console(daemon: Daemon) -> None:
    """Start a daemon whose log is not JSON."""
    daemon.event = lambda name, **_: {"metrics": _metrics(daemon)}  # type: ignore[assignment, method-assign]
    daemon.start()
    wait_until(lambda: daemon.get("/readyz").status_code == 200, "it is ready")


def _metrics(daemon: Daemon) -> str:
    found = wait_until(
        lambda: [word for word in daemon.log.split() if word.startswith("metrics=")],
        f"it serves\n{daemon.log}",
    )
    return str(found[0]).removeprefix("metrics=").strip("'")


@pytest.mark.parametrize(
    "arguments",
    [
        ["check-config", "-c", "watchdog.yaml"],
        ["check-config", "-c", "watchdog.yaml", "--online"],
        ["probe", "-c", "watchdog.yaml", "--debug"],
        ["probe", "-c", "watchdog.yaml", "--json"],
        ["probe", "-c", "watchdog.yaml", "--nagios"],
        ["backup", "-c", "watchdog.yaml", "--json"],
        ["backup", "-c", "watchdog.yaml"],
        ["backups", "-c", "watchdog.yaml", "--json"],
        ["verify", "-c", "watchdog.yaml", "--all"],
        ["prune", "-c", "watchdog.yaml", "--dry-run"],
    ],
    ids=" ".join,
)
def test_a_command_shows_none(watched: Watched, arguments: list[str]) -> None:
    done = watched.run(*arguments)
    assert done.returncode in ((2,) if "--nagios" in arguments else (0, 1)), done.stderr
    assert done.stdout + done.stderr
    assert leaks(SECRETS, {"stdout": done.stdout, "stderr": done.stderr}) == []
    assert leaks(SECRETS, files(watched.folder / "backups", watched.folder / "state")) == []


def test_a_restore_shows_none(watched: Watched) -> None:
    assert watched.run("backup", "-c", "watchdog.yaml", "punctuated").returncode == 0
    at = f"{watched.cluster.host}:{watched.cluster.port}"
    password = quote(PASSWORDS["punctuated"], safe="")
    for to in (
        f"postgresql://role_punctuated:{password}@{at}/not_there",
        f"postgresql://role_punctuated:{password}@{at}/secretive",
        f"postgresql://role_plain:{password}@{at}/secretive",
        f"postgresql://role_plain:{password}@127.0.0.1:1/secretive",
    ):
        done = watched.run("restore", "-c", "watchdog.yaml", "punctuated", "--to", to)
        assert done.returncode in (1, 2), done.stdout
        assert leaks(SECRETS, {"stdout": done.stdout, "stderr": done.stderr}) == []


BROKEN = (
    "postgresql://user:{}@host:port/database",
    "postgresql://user:{}@host:99999/database",
    "postgresql://user:{}@host/database?sslmod=require",
    "postgresql://user:{}@host/database?sslmode=perhaps",
    "postgresql://user:{}@[::1/database",
    "postgresql://user:{}@ho st/database",
    "postgresql//user:{}@host/database",
    "postgresqll://user:{}@host/database",
    "mysql://user:{}@host/database",
    "postgresql://host/database?password={}&sslmod=require",
    "postgresql://user:{}",
    "postgresql://user:{}@host/database?target_session_attrs=some",
    "user:{}@host/database",
    "host=db password={} dbname=app",
)


@pytest.mark.parametrize("name", ["plain", "punctuated", "unicode"])
def test_broken_urls_are_refused_without_their_password(tmp_path: Path, name: str) -> None:
    password = PASSWORDS[name]
    written = {quote(password, safe="")} | ({password} if name != "punctuated" else set())
    for number, url in enumerate(url.format(each) for url in BROKEN for each in sorted(written)):
        content = yaml.safe_dump({"targets": [{"name": "app", "url": url}]}, allow_unicode=True)
        (tmp_path / f"{number:02}.yaml").write_text(content)
    program = (
        "import sys; from watchdog.cli import main\n"
        "for file in sys.argv[1:]:\n"
        "    sys.argv[1:] = ['check-config', '-c', file]\n"
        "    try: main()\n"
        "    except SystemExit as status: print('status', status.code, file, flush=True)\n"
    )
    files = sorted(path.name for path in tmp_path.glob("*.yaml"))
    done = subprocess.run(
        [sys.executable, "-c", program, *files],
        cwd=tmp_path,
        env=clean_environment(PYTHONIOENCODING="utf-8"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"status 2 {file}" for file in files], done.stderr
    assert leaks([password], {"stdout": done.stdout, "stderr": done.stderr}) == []


SABOTAGE = """
import os
if os.environ.get("SABOTAGE") and "watchdog" in " ".join(__import__("sys").orig_argv):
    import watchdog.{module} as module
    def sabotage(*arguments, **options):
        raise RuntimeError(f"sabotaged: {{os.environ['SABOTAGE']}} {{arguments!r}} {{options!r}}")
    module.{name} = sabotage
"""


@pytest.mark.parametrize(
    ("module", "name", "ends"),
    [
        ("results", "ResultStore.put", False),
        ("rounds", "TargetVisit.work", False),
        ("backups.pipeline", "Pipeline.back_up", False),
        ("web.documents", "targets_document", False),
        ("watch", "Watch.configure", True),
    ],
)
def test_a_traceback_shows_none(
    tmp_path: Path, cluster: Cluster, database: Any, module: str, name: str, ends: bool
) -> None:
    """Even a defect of ours, with the URL itself in its message, tells no password."""
    password = cluster.passwords["watchdog"]
    tmp_path.joinpath("sitecustomize.py").write_text(SABOTAGE.format(module=module, name=name))
    url = database.url()
    targets = [{"name": "app", "url": url, "probe": PROBE, "backup": BACKUP}]
    environment = {
        "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)]),
        "SABOTAGE": url,
        "DB_WATCHDOG_PG_BIN": str(bin_dir()),
    }
    places = {}
    daemon = Daemon(tmp_path, {"targets": targets}, environment=environment, ready=False)
    if ends:
        configuration = {"listen": "127.0.0.1:0", "targets": targets}
        (tmp_path / "watchdog.yaml").write_text(json.dumps(configuration))
        done = subprocess.run(
            [sys.executable, "-m", "watchdog", "run", "-c", "watchdog.yaml"],
            cwd=tmp_path,
            env=clean_environment(**environment),
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert done.returncode == 1
        said = done.stderr
    else:
        with daemon:
            for path in ("/", "/api/v1/targets", "/metrics"):
                places[path] = daemon.get(path).text
            wait_until(lambda: "sabotaged" in daemon.log, f"the defect is told\n{daemon.log}")
            assert daemon.stop() == 0
        said = daemon.log
    assert "sabotaged" in said
    assert "Traceback" in said
    assert leaks([password], places | {"log": said}) == []


def test_the_scanner_finds_what_it_is_for() -> None:
    for password in SECRETS:
        for form in forms(password):
            assert leaks([password], {"somewhere": f"before {form} after"})
    assert leaks(SECRETS, {"somewhere": "postgresql://role_plain:***@host/database"}) == []
