"""Which format a scraper gets, and compressed how.

Owns: reading `Accept` as Prometheus sends it, the content types, and the one
compressed page that is kept. Must not know: HTTP libraries, targets.
"""

from __future__ import annotations

import asyncio
import struct
import zlib
from dataclasses import dataclass
from typing import Final

from watchdog.metrics.exposition import Parts

TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"
_TEXT_1: Final = "text/plain; version=1.0.0; charset=utf-8; escaping="
_OPENMETRICS: Final = "application/openmetrics-text; version=1.0.0; charset=utf-8"

# Our names are plain, so these schemes leave them as they are; "dots" would not.
_ESCAPINGS: Final = frozenset({"allow-utf-8", "underscores", "values"})
_GZIP_HEADER: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\xff"
_LEVEL: Final = 1
_OFF_THE_LOOP: Final = 1 << 20  # bytes: about 3 ms of compression


@dataclass(frozen=True, slots=True)
class Format:
    """What is served: OpenMetrics or the text format, and its content type."""

    openmetrics: bool
    content_type: str


def choose(accept: str) -> Format:
    """Return the format for an `Accept` header; without one the text format 0.0.4."""
    ranges = [_range(part) for part in accept.split(",") if part.strip()]
    ranges.sort(key=lambda found: -found[2])  # stable: the client's order among equals
    for kind, parameters, quality in ranges:
        chosen = _offer(kind, parameters) if quality > 0 else None
        if chosen is not None:
            return chosen
    return Format(openmetrics=False, content_type=TEXT)


def gzip_accepted(accept_encoding: str) -> bool:
    """Whether an `Accept-Encoding` header allows gzip."""
    for part in accept_encoding.split(","):
        coding, _, quality = part.lower().replace(" ", "").partition(";q=")
        if coding == "gzip":
            return _quality(quality or "1") > 0
    return False


class Compressor:
    """gzip of pages whose settled part seldom changes.

    The settled part is deflated once and kept; the moving part is deflated
    anew and appended as further blocks of the same, single gzip member.
    """

    def __init__(self) -> None:
        self._kept: dict[bool, tuple[bytes, bytes, int]] = {}

    async def compress(self, parts: Parts, *, openmetrics: bool) -> bytes:
        """Return the page compressed; a large one is compressed off the event loop."""
        kept = self._kept.get(openmetrics)
        if kept is None or kept[0] is not parts.settled:
            if len(parts.settled) > _OFF_THE_LOOP:
                blocks, checksum = await asyncio.to_thread(_deflate, parts.settled)
            else:
                blocks, checksum = _deflate(parts.settled)
            kept = self._kept[openmetrics] = (parts.settled, blocks, checksum)
        _, blocks, checksum = kept
        deflate = _deflater()
        last = deflate.compress(parts.moving) + deflate.flush(zlib.Z_FINISH)
        checksum = zlib.crc32(parts.moving, checksum)
        size = (len(parts.settled) + len(parts.moving)) & 0xFFFFFFFF
        return b"".join((_GZIP_HEADER, blocks, last, struct.pack("<II", checksum, size)))


def _deflate(text: bytes) -> tuple[bytes, int]:
    deflate = _deflater()
    # A full flush ends on a byte and forgets the window: other blocks may follow.
    return deflate.compress(text) + deflate.flush(zlib.Z_FULL_FLUSH), zlib.crc32(text)


def _deflater() -> zlib._Compress:
    return zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)


def _range(part: str) -> tuple[str, dict[str, str], float]:
    kind, *rest = (piece.strip().lower() for piece in part.split(";"))
    pairs = (piece.partition("=") for piece in rest)
    parameters = {name.strip(): value.strip().strip('"') for name, _, value in pairs}
    return kind, parameters, _quality(parameters.get("q", "1"))


def _quality(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _offer(kind: str, parameters: dict[str, str]) -> Format | None:
    version = parameters.get("version", "")
    escaping = parameters.get("escaping", "underscores")
    if escaping not in _ESCAPINGS:
        escaping = "underscores"
    if kind == "application/openmetrics-text" and version != "0.0.1":
        suffix = f"; escaping={escaping}" if version else ""
        return Format(openmetrics=True, content_type=_OPENMETRICS + suffix)
    if kind == "text/plain" and version.startswith("1."):
        return Format(openmetrics=False, content_type=_TEXT_1 + escaping)
    if kind in ("text/plain", "text/*", "*/*"):
        return Format(openmetrics=False, content_type=TEXT)
    return None
