"""The words of a text, and looking for many strings at once.

Owns: what a word is, which signs are eastern, one pattern for many strings.
Must not know: what is looked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, Final

EASTERN: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
"""A sign of Chinese, Japanese or Korean, which are written without spaces."""

words: Final[Callable[[str], list[str]]] = re.compile(r"[^\W_]+").findall
"""Return the words of a text; ``_`` parts them."""


def any_of(strings: Iterable[str]) -> re.Pattern[str]:
    """Return one pattern for all *strings*, shared beginnings written once: fast."""
    tree: dict[str, Any] = {}
    for string in strings:
        branch = tree
        for letter in string:
            branch = branch.setdefault(letter, {})
        branch[""] = {}
    return re.compile(_alternatives(tree))


def _alternatives(branch: dict[str, Any]) -> str:
    if "" in branch:
        return ""  # one ends here: what is longer has been found with it
    parts = [re.escape(letter) + _alternatives(branch[letter]) for letter in sorted(branch)]
    return parts[0] if len(parts) == 1 else f"(?:{'|'.join(parts)})"
