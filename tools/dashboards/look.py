"""How the boards look: colours, thresholds, words for numbers.

Owns: one meaning for each colour on all boards. Must not know: panels,
expressions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from grafana_foundation_sdk.builders.dashboard import ThresholdsConfig
from grafana_foundation_sdk.models import dashboard

GOOD: Final = "green"
WARN: Final = "orange"
BAD: Final = "red"
UNKNOWN: Final = "#8e8e8e"
PLAIN: Final = "text"

# A threshold is the least value that has the colour; the first is for all that is less.
Steps = Sequence[tuple[float | None, str]]
# What a number means: value, word, colour.
Words = Sequence[tuple[float, str, str]]

NEUTRAL: Final[Steps] = ((None, PLAIN),)
NONE_IS_GOOD: Final[Steps] = ((None, GOOD), (1, BAD))
NONE_IS_BEST: Final[Steps] = ((None, GOOD), (1, WARN))
AVAILABILITY: Final[Steps] = ((None, BAD), (0.99, WARN), (0.999, GOOD))
OF_THE_WHOLE: Final[Steps] = ((None, GOOD), (0.8, WARN), (0.9, BAD))

# The bounds at which a recovery point is old: in intervals of its schedule.
INTERVALS: Final[Steps] = ((None, GOOD), (1.2, WARN), (2, BAD))

UP: Final[Words] = ((0, "down", BAD), (1, "up", GOOD))
OK: Final[Words] = ((0, "failed", BAD), (1, "ok", GOOD))
YES_GOOD: Final[Words] = ((0, "no", BAD), (1, "yes", GOOD))
YES_WARN: Final[Words] = ((0, "no", GOOD), (1, "yes", WARN))
YES: Final[Words] = ((0, "no", PLAIN), (1, "yes", PLAIN))
ROLE: Final[Words] = ((0, "primary", PLAIN), (1, "standby", PLAIN))
SIGHT: Final[Words] = ((0, "blind", WARN), (1, "sees all", GOOD))
NEVER: Final[Words] = ((0, "never", UNKNOWN),)
NEVER_BAD: Final[Words] = ((0, "never", BAD),)
LEVEL: Final[Words] = (
    (0, "0 size", BAD),
    (1, "1 hash", WARN),
    (2, "2 read through", GOOD),
    (3, "3 integrity", GOOD),
    (4, "4 restored", GOOD),
)


def thresholds(steps: Steps) -> ThresholdsConfig:
    """Return absolute thresholds."""
    return (
        ThresholdsConfig()
        .mode(dashboard.ThresholdsMode.ABSOLUTE)
        .steps([dashboard.Threshold(value=value, color=colour) for value, colour in steps])
    )


def mappings(words: Words) -> list[dashboard.ValueMapping]:
    """Return what turns numbers into words."""
    if not words:
        return []
    options = {
        f"{value:g}": dashboard.ValueMappingResult(text=word, color=colour, index=index)
        for index, (value, word, colour) in enumerate(words)
    }
    return [dashboard.ValueMap(options=options)]


def colours_of(words: Words) -> Mapping[str, str]:
    """Return the colour of each word."""
    return {word: colour for _, word, colour in words}
