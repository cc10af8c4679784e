"""The password of a login, and its being read again when a login fails.

Owns: where the password comes from (the URL, or a file that others may
rewrite). Must not know: connections.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from watchdog.database_url import PostgresqlUrl
from watchdog.secret import Secret


class Credentials:
    """The password of one URL. A file wins over the URL, for it is the one that is kept current."""

    def __init__(self, url: PostgresqlUrl, file: Path | None = None) -> None:
        self._file = file
        self._password = url.password
        self._read = False

    async def password(self) -> Secret | None:
        """Return the password, ``None`` if there is none.

        A file that cannot be read leaves the password that was known before.
        """
        if self._file is not None and not self._read:
            await self.reread()
        return self._password

    async def reread(self) -> bool:
        """Read the file again and return whether it holds another password now."""
        if self._file is None:
            return False
        try:
            text = await asyncio.to_thread(self._file.read_text, encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return False
        self._read = True
        fresh = Secret(text.rstrip("\r\n"))
        changed = fresh != self._password
        self._password = fresh
        return changed
