"""Diagnosis: what is looked at after a failure, before a person has to.

Owns: ``diagnose``, which takes the steps that apply in their order within one
deadline, and the scan that finds them (one module of ``steps`` each,
exporting ``STEP``). Must not know: when a diagnosis is wanted, what becomes
of it.

Every step is harmless: it writes nothing, opens at most one connection at a
time on a server, in turn with the visits there, and gives up after its own
few seconds, in which no waiting for that turn is counted. One that fails has found
nothing; it never fails the diagnosis.
"""

from __future__ import annotations

import asyncio
from functools import cache
from typing import Final

import structlog

from watchdog import hints
from watchdog.diagnosis.case import Case, Found, Step
from watchdog.engines import members
from watchdog.model import Diagnosis, Finding

DEADLINE: Final = 5.0  # seconds for all steps of one diagnosis together

_MOST_FINDINGS: Final = 12

_log = structlog.get_logger("watchdog.diagnosis")


@cache
def all_steps() -> tuple[Step, ...]:
    """Return every step, in the order in which they are taken."""
    import watchdog.diagnosis.steps as package  # noqa: PLC0415 - the scan starts at this very package

    found: list[Step] = list(members(package, "STEP").values())
    return tuple(sorted(found, key=lambda step: (step.order, step.name)))


async def diagnose(case: Case, seconds: float = DEADLINE) -> Diagnosis:
    """Return what the steps found about *case* within *seconds*."""
    findings: list[Finding] = []
    facts: dict[str, str] = {}
    evidence: dict[str, object] = {}
    hint = ""
    until = asyncio.get_running_loop().time() + seconds
    for step in all_steps():
        if not step.applies(case):
            continue
        left = until + case.waited - asyncio.get_running_loop().time()
        if left <= 0:
            break
        found = await _taken(step, case, min(left, step.seconds))
        findings += found.findings
        facts |= found.facts
        evidence |= found.evidence
        case.cause = hint = found.hint or hint
    better = hint if hint != case.failure.hint and findings else ""
    return Diagnosis(
        case.failure,
        tuple(findings[:_MOST_FINDINGS]),
        facts,
        better,
        hints.family_of(better) if better else None,
        evidence,
    )


async def _taken(step: Step, case: Case, seconds: float) -> Found:
    """Take one step; here alone what it raises becomes nothing found."""
    try:
        async with asyncio.timeout(seconds) as case.timer:
            return await step.look(case)
    except TimeoutError:
        _log.debug("a step took too long", step=step.name, target=case.target.name)
    except Exception as error:  # noqa: BLE001 - the one guard of a step
        _log.debug("a step failed", step=step.name, target=case.target.name, error=str(error))
    return Found()
