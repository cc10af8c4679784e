"""Where commands print for people.

Owns: how wide lines may be. Must not know: any command.
"""

from __future__ import annotations

import os
import sys
from typing import Final

from rich.console import Console

_UNBOUNDED: Final = 10_000  # characters


def plain_console(*, stderr: bool = False) -> Console:
    """Return a console that neither wraps nor colours on its own.

    Where no terminal (and no ``COLUMNS``) says how wide it is, a row is a
    line, however long: who reads it is `grep`, or a mail.
    """
    stream = sys.stderr if stderr else sys.stdout
    bounded = stream.isatty() or os.environ.get("COLUMNS")
    return Console(
        stderr=stderr, highlight=False, soft_wrap=True, width=None if bounded else _UNBOUNDED
    )
