"""``db-watchdog backups``: the catalogue, and what would be lost now."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from watchdog import log
from watchdog.backups import document
from watchdog.backups.catalogue import Backup, Listing
from watchdog.backups.destination import Destinations
from watchdog.backups.status import Known, known_of
from watchdog.cli import NO, YES, _backups
from watchdog.cli._configuration import Loading, configuration
from watchdog.clock import SystemClock
from watchdog.config import Config
from watchdog.errors import UsageError
from watchdog.model import Target


@click.command("backups", epilog="Examples: db-watchdog backups; db-watchdog backups auth-service")
@click.argument("target", required=False)
@configuration
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
def COMMAND(  # noqa: N802 - the registry's name
    context: click.Context, target: str | None, loading: Loading, as_json: bool
) -> None:
    """List sealed backups, newest first, and what would be lost now.

    Those of targets that are no longer configured are listed as long as their
    destination is.
    """
    config = loading.load()
    log.configure(config.log.format, "warning")
    status = YES
    known = _backups.destinations(config)
    listing = _chosen(_backups.listing_of(config, known), config, target)
    if any(damage.path in _backups.directories(config) for damage in listing.damaged):
        status = NO  # a destination that cannot be read is not an empty one
    if as_json:
        click.echo(json.dumps(document.of_listing(listing), ensure_ascii=False, indent=2))
        context.exit(status)
    now = SystemClock().now()
    console = _backups.plain_console()
    _print_table(console, listing, now)
    _print_losses(console, _configured(config, target), known, now)
    _backups.print_damage(_backups.plain_console(stderr=True), listing)
    context.exit(status)


def _chosen(listing: Listing, config: Config, target: str | None) -> Listing:
    if target is None:
        return listing
    chosen = listing.of(target)
    if config.target(target) is None and not chosen.backups and not chosen.damaged:
        names = ", ".join(each.name for each in config.targets) or "none"
        raise UsageError(f"unknown target {target}: configured are {names} ({config.source})")
    return chosen


def _configured(config: Config, target: str | None) -> list[Target]:
    return [
        each for each in config.targets if each.backup is not None and target in (None, each.name)
    ]


def _print_table(console: Console, listing: Listing, now: datetime) -> None:
    if not listing.backups:
        console.print("There are no backups.")
        return
    table = Table(box=None, pad_edge=False, show_edge=False, header_style="dim")
    table.add_column("id", no_wrap=True)
    table.add_column("target", no_wrap=True)
    table.add_column("taken", no_wrap=True)
    table.add_column("size", justify="right", no_wrap=True)
    table.add_column("level", justify="right", no_wrap=True, min_width=5)
    table.add_column("age", justify="right", no_wrap=True)
    table.add_column("", overflow="fold")
    for backup in listing.backups:
        table.add_row(
            backup.id,
            backup.target,
            f"{backup.taken_at:%Y-%m-%d %H:%M:%S}Z",
            _backups.size(backup.manifest.size_bytes),
            str(backup.level),
            _backups.age(backup.taken_at, now),
            _remark(backup),
        )
    console.print(table)


def _remark(backup: Backup) -> Text:
    if backup.damage:
        return Text(backup.damage, style="red")
    if backup.verification.failure is not None:
        return Text(backup.verification.failure.message, style="red")
    return Text("; ".join(backup.manifest.warnings), style="yellow")


def _print_losses(
    console: Console, targets: Sequence[Target], known: Destinations, now: datetime
) -> None:
    """Say for each target what would be lost if its database were gone now."""
    for target in targets:
        console.print(_loss(target, known_of(target, known), now))


def _loss(target: Target, known: Known, now: datetime) -> Text:
    good = known.listing.newest_good()
    if good is None:
        return Text(
            f"{target.name}: everything would be lost now, there is no good backup",
            style="bold red",
        )
    lost = _backups.age(good.manifest.recovery_point, now)
    text = Text(f"{target.name}: {lost} of data would be lost now")
    last = next(
        (each for each in known.listing.backups if each.verification.restore_duration), None
    )
    if last is not None and last.verification.restore_duration is not None:
        text.append(f", back in about {_backups.span(last.verification.restore_duration)}")
    else:
        text.append(", restore time not measured yet")
    failed = known.attempts[-1].failure if known.attempts else None
    if failed is not None:
        text.append(f"\n  the last attempt failed: {failed.message}", style="red")
    return text
