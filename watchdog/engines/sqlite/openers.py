"""Who has a file open or locked, as far as this machine shows it.

Owns: reading ``/proc/PID/fd`` (other people's only for root) and
``/proc/locks``, which everybody may read (proc(5)). Opens nothing. Must not
know: what is done with the answer.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from watchdog.engines.sqlite.processes import name_of


def openers(places: Iterable[Path]) -> dict[int, str]:
    """Return the processes that have one of *places* open or locked: ``name (PID)`` by PID."""
    wanted = {(found.st_dev, found.st_ino) for found in _stats(places)}
    if not wanted:
        return {}
    pids = {pid for pid in _processes() if _has_open(pid, wanted)}
    return {pid: name_of(pid) for pid in sorted(pids | _holders(wanted))}


def _stats(places: Iterable[Path]) -> list[os.stat_result]:
    found = []
    for place in places:
        try:
            found.append(place.stat())
        except OSError:
            continue
    return found


def _processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _has_open(pid: int, wanted: set[tuple[int, int]]) -> bool:
    try:
        descriptors = list(Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return False  # ended, or not ours to look into
    return any((found.st_dev, found.st_ino) in wanted for found in _stats(descriptors))


def _holders(wanted: set[tuple[int, int]]) -> set[int]:
    """Return who holds a lock: lines are ``1: POSIX ADVISORY READ PID MAJOR:MINOR:INODE A B``."""
    files = {(os.major(device), os.minor(device), inode) for device, inode in wanted}
    try:
        lines = Path("/proc/locks").read_text().splitlines()
    except OSError:
        return set()
    found = set()
    for words in map(str.split, lines):
        if "->" in words or len(words) < 6:  # one that waits has nothing yet
            continue
        major, minor, inode = words[5].split(":")
        if (int(major, 16), int(minor, 16), int(inode)) in files and int(words[4]) > 0:
            found.add(int(words[4]))
    return found
