"""The configuration as the rest of the house sees it: frozen and valid.

Owns: ``Config`` and its parts. Must not know: YAML, pydantic, files.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from pathlib import Path

from watchdog.config.web_file import WebFile
from watchdog.model import Target

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 10187


@dataclass(frozen=True, slots=True)
class Listen:
    """Where HTTP is served: ``host`` and ``port`` (0: any free one), or a Unix ``socket``."""

    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    socket: Path | None = None

    @property
    def beyond_loopback(self) -> bool:
        """Whether others than this machine may reach it, as far as the text tells."""
        if self.socket is not None or self.host == "localhost":
            return False
        try:
            return not ipaddress.ip_address(self.host.partition("%")[0]).is_loopback
        except ValueError:
            return True

    def __str__(self) -> str:
        if self.socket is not None:
            return f"unix:{self.socket}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class LogSettings:
    """``format`` is auto, console or json; ``level`` debug, info, warning or error; en or ru."""

    format: str = "auto"
    level: str = "info"
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that is configured.

    ``source`` says which file won, to be logged; ``base_dir`` is where
    relative paths begin; ``notes`` are to be logged at start;
    ``reload_over_http`` allows ``POST /-/reload``; ``state_directory`` is
    where the daemon may keep what outlives it, ``None`` if nowhere.
    ``trust_network``: whoever reaches a listener beyond loopback may see
    everything; ``web`` is the content of the web configuration file, if it
    was asked for.
    """

    source: str
    base_dir: Path
    targets: tuple[Target, ...]
    file: Path | None = None
    listen: Listen = field(default_factory=Listen)
    log: LogSettings = field(default_factory=LogSettings)
    reload_over_http: bool = False
    state_directory: Path | None = None
    trust_network: bool = False
    web: WebFile = field(default_factory=WebFile)
    notes: tuple[str, ...] = ()

    @property
    def for_strangers(self) -> bool:
        """Whether it listens beyond loopback and shows only what is for strangers."""
        return (
            self.listen.beyond_loopback and not self.trust_network and not self.web.proves_clients
        )

    def target(self, name: str) -> Target | None:
        """Return the target called *name*, ``None`` if there is none."""
        return next((target for target in self.targets if target.name == name), None)
