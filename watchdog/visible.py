"""Names and texts of others, as a terminal may be given them.

Owns: which characters a terminal would obey instead of showing. A name of a
table may hold any of them. Must not know: who prints what.
"""

from __future__ import annotations

from typing import Final

_PICTURES: Final = 0x2400  # ␀, the picture of the first control character
# What turns the direction of writing around: half a line can read as another one.
_TURNING: Final = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_WORDS: Final = {
    **{code: _PICTURES + code for code in range(0x20)},
    0x7F: 0x2421,
    **dict.fromkeys([*range(0x80, 0xA0), *_TURNING, 0x2028, 0x2029], 0xFFFD),
}
_LINES: Final = {code: shown for code, shown in _WORDS.items() if code not in (0x09, 0x0A)}


def visible(text: str) -> str:
    """Return *text* on one line, with a picture for each character that a terminal would obey.

    It is as long as it was.
    """
    return text.translate(_WORDS)


def visible_lines(text: str) -> str:
    """Return *text* as ``visible`` does, but with its line breaks and tabs."""
    return text.translate(_LINES)
