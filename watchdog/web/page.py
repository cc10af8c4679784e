"""The status page as HTML.

Owns: the template's surroundings, and rendering it once a second at most,
however many look at it. Must not know: routes, what is shown.
"""

from __future__ import annotations

import asyncio
import gzip
from importlib import resources
from typing import Final

import jinja2
from markupsafe import Markup, escape

from watchdog.web.files import etag_of
from watchdog.web.records import Page
from watchdog.web.services import Services
from watchdog.web.states import overall
from watchdog.web.view import View
from watchdog.web.words import Words

_FRESH: Final = 1.0  # seconds for which a rendered page is shown again
_LEVEL: Final = 1


class StatusPage:
    """Renders the page of *services* on demand."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._template = _template()
        self._turn = asyncio.Lock()
        self._html = b""
        self._packed: tuple[bytes, bytes] = (b"", b"")
        self._rendered_at: float | None = None

    def state(self) -> str:
        """Return the state of all targets together, as the icon shows it."""
        return overall(self._services.store.statuses())

    async def html(self) -> bytes:
        """Return the page, at most a second old; rendered off the event loop."""
        async with self._turn:
            now = self._services.clock.monotonic()
            if self._rendered_at is None or not 0 <= now - self._rendered_at < _FRESH:
                page = self._page()
                self._html = await asyncio.to_thread(self._render, page)
                self._rendered_at = now
            return self._html

    async def compressed(self, html: bytes) -> bytes:
        """Return *html* packed by gzip."""
        async with self._turn:
            if self._packed[0] is not html:
                packed = await asyncio.to_thread(gzip.compress, html, _LEVEL)
                self._packed = (html, packed)
            return self._packed[1]

    def _page(self) -> Page:
        services = self._services
        clock, store = services.clock, services.store
        view = View(Words(services.language), clock.now(), clock.monotonic())
        return view.page(
            store.statuses(),
            store.servers(),
            stalled=not services.health().ok,
            configuration=services.configuration,
        )

    def _render(self, page: Page) -> bytes:
        text = self._template.render(page=page, words=Words(page.language))
        return text.encode("utf-8", "replace")


def code_spans(text: str) -> Markup:
    """Return *text* escaped, with what stands between backticks as code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:  # an odd backtick is only a backtick
        parts[-2:] = ["`".join(parts[-2:])]
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if place % 2 else escape(part)
        for place, part in enumerate(parts)
    )


def _template() -> jinja2.Template:
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
        name: f"/static/{name}?v={etag_of(folder.joinpath('static', name).read_bytes())[1:9]}"
        for name in ("status.css", "status.js")
    }
    return environment.get_template("status.html")
