"""Freezing servers, and losing packets.

``frozen(*pids)`` stops processes with SIGSTOP and lets them go on again at
the end: a backend (its query hangs), the postmaster alone (no new session,
old ones answer), or ``frozen_cluster(cluster)``: everything. The kernel
still accepts connections for a frozen server, as for a machine that swaps
itself to death.

``lossy_network()`` gives a network namespace of our own where packets to a
port can be dropped by iptables; it skips the test, and says why, where the
machine does not let us.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.postgres import Cluster, alive


@contextlib.contextmanager
def frozen(*pids: int) -> Iterator[None]:
    """Stop these processes for the time of the block."""
    try:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in pids:
            if alive(pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def frozen_cluster(cluster: Cluster) -> Iterator[None]:
    """Stop the postmaster first, so that it starts nothing new, then all of its children."""
    with frozen(cluster.pid), frozen(*cluster.children()):
        yield


def tcp_sockets(port: int, *, table: str = "/proc/net/tcp") -> dict[str, int]:
    """Count the sockets whose remote end is *port* on this machine, by state: our clients' ends.

    The states are the kernel's: ESTABLISHED, SYN_SENT, FIN_WAIT2, CLOSE_WAIT, TIME_WAIT …
    """
    counts: dict[str, int] = {}
    for line in Path(table).read_text().splitlines()[1:]:
        words = line.split()
        if int(words[2].rpartition(":")[2], 16) == port:
            state = _STATES[int(words[3], 16)]
            counts[state] = counts.get(state, 0) + 1
    return counts


_STATES = (
    "",
    "ESTABLISHED",
    "SYN_SENT",
    "SYN_RECV",
    "FIN_WAIT1",
    "FIN_WAIT2",
    "TIME_WAIT",
    "CLOSE",
    "CLOSE_WAIT",
    "LAST_ACK",
    "LISTEN",
    "CLOSING",
    "NEW_SYN_RECV",
)


@dataclass(frozen=True)
class LossyNetwork:
    """A pair of addresses, ours and the other side's, with a firewall between them."""

    namespace: str
    address: str  # where a server inside the namespace is reached

    def run_inside(self, *command: str) -> list[str]:
        """Return *command* as one that runs inside."""
        return ["ip", "netns", "exec", self.namespace, *command]

    def drop(self, port: int) -> None:
        """Drop every packet to and from *port*, without a word."""
        _run(*self.run_inside(*f"iptables -I INPUT -p tcp --dport {port} -j DROP".split()))
        _run(*self.run_inside(*f"iptables -I OUTPUT -p tcp --sport {port} -j DROP".split()))

    def deliver(self) -> None:
        """Let everything through again."""
        _run(*self.run_inside("iptables", "-F"))


@contextlib.contextmanager
def lossy_network() -> Iterator[LossyNetwork]:
    """Make a network namespace with an address of its own; skips where that is not allowed."""
    for tool in ("ip", "iptables"):
        if shutil.which(tool) is None:
            pytest.skip(f"dropping packets needs the program {tool}")
    if os.geteuid() != 0:
        pytest.skip("dropping packets needs root")
    tag = uuid.uuid4().hex[:6]
    name, outside, inside = f"wd{tag}", f"wdo{tag}", f"wdi{tag}"
    octet = int(tag[:2], 16)
    try:
        _run(*f"ip netns add {name}".split())
    except OSError as refused:
        pytest.skip(f"dropping packets needs a network namespace: {refused}")
    try:
        try:
            _run(*f"ip link add {outside} type veth peer name {inside} netns {name}".split())
            _run(*f"ip addr add 10.213.{octet}.1/30 dev {outside}".split())
            _run(*f"ip link set {outside} up".split())
            for words in (
                f"ip addr add 10.213.{octet}.2/30 dev {inside}",
                f"ip link set {inside} up",
                "ip link set lo up",
                "iptables -S",
            ):
                _run("ip", "netns", "exec", name, *words.split())
        except OSError as refused:
            pytest.skip(f"dropping packets needs veth and iptables: {refused}")
        yield LossyNetwork(name, f"10.213.{octet}.2")
    finally:
        subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
        subprocess.run(["ip", "link", "del", outside], capture_output=True, check=False)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")
