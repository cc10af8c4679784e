"""The exceptions that cross rooms.

Owns: the base class and the few errors that a caller above is meant to tell
apart. Must not know: databases, configuration, printing. What a database
answered is not an exception up here but a ``Failure`` (see ``model``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from watchdog.model import Failure


class WatchdogError(Exception):
    """Something went wrong that a person must hear about; the text says what to do next."""


class UsageError(WatchdogError):
    """The command was called wrongly: unknown target or backup, contradictory options (exit 2)."""


class ConfigurationError(WatchdogError):
    """The configuration has mistakes, all of them listed (exit 2)."""

    def __init__(self, mistakes: Sequence[str]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(self.mistakes))


class ActionFailed(WatchdogError):  # noqa: N818 - it reads as what happened
    """An action met a failure that has been classified already."""

    def __init__(self, failure: Failure) -> None:
        self.failure = failure
        super().__init__(failure.message)
