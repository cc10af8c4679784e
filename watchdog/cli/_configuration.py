"""The options by which a command is told its configuration, and the loading of it.

Owns: ``-c/--config``, ``--env-file``. Must not know: what is done with it.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import click

from watchdog import config, engines
from watchdog.config import Config, WebWanted
from watchdog.engines import Engines
from watchdog.errors import UsageError
from watchdog.model import Target


@dataclass(frozen=True)
class Loading:
    """What the options name; each ``load`` reads everything again.

    ``web`` asks for the web configuration file, too.

    ``environ`` and ``cwd`` are those of the process unless a test brings its own.
    """

    config_file: Path | None = None
    env_file: Path | None = None
    web: WebWanted | None = None
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    cwd: Path = field(default_factory=Path.cwd)

    @functools.cached_property
    def engines(self) -> Engines:
        """Every engine by name; each imports its driver when it is first asked for."""
        return engines.find_engines()

    def load(self) -> Config:
        """Read the configuration. Raises ``ConfigurationError`` with every mistake at once."""
        return config.load(
            self.config_file,
            environ=self.environ,
            cwd=self.cwd,
            env_file=self.env_file,
            engines=installed_engines(),
            web=self.web,
        )


def installed_engines() -> frozenset[str]:
    """Return the names of the engines, one a package, without importing any driver."""
    return frozenset(engines.find_engines())


def named_targets(config: Config, names: Sequence[str]) -> tuple[Target, ...]:
    """Return the targets called *names*, each once. Raises ``UsageError`` for an unknown one."""
    known = {target.name: target for target in config.targets}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UsageError(
            f"unknown target {', '.join(unknown)}: configured are"
            f" {', '.join(known) or 'none'} ({config.source})"
        )
    return tuple(known[name] for name in dict.fromkeys(names))


def configuration(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``-c/--config`` and ``--env-file``; the command is given *loading*."""

    @functools.wraps(command)
    def told(
        *arguments: object, config_file: Path | None, env_file: Path | None, **others: object
    ) -> Any:
        return command(*arguments, loading=Loading(config_file, env_file), **others)

    path = click.Path(path_type=Path)
    with_env_file = click.option(
        "--env-file",
        type=path,
        metavar="FILE",
        help="Variables for the configuration [default: .env, if it is there].",
    )(told)
    return click.option(
        "-c",
        "--config",
        "config_file",
        type=path,
        metavar="FILE",
        help="The configuration [default: $DB_WATCHDOG_CONFIG, ./config/watchdog.yaml, "
        "/etc/db-watchdog/watchdog.yaml, then the environment alone].",
    )(with_env_file)


def web_configuration(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--web.config.file``, below ``configuration``: *loading* reads that file, too."""

    @functools.wraps(command)
    def told(
        *arguments: object, loading: Loading, web_config_file: Path | None, **others: object
    ) -> Any:
        loading = replace(loading, web=WebWanted(web_config_file))
        return command(*arguments, loading=loading, **others)

    return click.option(
        "--web.config.file",
        "web_config_file",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="TLS, passwords and headers of the HTTP side, as Prometheus' exporters take them"
        " [default: web.config_file of the configuration].",
    )(told)
