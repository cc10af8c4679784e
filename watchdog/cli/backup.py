"""``db-watchdog backup``: back up now."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from watchdog import log
from watchdog.backups import document, lock
from watchdog.backups.pipeline import Pipeline
from watchdog.backups.run import Progress as Tell
from watchdog.backups.run import Report
from watchdog.cli import NO, YES, _backups
from watchdog.cli._configuration import Loading, configuration
from watchdog.cli._console import plain_console
from watchdog.model import Phase, Target
from watchdog.secret import mask


@click.command(
    "backup",
    short_help="Back up now.",
    epilog="""\b
Examples:
  db-watchdog backup
  db-watchdog backup auth-service --wait 1m --json""",
)
@click.argument("targets", nargs=-1)
@configuration
@click.option(
    "--wait",
    default=f"{lock.WAIT / 60:g}m",
    show_default=True,
    metavar="DURATION",
    help="How long to wait for a backup of the same target that another process takes.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
def COMMAND(  # noqa: N802 - the registry's name
    context: click.Context, targets: tuple[str, ...], loading: Loading, wait: str, as_json: bool
) -> None:
    """Back up now: all targets that are backed up, or those named.

    Exits 0 only if every one of them has a new, sealed backup.
    """
    seconds = _backups.duration(wait, "--wait")
    config = loading.load()
    chosen = _backups.choose(config, targets)
    log.configure(config.log.format, "warning")
    reports = _backups.run(_back_up(_backups.pipeline(loading, config), chosen, seconds))
    if as_json:
        click.echo(json.dumps(document.of_reports(reports), ensure_ascii=False, indent=2))
    else:
        _print(reports, config.log.language)
    context.exit(YES if all(report.ok for report in reports) else NO)


async def _back_up(pipeline: Pipeline, targets: Sequence[Target], wait: float) -> list[Report]:
    console = plain_console(stderr=True)
    reports = []
    for target in targets:
        try:
            with _shown(console, target) as tell:
                reports.append(await pipeline.back_up(target, wait=wait, progress=tell))
        except asyncio.CancelledError:
            console.print(Text(f"{target.name}: cancelled, nothing is left of it", style="yellow"))
            raise
    return reports


@contextmanager
def _shown(console: Console, target: Target) -> Iterator[Tell]:
    """Show progress: a moving line on a terminal, a line a step elsewhere."""
    if not console.is_terminal:

        def line(phase: Phase, count: int) -> None:
            if not count:
                console.print(Text(_line(target, phase)))

        yield line
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(_line(target, Phase.PREFLIGHT), total=None)

        def tell(phase: Phase, count: int) -> None:
            so_far = f"  {_backups.size(count)}" if count else ""
            progress.update(task, description=_line(target, phase) + so_far)

        yield tell


def _line(target: Target, phase: Phase) -> str:
    return f"{target.name}: {_backups.PHASES.get(phase, phase.value)}"


def _print(reports: Sequence[Report], language: str) -> None:
    console = plain_console()
    for report in reports:
        name, backup = report.target.name, report.backup
        if report.failure is not None:
            _backups.print_failure(console, name, report.failure, language)
        elif backup is not None:
            tables = _backups.tables(backup.manifest.tables)
            line = (
                f"{name}: {backup.id}, {_backups.size(backup.manifest.size_bytes)}{tables},"
                f" verified at level {backup.level}, {_backups.span(backup.manifest.duration)}"
            )
            console.print(Text(line, style="green"))
            console.print(Text(f"  {backup.path}", style="dim"))
        for trouble in report.troubles:
            console.print(Text(f"  warning: {mask(trouble.message)}", style="yellow"))
        for removed in report.removed:
            console.print(Text(f"  removed {removed.id}, kept no longer", style="dim"))
