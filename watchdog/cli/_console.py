"""Where commands print for people.

Owns: how wide lines may be, and that a terminal shows what it might obey.
Must not know: any command.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import Final

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from watchdog.visible import visible_lines

_UNBOUNDED: Final = 10_000  # characters


class _Shown(Console):
    """A console that never passes on what a terminal would obey, but its own colours."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Yield the pieces of *renderable*, as a terminal may be given them."""
        for piece in super().render(renderable, options):
            yield piece if piece.control else Segment(visible_lines(piece.text), piece.style)


def plain_console(*, stderr: bool = False) -> Console:
    """Return a console that neither wraps nor colours on its own.

    Where no terminal (and no ``COLUMNS``) says how wide it is, a row is a
    line, however long: who reads it is `grep`, or a mail.
    """
    stream = sys.stderr if stderr else sys.stdout
    bounded = stream.isatty() or os.environ.get("COLUMNS")
    return _Shown(
        stderr=stderr, highlight=False, soft_wrap=True, width=None if bounded else _UNBOUNDED
    )
