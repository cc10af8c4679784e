"""Which hints are provoked for real, and where: none of these families may be forgotten.

Tables of tests name the hints that are read in the daemon's log. Whatever is
not among them needs a reason here, and another test with real components
that provokes it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import pytest

from tests.acceptance import (
    test_hints_in_a_container,
    test_hints_in_the_log,
    test_hints_of_proofs_in_the_log,
)
from tests.integration.test_hints_of_others import EXPLAINED
from tests.lab import test_hints_of_the_daemon
from watchdog.hints.catalogue import families
from watchdog.model import Kind

TESTS: Final = Path(__file__).parents[1]
FAMILIES: Final = (
    Kind.REACH,
    Kind.TLS,
    Kind.AUTH,
    Kind.CAPACITY,
    Kind.STATE,
    Kind.STORAGE,
    Kind.BACKUP,
    Kind.SQLITE,
)
# Folders whose tests use real servers, files and tools.
REAL: Final = ("acceptance", "faults", "integration", "lab")

# These name hints without a trouble: rules of alerts, the command that explains.
NAMED_ONLY: Final = ("test_prometheus_rules.py", "test_explain.py")

ALWAYS: Final[Mapping[str, object]] = {
    **test_hints_in_the_log.HINTS,
    **test_hints_of_proofs_in_the_log.HINTS,
    **test_hints_in_a_container.HINTS,
}
IN_THE_LAB: Final[Mapping[str, object]] = {
    **test_hints_of_the_daemon.HINTS,
    **test_hints_of_the_daemon.OLD_CLIENT,
}
# Tests that read one in the log of a daemon of their own.
BY_ITSELF: Final[Mapping[str, tuple[str, str]]] = {
    "too_many_connections": (
        "faults/test_incidents.py",
        "test_who_takes_all_connections_is_told_and_kept",
    ),
    "shutting_down": ("faults/test_incidents.py", "test_a_server_that_shuts_down_is_told"),
    "starting_up": ("faults/test_incidents.py", "test_a_server_that_lets_nobody_in_yet_is_told"),
    "sqlite_full": (
        "faults/test_truth_of_sqlite.py",
        "test_a_disk_that_is_full_is_told_before_the_application_meets_it",
    ),
    "file_system_hangs": (
        "faults/test_diagnosis_hung.py",
        "test_a_file_system_that_hangs_is_told_and_holds_nobody_up",
    ),
}

# What the daemon does not meet. Others do, in a test, and its text or code is explained.
NOT_IN_THE_LOG: Final[Mapping[str, str]] = {
    "scram_unsupported_client": "our driver and libpq speak SCRAM; a library that does not",
    "client_pool_exhausted": "the daemon has no pool; an application's",
    "backup_not_an_archive": "a stored backup has its hash; pg_restore of a file of others",
    "backup_target_exists": "our names never meet; pg_dump of a person",
    "missing_role_on_restore": "a drill makes the roles or does without; pg_restore of a person",
    "restore_not_owner": "a drill owns what it restores; pg_restore of a person",
    "restore_in_use": "only a command restores over a database",
    "restore_into_nonempty": "only a command restores over a database",
    "restore_wrong_tool": "our backups are archives; pg_restore of a person",
    "sqlite_locked_shared_cache": "within one application's own connections",
    "sqlite_readonly": "the daemon writes no database; an application",
    "sqlite_readonly_directory": "the daemon writes no database; an application",
}
# What nothing can run into.
NO_TROUBLE: Final[Mapping[str, str]] = {"sqlite_in_production": "advice of explain"}

IDS: Final = [
    entry.id for family in families() if family.kind in FAMILIES for entry in family.entries
]
READ: Final = {*ALWAYS, *IN_THE_LAB, *BY_ITSELF}


def where(hint: str) -> list[str]:
    """Return the tests with real components that name *hint*."""
    named = re.compile(rf"[\"']{hint}[\"']")
    return [path for path, text in _texts() if named.search(text)]


def _texts() -> Iterator[tuple[str, str]]:
    for folder in REAL:
        for path in sorted((TESTS / folder).glob("test_*.py")):
            if path.name not in NAMED_ONLY:
                yield str(path.relative_to(TESTS)), path.read_text()


@pytest.mark.parametrize("hint", IDS)
def test_every_hint_is_read_in_the_daemons_log_or_there_is_a_reason(hint: str) -> None:
    assert (hint in READ) != (hint in {*NOT_IN_THE_LOG, *NO_TROUBLE}), (
        f"no table names {hint}: provoke it before the daemon, or say here why that cannot be;"
        " and not both"
    )


@pytest.mark.parametrize("hint", NOT_IN_THE_LOG)
def test_what_the_daemon_does_not_meet_is_provoked_otherwise(hint: str) -> None:
    assert where(hint), f"no test with real components provokes {hint}"


def test_what_is_named_is_a_hint_of_these_families() -> None:
    assert {*NOT_IN_THE_LOG, *NO_TROUBLE, *EXPLAINED, *BY_ITSELF} <= set(IDS)
    assert {entry.id for family in families() for entry in family.entries} >= READ


@pytest.mark.parametrize("hint", BY_ITSELF)
def test_a_test_that_reads_one_by_itself_is_there(hint: str) -> None:
    path, name = BY_ITSELF[hint]
    text = (TESTS / path).read_text()
    body = text.partition(f"def {name}(")[2].partition("\ndef ")[0]
    assert hint in body, f"{path} has no {name} that names {hint}"


def test_how_many_are_read_in_the_log(record_property: pytest.RecordProperty) -> None:
    read = [hint for hint in IDS if hint in READ]
    always = [hint for hint in read if hint not in IN_THE_LAB or hint in ALWAYS]
    record_property(
        "score",
        f"hints read in the daemon's log: {len(read)} of {len(IDS)}, {len(always)} of them in"
        f" every run; {len(NOT_IN_THE_LOG)} are met by others alone",
    )
    assert len(read) + len(NOT_IN_THE_LOG) + len(NO_TROUBLE) == len(IDS)
