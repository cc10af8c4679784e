"""What an engine is: the adapter that knows one kind of database.

Owns: the Protocols that rounds speak to (those of backups are in
``_backing``, and are taken from here), the ``Probe``
declaration, and the scan that finds engines (one package each, exporting
``ENGINE``) and their probes (one module each, exporting ``PROBE``). Must not
know: schedules, results, pages.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, Protocol

from watchdog.engines._backing import (
    BackupEngine,
    Drilled,
    Exercise,
    Preflight,
    Produced,
    Proof,
    Unproven,
)
from watchdog.model import Answer, Failure, Metric, Phase, Role, Scope, Server, Target

__all__ = [
    "Attendance",
    "BackupEngine",
    "BackupEngines",
    "Drilled",
    "Engine",
    "Engines",
    "Exercise",
    "Preflight",
    "Probe",
    "Produced",
    "Proof",
    "Session",
    "Unproven",
    "Visit",
    "find_engines",
    "find_probes",
    "members",
]


class Session(Protocol):
    """One open, read-only, time-limited connection. Engines offer more to their own probes."""

    async def close(self) -> None:
        """End it politely, within a second."""
        ...

    def abort(self) -> None:
        """End it at once, leaving nothing half-closed."""
        ...


@dataclass(frozen=True, slots=True)
class Probe:
    """One question asked.

    ``interval`` is in seconds; ``None`` means whenever its session is there:
    each round for the server scope, each visit for the target scope.
    ``ask`` gets the engine's own session; what it raises fails this probe
    alone. It is only asked of a server of ``minimum_version`` (major) or later
    and, where it names one, of that ``role``; a session whose probes name
    them has ``version`` and ``role``. ``privileges`` are the roles and grants
    that it needs to see everything: for people. One that is ``leading`` is
    asked before all others: it says what the server is.
    """

    name: str
    scope: Scope
    metrics: tuple[Metric, ...]
    ask: Callable[[Any], Awaitable[Answer]]
    interval: float | None = None
    minimum_version: int = 0
    role: Role | None = None
    privileges: tuple[str, ...] = ()
    leading: bool = False

    def suits(self, session: Any) -> bool:
        """Whether it may be asked of the server of *session*; no while its role is unknown."""
        if self.minimum_version and session.version < self.minimum_version:
            return False
        return self.role is None or session.role is self.role


class Visit(Protocol):
    """An asynchronous context manager that opens a fresh session on one target.

    ``phase`` is where it stands now, so that a deadline that passes can say
    where; ``phases`` holds the seconds of each finished one.
    """

    @property
    def phase(self) -> Phase:
        """Where it stands."""
        ...

    @property
    def phases(self) -> Mapping[Phase, float]:
        """Seconds of each finished phase."""
        ...

    async def __aenter__(self) -> Session: ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...


class Attendance(Protocol):
    """The one session that is kept on a server.

    ``phase`` and ``phases`` as of ``Visit``, for the latest attempt to open.
    ``lasting``: whether the session may outlive the round; otherwise it is in
    a watched database and has to be closed after it.
    """

    @property
    def phase(self) -> Phase:
        """Where the latest attempt stands."""
        ...

    @property
    def phases(self) -> Mapping[Phase, float]:
        """Seconds of each finished phase of the latest attempt."""
        ...

    @property
    def lasting(self) -> bool:
        """Whether the session may be kept between rounds."""
        ...

    async def session(self) -> Session:
        """Return the held session, opening it if there is none."""
        ...

    async def absent(self, session: Session) -> Mapping[str, Failure]:
        """Ask which targets' databases are gone or closed to connections, by target name."""
        ...

    def must_leave(self, failure: Failure) -> bool:
        """Whether a visit's *failure* says that the server waits for the held session to end."""
        ...

    def facts(self) -> Mapping[str, Any]:
        """Return what is known of the server: version, role, system_identifier."""
        ...

    def abort(self) -> None:
        """Drop the session at once; the next ``session()`` opens another."""
        ...

    async def close(self) -> None:
        """End politely, within a second."""
        ...


class Engine(Protocol):
    """The adapter that knows one kind of database."""

    name: str
    probes: Mapping[str, Probe]
    backups: BackupEngine

    def use_scratch(self, folder: Path) -> None:
        """Take *folder*, which is ours, for what has to be measured by writing."""
        ...

    def server_of(self, target: Target) -> Server | None:
        """Return the server that *target* shares with others, or ``None``."""
        ...

    def visit(self, target: Target) -> Visit:
        """Return a visit: a fresh session on that very database with its own credentials."""
        ...

    def attend(
        self, server: Server, targets: Sequence[Target], on_lost: Callable[[], None]
    ) -> Attendance:
        """Return the attendance of *server*; *on_lost* is called when its held session dies."""
        ...

    def failure(self, error: BaseException, phase: Phase | None, target: Target) -> Failure:
        """Classify *error*: by code, never by text, where the driver gives one."""
        ...

    def timed_out(self, phase: Phase | None, seconds: float, target: Target) -> Failure:
        """Return the failure of a deadline of ours that passed in *phase*."""
        ...

    def description(self, target: Target) -> Mapping[str, str]:
        """Return the labels that configuration alone gives: server and datname, or path."""
        ...


def members(package: ModuleType, attribute: str) -> dict[str, Any]:
    """Import every module of *package* and return its *attribute* by module name, sorted.

    Raises ``TypeError`` for a module that lacks it: every file in such a
    folder is a member, there is no second place to register one.
    """
    found = {}
    for info in sorted(pkgutil.iter_modules(package.__path__), key=lambda info: info.name):
        if info.name.startswith("_"):
            continue
        module = importlib.import_module(f"{package.__name__}.{info.name}")
        try:
            found[info.name] = getattr(module, attribute)
        except AttributeError:
            raise TypeError(f"{module.__name__} must define {attribute}") from None
    return found


def find_probes(package: ModuleType) -> dict[str, Probe]:
    """Return the probes of a package by name; two of one name, or of one metric, are an error."""
    probes: dict[str, Probe] = {}
    owners: dict[str, str] = {}
    for module, probe in members(package, "PROBE").items():
        if probe.name in probes:
            raise TypeError(f"two probes are named {probe.name!r} in {package.__name__}")
        probes[probe.name] = probe
        for metric in probe.metrics:
            if metric.name in owners:
                raise TypeError(f"{module} and {owners[metric.name]} both declare {metric.name}")
            owners[metric.name] = module
    return probes


class Engines(Mapping[str, Engine]):
    """Every engine by name, each with its driver imported once it is first asked for.

    A daemon that watches SQLite files alone never carries PostgreSQL's driver
    and probes. ``prepare`` is done to each engine when it comes.
    """

    def __init__(self) -> None:
        found = (info.name for info in pkgutil.iter_modules(__path__))
        self._names = tuple(sorted(name for name in found if not name.startswith("_")))
        self._loaded: dict[str, Engine] = {}
        self.prepare: Callable[[Engine], None] = _as_it_is

    def __getitem__(self, name: str) -> Engine:
        if name not in self._names:
            raise KeyError(name)
        if name not in self._loaded:
            module = importlib.import_module(f"{__name__}.{name}")
            try:
                engine: Engine = module.ENGINE
            except AttributeError:
                raise TypeError(f"{module.__name__} must define ENGINE") from None
            if engine.name != name:
                raise TypeError(f"{module.__name__} calls its engine {engine.name!r}")
            self.prepare(engine)
            self._loaded[name] = engine
        return self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class BackupEngines(Mapping[str, BackupEngine]):
    """How each engine is backed up, by its name; no engine is imported for that alone."""

    def __init__(self, engines: Mapping[str, Engine]) -> None:
        self._engines = engines

    def __getitem__(self, name: str) -> BackupEngine:
        return self._engines[name].backups

    def __iter__(self) -> Iterator[str]:
        return iter(self._engines)

    def __len__(self) -> int:
        return len(self._engines)


def _as_it_is(_engine: Engine) -> None:
    pass


def find_engines() -> Engines:
    """Return every engine by name."""
    return Engines()
