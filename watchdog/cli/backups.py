"""``db-watchdog backups``: the catalogue, and what would be lost now."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import click
from rich.console import Console
from rich.text import Text

from watchdog import log
from watchdog.backups import document
from watchdog.backups.catalogue import Backup, Listing
from watchdog.backups.destination import Destinations
from watchdog.backups.status import Known, known_of
from watchdog.cli import NO, YES, _backups
from watchdog.cli._configuration import Loading, configuration
from watchdog.cli._console import plain_console
from watchdog.clock import SystemClock
from watchdog.config import Config
from watchdog.errors import UsageError
from watchdog.model import Target
from watchdog.secret import mask

_NUMBERS_FROM: Final = 3  # the column of sizes


@click.command(
    "backups",
    epilog="""\b
Examples:
  db-watchdog backups
  db-watchdog backups auth-service""",
)
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
    console = plain_console()
    _print_table(console, listing, config, now)
    _print_losses(console, _configured(config, target), known, now)
    _backups.print_damage(plain_console(stderr=True), listing)
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


def _print_table(console: Console, listing: Listing, config: Config, now: datetime) -> None:
    if not listing.backups:
        off = "" if _backups.directories(config) else f"; backups are off ({config.source})"
        console.print(f"There are no backups{off}.")
        return
    rows: list[tuple[str, ...]] = [("id", "target", "taken", "size", "level", "age")]
    rows += [_row(backup, now) for backup in listing.backups]
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    # No cell is cut on a narrow terminal: an id that is cut names no backup.
    lines = [
        "  ".join(
            cell.rjust(width) if at >= _NUMBERS_FROM else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    console.print(Text(lines[0], style="dim"))
    for line, backup in zip(lines[1:], listing.backups, strict=True):
        remark = _remark(backup)
        console.print(Text(line).append("  " if remark else "").append_text(remark))


def _row(backup: Backup, now: datetime) -> tuple[str, ...]:
    return (
        backup.id,
        backup.target,
        f"{backup.taken_at:%Y-%m-%d %H:%M:%S}Z",
        _backups.size(backup.manifest.size_bytes),
        str(backup.level),
        _backups.age(backup.taken_at, now),
    )


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
        nothing = f"{target.name}: everything would be lost now, there is no good backup"
        return _last_failure(Text(nothing, style="bold red"), known)
    lost = _backups.age(good.manifest.recovery_point, now)
    text = Text(f"{target.name}: {lost} of data would be lost now")
    last = next(
        (each for each in known.listing.backups if each.verification.restore_duration), None
    )
    if last is not None and last.verification.restore_duration is not None:
        text.append(f", back in about {_backups.span(last.verification.restore_duration)}")
    else:
        text.append(", restore time not measured yet")
    return _last_failure(text, known)


def _last_failure(text: Text, known: Known) -> Text:
    failed = known.attempts[-1].failure if known.attempts else None
    if failed is not None:
        text.append(f"\n  the last attempt failed: {mask(failed.message)}", style="red")
    return text
