"""The web configuration file, in the format of Prometheus' exporter-toolkit.

Owns: TLS, passwords, headers and the rate limit of the HTTP side as one file
describes them; every mistake in it is named at once, with line and column.
Must not know: sockets, requests. Hashes and keys are in no message.
"""

from __future__ import annotations

import math
import os
import re
import stat
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Final

from watchdog.config import scalars, tree
from watchdog.config.mistakes import Mistakes
from watchdog.config.tree import Branch, Text
from watchdog.config.web_keys import Keys
from watchdog.config.web_tls import ServerTls, read_tls
from watchdog.secret import Secret

KEYS: Final = ("tls_server_config", "http_server_config", "basic_auth_users", "rate_limit")
HEADERS: Final[Mapping[str, tuple[str, ...]]] = {
    "Strict-Transport-Security": (),
    "X-Content-Type-Options": ("nosniff",),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-XSS-Protection": (),
    "Content-Security-Policy": (),
}
_BCRYPT: Final = re.compile(
    r"\$2[abxy]\$(?P<cost>[0-9]{2})\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{31}"
)
_DEAREST: Final = 16  # a cost of 17 takes some ten seconds, longer than a scrape may
_CHEAPEST: Final = 10
_HASH: Final = "made by: htpasswd -nBC 10 NAME"
_DURATION: Final = re.compile(r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:ns|us|µs|μs|ms|s|m|h)")
_UNITS: Final = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,  # the sign and the Greek letter
    "μs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
}
_SOON: Final = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class RateLimit:
    """*burst* requests at once, then one every *interval* seconds."""

    interval: float
    burst: int


@dataclass(frozen=True, slots=True)
class WebFile:
    """What the file says; without content: plain HTTP for everybody.

    *users* holds bcrypt hashes by name; *headers* are added to every answer;
    *notes* are to be logged; *files* are all that were read.
    """

    path: Path | None = None
    tls: ServerTls | None = None
    users: Mapping[str, Secret] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    rate_limit: RateLimit | None = None
    notes: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()

    @property
    def proves_clients(self) -> bool:
        """Whether nobody gets in without a password or a certificate."""
        return bool(self.users) or (self.tls is not None and self.tls.proves_clients)


def read_web_file(path: Path, text: str, shown: str, mistakes: Mistakes) -> WebFile | None:
    """Read *text* of the file at *path*, which a person wrote as *shown*.

    ``None`` after noting every mistake. Reads the certificates that it
    names: not for the event loop.
    """
    _hide(text)
    before = len(mistakes.found)
    branch = None if _is_empty(text) else tree.read(text, shown, None, mistakes)
    if branch is None:
        return None if len(mistakes.found) > before else WebFile(path, files=(path,))
    keys = Keys(branch, path.parent, mistakes)
    keys.only(KEYS)
    tls_keys = keys.section("tls_server_config")
    tls = read_tls(tls_keys) if tls_keys else None
    notes: list[str] = []
    headers = _http(keys, notes)
    users = _users(keys, notes)
    rate_limit = _rate_limit(keys)
    if len(mistakes.found) > before:
        _forget_names(branch, mistakes)
        return None
    files = _files(path, tls_keys)
    if tls is not None:
        notes += _certificate_notes(tls, tls_keys)
    return WebFile(
        path, tls, MappingProxyType(users), headers, rate_limit, tuple(notes), tuple(files)
    )


def files_named_in(text: str, path: Path) -> tuple[Path, ...]:
    """Return the files that the web configuration file at *path* is made of, good or bad."""
    branch = tree.read(text, "", None, Mistakes())
    keys = Keys(branch, path.parent, Mistakes()).section("tls_server_config") if branch else None
    return _files(path, keys)


def _files(path: Path, tls: Keys | None) -> tuple[Path, ...]:
    named = [tls.path(key) for key in ("cert_file", "key_file", "client_ca_file")] if tls else []
    return (path, *(file for file in named if file is not None))


def _is_empty(text: str) -> bool:
    """Whether everything is commented out, which means plain HTTP."""
    return all(not line.strip() or line.lstrip().startswith("#") for line in text.splitlines())


def _hide(text: str) -> None:
    """Have whatever looks like a hash or a key masked in every message, wherever it stands."""
    for found in _BCRYPT.finditer(text):
        Secret(found[0])
    for found in re.finditer(r"PRIVATE KEY-----(.*?)-----END", text, re.DOTALL):
        for line in found[1].split():
            Secret(line)


def _forget_names(branch: Branch, mistakes: Mistakes) -> None:
    """Take from the mistakes whatever key may be the end of a secret that has a comma in it."""
    lines: Counter[int] = Counter()
    users, tls = branch.get("basic_auth_users"), branch.get("tls_server_config")
    if isinstance(users, Branch):
        lines.update(mark.line for mark in users.keys_at.values())
    if isinstance(tls, Branch) and "key" in tls:
        lines.update(mark.line for mark in tls.keys_at.values())
    for at, mistake in list(mistakes.found.items()):
        section, dot, _ = mistake.path.partition(".")
        here = mistake.mark.file == branch.mark.file
        if dot and here and lines[mistake.mark.line] > 1:
            mistakes.found[at] = replace(mistake, path=section)


# ------------------------------------------------------------------ headers


def _http(keys: Keys, notes: list[str]) -> dict[str, str]:
    http = keys.section("http_server_config")
    if http is None:
        return {}
    http.only(("http2", "headers"))
    if http.given("http2") and http.value("http2", scalars.switch, default=False):
        notes.append("http2: clients are answered by HTTP/1.1, which all of them speak")
    section = http.section("headers")
    if section is None:
        return {}
    section.only(tuple(HEADERS))
    headers = {}
    for name, allowed in HEADERS.items():
        value = section.text(name)
        if not value:
            continue
        if allowed and value not in allowed:
            section.note(name, f"{value!r} has no meaning there: write {' or '.join(allowed)}")
        elif not re.fullmatch(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?", value):
            section.note(name, "must be one line of ASCII without spaces around it")
        headers[name] = value
    return headers


# ------------------------------------------------------------------ passwords


def _users(keys: Keys, notes: list[str]) -> dict[str, Secret]:
    section = keys.section("basic_auth_users")
    users: dict[str, Secret] = {}
    if section is None:
        return users
    for name, value in section.branch.items():
        mark, path = section.branch.keys_at[name], section.branch.paths[name]
        if not name or ":" in name or not name.isprintable():
            keys.mistakes.add(
                mark, path, "is no user's name: it is not empty and has no colon in it"
            )
        if not isinstance(value, Text) or not value:
            section.note(name, f"has no hash: write one {_HASH}")
            continue
        found = _BCRYPT.fullmatch(value)
        if found is None:
            section.note(name, f"is no bcrypt hash but {_shape(value)}: write one {_HASH}")
            continue
        cost = int(found["cost"])
        if not 4 <= cost <= _DEAREST:
            section.note(
                name,
                f"a cost of {cost} {'makes every login too slow' if cost > 4 else 'is no cost'}:"
                f" write one {_HASH}",
            )
            continue
        if cost < _CHEAPEST:
            notes.append(f"the hash of {name} has a cost of {cost}, which is quick to break")
        users[name] = Secret(value)
    return users


def _shape(value: str) -> str:
    """Return what *value* looks like, without quoting it."""
    if value.startswith("$2"):
        return "a part of one"
    if value.startswith(("$", "{")):
        return "a hash of another kind"
    return "looks like the password itself"


# ------------------------------------------------------------------ rate limit


def _rate_limit(keys: Keys) -> RateLimit | None:
    section = keys.section("rate_limit")
    if section is None:
        return None
    section.only(("interval", "burst"))
    before = len(keys.mistakes.found)
    interval = section.value("interval", _interval, 0.0)
    burst = section.value("burst", scalars.count, None)
    if interval and not burst and len(keys.mistakes.found) == before:
        section.note("burst", "lets no request through: write burst: 20, or remove rate_limit")
    if burst and not section.given("interval"):
        section.note("interval", "is missing: write interval: 1s, the time between two requests")
    return RateLimit(interval, burst) if interval and burst else None


def _interval(value: object) -> float:
    """Return seconds of a duration as Go writes it; 0 is off."""
    found = scalars.filled(value).strip()
    if found == "0":
        return 0.0
    parts = _DURATION.findall(found)
    if "".join(parts) != found:
        raise ValueError("is no duration: write it like 100ms, 1s or 1m30s; 0 is off")
    seconds = math.fsum(_seconds(part) for part in parts)
    if seconds > 3600:
        raise ValueError("is longer than an hour: write it like 100ms or 1s")
    return seconds


def _seconds(part: str) -> float:
    unit = part.lstrip("0123456789.")
    return float(part.removesuffix(unit)) * _UNITS[unit]


# ------------------------------------------------------------------ what is worth saying


def _certificate_notes(tls: ServerTls, keys: Keys | None) -> list[str]:
    notes = []
    now = datetime.now(UTC)
    if tls.expires is not None and tls.expires < now:
        notes.append(f"the server's certificate expired on {tls.expires:%Y-%m-%d}: renew it")
    elif tls.expires is not None and tls.expires < now + _SOON:
        notes.append(f"the server's certificate expires on {tls.expires:%Y-%m-%d}: renew it")
    path = keys.path("key_file") if keys is not None else None
    if path is not None and not str(path).startswith("/run/"):
        mode = stat.S_IMODE(os.stat(path).st_mode)  # noqa: PTH116 - of a file just read
        if mode & stat.S_IROTH:
            notes.append(f"{path} can be read by everybody (mode {mode:04o}): chmod 640 {path}")
    return notes
