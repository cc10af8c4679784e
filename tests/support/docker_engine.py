"""A Docker engine of the tests' own, and stand-ins for the images that a registry would give.

``Engine`` runs dockerd in its own network and mount namespace, so that this
machine's routes, firewall and other engines stay as they are. Images are made
of a Debian base that debootstrap fetches once (kept below ``.cache/lab``),
wheels, and the programs that the tests have anyway. ``EngineImpossibleError``
says plainly what is missing.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Self

ROOT: Final = Path(__file__).parents[2]
CACHE: Final = ROOT / ".cache" / "lab"
IMAGES: Final = ROOT / "tests" / "lab" / "images"
_PACKAGES: Final = "python3-minimal,python3-venv,ca-certificates"
_START_SECONDS: Final = 20.0


class EngineImpossibleError(RuntimeError):
    """What this machine lacks."""


class Engine:
    """dockerd with a data folder of its own; nothing of it outlives ``close``."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="db-watchdog-engine-"))
        self._log = self._folder / "dockerd.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._inside = 0
        self.host = f"unix://{self._folder}/docker.sock"

    # ------------------------------------------------------------------ life

    def start(self) -> Self:
        """Start dockerd and wait until it answers."""
        if os.geteuid() != 0:
            raise EngineImpossibleError("a Docker engine takes root")
        for tool in ("dockerd", "docker", "unshare", "nsenter", "ip"):
            if not shutil.which(tool):
                raise EngineImpossibleError(f"{tool} is not installed (docker.io, iproute2)")
        folder = self._folder
        daemon = (
            "ip link set lo up && sysctl -qw net.ipv4.ip_forward=1 && exec dockerd"
            f" --data-root {folder}/data --exec-root {folder}/exec -p {folder}/pid -H {self.host}"
        )
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    "unshare",
                    "--net",
                    "--mount",
                    "--fork",
                    "--kill-child=SIGTERM",
                    "sh",
                    "-c",
                    daemon,
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + _START_SECONDS
        while self._process.poll() is None and time.monotonic() < deadline:
            self._inside = self._inside or _first_child(self._process.pid)
            if self.docker("info", check=False).returncode == 0:
                return self
            time.sleep(0.1)
        last = self._log.read_text(errors="replace").splitlines()[-2:]
        raise EngineImpossibleError(f"dockerd does not start here: {' / '.join(last)}")

    def close(self) -> None:
        """Stop the engine and remove all that it kept."""
        if self._process is not None:
            # unshare itself ignores SIGTERM; it ends with dockerd.
            os.kill(self._inside or self._process.pid, signal.SIGTERM)
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        for mounted in _mounts_below(self._folder):
            subprocess.run(["umount", "--lazy", mounted], check=False, capture_output=True)
        shutil.rmtree(self._folder, ignore_errors=True)

    # ------------------------------------------------------------------ use

    def docker(
        self,
        *arguments: str | Path,
        check: bool = True,
        timeout: float = 300.0,
        stdin: str | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run the docker client."""
        return self._run(["docker", *map(str, arguments)], {}, None, check, timeout, stdin)

    def compose(
        self,
        folder: Path,
        *arguments: str,
        environ: Mapping[str, str] | None = None,
        check: bool = True,
        timeout: float = 180.0,
    ) -> subprocess.CompletedProcess[str]:
        """Run compose on the project in *folder*."""
        command = [*compose_command(), *arguments]
        return self._run(command, environ or {}, folder, check, timeout)

    def get(self, url: str) -> str:
        """Return what a published port answers; "" if nothing does."""
        program = (
            "import sys, urllib.request;"
            "sys.stdout.write(urllib.request.urlopen(sys.argv[1], timeout=5).read().decode())"
        )
        enter = ["nsenter", "-t", str(self._inside), "-n", sys.executable, "-c", program, url]
        return subprocess.run(enter, capture_output=True, text=True, check=False).stdout

    def inside(self, command: list[str], environ: Mapping[str, str]) -> str:
        """Run a program of this machine in the engine's network; return all that it said."""
        done = subprocess.run(
            ["nsenter", "-t", str(self._inside), "-n", *command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            env=dict(environ),
        )
        return (done.stdout + done.stderr).strip()

    def get_json(self, url: str) -> Any:
        """Return what a published port answers as JSON; ``None`` if it does not."""
        text = self.get(url)
        return json.loads(text) if text else None

    def listens(self) -> set[str]:
        """Return the addresses on which the engine's network listens for TCP."""
        done = subprocess.run(
            ["nsenter", "-t", str(self._inside), "-n", "ss", "-Hltn"],
            capture_output=True,
            text=True,
            check=True,
        )
        return {line.split()[3] for line in done.stdout.splitlines()}

    def _run(
        self,
        command: list[str],
        environ: Mapping[str, str],
        folder: Path | None,
        check: bool,
        timeout: float,
        stdin: str | None = None,
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command,
            input=stdin or "",
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            cwd=folder,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self._folder),
                "DOCKER_HOST": self.host,
                "DOCKER_BUILDKIT": "0",
                **environ,
            },
        )
        if check and done.returncode:
            raise AssertionError(f"{command}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    # ------------------------------------------------------------------ images

    def make_base(self) -> None:
        """Import ``lab/base``: Debian with Python, without a registry."""
        tree = CACHE / "bookworm"
        if not (tree / "usr/bin/python3").exists():
            if not shutil.which("debootstrap"):
                raise EngineImpossibleError("debootstrap is not installed")
            shutil.rmtree(tree, ignore_errors=True)
            tree.parent.mkdir(parents=True, exist_ok=True)
            done = subprocess.run(
                ["debootstrap", "--variant=minbase", f"--include={_PACKAGES}", "bookworm", tree],
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                shutil.rmtree(tree, ignore_errors=True)
                last = (done.stderr or done.stdout).strip().splitlines()[-1:]
                raise EngineImpossibleError(f"debootstrap fetches no Debian here: {last}")
        with subprocess.Popen(["tar", "-C", tree, "-c", "."], stdout=subprocess.PIPE) as tar:
            subprocess.run(
                ["docker", "-H", self.host, "import", "-", "lab/base"],
                stdin=tar.stdout,
                check=True,
                capture_output=True,
            )

    def make_stand_in(self, name: str, tag: str, parts: Mapping[str, Path]) -> None:
        """Build a stand-in of ``tests/lab/images``; *parts* are put beside its Dockerfile."""
        with tempfile.TemporaryDirectory(prefix="db-watchdog-image-") as made:
            context = Path(made) / "context"
            shutil.copytree(IMAGES / name, context)
            for target, source in parts.items():
                if source.is_dir():
                    shutil.copytree(source, context / target, symlinks=True)
                else:
                    shutil.copy2(source, context / target)
            self.docker("build", "-q", "-t", tag, context)


def wheels() -> Path:
    """Return a folder with the wheels of the daemon's dependencies and of its build."""
    folder = CACHE / "wheels"
    options = ["--only-binary=:all:", "-d", str(folder)]
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "download",
            "-q",
            *options,
            str(ROOT),
            "hatchling>=1.25",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:]
        raise EngineImpossibleError(f"pip fetches no wheels here: {last}")
    return folder


def compose_command() -> list[str]:
    """Return how compose is called here."""
    beside = Path(sys.executable).parent / "docker-compose"
    if found := shutil.which("docker-compose") or (beside.exists() and str(beside)):
        return [found]
    plugin = ["docker", "compose", "version"]
    if (
        not shutil.which("docker")
        or subprocess.run(plugin, capture_output=True, check=False).returncode
    ):
        raise EngineImpossibleError("neither docker compose nor docker-compose is installed")
    return ["docker", "compose"]


def _first_child(pid: int) -> int:
    """Return the first child of a process, 0 if it has none yet."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(children[0]) if children else 0


def _mounts_below(folder: Path) -> list[str]:
    points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    return sorted((p for p in points if p.startswith(f"{folder}/")), reverse=True)
