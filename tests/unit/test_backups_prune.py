"""A removal that is disturbed leaves no half backup, and the next run finishes it."""

from __future__ import annotations

import errno
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from watchdog.backups import catalogue, files, names, prune
from watchdog.backups.manifest import Manifest, Verification
from watchdog.backups.retention import Decision

TAKEN = datetime(2026, 11, 20, 3, tzinfo=UTC)


def put(folder: Path, number: int) -> catalogue.Backup:
    identity = f"2026112{number}T030000Z-00000{number}"
    manifest = Manifest(
        id=identity,
        target="app",
        engine="sqlite",
        artefact=f"{identity}.sqlite",
        url="sqlite:///app.db",
        server="",
        versions={},
        recovery_point=TAKEN + timedelta(days=number),
        taken_at=TAKEN + timedelta(days=number),
        size_bytes=3,
        sha256="",
        verified_level=3,
        duration=1.0,
    )
    (folder / manifest.artefact).write_bytes(b"abc")
    proven = Verification({3: TAKEN})
    files.write_json(names.verification(folder, identity), proven.document())
    files.write_json(names.manifest(folder, identity), manifest.document())
    return catalogue.Backup(manifest, proven, folder)


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_is_removed_leaves_nothing_and_touches_nothing_else(tmp_path: Path) -> None:
    first, second = put(tmp_path, 1), put(tmp_path, 2)
    directory = tmp_path / f"{first.id}.dumpd"
    directory.mkdir()
    (directory / "toc.dat").write_bytes(b"x")
    kept = [name for name in left(tmp_path) if name.startswith(second.id)]
    pruned = prune.apply([Decision(second, keep=True, reason=""), Decision(first, False, "")])
    assert pruned == prune.Pruned((first,))
    assert left(tmp_path) == kept


@pytest.mark.parametrize("suffix", ["sqlite", "verification.json"])
def test_a_removal_that_fails_half_way_leaves_no_backup_and_the_next_run_finishes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    first, second, third = (put(tmp_path, number) for number in (1, 2, 3))
    real = Path.unlink

    def refuses(path: Path, missing_ok: bool = False) -> None:
        if path.name == f"{first.id}.{suffix}":
            raise OSError(errno.EIO, "Input/output error", str(path))
        real(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", refuses)
    doomed = [Decision(each, keep=False, reason="") for each in (second, first)]
    pruned = prune.apply(doomed)
    assert pruned.removed == (second,)  # one that cannot go keeps no other
    assert [error.errno for error in pruned.errors] == [errno.EIO]
    assert [backup.id for backup in catalogue.scan_folder(tmp_path).backups] == [third.id]
    monkeypatch.undo()
    prune.sweep(tmp_path)
    assert all(name.startswith(third.id) for name in left(tmp_path))


def test_a_manifest_that_cannot_be_taken_away_keeps_its_backup_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = put(tmp_path, 1)
    before = left(tmp_path)

    def refuses(path: Path, target: Path) -> Path:
        raise OSError(errno.EROFS, "Read-only file system", str(path))

    monkeypatch.setattr(Path, "replace", refuses)
    assert prune.apply([Decision(backup, keep=False, reason="")]).removed == ()
    assert left(tmp_path) == before
