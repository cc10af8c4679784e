"""The PostgreSQL engine, put together.

Owns: which servers and logins targets share, and what is remembered of them
between visits. Must not know: schedules, results. The driver is imported only
when there is a PostgreSQL target.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from watchdog.database_url import PostgresqlUrl
from watchdog.engines import Attendance, BackupEngine, Probe, Visit, find_probes
from watchdog.model import Failure, Phase, Server, Target

if TYPE_CHECKING:
    from watchdog.engines.postgresql.connection import Poolers
    from watchdog.engines.postgresql.credentials import Credentials


class PostgresqlEngine:
    """See ``watchdog.engines.Engine``."""

    name = "postgresql"

    def __init__(self) -> None:
        self._credentials: dict[str, tuple[Any, Credentials]] = {}

    @cached_property
    def probes(self) -> Mapping[str, Probe]:
        """Every probe in the folder ``probes``."""
        from watchdog.engines.postgresql import probes  # noqa: PLC0415 - it is scanned once asked

        return find_probes(probes)

    @cached_property
    def backups(self) -> BackupEngine:
        """How PostgreSQL is dumped and restored."""
        from watchdog.engines.postgresql.backups import BACKUPS  # noqa: PLC0415 - see above

        return BACKUPS

    def use_scratch(self, folder: Path) -> None:
        """Measure nothing: what a server's disk takes is not to be seen from here."""

    def server_of(self, target: Target) -> Server:
        """Return the server that *target* shares with others: all of one ``host:port``."""
        return Server(_url(target).server_name, self.name)

    def visit(self, target: Target) -> Visit:
        """Return a visit of *target* with its own credentials."""
        from watchdog.engines.postgresql.visit import PostgresqlVisit  # noqa: PLC0415

        return PostgresqlVisit(target, self.credentials(target), self.poolers)

    def attend(
        self, server: Server, targets: Sequence[Target], on_lost: Callable[[], None]
    ) -> Attendance:
        """Return the attendance of *server*."""
        from watchdog.engines.postgresql.attendance import PostgresqlAttendance  # noqa: PLC0415

        return PostgresqlAttendance(server, targets, self.credentials, self.poolers, on_lost)

    def failure(self, error: BaseException, phase: Phase | None, target: Target) -> Failure:
        """Classify what a visit, a probe or an attendance raised."""
        from watchdog.engines.postgresql.failures import classify, facts_of  # noqa: PLC0415

        return classify(error, phase, facts_of(_url(target), target.name))

    def timed_out(self, phase: Phase | None, seconds: float, target: Target) -> Failure:
        """Return the failure of a deadline of ours that passed in *phase*."""
        from watchdog.engines.postgresql.failures import facts_of, timed_out  # noqa: PLC0415

        return timed_out(phase, seconds, facts_of(_url(target), target.name))

    def description(self, target: Target) -> Mapping[str, str]:
        """Return the labels that configuration alone gives."""
        url = _url(target)
        return {"server": url.server_name, "datname": url.database}

    @cached_property
    def poolers(self) -> Poolers:
        """Which servers turned out to be poolers, as far as this process has seen."""
        from watchdog.engines.postgresql.connection import Poolers  # noqa: PLC0415

        return Poolers()

    def credentials(self, target: Target) -> Credentials:
        """Return the credentials of *target*; the same ones as long as its URL stays."""
        from watchdog.engines.postgresql.credentials import Credentials  # noqa: PLC0415

        origin = (_url(target), target.password_file)
        known = self._credentials.get(target.name)
        if known is None or known[0] != origin:
            known = self._credentials[target.name] = (origin, Credentials(*origin))
        return known[1]


def _url(target: Target) -> PostgresqlUrl:
    assert isinstance(target.url, PostgresqlUrl)
    return target.url


ENGINE = PostgresqlEngine()
