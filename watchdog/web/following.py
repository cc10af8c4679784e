"""The web configuration file while the server runs: taken anew when it changes.

Owns: noticing a change of the file or of a certificate, keeping the last good
content when the new one is bad, and saying who may enter. Must not know: what
the keys mean, routes.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import structlog

from watchdog.clock import rfc3339
from watchdog.config import WebFile, files_of_web_file, load_web_file
from watchdog.errors import ConfigurationError
from watchdog.metrics import names
from watchdog.model import Sample
from watchdog.secret import mask
from watchdog.web import strangers
from watchdog.web.access import Access

_PERIOD: Final = 1.0  # seconds between two looks
_SETTLING: Final = 0.5  # the same while something changes: a pair is renewed one by one

_log = structlog.get_logger("watchdog.web")
_Signature = tuple[tuple[int, ...] | None, ...]


class Following:
    """Keeps *access* as the file says; *renew* has clients connect anew when TLS changed."""

    def __init__(self, access: Access, renew: Callable[[], None]) -> None:
        self._access = access
        self._renew = renew
        self._path: Path | None = None
        self._files: tuple[Path, ...] = ()
        self._seen: _Signature = ()
        self._good = True
        self._lock = asyncio.Lock()

    async def take(self, web: WebFile, *, trust_network: bool) -> None:
        """Let *web*, just read, hold from now on."""
        async with self._lock:
            self._path, self._files = web.path, web.files
            self._seen = ()  # it may have changed since it was read: the next look reads again
            self._let_hold(web, trust_network=trust_network)

    def _let_hold(self, web: WebFile, *, trust_network: bool) -> None:
        before = self._access.web.tls
        self._access.take(web, trust_network=trust_network)
        self._good = True
        if before != web.tls:
            self._renew()

    async def follow(self) -> None:
        """Look at the files regularly, for ever."""
        pause = _PERIOD
        while True:
            await asyncio.sleep(pause)
            async with self._lock:
                pause = await self._look()

    async def _look(self) -> float:
        """Read the file again if it changed; return how long to wait for the next look."""
        if self._path is None:
            return _PERIOD
        now = await asyncio.to_thread(_signature, self._files)
        if now == self._seen:
            return _PERIOD
        while True:
            await asyncio.sleep(_SETTLING)
            before, now = now, await asyncio.to_thread(_signature, self._files)
            if now == before:
                break
        await self._read(self._path)
        return _PERIOD

    async def _read(self, path: Path) -> None:
        # What is looked at first may be older than what is read, never newer.
        self._files = await asyncio.to_thread(files_of_web_file, path)
        self._seen = await asyncio.to_thread(_signature, self._files)
        before = self._access.web
        try:
            web = await asyncio.to_thread(load_web_file, path)
            _refuse_to_open(before, web)
        except ConfigurationError as error:
            self._good = False
            _log.error(
                "web configuration not reloaded, the last good one stays",
                mistakes=[mask(mistake) for mistake in error.mistakes],
            )
            return
        if web == before and self._good:
            return
        for note in web.notes:
            _log.warning("note", note=note)
        self._let_hold(web, trust_network=self._access.trust_network)
        _log.info("web configuration reloaded", file=str(path), **self._described())
        self.say_who_may_enter(())

    def _described(self) -> dict[str, object]:
        web = self._access.web
        expires = web.tls.expires if web.tls is not None else None
        return {
            "tls": web.tls is not None,
            "client_certificates": web.tls is not None and web.tls.proves_clients,
            "users": len(web.users),
            "certificate_expires": rfc3339(expires) if expires is not None else None,
        }

    def say_who_may_enter(self, addresses: Sequence[str]) -> None:
        """Say loudly what others of the network can see, where they can see something."""
        access = self._access
        if not access.wide:
            return
        if access.for_strangers:
            _log.warning(
                "listens beyond this machine without passwords or client certificates:"
                " only /metrics, /healthz and /readyz are served",
                listen=addresses or None,
                steps=strangers.steps(access.language, by_variables=access.by_variables),
            )
        elif access.web.users and access.web.tls is None:
            _log.warning(
                "passwords travel in clear text: write tls_server_config into the web"
                " configuration file",
                listen=addresses or None,
            )
        elif not access.web.proves_clients:
            _log.info(
                "whoever reaches this address sees everything, as "
                + ("DB_WATCHDOG_TRUST_NETWORK" if access.by_variables else "web.trust_network")
                + " says",
                listen=addresses or None,
            )

    def samples(self) -> Iterator[Sample]:
        """Yield what ``/metrics`` says of this."""
        if self._path is not None:
            yield names.WEB_CONFIG_RELOAD_SUCCESSFUL.sample(float(self._good))
        yield from self._access.samples()


def _refuse_to_open(before: WebFile, after: WebFile) -> None:
    """Raise ``ConfigurationError`` where fewer are kept out: a full disk cuts files short."""
    lost = []
    if before.tls and not after.tls:
        lost.append("TLS")
    if before.proves_clients and not after.proves_clients:
        lost.append("passwords and client certificates")
    if lost:
        gone = f"{after.path}:1:1: {' and '.join(lost)} are gone from it: is it written whole?"
        raise ConfigurationError([f"{gone} If that is meant: systemctl reload db-watchdog"])


def _signature(files: Iterable[Path]) -> _Signature:
    """Return what changes when a file does, through links too; ``None`` for one that is gone."""
    return tuple(_signature_of(file) for file in files)


def _signature_of(file: Path) -> tuple[int, ...] | None:
    try:
        found = os.stat(file)  # noqa: PTH116 - os.stat says that links are followed
    except (OSError, ValueError):
        return None
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
