"""Static files, read once, with ETags.

Owns: style, script and icons of the status page. Must not know: what they are for.
"""

from __future__ import annotations

import hashlib
from importlib import resources
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

_TYPES: Final = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}


class StaticFiles:
    """Serves ``watchdog/web/static`` by plain name; an ASGI application."""

    def __init__(self) -> None:
        self._files: dict[str, tuple[bytes, str, str]] = {}
        for found in resources.files("watchdog.web").joinpath("static").iterdir():
            kind = _TYPES.get(found.name.rpartition(".")[2])
            if kind is not None:
                content = found.read_bytes()
                self._files[found.name] = (content, kind, etag_of(content))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request for a file."""
        request = Request(scope, receive)
        if request.method not in ("GET", "HEAD"):
            raise HTTPException(405, headers={"allow": "GET, HEAD"})
        found = self._files.get(request.url.path.rpartition("/")[2])
        if found is None:
            raise HTTPException(404)
        content, kind, etag = found
        headers = {"etag": etag, "cache-control": "no-cache"}
        if _matches(request.headers.get("if-none-match", ""), etag):
            response = Response(status_code=304, headers=headers)
        else:
            response = Response(content, headers=headers | {"content-type": kind})
        await response(scope, receive, send)


def etag_of(content: bytes) -> str:
    """Return a strong ETag of *content*."""
    return f'"{hashlib.sha256(content).hexdigest()[:20]}"'


def _matches(header: str, etag: str) -> bool:
    return header.strip() == "*" or etag in [
        tag.strip().removeprefix("W/") for tag in header.split(",")
    ]
