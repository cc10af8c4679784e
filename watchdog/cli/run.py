"""``db-watchdog run``: the daemon."""

from __future__ import annotations

import gc
import os

import click

from watchdog import log
from watchdog.cli import YES
from watchdog.cli._configuration import Loading, configuration, web_configuration
from watchdog.cli._environment import run as run_loop
from watchdog.cli._environment import spare_memory
from watchdog.clock import SystemClock
from watchdog.config import Config


@click.command(
    "run",
    short_help="Run the daemon.",
    epilog="""\b
Examples:
  db-watchdog run
  db-watchdog run -c /etc/db-watchdog/watchdog.yaml --web.config.file /etc/db-watchdog/web.yml""",
)
@configuration
@web_configuration
@click.pass_context
def COMMAND(context: click.Context, loading: Loading) -> None:  # noqa: N802 - the registry's name
    """Run the daemon: probe, export metrics, back up, explain.

    It stays in the foreground; stop it with Ctrl-C or SIGTERM (a second one
    ends it at once), make it read its configuration again with SIGHUP.
    """
    spare_memory()
    config = loading.load()
    log.configure(config.log.format, config.log.level)
    run_loop(_serve(config, loading))
    context.exit(YES)


async def _serve(config: Config, loading: Loading) -> None:
    # Imported here: only the daemon needs HTTP, templates and metrics.
    from watchdog.daemon import Daemon  # noqa: PLC0415

    # Importing leaves classes that were made twice and much else that nobody holds.
    gc.collect()
    await Daemon(config, loading.load, loading.engines, os.environ, SystemClock()).run()
