"""The daemon's promises in figures; those of time are tripled, for machines that are busy."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from tests.support import measures
from tests.support.daemon import Daemon
from tests.support.freeze import frozen_cluster, tcp_sockets
from tests.support.processes import sockets_to

BUSY = 3.0


def test_a_hundred_sqlite_targets_take_at_most_seventy_megabytes(tmp_path: Path) -> None:
    found = measures.memory(tmp_path)
    assert found.daemon <= 70e6, f"{found.daemon / 1e6:.1f} MB resident"


def test_looking_at_the_page_and_the_documents_adds_a_few_megabytes(tmp_path: Path) -> None:
    found = measures.memory(tmp_path, paths=("/metrics", "/", "/api/v1/targets"))
    assert found.daemon <= 76e6, f"{found.daemon / 1e6:.1f} MB resident"
    # two small processes that look into files for it, and none that comes and goes
    assert found.children <= 40e6, f"{found.children / 1e6:.1f} MB in children"
    assert found.ended <= 3.0, f"{found.ended:.1f} s of CPU for children that have ended"


def test_metrics_answer_fast_while_half_of_the_targets_hang(tmp_path: Path) -> None:
    page, floor = measures.latencies(tmp_path, requests=200)
    assert page.p99 < 0.05 * BUSY, f"/metrics {page}, /healthz {floor}"


def test_a_killed_server_is_noticed_at_once(tmp_path: Path, private_cluster: Any) -> None:
    found = measures.times_to_notice_a_killed_server(tmp_path, private_cluster())
    assert min(found) < 0.1 * BUSY, found


def test_a_frozen_server_is_noticed_within_interval_and_timeout(
    tmp_path: Path, private_cluster: Any
) -> None:
    found = measures.time_to_notice_a_frozen_server(tmp_path, private_cluster(), 2.0, 1.5)
    assert found < (2.0 + 1.5) * 1.1 + 0.5, f"noticed after {found:.2f} s"


def test_many_databases_of_a_frozen_server_take_two_connections(
    tmp_path: Path, private_cluster: Any
) -> None:
    cluster = private_cluster()
    probe = {"interval": "1s", "timeout": "900ms", "connect_interval": "1s"}
    targets = [
        {"name": f"db{n}", "url": cluster.create_database(f"db{n}").url(), "probe": probe}
        for n in range(8)
    ]
    with Daemon(tmp_path, {"targets": targets}) as daemon:
        for target in targets:
            daemon.wait_up(target["name"], 1)
        assert connections(daemon, cluster.port, 2.0) <= 2
        with frozen_cluster(cluster):
            assert connections(daemon, cluster.port, 6.0) <= 2
            for target in targets:
                daemon.wait_up(target["name"], 0)
            # and nothing half-closed is left behind of all that were given up
            states = tcp_sockets(cluster.port)
            assert sum(states.values()) <= 4, states
        for target in targets:
            daemon.wait_up(target["name"], 1)


def connections(daemon: Daemon, port: int, seconds: float) -> int:
    """Return the most sockets to *port* that the daemon had at once, looking all the time."""
    most, until = 0, time.monotonic() + seconds
    while time.monotonic() < until:
        most = max(most, sockets_to(daemon.pid, port))
        time.sleep(0.02)
    return most


def test_a_stop_takes_no_longer_with_fifty_silent_servers(tmp_path: Path) -> None:
    with measures.silent_servers(50) as ports:
        probe = {"interval": "10s", "timeout": "8s"}
        targets = [
            {"name": f"hung{port}", "url": f"postgresql://u@127.0.0.1:{port}/db", "probe": probe}
            for port in ports
        ]
        with Daemon(tmp_path, {"targets": targets}, ready=False) as daemon:
            time.sleep(0.5)
            began = time.monotonic()
            assert daemon.stop() == 0
            assert time.monotonic() - began < 5
            assert daemon.tracebacks == ""
