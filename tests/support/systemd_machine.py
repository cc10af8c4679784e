"""A machine of the tests' own: a root under a throw-away layer, with systemd as PID 1.

The root is this machine's, or that of ``bare_system``, which has nothing but
Debian, systemd and Python.

``Machine`` mounts an overlay (lower: ``/``, read-only; upper: a tmpfs), boots
it in ``systemd-nspawn`` with a network of its own, and runs commands inside.
Nothing that happens there touches the files or services of the machine around
it. ``MachineImpossibleError`` says plainly what is missing.

``install`` puts the daemon, what it depends on and its unit into a machine as
the documentation of the unit says.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, Self

ROOT: Final = Path(__file__).parents[2]
CACHE: Final = ROOT / ".cache" / "lab"
PYTHON: Final = "/usr/bin/python3"
PREFIX: Final = Path("opt/db-watchdog")
_NSPAWN: Final = ("--register=no", "--keep-unit", "--private-network", "-b", "--console=pipe")
_PATH: Final = (
    "/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"  # a user's own folders mean nothing inside
)
_BOOT_SECONDS: Final = 30.0
# Units of this machine that the booted one could do without, or that would fail there.
_UNWANTED: Final = ("e2scrub_reap", "systemd-timesyncd", "systemd-pstore", "apparmor", "postgresql")


class MachineImpossibleError(RuntimeError):
    """What this machine lacks."""


class Machine:
    """systemd as PID 1, on a copy-on-write view of a root folder: this machine's unless told."""

    def __init__(self, lower: Path = Path("/")) -> None:
        self._lower = lower
        self._base = Path(tempfile.mkdtemp(prefix="db-watchdog-machine-"))
        self.root = self._base / "root"
        self._console = self._base / "console.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._init = 0
        self._mounted: list[Path] = []

    # ------------------------------------------------------------------ life

    def prepare(self) -> Self:
        """Mount the layers; from here on ``root`` may be written to."""
        _require_tools()
        self._mount("tmpfs", "size=1g", self._base)
        for name in ("upper", "work", "root"):
            (self._base / name).mkdir()
        layers = f"lowerdir={self._lower},upperdir={self._base}/upper,workdir={self._base}/work"
        self._mount("overlay", layers, self.root)
        units = self.root / "etc/systemd/system"
        for folder in [*units.glob("*.wants"), *units.glob("*.requires")]:
            shutil.rmtree(folder)
        (units / "multi-user.target.wants").mkdir(exist_ok=True)
        for name in _UNWANTED:
            (units / f"{name}.service").unlink(missing_ok=True)
            (units / f"{name}.service").symlink_to("/dev/null")
        (units / "default.target").unlink(missing_ok=True)
        (units / "default.target").symlink_to("/lib/systemd/system/multi-user.target")
        return self

    def boot(self) -> Self:
        """Start systemd and wait until it has come up."""
        with self._console.open("wb") as console:
            self._process = subprocess.Popen(
                ["systemd-nspawn", "-D", self.root, *_NSPAWN],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + _BOOT_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            self._init = self._init or _first_child(self._process.pid)
            if self._init:
                state = self.run("systemctl", "is-system-running", check=False).stdout.strip()
                if state in ("running", "degraded"):
                    return self
            time.sleep(0.1)
        last = self._console.read_text(errors="replace").splitlines()[-3:]
        raise MachineImpossibleError(f"systemd does not boot here: {' / '.join(last)}")

    def close(self) -> None:
        """Power off and take the layers away."""
        if self._process is not None:
            if self._init and self._process.poll() is None:
                self.run("systemctl", "poweroff", check=False)
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        for mounted in reversed(self._mounted):
            subprocess.run(["umount", "--lazy", mounted], check=False, capture_output=True)
        with contextlib.suppress(OSError):
            self._base.rmdir()

    def _mount(self, kind: str, options: str, place: Path) -> None:
        command = ["mount", "-t", kind, "-o", options, kind, str(place)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise MachineImpossibleError(f"{' '.join(command)}: {done.stderr.strip()}")
        self._mounted.append(place)

    # ------------------------------------------------------------------ inside

    def run(
        self, *command: str | Path, check: bool = True, timeout: float = 40.0
    ) -> subprocess.CompletedProcess[str]:
        """Run *command* inside, as root; its output is text."""
        enter = ["nsenter", "-t", str(self._init), "-m", "-u", "-i", "-n", "-p", "-C", "--"]
        done = subprocess.run(
            [*enter, *map(str, command)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            env={"PATH": _PATH, "LC_ALL": "C.UTF-8"},
        )
        if check and done.returncode:
            raise AssertionError(f"{command}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def write(self, path: str, text: str, mode: int = 0o644, owner: str = "") -> None:
        """Write a file inside, its folders included."""
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)
        if owner:
            self.run("chown", owner, path)

    def show(self, unit: str, *keys: str) -> dict[str, str]:
        """Return properties of a unit."""
        text = self.run("systemctl", "show", unit, f"--property={','.join(keys)}").stdout
        return dict(line.split("=", 1) for line in text.splitlines())

    def journal(self, unit: str, *options: str) -> list[dict[str, Any]]:
        """Return a unit's journal entries, oldest first, those about it included."""
        text = self.run("journalctl", "-u", unit, "-o", "json", "--no-pager", *options).stdout
        return [json.loads(line) for line in text.splitlines()]

    def get(self, url: str) -> str:
        """Return what an HTTP server inside answers; "" if nothing answers."""
        program = (
            "import sys, urllib.request;"
            "sys.stdout.write(urllib.request.urlopen(sys.argv[1], timeout=5).read().decode())"
        )
        return self.run(PYTHON, "-c", program, url, check=False).stdout


def bare_system() -> Path:
    """Return the root of a bare Debian with systemd and Python; it is fetched once."""
    tree = CACHE / "bookworm-systemd"
    # debootstrap takes the folder of its own name away when it is done.
    if not (tree / "usr/bin/python3").exists() or (tree / "debootstrap").exists():
        if not shutil.which("debootstrap"):
            raise MachineImpossibleError("debootstrap is not installed")
        shutil.rmtree(tree, ignore_errors=True)
        tree.parent.mkdir(parents=True, exist_ok=True)
        packages = "systemd,systemd-sysv,dbus,python3,python3-venv,ca-certificates"
        done = subprocess.run(
            ["debootstrap", "--variant=minbase", f"--include={packages}", "bookworm", tree],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            shutil.rmtree(tree, ignore_errors=True)
            last = (done.stderr or done.stdout).strip().splitlines()[-1:]
            raise MachineImpossibleError(f"debootstrap fetches no Debian here: {last}")
    return tree


def wait_for(what: str, condition: Callable[[], Any], seconds: float = 20.0) -> Any:
    """Return *condition*'s first true value; fail with *what* if there is none in time."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"waited {seconds:g} s in vain: {what}"
        time.sleep(0.1)
    return value


def install(machine: Machine) -> None:
    """Put the daemon below /opt of a prepared machine, its unit and user into /etc."""
    _same_python()
    subprocess.run(
        ["chroot", machine.root, PYTHON, "-m", "venv", "--without-pip", f"/{PREFIX}"], check=True
    )
    (packages,) = (machine.root / PREFIX / "lib").glob("python3.*/site-packages")
    for source, relative in _runtime_files():
        (packages / relative).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, packages / relative)
    shutil.copytree(
        ROOT / "watchdog", packages / "watchdog", ignore=shutil.ignore_patterns("__pycache__")
    )
    command = machine.root / PREFIX / "bin" / "db-watchdog"
    command.write_text(f"#!/{PREFIX}/bin/python3\nfrom watchdog.cli import main\n\nmain()\n")
    command.chmod(0o755)
    shutil.copy(ROOT / "deploy/systemd/db-watchdog.sh", machine.root / "usr/local/bin/db-watchdog")
    etc = machine.root / "etc"
    shutil.copy(ROOT / "deploy/systemd/db-watchdog.service", etc / "systemd/system")
    (etc / "sysusers.d").mkdir(exist_ok=True)
    shutil.copy(
        ROOT / "deploy/systemd/db-watchdog.sysusers.conf", etc / "sysusers.d/db-watchdog.conf"
    )


def install_postgresql(machine: Machine, binaries: Path) -> str:
    """Copy a PostgreSQL (bin, lib, share) where the daemon finds it; return its bin folder."""
    version = subprocess.run(
        [binaries / "postgres", "--version"], check=True, capture_output=True, text=True
    ).stdout
    major = re.search(r"\) (\d+)", version)
    assert major is not None, version
    place = Path("usr/lib/postgresql") / major[1]
    if not (machine.root / place / "bin" / "postgres").exists():
        shutil.copytree(binaries.parent, machine.root / place, symlinks=True, dirs_exist_ok=True)
    return f"/{place}/bin"


def _require_tools() -> None:
    if os.geteuid() != 0:
        raise MachineImpossibleError("booting systemd takes root")
    for tool, package in (
        ("systemd-nspawn", "systemd-container"),
        ("nsenter", "util-linux"),
        ("mount", "mount"),
    ):
        if not shutil.which(tool):
            raise MachineImpossibleError(f"{tool} is not installed (Debian package {package})")


def _same_python() -> None:
    """Compiled packages are copied: they need the Python that they were made for."""
    program = "import sys; print('%d.%d' % sys.version_info[:2])"
    there = subprocess.run(
        [PYTHON, "-c", program], capture_output=True, text=True, check=False
    ).stdout.strip()
    here = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if there != here:
        raise MachineImpossibleError(f"{PYTHON} is Python {there or 'nothing'}, tests run {here}")


def _runtime_files() -> Iterator[tuple[Path, Path]]:
    """Yield the files of all distributions that the daemon needs at run time."""
    wanted, seen = ["db-watchdog"], set[str]()
    while wanted:
        name = wanted.pop()
        if name in seen:
            continue
        seen.add(name)
        try:
            distribution = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # wanted on other systems or Pythons
        wanted += [
            _normal(re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0])
            for requirement in distribution.requires or ()
            if "extra ==" not in requirement
        ]
        if name == "db-watchdog":
            continue
        for file in distribution.files or ():
            source = Path(str(file.locate()))
            if ".." not in file.parts and "__pycache__" not in file.parts and source.is_file():
                yield source, Path(*file.parts)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _first_child(pid: int) -> int:
    """Return the first child of a process: of nspawn, the machine's PID 1."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])
    return 0
