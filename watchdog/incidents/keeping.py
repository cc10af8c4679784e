"""Writing incidents down without anybody waiting for it.

Owns: the queue of what is to be written, and that a state folder that is
full, not ours or hung hurts nobody: it is said once, and evidence is lost,
not the watch. Must not know: what an incident is about.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar

import structlog

from watchdog.clock import Clock
from watchdog.incidents.book import Book, new_id
from watchdog.incidents.record import Event, Record
from watchdog.model import Failure, Target
from watchdog.secret import mask
from watchdog.slots import Slots

T = TypeVar("T")

_PATIENCE: Final = 10.0  # seconds for the disk
_MOST_WAITING: Final = 500
_LISTED: Final = 5  # of a target

_log = structlog.get_logger("watchdog.incidents")


@dataclass(frozen=True, slots=True)
class Entry:
    """What a list shows of an incident."""

    id: str
    event: Event
    began_at: datetime
    ended_at: datetime | None
    failure: Failure


class Keeping:
    """Takes records and has them written, one after another."""

    def __init__(self, book: Book, clock: Clock) -> None:
        self.book = book
        self._clock = clock
        self._slots = Slots()
        self._waiting: dict[str, Record] = {}
        self._wanted = asyncio.Event()
        self._writing = asyncio.Lock()
        self._reading = asyncio.Lock()
        self._complained = False
        self._listed: dict[str, dict[str, Entry]] = {}

    def listed(self) -> dict[str, tuple[Entry, ...]]:
        """Return the newest incidents of each target that has any, newest first."""
        return {name: tuple(reversed(found.values())) for name, found in self._listed.items()}

    def open(
        self,
        event: Event,
        targets: Sequence[Target],
        server: str | None,
        failure: Failure,
        known: Mapping[str, Any],
    ) -> Record:
        """Begin an incident of *targets* now, and have it written."""
        now = self._clock.now()
        record = Record(
            id=new_id(now),
            targets=tuple(target.name for target in targets),
            engine=targets[0].engine,
            event=event,
            url=targets[0].url.masked,
            server=server,
            began_at=now,
            failure=failure,
            known=dict(known),
        )
        self.keep(record)
        return record

    def keep(self, record: Record) -> None:
        """Have *record* written as it is when its turn comes."""
        self._list(record)
        if record.id in self._waiting or len(self._waiting) < _MOST_WAITING:
            self._waiting[record.id] = record
            self._wanted.set()

    async def write_on(self) -> None:
        """Write what is wanted, until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            await self.flush()

    async def flush(self, seconds: float = _PATIENCE) -> None:
        """Write all that is wanted now, giving each file *seconds*."""
        async with self._writing:
            while self._waiting:
                _, record = self._waiting.popitem()
                await self._write(record, seconds)

    async def open_records(self) -> list[Record]:
        """Return the incidents that the last process left open, and list the newest ones.

        None where they cannot be read.
        """
        try:
            async with asyncio.timeout(_PATIENCE):
                records = await self._slots.run("incidents", self.book.newest)
        except OSError:  # TimeoutError is one
            return []
        for record in records:
            self._list(record)
        return [record for record in records if record.ended_at is None]

    async def documents(self, target: str | None = None) -> list[dict[str, Any]]:
        """Return the newest incidents as documents. Raises ``TimeoutError``."""
        return await self._read(lambda: self.book.documents(target))

    async def document(self, identity: str) -> dict[str, Any] | None:
        """Return one incident as a document, ``None`` without it. Raises ``TimeoutError``."""
        return await self._read(lambda: self.book.document(identity))

    async def _read(self, work: Callable[[], T]) -> T:
        """Read on a thread that may hang, one at a time."""
        async with asyncio.timeout(_PATIENCE), self._reading:
            return await self._slots.run("incidents read", work)

    def _list(self, record: Record) -> None:
        entry = Entry(record.id, record.event, record.began_at, record.ended_at, record.failure)
        for name in record.targets:
            found = self._listed.setdefault(name, {})
            if record.id not in found and len(found) >= _LISTED:
                del found[min(found)]
            found[record.id] = entry

    async def _write(self, record: Record, seconds: float) -> None:
        document = record.document()
        try:
            async with asyncio.timeout(seconds):
                await self._slots.run(
                    "incidents", lambda: self.book.write(record.place, record.id, document)
                )
        except (OSError, ValueError) as error:  # TimeoutError is an OSError
            if not self._complained:
                self._complained = True
                _log.warning(
                    "incidents cannot be written: see to the state directory and its disk",
                    incident=record.id,
                    message=mask(str(error)),
                )
        else:
            self._complained = False
