"""Sizes and times as people read them, the same everywhere.

Owns: that sizes are binary (KiB) and where a unit gives way to the next one.
Standard library only; must not know: who reads it, languages.
"""

from __future__ import annotations

from typing import Final

SIZES: Final = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def scaled(count: float) -> tuple[str, int]:
    """Return *count* bytes as a number of three digits and the place of its unit in ``SIZES``."""
    power = 0
    while count >= 1023.5 and power < len(SIZES) - 1:
        count /= 1024
        power += 1
    digits = 0 if power == 0 or count >= 99.5 else 1
    return f"{count:.{digits}f}", power


def size(count: float) -> str:
    """Return *count* bytes in the unit that suits: ``28.0 KiB``."""
    number, power = scaled(count)
    return f"{number} {SIZES[power]}"


def span(seconds: float) -> str:
    """Return a duration by its two largest units: ``3 h 12 m``."""
    if seconds < 60:
        short = f"{max(0.0, seconds):.1f}" if seconds < 9.95 else f"{seconds:.0f}"
        return f"{short.removesuffix('.0')} s"
    parts: list[str] = []
    rest = int(seconds)
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, rest = divmod(rest, length)
        if count or parts:
            parts.append(f"{count} {unit}")
    return " ".join(part for part in parts[:2] if not part.startswith("0 "))
