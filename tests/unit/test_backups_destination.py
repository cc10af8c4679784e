"""A destination is what it was, or nothing happens there; one holder of a lock at a time."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import stat
from pathlib import Path

import pytest

from watchdog.backups import destination, failures, files, lock, names
from watchdog.backups.destination import Destinations, state_folder
from watchdog.model import ActionFailed, Phase


def test_a_new_destination_is_made_and_marked(tmp_path: Path) -> None:
    place = tmp_path / "deep" / "backups"
    Destinations(tmp_path / "state").open(place, "app")
    assert (place / names.MARKER).is_file()
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert not Destinations(tmp_path / "state").missing(place)


def test_an_existing_folder_with_other_things_may_become_one(tmp_path: Path) -> None:
    place = tmp_path / "backups"
    place.mkdir()
    (place / "mine.txt").write_text("x")
    Destinations(None).open(place, "app")
    assert (place / names.MARKER).is_file()


@pytest.mark.parametrize("restarted", [False, True])
def test_a_destination_without_its_marker_has_gone(tmp_path: Path, restarted: bool) -> None:
    place, known = tmp_path / "backups", Destinations(tmp_path / "state")
    known.open(place, "app")
    place.rename(tmp_path / "away")
    place.mkdir()
    known = Destinations(tmp_path / "state") if restarted else known
    assert known.missing(place)
    with pytest.raises(ActionFailed) as caught:
        known.open(place, "app")
    assert caught.value.failure.hint == "destination_missing"
    assert list(place.iterdir()) == []
    place.rmdir()
    (tmp_path / "away").rename(place)
    known.open(place, "app")


def test_one_that_cannot_be_looked_at_is_a_failure_not_a_new_one(tmp_path: Path) -> None:
    place = tmp_path / ("x" * 300)
    with pytest.raises(ActionFailed) as caught:
        Destinations(tmp_path / "state").require(place, "app", Phase.PRUNE)
    assert caught.value.failure.code == "ENAMETOOLONG"


def test_a_touched_marker_makes_it_one_again(tmp_path: Path) -> None:
    place, known = tmp_path / "backups", Destinations(tmp_path / "state")
    known.open(place, "app")
    (place / names.MARKER).unlink()
    (place / names.MARKER).touch()
    known.open(place, "app")


def test_a_temporary_folder_is_forgotten_with_the_boot(tmp_path: Path) -> None:
    state = tmp_path / "state"
    document = {"destinations": {"/tmp/x/backups": "another boot", "/srv/b": "another boot"}}
    files.make_folder(state)
    files.write_json(state / "destinations.json", document)
    known = Destinations(state)
    assert not known.missing(Path("/tmp/x/backups"))
    assert known.missing(Path("/srv/b"))


@pytest.mark.parametrize("junk", ["", "[]", '{"destinations": 3}', "{"])
def test_a_damaged_memory_is_no_reason_to_stop(tmp_path: Path, junk: str) -> None:
    (tmp_path / "destinations.json").write_text(junk)
    Destinations(tmp_path).open(tmp_path / "backups", "app")
    assert json.loads((tmp_path / "destinations.json").read_text())["destinations"]


def test_it_says_when_it_cannot_remember(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    known = Destinations(tmp_path / "state")
    known.open(tmp_path / "backups", "app")
    assert "cannot write" in known.forgetful
    assert not known.missing(tmp_path / "backups")


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"DB_WATCHDOG_STATE_DIRECTORY": "/x", "STATE_DIRECTORY": "/y"}, "/x"),
        ({"STATE_DIRECTORY": "/var/lib/a:/var/lib/b"}, "/var/lib/a"),
    ],
)
def test_the_state_folder_is_the_one_that_is_given(environ: dict[str, str], expected: str) -> None:
    assert state_folder(environ) == Path(expected)


def test_space_is_asked_for_with_a_reserve(tmp_path: Path) -> None:
    destination.require_space(tmp_path, "app", None)
    with pytest.raises(ActionFailed) as caught:
        destination.require_space(tmp_path, "app", files.free_bytes(tmp_path))
    failure = caught.value.failure
    assert (failure.hint, failure.phase) == ("backup_no_space", Phase.PREFLIGHT)
    assert failure.facts["target"] == "app"


def test_json_is_replaced_whole_and_private(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    os.umask(old := os.umask(0))
    for number in range(3):
        files.write_json(path, {"number": number, "text": "ü" * 10})
    assert json.loads(path.read_text())["number"] == 2
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["a.json"]
    assert old == os.umask(old)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes files for others")
async def test_what_root_makes_belongs_to_the_owner_of_the_folder(tmp_path: Path) -> None:
    os.chown(tmp_path, 12345, 12346)
    folder = tmp_path / "deep" / "app"
    files.make_folder(folder)
    files.write_json(folder / "a.json", {})
    async with lock.held(folder):
        pass
    for path in (folder.parent, folder, folder / "a.json", folder / names.LOCK):
        assert (path.stat().st_uid, path.stat().st_gid) == (12345, 12346), path


async def test_the_lock_has_one_holder(tmp_path: Path) -> None:
    order = []

    async def hold(name: str) -> None:
        async with lock.held(tmp_path, 5):
            order.append(f"{name} in")
            await asyncio.sleep(0.02)
            order.append(f"{name} out")

    await asyncio.gather(hold("a"), hold("b"))
    assert [each.split()[1] for each in order] == ["in", "out", "in", "out"]


async def test_a_wait_for_the_lock_ends(tmp_path: Path) -> None:
    async with lock.held(tmp_path, 0):
        with pytest.raises(ActionFailed) as caught:
            async with lock.held(tmp_path, 0.05):
                pytest.fail("two holders")
    assert caught.value.failure.hint == "backup_locked"
    async with lock.held(tmp_path, 0):
        pass


def _hold_and_die(folder: str, ready: object) -> None:
    async def hold() -> None:
        async with lock.held(Path(folder), 0):
            ready.set()  # type: ignore[attr-defined]
            await asyncio.sleep(60)

    asyncio.run(hold())


async def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    holder = context.Process(target=_hold_and_die, args=(str(tmp_path), ready))
    holder.start()
    try:
        assert await asyncio.to_thread(ready.wait, 30)
        with pytest.raises(ActionFailed):
            async with lock.held(tmp_path, 0):
                pytest.fail("two holders")
    finally:
        holder.kill()
        holder.join()
    async with lock.held(tmp_path, 1):
        pass


def test_a_file_that_is_written_under_another_name_first_is_not_named_so() -> None:
    error = OSError(30, "Read-only file system", "/b/..db-watchdog-destination.29034-14.new")
    failure = failures.of_os_error(error, Phase.PREFLIGHT, Path("/b"), "app")
    assert failure.message.startswith("cannot use /b for the backup of app (Read-only file system)")
