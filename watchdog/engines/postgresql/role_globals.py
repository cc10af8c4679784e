"""What a dump of one database lacks: roles, their memberships and settings, tablespaces.

Owns: ``pg_dumpall --globals-only`` beside a dump, as far as the login's
privileges go, and saying what is missing. It is never a reason for a backup
to fail. Must not know: where backups are kept.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from watchdog import process
from watchdog.engines.postgresql import tools
from watchdog.engines.postgresql.clients import Client
from watchdog.errors import WatchdogError
from watchdog.secret import mask

SUFFIX: Final = "globals.sql"
_LIMIT: Final = 120.0  # seconds
_NO_PASSWORDS: Final = "role passwords: only a superuser may read them"


@dataclass(frozen=True, slots=True)
class Globals:
    """The file that was written, ``None`` if none; ``missing`` is what is not in it, and why."""

    path: Path | None
    missing: str = ""

    def document(self) -> Mapping[str, Any]:
        """Return what the manifest says of it. Reads the file; blocks."""
        if self.path is None:
            return {"file": None, "missing": self.missing}
        data = self.path.read_bytes()
        return {
            "file": SUFFIX,
            "size_bytes": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
            "missing": self.missing or None,
        }


async def write(client: Client, login: tools.Login, into: Path) -> Globals:
    """Write the globals of the server to *into*, mode 0600, with passwords where that may be."""
    program = Path(client.pg_dump).with_name("pg_dumpall")
    if not program.exists():
        return Globals(None, f"all of them: there is no pg_dumpall beside {client.pg_dump}")
    await asyncio.to_thread(into.touch, mode=0o600)
    missing = ""
    for option, lost in ((), ""), (("--no-role-passwords",), _NO_PASSWORDS):
        try:
            done = await process.run(
                [
                    str(program),
                    "--globals-only",
                    "--no-password",
                    *option,
                    f"--file={into}",
                    f"--dbname={login.conninfo(client.major)}",
                ],
                env=login.environment,
                deadline=_LIMIT,
            )
        except WatchdogError as error:
            missing = f"all of them: {mask(str(error))}"
            break
        if not tools.complained(done) and (await asyncio.to_thread(into.stat)).st_size:
            return Globals(into, lost)
        missing = f"all of them: {done.stderr.strip() or f'status {done.returncode}'}"
    await asyncio.to_thread(into.unlink, missing_ok=True)
    return Globals(None, missing)
