"""Mistakes: where they are and how they read.

Owns: positions and the lines ``FILE:LINE:COLUMN: path.to.key: what is wrong``.
Must not know: what the keys mean.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from watchdog.errors import ConfigurationError


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A place: a file's line and column, counted from 1, or ``environment`` without any."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """What is wrong at a place; ``path`` is the key or variable, "" for the file itself."""

    mark: Mark
    path: str
    text: str

    def __str__(self) -> str:
        return ": ".join(filter(None, (str(self.mark), self.path, self.text)))


@dataclass(slots=True)
class Mistakes:
    """All mistakes of one reading, each once, in the order of the file."""

    found: dict[tuple[Mark, str], Mistake] = field(default_factory=dict)

    def add(self, mark: Mark, path: str, text: str) -> None:
        """Note one; the same text at the same place is one mistake."""
        self.found.setdefault((mark, text), Mistake(mark, path, text))

    def extend(self, mistakes: Iterable[Mistake]) -> None:
        """Note several."""
        for mistake in mistakes:
            self.add(mistake.mark, mistake.path, mistake.text)

    def complain(self) -> None:
        """Raise ``ConfigurationError`` if there is any."""
        if self.found:
            raise ConfigurationError([str(mistake) for mistake in sorted(self.found.values())])
