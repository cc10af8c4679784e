"""Copies that meet a full disk or a place that may not be written."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.sqlite import make_database, target_of, visit
from watchdog.database_url import SqliteUrl
from watchdog.engines.sqlite import ENGINE
from watchdog.model import ActionFailed, Failure, Kind, Phase


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Give a file system of one megabyte."""
    place = tmp_path / "small"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"cannot mount a small file system here: {done.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


async def failure_of(path: Path, into: Path) -> Failure:
    target = target_of(path)
    with pytest.raises(ActionFailed) as caught:
        await ENGINE.backups.produce(target, target.url, into, lambda _: None)
    return caught.value.failure


async def test_a_full_destination_is_told_from_a_full_source(
    tmp_path: Path, small_disk: Path
) -> None:
    path = make_database(tmp_path / "a.db", rows=5000)
    failure = await failure_of(path, small_disk / "copy")
    assert (failure.kind, failure.phase) == (Kind.BACKUP, Phase.COPY)
    assert (failure.code, failure.hint) == ("SQLITE_FULL", "backup_no_space")
    assert failure.facts["directory"] == str(small_disk)
    assert list(small_disk.iterdir()) == []
    assert (await visit(path)).up


async def test_a_disk_that_fills_in_a_restore_leaves_nothing(
    tmp_path: Path, small_disk: Path
) -> None:
    copy = make_database(tmp_path / "copy.sqlite", "delete", rows=5000)
    with pytest.raises(ActionFailed) as caught:
        await ENGINE.backups.restore(copy, SqliteUrl(str(small_disk / "app.db")), lambda _: None)
    assert caught.value.failure.code == "ENOSPC"
    assert caught.value.failure.facts["path"] == str(small_disk / "app.db")
    assert list(small_disk.iterdir()) == []


async def test_a_read_only_destination_is_named(tmp_path: Path, small_disk: Path) -> None:
    path = make_database(tmp_path / "a.db", rows=10)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    failure = await failure_of(path, small_disk / "copy")
    assert failure.code == "EROFS"
    assert str(small_disk) in failure.message


async def test_a_source_on_a_read_only_and_full_disk_is_copied(
    tmp_path: Path, small_disk: Path
) -> None:
    for mode in ("wal", "delete"):
        path = make_database(small_disk / f"{mode}.db", mode, rows=10)
    filler = os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize
    (small_disk / "filler").write_bytes(b"x" * filler)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    for mode in ("wal", "delete"):
        path = small_disk / f"{mode}.db"
        found = await visit(path)
        assert found.up
        assert found.values()["filesystem_free_bytes"] == 0
        target = target_of(path)
        into = tmp_path / mode
        await ENGINE.backups.produce(target, target.url, into, lambda _: None)
        assert (await ENGINE.backups.prove(target, into)).tables == 1
