"""What the evidence of a server's sessions tells: who holds its connections, who blocks whom.

Owns: the sentences about holders and the blocking tree. Pure. Must not know:
where the evidence came from.

Evidence is what the probe ``evidence`` keeps: ``holders`` and ``sessions``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from watchdog.diagnosis.words import found, listed, span
from watchdog.model import Finding

_MOST_HOLDERS: Final = 4
_MOST_BLOCKERS: Final = 3
_LONGEST_STATEMENT: Final = 80

Session = Mapping[str, Any]


def holders(evidence: Mapping[str, Any], step: str) -> list[Finding]:
    """Return a sentence for each of the largest holders of connections."""
    rows: Sequence[Session] = evidence.get("holders", ())
    return [
        found(
            step,
            f"{row['connections']} by {who(row)}, {row['state']}{_from(row, 'from')}",
            f"{row['connections']} — {who(row)}, {row['state']}{_from(row, 'с адреса')}",
        )
        for row in rows[:_MOST_HOLDERS]
    ]


def blockers(evidence: Mapping[str, Any]) -> dict[int, list[int]]:
    """Return the sessions that block others and wait for nobody themselves, with all that wait.

    Those that wait for one who waits are among them: the tree is told by its roots.
    """
    waits = {row["pid"]: list(row["blocked_by"]) for row in evidence.get("sessions", ())}
    waits = {pid: by for pid, by in waits.items() if by}
    trees: dict[int, list[int]] = {}
    for pid in waits:
        for root in _roots(pid, waits):
            trees.setdefault(root, []).append(pid)
    return dict(sorted(trees.items(), key=lambda item: -len(item[1])))


def blocking(evidence: Mapping[str, Any], step: str) -> tuple[list[Finding], dict[str, str]]:
    """Return a sentence for each root of the blocking tree, and the facts about the first."""
    trees = blockers(evidence)
    rows = {row["pid"]: row for row in evidence.get("sessions", ())}
    findings = [_root(step, pid, rows.get(pid), trees[pid]) for pid in list(trees)[:_MOST_BLOCKERS]]
    if not trees:
        return [], {}
    first = next(iter(trees))
    facts = {"pid": str(first), "waiting": str(len(trees[first]))}
    if first in rows:
        facts["blocker"] = f"{first} ({who(rows[first])})"
    return findings, facts


def summary(evidence: Mapping[str, Any]) -> str:
    """Return the largest holders in a few words."""
    counts: Counter[str] = Counter()
    for row in evidence.get("holders", ()):
        counts[who(row)] += row["connections"]
    return ", ".join(f"{n} by {name}" for name, n in counts.most_common(3))


def who(row: Session) -> str:
    """Return whose session it is."""
    application = f" ({row['application_name']})" if row.get("application_name") else ""
    return f"{row.get('usename') or '?'} in {row.get('datname') or '?'}{application}"


def _root(step: str, pid: int, row: Session | None, waiting: Sequence[int]) -> Finding:
    pids = listed([str(each) for each in waiting], 5)
    if row is None:
        return found(
            step,
            f"session {pid} keeps {len(waiting)} waiting (pid {pids}) by a lock",
            f"сеанс {pid} блокирует {len(waiting)} других (pid {pids})",
        )
    since = row.get("transaction_seconds")
    statement = str(row.get("statement") or "")[:_LONGEST_STATEMENT]
    open_en = f", its transaction open for {span(since)}" if since else ""
    open_ru = f", транзакция открыта {span(since)}" if since else ""
    return found(
        step,
        f"session {pid} of {who(row)}, {row['state']}{open_en}, keeps {len(waiting)} waiting"
        f" (pid {pids}); its statement: {statement}",
        f"сеанс {pid}, {who(row)}, {row['state']}{open_ru}, блокирует {len(waiting)} других"
        f" (pid {pids}); его запрос: {statement}",
    )


def _roots(pid: int, waits: Mapping[int, Sequence[int]]) -> set[int]:
    roots: set[int] = set()
    seen: set[int] = {pid}
    todo = list(waits[pid])
    while todo:
        each = todo.pop()
        if each in seen or each <= 0:  # 0 stands for a prepared transaction
            continue
        seen.add(each)
        if each in waits:
            todo += waits[each]
        else:
            roots.add(each)
    return roots


def _from(row: Session, word: str) -> str:
    return f", {word} {row['client']}" if row.get("client") else ""
