"""From codes to causes.

Owns: matching evidence against the rules of the catalogue: SQLSTATE and
server routine, SQLite result code, errno, exception type, phase. Must not
know: texts of errors.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping

from watchdog.hints.catalogue import entries
from watchdog.hints.entry import Rule
from watchdog.hints.evidence import Evidence

_ANY_CODE = ""


@functools.cache
def _by_code() -> Mapping[str, tuple[tuple[str, Rule], ...]]:
    """Return the rules by each of their codes; those without one under ""."""
    index: dict[str, list[tuple[str, Rule]]] = {}
    for entry in entries().values():
        for rule in entry.rules:
            for code in rule.codes.split() or (_ANY_CODE,):
                index.setdefault(code, []).append((entry.id, rule))
    return {code: tuple(rules) for code, rules in index.items()}


def known_codes() -> frozenset[str]:
    """Return every code that some rule names."""
    return frozenset(_by_code()) - {_ANY_CODE}


def candidates(evidence: Evidence) -> dict[str, float]:
    """Return the causes that the codes of *evidence* lead to, with a confidence each."""
    for code in _ever_more_general(evidence.code.strip().upper()):
        found = _fitting(_by_code().get(code, ()), evidence)
        if found:
            return found
    return _fitting(_by_code()[_ANY_CODE], evidence)


def _ever_more_general(code: str) -> Iterable[str]:
    """Yield *code*, then for an extended SQLite code its primary one."""
    if not code:
        return
    yield code
    if code.startswith("SQLITE_") and code.count("_") > 1:
        yield "_".join(code.split("_")[:2])


def _fitting(rules: Iterable[tuple[str, Rule]], evidence: Evidence) -> dict[str, float]:
    fitting = [(cause, rule) for cause, rule in rules if _fits(rule, evidence)]
    # Where the server's routine tells, what the code alone would suggest is out.
    by_routine = [(cause, rule) for cause, rule in fitting if rule.routines]
    found: dict[str, float] = {}
    for cause, rule in by_routine or fitting:
        found[cause] = max(found.get(cause, 0.0), rule.confidence)
    return found


def _fits(rule: Rule, evidence: Evidence) -> bool:
    return (
        (not rule.routines or evidence.routine in rule.routines.split())
        and (not rule.exceptions or evidence.exception in rule.exceptions.split())
        and (not rule.phases or evidence.phase in rule.phases)
        and (not rule.engine or evidence.engine in ("", rule.engine))
        and all(re.fullmatch(value, evidence.facts.get(name, "")) for name, value in rule.facts)
    )
