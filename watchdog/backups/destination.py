"""A destination: a folder that keeps backups, and whether it is really there.

Owns: the marker file, the memory of destinations that we have seen, space.
Must not know: what is put there.

The rule: a destination that we know carries its marker. The first backup
into a folder that we have not seen creates it. From then on a folder without
the marker is not the destination: most likely its disk is not mounted, and
what we would write, prune or list there would be a lie. Which folders we
have seen is remembered in our own state folder, never in the destination.
Blocking: callers go through a thread.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from watchdog import units
from watchdog.backups import failures, files, names
from watchdog.backups.attempts import Memory
from watchdog.backups.catalogue import Listing
from watchdog.clock import rfc3339
from watchdog.model import ActionFailed, Phase

_MEMORY: Final = "destinations.json"
_RESERVE_SHARE: Final = 0.02
_RESERVE_AT_MOST: Final = 64 << 20


def state_folder(environ: Mapping[str, str], configured: Path | None = None) -> Path:
    """Return where we keep what must outlive us and may not lie in a destination.

    *configured* is what the configuration says, systemd's state directory included.
    """
    if given := environ.get("DB_WATCHDOG_STATE_DIRECTORY"):
        return Path(given).absolute()
    if configured is not None:
        return configured
    if given := environ.get("STATE_DIRECTORY"):  # systemd's; several are joined by colons
        return Path(given.split(":")[0])
    if os.geteuid() == 0:
        return Path("/var/lib/db-watchdog")
    home = environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(home) / "db-watchdog"


class Destinations:
    """What we know of destinations: in this process, and in the state folder where it can be kept.

    ``forgetful`` is why it cannot, "" if it can: then only this process
    would notice that a destination has gone. ``attempts`` remembers the last
    ones of each target, also where no file takes them.
    """

    def __init__(self, state: Path | None) -> None:
        self.state = state
        self.forgetful = ""
        self.attempts = Memory(state)
        self._seen: dict[str, str] = {}
        self._listings: dict[Path, Listing] = {}

    def open(self, directory: Path, target: str) -> None:
        """Make sure that *directory* is the destination that it was, creating a new one.

        Raises ``ActionFailed`` if it has gone or cannot be used.
        """
        try:
            self._open(directory, target)
        except OSError as error:
            failure = failures.of_os_error(error, Phase.PREFLIGHT, directory, target)
            raise ActionFailed(failure) from error

    def missing(self, directory: Path) -> bool:
        """Whether *directory* was a destination and is not any more. Raises ``OSError``."""
        return not _marked(directory) and self._known(directory)

    def require(self, directory: Path, target: str, phase: Phase) -> None:
        """Raise ``ActionFailed`` if the destination has gone or cannot be looked at."""
        try:
            missing = self.missing(directory)
        except OSError as error:
            raise ActionFailed(failures.of_os_error(error, phase, directory, target)) from error
        if missing:
            raise ActionFailed(
                failures.of_backup(
                    failures.DESTINATION_MISSING,
                    f"{directory} is not the destination that it was: its marker"
                    f" {names.MARKER} has gone. Is its disk mounted? If it was emptied on"
                    f" purpose: touch {directory / names.MARKER}",
                    phase,
                    directory,
                    target,
                    code="ENOENT",
                )
            )

    def keep(self, folder: Path, listing: Listing) -> None:
        """Remember what *folder* of a target held, for the time when it cannot be looked at."""
        self._listings[folder] = listing

    def recall(self, folder: Path) -> Listing | None:
        """Return what this process last saw in *folder*, ``None`` if it never has."""
        return self._listings.get(folder)

    def _open(self, directory: Path, target: str) -> None:
        self.require(directory, target, Phase.PREFLIGHT)
        if not _marked(directory):
            files.make_folder(directory)
            _write_marker(directory)
        self._remember(directory)

    def _known(self, directory: Path) -> bool:
        return str(directory) in self._seen or str(directory) in self._load()

    def _remember(self, directory: Path) -> None:
        key, boot = str(directory), _boot()
        self._seen[key] = boot
        if self.state is None or self._load().get(key) == boot:
            return
        try:
            files.make_folder(self.state)
            merged = {**self._load(), key: boot}
            files.write_json(self.state / _MEMORY, {"format": 1, "destinations": merged})
            self.forgetful = ""
        except OSError as error:
            self.forgetful = f"cannot write {error.filename or self.state}: {error.strerror}"

    def _load(self) -> dict[str, str]:
        """Return the boot during which each destination was last seen, by its path."""
        if self.state is None:
            return {}
        try:
            document: Any = json.loads((self.state / _MEMORY).read_bytes())
            listed = dict(document["destinations"])
        except (OSError, ValueError, KeyError, TypeError):
            return {}
        boot = _boot()
        return {
            path: seen
            for path, seen in listed.items()
            if seen == boot or not _is_temporary(Path(path))
        }


def free_bytes(directory: Path) -> int | None:
    """Return what the destination has left, ``None`` if it cannot be told."""
    try:
        return files.free_bytes(directory)
    except OSError:
        return None


def device(directory: Path) -> int | None:
    """Return the device that *directory* lies on, or will once it is made; ``None``: unknown."""
    for folder in (directory, *directory.parents):
        with contextlib.suppress(OSError):
            return folder.stat().st_dev
    return None


def require_space(directory: Path, target: str, expected: int | None) -> None:
    """Raise ``ActionFailed`` if *expected* bytes and a fifth more will not fit with a reserve.

    The reserve (2 %, at most 64 MiB) keeps us from filling the disk to the
    last byte, on which the database itself may live.
    """
    free, needed = files.free_bytes(directory), room(directory, expected)
    if free < needed:
        left, wanted = units.size(free), units.size(needed)
        failure = failures.no_space(
            f"no space for the backup of {target}: {left} are free in {directory},"
            f" about {wanted} are needed: free more there, or lower keep",
            Phase.PREFLIGHT,
            directory,
            target,
        )
        raise ActionFailed(replace(failure, facts={**failure.facts, failures.FREE: left}))


def room(directory: Path, expected: int | None) -> int:
    """Return what has to be free for a backup of *expected* bytes. Raises ``OSError``."""
    reserve = min(_RESERVE_AT_MOST, int(files.total_bytes(directory) * _RESERVE_SHARE))
    return int((expected or 0) * 1.2) + reserve


def _marked(directory: Path) -> bool:
    return (directory / names.MARKER).is_file()


def _write_marker(directory: Path) -> None:
    document = {"format": 1, "id": secrets.token_hex(8), "created_at": rfc3339(datetime.now(UTC))}
    files.write_json(directory / names.MARKER, document)


def _is_temporary(directory: Path) -> bool:
    """Whether *directory* does not outlive a boot, so that its name may come again."""
    return any(directory.is_relative_to(folder) for folder in ("/tmp", "/run", "/dev/shm"))  # noqa: S108


def _boot() -> str:
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    return "unknown"
