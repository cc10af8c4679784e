"""``db-watchdog verify``: prove a backup again."""

from __future__ import annotations

import json
from collections.abc import Sequence

import click
from rich.text import Text

from watchdog import log
from watchdog.backups import catalogue, document, proving
from watchdog.backups.catalogue import Backup, Listing
from watchdog.backups.verify import Verdict, verify
from watchdog.cli import NO, YES, _backups
from watchdog.cli._configuration import Loading, configuration
from watchdog.cli._console import plain_console
from watchdog.clock import SystemClock
from watchdog.errors import UsageError

_DRILL = 4


@click.command(
    "verify",
    epilog="""\b
Examples:
  db-watchdog verify --all
  db-watchdog verify auth-service --level 1""",
)
@click.argument("backup", required=False)
@configuration
@click.option("--all", "everything", is_flag=True, help="Every backup in every destination.")
@click.option(
    "--level",
    type=int,
    metavar="N",
    help="0 size, 1 hash, 2 read through, 3 integrity [default: the highest its engine has].",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
def COMMAND(  # noqa: N802 - the registry's name
    context: click.Context,
    backup: str | None,
    loading: Loading,
    everything: bool,
    level: int | None,
    as_json: bool,
) -> None:
    """Prove a backup again: its size, its hash, that it can be read to the end.

    BACKUP is an id (its beginning is enough), a path, or a target, whose
    newest backup is meant then. Exits 1 if one is not what it was.
    """
    _require_level(level)
    if everything == (backup is not None):
        raise UsageError("name one backup or target, or give --all")
    config = _backups.optional_configuration(loading, backup or "")
    language = config.log.language if config is not None else "en"
    log.configure("auto", "warning")
    listing = _backups.listing_of(config, _backups.destinations(config), backup)
    chosen = listing.backups if backup is None else (_one(listing, backup),)
    verdicts = _backups.run(_verify(loading, chosen, level))
    if as_json:
        shown = document.of_backups(verdict.backup for verdict in verdicts)
        click.echo(json.dumps(shown, ensure_ascii=False, indent=2))
    else:
        _print(verdicts, language)
    damaged = listing.damaged if everything else ()
    _backups.print_damage(plain_console(stderr=True), Listing((), damaged))
    context.exit(YES if all(verdict.ok for verdict in verdicts) and not damaged else NO)


def _require_level(level: int | None) -> None:
    if level == _DRILL:
        raise UsageError("--level 4, the restore into scratch, is not available yet: give 0 to 3")
    if level is not None and not proving.SIZE <= level <= proving.HIGHEST:
        raise UsageError(f"--level {level}: give 0 to {proving.HIGHEST}")


def _one(listing: Listing, reference: str) -> Backup:
    """Return what *reference* means; of a target the newest, for it may not be good any more."""
    of_target = listing.of(reference).backups
    return of_target[0] if of_target else catalogue.find(listing, reference)


async def _verify(loading: Loading, backups: Sequence[Backup], level: int | None) -> list[Verdict]:
    engines = {name: engine.backups for name, engine in loading.engines.items()}
    return [await verify(backup, engines, SystemClock(), level) for backup in backups]


def _print(verdicts: Sequence[Verdict], language: str) -> None:
    console = plain_console()
    if not verdicts:
        console.print("There are no backups.")
    for verdict in verdicts:
        backup = verdict.backup
        name = f"{backup.target} {backup.id}"
        if verdict.failure is not None:
            _backups.print_failure(console, name, verdict.failure, language)
        else:
            console.print(Text(f"{name}: verified at level {backup.level}", style="green"))
