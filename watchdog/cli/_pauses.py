"""What ``pause`` and ``resume`` have in common.

Owns: where a pause is written, also while the destination is away, and the
document that tells of it. Must not know: options.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from watchdog.backups import failures, pauses
from watchdog.backups.destination import Destinations
from watchdog.backups.documents import failure_document, moment_text
from watchdog.backups.pauses import Pause
from watchdog.backups.places import folder_of, settings_of
from watchdog.cli import _backups
from watchdog.cli._console import plain_console
from watchdog.model import ActionFailed, Failure, Target


def read(target: Target, known: Destinations) -> Pause | None:
    """Return what was last said of *target*."""
    return pauses.read(folder_of(target), known.state)


@dataclass(frozen=True, slots=True)
class Written:
    """A pause, and where it was written or why it was not."""

    target: Target
    pause: Pause
    place: Path | None = None
    failure: Failure | None = None


def write_all(wanted: Iterable[tuple[Target, Pause]], known: Destinations) -> list[Written]:
    """Write the pause of each target; one that cannot be written keeps no other."""
    done = []
    for target, pause in wanted:
        try:
            done.append(Written(target, pause, _write(target, pause, known)))
        except ActionFailed as error:
            done.append(Written(target, pause, failure=error.failure))
    return done


def print_failures(done: Iterable[Written], language: str) -> None:
    """Print what went wrong, and what to do about it."""
    for each in done:
        if each.failure is not None:
            console = plain_console(stderr=True)
            _backups.print_failure(console, each.target.name, each.failure, language)


def document(done: Iterable[Written]) -> str:
    """Return what was written as a JSON document."""
    pauses = [
        {
            "target": each.target.name,
            "until": moment_text(each.pause.until),
            "reason": each.pause.reason,
            "path": str(each.place) if each.place is not None else None,
            "failure": failure_document(each.failure),
        }
        for each in done
    ]
    return json.dumps({"pauses": pauses}, ensure_ascii=False, indent=2)


def _write(target: Target, pause: Pause, known: Destinations) -> Path:
    folder, directory = folder_of(target), settings_of(target).directory
    try:
        present = directory.is_dir() and not known.missing(directory)
        return pauses.put(folder, pause, known.state, present=present)
    except OSError as error:
        raise ActionFailed(failures.of_pause(error, folder, target.name)) from error
