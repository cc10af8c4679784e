"""Who is connected, what they do and who waits for whom: what a person asks after an outage.

Owns: the evidence that is kept of the last rounds, so that it is known what
was before a failure, of the same look as the probe ``connections``. No metrics:
names of sessions change too often for series. Literals in statements are left out: they may
hold what is nobody's business.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from watchdog.engines import Probe
from watchdog.engines.postgresql import looking
from watchdog.engines.postgresql.session import PostgresqlSession
from watchdog.model import Answer, Scope
from watchdog.secret import mask

_LONGEST: Final = 200  # characters of a statement or a name
_HOLDERS: Final = 12

# Strings, whole or cut off at the end, and dollar-quoted ones.
_LITERAL: Final = re.compile(r"'(?:[^']|'')*(?:'|$)|(\$\w*\$).*?(?:\1|$)", re.DOTALL)


def without_literals(statement: str) -> str:
    """Return *statement* on one line, its string literals left out, not longer than a line."""
    text = " ".join(_LITERAL.sub("'…'", statement).split())
    return mask(text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…")


async def ask(session: PostgresqlSession) -> Answer:
    """Remember who is connected and who waits for whom."""
    return session.make(PROBE.name, await looking.again(session), _answer)


def _answer(_: PostgresqlSession, sessions: looking.Sessions) -> Answer:
    evidence = {
        "holders": [dict(row) for row in sessions.holders[:_HOLDERS]],
        "sessions": [_session(row) for row in sessions.busy],
        "slots": sessions.slots,
    }
    return Answer(facts={"evidence": evidence})


def _session(row: Mapping[str, Any]) -> dict[str, Any]:
    seen = dict(row)
    for name in ("transaction_seconds", "statement_seconds"):
        if seen[name] is not None:
            seen[name] = round(seen[name], 3)
    seen["application_name"] = mask(seen["application_name"][:_LONGEST])
    seen["blocked_by"] = list(seen["blocked_by"] or ())
    seen["statement"] = without_literals(seen["statement"] or "")
    return seen


PROBE: Final = Probe("evidence", Scope.SERVER, (), ask)
