"""The daemon's promises in figures; those of time are tripled, for machines that are busy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support import measures

BUSY = 3.0


def test_a_hundred_sqlite_targets_take_at_most_seventy_megabytes(tmp_path: Path) -> None:
    found = measures.memory(tmp_path)
    assert found.daemon <= 70e6, f"{found.daemon / 1e6:.1f} MB resident"
    # two small processes that look into files for it, and none that comes and goes
    assert found.children <= 40e6, f"{found.children / 1e6:.1f} MB in children"
    assert found.ended <= 1.0, f"{found.ended:.1f} s of CPU for children that have ended"


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
