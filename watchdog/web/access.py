"""Who may see what: passwords, the rate limit, and what strangers are shown.

Owns: the doors before the routes, the headers of the web configuration file,
and the counts of who was turned away. All of it may change while the server
runs. Must not know: routes' contents, sockets, TLS.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, Final

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import Message, Receive, Scope, Send

from watchdog.config.web_file import RateLimit, WebFile
from watchdog.metrics import names
from watchdog.model import Sample
from watchdog.web import strangers
from watchdog.web.logins import Crowded, Logins

_log = structlog.get_logger("watchdog.web")

# What a listener beyond loopback shows to everybody.
PUBLIC: Final = frozenset({"/metrics", "/healthz", "/readyz", "/-/healthy", "/-/ready"})

# Why somebody was turned away; the list is closed.
REASONS: Final = ("password", "network", "rate", "crowd", "plain", "handshake", "name", "room")

_QUIET: Final = 60.0  # seconds in which the same is said once
_SOON: Final = {"retry-after": "1"}
_CHALLENGE: Final = {"www-authenticate": 'Basic realm="db-watchdog", charset="UTF-8"'}


class Access:
    """The rules of now. ``take`` sets them anew; ``wide`` is set by the listener.

    ``language`` and ``by_variables`` (there is no configuration file) are for
    what strangers and the log are told; a reload may set them anew.
    """

    def __init__(self, web: WebFile | None = None, *, trust_network: bool = False) -> None:
        self.wide = False  # some address beyond loopback is listened on
        self.language, self.by_variables = "en", False
        self.turned_away = dict.fromkeys(REASONS, 0)
        self.logins = Logins()
        self._said: dict[str, float] = {}
        self._bucket: _Bucket | None = None
        self.web = WebFile()
        self.trust_network = trust_network
        self.take(web or WebFile(), trust_network=trust_network)

    def take(self, web: WebFile, *, trust_network: bool) -> None:
        """Let *web* hold from now on, for connections that are open as well."""
        if web.rate_limit != self.web.rate_limit:
            self._bucket = _Bucket(web.rate_limit) if web.rate_limit is not None else None
        self.web, self.trust_network = web, trust_network
        self.logins.take(web.users)

    @property
    def for_strangers(self) -> bool:
        """Whether only what is public is shown."""
        return self.wide and not self.trust_network and not self.web.proves_clients

    def refused(self, reason: str, host: str = "", why: str = "") -> None:
        """Count one that was turned away; say *why* once a minute, for whoever wonders."""
        self.turned_away[reason] += 1
        now = time.monotonic()
        if why and now - self._said.get(reason, -_QUIET) >= _QUIET:
            self._said[reason] = now
            _log.warning("client turned away", client=host, reason=reason, why=why)

    def samples(self) -> Iterator[Sample]:
        """Yield what ``/metrics`` says of this."""
        for reason, number in self.turned_away.items():
            yield names.WEB_REFUSALS.sample(number, reason)
        tls = self.web.tls
        if tls is not None and tls.expires is not None:
            yield names.WEB_CERTIFICATE_EXPIRY.sample(tls.expires.timestamp())

    async def why_not(self, scope: Scope) -> Response | None:
        """Return the refusal of a request, ``None`` if it may pass."""
        if self._bucket is not None and not self._bucket.take():
            self.refused("rate")
            return _refusal(
                429, "Too many requests; try again in a moment.\n", {"retry-after": "1"}
            )
        if self.web.users:
            try:
                known = await self.logins.known(Headers(scope=scope).get("authorization", ""))
            except Crowded:
                self.refused("crowd")
                return _refusal(
                    503, "Too many logins at once; try again in a moment.\n", {"retry-after": "1"}
                )
            if not known:
                self.refused("password")
                challenge = 'Basic realm="db-watchdog", charset="UTF-8"'
                return _refusal(
                    401, "A name and a password are needed.\n", {"www-authenticate": challenge}
                )
        if self.for_strangers and scope["path"] not in PUBLIC:
            self.refused("network")
            told = strangers.refusal(self.language, by_variables=self.by_variables)
            return _refusal(403, f"{told}\n", {})
        return None


class Doors:
    """The application behind *access*."""

    def __init__(
        self, application: Callable[[Scope, Receive, Send], Awaitable[Any]], access: Access
    ) -> None:
        self._application = application
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request, or refuse it."""

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._access.web.headers.items():
                    headers[name] = value
            await send(message)

        refusal = await self._access.why_not(scope)
        await (refusal or self._application)(scope, receive, sent)


class _Bucket:
    """A bucket of tokens: *burst* at once, then one every *interval*."""

    def __init__(self, limit: RateLimit) -> None:
        self._limit = limit
        self._tokens = float(limit.burst)
        self._at = time.monotonic()

    def take(self) -> bool:
        now = time.monotonic()
        gained = (now - self._at) / self._limit.interval
        self._tokens = min(float(self._limit.burst), self._tokens + gained)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


def _refusal(status: int, text: str, headers: Mapping[str, str]) -> Response:
    return PlainTextResponse(text, status, headers={"cache-control": "no-store", **headers})
