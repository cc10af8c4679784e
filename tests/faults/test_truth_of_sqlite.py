"""``watchdog_up`` of the real daemon tells the truth about SQLite files, whatever befalls them."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.daemon import Daemon
from tests.support.disks import small_disk

PROBE = {"interval": "1s", "timeout": "800ms"}


def make(path: Path, rows: int = 10, mode: str = "delete") -> Path:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"pragma journal_mode={mode}")
        connection.execute("create table t (x)")
        connection.executemany("insert into t values (?)", [(n,) for n in range(rows)])
        connection.commit()
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return make(folder / "app.db")


@pytest.fixture
def daemon(tmp_path: Path, file: Path) -> Iterator[Daemon]:
    other = make(tmp_path / "other.db")
    targets = [
        {"name": "app", "url": f"sqlite:///{file}", "probe": PROBE},
        {"name": "other", "url": f"sqlite:///{other}", "probe": PROBE},
    ]
    with Daemon(tmp_path, {"targets": targets}) as running:
        running.wait_up("app", 1)
        yield running
        # whatever befell one file, the other was never disturbed
        assert running.metric("watchdog_down_seconds_total", target="other") == 0


def why(daemon: Daemon) -> tuple[str, str]:
    target = daemon.target("app")
    return target["failure"]["phase"], target["hint"]["id"]


def test_a_file_that_is_removed_is_down_and_one_that_is_back_is_up(
    daemon: Daemon, file: Path
) -> None:
    aside = file.with_suffix(".aside")
    file.rename(aside)
    daemon.wait_up("app", 0)
    assert why(daemon) == ("stat", "sqlite_cantopen_missing_dir")
    assert not file.exists(), "a probe made the file that it missed"
    aside.rename(file)
    daemon.wait_up("app", 1)


def test_a_disk_that_is_full_is_told_before_the_application_meets_it(tmp_path: Path) -> None:
    with small_disk(tmp_path / "small", "4m") as disk:
        file = make(disk / "app.db")
        target = {"name": "app", "url": f"sqlite:///{file}", "probe": PROBE}
        with Daemon(tmp_path, {"targets": [target]}) as daemon:
            daemon.wait_up("app", 1)
            filler = disk / "filler"
            filler.write_bytes(b"\0" * (3 << 20))
            told = daemon.event("trouble", target="app", hint="sqlite_full")
            assert f"df -h {disk} " in " ".join(told["steps"])
            assert daemon.metric("watchdog_up", target="app") == 1
            filler.unlink()
            daemon.event("trouble over", target="app", hint="sqlite_full")


def test_a_file_that_is_replaced_stays_up_and_is_told(daemon: Daemon, file: Path) -> None:
    replacement = make(file.with_suffix(".new"), rows=50)
    replacement.rename(file)
    for _ in range(100):
        if daemon.metric("watchdog_sqlite_file_replaced_total", target="app") == 1:
            break
        daemon.get("/metrics")
    else:
        daemon.wait_up("app", 0, 3)
    assert daemon.metric("watchdog_up", target="app") == 1


def test_what_is_no_database_is_down(daemon: Daemon, file: Path) -> None:
    file.write_bytes(b"this is a letter to my landlord. " * 200)
    daemon.wait_up("app", 0)
    assert why(daemon)[1] == "sqlite_notadb"


def test_a_fifo_in_the_place_of_the_file_hangs_nothing(daemon: Daemon, file: Path) -> None:
    file.unlink()
    os.mkfifo(file)
    daemon.wait_up("app", 0)
    assert daemon.target("app")["failure"]["phase"] == "stat"


def test_a_database_that_is_locked_exclusively_is_down_and_then_up(
    daemon: Daemon, file: Path
) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as writer:
        writer.execute("begin exclusive")
        writer.execute("insert into t values (1)")
        daemon.wait_up("app", 0)
        assert why(daemon)[1] == "sqlite_busy"
        writer.execute("commit")
    daemon.wait_up("app", 1)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run the daemon as somebody else")
@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_an_unwritable_folder_stays_up_and_an_unreadable_file_is_down(
    tmp_path: Path, file: Path, mode: str
) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(f"pragma journal_mode={mode}")
    for path in (file.parent, file):
        os.chown(path, 12345, 12345)
    file.parent.chmod(0o755)
    file.chmod(0o644)
    targets = [{"name": "app", "url": f"sqlite:///{file}", "probe": PROBE}]
    # Root without the capabilities that make modes meaningless.
    mortal = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
    with Daemon(tmp_path, {"targets": targets}, prefix=mortal) as daemon:
        daemon.wait_up("app", 1)
        assert sorted(entry.name for entry in file.parent.iterdir()) == ["app.db"]
        file.chmod(0o600)
        daemon.wait_up("app", 0)
        assert why(daemon)[1] == "sqlite_cantopen_permission"
        file.chmod(0o644)
        daemon.wait_up("app", 1)
