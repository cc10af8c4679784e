"""Hints of troubles that take special components or their time, read in the daemon's log.

A standby, a scratch server with little disk, shared memory or address space,
an older major, a pooler, a network mount, a server near the end of its
transaction ids. What this machine cannot have is skipped, plainly.
``HINTS`` is the table, as in ``tests/acceptance/test_hints_in_the_log.py``.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.daemon import Daemon, clean_environment, wait_until
from tests.support.hint_log import PATIENCE, Table, told, wait_told
from tests.support.network_mount import network_mount
from tests.support.pgbouncer import pgbouncer
from tests.support.postgres import Cluster, as_server_user, bin_dir
from tests.support.probing import standby_of
from tests.support.sqlite import Application, make_database

pytestmark = pytest.mark.lab

ROOT: Final = Path(__file__).parents[2]
PROBE: Final = {"interval": "5s", "timeout": "4s", "connect_interval": "5s"}
OLD: Final = Path("/usr/lib/postgresql/15/bin")

HINTS: Final[Table] = {
    "disk_full": ("full-scratch", ("No space left on device", "{full_port}")),
    "docker_shm_size": ("small-memory", ("shared memory segment", "shm_size")),
    "out_of_memory": ("no-memory", ("out of memory", "{tight_port}")),
    "dump_newer_than_server": ("older-scratch", ("{old_port}", "15", "17")),
    "in_recovery_read_only": ("on-standby", ("is a standby", "{standby_port}")),
    "recovery_conflict": ("replayed", ("conflict with recovery", "dump of replayed")),
    "lock_table_full": ("many-tables", ("max_locks_per_transaction", "out of shared memory")),
    "backup_value_too_large": ("huge", ("invalid memory alloc request", "octet_length")),
    "backup_through_pooler": ("pooled", ("{pooler_port}", "backup.url")),
    "backup_no_space": ("small-place", ("{folder}/small", "df -h")),
    "backup_locked": ("held", ("another backup of held", "{folder}/backups/held/.lock")),
    "backup_yielded": ("in-the-way", ("AccessExclusiveLock on public.account", "in-the-way")),
    "server_crashed": ("crashed-under", ("recovery mode", "{old_port}")),
    "wraparound": ("old-ids", ("VACUUM", "{worn_port}")),
    "sqlite_ioerr": ("stale-file", ("{folder}/mount/stale.db", "fuse.sshfs")),
    "sqlite_wal_on_network_fs": ("far-file", ("{folder}/mount/far.db", "fuse.sshfs")),
    "sqlite_wal_pinned": ("pinned", ("{folder}/pinned.db", "{reader}")),
}
OLD_CLIENT: Final[Table] = {
    "version_mismatch_pg_dump": ("too-new", ("postgresql-client-{major}", "15")),
    "archive_version_unsupported": ("drilled", ("pg_restore", "unsupported version")),
}

# Waits that are minutes in earnest.
_SOON: Final = """
from datetime import timedelta
import watchdog.backup_watch, watchdog.proof_watch
import watchdog.engines.sqlite.probes.wal as wal
watchdog.proof_watch.SETTLE = timedelta(seconds=1)
watchdog.backup_watch._LOCK_TIME = 4.0
wal._LONG = 4.0
"""
_SMALL_SHM: Final = 'mount -t tmpfs -o size=1400k none /dev/shm; exec "$@"'
_HBA: Final = ("local replication all trust", "host all all 127.0.0.1/32 scram-sha-256")


class World:
    """Components in trouble, the targets that meet them, one daemon."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self.stack = stack
        self.values = {"folder": str(folder)}
        self.targets: list[dict[str, Any]] = []
        self.missing: dict[str, str] = {}  # why a target is not there
        self.server = self.made(
            hba=_HBA,
            wal_level="replica",
            max_wal_senders=4,
            max_connections=24,
            max_locks_per_transaction=10,
            track_commit_timestamp="off",
        )
        self.values["port"] = str(self.server.port)
        self.values["major"] = self.server.sql("show server_version").split(".")[0]
        self.sessions: dict[str, subprocess.Popen[str]] = {}
        for name, prepare in (
            ("old-ids", self._worn),
            ("full-scratch", self._full_scratch),
            ("small-memory", self._small_memory),
            ("no-memory", self._tight),
            ("older-scratch", self._older),
            ("on-standby", self._standby),
            ("many-tables", self._many_tables),
            ("huge", self._huge),
            ("pooled", self._pooled),
            ("small-place", self._small_place),
            ("in-the-way", self._in_the_way),
            ("stale-file", self._far_files),
            ("pinned", self._files),
        ):
            self._attempt(name, prepare)
        self.daemon = daemon_in(folder, self.targets, bin_dir())
        drilled = [each["name"] for each in self.targets if "drill" in each.get("backup", {})]
        back_up(self.daemon, drilled)
        self._hold_lock()

    def _attempt(self, name: str, prepare: Callable[[], None]) -> None:
        try:
            prepare()
        except pytest.skip.Exception as reason:
            self.missing[name] = str(reason)

    def made(self, **settings: Any) -> Cluster:
        cluster = Cluster(**settings)
        self.stack.callback(cluster.remove)
        return cluster.create()

    def add(self, name: str, url: str, **backup: Any) -> None:
        target: dict[str, Any] = {"name": name, "url": url, "probe": PROBE}
        if backup:
            place = {"directory": str(self.folder / "backups"), "schedule": "@every 6h"}
            target["backup"] = {**place, "run_on_start": True, **backup}
        self.targets.append(target)

    def drilled(self, name: str, scratch: str, *statements: str) -> None:
        """Add a target with *statements* in its database, drilled on *scratch*."""
        database = name.replace("-", "_")
        self.server.sql(f"create database {database} owner owner")
        for statement in statements or ("create table t (x int)",):
            self.server.sql(statement, database, "owner")
        drill = {"schedule": "@every 7d", "server": scratch}
        self.add(name, self.server.url("owner", database), drill=drill)

    def mount(self, place: Path, size: str) -> None:
        place.mkdir(exist_ok=True)
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(place)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            pytest.skip(f"nothing can be mounted: {done.stderr.strip()}")
        self.stack.callback(subprocess.run, ["umount", "-l", str(place)], check=False)

    # ------------------------------------------------------------------ scratch servers

    def _full_scratch(self) -> None:
        scratch = Cluster(max_wal_size="32MB", wal_level="minimal", max_wal_senders=0)
        self.stack.callback(scratch.remove)
        self.mount(scratch.folder, "150m")
        scratch.folder.chmod(0o755)
        scratch.create()
        self.values["full_port"] = str(scratch.port)
        large = "create table t as select repeat('x', 1900) from generate_series(1, 90000)"
        self.drilled("full-scratch", scratch.url("postgres"), large)

    def _small_memory(self) -> None:
        if subprocess.run(["unshare", "-m", "true"], check=False).returncode != 0:
            pytest.skip("no mount namespace can be had")
        scratch = self.made(
            launcher=("unshare", "-m", "sh", "-c", _SMALL_SHM, "sh"),
            max_worker_processes=40,
            max_parallel_workers=32,
            max_parallel_maintenance_workers=32,
            maintenance_work_mem="2GB",
        )
        self.drilled(
            "small-memory",
            scratch.url("postgres"),
            "create table t (m text) with (parallel_workers = 30)",
            "insert into t select md5(n::text) from generate_series(1, 50000) n",
            "create index on t (m)",
        )

    def _tight(self) -> None:
        scratch = self.made()
        status = Path(f"/proc/{scratch.pid}/status").read_text()
        used = int(status.split("VmPeak:")[1].split()[0]) << 10
        most = used + (110 << 20)
        resource.prlimit(scratch.pid, resource.RLIMIT_AS, (most, most))
        self.values["tight_port"] = str(scratch.port)
        large = "create table t as select repeat(md5('a'), 2500000) as text"
        self.drilled("no-memory", scratch.url("postgres"), large)

    def _older(self) -> None:
        if not (OLD / "initdb").exists():
            pytest.skip("there is no PostgreSQL 15 in /usr/lib/postgresql")
        old = self.made(binaries=OLD)
        self.values["old_port"] = str(old.port)
        self.drilled("older-scratch", old.url("postgres"))
        old.sql("create database crash_db template watched_template")
        self.add("crashed-under", old.url("owner", "crash_db"))
        self.old = old

    def _standby(self) -> None:
        self.server.sql("create database replayed_db template watched_template")
        standby = standby_of(self.server)
        self.stack.callback(standby.remove)
        standby.reload(max_standby_streaming_delay="0")
        self.standby = standby
        self.values["standby_port"] = str(standby.port)
        self.drilled("on-standby", standby.url("postgres"))
        self.add("replayed", standby.url("owner", "replayed_db"), proof="off")

    # ------------------------------------------------------------------ dumps

    def _many_tables(self) -> None:
        self.server.sql("create database many_db owner owner")
        each = "select format('create table t%s (x int)', n) from generate_series(1, 4000) n"
        self.server.sql(f"{each} \\gexec", "many_db", "owner")
        self.add("many-tables", self.server.url("owner", "many_db"), proof="off")

    def _huge(self) -> None:
        self.server.sql("create database huge_db")
        value = f"convert_to(repeat('x', {600 << 20}), 'UTF8')"
        self.server.sql(f"create table big as select {value} as body", "huge_db")
        self.add("huge", self.server.url("postgres", "huge_db"), proof="off")

    def _pooled(self) -> None:
        self.server.sql("create database pooled_db template watched_template")
        port = self.stack.enter_context(pgbouncer(self.server, default_pool_size=3))
        self.values["pooler_port"] = str(port)
        self.add("pooled", self.server.url("owner", "pooled_db", port=port), proof="off")

    def _small_place(self) -> None:
        self.mount(self.folder / "small", "1m")
        path = make_database(self.folder / "large.db", rows=6000)
        self.add("small-place", f"sqlite:///{path}", directory=str(self.folder / "small"))

    def _in_the_way(self) -> None:
        self.server.sql("create database yield_db template watched_template")
        url = self.server.url("owner", "yield_db")
        self.add("in-the-way", url, proof="off", yield_after="1s")

    def _hold_lock(self) -> None:
        folder = self.folder / "backups" / "held"
        folder.mkdir(parents=True, mode=0o700)
        lock = self.stack.enter_context((folder / ".lock").open("w"))
        fcntl.flock(lock, fcntl.LOCK_EX)

    # ------------------------------------------------------------------ transaction ids

    def _worn(self) -> None:
        worn = self.made()
        # A page of rubbish: no autovacuum can make this table, and its database, young again.
        worn.sql("create table torn as select 1 as n; checkpoint")
        torn = worn.data / worn.sql("select pg_relation_filepath('torn')")
        worn.stop()
        torn.write_bytes(b"\xff" * 8192)
        number = 2_000_000_000
        segment = worn.data / "pg_xact" / f"{number >> 20:04X}"
        segment.write_bytes(bytes(32 * 8192))
        reset = [worn.binaries / "pg_resetwal", "-f", "-x", str(number), worn.data]
        subprocess.run(as_server_user(reset), check=True, capture_output=True)
        worn.start()
        self.values["worn_port"] = str(worn.port)
        self.add("old-ids", worn.url("watchdog"))

    # ------------------------------------------------------------------ files

    def _far_files(self) -> None:
        place, beneath = self.folder / "mount", self.folder / "beneath"
        place.mkdir()
        beneath.mkdir()
        make_database(beneath / "far.db")
        self.stack.enter_context(Application(beneath / "far.db")).open("wal")
        make_database(beneath / "stale.db", "delete", rows=200)
        self.stack.enter_context(network_mount(place, beneath))
        self.add("far-file", f"sqlite:///{place}/far.db")
        self.add("stale-file", f"sqlite:///{place}/stale.db", keep={"last": 1})

    def _files(self) -> None:
        make_database(self.folder / "held.db")
        self.add("held", f"sqlite:///{self.folder}/held.db", keep={"last": 1})
        path = make_database(self.folder / "pinned.db")
        writer, reader = (self.stack.enter_context(Application(path)) for _ in range(2))
        for application in (writer, reader):
            application.open("wal")
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM t")
        for _ in range(300):
            writer.execute("INSERT INTO t VALUES (zeroblob(20000))")
        self.values["reader"] = str(reader.pid)
        self.add("pinned", f"sqlite:///{path}")

    # ------------------------------------------------------------------ while dumps are at it

    def session(self, server: Cluster, database: str, statement: str) -> subprocess.Popen[str]:
        """Begin *statement* in a session that stays."""
        psql = subprocess.Popen(
            [
                *(server.binaries / "psql", "-qX", "-h", server.folder),
                *("-p", str(server.port), "-U", "postgres", "-d", database),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.stack.callback(_end, psql)
        say(psql, statement)
        return psql

    def disturb(self) -> None:
        """Wait for each dump that stands before a lock, and do what others do then."""
        lock = "begin; lock table note in access exclusive mode;"
        self.session(self.server, "yield_db", lock)
        threading.Thread(target=self._stand_behind, daemon=True).start()
        holder = self.session(self.server, "replayed_db", f"{lock} select txid_current();")
        self.server.sql("select pg_switch_wal()")
        locked = (
            "select count(*) from pg_locks where mode = 'AccessExclusiveLock' and granted"
            " and relation = 'note'::regclass"
        )
        wait_until(
            lambda: self.standby.sql(locked, "replayed_db") != "0",
            "the standby has replayed the lock",
            PATIENCE,
        )
        threading.Thread(target=self._replay, args=[holder], daemon=True).start()
        if "older-scratch" not in self.missing:
            threading.Thread(target=self._crash, daemon=True).start()

    def _crash(self) -> None:
        """Kill a session while another one cannot end: the server stays in its crash for 5 s."""
        wait_until(
            lambda: told(self.daemon, "dump_newer_than_server", "older-scratch"),
            "the scratch server has been used",
            PATIENCE,
        )
        for _ in range(2):
            self.session(self.old, "postgres", "select 1;")
        ours = (
            "select string_agg(pid::text, ' ') from pg_stat_activity"
            " where application_name = 'psql' and state = 'idle'"
        )
        wait_until(lambda: len(self.old.sql(ours).split()) == 2, "two sessions are there")
        backends = [int(pid) for pid in self.old.sql(ours).split()]
        os.kill(backends[0], signal.SIGSTOP)
        os.kill(backends[1], signal.SIGKILL)

    def _stand_behind(self) -> None:
        if waits(self.server, "yield_db"):
            self.session(self.server, "yield_db", "alter table account add column y int;")

    def _replay(self, holder: subprocess.Popen[str]) -> None:
        if waits(self.standby, "replayed_db"):
            say(holder, "alter table account add column y int; commit;")


def say(psql: subprocess.Popen[str], statement: str) -> None:
    assert psql.stdin is not None
    psql.stdin.write(f"{statement}\n")
    psql.stdin.flush()


def waits(server: Cluster, database: str) -> bool:
    """Wait until a dump of *database* stands before the lock of ``note``; ``False`` if never."""
    question = (
        "select count(*) from pg_stat_activity where datname = current_database()"
        " and wait_event_type = 'Lock' and application_name = 'db-watchdog'"
    )
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with contextlib.suppress(RuntimeError):
            if server.sql(question, database) != "0":
                return True
        time.sleep(0.2)
    return False


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def daemon_in(folder: Path, targets: list[dict[str, Any]], binaries: Path) -> Daemon:
    place = folder / "soon"
    place.mkdir()
    (place / "sitecustomize.py").write_text(_SOON)
    return Daemon(
        folder,
        {"targets": targets},
        environment={"PYTHONPATH": f"{place}:{ROOT}", "DB_WATCHDOG_PG_BIN": str(binaries)},
        ready=False,
    )


def back_up(daemon: Daemon, names: list[str]) -> None:
    """Take backups of *names* by the command, with the newest tools."""
    done = subprocess.run(
        [sys.executable, "-m", "watchdog", "backup", "-c", str(daemon.file), *names],
        capture_output=True,
        text=True,
        cwd=daemon.folder,
        env=clean_environment(
            DB_WATCHDOG_STATE_DIRECTORY=str(daemon.folder / "state"),
            DB_WATCHDOG_PG_BIN=str(bin_dir()),
        ),
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, postgres_binaries: None) -> Iterator[World]:
    with ExitStack() as stack:
        world = World(tmp_path_factory.mktemp("lab"), stack)
        world.disturb()
        with world.daemon:
            yield world


@pytest.fixture(scope="module")
def old_client(
    tmp_path_factory: pytest.TempPathFactory, cluster: Cluster
) -> Iterator[tuple[Daemon, dict[str, str]]]:
    if not (OLD / "pg_dump").exists():
        pytest.skip("there is no PostgreSQL 15 in /usr/lib/postgresql")
    folder = tmp_path_factory.mktemp("old")
    cluster.sql("create database old_client_db template watched_template")
    url = cluster.url("owner", "old_client_db")
    settings = {"directory": str(folder / "backups"), "schedule": "@every 6h"}
    targets = [
        {"name": "too-new", "url": url, "backup": {**settings, "run_on_start": True}},
        {"name": "drilled", "url": url, "backup": {**settings, "drill": True}},
    ]
    daemon = daemon_in(folder, targets, OLD)
    back_up(daemon, ["drilled"])
    with daemon:
        yield daemon, {"major": cluster.sql("show server_version").split(".")[0]}


@pytest.mark.parametrize("hint", HINTS)
def test_a_hint_is_read_in_the_log_with_its_values(world: World, hint: str) -> None:
    target = HINTS[hint][0]
    if not any(each["name"] == target for each in world.targets):
        pytest.skip("; ".join(world.missing.values()) or f"{target} is not there")
    wait_told(world.daemon, HINTS, hint, world.values)


@pytest.mark.parametrize("hint", OLD_CLIENT)
def test_a_hint_of_old_tools_is_read_in_the_log(
    old_client: tuple[Daemon, dict[str, str]], hint: str
) -> None:
    daemon, values = old_client
    wait_told(daemon, OLD_CLIENT, hint, values)
    assert daemon.tracebacks == ""


def test_nothing_of_it_is_a_defect_of_the_daemon(world: World) -> None:
    assert world.daemon.tracebacks == ""
