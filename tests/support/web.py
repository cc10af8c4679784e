"""The HTTP server of a store on a real socket, for tests."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx

from watchdog.config import WebFile
from watchdog.web.access import Access
from watchdog.web.application import build
from watchdog.web.server import HttpServer
from watchdog.web.services import Services


@dataclass
class Running:
    """A server that answers, and a client that speaks to it."""

    server: HttpServer
    access: Access
    client: httpx.AsyncClient
    host: str
    port: int

    async def connect(self, **options) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a bare connection."""
        return await asyncio.open_connection(self.host, self.port, **options)


@asynccontextmanager
async def serving(
    services: Services,
    listen: str = "127.0.0.1:0",
    *,
    web: WebFile | None = None,
    trusting: ssl.SSLContext | bool = True,
    trust_network: bool = False,
    **limits,
) -> AsyncIterator[Running]:
    """Serve *services* as *web* says until the block ends; the client trusts *trusting*."""
    access = Access(web, trust_network=trust_network)
    server = HttpServer(build(services, access), access, **limits)
    await server.start(listen)
    async with asyncio.TaskGroup() as group:
        group.create_task(server.run())
        try:
            if listen.startswith("unix:"):
                transport = httpx.AsyncHTTPTransport(uds=listen.removeprefix("unix:"))
                client = httpx.AsyncClient(transport=transport, base_url="http://socket")
                host, port = listen, 0
            else:
                client = httpx.AsyncClient(
                    base_url=server.base_urls[0], verify=trusting, trust_env=False
                )
                host, _, text = server.addresses[0].rpartition(":")
                host, port = host.strip("[]"), int(text)
            async with client:
                yield Running(server, access, client, host, port)
        finally:
            server.stop()
