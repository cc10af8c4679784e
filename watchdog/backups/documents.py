"""Small conversions between our types and JSON, tolerant on the way in.

Owns: moments, failures. Must not know: which file they are for.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from watchdog.clock import rfc3339
from watchdog.model import Failure, Kind, Phase


def moment(value: Any) -> datetime | None:
    """Read an RFC 3339 moment; ``None`` stays ``None``. Raises ``ValueError``, ``TypeError``."""
    if value is None:
        return None
    parsed = datetime.fromisoformat(value)
    return parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def whole(value: Any) -> int:
    """Read a count. Raises ``ValueError``, ``TypeError``, ``OverflowError``."""
    number = int(value)
    if not 0 <= number < 1 << 63:
        raise ValueError(f"{str(number)[:20]} is no count")
    return number


def seconds(value: Any) -> float:
    """Read a duration. Raises ``ValueError``, ``TypeError``, ``OverflowError``."""
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{number} is no duration")
    return number


def required_moment(value: Any) -> datetime:
    """Read a moment that has to be there. Raises ``ValueError``, ``TypeError``."""
    parsed = moment(value)
    if parsed is None:
        raise ValueError("a time is missing")
    return parsed


def moment_text(value: datetime | None) -> str | None:
    """Write a moment as RFC 3339 UTC."""
    return None if value is None else rfc3339(value)


def milliseconds(value: datetime) -> datetime:
    """Cut *value* off as it will be written, so that what is read back is equal."""
    return value.replace(microsecond=value.microsecond // 1000 * 1000)


def failure_document(failure: Failure | None) -> dict[str, Any] | None:
    """Return a failure as JSON; its message has been masked where it was classified."""
    if failure is None:
        return None
    return {
        "kind": failure.kind.value,
        "phase": failure.phase.value if failure.phase else None,
        "code": failure.code or None,
        "message": failure.message,
        "hint": failure.hint or None,
        "facts": dict(failure.facts),
    }


def failure_from(document: Mapping[str, Any] | None) -> Failure | None:
    """Read a failure back. What is wrong shows as one of the usual errors of lookups."""
    if document is None:
        return None
    phase = document.get("phase")
    return Failure(
        kind=Kind(document["kind"]),
        message=str(document["message"]),
        phase=Phase(phase) if phase else None,
        code=str(document.get("code") or ""),
        hint=str(document.get("hint") or ""),
        facts={str(key): str(value) for key, value in (document.get("facts") or {}).items()},
    )
