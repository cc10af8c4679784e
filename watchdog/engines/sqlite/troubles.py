"""Troubles with a database file that we recognise ourselves, before SQLite does.

Owns: the exception that carries them to the classification. Must not know:
how they are found.
"""

from __future__ import annotations

from watchdog.errors import WatchdogError


class SqliteTrouble(WatchdogError):  # noqa: N818 - it reads as what happened
    """A file that cannot be read as it is.

    ``code`` is a SQLite result code's or errno's name, ``hint`` the cause id
    where it is certain, ``component`` the part of the path that it is about
    and ``mode`` its permissions in octal.
    """

    def __init__(
        self, text: str, *, code: str, hint: str = "", component: str = "", mode: str = ""
    ) -> None:
        self.code = code
        self.hint = hint
        self.component = component
        self.mode = mode
        super().__init__(text)
