"""The last rounds of every target and server, so that it is known what was before a failure.

Owns: how many are remembered and what of each; bounded, whatever the number
of targets. Pure. Must not know: when a failure is one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from watchdog.clock import rfc3339
from watchdog.diagnosis import sessions
from watchdog.model import Failure, Phase, Result, Server
from watchdog.results import ServerStatus, Status

_ALL: Final = 8192  # rounds of targets that are remembered together
_MOST: Final = 10  # of one target
_LEAST: Final = 2
_SERVER: Final = 6  # of a server, with who was connected
_WITH_SESSIONS: Final = 3  # of these last ones in a record


@dataclass(frozen=True, slots=True)
class _Round:
    started_at: datetime
    duration: float
    phases: tuple[tuple[Phase, float], ...]
    failure: Failure | None
    evidence: Mapping[str, Any] | None

    def document(self, *, sessions_too: bool = False) -> dict[str, Any]:
        found = {
            "at": rfc3339(self.started_at),
            "duration_seconds": round(self.duration, 6),
            "phases": {phase.value: round(seconds, 6) for phase, seconds in self.phases},
            "failure": self.failure.message if self.failure is not None else None,
        }
        if sessions_too and self.evidence is not None:
            found["evidence"] = dict(self.evidence)
        return found


class Rings:
    """The last rounds by subject."""

    def __init__(self) -> None:
        self._rounds: dict[str, deque[_Round]] = {}
        self._length = _MOST

    def resize(self, targets: int) -> None:
        """Share what may be remembered among so many *targets*, and begin anew."""
        self._length = max(_LEAST, min(_MOST, _ALL // max(1, targets)))
        self._rounds = {
            key: deque(ring, maxlen=self._of(key)) for key, ring in self._rounds.items()
        }

    def take(self, result: Result) -> None:
        """Remember a round or a visit."""
        key = result.subject.subject
        ring = self._rounds.get(key)
        if ring is None:
            ring = self._rounds[key] = deque(maxlen=self._of(key))
        evidence = None
        if isinstance(result.subject, Server):
            evidence = result.facts.get("evidence")
        ring.append(
            _Round(
                result.started_at,
                result.duration,
                tuple(result.phases.items()),
                result.failure,
                evidence,
            )
        )

    def evidence(
        self, status: Status, server: ServerStatus | None, now: datetime
    ) -> dict[str, Any]:
        """Return what was known of a target and its server at *now* and shortly before."""
        known: dict[str, Any] = {
            "known_at": rfc3339(now),
            "rounds": [each.document() for each in self._rounds.get(status.target.subject, ())],
            "disk": _disk(status),
        }
        if server is None:
            return known
        rounds = list(self._rounds.get(server.server.subject, ()))
        known["server_rounds"] = [
            each.document(sessions_too=place >= len(rounds) - _WITH_SESSIONS)
            for place, each in enumerate(rounds)
        ]
        last = next((each for each in reversed(rounds) if each.evidence is not None), None)
        if last is not None and last.evidence is not None:
            blocked = sessions.blockers(last.evidence)
            known["evidence"] = {
                "at": rfc3339(last.started_at),
                **last.evidence,
                "blockers": [{"pid": pid, "waiting": waiting} for pid, waiting in blocked.items()],
                "connections": server.facts.get("connections"),
            }
        return known

    def _of(self, key: str) -> int:
        return _SERVER if key.startswith("server:") else self._length


def _disk(status: Status) -> dict[str, float]:
    """Return the sizes that were last measured: of files, of the disk, of the destination."""
    found: dict[str, float] = {}
    for run in status.probes.values():
        for sample in run.answer.samples:
            name = sample.metric.name
            if not sample.labels and name.endswith(("_bytes", "_inodes")):
                found[name.removeprefix("watchdog_")] = sample.value
    if status.backup.destination_free is not None:
        found["destination_free_bytes"] = float(status.backup.destination_free)
    return found
