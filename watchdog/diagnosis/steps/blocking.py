"""Who blocks whom, where a question, a lock or a dump did not get its turn.

Source: ``pg_stat_activity`` and ``pg_blocking_pids``, over the held session.
"""

from __future__ import annotations

from typing import Final

from watchdog.diagnosis.case import Case, Found, Step
from watchdog.diagnosis.sessions import blocking
from watchdog.model import Kind, Phase

_NAME: Final = "blocking"
_HINTS: Final = ("lock_timeout", "statement_timeout", "deadlock", "backup_timeout", "backup_locked")
_CODES: Final = ("55P03", "57014", "40P01")


async def look(case: Case) -> Found:
    """Ask who waits for whom, and name the sessions at the root of it."""
    evidence = (await case.ask_again()).get("evidence", {})
    findings, facts = blocking(evidence, _NAME)
    return Found(tuple(findings), facts, evidence=dict(evidence))


def applies(case: Case) -> bool:
    """Where something on the server was in the way."""
    if case.server is None:
        return False
    failure = case.failure
    late = failure.kind is Kind.TIMEOUT and failure.phase in (Phase.QUERY, Phase.DUMP)
    return late or failure.hint in _HINTS or failure.code in _CODES


STEP = Step(_NAME, 51, applies, look, seconds=4.0)
