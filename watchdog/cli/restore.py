"""``db-watchdog restore``: bring a backup back, over a database only when told to."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from watchdog import log
from watchdog.backups import catalogue, restoring
from watchdog.backups.catalogue import Backup
from watchdog.cli import NO, YES, _backups
from watchdog.cli._configuration import Loading, configuration
from watchdog.cli._console import plain_console
from watchdog.cli._restoring import shown
from watchdog.clock import SystemClock
from watchdog.config import Config
from watchdog.database_url import DatabaseUrl
from watchdog.engines import BackupEngines
from watchdog.errors import UsageError
from watchdog.model import ActionFailed, Target
from watchdog.restoration import Restored, RestoreOptions, RestorePlan
from watchdog.secret import mask
from watchdog.visible import visible
from watchdog.web.documents import failure_document


@click.command(
    "restore",
    short_help="Bring a backup back.",
    epilog="""\b
Examples:
  db-watchdog restore auth-service --to sqlite:////tmp/auth.db
  db-watchdog restore 20261123T0300 --to postgresql://me@localhost/auth_copy
  db-watchdog restore auth-service --to auth-service --force --dry-run
  db-watchdog restore auth-service --to auth-service --force --end-sessions
  db-watchdog restore auth-service --to postgresql:///rescue --table users --table orders
  db-watchdog restore /mnt/backups/app/20261123T030000Z-ab12cd.dump --to postgresql:///app""",
)
@click.argument("backup")
@configuration
@click.option(
    "--to",
    "destination",
    required=True,
    metavar="URL|TARGET",
    help="The database to restore into: new or empty, unless --force is given. Leave the password"
    " out of a URL where ~/.pgpass has it: other users see command lines.",
)
@click.option(
    "--force",
    is_flag=True,
    help="Replace a database that holds something. The old one is kept aside; its name is asked"
    " for first.",
)
@click.option("--yes", is_flag=True, help="With --force: do not ask.")
@click.option(
    "--end-sessions",
    is_flag=True,
    help="With --force: end the sessions that are in a PostgreSQL database when it is replaced.",
)
@click.option(
    "--table",
    "tables",
    multiple=True,
    metavar="NAME",
    help="Only this table, with its indexes (repeatable; PostgreSQL: also SCHEMA.NAME, names in"
    " double quotes too).",
)
@click.option(
    "--jobs",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="How many tables and indexes at a time (PostgreSQL).",
)
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
def COMMAND(  # noqa: N802, PLR0913, PLR0917 - the registry's name; an option each
    context: click.Context,
    backup: str,
    loading: Loading,
    destination: str,
    force: bool,
    yes: bool,
    end_sessions: bool,
    tables: tuple[str, ...],
    jobs: int,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Restore BACKUP into a database that is new or empty.

    BACKUP is an id (its beginning is enough), a path, or a target, whose
    newest backup at level 2 or better is meant then. Its hash is verified
    first. All or nothing: whatever ends it, what was there is still there.
    """
    if tables and force:
        raise UsageError(
            "--table restores into a new or empty database only: restore the tables beside the"
            " old ones, then copy over what you need"
        )
    config = _backups.optional_configuration(loading, backup)
    log.configure("auto", "warning")
    listing = _backups.listing_of(config, _backups.destinations(config), backup)
    chosen = catalogue.find(listing, backup)
    to, target = _destination(destination, config)
    _refuse_what_is_wrong(chosen, to, config, force=force)
    options = RestoreOptions(
        replace=force, end_sessions=end_sessions, jobs=jobs, tables=tables, target=target
    )
    console = plain_console(stderr=as_json)
    console.print(_chosen(chosen))
    if chosen.held:
        reasons = "; ".join(chosen.manifest.suspect)
        console.print(Text(f"it may be of a different database: {reasons}", style="red"))
    work = _Work(loading, console, chosen, to, options)
    try:
        plan = work.plan()
        _print_plan(console, plan, to, dry_run=dry_run)
        told: dict[str, Any] = {"dry_run": dry_run, **_plan_document(plan)}
        if not dry_run:
            if plan.kept_aside and not yes:
                _ask(plan, to)
            restored, seconds = work.restore(plan)
            _print_restored(console, chosen, to, restored, seconds)
            told |= {**_restored_document(restored), "duration_seconds": round(seconds, 3)}
    except ActionFailed as error:
        language = config.log.language if config is not None else "en"
        _backups.print_failure(console, chosen.id, error.failure, language)
        if as_json:
            why = {"error": mask(error.failure.message), "failure": failure_document(error.failure)}
            click.echo(json.dumps(why, ensure_ascii=False, indent=2))
        context.exit(NO)
    if as_json:
        document = {"restore": {"backup": chosen.document(), "to": to.masked, **told}}
        click.echo(json.dumps(document, ensure_ascii=False, indent=2))
    context.exit(YES)


class _Work:
    """What is asked of the engine, twice: what would be done, and to do it."""

    def __init__(
        self,
        loading: Loading,
        console: Console,
        backup: Backup,
        to: DatabaseUrl,
        options: RestoreOptions,
    ) -> None:
        self._engines = BackupEngines(loading.engines)
        self._backup, self._to, self._options = backup, to, options
        self._console = console

    def plan(self) -> RestorePlan:
        """Look what would be done."""
        return _backups.run(restoring.plan(self._backup, self._engines, self._to, self._options))

    def restore(self, plan: RestorePlan) -> tuple[Restored, float]:
        """Do it, and show how far it is."""
        return _backups.run(self._restore(plan))

    async def _restore(self, plan: RestorePlan) -> tuple[Restored, float]:
        size = self._backup.manifest.size_bytes
        with shown(plain_console(stderr=True), self._to, size) as view:
            options = replace(self._options, step=view.step, kept_aside=plan.kept_aside)
            return await restoring.bring_back(
                self._backup, self._engines, self._to, options, SystemClock(), view.progress
            )


# ------------------------------------------------------------------ what is meant


def _destination(text: str, config: Config | None) -> tuple[DatabaseUrl, Target | None]:
    """Return the URL to restore into: of a target the one for backups, which is direct."""
    url, target = _backups.target_or_url(text, config)
    if target is not None and target.backup is not None and target.backup.url is not None:
        url = target.backup.url
    return url, target


def _refuse_what_is_wrong(
    backup: Backup, to: DatabaseUrl, config: Config | None, *, force: bool
) -> None:
    if to.engine != backup.manifest.engine:
        raise UsageError(
            f"{backup.id} is a backup of {backup.manifest.engine}, {to.masked} is {to.engine}:"
            " restore into the same kind of database"
        )
    source = config.target(backup.target) if config is not None else None
    if not force and to.masked in (backup.manifest.url, source.url.masked if source else ""):
        raise UsageError(
            f"{to.masked} is the very database that {backup.id} was taken of: restore into a new"
            " one and look at it, or replace it with --force, which keeps the old one aside"
        )


def _ask(plan: RestorePlan, to: DatabaseUrl) -> None:
    """Have the name typed back. Raises ``click.Abort``, ``UsageError`` where nobody is there."""
    if not sys.stdin.isatty():
        raise UsageError(f"{to.masked} would be replaced: add --yes where nobody can be asked")
    typed = click.prompt(
        f"Type the name {plan.name} to replace it", default="", show_default=False, err=True
    )
    if typed != plan.name:
        click.echo(f"That is not {plan.name}: nothing was done.", err=True)
        raise click.Abort


# ------------------------------------------------------------------ what is said


def _chosen(backup: Backup) -> Text:
    tables = _backups.tables(backup.manifest.tables)
    age = _backups.age(backup.manifest.recovery_point, SystemClock().now())
    return Text(
        f"backup {backup.id} of {backup.target}: its data is {age} old,"
        f" {_backups.size(backup.manifest.size_bytes)}{tables}, verified at level {backup.level}\n"
        f"  {backup.path}"
    )


def _print_plan(console: Console, plan: RestorePlan, to: DatabaseUrl, *, dry_run: bool) -> None:
    if not dry_run and not plan.kept_aside:
        return
    verb = "would be" if dry_run else "will be"
    what = f"{to.masked} {verb} replaced" if plan.kept_aside else f"{to.masked} {verb} filled"
    console.print(Text(f"{what}:", style="bold"))
    for line in plan.lines:
        console.print(Text(f"  - {visible(line)}"))
    free = "unknown" if plan.free_bytes is None else _backups.size(plan.free_bytes)
    needed = _backups.size(plan.needed_bytes)
    console.print(Text(f"  - disk: about {needed} more; free there: {free}"))


def _print_restored(
    console: Console, backup: Backup, to: DatabaseUrl, restored: Restored, seconds: float
) -> None:
    for note in restored.notes:
        console.print(Text(f"note: {visible(note)}", style="yellow"))
    console.print(
        Text(f"restored {backup.id} into {to.masked} in {_backups.span(seconds)}", style="green")
    )
    if restored.kept_aside:
        console.print(Text(f"the old one is kept as {restored.kept_aside}; to go back to it:"))
        for command in restored.way_back:
            console.print(Text(f"  {command}"), soft_wrap=True)


def _plan_document(plan: RestorePlan) -> dict[str, Any]:
    return {
        "plan": list(plan.lines),
        "needed_bytes": plan.needed_bytes,
        "free_bytes": plan.free_bytes,
        "kept_aside": plan.kept_aside or None,
    }


def _restored_document(restored: Restored) -> dict[str, Any]:
    return {
        "notes": list(restored.notes),
        "kept_aside": restored.kept_aside or None,
        "way_back": list(restored.way_back),
    }
