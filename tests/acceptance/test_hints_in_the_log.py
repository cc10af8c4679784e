"""Hints of real troubles, read in the daemon's log with the right values filled in.

One daemon watches many targets, each with a trouble of its own: real servers,
files, dumps. ``HINTS`` is the table; ``tests/unit/test_hints_are_provoked.py``
sees to it that no hint of these families is forgotten.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.certificates import make_certificates
from tests.support.daemon import Daemon, wait_until
from tests.support.hint_log import PATIENCE, Table, wait_told
from tests.support.postgres import Cluster, free_port
from tests.support.processes import descendants
from tests.support.sqlite import Application, hot_journal, make_database
from watchdog.backups.destination import Destinations

SERVERS: Final = {"interval": "10s", "timeout": "5s", "connect_interval": "10s"}
FILES: Final = {"interval": "3s", "timeout": "2s"}
HBA: Final = (
    "hostssl all tls_only 127.0.0.1/32 scram-sha-256",
    "host all ghost 127.0.0.1/32 trust",
    "host all watchdog,plain,owner,ghosts,sleeper,limited 127.0.0.1/32 scram-sha-256",
)
LOCAL: Final = "local all peer_user peer"

HINTS: Final[Table] = {
    "connection_refused": ("refused", ("pg_isready -h 127.0.0.1 -p {closed}", "refuses")),
    "dns_failure": ("nowhere", ("getent hosts no-such-host.invalid", "does not resolve")),
    "docker_host_not_resolvable": ("service", ("db-of-compose", "compose.yaml", "localhost:54399")),
    "connect_timeout": ("silent", ("127.0.0.1", "{full}")),
    "server_not_answering": ("frozen", ("{deaf}", "hangs or is overloaded")),
    "no_route": ("unreachable", ("224.0.0.1", "Network is unreachable")),
    "unix_socket_missing": ("no-socket", ("{folder}/run", ".s.PGSQL.5432")),
    "not_a_postgres_server": ("http", ("{http}", "is an HTTP server, not PostgreSQL")),
    "server_closed_connection": ("slammed", ("{slammed}", "closes the connection")),
    "tls_required": ("tls-only", ("sslmode=require", "tls_only")),
    "tls_not_supported": ("no-tls", ("sslmode", "does not offer TLS")),
    "tls_cert_invalid": ("wrong-authority", ("sslrootcert", "certificate is for 127.0.0.1")),
    "auth_failed": ("wrong-password", ("owner", "it is the password that differs", "the URL")),
    "no_password": ("no-password", ("watchdog", "{port}")),
    "peer_auth_failed": ("peer", ("peer_user",)),
    "passfile_permissions": ("open-passfile", ("chmod 0600", "{folder}/open.pgpass")),
    "role_missing": ("ghost", ("role ghost does not exist", "there is ghosts", "Is it ghosts?")),
    "role_login_denied": ("sleeper", ("sleeper", "NOLOGIN")),
    "hba_rejected": ("unwelcome", ("unwelcome", "pg_hba.conf")),
    "database_missing": ("misspelt", ("agent_runtme does not exist", "Is it agent_runtime?")),
    "database_not_accepting": ("closed", ("closed_db", "ALLOW_CONNECTIONS")),
    "connection_limit_role_db": ("limited", ("limited", "CONNECTION LIMIT")),
    "corruption": ("damaged-server", ("invalid page", "public.torn")),
    "admin_termination": ("ended-dump", ("administrator command", "public.note", "{port}")),
    "index_corruption": (
        "damaged-index",
        ("pg_largeobject_loid_pn_index", "REINDEX", "zero page at block 1"),
    ),
    "collation_mismatch": ("collated", ("collated_db", "REFRESH COLLATION VERSION")),
    "sqlite_busy": ("busy-file", ("{folder}/busy.db", "{locker}")),
    "sqlite_notadb": ("no-database", ("{folder}/letter.db",)),
    "sqlite_corrupt": ("corrupt-file", ("{folder}/corrupt.db",)),
    "sqlite_cantopen_missing_dir": (
        "misspelt-file",
        ("{folder}/agent_runtme.db", "there is {folder}/agent_runtime.db", "Is it {folder}/agent"),
    ),
    "sqlite_path_is_folder": ("folder", ("{folder}/made-by-docker is a folder", "Docker makes")),
    "sqlite_schema_malformed": ("malformed", ("{folder}/malformed.db",)),
    "sqlite_too_old_library": ("future", ("{folder}/future.db", "unsupported file format")),
    "sqlite_replaced_in_use": ("replaced", ("{folder}/replaced.db", "{keeper}")),
    "sqlite_needs_recovery": ("crashed", ("{folder}/crashed.db", "Do not delete")),
    "sqlite_slow_in_docker": ("slow-disk", ("{folder}/agent_runtime.db", "fsync on")),
    "backup_dir_missing": ("no-folder", ("{folder}/letter.db", "Not a directory")),
    "destination_missing": ("unmounted", ("{folder}/unmounted",)),
    "backup_no_matching_tables": ("no-match", ("no_such_table", "agent_runtime")),
    "backup_tool_killed": ("killed-dump", ("SIGKILL", "killed-dump", "dmesg")),
    "backup_timeout": ("late-dump", ("not done after 4 s", "backup.timeout")),
}

LOCKED: Final = ("blocked_db", "late_db", "killed_db")

# The daemon's fsync is as slow as that of a folder that Docker Desktop passes through.
_SLOW_DISK: Final = """
import os, time
_fsync = os.fsync
def fsync(number):
    if ".fsync-" in os.readlink(f"/proc/self/fd/{number}"):
        time.sleep(0.4)
    _fsync(number)
os.fsync = fsync
"""

_COMPOSE: Final = """
services:
  db-of-compose:
    image: postgres
    ports:
      - "54399:5432"
"""


class Listener:
    """A service on a port of its own that answers *answer* to whatever is said, then closes."""

    def __init__(self, answer: bytes | None) -> None:
        self._answer = answer
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._held: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                peer, _ = self._socket.accept()
                self._held.append(peer)
                if self._answer is None:
                    continue  # it holds the line and says nothing
                with peer, suppress(OSError):
                    peer.recv(1024)  # what is not read makes a reset of the close
                    peer.sendall(self._answer)

    def close(self) -> None:
        self._socket.close()
        for each in self._held:
            each.close()


class Full:
    """A port whose queue is full: the kernel drops whoever comes, as a firewall does."""

    def __init__(self) -> None:
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(0)
        self.port = self._listener.getsockname()[1]
        self._waiting = []
        for _ in range(4):
            each = socket.socket()
            each.setblocking(False)
            each.connect_ex(("127.0.0.1", self.port))
            self._waiting.append(each)

    def close(self) -> None:
        for each in (*self._waiting, self._listener):
            each.close()


class World:
    """Servers, files and a daemon in one folder; ``values`` are what the lines must hold."""

    def __init__(self, folder: Path, server: Cluster, plain: Cluster, stack: ExitStack) -> None:
        self.folder = folder
        self.server = server
        self.plain = plain
        self._stack = stack
        listeners = {"http": b"HTTP/1.1 400 Bad Request\r\n\r\n", "slammed": b"", "deaf": None}
        ports = {name: self._listen(Listener(answer)) for name, answer in listeners.items()}
        self.values: dict[str, str] = {
            "folder": str(folder),
            "port": str(server.port),
            "closed": str(free_port()),
            "full": str(self._listen(Full())),
            **{name: str(port) for name, port in ports.items()},
        }
        self.daemon = Daemon(
            folder,
            {"targets": [*self._servers(), *self._files(), *self._backups()]},
            environment={"PYTHONPATH": f"{self._slow_disk()}:{Path(__file__).parents[2]}"},
            ready=False,
        )

    def _listen(self, service: Any) -> int:
        self._stack.callback(service.close)
        port: int = service.port
        return port

    # ------------------------------------------------------------------ troubles

    def _servers(self) -> list[dict[str, Any]]:
        server, values, here = self.server, self.values, "postgresql://app:pw-of-app@127.0.0.1"
        for statement in (
            "create role tls_only login password 'pw-of-tls'",
            "create role ghosts login password 'pw-of-ghosts'",
            "create role sleeper nologin password 'pw-of-sleeper'",
            "create role unwelcome login",
            "create role peer_user login",
            "create role limited login password 'pw-of-limited' connection limit 0",
            "create database agent_runtime template watched_template",
            "create database closed_db allow_connections false",
        ):
            server.sql(statement)
        passfile = self.folder / "open.pgpass"
        passfile.write_text("*:*:*:*:pw-of-nobody\n")
        passfile.chmod(0o644)
        (self.folder / "compose.yaml").write_text(_COMPOSE)
        other = make_certificates(self._made("authority")).other_crt
        urls = {
            "good": server.url("watchdog", "agent_runtime"),
            "refused": f"{here}:{values['closed']}/app",
            "nowhere": "postgresql://app:pw-of-app@no-such-host.invalid/app",
            "service": "postgresql://app:pw-of-app@db-of-compose/app",
            "silent": f"{here}:{values['full']}/app",
            "frozen": f"{here}:{values['deaf']}/app",
            "unreachable": "postgresql://app:pw-of-app@224.0.0.1/app",
            "no-socket": f"postgresql://app@/app?host={self.folder}/run",
            "http": f"{here}:{values['http']}/app",
            "slammed": f"{here}:{values['slammed']}/app",
            "tls-only": server.url("tls_only", "agent_runtime", "pw-of-tls", sslmode="disable"),
            "no-tls": self.plain.url("watchdog", "postgres", sslmode="require"),
            "wrong-authority": server.url(
                "watchdog", "agent_runtime", sslmode="verify-full", sslrootcert=str(other)
            ),
            "wrong-password": server.url("owner", "agent_runtime", "certainly-wrong"),
            "no-password": f"postgresql://watchdog@127.0.0.1:{server.port}/agent_runtime",
            "peer": f"postgresql://peer_user@/postgres?host={server.folder}&port={server.port}",
            "open-passfile": f"postgresql://watchdog@127.0.0.1:{server.port}/agent_runtime"
            f"?passfile={passfile}",
            "ghost": server.url("ghost", "agent_runtime"),
            "sleeper": server.url("sleeper", "agent_runtime", "pw-of-sleeper"),
            "unwelcome": server.url("unwelcome", "agent_runtime", "pw-of-unwelcome"),
            "misspelt": server.url("watchdog", "agent_runtme"),
            "closed": server.url("watchdog", "closed_db"),
            "collated": server.url("watchdog", "collated_db"),
            "limited": server.url("limited", "agent_runtime", "pw-of-limited"),
        }
        return [{"name": name, "url": url, "probe": SERVERS} for name, url in urls.items()]

    def _files(self) -> list[dict[str, Any]]:
        folder = self.folder
        make_database(folder / "agent_runtime.db")
        make_database(folder / "busy.db", "delete")
        locker = sqlite3.connect(folder / "busy.db", isolation_level=None, check_same_thread=False)
        locker.execute("BEGIN EXCLUSIVE")
        self._stack.callback(locker.close)
        self.values["locker"] = f"pid {os.getpid()}"
        (folder / "letter.db").write_bytes(b"this is a letter to my landlord. " * 200)
        make_database(folder / "corrupt.db", "delete", rows=50)
        with (folder / "corrupt.db").open("r+b") as file:
            file.seek(100)
            file.write(b"\xff" * 3000)
        make_database(folder / "malformed.db", "delete")
        with closing(sqlite3.connect(folder / "malformed.db")) as connection:
            connection.execute("PRAGMA writable_schema = ON")
            connection.execute("UPDATE sqlite_master SET sql = 'CREATE TABLE t (('")
            connection.commit()
        hot_journal(folder / "crashed.db")
        with make_database(folder / "future.db", "delete").open("r+b") as file:
            file.seek(44)  # the schema's format, of which this library knows four
            file.write((5).to_bytes(4, "big"))
        self._replace(folder / "replaced.db")
        paths = {
            "busy-file": "busy.db",
            "no-database": "letter.db",
            "corrupt-file": "corrupt.db",
            "misspelt-file": "agent_runtme.db",
            "folder": self._made("made-by-docker").name,
            "malformed": "malformed.db",
            "crashed": "crashed.db",
            "future": "future.db",
            "replaced": "replaced.db",
            "slow-disk": "agent_runtime.db",
        }
        return [
            {"name": name, "url": f"sqlite:///{folder / path}", "probe": FILES}
            for name, path in paths.items()
        ]

    def _replace(self, path: Path) -> None:
        """Put another file in the place of one that an application goes on with."""
        keeper = self._stack.enter_context(Application(make_database(path, "delete")))
        keeper.open()
        keeper.execute("INSERT INTO t VALUES (1)")
        make_database(path.with_suffix(".new"), "delete").rename(path)
        self.values["keeper"] = str(keeper.pid)

    def _backups(self) -> list[dict[str, Any]]:
        """Return targets that are well and cannot be backed up, each for a reason of its own."""
        folder, server = self.folder, self.server
        for name in LOCKED:
            server.sql(f"create database {name} template watched_template")
        destinations = Destinations(folder / "state")
        destinations.open(self._made("unmounted"), "unmounted")
        shutil.rmtree(folder / "unmounted")  # what a disk looks like that is not mounted
        files = [make_database(folder / f"sound-{number}.db") for number in (1, 2)]
        urls = {
            "no-folder": (f"sqlite:///{files[0]}", folder / "letter.db" / "backups"),
            "unmounted": (f"sqlite:///{files[1]}", folder / "unmounted"),
            "damaged-server": (server.url("owner", "damaged_db"), folder / "backups"),
            "damaged-index": (server.url("owner", "lob_db"), folder / "backups"),
            "no-match": (server.url("owner", "agent_runtime"), folder / "backups"),
            "killed-dump": (server.url("owner", "killed_db"), folder / "backups"),
            "ended-dump": (server.url("owner", "blocked_db"), folder / "backups"),
            "late-dump": (server.url("owner", "late_db"), folder / "backups"),
        }
        targets = [
            {
                "name": name,
                "url": url,
                "probe": SERVERS,
                "backup": {
                    "directory": str(directory),
                    "schedule": "@every 6h",
                    "run_on_start": True,
                },
            }
            for name, (url, directory) in urls.items()
        ]
        more: dict[str, dict[str, Any]] = {
            "late-dump": {"timeout": "4s"},
            "no-match": {"include": {"tables": ["no_such_table"]}},
        }
        for target in targets:
            target["backup"] |= more.get(target["name"], {})
        return targets

    def lock(self) -> None:
        """Keep dumps waiting, as a schema change does."""
        for name in LOCKED:
            holder = subprocess.Popen(
                [
                    *(self.server.binaries / "psql", "-qX", "-h", self.server.folder),
                    *("-p", str(self.server.port), "-U", "postgres", "-d", name),
                ],
                stdin=subprocess.PIPE,
                text=True,
            )
            self._stack.callback(_end, holder)
            assert holder.stdin is not None
            holder.stdin.write("begin; lock table note in access exclusive mode;\n")
            holder.stdin.flush()

    def end_dumps(self) -> None:
        """End the session of a dump that waits, as an administrator does, and kill another."""
        ended = (
            "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname ="
            " 'blocked_db' and query like 'LOCK TABLE%' and wait_event_type = 'Lock'"
        )

        def failed() -> bool:
            self.server.sql(ended)  # it may be begun again in another way
            for pid in self._dumps_of("killed_db"):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            told = ("ended-dump", "killed-dump")
            return all(self.daemon.events("backup failed", target=name) for name in told)

        wait_until(failed, "the dumps of blocked_db and killed_db are ended", PATIENCE, pause=0.2)

    def _dumps_of(self, database: str) -> list[int]:
        return [
            child.pid
            for child in descendants(self.daemon.pid)
            if child.program == "pg_dump" and database in " ".join(child.argv)
        ]

    def _slow_disk(self) -> Path:
        place = self._made("slow-disk")
        (place / "sitecustomize.py").write_text(_SLOW_DISK)
        return place

    def _made(self, name: str) -> Path:
        made = self.folder / name
        made.mkdir()
        return made


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def damage(server: Cluster) -> None:
    """Give the server a table whose second page is rubbish, and an index whose page is empty."""
    server.sql("create database damaged_db template watched_template")
    server.sql(
        "create table torn as select n, repeat('x', 500) from generate_series(1, 200) n;"
        " alter table torn owner to owner; checkpoint",
        database="damaged_db",
    )
    place = server.data / server.sql("select pg_relation_filepath('torn')", database="damaged_db")
    server.sql("create database lob_db owner owner")
    server.sql("select lo_from_bytea(0, 'a large object')", "lob_db", "owner")
    index = "select pg_relation_filepath('pg_largeobject_loid_pn_index')"
    crooked = server.data / server.sql(f"checkpoint; {index}", database="lob_db")
    server.sql("create database collated_db")
    server.sql("update pg_database set datcollversion = '1' where datname = 'collated_db'")
    server.stop()
    for path, rubbish in ((place, b"\xff" * 4096), (crooked, bytes(8192))):
        with path.open("r+b") as file:
            file.seek(8192)
            file.write(rubbish)
    server.start()
    hba = server.data / "pg_hba.conf"
    hba.write_text(f"{LOCAL}\n{hba.read_text()}")
    server.sql("select pg_reload_conf()")


@pytest.fixture(scope="module")
def world(
    tmp_path_factory: pytest.TempPathFactory, cluster: Cluster, postgres_binaries: None
) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("world")
    with ExitStack() as stack:
        keys = make_certificates(tmp_path_factory.mktemp("keys"))
        server = Cluster(hba=HBA, ssl="on")
        stack.callback(server.remove)
        for name in ("crt", "key"):
            shutil.copy(keys.folder / f"server.{name}", server.folder / f"server.{name}")
        (server.folder / "server.key").chmod(0o600)
        server.settings |= {
            "ssl_cert_file": str(server.folder / "server.crt"),
            "ssl_key_file": str(server.folder / "server.key"),
        }
        server.create()
        damage(server)
        world = World(folder, server, cluster, stack)
        world.lock()
        with world.daemon:
            world.end_dumps()
            yield world


@pytest.mark.parametrize("hint", HINTS)
def test_a_hint_is_read_in_the_log_with_its_values(world: World, hint: str) -> None:
    wait_told(world.daemon, HINTS, hint, world.values)


def test_no_target_with_a_trouble_of_its_own_disturbs_the_good_one(world: World) -> None:
    world.daemon.wait_up("good", 1)
    assert world.daemon.tracebacks == ""
