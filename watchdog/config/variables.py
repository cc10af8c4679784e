"""The variables that a configuration may use: the process environment over ``.env``.

Owns: who wins, and where each was set. Must not know: files, what the
variables mean.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from watchdog.config.dotenv import DotEnv
from watchdog.config.mistakes import Mark, Mistakes


class Variables(Mapping[str, str]):
    """The process environment over ``.env``."""

    def __init__(self, process: Mapping[str, str], env: DotEnv) -> None:
        self._process, self._env = process, env

    def __getitem__(self, name: str) -> str:
        found = self._process.get(name)
        return self._env.values[name] if found is None else found

    def __iter__(self) -> Iterator[str]:
        yield from self._process
        yield from (name for name in self._env.values if name not in self._process)

    def __len__(self) -> int:
        return len(set(self._process) | set(self._env.values))

    def place(self, name: str) -> Mark:
        """Return where *name* was set."""
        if name in self._process or name not in self._env.marks:
            return Mark("environment")
        return self._env.marks[name]

    def explain(self, mistakes: Mistakes) -> None:
        """Name the line of ``.env`` behind each variable that is not set because of it."""
        said = "\n".join(mistake.text for mistake in mistakes.found.values())
        for name, mistake in self._env.broken.items():
            if name not in self and f"{name} is not set" in said:
                mistakes.extend([mistake])
