"""The password of a login, and its being read again when a login fails.

Owns: where the password comes from: a file of its own that others may
rewrite, the URL, or libpq's password file. Must not know: connections.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from watchdog.database_url import PostgresqlUrl
from watchdog.engines.postgresql.passfile import look_up, path_of
from watchdog.secret import Secret


class Credentials:
    """The password of one URL. A file wins over the URL, for it is the one that is kept current."""

    def __init__(self, url: PostgresqlUrl, file: Path | None = None) -> None:
        self._url = url
        self._file = file
        self._password = url.password
        self._read = False
        self.ignored: Path | None = None  # a password file that others may read
        self.unreadable = ""  # why the file of its own could not be read

    async def password(self, host: str = "", port: int = 0, database: str = "") -> Secret | None:
        """Return the password, ``None`` if there is none.

        Which server and database is meant matters to libpq's password file
        alone; by default those of the URL.

        A file that cannot be read leaves the password that was known before.
        """
        if self._file is not None and not self._read:
            await self.reread()
        if self._password is not None:
            return self._password
        path = path_of(self._url.parameters)
        first = self._url.hosts[0]
        asked = (host or first[0], port or first[1], database or self._url.database)
        found = await asyncio.to_thread(look_up, path, *asked, self._url.user)
        self.ignored = path if found.ignored else None
        return found.password

    async def reread(self) -> bool:
        """Read the file again and return whether it holds another password now."""
        if self._file is None:
            return False
        try:
            text = await asyncio.to_thread(self._file.read_text, encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            self.unreadable = f"password_file {self._file} cannot be read: {reason}"
            return False
        self._read = True
        self.unreadable = ""
        fresh = Secret(text.rstrip("\r\n"))
        changed = fresh != self._password
        self._password = fresh
        return changed
