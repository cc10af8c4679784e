"""Asking single PostgreSQL probes, and a standby to ask them of.

``asked(target, "activity", …)`` opens a session on *target* as a visit does,
lets the probes that tell what the server is go first, and answers with a
``Found``: values by metric (without its prefix) and labels, and hints.
"""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from tests.support.postgres import Cluster, as_server_user, give_to_server
from tests.support.visits import ENGINE, in_order
from watchdog.model import Failure, Target

PREFIX = "watchdog_postgresql_"
PATIENCE = 60.0  # seconds: a busy machine is no reason for a question to fail


@dataclass
class Found:
    """What probes answered."""

    values: dict[str, dict[tuple[str, ...], float]] = field(default_factory=dict)
    troubles: list[Failure] = field(default_factory=list)
    suited: set[str] = field(default_factory=set)

    def __getitem__(self, key: str | tuple[str, ...]) -> float:
        """Return the value of ``"metric"`` or of ``"metric", "label", …``."""
        name, *labels = (key,) if isinstance(key, str) else key
        return self.values[name][tuple(labels)]

    def get(self, name: str, *labels: str) -> float | None:
        """Return a value, or nothing where there is none yet."""
        return self.values.get(name, {}).get(labels)

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def labels(self, name: str) -> set[tuple[str, ...]]:
        """Return the labels of every series of a metric."""
        return set(self.values.get(name, ()))

    @property
    def hints(self) -> set[str]:
        """The ids of the hints."""
        return {trouble.hint for trouble in self.troubles}

    def message(self, hint: str) -> str:
        """Return what was said with *hint*."""
        return next(trouble.message for trouble in self.troubles if trouble.hint == hint)


async def asked(target: Target, *names: str) -> Found:
    """Ask the probes of these *names*; without any, all that suit the server."""
    found = Found()
    patient = replace(target, probe=replace(target.probe, timeout=PATIENCE))
    async with ENGINE.visit(patient) as session:
        session.ask_until(float("inf"))
        for probe in in_order(ENGINE):
            if not probe.suits(session) or (names and not (probe.leading or probe.name in names)):
                continue
            answer = await probe.ask(session)
            found.suited.add(probe.name)
            found.troubles += answer.troubles
            for sample in answer.samples:
                assert sample.metric in probe.metrics, f"{sample.metric.name} of {probe.name}"
                series = found.values.setdefault(sample.metric.name.removeprefix(PREFIX), {})
                assert sample.labels not in series, f"{sample.metric.name} {sample.labels} twice"
                series[sample.labels] = sample.value
    return found


async def until(
    look: Callable[[], Awaitable[Found]],
    true: Callable[[Found], bool],
    seconds: float = 60.0,
    pace: float = 0.05,
) -> Found:
    """Look every *pace* seconds until *true* of what is found; answer with that."""
    async with asyncio.timeout(seconds):
        while not true(found := await look()):
            await asyncio.sleep(pace)
    return found


def standby_of(primary: Cluster) -> Cluster:
    """Return a started standby that streams from *primary*, which needs ``wal_level`` replica."""
    settings = {name: value for name, value in primary.settings.items() if "archive" not in name}
    settings["unix_socket_directories"] = ""
    standby = Cluster(binaries=primary.binaries, **settings)
    standby.settings["unix_socket_directories"] = str(standby.folder)
    standby.settings["primary_conninfo"] = (
        f"host={primary.folder} port={primary.port} user=postgres application_name=replica"
    )
    give_to_server(standby.folder)
    command = [primary.binaries / "pg_basebackup", "-h", primary.folder, "-p", str(primary.port)]
    command += ["-U", "postgres", "-D", standby.data, "-X", "stream", "-c", "fast"]
    done = subprocess.run(
        as_server_user(command), capture_output=True, text=True, check=False, timeout=60
    )
    if done.returncode:
        raise RuntimeError(f"pg_basebackup failed: {done.stderr}")
    (standby.data / "standby.signal").touch()
    standby.start()
    return standby
