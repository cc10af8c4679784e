"""``db-watchdog run``: the daemon."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import click

from watchdog import log
from watchdog.cli import YES
from watchdog.cli._configuration import configuration_options, load_configuration
from watchdog.cli._environment import run as run_loop
from watchdog.clock import SystemClock
from watchdog.config import Config
from watchdog.engines import find_engines


@click.command("run", epilog="Example: db-watchdog run -c /etc/db-watchdog/watchdog.yaml")
@configuration_options
@click.pass_context
def COMMAND(  # noqa: N802 - the registry's name
    context: click.Context, config_file: Path | None, env_file: Path | None
) -> None:
    """Run the daemon: probe, export metrics, back up, explain.

    It stays in the foreground; stop it with Ctrl-C or SIGTERM (a second one
    ends it at once), make it read its configuration again with SIGHUP.
    """

    def load() -> Config:
        return load_configuration(config_file, env_file)

    config = load()
    log.configure(config.log.format, config.log.level)
    run_loop(_serve(config, load))
    context.exit(YES)


async def _serve(config: Config, load: Callable[[], Config]) -> None:
    # Imported here: only the daemon needs HTTP, templates and metrics.
    from watchdog.daemon import Daemon  # noqa: PLC0415

    await Daemon(config, load, find_engines(), os.environ, SystemClock()).run()
