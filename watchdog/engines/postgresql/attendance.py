"""The one session that is kept on a server, whatever the number of its targets.

Owns: as whom and where it is held, noticing its death, and which targets'
databases are gone. Must not know: when it is asked, what probes ask.

It is held in the database ``postgres``: one held in a watched database makes
DROP, RENAME and CREATE … TEMPLATE of that database fail. Where none of the
targets' logins may connect to ``postgres``, a session is opened in a target's
own database for one round and nothing is kept (``lasting`` is false).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import asyncpg

from watchdog.database_url import PostgresqlUrl
from watchdog.engines import Session
from watchdog.engines.postgresql.connection import Limits, Poolers, connect
from watchdog.engines.postgresql.credentials import Credentials
from watchdog.engines.postgresql.failures import facts_of, trouble
from watchdog.engines.postgresql.probes import availability
from watchdog.engines.postgresql.session import PostgresqlSession
from watchdog.engines.postgresql.wire import Timing
from watchdog.model import Failure, Kind, Phase, Server, SessionMode, Target

MAINTENANCE_DATABASE: Final = "postgres"

# Statements of a round end on the server well before the round's own
# deadline, so that a slow one fails by itself and does not read as a dead server.
STATEMENT_SHARE: Final = 0.2

# No question is begun after this share of it: with the statement's own share
# it is less than the half that a round gives to the session it holds.
ROUND_SHARE: Final = 0.25

# For this long a refusal of the database postgres is remembered, seconds.
_REFUSAL_REMEMBERED: Final = 600.0

_TURNS_AWAY: Final = "57P03"  # cannot_connect_now

_LONGEST_NAME: Final = 63  # NAMEDATALEN - 1, in bytes: the server cuts names off there

# Only those of the names that cannot be visited, or one row without a name.
_ABSENT: Final = """
select s.standby, n.name::text as name, n.present, n.connection_limit
  from (select pg_catalog.pg_is_in_recovery() as standby) s
  left join (select w.name, d.oid is not null as present, d.datconnlimit as connection_limit
               from pg_catalog.unnest($1::text::name[]) w (name)
               left join pg_catalog.pg_database d on d.datname = w.name
              where d.oid is null or not d.datallowconn or d.datconnlimit = -2) n on true
"""


class PostgresqlAttendance:
    """See ``watchdog.engines.Attendance``."""

    def __init__(
        self,
        server: Server,
        targets: Sequence[Target],
        credentials: Callable[[Target], Credentials],
        poolers: Poolers,
        on_lost: Callable[[], None],
    ) -> None:
        self._server = server
        self._targets = tuple(targets)
        self._credentials = credentials
        self._poolers = poolers
        self._on_lost = on_lost
        self._timeout = min(target.probe.timeout for target in targets)
        self._timing = Timing()
        self._session: PostgresqlSession | None = None
        self._names: dict[str, list[Target]] = {}  # by database, as the server calls it
        for target in targets:
            self._names.setdefault(_as_stored(_url(target).database), []).append(target)
        self._watched = _as_array(self._names)
        self._refused_until = 0.0
        self._facts: dict[str, Any] = {}
        self._lasting = True

    @property
    def phase(self) -> Phase:
        """Where the latest attempt stands."""
        return self._timing.phase

    @property
    def phases(self) -> Mapping[Phase, float]:
        """The seconds of each finished phase of the latest attempt to open."""
        return self._timing.phases

    @property
    def lasting(self) -> bool:
        """Whether the session may be kept between rounds."""
        return self._lasting

    async def session(self) -> PostgresqlSession:
        """Return the held session, opening it if there is none. Raises as ``connect``."""
        until = time.monotonic() + self._timeout * ROUND_SHARE
        if self._session is not None and self._session.alive:
            self._session.ask_until(until)
            return self._session
        self._session = None
        self._timing = Timing()
        try:
            session = await self._opened()
        except BaseException:
            self._timing.drop()
            raise
        self._timing.phase = Phase.QUERY
        self._session = session
        session.facts.update(self._facts)
        session.ask_until(until)
        session.when_lost(self._lost)
        return session

    async def absent(self, session: Session) -> Mapping[str, Failure]:
        """Ask which targets' databases are gone or closed to connections, by target name."""
        assert isinstance(session, PostgresqlSession)
        if session.pooler:
            return {}  # its names of databases are its own: only a visit can tell
        began = time.perf_counter()
        rows = await session.fetch_first(_ABSENT, self._watched)
        availability.remember(session, time.perf_counter() - began, standby=rows[0]["standby"])
        return {
            target.name: self._absence(target, row)
            for row in rows
            if row["name"] is not None
            for target in self._names[row["name"]]
        }

    def must_leave(self, failure: Failure) -> bool:
        """Whether *failure* says that new sessions are turned away while ours is kept.

        A server that shuts down smartly waits for the sessions that it has,
        ours among them, and answers them as ever.
        """
        return failure.code == _TURNS_AWAY and self._session is not None

    def facts(self) -> Mapping[str, Any]:
        """Return what is known of the server."""
        if self._session is not None:
            self._facts = dict(self._session.facts)
        return dict(self._facts)

    def abort(self) -> None:
        """Drop the session at once by RST; the next ``session()`` opens another."""
        session, self._session = self._session, None
        if session is not None:
            self._facts = dict(session.facts)
            session.abort()

    async def close(self) -> None:
        """End politely, within a second."""
        session, self._session = self._session, None
        if session is not None:
            self._facts = dict(session.facts)
            await session.close()

    # -------------------------------------------------------------- opening

    async def _opened(self) -> PostgresqlSession:
        """Open in ``postgres`` with the first login that may, else in a target's own database."""
        errors: list[asyncpg.PostgresError] = []
        elsewhere = self._logins()
        if time.monotonic() >= self._refused_until:
            for target in self._logins():
                url = _url(target).with_database(MAINTENANCE_DATABASE)
                try:
                    session = await self._open(target, url)
                except asyncpg.CannotConnectNowError:
                    raise
                except asyncpg.PostgresError as error:
                    errors.append(error)
                    if isinstance(error, asyncpg.InvalidPasswordError):
                        elsewhere.remove(target)  # wrong there as here
                    continue
                self._lasting = target.probe.session is SessionMode.HELD
                return session
        for target in self._in_own_database(elsewhere):
            try:
                session = await self._open(target, _url(target))
            except asyncpg.CannotConnectNowError:
                raise
            except asyncpg.PostgresError as error:
                errors.append(error)
                continue
            if time.monotonic() >= self._refused_until:
                self._refused_until = time.monotonic() + _REFUSAL_REMEMBERED
            self._lasting = False
            return session
        self._watched = _as_array(self._names)
        self._refused_until = 0.0
        raise errors[0] if errors else RuntimeError(f"{self._server.name} has no targets")

    async def _open(self, target: Target, url: PostgresqlUrl) -> PostgresqlSession:
        limits = Limits(self._timeout / 2, max(0.1, self._timeout * STATEMENT_SHARE))
        connection = await connect(
            url, self._credentials(target), self._timing, limits, self._poolers
        )
        databases = dict.fromkeys(_url(each).database for each in self._targets)
        return PostgresqlSession(connection, url, limits, tuple(databases), self._server.name)

    def _logins(self) -> list[Target]:
        """Return one target for each login, those that allow a held session first."""
        ordered = sorted(self._targets, key=lambda t: t.probe.session is not SessionMode.HELD)
        logins: dict[object, Target] = {}
        for target in ordered:
            url = _url(target)
            logins.setdefault((url.user, url.password, target.password_file), target)
        return list(logins.values())

    def _in_own_database(self, logins: Sequence[Target]) -> list[Target]:
        """Return the targets of these logins: any of their databases will do."""
        allowed = {(_url(t).user, _url(t).password, t.password_file) for t in logins}
        return [
            target
            for target in self._targets
            if (_url(target).user, _url(target).password, target.password_file) in allowed
        ]

    def _lost(self, session: PostgresqlSession) -> None:
        if session is self._session:
            self._facts = dict(session.facts)
            self._session = None
            self._on_lost()

    # -------------------------------------------------------------- absence

    @staticmethod
    def _absence(target: Target, row: Any) -> Failure:
        url = _url(target)
        facts = facts_of(url, target.name)
        name, server = url.database, url.server_name
        if not row["present"]:
            code, hint = "3D000", "database_missing"
            message = f"database {name} does not exist on {server}"
        elif row["connection_limit"] == -2:
            code, hint = "55000", "database_not_accepting"
            message = f"database {name} on {server} is invalid: dropping it was interrupted"
        else:
            code, hint = "55000", "database_not_accepting"
            message = f"database {name} on {server} accepts no connections (datallowconn)"
        return trouble(Kind.AUTH, message, facts, code=code, hint=hint, phase=Phase.AUTHENTICATE)


def _url(target: Target) -> PostgresqlUrl:
    assert isinstance(target.url, PostgresqlUrl)
    return target.url


def _as_array(names: Iterable[str]) -> str:
    """Return PostgreSQL's text of an array; the driver would make it anew each round."""
    escaped = (name.replace("\\", r"\\").replace('"', r"\"") for name in names)
    return "{" + ",".join(f'"{name}"' for name in escaped) + "}"


def _as_stored(name: str) -> str:
    return name.encode()[:_LONGEST_NAME].decode(errors="ignore")
