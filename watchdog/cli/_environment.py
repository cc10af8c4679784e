"""What every command takes from the process around it.

Owns: a steady resolver setting, uvloop where it is installed, and that no
thread keeps a process that is done. Must not know: any command.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NoReturn, TypeVar

T = TypeVar("T")

_M_ARENA_MAX: Final = -8  # mallopt(3)

_THREADS_GRACE: Final = 1.0  # seconds that threads get to end when all is done


class _Threads(ThreadPoolExecutor):
    """Threads for blocking file work; the end of the loop does not wait for those that hang."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002 - the base's
        """Take no more work, drop what has not begun, wait for nothing."""
        super().shutdown(wait=False, cancel_futures=True)


def run(work: Coroutine[object, object, T]) -> T:
    """Run *work* to its end on a fresh event loop, uvloop's where it is installed."""
    # glibc waits five seconds for one lost DNS packet, and so a healthy
    # database reads as down: ask again after one.
    os.environ.setdefault("RES_OPTIONS", "timeout:1 attempts:3")
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.get_loop().set_default_executor(_Threads(thread_name_prefix="file work"))
        return runner.run(work)


def leave(status: int) -> NoReturn:
    """Exit with *status*, also while a thread hangs in a file system that does not answer.

    The interpreter would wait for it for ever.
    """
    until = time.monotonic() + _THREADS_GRACE
    others = [
        thread
        for thread in threading.enumerate()
        if not thread.daemon and thread is not threading.current_thread()
    ]
    for thread in others:
        thread.join(max(0.0, until - time.monotonic()))
    if any(thread.is_alive() for thread in others):
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(status)
    sys.exit(status)


def spare_memory() -> None:
    """Have glibc keep one heap for all threads: a daemon with many of them is megabytes smaller.

    Python runs one thread at a time, so that they hardly ever wait for it.
    Does nothing where the C library is another.
    """
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415 - an extra
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
