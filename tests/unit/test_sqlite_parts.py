"""The SQLite engine's parts that need no database of an application's."""

from __future__ import annotations

import asyncio
import errno
import os
import sqlite3
import tempfile
import threading
from contextlib import closing
from urllib.parse import unquote_to_bytes, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.sqlite import target_of
from watchdog.engines import find_probes
from watchdog.engines.sqlite import failures, probes
from watchdog.engines.sqlite.activity import Activity
from watchdog.engines.sqlite.files import FileFacts, Files, survey, uri
from watchdog.engines.sqlite.mounts import Mount, covering, mount_of, parse
from watchdog.engines.sqlite.reading import Seen, Way
from watchdog.engines.sqlite.session import SqliteSession, Visited
from watchdog.engines.sqlite.troubles import SqliteTrouble
from watchdog.model import Kind, Phase, Scope
from watchdog.slots import Slots, StillStuckError

# ------------------------------------------------------------------ paths

NAMES = st.binary(min_size=1, max_size=40).filter(
    lambda name: b"/" not in name and b"\x00" not in name and name not in (b".", b"..")
)


@given(NAMES)
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_name_of_a_file_survives_the_uri(name: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/{os.fsdecode(name)}"
        with closing(sqlite3.connect(uri(path, mode="rwc"), uri=True)) as connection:
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute("CREATE TABLE t (x)")
        assert os.listdir(os.fsencode(folder)) == [name]  # noqa: PTH208 - bytes
        with closing(sqlite3.connect(uri(path, mode="ro", immutable="1"), uri=True)) as connection:
            assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (1,)
        assert survey(path).main.size > 0


@given(st.text(alphabet=st.characters(blacklist_categories=("Cs",)), min_size=1, max_size=40))
def test_a_uri_has_the_path_and_nothing_of_it_in_the_query(name: str) -> None:
    name = "/" + name.replace("\x00", "").replace("/", "x")
    parts = urlsplit(uri(name, mode="ro"))
    assert unquote_to_bytes(parts.path) == os.fsencode(name)
    assert (parts.scheme, parts.query, parts.fragment) == ("file", "mode=ro", "")


def test_a_nul_in_a_path_is_refused() -> None:
    with pytest.raises(SqliteTrouble, match="NUL"):
        survey("/tmp/a\x00b.db")


# ------------------------------------------------------------------ mounts

MOUNTINFO = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
23 22 0:5 / /mnt/nfs\\040share rw,relatime - nfs4 server:/x rw,vers=4.2
24 22 0:6 / /mnt/nfs\\040share/local ro,relatime shared:3 master:2 - tmpfs tmpfs rw
25 22 0:7 / /data rw - 9p none rw
26 22 0:8 / /data rw - xfs /dev/sdb1 ro
27 22 0:9 / /ssh rw - fuse.sshfs me@host: rw
a line from the future
"""


@pytest.mark.parametrize(
    ("path", "kind", "network", "read_only"),
    [
        ("/home/a.db", "ext4", False, False),
        ("/mnt/nfs share/a.db", "nfs4", True, False),
        ("/mnt/nfs share", "nfs4", True, False),
        ("/mnt/nfs shared/a.db", "ext4", False, False),
        ("/mnt/nfs share/local/a.db", "tmpfs", False, False),  # for us alone
        ("/data/a.db", "xfs", False, True),  # the last one mounted covers the first
        ("/ssh/a.db", "fuse.sshfs", True, False),
    ],
)
def test_the_mount_of_a_path(path: str, kind: str, network: bool, read_only: bool) -> None:
    mount = covering(parse(MOUNTINFO), path)
    assert mount is not None
    assert (mount.kind, mount.is_network, mount.read_only) == (kind, network, read_only)


def test_no_mounts_no_answer() -> None:
    assert covering((), "/a") is None


def test_this_machine_s_root_is_mounted() -> None:
    mount = mount_of("/")
    assert mount is not None
    assert mount.point == "/"


# ------------------------------------------------------------------ slots


async def test_a_slot_gives_back_value_and_error() -> None:
    slots = Slots()
    assert await slots.run("a", lambda: 7) == 7
    with pytest.raises(KeyError, match="no"):
        await slots.run("a", lambda: {}["no"])
    assert slots.stuck_since("a") is None


async def test_a_stuck_key_fails_at_once_and_others_go_on() -> None:
    slots = Slots()
    release, cancelled = threading.Event(), threading.Event()
    stuck = asyncio.create_task(slots.run("a", release.wait, cancelled.set))
    await asyncio.sleep(0)
    stuck.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stuck
    assert cancelled.is_set()
    with pytest.raises(StillStuckError) as caught:
        await slots.run("a", lambda: 1)
    assert caught.value.since == slots.stuck_since("a")
    assert await slots.run("b", lambda: 2) == 2
    release.set()
    async with asyncio.timeout(5):
        while slots.stuck_since("a") is not None:
            await asyncio.sleep(0.001)
    assert await slots.run("a", lambda: 3) == 3


async def test_cancelled_work_gets_its_time_to_put_things_away() -> None:
    slots = Slots()
    stop, tidy = threading.Event(), threading.Event()

    def work() -> None:
        stop.wait()
        tidy.set()
        raise RuntimeError("stopped")

    running = asyncio.create_task(slots.run("a", work, stop.set, linger=5.0))
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert tidy.is_set()


async def test_threads_are_daemons_few_and_used_again() -> None:
    slots = Slots(idle=2)
    before = threading.active_count()
    names = [
        await slots.run("a", lambda: (threading.current_thread().daemon, threading.get_ident()))
        for _ in range(20)
    ]
    assert all(daemon for daemon, _ in names)
    assert len({ident for _, ident in names}) == 1
    await asyncio.gather(*(slots.run(str(number), lambda: None) for number in range(20)))
    async with asyncio.timeout(5):
        while threading.active_count() > before + 2:
            await asyncio.sleep(0.001)


# ------------------------------------------------------------------ failures


def sqlite_error(name: str, text: str = "words in any language") -> sqlite3.Error:
    error = sqlite3.OperationalError(text)
    error.sqlite_errorname = name
    return error


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        ("SQLITE_BUSY", "sqlite_busy"),
        ("SQLITE_BUSY_RECOVERY", "sqlite_busy"),
        ("SQLITE_LOCKED_SHAREDCACHE", "sqlite_locked_shared_cache"),
        ("SQLITE_NOTADB", "sqlite_notadb"),
        ("SQLITE_CORRUPT", "sqlite_corrupt"),
        ("SQLITE_CORRUPT_INDEX", "sqlite_index_corrupt"),
        ("SQLITE_READONLY_ROLLBACK", "sqlite_needs_recovery"),
        ("SQLITE_FULL", "sqlite_full"),
        ("SQLITE_IOERR_READ", "sqlite_ioerr"),
    ],
)
def test_result_codes_become_hints_whatever_the_words(code: str, hint: str) -> None:
    target = target_of("/srv/data/app.db")
    failure = failures.classify(sqlite_error(code), Phase.READ, target)
    assert (failure.kind, failure.code, failure.hint) == (Kind.SQLITE, code, hint)
    assert failure.facts["path"] == "/srv/data/app.db"
    assert failure.facts["directory"] == "/srv/data"
    assert failure.message.endswith(": /srv/data/app.db")


def test_a_code_that_nobody_knows_is_not_lost() -> None:
    failure = failures.classify(sqlite_error("SQLITE_NOVELTY", "?"), Phase.READ, target_of("/a"))
    assert failure.kind is Kind.SQLITE
    assert failure.code == "SQLITE_NOVELTY"


def test_an_error_of_the_system_keeps_its_errno() -> None:
    failure = failures.classify(OSError(errno.EMFILE, "x"), Phase.OPEN, target_of("/a"))
    assert failure.code == "EMFILE"


def test_a_defect_of_ours_is_internal() -> None:
    failure = failures.classify(ZeroDivisionError("x"), None, target_of("/a"))
    assert failure.kind is Kind.INTERNAL
    assert "ZeroDivisionError" in failure.message


def test_a_deadline_says_what_we_were_doing() -> None:
    failure = failures.timed_out(Phase.STAT, 5.0, target_of("/a.db"))
    assert (failure.kind, failure.phase) == (Kind.TIMEOUT, Phase.STAT)
    assert "5 s" in failure.message
    assert "/a.db" in failure.message


# ------------------------------------------------------------------ probes


@pytest.mark.parametrize(
    ("kind", "wal", "hints"),
    [
        ("nfs4", True, ["sqlite_wal_on_network_fs"]),
        ("nfs4", None, []),
        ("ext4", True, []),
    ],
)
async def test_wal_on_a_network_file_system_is_a_trouble(
    kind: str, wal: bool | None, hints: list[str]
) -> None:
    main = FileFacts(1, 2, 4096, 0, 0, 0, 0o644)
    files = Files("/mnt/a.db", main, None, None, None, Mount("/mnt", kind, "server:/x", False))
    visited = Visited(Seen(files, Way.STAT, wal), None)
    session = SqliteSession(target_of("/mnt/a.db"), visited, Slots(), 0, Activity((1, 2)))
    answers = {name: await probe.ask(session) for name, probe in find_probes(probes).items()}
    assert [each.hint for answer in answers.values() for each in answer.troubles] == hints
    names = {each.metric.name for answer in answers.values() for each in answer.samples}
    assert "watchdog_sqlite_tables" not in names  # not opened: unknown, not 0
    assert "watchdog_sqlite_filesystem_free_bytes" not in names


def test_every_probe_is_of_the_target_and_named_after_the_engine() -> None:
    found = find_probes(probes)
    assert set(found) >= {"file", "schema", "pages", "journal", "filesystem", "library"}
    for probe in found.values():
        assert probe.scope is Scope.TARGET
        assert all(metric.name.startswith("watchdog_sqlite_") for metric in probe.metrics)
