"""What every command takes from the process around it.

Owns: a steady resolver setting and uvloop where it is installed. Must not
know: any command.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from typing import TypeVar

T = TypeVar("T")


def run(work: Coroutine[object, object, T]) -> T:
    """Run *work* to its end on a fresh event loop, uvloop's where it is installed."""
    # glibc waits five seconds for one lost DNS packet, and so a healthy
    # database reads as down: ask again after one.
    os.environ.setdefault("RES_OPTIONS", "timeout:1 attempts:3")
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(work)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415 - an extra
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
