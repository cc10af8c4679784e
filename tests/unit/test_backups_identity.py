"""Which differences make a backup suspect, and which are only told."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog.backups.identity import compare
from watchdog.engines._sketch import SIZE, sketch

MIB = 1 << 20
NAMES = [f"public.table_{number}" for number in range(40)]
SERVER = {
    "system_identifier": "7300000000000000001",
    "timeline": 1,
    "oid": 16384,
    "tables": 40,
    "size_bytes": 200 * MIB,
    "artefact_bytes": 20 * MIB,
    "names": sketch(NAMES),
}
FILE = {
    "device": 8,
    "inode": 1001,
    "application_id": 0,
    "tables": 40,
    "size_bytes": 200 * MIB,
    "artefact_bytes": 200 * MIB,
    "names": sketch(NAMES),
}


def test_the_same_database_is_not_suspect() -> None:
    assert compare(SERVER, SERVER).suspect == ()
    assert compare(SERVER, SERVER).told == ()


@pytest.mark.parametrize(
    ("old", "changes", "says"),
    [
        (SERVER, {"system_identifier": "7300000000000000002"}, "the server is another one"),
        (SERVER, {"tables": 19}, "it has 19 tables, it had 40"),
        (SERVER, {"tables": 0}, "it has 0 tables"),
        (SERVER, {"size_bytes": 19 * MIB}, "the database has 19.0 MiB, it had 200 MiB"),
        (SERVER, {"artefact_bytes": MIB}, "the backup has 1.0 MiB, it had 20.0 MiB"),
        (SERVER, {"oid": 20000, "names": sketch(["public.x"])}, "hardly any table"),
        ({**FILE, "application_id": 9}, {"application_id": 7}, "is another application's"),
        ({**FILE, "application_id": 9}, {"application_id": 0}, "is another application's"),
        (FILE, {"inode": 7, "names": sketch(["a", "b"])}, "hardly any table"),
        (FILE, {"names": sketch(["a", "b"])}, "hardly any table"),
    ],
)
def test_a_different_or_collapsed_database_is_suspect(
    old: dict[str, Any], changes: dict[str, Any], says: str
) -> None:
    assert any(says in reason for reason in compare(old, {**old, **changes}).suspect)


@pytest.mark.parametrize(
    ("old", "changes", "says"),
    [
        (SERVER, {"timeline": 2}, "a standby was promoted"),
        (SERVER, {"oid": 20000}, "made anew in the same cluster"),
        (SERVER, {"oid": 20000, "names": sketch(NAMES[:20])}, "made anew in the same cluster"),
        (FILE, {"inode": 7}, "another file lies at the path"),
    ],
)
def test_what_a_failover_or_a_restore_changes_is_only_told(
    old: dict[str, Any], changes: dict[str, Any], says: str
) -> None:
    verdict = compare(old, {**old, **changes})
    assert verdict.suspect == ()
    assert says in verdict.told[0]


@pytest.mark.parametrize(
    "changes",
    [
        {"tables": 20},
        {"size_bytes": 20 * MIB},
        {"size_bytes": 2000 * MIB, "tables": 400},
        {"names": sketch(["other"])},  # renamed tables in the same database
        {"artefact_bytes": MIB, "form": "without the large table"},
        {"system_identifier": None},
        {"tables": None, "size_bytes": None, "artefact_bytes": None, "names": None},
    ],
)
def test_what_stays_within_bounds_or_is_unknown_decides_nothing(changes: dict[str, Any]) -> None:
    assert compare(SERVER, {**SERVER, **changes}).suspect == ()


def test_an_application_that_begins_to_mark_its_file_is_the_same() -> None:
    assert compare(FILE, {**FILE, "application_id": 7}).suspect == ()


def test_sizes_of_small_databases_say_nothing() -> None:
    small = {**FILE, "size_bytes": 900_000, "artefact_bytes": 900_000}
    assert compare(small, {**small, "size_bytes": 4096, "artefact_bytes": 8192}).suspect == ()


@pytest.mark.parametrize("broken", [{}, {"tables": "many"}, {"names": 7}, {"size_bytes": True}])
def test_an_identity_that_cannot_be_read_decides_nothing(broken: dict[str, Any]) -> None:
    assert compare(broken, SERVER).suspect == ()
    assert compare(SERVER, broken).suspect == ()


@given(st.sets(st.text(min_size=1), max_size=300), st.sets(st.text(min_size=1), max_size=100))
def test_a_sketch_is_small_and_blind_to_order(names: set[str], more: set[str]) -> None:
    made = sketch(names)
    assert made == sketch(sorted(names, reverse=True))
    assert len(made) <= SIZE
    # Tables that are added make no database a strange one.
    before = {"oid": 1, "names": made}
    after = {"oid": 2, "names": sketch(names | more)}
    assert compare(before, after).suspect == ()
