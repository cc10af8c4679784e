"""``db-watchdog backups``: the catalogue, and what would be lost now."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import click
from rich.console import Console
from rich.text import Text

from watchdog import log, schedule
from watchdog.backups import document, losses
from watchdog.backups.catalogue import Backup, Listing
from watchdog.backups.places import settings_of
from watchdog.backups.status import Known, known_of, status_of
from watchdog.cli import NO, YES, _backups
from watchdog.cli._configuration import Loading, configuration
from watchdog.cli._console import plain_console
from watchdog.clock import SystemClock
from watchdog.config import Config
from watchdog.errors import UsageError
from watchdog.model import Target
from watchdog.results import BackupStatus
from watchdog.secret import mask

_NUMBERS_FROM: Final = 3  # the column of sizes


@click.command(
    "backups",
    short_help="List backups, and what would be lost now.",
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
    now = SystemClock().now()
    standing = [known_of(each, known) for each in _configured(config, target)]
    if as_json:
        now_lost = [document.of_loss(each.target, _status(each, now), now) for each in standing]
        shown = {**document.of_listing(listing, _names(config)), "targets": now_lost}
        click.echo(json.dumps(shown, ensure_ascii=False, indent=2))
        context.exit(status)
    console = plain_console()
    _print_table(console, listing, config, now)
    _print_losses(console, standing, now)
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


def _names(config: Config) -> frozenset[str]:
    return frozenset(target.name for target in config.targets)


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
    configured = _names(config)
    for line, backup in zip(lines[1:], listing.backups, strict=True):
        remark = _remark(backup, orphaned=backup.target not in configured)
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


def _remark(backup: Backup, *, orphaned: bool) -> Text:
    if backup.damage:
        return Text(backup.damage, style="red")
    if backup.verification.failure is not None:
        return Text(backup.verification.failure.message, style="red")
    if backup.held:
        return Text(f"held apart: {mask('; '.join(backup.manifest.suspect))}", style="red")
    told = list(backup.manifest.warnings)
    if orphaned:
        told.insert(0, "its target is configured no more: retention leaves it alone")
    return Text("; ".join(told), style="yellow")


def _print_losses(console: Console, known: Sequence[Known], now: datetime) -> None:
    """Say for each target what would be lost if its database were gone now."""
    for each in known:
        console.print(_loss(each, now))


def _loss(known: Known, now: datetime) -> Text:
    status = _status(known, now)
    name, loss = known.target.name, losses.of(status, now)
    text = Text(f"{name}: {losses.sentence(loss)}", style="bold red" if loss.everything else "")
    if status.breaches:
        missed = " and ".join(str(each.facts["objective"]) for each in status.breaches)
        limits = ", ".join(str(each.facts["limit"]) for each in status.breaches)
        text.append(f"; {missed} is missed ({limits})", style="red")
    if status.suspect is not None:
        text.append(f"\n  {mask(status.suspect.message)}", style="red")
    if status.paused_until is not None:
        why = f": {mask(status.pause_reason)}" if status.pause_reason else ""
        until = f"{status.paused_until:%Y-%m-%d %H:%M:%S} UTC"
        text.append(f"\n  backups are paused until {until}{why}", style="yellow")
    return _last_failure(text, known)


def _status(known: Known, now: datetime) -> BackupStatus:
    settings = settings_of(known.target)
    return status_of(known, schedule.parse(settings.schedule, settings.timezone), now)


def _last_failure(text: Text, known: Known) -> Text:
    last = known.attempts[-1] if known.attempts else None
    if last is not None and last.failure is not None:
        at = f"{last.finished_at:%Y-%m-%d %H:%M:%S} UTC"
        text.append(
            f"\n  the last attempt failed, at {at}: {mask(last.failure.message)}", style="red"
        )
    return text
