"""What a server's certificate says of itself: names, issuer, and how long it is valid.

Owns: as much of DER and X.509 (RFC 5280) as that takes; nothing is verified.
Pure. Must not know: sockets.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

_COMMON_NAME: Final = bytes.fromhex("550403")
_ALTERNATIVE_NAMES: Final = bytes.fromhex("551d11")
_SEQUENCE_OF_EXTENSIONS: Final = 0xA3
_VERSION: Final = 0xA0
_UTC_TIME: Final = 0x17
_DNS_NAME: Final = 0x82
_IP_ADDRESS: Final = 0x87
_MANY_BYTES: Final = 0x80
_CENTURY_TURNS: Final = 50  # RFC 5280: two digits below it are of this century


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate as it describes itself; the instants are UTC."""

    subject: str
    issuer: str
    names: tuple[str, ...]
    not_before: datetime
    not_after: datetime

    @property
    def is_own_issuer(self) -> bool:
        """Whether it is signed by itself, so that it is its own root."""
        return bool(self.subject) and self.subject == self.issuer


def read(der: bytes) -> Certificate:
    """Return what the certificate *der* says. Raises ``ValueError`` for anything else."""
    try:
        return _read(der)
    except (IndexError, StopIteration, RuntimeError, OverflowError) as error:
        raise ValueError("not a certificate") from error


def _read(der: bytes) -> Certificate:
    (_, certificate), *_ = _items(der)
    (_, body), *_ = _items(certificate)
    fields = list(_items(body))
    if fields[0][0] == _VERSION:
        fields = fields[1:]
    issuer, validity, subject = (fields[at][1] for at in (2, 3, 4))
    (first, last) = (_moment(tag, value) for tag, value in _items(validity))
    extensions = [value for tag, value in fields[5:] if tag == _SEQUENCE_OF_EXTENSIONS]
    names = _alternative_names(extensions[0]) if extensions else ()
    return Certificate(_common_name(subject), _common_name(issuer), names, first, last)


def _items(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the tag and content of each element."""
    at = 0
    while at < len(data):
        tag, length = data[at], data[at + 1]
        at += 2
        if length & _MANY_BYTES:
            count = length & 0x7F
            length = int.from_bytes(data[at : at + count], "big")
            at += count
        if at + length > len(data):
            raise ValueError("it ends early")
        yield tag, data[at : at + length]
        at += length


def _moment(tag: int, value: bytes) -> datetime:
    text = value.decode("ascii")
    if tag == _UTC_TIME:
        text = ("20" if int(text[:2]) < _CENTURY_TURNS else "19") + text
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


def _common_name(name: bytes) -> str:
    for _, entry in _items(name):
        for _, pair in _items(entry):
            (_, kind), (_, value) = _items(pair)
            if kind == _COMMON_NAME:
                return value.decode("utf-8", "replace")
    return ""


def _alternative_names(wrapped: bytes) -> tuple[str, ...]:
    (_, extensions), *_ = _items(wrapped)
    for _, extension in _items(extensions):
        parts = list(_items(extension))
        if parts[0][1] == _ALTERNATIVE_NAMES:
            (_, names), *_ = _items(parts[-1][1])
            return tuple(filter(None, (_name(tag, value) for tag, value in _items(names))))
    return ()


def _name(tag: int, value: bytes) -> str:
    if tag == _DNS_NAME:
        return value.decode("ascii", "replace")
    if tag == _IP_ADDRESS and len(value) == 4:
        return ".".join(map(str, value))
    return ""
