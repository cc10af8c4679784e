"""Which processes have a SQLite file open or locked, still or since it was deleted.

Source: ``/proc/PID/fd`` and ``/proc/locks``, where they may be read: of the
processes of the same user, or of all for root, and never of another container.
"""

from __future__ import annotations

import os
from typing import Final

from watchdog.database_url import SqliteUrl
from watchdog.diagnosis import proc
from watchdog.diagnosis.blocking import aside
from watchdog.diagnosis.case import Case, Found, Step
from watchdog.diagnosis.words import found, listed

_NAME: Final = "users"
_HINTS: Final = (
    "sqlite_busy",
    "sqlite_cantopen_missing_dir",
    "sqlite_needs_recovery",
    "sqlite_notadb",
    "sqlite_corrupt",
    "file_system_hangs",
)


async def look(case: Case) -> Found:
    """Look through the processes in a thread of its own."""
    assert isinstance(case.url, SqliteUrl)
    path = case.url.path
    return await aside(f"users {case.target.name}", lambda: _users(path, case.failure.hint))


def _users(path: str, hint: str) -> Found:
    real = os.path.realpath(path)
    lockers = proc.lockers(real) if hint == "sqlite_busy" else []
    openers = proc.openers(real)
    findings, facts = [], {}
    if lockers:
        who = listed([str(each) for each in lockers])
        facts = {"pid": str(lockers[0].pid), "blocker": str(lockers[0])}
        findings.append(
            found(_NAME, f"{who} holds the write lock", f"блокировку записи держит {who}")
        )
    others = [each for each in openers.found if each.pid not in {one.pid for one in lockers}]
    present = [str(each) for each in others if not each.deleted]
    if present:
        facts.setdefault("blocker", present[0])
        findings.append(
            found(
                _NAME,
                f"the file is open in {listed(present)}",
                f"файл открыт в {listed(present)}",
            )
        )
    for gone in [each for each in others if each.deleted][:3]:
        copy = f"/proc/{gone.pid}/fd/{gone.descriptor}"
        facts["deleted_copy"] = copy
        findings.append(
            found(
                _NAME,
                f"{gone} still has a deleted file of this name open: it was removed or replaced"
                f" under it, and its data are still to be had from {copy}",
                f"у {gone} всё ещё открыт удалённый файл с этим именем: его удалили или заменили, а"
                f" данные пока можно взять из {copy}",
            )
        )
    return Found(tuple(findings), facts)


def applies(case: Case) -> bool:
    """Where another process may be the reason, or may still have what is missing."""
    if not isinstance(case.url, SqliteUrl) or case.is_of_destination:
        return False
    return case.failure.hint in _HINTS


STEP = Step(_NAME, 61, applies, look, seconds=2.0)
