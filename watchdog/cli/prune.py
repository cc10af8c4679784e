"""``db-watchdog prune``: show or apply retention."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import click
from rich.text import Text

from watchdog import log
from watchdog.backups.catalogue import Backup
from watchdog.backups.documents import moment_text
from watchdog.backups.pipeline import Pipeline
from watchdog.backups.retention import Decision
from watchdog.cli import NO, YES, _backups
from watchdog.cli._configuration import Loading, configuration
from watchdog.cli._console import plain_console
from watchdog.model import ActionFailed, Failure, Target

Pruned = tuple[Target, Sequence[Decision[Backup]], Failure | None]


@click.command(
    "prune",
    short_help="Remove the backups that need not stay.",
    epilog="""\b
Examples:
  db-watchdog prune --dry-run
  db-watchdog prune auth-service""",
)
@click.argument("targets", nargs=-1)
@configuration
@click.option("--dry-run", is_flag=True, help="Only say what would be removed, and why.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
def COMMAND(  # noqa: N802 - the registry's name
    context: click.Context,
    targets: tuple[str, ...],
    loading: Loading,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Apply retention to all targets that are backed up, or to those named.

    Only verified backups are counted, and the newest of them always stays.
    """
    config = loading.load()
    chosen = _backups.choose(config, targets)
    log.configure(config.log.format, "warning")
    done = _backups.run(_prune(_backups.pipeline(loading, config), chosen, dry_run))
    if as_json:
        click.echo(json.dumps(_document(done, dry_run), ensure_ascii=False, indent=2))
    else:
        _print(done, dry_run, config.log.language)
    context.exit(NO if any(failure for _, _, failure in done) else YES)


async def _prune(pipeline: Pipeline, targets: Sequence[Target], dry_run: bool) -> list[Pruned]:
    done: list[Pruned] = []
    for target in targets:
        try:
            done.append((target, await pipeline.prune(target, dry_run=dry_run), None))
        except ActionFailed as error:
            done.append((target, (), error.failure))
    return done


def _document(done: Sequence[Pruned], dry_run: bool) -> dict[str, Any]:
    decisions = [
        {
            "id": decision.backup.id,
            "target": target.name,
            "taken_at": moment_text(decision.backup.taken_at),
            "size_bytes": decision.backup.manifest.size_bytes,
            "keep": decision.keep,
            "reason": decision.reason,
        }
        for target, decided, _ in done
        for decision in decided
    ]
    return {"decisions": decisions, "dry_run": dry_run}


def _print(done: Sequence[Pruned], dry_run: bool, language: str) -> None:
    console = plain_console()
    for target, decided, failure in done:
        if failure is not None:
            _backups.print_failure(console, target.name, failure, language)
            continue
        if not decided:
            console.print(Text(f"{target.name}: there are no backups"))
        for decision in decided:
            gone = "would be removed" if dry_run else "removed"
            console.print(
                Text(
                    f"{target.name}: {decision.backup.id}"
                    f" {'kept' if decision.keep else gone}: {decision.reason}",
                    style="" if decision.keep else "yellow",
                )
            )
