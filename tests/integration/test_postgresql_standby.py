"""A primary and its standby: what each says when one is stopped, paused, cut off or dead."""

from __future__ import annotations

import functools
import os
import signal
from collections.abc import Iterator

import pytest

from tests.support.postgres import Cluster
from tests.support.probing import Found, asked, standby_of, until
from watchdog.engines.postgresql.probes import standby as standby_probe
from watchdog.model import Target

REPLICA = ("replica", "")


@pytest.fixture(scope="module")
def primary(postgres_binaries: None) -> Iterator[Cluster]:
    hba = ("local replication all trust", "host all all 127.0.0.1/32 scram-sha-256")
    with Cluster(hba=hba, wal_level="replica", max_standby_streaming_delay="0") as cluster:
        cluster.create_database("shop")
        yield cluster


@pytest.fixture(scope="module")
def standby(primary: Cluster) -> Iterator[Cluster]:
    made = standby_of(primary)
    primary.sql("insert into note (id) values (-1)", "shop")  # so that it has replayed something
    yield made
    made.remove()


def on(cluster: Cluster) -> Target:
    return cluster.target("shop", "shop")


async def streaming(standby: Cluster) -> Found:
    """Wait until the standby streams and has replayed all."""
    return await until(
        functools.partial(asked, on(standby), "standby"),
        lambda f: (
            f.get("wal_receiver_streaming") == 1
            and f.get("replication_lag_seconds") == 0
            and "last_transaction_replay_timestamp_seconds" in f
        ),
    )


async def written(primary: Cluster) -> None:
    await primary.execute(
        "insert into note (id) select max(id) + n from note, generate_series(1, 2000) n group by n",
        database="shop",
    )


async def test_both_see_each_other(primary: Cluster, standby: Cluster) -> None:
    await written(primary)
    here = await streaming(standby)
    assert here["in_recovery"] == 1
    assert here["wal_receiver_expected"] == 1
    assert here["replay_paused"] == 0
    assert here["wal_receiver_last_message_timestamp_seconds"] > 1.7e9
    assert here.hints == set()
    there = await until(
        functools.partial(asked, on(primary), "standbys"),
        lambda f: f.get("standby_replay_lag_bytes", *REPLICA) == 0,
    )
    assert there["standbys"] == 1
    assert there[("standby_streaming", *REPLICA)] == 1
    assert there[("standby_synchronous", *REPLICA)] == 0
    assert "standby" not in there.suited
    blind = await asked(primary.target("shop", "shop", "plain"), "standbys")
    assert blind["standbys"] == 1
    assert "standby_streaming" not in blind


async def test_every_probe_answers_on_a_standby(standby: Cluster) -> None:
    await streaming(standby)
    found = await asked(on(standby))
    assert {"standby", "conflicts", "wal", "replication_slots", "tables"} <= found.suited
    assert "unused_indexes" not in found.suited
    assert found.hints - {"public_schema_open"} == {"blind_sequences"}  # it is open up to 14
    assert found["database_read_only"] == 1


async def test_a_paused_replay_falls_behind(primary: Cluster, standby: Cluster) -> None:
    await streaming(standby)
    standby.sql("select pg_wal_replay_pause()")
    try:
        await written(primary)
        behind = await until(
            functools.partial(asked, on(standby), "standby"),
            lambda f: (f.get("receive_replay_gap_bytes") or 0) > 0,
        )
        assert behind["replay_paused"] == 1
        assert behind["replication_lag_seconds"] > 0
        there = await until(
            functools.partial(asked, on(primary), "standbys"),
            lambda f: (f.get("standby_replay_lag_bytes", *REPLICA) or 0) > 0,
        )
        assert there[("standby_sent_lag_bytes", *REPLICA)] >= 0
    finally:
        standby.sql("select pg_wal_replay_resume()")
    await streaming(standby)


async def test_a_query_that_is_in_the_way_of_the_replay_is_counted(
    primary: Cluster, standby: Cluster
) -> None:
    await written(primary)
    await streaming(standby)
    reading = await standby.connect("shop")
    try:
        await reading.execute("begin isolation level repeatable read; select from note")
        await primary.execute("delete from note where id > 10", database="shop")
        await primary.execute("vacuum note", database="shop")
        found = await until(
            functools.partial(asked, on(standby), "conflicts", "databases"),
            lambda f: (f.get("conflicts_cancelled_total", "shop", "snapshot") or 0) > 0,
        )
        assert ("shop", "snapshot") in found.labels("conflicts_cancelled_total")
        assert found["database_conflicts_total", "shop"] > 0
    finally:
        reading.terminate()


async def test_a_cut_link_is_told_and_the_lag_is_not_zero(
    primary: Cluster, standby: Cluster
) -> None:
    await streaming(standby)
    right = standby.settings["primary_conninfo"]
    standby.reload(primary_conninfo="host=127.0.0.1 port=1 user=nobody")
    try:
        cut = await until(
            functools.partial(asked, on(standby), "standby"),
            lambda f: f["wal_receiver_streaming"] == 0,
        )
        assert cut["replication_lag_seconds"] > 0
        assert "standby_disconnected" in cut.hints
        assert "is not connected" not in cut.message("standby_disconnected")
        gone = await until(
            functools.partial(asked, on(primary), "standbys"), lambda f: f["standbys"] == 0
        )
        assert gone.labels("standby_streaming") == set()
    finally:
        standby.reload(primary_conninfo=right)
    await streaming(standby)


async def test_a_primary_that_fell_silent_leaves_no_lag_of_zero(
    primary: Cluster, standby: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    await streaming(standby)
    rows = await primary.execute("select pid from pg_stat_replication")
    sender = _outside(primary, rows[0]["pid"])
    os.kill(sender, signal.SIGSTOP)
    try:
        monkeypatch.setattr(standby_probe, "FRESH", 0.2)
        silent = await until(
            functools.partial(asked, on(standby), "standby"),
            lambda f: (f.get("replication_lag_seconds") or 0) > 0,
        )
        assert silent["wal_receiver_streaming"] == 1
    finally:
        os.kill(sender, signal.SIGCONT)


def _outside(cluster: Cluster, pid: int) -> int:
    """Return *pid* as we see it: the server's user namespace keeps process ids as they are."""
    assert pid in cluster.children()
    return pid


async def test_a_dead_primary_leaves_a_standby_that_says_so(
    primary: Cluster, standby: Cluster
) -> None:
    await streaming(standby)
    primary.stop("immediate")
    try:
        alone = await until(
            functools.partial(asked, on(standby), "standby"),
            lambda f: f["wal_receiver_streaming"] == 0,
        )
        assert alone["replication_lag_seconds"] > 0
        assert "standby_disconnected" in alone.hints
    finally:
        primary.start()
    await streaming(standby)


async def test_a_stopped_standby_is_missed_and_its_slot_is_idle(
    primary: Cluster, standby: Cluster
) -> None:
    primary.sql("select pg_create_physical_replication_slot('replica', true)")
    standby.reload(primary_slot_name="replica")
    slot = ("replica", "physical", "")
    await until(
        functools.partial(asked, on(primary), "replication_slots", "standbys"),
        lambda f: f.get("replication_slot_active", *slot) == 1 and f["standbys"] == 1,
    )
    standby.stop()
    found = await until(
        functools.partial(asked, on(primary), "replication_slots", "standbys"),
        lambda f: f["standbys"] == 0,
    )
    assert found[("replication_slot_active", *slot)] == 0
    assert found["replication_slots_inactive"] == 1
    standby.start()
    await written(primary)  # a restart forgets what was replayed last
    await streaming(standby)
