"""What a single value may be: durations, sizes, switches, numbers, addresses.

Owns: the reading of each from its text, with a message that says what to
write. Raises ``ValueError`` everywhere. Must not know: which key it is for.
"""

from __future__ import annotations

import re
from typing import Any, Final

from watchdog.config.tree import Branch, Items, Text

DURATION: Final = r"(?:[0-9]+(?:\.[0-9]+)?(?:ms|s|m|h|d))+"
SIZE: Final = r"[0-9]+(?:\.[0-9]+)? ?(?:B|[kKMGTP]B|[KMGTP]iB)"
_DURATION: Final = re.compile(DURATION)
_DURATION_PART: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)")
_SIZE: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([A-Za-z]+)")
_NUMBER: Final = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES: Final[dict[str, int]] = {
    "B": 1,
    **{f"{letter}B": 1000**power for power, letter in enumerate("kMGTP", start=1)},
    **{f"{letter}iB": 1024**power for power, letter in enumerate("KMGTP", start=1)},
    "KB": 1000,
}


def text(value: Any) -> Text:
    """Return a single value; a list, a mapping or nothing is refused."""
    if isinstance(value, Text):
        return value
    if isinstance(value, str):
        return Text(value)
    if value is None:
        raise ValueError("has no value: write one, or remove the key")
    what = {Items: "a list", Branch: "a mapping"}.get(type(value), "that")
    raise ValueError(f"must be a single value, not {what}: put it in quotes if it is meant as text")


def filled(value: Any) -> Text:
    """Return a single value that is not empty."""
    found = text(value)
    if not found.strip():
        shown = f" ({found.shown} is)" if found.variables else ""
        raise ValueError(f"is empty{shown}: write a value, or remove the key")
    return found


def duration(value: Any) -> float:
    """Return seconds: ``500ms 15s 5m 1h30m 7d``."""
    found = filled(value)
    compact = found.strip()
    if not _DURATION.fullmatch(compact):
        if _NUMBER.fullmatch(compact):
            example = "15s" if found.variables else f"{compact.lstrip('+-')}s"
            raise ValueError(f"{found.shown} has no unit (ms, s, m, h, d): write it like {example}")
        raise ValueError(f"{found.shown} is no duration: write 500ms, 15s, 5m, 1h30m or 7d")
    return sum(float(number) * _SECONDS[unit] for number, unit in _DURATION_PART.findall(compact))


def size(value: Any) -> int:
    """Return bytes: ``10MiB 5GB``."""
    found = filled(value)
    compact = found.strip()
    match = _SIZE.fullmatch(compact)
    if match is not None and match[2] in _BYTES:
        return int(float(match[1]) * _BYTES[match[2]])
    if _NUMBER.fullmatch(compact):
        raise ValueError(f"{found.shown} has no unit: write it with one of B, kB, MB, MiB, GB, GiB")
    raise ValueError(f"{found.shown} is no size: write 10MiB, 500MB or 5GB")


def switch(value: Any) -> bool:
    """Return ``true`` or ``false``; YAML 1.1's yes and on are words, not switches."""
    found = filled(value)
    lower = found.strip().lower()
    if lower in ("true", "false"):
        return lower == "true"
    raise ValueError(f"{found.shown} is neither: write true or false")


def count(value: Any) -> int | None:
    """Return a whole number from 0 on; nothing at all is ``None``."""
    if value is None:
        return None
    found = filled(value)
    if not re.fullmatch(r"[0-9]{1,6}", found.strip()):
        raise ValueError(f"{found.shown} is no count: write a whole number from 0 on")
    return int(found)


def _short(number: float) -> str:
    return f"{number:.2f}".rstrip("0").rstrip(".")


def span(seconds: float) -> str:
    """Return *seconds* as a person would write them: ``1h30m``."""
    if seconds and (seconds < 1 or seconds != int(seconds)):
        return f"{seconds * 1000:.4g}ms" if seconds < 1 else f"{_short(seconds)}s"
    rest, found = int(seconds), ""
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        number, rest = divmod(rest, length)
        found += f"{number}{unit}" if number else ""
    return found or "0s"
