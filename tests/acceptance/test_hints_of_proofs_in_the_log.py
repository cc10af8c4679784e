"""Hints of what stored backups, restore drills and objectives come to, read in the daemon's log.

The command takes the backups, somebody spoils them, and the daemon finds
out. ``HINTS`` is the table, as in ``test_hints_in_the_log.py``.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.daemon import Daemon, clean_environment
from tests.support.hint_log import Table, wait_told
from tests.support.postgres import Cluster, bin_dir
from tests.support.sqlite import make_database

PROBE: Final = {"interval": "10s", "timeout": "5s", "connect_interval": "10s"}
ROOT: Final = Path(__file__).parents[2]

HINTS: Final[Table] = {
    "backup_zero_bytes": ("emptied", ("{emptied}", "db-watchdog backup emptied")),
    "backup_truncated": ("cut", ("{cut}", "db-watchdog backup cut")),
    "backup_file_missing": ("gone", ("{gone}", "is not there", "db-watchdog backups gone")),
    "backup_damaged": ("changed", ("{changed}", "SHA-256", "db-watchdog backup changed")),
    "no_backup_yet": ("never", ("db-watchdog backup never", "objectives.rpo")),
    "backup_failed": ("mended", ("db-watchdog backup mended", "{folder}/mended.db")),
    "rpo_missed": ("late", ("late would lose the last", "1 s are allowed")),
    "rto_missed": ("long-way", ("the way back takes", "1 s are allowed")),
    "backup_content_differs": ("other", ("{other}", "t had 7 rows, the copy has 9")),
    "backup_assertion_false": ("false", ("select count(*) > 1000 from t", "answers 0")),
    "drill_no_place": ("nowhere", ("{folder}/no-scratch", "No such file or directory")),
    "drill_timeout": ("sleepy", ("drill of sleepy was not done after 3 s", "drill.timeout")),
    "read_only_transaction": (
        "unwritable",
        ("cannot execute CREATE TABLE", 'ALTER ROLE "unwriting" RESET'),
    ),
    "temp_file_limit": ("spilling", ("temp_file_limit", "{port}")),
    "sqlite_index_corrupt": ("crooked", ("{folder}/crooked.db", "missing from index by_x")),
    "sqlite_no_such_table": ("bare", ("{folder}/bare.db", "has no table")),
}

BACKED_UP: Final = {target for target, _ in HINTS.values()} - {"crooked", "bare", "never", "mended"}

# The first drills come as soon as a backup is known, and not ten minutes later.
_SOON: Final = """
from datetime import timedelta
import watchdog.proof_watch
watchdog.proof_watch.SETTLE = timedelta(seconds=1)
"""

# What it takes to come back is measured: fifteen rows that are looked at slowly.
_SLOWLY: Final = """
create function slowly(n int) returns boolean language plpgsql as
    $$ begin perform pg_sleep(0.1); return true; end $$;
create table slow (n int check (slowly(n)));
insert into slow select generate_series(1, 15);
"""
_SPILLING: Final = """
create table wide as select md5(n::text) || md5((n + 1)::text) as text
  from generate_series(1, 12000) n;
create index on wide (text);
"""


class World:
    """Databases, their backups, what has become of them, and the daemon."""

    def __init__(self, folder: Path, server: Cluster) -> None:
        self.folder = folder
        self.server = server
        self.values = {"folder": str(folder), "port": str(server.port)}
        place = folder / "soon"
        place.mkdir()
        (place / "sitecustomize.py").write_text(_SOON)
        self.daemon = Daemon(
            folder,
            {"targets": [*self._files(), *self._databases()]},
            environment={
                "PYTHONPATH": f"{place}:{ROOT}",
                "DB_WATCHDOG_PG_BIN": str(bin_dir()),
            },
            ready=False,
        )
        self.back_up()
        self._spoil()

    # ------------------------------------------------------------------ what is backed up

    def _target(self, name: str, url: str, **backup: Any) -> dict[str, Any]:
        directory = str(self.folder / "backups")
        settings = {"directory": directory, "schedule": "0 3 * * *", "proof": "counts", **backup}
        return {"name": name, "url": url, "probe": PROBE, "backup": settings}

    def _files(self) -> Iterator[dict[str, Any]]:
        drill = {"schedule": "@every 7d"}
        settings: Mapping[str, dict[str, Any]] = {
            "emptied": {},
            "cut": {},
            "gone": {},
            "changed": {"drill": drill},
            "late": {"objectives": {"rpo": "1s"}},
            "never": {"objectives": {"rpo": "6h"}},
            "mended": {},
            "other": {"drill": drill},
            "false": {"drill": {**drill, "assert": ["select count(*) > 1000 from t"]}},
            "nowhere": {"drill": {**drill, "directory": str(self.folder / "no-scratch")}},
            "crooked": {"schedule": "@every 6h", "run_on_start": True},
            "bare": {"schedule": "@every 6h", "run_on_start": True},
        }
        for name, backup in settings.items():
            path = make_database(self.folder / f"{name}.db", "delete", rows=7)
            yield self._target(name, f"sqlite:///{path}", **backup)

    def _databases(self) -> Iterator[dict[str, Any]]:
        server = self.server
        for name in ("drills", "unwriting", "thrifty"):
            server.create_role(name, f"pw-of-{name}", "login superuser")
        server.sql("alter role unwriting set default_transaction_read_only = on")
        server.sql("alter role thrifty set temp_file_limit = '64kB'")
        server.sql("alter role thrifty set maintenance_work_mem = '1MB'")
        for name, role, statements, more in (
            ("long-way", "drills", _SLOWLY, {"objectives": {"rto": "1s"}}),
            ("sleepy", "drills", "", {}),
            ("unwritable", "unwriting", "", {}),
            ("spilling", "thrifty", _SPILLING, {}),
        ):
            database = f"db_{name.replace('-', '_')}"
            server.sql(f"create database {database} owner owner")
            server.sql(f"create table t (x int); {statements}", database, "owner")
            drill: dict[str, Any] = {
                "schedule": "@every 7d",
                "server": server.url(role, "postgres", f"pw-of-{role}"),
            }
            if name == "sleepy":
                drill |= {"timeout": "3s", "assert": ["select pg_sleep(60) is not null"]}
            yield self._target(name, server.url("owner", database), drill=drill, **more)

    def back_up(self) -> None:
        """Take backups by the command; of one whose file is away just then, in vain."""
        file, aside = self.folder / "mended.db", self.folder / "mended.aside"
        file.rename(aside)
        names = sorted(BACKED_UP | {"mended"})
        done = subprocess.run(
            [
                *(sys.executable, "-m", "watchdog", "backup", "--json"),
                *("-c", str(self.daemon.file), *names),
            ],
            capture_output=True,
            text=True,
            cwd=self.folder,
            env=clean_environment(
                DB_WATCHDOG_STATE_DIRECTORY=str(self.folder / "state"),
                DB_WATCHDOG_PG_BIN=str(bin_dir()),
            ),
            timeout=120,
            check=False,
        )
        aside.rename(file)
        found = json.loads(done.stdout)["backups"]
        self.values |= {each["target"]: each["path"] for each in found if each["outcome"] == "ok"}
        assert self.values.keys() >= BACKED_UP, done.stdout + done.stderr

    # ------------------------------------------------------------------ what becomes of it

    def _spoil(self) -> None:
        Path(self.values["emptied"]).write_bytes(b"")
        cut = Path(self.values["cut"])
        cut.write_bytes(cut.read_bytes()[:-4096])
        Path(self.values["gone"]).unlink()
        changed = Path(self.values["changed"])
        content = bytearray(changed.read_bytes())
        content[-100] ^= 0xFF
        changed.write_bytes(content)
        self._misstate("other")
        _make_crooked(self.folder / "crooked.db")
        with closing(sqlite3.connect(self.folder / "bare.db")) as connection:
            connection.execute("DROP TABLE t")

    def _misstate(self, name: str) -> None:
        """Let the file be another one, under the account of the first."""
        artefact = Path(self.values[name])
        artefact.unlink()
        content = make_database(artefact, "delete", rows=9).read_bytes()
        manifest = artefact.with_suffix(".manifest.json")
        document = json.loads(manifest.read_text())
        document["sha256"] = hashlib.sha256(content).hexdigest()
        document["size_bytes"] = len(content)
        manifest.write_text(json.dumps(document))


def _make_crooked(path: Path) -> None:
    """Give the table a row that its index has not."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("CREATE INDEX by_x ON t (x)")
        connection.execute("PRAGMA writable_schema = ON")
        kept = connection.execute("SELECT * FROM sqlite_master WHERE name = 'by_x'").fetchone()
        connection.execute("DELETE FROM sqlite_master WHERE name = 'by_x'")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("INSERT INTO t VALUES ('a row that the index does not know')")
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("INSERT INTO sqlite_master VALUES (?, ?, ?, ?, ?)", kept)


@pytest.fixture(scope="module")
def world(
    tmp_path_factory: pytest.TempPathFactory, cluster: Cluster, postgres_binaries: None
) -> Iterator[World]:
    world = World(tmp_path_factory.mktemp("proofs"), cluster)
    with world.daemon:
        yield world


@pytest.mark.parametrize("hint", HINTS)
def test_a_hint_is_read_in_the_log_with_its_values(world: World, hint: str) -> None:
    wait_told(world.daemon, HINTS, hint, world.values)


def test_nothing_of_it_is_a_defect_of_the_daemon(world: World) -> None:
    assert world.daemon.tracebacks == ""
