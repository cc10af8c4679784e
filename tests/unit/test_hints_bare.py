"""Short texts that are all that somebody remembers."""

from __future__ import annotations

import pytest

from tests.support.corpus import silent
from watchdog.hints.bare import _KNOWN, bare
from watchdog.hints.catalogue import entries


def test_all_that_it_may_be_is_said_with_modest_confidence() -> None:
    found = bare("Disk full.")
    assert [each.id for each in found] == ["disk_full", "backup_no_space", "sqlite_full"]
    for known in _KNOWN.values():
        assert all(each.id in entries() and 0.3 <= each.confidence <= 0.5 for each in known)
        assert list(known) == sorted(known, key=lambda each: -each.confidence)


@pytest.mark.parametrize(
    "text",
    [
        "Could not connect to Redis at 127.0.0.1:6379: Connection refused",
        "ERROR 1040 (HY000): Too many connections",
        "OSError: [Errno 28] No space left on device: '/tmp/x'",
        "the disk is full of photos",
        "",
    ],
)
def test_anything_beside_it_makes_it_somebody_elses(text: str) -> None:
    assert bare(text) == ()


def test_what_is_no_trouble_of_a_database_is_none_of_them() -> None:
    assert [text for text in silent() if bare(text)] == []
