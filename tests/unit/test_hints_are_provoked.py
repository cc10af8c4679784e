"""Which hints are provoked for real, and where: none of these families may be forgotten.

The list is made by looking: a test that provokes a trouble names its hint. A
hint that no test names needs a reason here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from tests.acceptance.test_hints_in_the_log import HINTS
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

# What the daemon does not meet, or no machine of ours can be brought to, with the reason.
UNPROVOKED: Final[Mapping[str, str]] = {
    "localhost_in_container": "takes a container that runs nothing but the daemon",
    "scram_unsupported_client": "our driver speaks SCRAM; others' texts are in the corpus",
    "client_pool_exhausted": "an application's own pool: the daemon has none",
    "in_recovery_read_only": "the daemon never writes; others' texts are in the corpus",
    "recovery_conflict": "takes a standby whose replay meets a dump at the right moment",
    "disk_full": "the daemon never writes to a server; others' texts are in the corpus",
    "temp_file_limit": "no question of ours spills",
    "docker_shm_size": "takes a container and a parallel query; we ask none",
    "out_of_memory": "the kernel's choice of a victim is not ours to make",
    "index_corruption": "told to whoever uses the index; others' texts are in the corpus",
    "backup_target_exists": "our names never meet; pg_dump's own text is in the corpus",
    "dump_newer_than_server": "takes two majors; pg_restore's texts are in the corpus",
    "missing_role_on_restore": "we restore without owners; the text is in the corpus",
    "restore_not_owner": "we restore without owners; the text is in the corpus",
    "restore_in_use": "a command's, not the daemon's",
    "backup_locked": "takes another process to hold the lock for ten minutes",
    "backup_damaged": "a command's; the daemon tells of backups that it has made",
    "rpo_missed": "takes hours without a backup",
    "rto_missed": "takes a restore that lasts longer than it may",
    "sqlite_locked_shared_cache": "within one application's own connections",
    "sqlite_index_corrupt": "only where an integrity check reads it; texts are in the corpus",
    "sqlite_readonly_directory": "the daemon never writes beside a database",
    "sqlite_full": "the daemon never writes beside a database",
    "sqlite_ioerr": "takes a disk with bad sectors",
    "sqlite_wal_on_network_fs": "takes a file server",
    "sqlite_in_production": "advice of explain, no trouble",
}

IDS: Final = [
    entry.id for family in families() if family.kind in FAMILIES for entry in family.entries
]


def where(hint: str) -> list[str]:
    """Return the tests with real components that name *hint*."""
    named = re.compile(rf"[\"']{hint}[\"']")
    return [
        str(path.relative_to(TESTS))
        for folder in REAL
        for path in sorted((TESTS / folder).glob("test_*.py"))
        if path.name not in NAMED_ONLY and named.search(path.read_text())
    ]


@pytest.mark.parametrize("hint", IDS)
def test_every_hint_is_provoked_or_there_is_a_reason(hint: str) -> None:
    assert where(hint) or hint in UNPROVOKED, (
        f"no test provokes {hint}: provoke it, or say here why that cannot be"
    )


def test_every_reason_is_of_a_hint() -> None:
    assert set(UNPROVOKED) <= set(IDS)
    assert set(HINTS) <= {entry.id for family in families() for entry in family.entries}


def test_most_are_read_in_the_log() -> None:
    read = [hint for hint in IDS if hint in HINTS]
    listed = "\n".join(f"{hint}: {', '.join(where(hint)) or UNPROVOKED.get(hint)}" for hint in IDS)
    assert len(read) * 2 >= len(IDS) - len(UNPROVOKED), listed
