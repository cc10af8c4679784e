"""What the commands about backups have in common.

Owns: which targets and destinations they mean, running with clean-up on
SIGTERM, how sizes, ages and failures read. Must not know: any one command.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Coroutine, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, TypeVar

import click
from rich.console import Console
from rich.text import Text

from watchdog import database_url, hints, units
from watchdog.backups import catalogue
from watchdog.backups.catalogue import Listing
from watchdog.backups.destination import Destinations, state_folder
from watchdog.backups.pipeline import Pipeline
from watchdog.backups.places import settings_of
from watchdog.cli._configuration import Loading, named_targets
from watchdog.cli._environment import run as run_loop
from watchdog.clock import SystemClock
from watchdog.config import Config, scalars
from watchdog.database_url import DatabaseUrl
from watchdog.engines import BackupEngines
from watchdog.errors import ConfigurationError, UsageError
from watchdog.model import Failure, Phase, Target
from watchdog.secret import mask

T = TypeVar("T")

PHASES: Final = {
    Phase.PREFLIGHT: "looking",
    Phase.DUMP: "dumping",
    Phase.COPY: "copying",
    Phase.VERIFY: "reading back",
    Phase.PUBLISH: "sealing",
    Phase.PRUNE: "pruning",
}


# ------------------------------------------------------------------ what is meant


def choose(config: Config, names: Sequence[str]) -> tuple[Target, ...]:
    """Return the named targets, or all that are backed up. Raises ``UsageError``."""
    chosen = named_targets(config, names)
    for target in chosen:
        settings_of(target)
    chosen = chosen or tuple(target for target in config.targets if target.backup is not None)
    if not chosen:
        raise UsageError(
            f"no target is backed up ({config.source}): set backup.directory or, without a file,"
            " DB_WATCHDOG_BACKUP_DIRECTORY"
        )
    return chosen


def directories(config: Config) -> tuple[Path, ...]:
    """Return every destination that is configured."""
    found = (target.backup.directory for target in config.targets if target.backup is not None)
    return tuple(dict.fromkeys(found))


def listing_of(
    config: Config | None, destinations: Destinations, reference: str | None = None
) -> Listing:
    """Return what the configured destinations hold. Raises ``ActionFailed`` if one has gone.

    A *reference* that is a path is found without them: it may be of a copy.
    """
    if reference is not None and "/" in reference:
        return Listing()
    places = directories(config) if config is not None else ()
    for place in places:
        destinations.require(place, "its targets", Phase.PREFLIGHT)
    return catalogue.scan(places)


def optional_configuration(loading: Loading, reference: str) -> Config | None:
    """Load the configuration; a backup that is named by its path needs none."""
    try:
        return loading.load()
    except ConfigurationError:
        if "/" in reference and loading.config_file is None:
            return None
        raise


def destinations(config: Config | None) -> Destinations:
    """Return our memory of destinations, the same that the daemon of *config* has."""
    configured = config.state_directory if config is not None else None
    return Destinations(state_folder(os.environ, configured))


def pipeline(loading: Loading, config: Config) -> Pipeline:
    """Return a pipeline for every engine."""
    engines = BackupEngines(loading.engines)
    return Pipeline(engines, destinations(config), SystemClock())


def target_or_url(text: str, config: Config | None) -> tuple[DatabaseUrl, Target | None]:
    """Return the database URL that *text* is, or that of the target which it names."""
    if config is not None and (target := config.target(text)) is not None:
        return target.url, target
    if "://" not in text:
        known = ", ".join(target.name for target in config.targets) if config else "none"
        raise UsageError(f"{text!r} is neither a URL nor a target (configured: {known})")
    base = config.base_dir if config is not None else Path.cwd()
    try:
        return database_url.parse(text, environ=os.environ, base_dir=base), None
    except database_url.DatabaseUrlError as error:
        raise UsageError(str(error)) from error


def duration(text: str, option: str) -> float:
    """Return the seconds that *text* means (``90s``, ``10m``). Raises ``UsageError``."""
    try:
        return scalars.duration(text)
    except ValueError as error:
        raise UsageError(f"{option} {text}: {error}") from error


# ------------------------------------------------------------------ running


def run(work: Coroutine[object, object, T]) -> T:
    """Run *work*; SIGTERM cancels it, so that it cleans up as it does on Ctrl-C."""
    return run_loop(_cancelled_by_sigterm(work))


async def _cancelled_by_sigterm(work: Coroutine[object, object, T]) -> T:
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        raise click.Abort from None
    finally:
        loop.remove_signal_handler(signal.SIGTERM)


# ------------------------------------------------------------------ how it reads


def size(count: int | None) -> str:
    """Return a size for people."""
    if count is None:
        return "-"
    return units.size(count)


def span(time: timedelta | float) -> str:
    """Return a duration for people, by its two largest units: ``3 h 12 m``."""
    seconds = time.total_seconds() if isinstance(time, timedelta) else time
    return units.span(seconds)


def tables(count: int | None) -> str:
    """Return the number of tables as a part of a sentence, "" if it is unknown."""
    if count is None:
        return ""
    return ", 1 table" if count == 1 else f", {count} tables"


def age(moment: datetime, now: datetime) -> str:
    """Return how long ago *moment* was."""
    return span(now - moment) if now >= moment else "in the future"


def print_failure(console: Console, name: str, failure: Failure, language: str) -> None:
    """Print why something failed and what to do about it."""
    console.print(Text(f"{name}: {mask(failure.message)}", style="red"))
    hint = None
    if failure.hint:
        try:
            hint = hints.render(failure.hint, failure.facts, language)
        except KeyError:
            return
    if hint is None:
        return
    console.print(Text(f"  {hint.title}  [{hint.id}]", style="bold"))
    for number, step in enumerate(hint.steps, start=1):
        console.print(Text(f"  {number}. {step}"))
    if hint.documentation:
        console.print(Text(f"  {hint.documentation}", style="dim"))


def print_damage(console: Console, listing: Listing) -> None:
    """Print what ought to be backups and cannot be read as such."""
    for damage in listing.damaged:
        console.print(Text(f"damaged: {damage.path}: {damage.reason}", style="red"))
