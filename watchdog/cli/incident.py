"""``db-watchdog incident``: what was known when a database went down."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from watchdog import log, units
from watchdog.backups.destination import state_folder
from watchdog.cli import YES
from watchdog.cli._configuration import Loading, configuration
from watchdog.cli._console import plain_console
from watchdog.config import Config
from watchdog.diagnosis.sessions import who
from watchdog.diagnosis.words import span
from watchdog.errors import UsageError
from watchdog.incidents import Book, is_id, summary
from watchdog.incidents.record import told


@click.command(
    "incident",
    short_help="What was known when a database went down.",
    epilog="""\b
Examples:
  db-watchdog incident
  db-watchdog incident auth-service
  db-watchdog incident 20261123T081500Z-3f2a1c --json""",
)
@click.argument("what", metavar="[TARGET|ID]", required=False)
@configuration
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
def COMMAND(  # noqa: N802 - the registry's name
    context: click.Context, what: str | None, loading: Loading, as_json: bool
) -> None:
    """List incidents, newest first, or show one: what was known before, at and after it.

    They are kept in the daemon's state directory, the last fifty of a target:
    DB_WATCHDOG_STATE_DIRECTORY, else state_directory of the configuration, else
    systemd's, else /var/lib/db-watchdog for root and ~/.local/state/db-watchdog
    for others. Say the same here as to the daemon.
    """
    config = loading.load()
    log.configure(config.log.format, "warning")
    state = state_folder(loading.environ, config.state_directory)
    book = Book(state)
    language = config.log.language
    if what is not None and is_id(what):
        _show(_document(book, what, state), language, as_json=as_json)
    else:
        _list(_chosen(book, config, what), language, state, as_json=as_json)
    context.exit(YES)


def _document(book: Book, identity: str, state: Path) -> dict[str, Any]:
    document = book.document(identity)
    if document is None:
        raise UsageError(
            f"unknown incident {identity}: `db-watchdog incident` lists those in {state}"
        )
    return document


def _chosen(book: Book, config: Config, target: str | None) -> list[dict[str, Any]]:
    found = book.documents(target)
    if target is not None and not found and config.target(target) is None:
        names = ", ".join(each.name for each in config.targets) or "none"
        raise UsageError(f"unknown target {target}: configured are {names} ({config.source})")
    return found


# ------------------------------------------------------------------ what people see


def _list(found: Sequence[Mapping[str, Any]], language: str, state: Path, *, as_json: bool) -> None:
    listed = [summary(document, language) for document in found]
    if as_json:
        click.echo(json.dumps({"incidents": listed}, ensure_ascii=False, indent=2))
        return
    console = plain_console()
    if not listed:
        console.print(Text(f"There are no incidents in {state}."))
        return
    rows: list[tuple[str, ...]] = [("id", "began", "lasted", "event", "target", "hint")]
    rows += [_row(each) for each in listed]
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    for number, row in enumerate(rows):
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        console.print(Text(line.rstrip(), style="dim" if number == 0 else ""))


def _row(listed: Mapping[str, Any]) -> tuple[str, ...]:
    more = len(listed["targets"]) - 1
    return (
        listed["id"],
        _instant(listed["began_at"]),
        _lasted(listed["duration_seconds"]),
        listed["event"],
        listed["target"] + (f" +{more}" if more else ""),
        listed["hint"]["id"] if listed["hint"] else listed["failure"]["kind"],
    )


def _show(document: Mapping[str, Any], language: str, *, as_json: bool) -> None:
    whole = {**document, **told(document, language)}
    if as_json:
        click.echo(json.dumps(whole, ensure_ascii=False, indent=2))
        return
    console = plain_console()
    console.print(Text(f"{', '.join(whole['targets'])}: {whole['event']}", style="bold"))
    console.print(f"  began {_instant(whole['began_at'])}, {_lasted(whole['duration_seconds'])}")
    console.print(Text(f"  {whole['failure']['message']}"))
    _print_hint(console, whole)
    for each in whole["reasons"]:
        console.print(Text(f"  also, {_instant(each['at'])}: {each['failure']['message']}"))
    _print_evidence(console, whole)


def _print_hint(console: Console, whole: Mapping[str, Any]) -> None:
    hint = whole["hint"]
    if hint is not None:
        console.print(Text(f"  {hint['title']}: {hint['cause']}  [{hint['id']}]"))
    for sentence in whole["found"]:
        console.print(Text(f"  - {sentence}"))
    for number, step in enumerate(hint["steps"] if hint is not None else (), start=1):
        console.print(Text(f"  {number}. {step}"))


def _print_evidence(console: Console, whole: Mapping[str, Any]) -> None:
    evidence = whole.get("evidence") or {}
    for each in whole.get("rounds") or ():
        seconds = each["duration_seconds"]
        how = each["failure"] or "answered"
        console.print(Text(f"  round {_instant(each['at'])}  {seconds * 1000:.1f} ms  {how}"))
    for each in evidence.get("holders") or ():
        console.print(Text(f"  held  {each['connections']} by {who(each)}, {each['state']}"))
    for each in evidence.get("blockers") or ():
        console.print(Text(f"  {each['pid']} blocked {', '.join(map(str, each['waiting']))}"))
    for each in evidence.get("sessions") or ():
        open_for = each.get("transaction_seconds")
        since = f", open for {span(open_for)}" if open_for is not None else ""
        what = f"{who(each)}, {each['state']}{since}: {each['statement']}"
        console.print(Text(f"  session {each['pid']}  {what}"))
    for name, value in (whole.get("disk") or {}).items():
        console.print(Text(f"  {_measured(name, value)}"))


def _measured(name: str, value: float) -> str:
    """Return one size of the disk for people; its name is that of the metric."""
    what = name.replace("_", " ")
    if name.endswith("_bytes"):
        return f"{what.removesuffix(' bytes')} {units.size(value)}"
    return f"{what} {value:.0f}"


def _instant(text: str) -> str:
    return f"{datetime.fromisoformat(text).astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"


def _lasted(seconds: float | None) -> str:
    return "goes on" if seconds is None else span(seconds)
