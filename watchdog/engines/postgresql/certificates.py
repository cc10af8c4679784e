"""Until when a certificate is valid.

Owns: finding one field in DER (RFC 5280, section 4.1): the standard library
only tells it of certificates that it has verified, and most connections do not
verify. Must not know: connections.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

_VERSION: Final = 0xA0
_UTC_TIME: Final = 0x17
_GENERALIZED_TIME: Final = 0x18
_LONG: Final = 0x80  # a length that takes more than its one byte

_BEFORE_VALIDITY: Final = 3  # serial number, signature algorithm, issuer
_CENTURY: Final = 50  # two digits below it are of 20xx, the others of 19xx (RFC 5280, 4.1.2.5.1)


def expiry(certificate: bytes) -> datetime | None:
    """Return the instant of ``notAfter``, UTC; ``None`` for bytes that are no certificate."""
    try:
        _, whole = next(_elements(certificate))
        _, signed = next(_elements(whole))
        fields = [content for tag, content in _elements(signed) if tag != _VERSION]
        _, (tag, written) = _elements(fields[_BEFORE_VALIDITY])
        return _instant(tag, written.decode("ascii"))
    except (IndexError, StopIteration, ValueError):
        return None


def _elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield tag and content of each element of *data*."""
    place = 0
    while place < len(data):
        tag, length = data[place], data[place + 1]
        place += 2
        if length & _LONG:
            more = length & ~_LONG
            length = int.from_bytes(data[place : place + more], "big")
            place += more
        if place + length > len(data):
            raise ValueError("the element ends behind its data")
        yield tag, data[place : place + length]
        place += length


def _instant(tag: int, text: str) -> datetime | None:
    if tag == _UTC_TIME:
        text = ("20" if int(text[:2]) < _CENTURY else "19") + text
    elif tag != _GENERALIZED_TIME:
        return None
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
