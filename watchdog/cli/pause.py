"""``db-watchdog pause``: let no backup begin by itself for a while."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import click
from rich.text import Text

from watchdog import log
from watchdog.backups.pauses import Pause
from watchdog.backups.places import folder_of, settings_of
from watchdog.cli import NO, YES, _backups, _pauses
from watchdog.cli._configuration import Loading, configuration
from watchdog.cli._console import plain_console
from watchdog.cli._pauses import Written
from watchdog.clock import SystemClock
from watchdog.errors import UsageError
from watchdog.model import Target

_LONGEST = timedelta(days=366)


@click.command(
    "pause",
    short_help="Let no backup begin by itself until then.",
    epilog="""\b
Examples:
  db-watchdog pause auth-service --for 1h --reason "moving the volume"
  db-watchdog pause auth-service --until 2026-11-24T06:00
  db-watchdog resume auth-service""",
)
@click.argument("targets", nargs=-1, required=True)
@configuration
@click.option("--for", "span", metavar="DURATION", help="How long, like 90m or 2d.")
@click.option(
    "--until",
    metavar="TIME",
    help="Until when, like 2026-11-24T06:00: in the schedule's time zone, or with one of its own.",
)
@click.option("--reason", default="", metavar="TEXT", help="Why; it is shown wherever it matters.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
def COMMAND(  # noqa: N802 - the registry's name; an option each
    context: click.Context,
    targets: tuple[str, ...],
    loading: Loading,
    span: str | None,
    until: str | None,
    reason: str,
    as_json: bool,
) -> None:
    """Let no backup of TARGETS begin by itself until then.

    A backup that runs is not ended, and `db-watchdog backup` still takes one.
    What fell due meanwhile is made up for by one backup at the end. The pause
    ends by itself; a running daemon notices within a minute.
    """
    if (span is None) == (until is None):
        raise UsageError("say how long: either --for DURATION or --until TIME")
    config = loading.load()
    chosen = _backups.choose(config, targets)
    log.configure(config.log.format, "warning")
    known, now = _backups.destinations(config), SystemClock().now()
    wanted = [(target, Pause(now, _end(target, now, span, until), reason)) for target in chosen]
    done = _pauses.write_all(wanted, known)
    _pauses.print_failures(done, config.log.language)
    if as_json:
        click.echo(_pauses.document(done))
    else:
        for line in _lines(done):
            plain_console().print(line)
    context.exit(NO if any(each.failure for each in done) else YES)


def _lines(done: Sequence[Written]) -> Iterator[Text]:
    for each in done:
        if each.place is None:
            continue
        name, ends = each.target.name, f"{each.pause.until:%Y-%m-%d %H:%M:%S} UTC"
        yield Text(f"{name}: backups are paused until {ends}")
        if each.place.parent != folder_of(each.target):
            text = f"  the destination is not there: noted in {each.place}, where a daemon with"
            yield Text(f"{text} the same state directory sees it", style="yellow")


def _end(target: Target, now: datetime, span: str | None, until: str | None) -> datetime:
    """Return when the pause ends, UTC. Raises ``UsageError``."""
    if span is not None:
        end = now + timedelta(seconds=_backups.duration(span, "--for"))
    else:
        end = _moment(str(until), settings_of(target).timezone)
    if not now < end <= now + _LONGEST:
        raise UsageError("a pause ends in the future, and within a year: write another time")
    return end


def _moment(text: str, timezone: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"--until {text}: write a time like 2026-11-24T06:00") from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(timezone))
    return moment.astimezone(ZoneInfo("UTC"))
