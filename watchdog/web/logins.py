"""Names and passwords of HTTP's basic authentication.

Owns: comparing with bcrypt off the event loop, one at a time, and remembering
what was found, within bounds, so that a scraper costs a tenth of a second
once and not at each scrape. Must not know: routes, files.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import os
from collections import OrderedDict
from collections.abc import Mapping
from typing import Final

import bcrypt

from watchdog.secret import Secret

_REMEMBERED: Final = 256  # of those that are right, and as many that are wrong
_WAITING_AT_MOST: Final = 32
_LONGEST: Final = 72  # bytes of a password that bcrypt looks at
# What no password has: a salt and a hash of nothing, only there to take as long.
_NOBODY: Final = "." * 21 + "O" + "." * 31


class Crowded(Exception):  # noqa: N818 - it reads as what happened
    """Too many logins wait for their turn."""


class Logins:
    """Whether a name and a password belong together; remembers, and forgets with new users."""

    def __init__(self) -> None:
        self._users: Mapping[str, Secret] = {}
        self._nobody = b""
        self._secret = os.urandom(32)
        self._right: OrderedDict[bytes, None] = OrderedDict()
        self._wrong: OrderedDict[bytes, None] = OrderedDict()
        self._turn = asyncio.Lock()
        self._waiting = 0

    def take(self, users: Mapping[str, Secret]) -> None:
        """Use *users*, bcrypt hashes by name, from now on."""
        self._users = users
        costs = [int(secret.reveal()[4:6]) for secret in users.values()]
        self._nobody = f"$2b${max(costs, default=10):02}${_NOBODY}".encode()

    async def known(self, header: str) -> bool:
        """Whether *header*, an ``Authorization``, is that of a user. Raises ``Crowded``."""
        pair = _pair(header)
        if pair is None:
            return False
        name, password = pair
        secret = self._users.get(name)
        # A name that nobody has takes as long as a wrong password.
        hashed = secret.reveal().encode() if secret is not None else self._nobody
        seal = self._seal(name.encode(), hashed, password)
        if seal in self._right:
            self._right.move_to_end(seal)
            return True
        if seal in self._wrong:
            return False
        fits = await self._compare(password, hashed, seal) and secret is not None
        _remember(self._right if fits else self._wrong, seal)
        return fits

    async def _compare(self, password: bytes, hashed: bytes, seal: bytes) -> bool:
        if self._waiting >= _WAITING_AT_MOST:
            raise Crowded
        self._waiting += 1
        try:
            async with self._turn:
                if seal in self._right:  # somebody asked the same meanwhile
                    return True
                return await asyncio.to_thread(_fits, password, hashed)
        finally:
            self._waiting -= 1

    def _seal(self, *parts: bytes) -> bytes:
        """Return what stands for *parts* in memory: no password stays there."""
        text = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        return hmac.digest(self._secret, text, hashlib.sha256)


def _remember(seals: OrderedDict[bytes, None], seal: bytes) -> None:
    seals[seal] = None
    while len(seals) > _REMEMBERED:
        seals.popitem(last=False)


def _fits(password: bytes, hashed: bytes) -> bool:
    if b"\0" in password:
        password, hashed = b"", hashed[:-1] + b"!"  # bcrypt would end the password there
    try:
        return bcrypt.checkpw(password[:_LONGEST], hashed)
    except ValueError:
        return False


def _pair(header: str) -> tuple[str, bytes] | None:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
        return (name.decode(), password) if colon else None
    except (binascii.Error, ValueError):
        return None
