"""The files of incidents, in our own state folder.

Owns: ``incidents/TARGET/ID.json`` (``@SERVER`` in place of the target where
several of one server went down together): names, atomic writing, which ones are
kept. Blocking: callers go through a thread. Must not know: what an incident
is about.

The last fifty of a target are kept, and all together not more than a bounded
size. Where the disk of the state folder is nearly full nothing is written at
all: it may be the disk of what is watched.
"""

from __future__ import annotations

import contextlib
import json
import re
import secrets
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from watchdog.backups import files
from watchdog.incidents.record import LARGEST, Record, record_of

KEPT: Final = 50  # of a target
_ALL: Final = 64 << 20  # bytes of all of them
_RESERVE: Final = 16 << 20  # bytes of the disk that stay free
_FOLDER: Final = "incidents"
_NEWEST: Final = 3  # in a folder; an older one is not open any more
SHARED: Final = "@"  # the folder of an incident of a server with several targets begins with it
_ID: Final = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{6}")
_TARGET: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


def new_id(at: datetime) -> str:
    """Return an id that sorts by time: ``20261123T081500Z-3f2a1c``."""
    return f"{at:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def is_id(word: str) -> bool:
    """Whether *word* is an incident's id; no name of a target is."""
    return _ID.fullmatch(word) is not None


class Book:
    """All incidents below *state*."""

    def __init__(self, state: Path) -> None:
        self._folder = state / _FOLDER

    def write(self, place: str, identity: str, document: Mapping[str, Any]) -> None:
        """Keep a record's *document*, replacing what is there of it, and drop what is too old.

        Raises ``OSError``, ENOSPC too where too little would be left on the disk.
        """
        folder = self._folder / place
        files.make_folder(folder)
        if files.free_bytes(folder) < _RESERVE + LARGEST:
            raise OSError(28, "too little space is left for incidents", str(folder))
        files.write_json(folder / f"{identity}.json", document)
        self._drop(folder)

    def documents(self, target: str | None = None, most: int = 200) -> list[dict[str, Any]]:
        """Return the newest incidents, or those of *target*, newest first.

        One that cannot be read is left out.
        """
        found: list[dict[str, Any]] = []
        for path in sorted(self._paths(target), key=lambda each: each.stem, reverse=True):
            document = _read(path)
            if document is not None and (target is None or target in document["targets"]):
                found.append(document)
            if len(found) >= most:
                break
        return found

    def document(self, identity: str) -> dict[str, Any] | None:
        """Return one incident by its id, ``None`` without it."""
        if not is_id(identity):
            return None
        for path in self._folder.glob(f"*/{identity}.json"):
            return _read(path)
        return None

    def newest(self) -> list[Record]:
        """Return the newest incidents of each folder, oldest first."""
        found: list[Record] = []
        with contextlib.suppress(OSError):
            for folder in sorted(self._folder.iterdir()):
                paths = sorted(folder.glob("*.json"), reverse=True)[:_NEWEST]
                found += [record_of(each) for each in map(_read, paths) if each is not None]
        return sorted(found, key=lambda record: record.id)

    def _paths(self, target: str | None) -> Iterator[Path]:
        if target is not None and not _TARGET.fullmatch(target):
            return
        with contextlib.suppress(OSError):
            yield from self._folder.glob(f"{target or '*'}/*.json")
            if target is not None:
                yield from self._folder.glob(f"{SHARED}*/*.json")

    def _drop(self, folder: Path) -> None:
        for path in sorted(folder.glob("*.json"), reverse=True)[KEPT:]:
            path.unlink(missing_ok=True)
        sizes = {}
        for path in self._folder.glob("*/*.json"):
            with contextlib.suppress(OSError):
                sizes[path] = path.stat().st_size
        whole = sum(sizes.values())
        for path in sorted(sizes, key=lambda each: each.name):
            if whole <= _ALL:
                break
            path.unlink(missing_ok=True)
            whole -= sizes[path]


def _read(path: Path) -> dict[str, Any] | None:
    """Return a document that ``record_of`` takes, ``None`` for anything else."""
    if not is_id(path.stem):
        return None
    try:
        document = json.loads(path.read_bytes())
        record_of(document)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return dict(document) if document["id"] == path.stem else None
