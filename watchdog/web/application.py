"""The routes.

Owns: which path answers what, status codes, and the headers that keep
browsers safe. Must not know: how pages are rendered, sockets, databases.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from watchdog.errors import ConfigurationError
from watchdog.metrics import single
from watchdog.metrics.negotiation import TEXT, Compressor, choose, gzip_accepted
from watchdog.results import Status
from watchdog.secret import mask
from watchdog.web import documents
from watchdog.web.access import Access, Doors
from watchdog.web.files import StaticFiles
from watchdog.web.incidents import Incidents
from watchdog.web.page import StatusPage
from watchdog.web.services import Services
from watchdog.web.states import still

_MARGIN: Final = 0.5  # seconds of the scraper's timeout that are left for the way back
_PROBE_DEFAULT: Final = 10.0  # Prometheus' own default scrape timeout
_PROBE_LONGEST: Final = 120.0
_SMALL: Final = 1400  # bytes: compressing what fits into one packet gains nothing
_METHODS: Final = ("GET", "HEAD")

_SAFE: Final = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
        " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}


def build(services: Services, access: Access | None = None) -> ASGIApp:
    """Return the application for *services*, behind the doors of *access*."""
    routes = _Routes(services)
    application = Starlette(
        routes=[
            Route("/", routes.status_page, methods=_METHODS),
            Route("/metrics", routes.metrics, methods=_METHODS),
            Route("/probe", routes.probe, methods=_METHODS),
            Route("/healthz", routes.healthz, methods=_METHODS),
            Route("/-/healthy", routes.healthz, methods=_METHODS),
            Route("/readyz", routes.readyz, methods=_METHODS),
            Route("/-/ready", routes.readyz, methods=_METHODS),
            Route("/-/reload", routes.reload, methods=("POST",)),
            Route("/api/v1/targets", routes.targets, methods=_METHODS),
            Route("/api/v1/targets/{name}", routes.target, methods=_METHODS),
            Route("/api/v1/backups", routes.backups, methods=_METHODS),
            Route("/api/v1/incidents", routes.incidents, methods=_METHODS),
            Route("/api/v1/incidents/{id}", routes.incident, methods=_METHODS),
            Route("/incidents/{id}", routes.incident_page, methods=_METHODS),
            Route("/favicon.ico", routes.favicon, methods=_METHODS),
            Mount("/static", StaticFiles()),
        ],
        exception_handlers={
            HTTPException: _refusal,
            TimeoutError: _silent,
            Exception: _defect,
        },
    )
    application.router.redirect_slashes = False  # such a redirect would repeat the Host header
    return _SafeHeaders(Doors(application, access or Access()))


class _Routes:
    """One method a path."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._page = StatusPage(services)
        self._incidents = Incidents(services)
        self._compressor = Compressor()

    # -------------------------------------------------------------- for people

    async def status_page(self, request: Request) -> Response:
        html = await self._page.html()
        headers = {"cache-control": "no-store", "vary": "accept-encoding"}
        if gzip_accepted(request.headers.get("accept-encoding", "")):
            html = await self._page.compressed(html)
            headers["content-encoding"] = "gzip"
        return Response(html, media_type="text/html", headers=headers)

    async def incident_page(self, request: Request) -> Response:
        html = await self._incidents.page(request.path_params["id"])
        if html is None:
            raise HTTPException(404)
        return Response(html, media_type="text/html", headers={"cache-control": "no-store"})

    async def favicon(self, _: Request) -> Response:
        state = self._page.state()
        return Response(status_code=307, headers={"location": f"/static/favicon-{state}.svg"})

    # -------------------------------------------------------------- for Prometheus

    async def metrics(self, request: Request) -> Response:
        chosen = choose(request.headers.get("accept", ""))
        parts = self._services.exposition.parts(openmetrics=chosen.openmetrics)
        headers = {"content-type": chosen.content_type, "vary": "accept, accept-encoding"}
        if not gzip_accepted(request.headers.get("accept-encoding", "")):
            return Response(bytes(parts), headers=headers)
        body = await self._compressor.compress(parts, openmetrics=chosen.openmetrics)
        return Response(body, headers=headers | {"content-encoding": "gzip"})

    async def probe(self, request: Request) -> Response:
        name = request.query_params.get("target", "")
        if not name:
            return _text(400, "Say which target: /probe?target=NAME. " + self._known())
        status = self._services.store.status(name)
        if status is None:
            return _text(404, "There is no target of that name. " + self._known())
        seconds = _seconds(request.headers.get("x-prometheus-scrape-timeout-seconds"))
        probed = await self._probed(status, seconds)
        page = single.page(probed, self._services.exposition.describe(status.target))
        return Response(page, headers={"content-type": TEXT, "cache-control": "no-store"})

    async def _probed(self, status: Status, seconds: float) -> single.Probed:
        clock, store = self._services.clock, self._services.store
        began = clock.monotonic()
        name = status.target.name
        try:
            async with asyncio.timeout(seconds):
                finished = await self._services.probe_now(name, seconds) is not False
        except TimeoutError:
            finished = False
        current = store.status(name) or status
        server = store.server(current.server.name) if current.server is not None else None
        return single.Probed(current, server, finished, clock.monotonic() - began)

    def _known(self) -> str:
        names = [status.target.name for status in self._services.store.statuses()]
        if not names:
            return "No targets are configured.\n"
        return "The targets are: " + ", ".join(names) + "\n"

    # -------------------------------------------------------------- for whoever keeps it running

    async def healthz(self, _: Request) -> Response:
        health = self._services.health()
        document = {"status": "ok" if health.ok else "failing", **health.details}
        return _json(document, 200 if health.ok else 503)

    async def readyz(self, _: Request) -> Response:
        awaited = list(self._services.awaited())
        document = {"status": "waiting" if awaited else "ready", "awaited": awaited}
        return _json(document, 503 if awaited else 200)

    async def reload(self, request: Request) -> Response:
        reload = self._services.reload
        if reload is None:
            return _text(
                403,
                "Reloading by HTTP is off. Send SIGHUP (systemctl reload db-watchdog), or enable"
                " it in the configuration.\n",
            )
        if request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            return _text(403, "Not from a page of another site.\n")
        try:
            await reload()
        except ConfigurationError as error:
            mistakes = "".join(f"{mask(mistake)}\n" for mistake in error.mistakes)
            return _text(500, f"Nothing was changed; the configuration has mistakes:\n{mistakes}")
        return _text(200, "The configuration was reloaded.\n")

    # -------------------------------------------------------------- for programs

    async def targets(self, _: Request) -> Response:
        statuses = [still(status) for status in self._services.store.statuses()]
        language = self._services.language
        return await asyncio.to_thread(_targets, statuses, language)

    async def target(self, request: Request) -> Response:
        status = self._services.store.status(request.path_params["name"])
        if status is None:
            return self._no_such_target()
        return _json(documents.target_document(status, self._services.language))

    async def backups(self, request: Request) -> Response:
        target = request.query_params.get("target")
        if self._is_unknown(target):
            return self._no_such_target()
        found = await self._services.catalogue()
        if target is not None:
            found = [each for each in found if each["target"] == target]
        return _json(documents.backups_document(found))

    async def incidents(self, request: Request) -> Response:
        target = request.query_params.get("target")
        if self._is_unknown(target):
            return self._no_such_target()
        return _json(await self._incidents.listed(target))

    def _is_unknown(self, target: str | None) -> bool:
        return target is not None and self._services.store.status(target) is None

    def _no_such_target(self) -> Response:
        return _json({"error": "There is no target of that name. " + self._known().strip()}, 404)

    async def incident(self, request: Request) -> Response:
        document = await self._incidents.document(request.path_params["id"])
        if document is None:
            return _json({"error": "There is no incident of that id."}, 404)
        return _json(document)


# ------------------------------------------------------------------ answers


def _text(status: int, text: str) -> Response:
    return PlainTextResponse(text, status, headers={"cache-control": "no-store"})


class _Json(JSONResponse):
    """JSON of any text: a name of a file that is not UTF-8 has its odd bytes escaped."""

    def render(self, content: Any) -> bytes:
        return _encoded(content)


def _encoded(content: Any) -> bytes:
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8", "backslashreplace")


def _targets(statuses: Sequence[Status], language: str) -> Response:
    """Return ``targets_document`` of many targets, each written before the next is made."""
    head, _, tail = _encoded(documents.targets_document((), language)).partition(b"[]")
    each = (_encoded(documents.target_document(status, language)) for status in statuses)
    body = b"%s[%s]%s" % (head, b",".join(each), tail)
    return Response(body, media_type=_Json.media_type, headers={"cache-control": "no-store"})


def _json(document: object, status: int = 200) -> Response:
    return _Json(document, status, headers={"cache-control": "no-store"})


def _seconds(header: str | None) -> float:
    """Return how long a probe may take so that its answer still meets the scraper's timeout."""
    try:
        given = float(header) if header else _PROBE_DEFAULT
    except ValueError:
        given = _PROBE_DEFAULT
    if not math.isfinite(given) or given <= 0:
        given = _PROBE_DEFAULT
    return min(max(given - _MARGIN, given / 2), _PROBE_LONGEST)


async def _refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    allowed = (error.headers or {}).get("allow", "")
    text = {
        404: "There is nothing here. / is the status page, /metrics is for Prometheus.",
        405: f"That method is not for this path; use {allowed or 'another'}.",
    }.get(error.status_code, error.detail)
    if request.url.path.startswith("/api/"):
        return JSONResponse({"error": text}, error.status_code, headers=error.headers)
    return PlainTextResponse(f"{text}\n", error.status_code, headers=error.headers)


async def _silent(_: Request, __: Exception) -> Response:
    """Answer where a disk of ours does not."""
    return PlainTextResponse("The state directory does not answer. Try again later.\n", 503)


async def _defect(_: Request, __: Exception) -> Response:
    """Answer for a defect of ours; the server logs the traceback, the client does not see it."""
    return PlainTextResponse("Something went wrong here; the log says what.\n", 500)


class _SafeHeaders:
    """Adds the headers that keep browsers safe to every answer."""

    def __init__(self, application: Callable[[Scope, Receive, Send], Awaitable[Any]]) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _SAFE.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._application(scope, receive, sent)
