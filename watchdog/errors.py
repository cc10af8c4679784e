"""The exceptions that cross rooms.

Owns: the base class and the few errors that a caller above is meant to tell
apart. Must not know: databases, configuration, printing. What a database
answered is not an exception up here but a ``Failure`` (see ``model``).
"""

from __future__ import annotations

from collections.abc import Sequence


class WatchdogError(Exception):
    """Something went wrong that a person must hear about; the text says what to do next."""


class NotAskedError(WatchdogError):
    """A question was not begun, for its round has no time left: it is still due."""


class UsageError(WatchdogError):
    """The command was called wrongly: unknown target or backup, contradictory options (exit 2)."""


class ConfigurationError(WatchdogError):
    """The configuration has mistakes, all of them listed (exit 2)."""

    def __init__(self, mistakes: Sequence[str]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(self.mistakes))
