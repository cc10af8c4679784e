"""``db-watchdog restore``: bring a backup back into a new or empty database."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from watchdog import log
from watchdog.backups import catalogue
from watchdog.backups.catalogue import Backup
from watchdog.backups.verify import restore
from watchdog.cli import NO, YES, _backups
from watchdog.cli._configuration import Loading, configuration
from watchdog.cli._console import plain_console
from watchdog.clock import SystemClock
from watchdog.config import Config
from watchdog.database_url import DatabaseUrl
from watchdog.errors import UsageError
from watchdog.model import ActionFailed


@click.command(
    "restore",
    epilog="""\b
Examples:
  db-watchdog restore auth-service --to sqlite:////tmp/auth.db
  db-watchdog restore 20261123T0300 --to postgresql://me@localhost/auth_copy""",
)
@click.argument("backup")
@configuration
@click.option(
    "--to",
    "destination",
    required=True,
    metavar="URL|TARGET",
    help="The database to restore into: new or empty. Leave the password out of a URL"
    " where ~/.pgpass has it: other users see command lines.",
)
@click.option("--force", is_flag=True, hidden=True)  # refused, with what to do instead
@click.option("--yes", is_flag=True, hidden=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
def COMMAND(  # noqa: N802 - the registry's name; an option each
    context: click.Context,
    backup: str,
    loading: Loading,
    destination: str,
    force: bool,
    yes: bool,  # noqa: ARG001 - goes with --force
    as_json: bool,
) -> None:
    """Restore BACKUP into a database that is new or empty.

    BACKUP is an id (its beginning is enough), a path, or a target, whose
    newest backup at level 2 or better is meant then. Its hash is verified
    first. What fails leaves nothing behind.
    """
    if force:
        raise UsageError(
            "--force is not available yet: restore into a new database, look at it, then swap"
            " the names yourself"
        )
    config = _backups.optional_configuration(loading, backup)
    log.configure("auto", "warning")
    chosen = catalogue.find(
        _backups.listing_of(config, _backups.destinations(config), backup), backup
    )
    to, _ = _backups.target_or_url(destination, config)
    _refuse_what_is_wrong(chosen, to, config)
    console = plain_console(stderr=as_json)
    console.print(_chosen(chosen))
    try:
        notes, seconds = _backups.run(_restore(loading, chosen, to))
    except ActionFailed as error:
        language = config.log.language if config is not None else "en"
        _backups.print_failure(console, chosen.id, error.failure, language)
        context.exit(NO)
    for note in notes:
        console.print(Text(f"note: {note}", style="yellow"))
    console.print(
        Text(f"restored {chosen.id} into {to.masked} in {_backups.span(seconds)}", style="green")
    )
    if as_json:
        told = {
            "backup": chosen.document(),
            "to": to.masked,
            "duration_seconds": round(seconds, 3),
            "notes": list(notes),
        }
        click.echo(json.dumps({"restore": told}, ensure_ascii=False, indent=2))
    context.exit(YES)


def _refuse_what_is_wrong(backup: Backup, to: DatabaseUrl, config: Config | None) -> None:
    if to.engine != backup.manifest.engine:
        raise UsageError(
            f"{backup.id} is a backup of {backup.manifest.engine}, {to.masked} is {to.engine}:"
            " restore into the same kind of database"
        )
    source = config.target(backup.target) if config is not None else None
    if to.masked in (backup.manifest.url, source.url.masked if source else ""):
        raise UsageError(
            f"{to.masked} is the very database that {backup.id} was taken of: restore into a new"
            " one, look at it, then swap the names"
        )


def _chosen(backup: Backup) -> Text:
    tables = _backups.tables(backup.manifest.tables)
    age = _backups.age(backup.manifest.recovery_point, SystemClock().now())
    return Text(
        f"backup {backup.id} of {backup.target}: its data is {age} old,"
        f" {_backups.size(backup.manifest.size_bytes)}{tables}, verified at level {backup.level}\n"
        f"  {backup.path}"
    )


async def _restore(
    loading: Loading, backup: Backup, to: DatabaseUrl
) -> tuple[Sequence[str], float]:
    engines = {name: engine.backups for name, engine in loading.engines.items()}
    with _shown(plain_console(stderr=True), to):
        return await restore(backup, engines, to, SystemClock(), lambda _: None)


@contextmanager
def _shown(console: Console, to: DatabaseUrl) -> Iterator[None]:
    """Show that it goes on: a moving line on a terminal, one line elsewhere."""
    text = f"restoring into {to.masked}"
    if not console.is_terminal:
        console.print(Text(text))
        yield
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        progress.add_task(text, total=None)
        yield
