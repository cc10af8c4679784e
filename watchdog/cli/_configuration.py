"""The options by which a command is told its configuration, and the loading of it.

Owns: ``-c/--config``, ``--env-file``. Must not know: what is done with it.
"""

from __future__ import annotations

import os
import pkgutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from watchdog import engines
from watchdog.config import Config, load
from watchdog.errors import UsageError
from watchdog.model import Target

Command = TypeVar("Command", bound=Callable[..., Any])


def configuration_options(command: Command) -> Command:
    """Add ``-c/--config`` as *config_file* and ``--env-file`` as *env_file*: paths or ``None``."""
    path = click.Path(path_type=Path)
    command = click.option(
        "--env-file",
        type=path,
        metavar="FILE",
        help="Variables for the configuration [default: .env, if it is there].",
    )(command)
    return click.option(
        "-c",
        "--config",
        "config_file",
        type=path,
        metavar="FILE",
        help="The configuration [default: $DB_WATCHDOG_CONFIG, ./config/watchdog.yaml, "
        "/etc/db-watchdog/watchdog.yaml, then the environment alone].",
    )(command)


def load_configuration(config_file: Path | None, env_file: Path | None = None) -> Config:
    """Load what the options name. Raises ``ConfigurationError`` with every mistake."""
    return load(
        config_file,
        environ=os.environ,
        cwd=Path.cwd(),
        env_file=env_file,
        engines=installed_engines(),
    )


def installed_engines() -> frozenset[str]:
    """Return the names of the engines, one a package, without importing any driver."""
    return frozenset(package.name for package in pkgutil.iter_modules(engines.__path__))


def chosen_targets(config: Config, names: tuple[str, ...]) -> tuple[Target, ...]:
    """Return the targets called *names*, all of them without any. Raises ``UsageError``."""
    for name in names:
        if config.target(name) is None:
            known = ", ".join(target.name for target in config.targets)
            raise UsageError(f"there is no target {name}: the configuration has {known}")
    return tuple(target for target in config.targets if not names or target.name in names)
