"""Threads that a hung file may keep without hurting anyone else.

Owns: running blocking file work off the loop, at most one piece at a time per
key, each on a thread of its own while it runs. The threads are daemons: one
that a hung mount keeps does not keep the process from ending. Standard
library only; must not know what the work is.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from queue import SimpleQueue
from typing import Any, Final, TypeVar

T = TypeVar("T")

_IDLE_THREADS: Final = 4

# Does the work and returns how to tell of its end.
_Job = Callable[[], Callable[[], object]]


class StillStuckError(TimeoutError):
    """Earlier work of this key has not come back; ``since`` is when it began, UTC."""

    def __init__(self, since: datetime) -> None:
        self.since = since
        super().__init__(f"still waiting for the file system since {since:%Y-%m-%d %H:%M:%S} UTC")


class Slots:
    """A slot per key; idle threads are reused."""

    def __init__(self, idle: int = _IDLE_THREADS) -> None:
        self._most_idle = idle
        self._idle: list[SimpleQueue[_Job]] = []
        self._busy: dict[str, datetime] = {}
        self._lock = threading.Lock()

    def stuck_since(self, key: str) -> datetime | None:
        """Return since when work of *key* is under way, ``None`` if there is none."""
        return self._busy.get(key)

    async def run(
        self,
        key: str,
        work: Callable[[], T],
        cancel: Callable[[], None] | None = None,
        linger: float = 0.0,
    ) -> T:
        """Return what *work* returns; on cancellation call *cancel* and leave the thread behind.

        It is waited for *linger* seconds first, so that *work* can put away what
        it has begun. Raises ``StillStuckError`` at once while an earlier piece of *key* has not
        returned.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        with self._lock:
            since = self._busy.get(key)
            if since is not None:
                raise StillStuckError(since)
            self._busy[key] = datetime.now(UTC)

        def job() -> Callable[[], object]:
            value: Any = None
            error: BaseException | None = None
            try:
                value = work()
            except BaseException as caught:  # noqa: BLE001 - handed over to who awaits it
                error = caught
            self._busy.pop(key, None)
            return lambda: loop.call_soon_threadsafe(_settle, future, value, error)

        self._start(job)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            if cancel is not None:
                cancel()
            await asyncio.wait([future], timeout=linger)
            if not future.cancel():
                future.exception()  # seen, and of no interest any more
            raise

    def _start(self, job: _Job) -> None:
        with self._lock:
            queue = self._idle.pop() if self._idle else None
        if queue is None:
            queue = SimpleQueue()
            threading.Thread(
                target=self._serve, args=(queue,), name="sqlite-slot", daemon=True
            ).start()
        queue.put(job)

    def _serve(self, queue: SimpleQueue[_Job]) -> None:
        kept = True
        while kept:
            tell = queue.get()()
            with self._lock:
                kept = len(self._idle) < self._most_idle
                if kept:
                    self._idle.append(queue)
            # Last, so that whoever goes on from here finds this thread free.
            with suppress(RuntimeError):  # the loop has ended meanwhile
                tell()


def _settle(future: asyncio.Future[T], value: T, error: BaseException | None) -> None:
    if future.done():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(value)
