"""What a certificate says of itself: until when it is valid.

Owns: the few bytes of DER that lead to that date; the standard library reads
them only of certificates that it has verified. Must not know: files, TLS.
"""

from __future__ import annotations

import re
import ssl
from datetime import UTC, datetime
from typing import Final

_PEM: Final = re.compile(
    r"-----BEGIN CERTIFICATE-----\s+[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----"
)
_SEQUENCE: Final = 0x30
_VERSION: Final = 0xA0
_FORMATS: Final = {0x17: "%y%m%d%H%M%SZ", 0x18: "%Y%m%d%H%M%SZ"}  # UTCTime, GeneralizedTime


def certificates_in(pem: str) -> list[str]:
    """Return the certificates in *pem*, in its order, each as PEM."""
    return _PEM.findall(pem)


def valid_until(pem: str) -> datetime | None:
    """Return until when the first certificate in *pem* is valid; ``None`` if that is unreadable."""
    found = certificates_in(pem)
    if not found:
        return None
    try:
        return _not_after(ssl.PEM_cert_to_DER_cert(found[0]))
    except (ValueError, IndexError):
        return None


def _not_after(der: bytes) -> datetime:
    to_be_signed = _Reader(_Reader(der).content(_SEQUENCE)).content(_SEQUENCE)
    fields = _Reader(to_be_signed)
    if fields.tag() == _VERSION:
        fields.skip()
    for _ in ("serial number", "algorithm", "issuer"):
        fields.skip()
    validity = _Reader(fields.content(_SEQUENCE))
    validity.skip()
    form = _FORMATS[kind] if (kind := validity.tag()) in _FORMATS else ""
    text = validity.content(kind).decode("ascii")
    instant = datetime.strptime(text, form).replace(tzinfo=UTC)
    if kind == 0x17 and instant.year >= 2050:  # two digits stand for 1950 to 2049
        instant = instant.replace(year=instant.year - 100)
    return instant


class _Reader:
    """Tag, length, content, one after the other."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def tag(self) -> int:
        return self._data[self._at]

    def skip(self) -> None:
        self.content(self.tag())

    def content(self, tag: int) -> bytes:
        """Return the content of the next element, which must be of *tag*, and go on behind it."""
        if self._data[self._at] != tag:
            raise ValueError("not a certificate")
        length, start = self._data[self._at + 1], self._at + 2
        if length & 0x80:
            size = length & 0x7F
            length = int.from_bytes(self._data[start : start + size], "big")
            start += size
        content = self._data[start : start + length]
        if len(content) != length:
            raise ValueError("a certificate that ends too early")
        self._at = start + length
        return content
