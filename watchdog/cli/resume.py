"""``db-watchdog resume``: end a pause early."""

from __future__ import annotations

import click
from rich.text import Text

from watchdog import log
from watchdog.backups.pauses import Pause
from watchdog.cli import NO, YES, _backups, _pauses
from watchdog.cli._configuration import Loading, configuration
from watchdog.cli._console import plain_console
from watchdog.clock import SystemClock
from watchdog.model import ActionFailed


@click.command(
    "resume",
    epilog="""\b
Examples:
  db-watchdog resume auth-service""",
)
@click.argument("targets", nargs=-1, required=True)
@configuration
@click.pass_context
def COMMAND(  # noqa: N802 - the registry's name
    context: click.Context, targets: tuple[str, ...], loading: Loading
) -> None:
    """Let backups of TARGETS begin by themselves again.

    One that fell due in the pause begins as soon as a running daemon notices,
    within a minute.
    """
    config = loading.load()
    chosen = _backups.choose(config, targets)
    log.configure(config.log.format, "warning")
    known, now, status = _backups.destinations(config), SystemClock().now(), YES
    for target in chosen:
        before = _pauses.read(target, known)
        if before is None or not before.active(now):
            plain_console().print(Text(f"{target.name}: backups are not paused"))
            continue
        try:
            _pauses.write(target, Pause(now, now, before.reason), known)
        except ActionFailed as error:
            _backups.print_failure(
                plain_console(stderr=True), target.name, error.failure, config.log.language
            )
            status = NO
            continue
        plain_console().print(Text(f"{target.name}: backups go on"))
    context.exit(status)
