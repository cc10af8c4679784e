"""Backups that are killed at a given step: each in a process of its own.

``python -m tests.support.killed FOLDER STEP…`` backs ``FOLDER/app.db`` up, or the
database whose URL is in ``FOLDER/app.url``, once for each STEP and kills itself
by SIGKILL there: the name of a phase as it is entered, ``sealing`` before the
manifest is written, ``removing`` when a removal has begun.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from watchdog.backups import files, prune
from watchdog.backups.destination import Destinations
from watchdog.backups.pipeline import Pipeline
from watchdog.clock import SystemClock
from watchdog.database_url import SqliteUrl, parse
from watchdog.engines import find_engines
from watchdog.model import BackupSettings, Keep, Phase, Target

PHASES = [phase.value for phase in (Phase.PREFLIGHT, Phase.COPY, Phase.VERIFY, Phase.PUBLISH)]
STEPS = [*PHASES, "sealing", Phase.PRUNE.value, "removing"]


def target(folder: Path) -> Target:
    """Return the target of *folder*, of which two backups are kept."""
    settings = BackupSettings("0 3 * * *", folder / "backups", keep=Keep(last=2))
    file = folder / "app.url"
    if not file.exists():
        return Target("app", "sqlite", SqliteUrl(str(folder / "app.db")), backup=settings)
    url = parse(file.read_text(), environ={}, base_dir=folder)
    return Target("app", "postgresql", url, backup=settings)


def pipeline(folder: Path) -> Pipeline:
    """Return a pipeline with its memory in *folder*."""
    engines = {name: engine.backups for name, engine in find_engines().items()}
    return Pipeline(engines, Destinations(folder / "state"), SystemClock())


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _dying(real: Callable[..., Any], when: Callable[..., bool]) -> Callable[..., Any]:
    def call(*arguments: Any) -> Any:
        if when(*arguments):
            _die()
        return real(*arguments)

    return call


async def _back_up(folder: Path, step: str) -> None:
    if step == "sealing":
        real = files.write_json
        files.write_json = _dying(real, lambda path, _: path.name.endswith(".manifest.json"))
    if step == "removing":
        prune._finish = _dying(prune._finish, lambda *_: True)

    def progress(phase: Phase, _size: int) -> None:
        if phase.value == step:
            _die()

    await pipeline(folder).back_up(target(folder), progress=progress)


def main(folder: Path, steps: list[str]) -> int:
    """Return 0 if every backup was killed where it should be."""
    for step in steps:
        child = os.fork()
        if child == 0:
            asyncio.run(_back_up(folder, step))
            os._exit(3)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            print(f"not killed at {step}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
