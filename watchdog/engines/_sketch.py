"""A sketch of a set of names, small however many there are.

Owns: its size and its hash, which must never change: sketches of years ago
are compared with those of today. Must not know: whose names they are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final

SIZE: Final = 64
_DIGITS: Final = 8


def sketch(names: Iterable[str]) -> list[str]:
    """Return the smallest 64 hashes of *names*, sorted: two sketches tell how alike two sets are.

    (A bottom-k sketch: https://doi.org/10.1145/1281100.1281133.)
    """
    hashes = {
        hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]
        for name in names
    }
    return sorted(hashes)[:SIZE]
