"""A destination that hangs (a dead file server's) keeps the daemon from nothing else."""

from __future__ import annotations

import fcntl
import time
from pathlib import Path

from tests.support.daemon import Daemon, wait_until
from tests.support.hung_mount import hung_mount
from tests.support.sqlite import make_database


def test_the_daemon_starts_probes_reloads_and_stops_beside_a_destination_that_hangs(
    tmp_path: Path,
) -> None:
    mount = tmp_path / "mount"
    mount.mkdir()
    database = make_database(tmp_path / "a.db")
    target = {"name": "a", "url": f"sqlite:///{database}", "probe": {"interval": "1s"}}
    backup = {"directory": str(mount / "backups"), "schedule": "@every 6h"}
    daemon = Daemon(tmp_path, {"targets": [{**target, "backup": backup}]})
    with hung_mount(mount), daemon:
        daemon.wait_up("a", 1, 10)
        daemon.event("trouble", 10, target="a")
        assert daemon.metric("watchdog_backup_last_attempt_successful", target="a") == 0
        assert daemon.get("/api/v1/backups").json() == {"backups": []}
        for _ in range(8):  # as many as a pool of threads has
            daemon.get("/api/v1/backups")
        assert daemon.post("/-/reload").status_code == 403
        assert daemon.get("/").status_code == 200
        began = time.monotonic()
        assert daemon.stop(10) == 0
        assert time.monotonic() - began < 10
    assert daemon.tracebacks == ""


def test_the_daemon_stops_though_a_running_backup_hangs_in_its_destination(tmp_path: Path) -> None:
    mount = tmp_path / "mount"
    folder = mount / "backups" / "a"
    folder.mkdir(parents=True)
    database = make_database(tmp_path / "a.db")
    target = {"name": "a", "url": f"sqlite:///{database}", "probe": {"interval": "1s"}}
    backup = {"directory": str(mount / "backups"), "schedule": "@every 6h", "run_on_start": True}
    daemon = Daemon(tmp_path, {"targets": [{**target, "backup": backup}]})
    with (folder / ".lock").open("w") as lock:
        # It waits for us while its disk is still there, and goes on when it is not.
        fcntl.flock(lock, fcntl.LOCK_EX)
        with daemon:
            daemon.event("backup begins")
            wait_until(lambda: _waits_for(lock.name, daemon.pid), "it has opened the lock")
            with hung_mount(mount):
                fcntl.flock(lock, fcntl.LOCK_UN)
                time.sleep(1)
                assert daemon.metric("watchdog_up", target="a") == 1
                assert daemon.stop(10) == 0
                assert daemon.events("stopping without waiting any longer")
    assert daemon.tracebacks == ""


def _waits_for(path: str, pid: int) -> bool:
    return any(
        number.is_symlink() and str(number.readlink()) == path
        for number in Path(f"/proc/{pid}/fd").iterdir()
    )
