"""``db-watchdog accept``: say that a suspect database is the right one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

import click
from rich.text import Text

from watchdog import log
from watchdog.backups import accepted, catalogue, failures, guard, instructions
from watchdog.backups.catalogue import Backup
from watchdog.backups.places import folder_of, settings_of
from watchdog.cli import NO, YES, _backups
from watchdog.cli._configuration import Loading, configuration
from watchdog.cli._console import plain_console
from watchdog.clock import SystemClock
from watchdog.model import ActionFailed, Failure, Phase, Target
from watchdog.secret import mask


@click.command(
    "accept",
    short_help="Take for good what is held apart.",
    epilog="""\b
Examples:
  db-watchdog backups auth-service
  db-watchdog accept auth-service""",
)
@click.argument("targets", nargs=-1, required=True)
@configuration
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
def COMMAND(  # noqa: N802 - the registry's name
    context: click.Context, targets: tuple[str, ...], loading: Loading, as_json: bool
) -> None:
    """Take backups that are held apart for good: the database is meant to be as it is now.

    A backup of a different or collapsed database (another server, far fewer
    tables or bytes) does not count, and retention is frozen, until this says
    that it is right. From then on later backups are compared with it. A
    running daemon notices within a minute. Exits 1 if nothing was held apart.
    """
    config = loading.load()
    chosen = _backups.choose(config, targets)
    log.configure(config.log.format, "warning")
    known = _backups.destinations(config)
    failed: dict[str, Failure] = {}
    taken: dict[str, Sequence[Backup]] = {}
    now = SystemClock().now()
    for target in chosen:
        try:
            known.require(settings_of(target).directory, target.name, Phase.PREFLIGHT)
            taken[target.name] = _accept(target, now)
        except ActionFailed as error:
            failed[target.name] = error.failure
    if as_json:
        backups = [backup.document() for each in taken.values() for backup in each]
        click.echo(json.dumps({"accepted": backups}, ensure_ascii=False, indent=2))
    else:
        console = plain_console()
        for name, each in taken.items():
            for line in _lines(name, each):
                console.print(line)
    for name, failure in failed.items():
        _backups.print_failure(plain_console(stderr=True), name, failure, config.log.language)
    context.exit(YES if not failed and all(taken.values()) else NO)


def _accept(target: Target, now: datetime) -> Sequence[Backup]:
    """Accept what is held apart of *target*. Raises ``ActionFailed``."""
    folder = folder_of(target)
    listing = catalogue.scan_folder(folder).of(target.name)
    alike = guard.acceptable(listing.backups)
    if alike:
        try:
            accepted.accept(folder, [backup.id for backup in alike], now)
            instructions.write(folder)
        except OSError as error:
            failure = failures.of_os_error(error, Phase.PUBLISH, folder, target.name)
            raise ActionFailed(failure) from error
    return [replace(backup, accepted=True) for backup in alike]


def _lines(name: str, taken: Sequence[Backup]) -> Iterator[Text]:
    if not taken:
        yield Text(f"{name}: nothing is held apart")
    for backup in taken:
        why = mask("; ".join(backup.manifest.suspect))
        yield Text(f"{name}: {backup.id} accepted ({why})", style="green")
