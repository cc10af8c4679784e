"""``db-watchdog verify``: prove a backup again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import click
from rich.console import Console
from rich.text import Text

from watchdog import log
from watchdog.backups import catalogue, proving
from watchdog.backups.catalogue import Backup, Listing
from watchdog.backups.documents import failure_document
from watchdog.backups.drill import drill
from watchdog.backups.verify import Verdict, verify
from watchdog.cli import NO, YES, _backups
from watchdog.cli._configuration import Loading, configuration
from watchdog.cli._console import plain_console
from watchdog.clock import SystemClock
from watchdog.config import Config
from watchdog.engines import BackupEngines
from watchdog.errors import UsageError
from watchdog.model import DrillSettings, Target
from watchdog.secret import mask

_MEANINGS: Final = {
    0: "it is there and has its size",
    1: "its hash is that of its manifest",
    2: "it was read through to its end",
    3: "it is whole",
    4: "it was restored and holds what was there",
}
_RESTORED: Final = "it was restored, and not all of it could be compared"


@click.command(
    "verify",
    short_help="Prove a backup again.",
    epilog="""\b
Examples:
  db-watchdog verify --all
  db-watchdog verify auth-service --level 1
  db-watchdog verify auth-service --level 4
  db-watchdog verify auth-service --level 4 --server same""",
)
@click.argument("backup", required=False)
@configuration
@click.option("--all", "everything", is_flag=True, help="Every backup in every destination.")
@click.option(
    "--level",
    type=int,
    metavar="N",
    help="0 size, 1 hash, 2 read through, 3 integrity, 4 restored into scratch and compared"
    " [default: the highest that needs no restore].",
)
@click.option(
    "--server",
    metavar="WHERE",
    help="For level 4 of PostgreSQL: local (a server of our own for that time), same (the watched"
    " one), or the URL of another [default: the target's drill.server].",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
def COMMAND(  # noqa: N802 - the registry's name
    context: click.Context,
    backup: str | None,
    loading: Loading,
    everything: bool,
    level: int | None,
    server: str | None,
    as_json: bool,
) -> None:
    """Prove a backup again: its size, its hash, that it can be read, that it can be restored.

    BACKUP is an id (its beginning is enough), a path, or a target, whose
    newest backup is meant then. Exits 1 if one is not what it was, or cannot
    be proven at the level that was asked for.
    """
    _require_level(level, server)
    if everything == (backup is not None):
        raise UsageError("name one backup or target, or give --all")
    config = _backups.optional_configuration(loading, backup or "")
    language = config.log.language if config is not None else "en"
    log.configure("auto", "warning")
    listing = _backups.listing_of(config, _backups.destinations(config), backup)
    chosen = listing.backups if backup is None else (_one(listing, backup),)
    if level == proving.DRILL:
        work = _drill(loading, config, chosen, server)
    else:
        work = _verify(loading, chosen, level)
    verdicts = _backups.run(work)
    if as_json:
        shown = {"backups": [_document(verdict) for verdict in verdicts]}
        click.echo(json.dumps(shown, ensure_ascii=False, indent=2))
    else:
        _print(verdicts, language)
    damaged = listing.damaged if everything else ()
    _backups.print_damage(plain_console(stderr=True), Listing((), damaged))
    context.exit(YES if all(verdict.ok for verdict in verdicts) and not damaged else NO)


def _require_level(level: int | None, server: str | None) -> None:
    if level is not None and not proving.SIZE <= level <= proving.DRILL:
        raise UsageError(f"--level {level}: give 0 to {proving.DRILL}")
    if server is not None and level != proving.DRILL:
        raise UsageError("--server is for --level 4: only a restore needs a server")


def _one(listing: Listing, reference: str) -> Backup:
    """Return what *reference* means; of a target the newest, for it may not be good any more."""
    of_target = listing.of(reference).backups
    return of_target[0] if of_target else catalogue.find(listing, reference)


async def _verify(loading: Loading, backups: Sequence[Backup], level: int | None) -> list[Verdict]:
    engines = BackupEngines(loading.engines)
    return [await verify(backup, engines, SystemClock(), level) for backup in backups]


async def _drill(
    loading: Loading, config: Config | None, backups: Sequence[Backup], server: str | None
) -> list[Verdict]:
    engines = BackupEngines(loading.engines)
    verdicts = []
    for backup in backups:
        target = config.target(backup.target) if config is not None else None
        settings = _settings(target, server, config)
        verdicts.append(await drill(backup, engines, SystemClock(), settings, target))
    return verdicts


def _settings(target: Target | None, server: str | None, config: Config | None) -> DrillSettings:
    configured = target.backup.drill if target is not None and target.backup is not None else None
    settings = configured or DrillSettings()
    if server is None:
        return settings
    if server in ("local", "same"):
        return replace(settings, server=server)
    url, _ = _backups.target_or_url(server, config)
    return replace(settings, server=url)


# ------------------------------------------------------------------ what is shown


def _document(verdict: Verdict) -> dict[str, Any]:
    drilled = verdict.drilled
    return {
        **verdict.backup.document(),
        "proven_level": verdict.level,
        "proof_seconds": round(verdict.seconds, 3),
        "proof_failure": failure_document(verdict.failure),
        "remarks": list(verdict.remarks),
        "drill": None
        if drilled is None
        else {
            "where": drilled.where,
            "tables": drilled.tables,
            "rows": drilled.rows,
            "restore_duration_seconds": round(drilled.seconds, 3),
        },
    }


def _print(verdicts: Sequence[Verdict], language: str) -> None:
    console = plain_console()
    if not verdicts:
        console.print("There are no backups.")
    for verdict in verdicts:
        _print_one(console, verdict, language)


def _print_one(console: Console, verdict: Verdict, language: str) -> None:
    backup = verdict.backup
    name = f"{backup.target} {backup.id}"
    if verdict.failure is not None:
        _backups.print_failure(console, name, verdict.failure, language)
    if verdict.level is not None:
        style = "green" if verdict.ok else ""
        console.print(Text(f"{name}: {_proven(verdict)}", style=style))
    if verdict.drilled is not None:
        console.print(Text(f"  {_restored(verdict)}"))
    for remark in verdict.remarks:
        console.print(Text(f"  {mask(remark)}", style="yellow"))


def _proven(verdict: Verdict) -> str:
    """Say what was proven now and, where that is another level, at which one it stands."""
    level, backup = verdict.level or 0, verdict.backup
    drilled = verdict.drilled is not None and level < proving.DRILL
    meaning = _RESTORED if drilled else _MEANINGS[level]
    said = f"proven at level {level} in {_backups.span(verdict.seconds)} ({meaning})"
    if backup.level == level or backup.verified_at is None:
        return said
    return f"{said}; it stands at level {backup.level}, proven {backup.verified_at:%Y-%m-%d %H:%M}Z"


def _restored(verdict: Verdict) -> str:
    drilled = verdict.drilled
    assert drilled is not None
    tables = "1 table" if drilled.tables == 1 else f"{drilled.tables} tables"
    rows = "1 row" if drilled.rows == 1 else f"{drilled.rows} rows"
    return f"restored in {_backups.span(drilled.seconds)} into {drilled.where}: {rows} in {tables}"
