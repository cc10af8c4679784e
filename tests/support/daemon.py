"""The real daemon as a process: start it, scrape it, signal it, read its log.

``Daemon(tmp_path, configuration)`` writes the configuration, starts
``python -m watchdog run`` in that folder and learns its address from its own
log. Use it as a context manager; it is killed at the end whatever happened.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Self

import httpx
import yaml
from prometheus_client.parser import text_string_to_metric_families

ROOT: Final = Path(__file__).parents[2]
PATIENCE: Final = 30.0


def wait_until(
    condition: Callable[[], Any], what: str, seconds: float = PATIENCE, pause: float = 0.02
) -> Any:
    """Return the first true answer of *condition*; fail loudly after *seconds*."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        answer = condition()
        if answer:
            return answer
        time.sleep(pause)
    raise AssertionError(f"waited {seconds} s in vain until {what}")


def clean_environment(**extra: str) -> dict[str, str]:
    """Return the environment of a process under test: nothing of ours leaks in but the path."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {**kept, "PYTHONPATH": str(ROOT), **extra}


class Daemon:
    """One daemon in a folder of its own; relative paths of its configuration are below *folder*."""

    def __init__(
        self,
        folder: Path,
        configuration: Mapping[str, Any] | str | None,
        *,
        environment: Mapping[str, str] | None = None,
        prefix: tuple[str, ...] = (),
        arguments: tuple[str, ...] = (),
        client: Mapping[str, Any] | None = None,
        ready: bool = True,
    ) -> None:
        self.folder = folder
        self.file = folder / "watchdog.yaml"
        self._environment = clean_environment(
            **{"DB_WATCHDOG_STATE_DIRECTORY": str(folder / "state"), **(environment or {})}
        )
        self._prefix = prefix
        self._client = {"timeout": 10, "trust_env": False, **(client or {})}
        self._wait_ready = ready
        self.lines: list[dict[str, Any]] = []
        self.raw: list[str] = []
        self.process: subprocess.Popen[str] | None = None
        self.url = ""
        self._arguments: list[str] = []
        if configuration is not None:
            self.configure(configuration)
            self._arguments = ["-c", str(self.file)]
        self._arguments += arguments

    def configure(self, configuration: Mapping[str, Any] | str) -> None:
        """Write the configuration file; listen on any free port unless it says otherwise."""
        if not isinstance(configuration, str):
            configuration = yaml.safe_dump(
                {"listen": "127.0.0.1:0", **configuration}, sort_keys=False, allow_unicode=True
            )
        self.file.write_text(configuration)

    # ------------------------------------------------------------------ life

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Start it and wait until it serves and every target had its first round."""
        self.process = subprocess.Popen(
            [*self._prefix, sys.executable, "-m", "watchdog", "run", *self._arguments],
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        threading.Thread(target=self._read, args=[self.process.stderr], daemon=True).start()
        ready = self.event("ready")
        self.url = ready["metrics"].removesuffix("/metrics")
        if self._wait_ready:
            wait_until(lambda: self.get("/readyz").status_code == 200, "it is ready")

    def _read(self, stream: Any) -> None:
        with stream:
            for line in stream:
                self.raw.append(line)
                try:
                    self.lines.append(json.loads(line))
                except ValueError:
                    self.lines.append({"event": line.rstrip()})

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def stop(self, seconds: float = 10.0) -> int:
        """Ask it to stop; return its exit status. Fails if that takes over *seconds*."""
        assert self.process is not None
        self.signal(signal.SIGTERM)
        return self.process.wait(timeout=seconds)

    def kill(self) -> None:
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(timeout=10)

    # ------------------------------------------------------------------ what it says

    def events(self, name: str, **keys: object) -> list[dict[str, Any]]:
        """Return the log lines of an event whose *keys* have these values."""
        return [
            line
            for line in list(self.lines)
            if line.get("event") == name and all(line.get(k) == v for k, v in keys.items())
        ]

    def event(self, name: str, seconds: float = PATIENCE, **keys: object) -> dict[str, Any]:
        """Wait for a log line and return it."""

        def look() -> dict[str, Any] | None:
            found = self.events(name, **keys)
            if not found and self.process is not None and self.process.poll() is not None:
                raise AssertionError(f"it ended with {self.process.returncode}:\n{self.log}")
            return found[-1] if found else None

        try:
            found: dict[str, Any] = wait_until(look, f"it logs {name!r} {keys}", seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log}") from None
        return found

    @property
    def log(self) -> str:
        return "".join(self.raw)

    @property
    def tracebacks(self) -> str:
        """Return the log lines that tell of a defect of ours: none, in a good daemon."""
        found = [line for line in self.lines if "Traceback" in str(line)]
        return "\n\n".join(str(line.get("exception", line)) for line in found)

    def get(self, path: str, **options: Any) -> httpx.Response:
        with httpx.Client(**self._client) as client:
            return client.get(self.url + path, **options)

    def post(self, path: str) -> httpx.Response:
        with httpx.Client(**{**self._client, "timeout": 30}) as client:
            return client.post(self.url + path)

    def target(self, name: str) -> dict[str, Any]:
        document: dict[str, Any] = self.get(f"/api/v1/targets/{name}").json()
        return document

    def metrics(self) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        """Return all samples by name and labels."""
        families = text_string_to_metric_families(self.get("/metrics").text)
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in families
            for sample in family.samples
        }

    def metric(self, name: str, **labels: str) -> float | None:
        """Return the one sample of *name* whose labels include *labels*, ``None`` without any."""
        wanted = set(labels.items())
        found = [v for (n, have), v in self.metrics().items() if n == name and wanted <= have]
        assert len(found) < 2, f"{len(found)} samples of {name} {labels}"
        return found[0] if found else None

    def wait_up(self, name: str, value: float, seconds: float = PATIENCE) -> None:
        """Wait until ``watchdog_up`` of a target is *value*."""
        wait_until(
            lambda: self.metric("watchdog_up", target=name) == value,
            f"watchdog_up of {name} is {value:g}; it is {self.target(name)}",
            seconds,
        )

    def resident_bytes(self) -> int:
        text = Path(f"/proc/{self.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", text)
        assert found
        return int(found[1]) * 1024


@contextmanager
def daemon(
    folder: Path, configuration: Mapping[str, Any] | str, **options: Any
) -> Iterator[Daemon]:
    """Run a daemon for the length of a block."""
    with Daemon(folder, configuration, **options) as running:
        yield running
