"""A closer look at a file whose file system hangs: it ends, it tells, and nobody waits for it."""

from __future__ import annotations

from pathlib import Path

from tests.support.daemon import Daemon
from tests.support.hung_mount import hung_mount
from tests.support.sqlite import make_database


def test_a_file_system_that_hangs_is_told_and_holds_nobody_up(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    probe = {"interval": "3s", "timeout": "2s"}
    targets = [
        {"name": "app", "url": f"sqlite:///{make_database(folder / 'app.db')}", "probe": probe},
        {"name": "other", "url": f"sqlite:///{make_database(tmp_path / 'b.db')}", "probe": probe},
    ]
    with Daemon(tmp_path, {"targets": targets}) as daemon:
        daemon.wait_up("app", 1)
        with hung_mount(folder):
            told = daemon.event("diagnosis", target="app", hint="file_system_hangs")
            assert f"{folder} (fuse.hung, hung) does not answer" in " ".join(told["found"])
            assert daemon.metric("watchdog_hint_active", target="app", hint="file_system_hangs")
            assert daemon.metric("watchdog_down_seconds_total", target="other") == 0
        daemon.wait_up("app", 1)
        assert daemon.stop() == 0
    assert daemon.tracebacks == ""
