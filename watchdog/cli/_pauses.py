"""What ``pause`` and ``resume`` have in common.

Owns: where a pause is written, also while the destination is away. Must not
know: options, texts.
"""

from __future__ import annotations

from pathlib import Path

from watchdog.backups import failures, pauses
from watchdog.backups.destination import Destinations
from watchdog.backups.pauses import Pause
from watchdog.backups.places import folder_of, settings_of
from watchdog.model import ActionFailed, Phase, Target


def read(target: Target, known: Destinations) -> Pause | None:
    """Return what was last said of *target*."""
    return pauses.read(folder_of(target), known.state)


def write(target: Target, pause: Pause, known: Destinations) -> Path:
    """Write *pause* and return where. Raises ``ActionFailed``."""
    folder, directory = folder_of(target), settings_of(target).directory
    try:
        present = directory.is_dir() and not known.missing(directory)
        return pauses.put(folder, pause, known.state, present=present)
    except OSError as error:
        failure = failures.of_os_error(error, Phase.PREFLIGHT, folder, target.name)
        raise ActionFailed(failure) from error
