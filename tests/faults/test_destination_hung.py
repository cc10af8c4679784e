"""A destination that hangs (a dead file server's) keeps the daemon from nothing else."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.daemon import PATIENCE, Daemon, wait_until
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
        daemon.wait_up("a", 1)
        trouble = daemon.event("trouble", target="a", hint="file_system_hangs")
        assert trouble["kind"] == "timeout"
        assert f"Looking at {mount}/backups took longer" in trouble["cause"]
        assert f"findmnt -T {mount}/backups" in " ".join(trouble["steps"])
        assert daemon.events("trouble", hint="backup_dir_missing") == []
        assert daemon.metric("watchdog_backup_last_attempt_successful", target="a") == 0
        assert daemon.get("/api/v1/backups").json() == {"backups": []}
        for _ in range(8):  # as many as a pool of threads has
            daemon.get("/api/v1/backups")
        assert daemon.post("/-/reload").status_code == 403
        assert daemon.get("/").status_code == 200
        assert daemon.stop(PATIENCE) == 0
    assert daemon.tracebacks == ""


def test_a_running_backup_that_hangs_in_its_destination_holds_up_no_other_disk_and_no_stop(
    tmp_path: Path,
) -> None:
    mount = tmp_path / "mount"
    folder = mount / "backups" / "a"
    folder.mkdir(parents=True)
    database = make_database(tmp_path / "a.db", "delete")
    target = {"name": "a", "url": f"sqlite:///{database}", "probe": {"interval": "1s"}}
    backup = {"directory": str(mount / "backups"), "schedule": "@every 6h", "run_on_start": True}
    other = {"name": "b", "url": f"sqlite:///{make_database(tmp_path / 'b.db')}"}
    with (
        TemporaryDirectory(dir="/dev/shm") as elsewhere,
        closing(sqlite3.connect(database, isolation_level=None)) as writer,
    ):
        place = {**backup, "directory": f"{elsewhere}/backups"}
        targets = [{**target, "backup": backup}, {**other, "backup": place}]
        daemon = Daemon(tmp_path, {"targets": targets}, ready=False)
        # The copy waits for us while its disk is still there, and goes on when it is not.
        writer.execute("begin exclusive")
        with daemon:
            wait_until(lambda: list(folder.glob(".*.partial")), "the copy has begun")
            daemon.event("backup taken", target="b")
            assert daemon.events("backup taken", target="a") == []
            with hung_mount(mount):
                writer.execute("rollback")
                time.sleep(1)
                daemon.wait_up("a", 1)
                assert daemon.stop(PATIENCE) == 0
                assert daemon.events("stopping without waiting any longer")
    assert daemon.tracebacks == ""
