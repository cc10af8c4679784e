"""What Python itself prints of exceptions that nobody caught, with secrets masked.

Owns: the three hooks for it. Must not know: any command, logging.
"""

from __future__ import annotations

import sys
import threading
import traceback
from types import TracebackType

from watchdog.secret import mask


def mask_tracebacks() -> None:
    """Mask tracebacks of this process from now on, those of threads and of clean-up included."""
    sys.excepthook = _print
    threading.excepthook = _print_of_thread
    sys.unraisablehook = _print_ignored


def _print(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    sys.stderr.write(mask("".join(traceback.format_exception(kind, error, trace))))


def _print_of_thread(told: threading.ExceptHookArgs) -> None:
    if told.exc_value is not None and told.exc_type is not SystemExit:
        _print(told.exc_type, told.exc_value, told.exc_traceback)


def _print_ignored(told: sys.UnraisableHookArgs) -> None:
    if told.exc_value is not None:
        sys.stderr.write(mask(f"{told.err_msg or 'Exception ignored in'}: {told.object!r}\n"))
        _print(told.exc_type, told.exc_value, told.exc_traceback)
