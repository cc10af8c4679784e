"""Logging in: hosts in their order, TLS attempts, start-up parameters, poolers, fresh passwords.

Owns: everything between a URL and an open asyncpg connection. Must not know:
what is asked on it, targets, rounds.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import asyncpg

from watchdog.database_url import PostgresqlUrl
from watchdog.engines.postgresql.credentials import Credentials
from watchdog.engines.postgresql.errors import (
    LineError,
    LoginError,
    NoPasswordError,
    PassfileIgnoredError,
    RoleClosedError,
    TlsSetupError,
    WrongRoleError,
)
from watchdog.engines.postgresql.tls import Tls, attempts
from watchdog.engines.postgresql.wire import Timing, WireLoop, not_postgresql
from watchdog.secret import Secret

APPLICATION: Final = "db-watchdog"

# A question of ours that waits for a lock would make others wait behind it.
LOCK_TIMEOUT: Final = 0.2

# Which role of server each value of target_session_attrs asks for, in the
# order of preference. Our own sessions are read-only by their start-up
# parameter, so "read-write" can only ask for the role.
_WANTED: Final[Mapping[str, tuple[str, ...]]] = {
    "any": ("any",),
    "read-write": ("primary",),
    "primary": ("primary",),
    "read-only": ("standby",),
    "standby": ("standby",),
    "prefer-standby": ("standby", "any"),
}


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds in seconds: of the whole login, and of each statement on the server."""

    login: float
    statement: float

    def settings(self) -> dict[str, str]:
        """Return what every session is given: nothing it does may hurt or be led astray."""
        return {
            "statement_timeout": _milliseconds(self.statement),
            "lock_timeout": _milliseconds(min(LOCK_TIMEOUT, self.statement)),
            "idle_in_transaction_session_timeout": _milliseconds(self.login + self.statement),
            "default_transaction_read_only": "on",
            "search_path": "pg_catalog",
            "jit": "off",
            "max_parallel_workers_per_gather": "0",
        }


class Poolers:
    """Which servers turned out to be PgBouncer or its like, by ``host:port``."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def __contains__(self, server: str) -> bool:
        return server in self._known

    def add(self, server: str) -> None:
        """Remember that *server* refuses start-up parameters."""
        self._known.add(server)


@dataclass(slots=True)
class Connection:
    """An open connection. ``pooler``: each transaction may get another session of the server."""

    driver: Any  # asyncpg.Connection
    wire: WireLoop
    pooler: bool
    host: str
    port: int

    def abort(self) -> None:
        """End it at once by RST; nothing of it stays behind, here or on a server that hangs."""
        self.wire.reset_on_close()
        self.driver.terminate()

    async def close(self) -> None:
        """End it politely within a second, or else at once."""
        try:
            await self.driver.close(timeout=1.0)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            self.abort()
        except BaseException:
            self.abort()
            raise


async def connect(
    url: PostgresqlUrl,
    credentials: Credentials,
    timing: Timing,
    limits: Limits,
    poolers: Poolers,
) -> Connection:
    """Log in and return the connection.

    Raises ``OSError``, ``ssl.SSLError``, ``LineError`` or
    ``asyncpg.PostgresError``. The caller sets the deadline; ``timing.phase``
    says where one that passed has struck.
    """
    login = _Login(url, credentials, timing, limits, poolers)
    try:
        return await login.run()
    except (
        asyncpg.InvalidAuthorizationSpecificationError,
        asyncpg.ProtocolViolationError,  # how an older PgBouncer says it
        NoPasswordError,
    ):
        if not await credentials.reread():
            raise
    return await login.run()


class _Login:
    """One login: the hosts in turn, each by the attempts that ``sslmode`` means."""

    def __init__(
        self,
        url: PostgresqlUrl,
        credentials: Credentials,
        timing: Timing,
        limits: Limits,
        poolers: Poolers,
    ) -> None:
        self._url = url
        self._credentials = credentials
        self._timing = timing
        self._limits = limits
        self._poolers = poolers
        self._tls: tuple[Tls | None, ...] = (None,)

    async def run(self) -> Connection:
        """Try the hosts in their order and return the first that is what the URL asks for."""
        self._tls = await attempts(self._url)
        wanted = self._url.parameters.get("target_session_attrs", "any")
        candidates = [
            (role, host, port) for role in _WANTED[wanted] for host, port in self._url.hosts
        ]
        failed: list[Exception] = []
        for index, (role, host, port) in enumerate(candidates):
            left = len(candidates) - index
            share = self._limits.login / len(candidates) if left > 1 else None
            try:
                async with asyncio.timeout(share):
                    return await self._host(host, port, role)
            except (TlsSetupError, LoginError):
                raise
            except (OSError, LineError, asyncpg.CannotConnectNowError) as error:
                failed.append(error)
        raise _most_telling(failed)

    async def _host(self, host: str, port: int, role: str) -> Connection:
        """Log in to one host and see whether its role is the one wanted."""
        password = await self._credentials.password(host, port, self._url.database)
        connection = await self._attempted(host, port, password)
        if role == "any":
            return connection
        try:
            standby = await connection.driver.fetchval("select pg_catalog.pg_is_in_recovery()")
        except BaseException:
            connection.abort()
            raise
        if standby == (role == "standby"):
            return connection
        await connection.close()
        raise WrongRoleError(
            f"{host}:{port} is a {'standby' if standby else 'primary'} and the URL's"
            f" target_session_attrs asks for a {role}"
        )

    async def _attempted(self, host: str, port: int, password: Secret | None) -> Connection:
        """Try with and without TLS as ``sslmode`` means; the first rejection is the one told."""
        choices = (None,) if host.startswith("/") else self._tls
        first: Exception | None = None
        for choice in choices:
            try:
                return await self._logged_in(host, port, choice, password)
            except (asyncpg.InvalidAuthorizationSpecificationError, ssl.SSLError) as error:
                if isinstance(error, asyncpg.InvalidPasswordError):
                    raise
                first = first or error
            except (OSError, LineError) as error:
                raise first or error from error
        assert first is not None
        raise first

    async def _logged_in(
        self, host: str, port: int, tls: Tls | None, password: Secret | None
    ) -> Connection:
        """Log in directly, or as behind a pooler where that is what the server turns out to be."""
        server = f"{host}:{port}"
        if server not in self._poolers:
            try:
                connection = await self._open(host, port, tls, password, pooler=False)
            except asyncpg.ProtocolViolationError as error:
                if "startup parameter" not in str(error):  # poolers speak English only
                    raise
            else:
                if _took_settings(connection):
                    return connection
                connection.abort()  # a pooler that swallows them: they are not in force
            self._poolers.add(server)
        return await self._open(host, port, tls, password, pooler=True)

    async def _open(
        self, host: str, port: int, tls: Tls | None, password: Secret | None, *, pooler: bool
    ) -> Connection:
        wire = WireLoop(tls, self._timing, self._limits.login)
        settings = {"application_name": APPLICATION}
        if not pooler:
            settings = {**self._url.server_settings(), **self._limits.settings(), **settings}
        asyncpg_connect: Any = asyncpg.connect  # its stubs know no loop but the real one
        try:
            driver = await asyncpg_connect(
                host=host,
                port=port,
                user=self._url.user,
                password=password.reveal() if password is not None else "",
                database=self._url.database,
                ssl=False,  # the wire sees to it
                direct_tls=False,
                target_session_attrs="any",
                krbsrvname=self._url.parameters.get("krbsrvname"),
                gsslib=self._url.parameters.get("gsslib"),
                server_settings=settings,
                statement_cache_size=0 if pooler else 100,
                max_cached_statement_lifetime=0,  # as long as the session: they are asked for ever
                timeout=None,
                loop=wire,
            )
        except (OSError, asyncpg.PostgresError) as error:
            if wire.stranger:
                raise not_postgresql(f"{host}:{port}") from error
            if wire.asked_for_password:
                self._look_closer(error, password)
            raise
        wire.established()
        self._timing.stop()
        return Connection(driver, wire, pooler, host, port)

    def _look_closer(self, error: Exception, password: Secret | None) -> None:
        """Raise what the server does not tell apart but the course of the login does."""
        closed = isinstance(error, asyncpg.InvalidAuthorizationSpecificationError)
        if closed and getattr(error, "server_source_function", "") == "InitializeSessionUserId":
            # It comes after the password was accepted, so the role is there.
            raise RoleClosedError(str(error)) from error
        if password is not None or not isinstance(error, asyncpg.InvalidPasswordError):
            return
        if (ignored := self._credentials.ignored) is not None:
            raise PassfileIgnoredError(
                f"the server asks for a password and {ignored} is ignored, for others may read it:"
                f" chmod 0600 {ignored}"
            ) from error
        remedy = self._credentials.unreadable or "put it into the URL, password_file or a passfile"
        raise NoPasswordError(
            f"the server asks {self._url.user} for a password and there is none: {remedy}"
        ) from error


def _took_settings(connection: Connection) -> bool:
    """Whether the start-up parameters are in force; a server before 14 does not report it."""
    settings = connection.driver.get_settings()
    return getattr(settings, "default_transaction_read_only", "on") == "on"


def _most_telling(failed: list[Exception]) -> Exception:
    """Return the last failure that says more than that a server has the other role."""
    for error in reversed(failed):
        if not isinstance(error, WrongRoleError):
            return error
    return failed[-1]


def _milliseconds(seconds: float) -> str:
    return str(max(1, round(seconds * 1000)))
