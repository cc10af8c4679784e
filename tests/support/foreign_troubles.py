"""Troubles of a real server, as it and its tools put them in one language or another.

Owns: how each trouble is provoked, and which hints its text may lead to
first. Must not know: how a text is matched.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Any, Final

import asyncpg

from tests.support.languages import Spoken
from tests.support.postgres import Cluster, clusters, free_port

HBA: Final = (
    "host all ghost 127.0.0.1/32 trust",
    "host all rejected 127.0.0.1/32 reject",
    "hostssl all tls_only 127.0.0.1/32 scram-sha-256",
    "host all watchdog,owner,sleeper,limited,postgres,slow 127.0.0.1/32 scram-sha-256",
)
_SQL: Final = (
    "create role sleeper nologin password 'pw'",
    "create role limited login password 'pw' connection limit 0",
    "create role slow login password 'pw'",
    "alter role slow set temp_file_limit = '64kB'",
    "alter role slow set work_mem = '64kB'",
    "grant temp on database shop to slow",
    "create database closed_db allow_connections false",
)
_TABLES: Final = (
    "create table item (id int primary key, name varchar(3) not null)",
    "insert into item values (1, 'one'), (2, 'two')",
)

# What is asked by psql and by asyncpg, and the hints that the text may have first;
# none at all is right for what is the application's own affair.
STATEMENTS: Final[dict[str, tuple[str, str, tuple[str, ...]]]] = {
    "missing table": ("owner", "select * from nowhere", ("postgres_no_such_table",)),
    "no grant": ("watchdog", "select * from item", ("permission_denied_table",)),
    "statement timeout": (
        "owner",
        "set statement_timeout = 20; select pg_sleep(5)",
        ("statement_timeout",),
    ),
    "lock timeout": (
        "owner",
        "set lock_timeout = 20; lock table held in access exclusive mode",
        ("lock_timeout",),
    ),
    "read only": (
        "owner",
        "begin read only; delete from item",
        ("read_only_transaction",),
    ),
    "no extension": ("postgres", "create extension no_such_extension", ("missing_extension",)),
    "encoding": ("owner", r"select convert_from('\xff', 'UTF8')", ("encoding",)),
    "no prepared statement": ("owner", "execute s1", ("pgbouncer_prepared_statement",)),
    "prepared twice": (
        "owner",
        "prepare s2 as select 1; prepare s2 as select 1",
        ("pgbouncer_prepared_statement",),
    ),
    "temporary files": (
        "slow",
        "select count(*) from (select i from generate_series(1, 200000) i order by -i) x",
        ("temp_file_limit",),
    ),
    "no file": ("postgres", "copy pg_class to '/proc/version'", ("permission_denied_file",)),
    "shutdown": ("owner", "select pg_terminate_backend(pg_backend_pid())", ("admin_termination",)),
    "exists": (
        "postgres",
        "create database shop",
        ("backup_target_exists", "restore_into_nonempty"),
    ),
    "unique": ("owner", "insert into item values (1, 'x')", ()),
    "syntax": ("owner", "selekt 1", ()),
    "missing column": ("owner", "select nothing from item", ()),
    "not null": ("owner", "insert into item values (3, null)", ()),
    "too long": ("owner", "insert into item values (4, 'long')", ()),
    "division": ("owner", "select 1 / (id - 1) from item", ()),
    "no function": ("owner", "select nothing(1)", ()),
    "notice": ("owner", "drop table if exists none; selekt 1", ()),
}

LOGINS: Final[dict[str, tuple[dict[str, str], tuple[str, ...]]]] = {
    "wrong password": ({"user": "watchdog", "password": "wrong"}, ("auth_failed",)),
    "no password": ({"user": "watchdog", "password": ""}, ("no_password",)),
    "no database": ({"user": "watchdog", "database": "absent"}, ("database_missing",)),
    "no role": ({"user": "ghost", "password": "x"}, ("role_missing",)),
    "may not log in": ({"user": "sleeper", "password": "pw"}, ("role_login_denied",)),
    "rejected": ({"user": "rejected", "password": "x"}, ("hba_rejected",)),
    # "no encryption" leaves open whether it is that
    "unwelcome": ({"user": "stranger", "password": "x"}, ("tls_required", "hba_rejected")),
    "too many of the role": (
        {"user": "limited", "password": "pw"},
        ("connection_limit_role_db",),
    ),
    "closed database": (
        {"user": "watchdog", "database": "closed_db"},
        ("database_not_accepting",),
    ),
    "no TLS": ({"user": "watchdog", "sslmode": "require"}, ("tls_not_supported",)),
}


@dataclass(frozen=True)
class Told:
    """A trouble, who told of it, in which words, and the hints that may come first."""

    trouble: str
    source: str
    text: str
    hints: tuple[str, ...]


class Speaker:
    """A server that speaks one language after the other, and the clients that quote it."""

    def __init__(self, speech: Spoken, stack: ExitStack) -> None:
        self._speech = speech
        self.server: Cluster = stack.enter_context(clusters())(
            binaries=speech.binaries,
            environment={"LOCPATH": str(speech.folder), "LC_ALL": ""},
            hba=HBA,
            max_connections=10,
            log_min_messages="fatal",
        )
        # Of UTF-8, or what the C library says of a file would be without its own letters.
        self.server.sql("create database shop owner owner template template0 lc_ctype 'C.UTF-8'")
        for statement in _SQL:
            self.server.sql(statement)
        for statement in _TABLES:
            self.server.sql(statement, "shop", "owner")
        self.server.sql("create table held (a int)", "shop", "owner")

    def speak(self, language: str) -> None:
        """Let the server speak *language*."""
        self.server.settings["lc_messages"] = self._speech.locale(language)
        self.server.restart()

    # ------------------------------------------------------------------ clients

    def tool(self, language: str, program: str, url: str, *arguments: str) -> str:
        """Return what a tool of PostgreSQL's writes on its stderr."""
        done = subprocess.run(
            [self.server.binaries / program, "-w", *arguments, "-d", url],
            capture_output=True,
            text=True,
            env={
                "PATH": os.defpath,
                "HOME": str(self.server.folder),
                "PGCONNECT_TIMEOUT": "5",
                **self._speech.environment(language),
            },
            timeout=30,
            check=False,
        )
        assert done.returncode != 0, (program, arguments)
        return done.stderr

    def psql(self, language: str, url: str, statement: str = "select 1") -> str:
        return self.tool(language, "psql", url, "-X", "-v", "ON_ERROR_STOP=1", "-c", statement)

    async def driver(self, statement: str = "select 1", **login: Any) -> str:
        """Return what asyncpg raises, as a traceback shows it; "" for what it does not meet."""
        address = {"host": self.server.host, "port": self.server.port, "database": "shop"}
        try:
            session = await asyncpg.connect(**{**address, **login}, timeout=10, ssl=False)
            try:
                await session.execute(statement)
            finally:
                with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                    await session.close(timeout=2)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            return traced(error)
        return ""

    # ------------------------------------------------------------------ troubles

    async def logins(self, language: str) -> list[Told]:
        """Provoke what a login may meet."""
        found = []
        for trouble, (login, hints) in LOGINS.items():
            url = self.server.url(**{"database": "shop", **login})
            if trouble == "no password":
                url = url.replace("watchdog:" + url.split(":")[2].split("@")[0], "watchdog")
            for program in ("psql", "pg_dump"):
                said = self.tool(language, program, url)
                found.append(Told(trouble, program, said, hints))
            if trouble not in ("no TLS", "no password"):
                password = login.get("password") or self.server.passwords[login["user"]]
                said = await self.driver(
                    user=login["user"],
                    password=password,
                    database=login.get("database", "shop"),
                )
                # asyncpg repeats what the server says; that it is a role's is not in every text
                found.append(Told(trouble, "asyncpg", said, hints))
        return [*found, *self._unreachable(language)]

    def _unreachable(self, language: str) -> Iterator[Told]:
        here = f"postgresql://watchdog@127.0.0.1:{free_port()}/shop"
        nowhere = "postgresql://watchdog@no-such-host.invalid/shop"
        socket = f"postgresql://watchdog@/shop?host={self.server.folder}/none"
        for program in ("psql", "pg_dump"):
            for url, hint in (
                (here, "connection_refused"),
                (nowhere, "dns_failure"),
                (socket, "unix_socket_missing"),
            ):
                yield Told(hint, program, self.tool(language, program, url), (hint,))

    async def statements(self, language: str) -> list[Told]:
        """Provoke what a statement may meet."""
        found = []
        holder = await self.server.connect("shop", "owner")
        try:
            await holder.execute("begin; lock table held in access exclusive mode")
            for trouble, (user, statement, hints) in STATEMENTS.items():
                password = self.server.passwords.get(user, "pw")
                url = self.server.url(user, "shop", password)
                said = self.psql(language, url, statement)
                found.append(Told(trouble, "psql", said, hints))
                said = await self.driver(statement, user=user, password=password)
                found.append(Told(trouble, "asyncpg", said, hints))
            url = self.server.url("owner", "shop")
            said = self.tool(language, "pg_dump", url, "--lock-wait-timeout=50", "-f/dev/null")
            found.append(Told("dump behind a lock", "pg_dump", said, ("lock_timeout",)))
        finally:
            await holder.close(timeout=5)
        said = self.tool(language, "pg_dump", self.server.url("watchdog", "shop"), "-f/dev/null")
        found.append(Told("dump without a grant", "pg_dump", said, ("permission_denied_table",)))
        return [*found, await self._deadlock()]

    async def _deadlock(self) -> Told:
        one, other = [await self.server.connect("shop", "owner") for _ in range(2)]
        change = "update item set name = name where id = "
        try:
            await one.execute(f"begin; {change} 1")
            await other.execute(f"begin; {change} 2")
            turns = await asyncio.gather(
                one.execute(f"{change} 2"), other.execute(f"{change} 1"), return_exceptions=True
            )
        finally:
            one.terminate()
            other.terminate()
        (error,) = [turn for turn in turns if isinstance(turn, BaseException)]
        return Told("deadlock", "asyncpg", traced(error), ("deadlock",))

    async def crowded(self, language: str) -> list[Told]:
        """Provoke that no connection is left: for the others, and for the superuser, too."""
        found, sessions = [], []
        try:
            for user in (*["owner"] * 7, *["postgres"] * 3):
                url = self.server.url("watchdog", "shop")
                if len(sessions) == 7:
                    said = self.psql(language, url)
                    found.append(Told("reserved", "psql", said, ("too_many_connections",)))
                sessions.append(await self.server.connect("shop", user))
            said = self.psql(language, self.server.url("postgres", "shop"))
            found.append(Told("no slot", "psql", said, ("too_many_connections",)))
            said = await self.driver(user="watchdog", password=self.server.passwords["watchdog"])
            found.append(Told("no slot", "asyncpg", said, ("too_many_connections",)))
        finally:
            for session in sessions:
                await session.close(timeout=5)
        return found

    async def going(self, language: str) -> list[Told]:
        """Provoke that the server goes, and is not quite there yet."""
        found = []
        url = self.server.url("watchdog", "shop")
        login = {"user": "watchdog", "password": self.server.passwords["watchdog"]}
        session = await self.server.connect("shop", "owner")
        try:
            os.kill(self.server.pid, signal.SIGTERM)  # smart: it waits for the session
            found.append(
                Told("stopping", "asyncpg", await self._until("57P03", login), ("shutting_down",))
            )
            found.append(Told("stopping", "psql", self.psql(language, url), ("shutting_down",)))
        finally:
            session.terminate()
        self.server.stop("immediate")
        signal_file = self.server.data / "standby.signal"
        signal_file.touch()
        self.server.settings["hot_standby"] = "off"
        try:
            self.server.start(wait=False)
            said = await self._until("57P03", login)
            found.append(Told("starting", "asyncpg", said, ("starting_up",)))
            found.append(Told("starting", "psql", self.psql(language, url), ("starting_up",)))
        finally:
            self.server.kill()
            signal_file.unlink()
            del self.server.settings["hot_standby"]
            self.server.start()
        return found

    async def _until(self, code: str, login: dict[str, str]) -> str:
        """Knock until the server answers with the SQLSTATE *code*; return what it says."""
        address = {"host": self.server.host, "port": self.server.port, "database": "shop"}
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                session = await asyncpg.connect(**address, **login, ssl=False, timeout=10)
                await session.close(timeout=5)
            except asyncpg.PostgresError as error:
                if error.sqlstate == code:
                    return traced(error)
            except OSError:
                await asyncio.sleep(0.02)
        raise AssertionError(f"the server never answered {code}")


def traced(error: BaseException) -> str:
    """Return the last line of a traceback of *error*."""
    return f"{type(error).__module__}.{type(error).__name__}: {error}"
