"""The status page as HTML.

Owns: the template's surroundings, and rendering it once a second at most,
however many look at it. Must not know: routes, what is shown.
"""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import Callable
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Final

from watchdog.web.files import etag_of
from watchdog.web.records import Page
from watchdog.web.services import Services
from watchdog.web.states import overall, still, still_server
from watchdog.web.view import View
from watchdog.web.words import Words

if TYPE_CHECKING:
    import jinja2
    from markupsafe import Markup

_FRESH: Final = 1.0  # seconds for which a rendered page is shown again, at least
_LEVEL: Final = 1
_PIECES: Final = 200  # of the template, about a millisecond


class StatusPage:
    """Renders the page of *services* on demand."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._turn = asyncio.Lock()
        self._html = b""
        self._packed: tuple[bytes, bytes] = (b"", b"")
        self._rendered_at: float | None = None
        self._fresh = _FRESH

    def state(self) -> str:
        """Return the state of all targets together, as the icon shows it."""
        return overall(self._services.store.statuses())

    async def html(self) -> bytes:
        """Return the page, made anew once a second at most and off the event loop.

        A page that takes long to make (hundreds of targets) is kept for ten
        times as long, so that looking at it never takes more than a tenth of
        a processor, however many do.
        """
        async with self._turn:
            now = self._services.clock.monotonic()
            if self._rendered_at is None or not 0 <= now - self._rendered_at < self._fresh:
                began = time.perf_counter()
                self._html = await asyncio.to_thread(self._make())
                self._fresh = max(_FRESH, 10 * (time.perf_counter() - began))
                self._rendered_at = now
            return self._html

    async def compressed(self, html: bytes) -> bytes:
        """Return *html* packed by gzip."""
        async with self._turn:
            if self._packed[0] is not html:
                packed = await asyncio.to_thread(gzip.compress, html, _LEVEL)
                self._packed = (html, packed)
            return self._packed[1]

    def _make(self) -> Callable[[], bytes]:
        """Return what makes the page of this moment; it may run in another thread."""
        services = self._services
        clock, store = services.clock, services.store
        statuses = [still(status) for status in store.statuses()]
        servers = [still_server(status) for status in store.servers()]
        stalled, configuration = not services.health().ok, services.configuration
        failed, words = services.failed_reload, Words(services.language)
        incidents = services.incidents.listed() if services.incidents is not None else {}
        view = View(words, clock.now(), clock.monotonic(), incidents)

        def make() -> bytes:
            page = view.page(
                statuses,
                servers,
                stalled=stalled,
                configuration=configuration,
                failed_reload=failed,
            )
            return self._render(page, words)

        return make

    def _render(self, page: Page, words: Words) -> bytes:
        pieces = []
        for count, piece in enumerate(template("status.html").generate(page=page, words=words)):
            pieces.append(piece)
            if count % _PIECES == 0:
                time.sleep(0)  # lets the event loop's thread go first
        return "".join(pieces).encode("utf-8", "replace")


def code_spans(text: str) -> Markup:
    """Return *text* escaped, with what stands between backticks as code."""
    from markupsafe import Markup, escape  # noqa: PLC0415 - with the templates

    parts = text.split("`")
    if len(parts) % 2 == 0:  # an odd backtick is only a backtick
        parts[-2:] = ["`".join(parts[-2:])]
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if place % 2 else escape(part)
        for place, part in enumerate(parts)
    )


@cache
def template(name: str) -> jinja2.Template:
    """Return the template *name* in its surroundings."""
    # A daemon whose page nobody looks at need not carry the library.
    import jinja2  # noqa: PLC0415

    folder = resources.files("watchdog.web")
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("watchdog.web"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["code_spans"] = code_spans
    # A new version of a file has a new address, so that no browser mixes them.
    environment.globals["static"] = {
        file: f"/static/{file}?v={etag_of(folder.joinpath('static', file).read_bytes())[1:9]}"
        for file in ("status.css", "status.js")
    }
    return environment.get_template(name)
