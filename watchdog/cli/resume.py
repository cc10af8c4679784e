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


@click.command(
    "resume",
    short_help="Let backups begin by themselves again.",
    epilog="""\b
Examples:
  db-watchdog resume auth-service""",
)
@click.argument("targets", nargs=-1, required=True)
@configuration
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
def COMMAND(  # noqa: N802 - the registry's name
    context: click.Context, targets: tuple[str, ...], loading: Loading, as_json: bool
) -> None:
    """Let backups of TARGETS begin by themselves again.

    One that fell due in the pause begins as soon as a running daemon notices,
    within a minute.
    """
    config = loading.load()
    chosen = _backups.choose(config, targets)
    log.configure(config.log.format, "warning")
    known, now = _backups.destinations(config), SystemClock().now()
    ended = [
        (target, Pause(now, now, before.reason))
        for target in chosen
        if (before := _pauses.read(target, known)) is not None and before.active(now)
    ]
    done = _pauses.write_all(ended, known)
    _pauses.print_failures(done, config.log.language)
    if as_json:
        click.echo(_pauses.document(done))
    else:
        resumed = {target.name for target, _ in ended}
        for target in chosen:
            text = "go on" if target.name in resumed else "are not paused"
            plain_console().print(Text(f"{target.name}: backups {text}"))
    context.exit(NO if any(each.failure for each in done) else YES)
