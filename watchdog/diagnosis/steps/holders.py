"""Who holds the connections of a server that takes no more, asked over the session we hold there.

Source: ``pg_stat_activity``, by user, database, application, state and
client. No connection is opened: there is none to be had.
"""

from __future__ import annotations

from typing import Final

from watchdog import hints
from watchdog.diagnosis.case import Case, Found, Step
from watchdog.diagnosis.sessions import holders, summary
from watchdog.diagnosis.words import found

_NAME: Final = "holders"


async def look(case: Case) -> Found:
    """Ask the server once more over the held session, and say who has how many."""
    told = await case.ask_again()
    evidence, counted = told.get("evidence", {}), told.get("connections", {})
    if not evidence.get("holders"):
        return Found()
    facts = {"holders": summary(evidence)}
    findings = []
    if counted:
        used, usable = counted["used"], counted["usable"]
        facts |= {"used": str(used), "limit": str(usable)}
        findings.append(
            found(
                _NAME,
                f"{used} connections are taken; ordinary roles can have {usable} of the"
                f" {counted['limit']} there are",
                f"занято подключений: {used}; обычным ролям доступно {usable} из"
                f" {counted['limit']}",
            )
        )
    findings += holders(evidence, _NAME)
    return Found(tuple(findings), facts, evidence=dict(evidence))


def applies(case: Case) -> bool:
    """Where connections have run out, or are about to."""
    return case.server is not None and case.failure.hint in hints.SATURATION


STEP = Step(_NAME, 50, applies, look, seconds=4.0)
