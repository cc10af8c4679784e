"""Where and how a target is backed up, by its configuration.

Owns: which folder is a target's own. Pure. Must not know: what lies there.
"""

from __future__ import annotations

from pathlib import Path

from watchdog.errors import UsageError
from watchdog.model import BackupSettings, Target


def settings_of(target: Target) -> BackupSettings:
    """Return how *target* is backed up. Raises ``UsageError`` where it is not."""
    if target.backup is None:
        raise UsageError(
            f"backups of {target.name} are off: set backup.directory (or, without a file,"
            " DB_WATCHDOG_BACKUP_DIRECTORY), and do not set backup: false"
        )
    return target.backup


def folder_of(target: Target) -> Path:
    """Return the folder of *target* in its destination. Raises ``UsageError``."""
    return settings_of(target).directory / target.name
