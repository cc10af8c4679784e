"""The keys of one mapping in a web configuration file, asked for one by one.

Owns: noting what is wrong with a value at its place, unknown keys with a
suggestion, and the reading of files that keys name. Must not know: which
keys there are. No message ever quotes a value that may be a secret.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, Final, TypeVar

from watchdog.config import scalars
from watchdog.config.mistakes import Mark, Mistakes
from watchdog.config.tree import Branch, Items, Text

T = TypeVar("T")

_LARGEST: Final = 1024 * 1024


class Keys:
    """One mapping; relative paths in it begin at *folder*."""

    def __init__(self, branch: Branch, folder: Path, mistakes: Mistakes) -> None:
        self.branch = branch
        self.folder = folder
        self.mistakes = mistakes

    def note(self, key: str, text: str) -> None:
        """Note what is wrong with the value of *key*, or with the mapping if it has none."""
        value = self.branch.get(key)
        if isinstance(value, Text) and value.broken:
            return  # noted when it was read
        self.mistakes.add(*self.place(key), text)

    def place(self, key: str) -> tuple[Mark, str]:
        """Return where *key* was written and its full name."""
        path = f"{self.branch.path}.{key}" if self.branch.path else key
        value = self.branch.get(key)
        mark = self.branch.keys_at.get(key, self.branch.mark)
        return getattr(value, "mark", mark), path

    def only(self, known: Collection[str]) -> None:
        """Note every key that is not *known*."""
        for key, mark in self.branch.keys_at.items():
            if key in known:
                continue
            near = difflib.get_close_matches(key, known, n=1, cutoff=0.6)
            advice = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
            self.mistakes.add(mark, self.branch.paths[key], f"unknown key, {advice}")

    def given(self, key: str) -> bool:
        """Whether *key* has a value; nothing and "" are none."""
        return self.branch.get(key) not in (None, "") or self._broken(key)

    def _broken(self, key: str) -> bool:
        value = self.branch.get(key)
        return isinstance(value, Text) and value.broken

    def value(self, key: str, read: Callable[[Any], T], default: T) -> T:
        """Return what *read* makes of *key*; *default* without it or after noting a mistake."""
        if not self.given(key):
            return default
        try:
            return read(self.branch[key])
        except ValueError as error:
            self.note(key, str(error))
            return default

    def text(self, key: str) -> str | None:
        """Return a single value."""
        return self.value(key, lambda value: str(scalars.text(value)), None)

    def items(self, key: str) -> list[tuple[Mark, str, str]]:
        """Return a list of single values, each with its place."""
        value = self.branch.get(key)
        if not self.given(key):
            return []
        if not isinstance(value, Items):
            self.note(key, "must be a list: write each entry on its own line, beginning with '- '")
            return []
        found = []
        for at, item in enumerate(value):
            path = f"{value.path}[{at}]"
            if isinstance(item, Text):
                if not item.broken:
                    found.append((item.mark, path, str(item)))
            else:
                self.mistakes.add(
                    getattr(item, "mark", value.mark), path, "must be a single value: write a word"
                )
        return found

    def section(self, key: str) -> Keys | None:
        """Return the mapping below *key*, ``None`` without content."""
        value = self.branch.get(key)
        if isinstance(value, Branch):
            return Keys(value, self.folder, self.mistakes) if value else None
        if self.given(key):
            self.note(key, "must be a mapping: write KEY: VALUE lines below it, indented")
        return None

    def path(self, key: str) -> Path | None:
        """Return the path that *key* names, relative ones below the file's folder."""
        written = self.text(key)
        return self.folder / written if written else None

    def content(self, key: str, what: str) -> bytes | None:
        """Return the content of the file that *key* names; *what* it should be, for messages."""
        path = self.path(key)
        if path is None:
            return None
        try:
            with path.open("rb") as file:
                content = file.read(_LARGEST + 1)
        except FileNotFoundError:
            self.note(key, f"there is no file {path}: write the path of {what}")
        except IsADirectoryError:
            self.note(key, f"{path} is a folder: write the path of {what}")
        except PermissionError:
            self.note(key, f"{path} cannot be read by this account: give it the right to read")
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "no path can be like that"
            self.note(key, f"{path} cannot be read: {reason}")
        else:
            if len(content) <= _LARGEST:
                return content
            self.note(key, f"{path} is larger than 1 MiB: write the path of {what}")
        return None
