"""The catalogue finds what is sealed, whatever else lies there."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from watchdog.backups import attempts, catalogue, names, prune
from watchdog.backups.attempts import Attempt
from watchdog.backups.catalogue import Backup
from watchdog.backups.files import write_json
from watchdog.backups.manifest import Manifest, Verification, read_manifest, read_verification
from watchdog.errors import UsageError
from watchdog.model import Failure, Kind, Outcome, Phase

NOW = datetime(2026, 11, 23, 3, tzinfo=UTC)


def seal(
    directory: Path, target: str = "app", age: int = 0, level: int = 2, content: bytes = b"data"
) -> Backup:
    """Put a sealed backup there, *age* hours old."""
    folder = directory / target
    folder.mkdir(parents=True, exist_ok=True)
    taken = NOW - timedelta(hours=age)
    identity = names.new_id(taken)
    artefact = names.artefact(folder, identity, "dump")
    artefact.write_bytes(content)
    manifest = Manifest(
        id=identity,
        target=target,
        engine="postgresql",
        artefact=artefact.name,
        url="postgresql://u:***@h:5432/d",
        server="h:5432",
        versions={"server": "17.1"},
        recovery_point=taken,
        taken_at=taken,
        size_bytes=len(content),
        sha256="0" * 64,
        verified_level=level,
        duration=1.5,
        tables=3,
        warnings=("careful",),
    )
    verification = Verification(dict.fromkeys(range(level + 1), taken))
    write_json(names.verification(folder, identity), verification.document())
    write_json(names.manifest(folder, identity), manifest.document())
    return Backup(manifest, verification, folder)


def test_a_manifest_reads_back_as_written(tmp_path: Path) -> None:
    backup = seal(tmp_path)
    assert read_manifest(names.manifest(backup.folder, backup.id)) == backup.manifest
    path = names.verification(backup.folder, backup.id)
    assert read_verification(path) == backup.verification
    assert catalogue.scan([tmp_path]).backups == (backup,)


def test_backups_are_listed_newest_first_over_all_targets(tmp_path: Path) -> None:
    old, new, other = seal(tmp_path, age=5), seal(tmp_path), seal(tmp_path, "gone", age=2)
    listing = catalogue.scan([tmp_path])
    assert [backup.id for backup in listing.backups] == [new.id, other.id, old.id]
    assert listing.of("gone").backups == (other,)


def test_what_has_no_manifest_is_no_backup(tmp_path: Path) -> None:
    backup = seal(tmp_path)
    names.manifest(backup.folder, backup.id).unlink()
    (backup.folder / "notes.txt").write_text("mine")
    (tmp_path / "a file").write_text("junk")
    assert catalogue.scan([tmp_path]) == catalogue.Listing()


@pytest.mark.parametrize(
    "junk",
    [b"", b"{", b"[]", b"{}", b"\xff\xfe", b'{"format": 99}', b"[" * 100_000, b'{"id": 1}'],
)
def test_a_damaged_manifest_is_reported_and_harms_no_other(tmp_path: Path, junk: bytes) -> None:
    good, bad = seal(tmp_path), seal(tmp_path, age=1)
    path = names.manifest(bad.folder, bad.id)
    path.write_bytes(junk)
    listing = catalogue.scan([tmp_path])
    assert listing.backups == (good,)
    assert [damage.path for damage in listing.damaged] == [path]
    assert listing.damaged[0].reason


def test_a_manifest_cannot_point_out_of_its_folder(tmp_path: Path) -> None:
    backup = seal(tmp_path)
    path = names.manifest(backup.folder, backup.id)
    path.write_text(json.dumps({**backup.manifest.document(), "artefact": "../../etc/passwd"}))
    assert catalogue.scan([tmp_path]).backups == ()


def test_a_manifest_of_another_backup_is_damaged(tmp_path: Path) -> None:
    one, two = seal(tmp_path), seal(tmp_path, age=1)
    path = names.manifest(one.folder, one.id)
    path.write_text(json.dumps(two.manifest.document()))
    assert catalogue.scan([tmp_path]).backups == (two,)


def test_a_truncated_or_missing_artefact_counts_for_nothing(tmp_path: Path) -> None:
    short, missing = seal(tmp_path), seal(tmp_path, age=1)
    short.path.write_bytes(b"d")
    missing.path.unlink()
    listing = catalogue.scan([tmp_path])
    assert [backup.level for backup in listing.backups] == [0, 0]
    assert listing.newest_good() is None
    assert "has 1 bytes, its manifest says 4" in listing.backups[0].damage


def test_an_unreadable_record_of_verification_proves_nothing(tmp_path: Path) -> None:
    backup = seal(tmp_path)
    names.verification(backup.folder, backup.id).write_text("{")
    assert catalogue.scan([tmp_path]).backups[0].level == 0


def test_a_missing_record_of_verification_leaves_the_proof_of_birth(tmp_path: Path) -> None:
    backup = seal(tmp_path)
    names.verification(backup.folder, backup.id).unlink()
    assert catalogue.scan([tmp_path]).backups[0].level == 2


def test_a_refuted_backup_is_not_good(tmp_path: Path) -> None:
    backup = seal(tmp_path)
    failed = Verification(
        backup.verification.levels, Failure(Kind.BACKUP, "rotten", Phase.VERIFY), NOW
    )
    write_json(names.verification(backup.folder, backup.id), failed.document())
    found = catalogue.scan([tmp_path]).backups[0]
    assert (found.level, found.good, found.verified_at) == (0, False, None)
    assert found.document()["failure"]["message"] == "rotten"


def test_a_backup_is_found_by_what_a_person_types(tmp_path: Path) -> None:
    old, new = seal(tmp_path, age=30), seal(tmp_path)
    listing = catalogue.scan([tmp_path])
    for reference in (old.id, old.id[:8], old.id.lower(), str(old.path)):
        assert catalogue.find(listing, reference) == old
    assert catalogue.find(listing, "app") == new
    assert catalogue.find(catalogue.Listing(), str(old.path)) == old


def test_a_target_means_its_newest_good_one(tmp_path: Path) -> None:
    good = seal(tmp_path, age=2)
    seal(tmp_path, level=1)
    assert catalogue.find(catalogue.scan([tmp_path]), "app") == good


@pytest.mark.parametrize(
    ("reference", "says"),
    [
        ("nope", "no backup or target 'nope'"),
        ("", "no backup or target ''"),
        ("2026", "means several backups"),
        ("/nowhere/x.dump", "there is no such file"),
        ("/dev/null", "is not a backup"),
    ],
)
def test_what_means_nothing_is_a_usage_error(tmp_path: Path, reference: str, says: str) -> None:
    seal(tmp_path), seal(tmp_path, age=1)
    with pytest.raises(UsageError, match=says):
        catalogue.find(catalogue.scan([tmp_path]), reference)


def test_a_target_without_a_good_backup_says_so(tmp_path: Path) -> None:
    seal(tmp_path, level=1)
    with pytest.raises(UsageError, match="none is verified"):
        catalogue.find(catalogue.scan([tmp_path]), "app")


def test_the_stamp_moves_when_something_comes_or_goes(tmp_path: Path) -> None:
    seal(tmp_path)
    before = catalogue.stamp([tmp_path])
    assert catalogue.stamp([tmp_path]) == before
    added = seal(tmp_path)
    after = catalogue.stamp([tmp_path])
    assert after != before
    prune.remove(added)
    assert catalogue.stamp([tmp_path]) != after
    assert catalogue.stamp([tmp_path / "gone"]) != before


def test_removal_takes_the_manifest_first_and_can_be_finished(tmp_path: Path) -> None:
    backup, other = seal(tmp_path), seal(tmp_path, age=1)
    names.manifest(backup.folder, backup.id).rename(names.removed(backup.folder, backup.id))
    assert catalogue.scan([tmp_path]).backups == (other,)
    assert backup.path.exists()
    prune.sweep(backup.folder)
    assert sorted(path.name.split(".")[0] for path in backup.folder.iterdir()) == [other.id] * 3


def test_the_sweep_leaves_everything_else_alone(tmp_path: Path) -> None:
    backup = seal(tmp_path)
    folder = backup.folder
    kept = {path.name for path in folder.iterdir()} | {"notes.txt", ".hidden", "x.partial"}
    for name in ("notes.txt", ".hidden", "x.partial"):
        (folder / name).write_text("mine")
    for name in (f".{backup.id}.dump.partial", f".{backup.id}.sqlite.partial-journal"):
        (folder / name).write_text("half")
    prune.sweep(folder)
    assert {path.name for path in folder.iterdir()} == kept


def attempt(minute: int, failure: Failure | None = None) -> Attempt:
    at = NOW + timedelta(minutes=minute)
    outcome = Outcome.FAILED if failure else Outcome.OK
    return Attempt(at, at + timedelta(seconds=2), outcome, 2.0, "", failure)


def test_attempts_are_remembered_with_their_failures(tmp_path: Path) -> None:
    failure = Failure(Kind.BACKUP, "full", Phase.DUMP, "ENOSPC", "backup_no_space", {"path": "/b"})
    tries = [attempt(minute, failure if minute % 2 else None) for minute in range(60)]
    for each in tries:
        attempts.append(tmp_path, [each])
    assert attempts.load(tmp_path) == tuple(tries[-50:])


def test_attempts_go_to_the_state_folder_while_the_destination_cannot_be_written(
    tmp_path: Path,
) -> None:
    state, folder = tmp_path / "state", tmp_path / "backups" / "app"
    attempts.append(folder, [attempt(1)], state)
    assert not folder.exists()
    assert attempts.load(folder, state) == (attempt(1),)
    folder.mkdir(parents=True)
    attempts.append(folder, [attempt(2)], state)
    assert attempts.load(folder) == (attempt(1), attempt(2))
    assert not list((state / "attempts").iterdir())


@pytest.mark.parametrize("junk", ["", "[]", '{"attempts": 3}', '{"attempts": [1, {}]}'])
def test_damaged_attempts_are_forgotten_not_fatal(tmp_path: Path, junk: str) -> None:
    (tmp_path / names.ATTEMPTS).write_text(junk)
    assert attempts.load(tmp_path) == ()
    attempts.append(tmp_path, [attempt(1)])
    assert attempts.load(tmp_path) == (attempt(1),)
