"""How one kind of database is backed up: the engine's side of the room ``backups``.

Owns: the Protocol that backups, proofs, drills and restores speak to, and
what is handed over. Must not know: any one engine, destinations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from watchdog.content import Content
from watchdog.database_url import DatabaseUrl
from watchdog.model import ActionFailed, DrillSettings, Failure, Phase, Target
from watchdog.restoration import Restored, RestoreOptions, RestorePlan


@dataclass(frozen=True, slots=True)
class Preflight:
    """What is known before a backup starts; ``estimated_bytes`` is ``None`` if nobody can tell.

    ``identity`` is what tells this database from another, as far as it is known
    (see ``backups.identity``). ``warnings`` are told and keep nothing from going on.
    """

    versions: Mapping[str, str]
    estimated_bytes: int | None = None
    identity: Mapping[str, Any] | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Produced:
    """What a dump or copy was. ``recovery_point`` is the instant whose data it holds, UTC.

    ``identity`` adds to that of the preflight. ``content`` is what was in the
    database at that instant; ``None`` if nobody asked. ``beside`` are files
    that belong to the artefact, unfinished names by suffix; ``measures`` are
    figures as of ``Proof``.
    """

    recovery_point: datetime
    versions: Mapping[str, str]
    tables: int | None = None
    warnings: tuple[str, ...] = ()
    details: Mapping[str, Any] | None = None
    identity: Mapping[str, Any] | None = None
    content: Content | None = None
    beside: Mapping[str, Path] = field(default_factory=dict)
    measures: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Proof:
    """How far a backup is proven: 0 size, 1 hash, 2 read through, 3 integrity, 4 restored.

    ``remarks`` are what a person should know of it although it is proven;
    ``measures`` are figures of the database that the proof has shown on the way.
    """

    level: int
    tables: int | None = None
    remarks: tuple[str, ...] = ()
    measures: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Exercise:
    """What a restore drill is given: the backup, what was in it, and where it is restored.

    ``target`` and ``url`` are those of the source, ``None`` where it is not
    configured any more. ``version`` is that of the source as its engine calls
    it, ``expected_bytes`` what the restored database will take, as far as known.
    """

    artefact: Path
    settings: DrillSettings
    content: Content | None = None
    target: Target | None = None
    url: DatabaseUrl | None = None
    version: str = ""
    expected_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Drilled:
    """What a restore drill has shown: level 4 or, where nothing could be compared, 3.

    ``seconds`` is what the restore alone took; ``where`` says in words on
    what; ``notes`` are what a person should know. ``failure``: it is the
    backup that it ought to be, and an assertion of the user's is against it.
    """

    level: int
    seconds: float
    where: str
    tables: int = 0
    rows: int = 0
    notes: tuple[str, ...] = ()
    failure: Failure | None = None


class Unproven(ActionFailed):
    """Nothing was learnt about the backup: what failed is the place, the tools, the question."""


class BackupEngine(Protocol):
    """How one kind of database is dumped or copied, proven and restored.

    All of them raise ``ActionFailed`` with a classified failure.
    """

    suffix: str  # "dump", "sqlite"
    phase: Phase  # Phase.DUMP or Phase.COPY
    highest: int  # the level that ``prove`` reaches, without a restore

    async def preflight(self, target: Target, url: DatabaseUrl) -> Preflight:
        """Look, with a session, whether a backup can be taken and by which client."""
        ...

    async def produce(
        self, target: Target, url: DatabaseUrl, into: Path, progress: Callable[[int], None]
    ) -> Produced:
        """Write the artefact to *into*, a new name; *progress* is told the bytes so far."""
        ...

    async def prove(
        self,
        target: Target | None,
        artefact: Path,
        content: Content | None = None,
        level: int | None = None,
    ) -> Proof:
        """Read the artefact back and compare it with *content*, up to *level* or as far as it goes.

        What it claims is what it has proven: less than *level* where it cannot.
        """
        ...

    async def restore(
        self, artefact: Path, to: DatabaseUrl, progress: Callable[[int], None]
    ) -> Sequence[str]:
        """Restore into a database that is new or empty; anything else is refused.

        Return what a person should know of it, in plain words; usually nothing.
        """
        ...

    async def drill(self, exercise: Exercise) -> Drilled:
        """Restore the artefact into scratch, compare it with what was there, leave nothing behind.

        Raises ``Unproven`` where nothing was learnt about the backup, and any
        other ``ActionFailed`` where it is not what it ought to be.
        """
        ...

    async def plan_restore(
        self, artefact: Path, to: DatabaseUrl, options: RestoreOptions
    ) -> RestorePlan:
        """Look what ``bring_back`` would do, and do nothing; refuse as it would."""
        ...

    async def bring_back(
        self,
        artefact: Path,
        to: DatabaseUrl,
        options: RestoreOptions,
        progress: Callable[[int], None],
    ) -> Restored:
        """Restore as wanted, all or nothing; *progress* is told the bytes of the artefact so far.

        Whatever ends it, the old database still opens under its name, and
        the next call begins anew.
        """
        ...
