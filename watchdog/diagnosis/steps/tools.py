"""Which versions of PostgreSQL's own tools this machine has, where none fits the server.

Source: the tools themselves (``pg_dump --version``); what they said once is
remembered.
"""

from __future__ import annotations

from typing import Final

from watchdog.diagnosis.case import Case, Found, Step
from watchdog.diagnosis.words import found, listed

_NAME: Final = "tools"
_HINTS: Final = ("version_mismatch_pg_dump", "archive_version_unsupported", "pg_dump_not_found")


async def look(_case: Case) -> Found:
    """Name every installation that is found."""
    from watchdog.engines.postgresql import clients  # noqa: PLC0415 - only where they are needed

    there = [f"{each.version} ({each.folder})" for each in await clients.installed()]
    if not there:
        return Found(
            (
                found(
                    _NAME,
                    "no pg_dump is found on this machine",
                    "на этой машине pg_dump не найден",
                ),
            )
        )
    return Found(
        (
            found(
                _NAME,
                f"this machine has PostgreSQL's tools {listed(there)}",
                f"на этой машине есть утилиты PostgreSQL {listed(there)}",
            ),
        ),
        {"installed": listed(there)},
    )


def applies(case: Case) -> bool:
    """Where a tool is missing or of the wrong version."""
    return case.failure.hint in _HINTS


STEP = Step(_NAME, 81, applies, look, seconds=3.0)
