"""The SQLite engine as another uid runs it: rounds in a process of its own.

Root ignores file modes, so what a service's user meets is only seen as one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

_ROOT = Path(__file__).resolve().parents[2]
_PROGRAM = """
import asyncio, json, sys
from tests.support.sqlite import visit
async def rounds(path, count):
    failures = []
    for _ in range(count):
        found = await visit(path, 2.0)
        if found.failure is not None:
            failed = found.failure
            failures.append({"code": failed.code, "hint": failed.hint, "message": failed.message,
                             "facts": dict(failed.facts)})
        failures += [{"trouble": each.message} for each in found.troubles()]
    return failures
print("ready", flush=True)
for line in sys.stdin:
    path, count = json.loads(line)
    print(json.dumps(asyncio.run(rounds(path, count))), flush=True)
"""


class Watcher:
    """Visits files as *uid*; skips the test, plainly, where that cannot be done."""

    def __init__(self, uid: int) -> None:
        if os.geteuid() != 0:
            pytest.skip("only root can become another user")
        self._process = subprocess.Popen(
            [_interpreter(uid), "-c", _PROGRAM],
            user=uid,
            group=uid,
            extra_groups=[],
            cwd="/",
            env=_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    def start(self, path: Path, count: int) -> None:
        """Begin *count* rounds."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([str(path), count]) + "\n")

    def finish(self) -> list[dict[str, Any]]:
        """Wait for the rounds and return their failures."""
        assert self._process.stdout is not None
        failures: list[dict[str, Any]] = json.loads(self._process.stdout.readline())
        return failures

    def rounds(self, path: Path, count: int) -> list[dict[str, Any]]:
        """Do *count* rounds and return their failures."""
        self.start(path, count)
        return self.finish()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(10)


def _environment() -> dict[str, str]:
    places = [str(_ROOT), *(place for place in sys.path if "site-packages" in place)]
    return {"PYTHONPATH": os.pathsep.join(places), "PYTHONDONTWRITEBYTECODE": "1"}


def _interpreter(uid: int) -> str:
    """Return a Python that *uid* can run with our packages."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for candidate in (sys.executable, f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
        try:
            tried = subprocess.run(
                [candidate, "-c", "import watchdog.engines.sqlite, tests.support.sqlite"],
                user=uid,
                group=uid,
                extra_groups=[],
                cwd="/",
                env=_environment(),
                capture_output=True,
                check=False,
            )
        except OSError:
            continue
        if tried.returncode == 0:
            return candidate
    pytest.skip(f"no Python that uid {uid} may run")
