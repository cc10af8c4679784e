"""Each probe on a real server: the condition is made true, and the number moves."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import asyncpg
import pytest

from tests.support.postgres import Cluster, Database, with_probe
from tests.support.probing import Found, asked, until
from watchdog.engines.postgresql.probes import (
    activity,
    blocking,
    duplicate_indexes,
    foreign_keys,
    prepared_transactions,
    transaction_ids,
    unused_indexes,
)

READER = "reader"  # pg_monitor and pg_read_all_data, as monitoring-role.sql makes it


@pytest.fixture(scope="module")
def server(postgres_binaries: None) -> Iterator[Cluster]:
    settings = {
        "wal_level": "logical",
        "max_prepared_transactions": 5,
        "shared_preload_libraries": "pg_stat_statements",
        "archive_mode": "on",
        "archive_command": "true",
        "min_wal_size": "32MB",
        "max_wal_size": "32MB",
    }
    with Cluster(**settings) as cluster:
        cluster.create_role(READER, "reader-S3cret")
        cluster.sql(f"grant pg_monitor, pg_read_all_data to {READER}")
        yield cluster


@pytest.fixture
def database(server: Cluster) -> Iterator[Database]:
    made = server.create_database()
    yield made
    server.drop_database(made.name)


@pytest.fixture
async def other(database: Database) -> AsyncIterator[asyncpg.Connection]:
    """Give somebody else's connection to the database."""
    connection = await database.cluster.connect(database.name)
    yield connection
    await connection.close(timeout=5)


@contextlib.asynccontextmanager
async def running(database: Database, *statements: str) -> AsyncIterator[None]:
    """Have a session of its own work at the last of *statements*, and end it with the block."""
    connection = await database.cluster.connect(database.name)
    *before, statement = statements
    for each in before:
        await connection.execute(each)
    work = asyncio.ensure_future(connection.execute(statement))
    try:
        yield
    finally:
        done, _ = await asyncio.wait([work], timeout=0.5)
        if not done:
            connection.terminate()
        with contextlib.suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            await work
        await connection.close(timeout=5)


def reader(database: Database) -> Any:
    """Return the database as a target of the role that is recommended."""
    return database.cluster.target("shop", database.name, READER, password="reader-S3cret")


async def ask(database: Database, *names: str) -> Found:
    return await asked(reader(database), *names)


async def test_every_probe_declares_what_it_answers_and_none_is_wrong_on_a_calm_server(
    database: Database,
) -> None:
    found = await ask(database)
    assert found.hints == (set() if await _version(database) >= 15 else {"public_schema_open"})
    assert "standby" not in found.suited
    assert {"activity", "tables", "sequences", "statements", "settings"} <= found.suited


# ------------------------------------------------------------------ sessions


async def test_a_blocked_session_is_counted_with_its_wait_and_its_blocker(
    database: Database, other: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocking, "LONG", 0.0)
    calm = await ask(database, "blocking", "locks")
    assert (calm["blocked_sessions"], calm["longest_block_seconds"]) == (0, 0)
    assert calm["locks_waiting"] == 0
    await other.execute("set application_name = 'migration'; begin; lock table note")
    async with running(database, "begin; lock table note; rollback"):
        for target in (reader(database), database.target(user="plain")):  # it sees locks, too
            found = await until(
                functools.partial(asked, target, "blocking", "locks"),
                lambda f: f["blocked_sessions"] == 1 and f["longest_block_seconds"] > 0,
            )
            assert found["blocking_sessions"] == 1
            assert found["locks_waiting"] == 1
            assert found["locks", database.name, "AccessExclusiveLock"] == 2
            assert "sessions_blocked" in found.hints
        found = await ask(database, "blocking")
        assert "migration, idle in transaction" in found.message("sessions_blocked")
        await other.execute("rollback")
    assert (await ask(database, "blocking"))["blocked_sessions"] == 0


async def test_an_old_transaction_is_seen_and_a_dump_is_told_apart(
    database: Database, other: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    calm = await until(
        lambda: ask(database, "activity"), lambda f: f["oldest_transaction_seconds"] == 0
    )
    assert calm["longest_dump_seconds"] == 0
    await other.execute("set application_name = 'pg_dump'; begin; select 1")
    dump = await ask(database, "activity")
    assert dump["longest_dump_seconds"] > 0
    assert dump["oldest_transaction_seconds"] == dump["oldest_idle_in_transaction_seconds"] == 0
    await other.execute("set application_name = 'shop'")
    monkeypatch.setattr(activity, "LONG_IDLE", 0.0)
    held = await ask(database, "activity")
    assert held["oldest_transaction_seconds"] >= held["oldest_idle_in_transaction_seconds"] > 0
    assert held["longest_dump_seconds"] == 0
    assert "(shop)" in held.message("long_transaction")


async def test_a_blind_role_says_so_and_calls_nothing_zero(
    database: Database, other: asyncpg.Connection
) -> None:
    await other.execute("begin; select 1")
    found = await asked(database.target(user="plain"))
    assert found["watchdog_privileges_ok"] == 0
    assert found["hidden_sessions"] >= 1
    assert {"blind_role", "blind_sequences"} <= found.hints
    for name in (
        "oldest_transaction_seconds",
        "autovacuum_workers",
        "archive_waiting_segments",
        "wal_segments",
        "vacuums",
        "network_connections",
        "sequence_used_ratio_max",
        "multixact_members",
    ):
        assert name not in found, name
    assert found.labels("oldest_snapshot_age_transactions") == {
        ("replication_slots",),
        ("prepared_transactions",),
    }


async def test_a_snapshot_that_is_held_grows_old(
    database: Database, other: asyncpg.Connection
) -> None:
    await other.execute("begin isolation level repeatable read; select 1")
    await database.execute(*["insert into note (id) select max(id) + 1 from note"] * 5)
    found = await ask(database, "horizon")
    assert found["oldest_snapshot_age_transactions", "sessions"] >= 5


async def test_a_forgotten_prepared_transaction_is_named(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await ask(database, "prepared_transactions"))["prepared_transactions"] == 0
    await database.cluster.execute(
        "begin", "delete from note", "prepare transaction 'lost-1'", database=database.name
    )
    try:
        monkeypatch.setattr(prepared_transactions, "FORGOTTEN", 0.0)
        found = await ask(database, "prepared_transactions", "horizon")
        assert found["prepared_transactions"] == 1
        assert found["oldest_prepared_transaction_seconds"] > 0
        assert found["oldest_snapshot_age_transactions", "prepared_transactions"] >= 1
        assert f"'lost-1' of postgres in {database.name}" in found.message(
            "forgotten_prepared_transaction"
        )
    finally:
        await database.execute("rollback prepared 'lost-1'")


async def test_clients_by_network_are_counted(database: Database) -> None:
    found = await ask(database, "encryption")
    assert found["network_connections", "no"] >= 1
    assert found["network_connections", "yes"] == 0


# ------------------------------------------------------------------ the server


async def test_what_a_database_does_is_counted(database: Database) -> None:
    before = await ask(database, "databases", "wal", "checkpoints", "io")
    await database.execute(
        "insert into note (id) select n from generate_series(1000, 1999) n",
        "select pg_stat_force_next_flush()" if await _version(database) >= 15 else "select 1",
    )
    await database.execute("checkpoint")
    found = await until(
        lambda: ask(database, "databases", "wal", "checkpoints", "io"),
        lambda f: (
            f["database_rows_inserted_total", database.name]
            >= before["database_rows_inserted_total", database.name] + 1000
        ),
    )
    assert found["wal_position_bytes_total"] > before["wal_position_bytes_total"]
    assert found["wal_bytes_total"] > before["wal_bytes_total"]
    assert found["checkpoints_requested_total"] > before["checkpoints_requested_total"]
    assert found["checkpoint_last_timestamp_seconds"] > 1.7e9
    assert found["database_sessions", database.name] >= 1
    assert found.labels("database_commits_total") == {(database.name,)}
    if await _version(database) >= 16:
        assert found["io_hits_total", "client backend", "relation"] > 0


async def _version(database: Database) -> int:
    text = str((await database.execute("show server_version_num"))[0][0])
    return int(text) // 10_000


async def test_ages_of_transaction_ids_grow_and_alarm(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await ask(database, "transaction_ids")
    await database.execute(*["select txid_current()"] * 3)
    found = await ask(database, "transaction_ids")
    age = "database_transaction_id_age"
    assert found[age, database.name] >= before[age, database.name] + 3
    assert found["oldest_transaction_id_age"] >= found[age, database.name]
    assert found["databases", "watched"] == 1
    assert found["databases", "template"] >= 2
    assert found.hints == set()
    monkeypatch.setattr(transaction_ids, "ALARMING", 1)
    assert "wraparound" in (await ask(database, "transaction_ids")).hints


async def test_members_of_multixacts_are_counted_where_somebody_granted_it(
    database: Database, other: asyncpg.Connection
) -> None:
    made = "multixact_members_made_total"
    before = await ask(database, "transaction_ids")
    assert "multixact_members" not in before
    await other.execute("begin; select from note where id = 1 for share")
    second = await database.cluster.connect(database.name)
    await second.execute("begin; select from note where id = 1 for share")
    await second.close()
    await other.execute("rollback")
    await database.execute("checkpoint", f"grant execute on function pg_ls_dir(text) to {READER}")
    found = await ask(database, "transaction_ids")
    assert found[made] >= before[made] + 2
    assert found["multixact_members"] >= 52_352


async def test_an_invalid_database_is_counted_and_costs_nothing_else(
    server: Cluster, database: Database
) -> None:
    broken = server.create_database("interrupted_drop")
    server.sql("update pg_database set datconnlimit = -2 where datname = 'interrupted_drop'")
    try:
        found = await asked(reader(database), "transaction_ids", "database_size", "databases")
        assert found["databases", "invalid"] == 1
        assert found["database_size_bytes", database.name] > 0
    finally:
        server.sql("update pg_database set datconnlimit = -1 where datname = 'interrupted_drop'")
        server.drop_database(broken.name)


async def test_a_changed_setting_and_one_that_waits_for_a_restart_are_noticed(
    database: Database,
) -> None:
    before = await ask(database, "settings")
    assert before["setting_bytes", "shared_buffers"] == 16 * 2**20
    assert before["setting_seconds", "checkpoint_timeout"] == 300
    assert before["setting", "fsync"] == 0
    assert before["settings_pending_restart"] == 0
    connections = before["setting", "max_connections"]
    try:
        await database.execute(
            "alter system set work_mem = '5MB'",
            "alter system set max_connections = 123",
            "select pg_reload_conf()",
        )
        found = await until(
            lambda: ask(database, "settings"), lambda f: f["settings_pending_restart"] == 1
        )
        assert found["setting_bytes", "work_mem"] == 5 * 2**20
        assert found["setting", "max_connections"] == connections
        assert found["settings_fingerprint"] != before["settings_fingerprint"]
    finally:
        await database.execute("alter system reset all", "select pg_reload_conf()")


async def test_a_failing_archiver_is_told_with_what_waits(
    server: Cluster, database: Database
) -> None:
    well = await until(
        lambda: _switched(database, "archiver"),
        lambda f: f["archived_segments_total"] > 0,
        pace=0.5,
    )
    assert well["archive_failing"] == 0
    server.reload(archive_command="false")
    try:
        failing = await until(
            lambda: _switched(database, "archiver"), lambda f: f["archive_failing"] == 1, pace=0.5
        )
        assert failing["archive_failures_total"] > 0
        assert failing["archive_waiting_segments"] >= 1
        assert failing["archive_last_failure_timestamp_seconds"] > 1.7e9
        assert "wal_archive_failed" in failing.hints
        assert "archive_waiting_segments" not in await asked(
            database.target(user="plain"), "archiver"
        )
    finally:
        server.reload(archive_command="true")
    await until(
        lambda: _switched(database, "archiver"), lambda f: f["archive_failing"] == 0, pace=0.5
    )


async def _switched(database: Database, *names: str) -> Found:
    await database.execute("insert into note (id) select max(id) + 1 from note")
    await database.execute("select pg_switch_wal()")
    return await ask(database, *names)


async def test_a_slot_that_nobody_reads_fills_and_is_abandoned(
    server: Cluster, database: Database
) -> None:
    server.sql(
        "select pg_create_physical_replication_slot('left_behind', true);"
        " select pg_create_logical_replication_slot('filled', 'pgoutput')"
    )
    slot = ("left_behind", "physical", "")
    try:
        found = await ask(database, "replication_slots", "slot_statistics", "wal_directory")
        assert found["replication_slots"] == 2
        assert found[("replication_slot_active", *slot)] == 0
        assert found[("replication_slot_wal_status", *slot, "reserved")] == 1
        assert found["replication_slot_unconfirmed_bytes", "filled", "logical", "postgres"] >= 0
        assert ("filled",) in found.labels("slot_decoded_bytes_total")
        before = found[("replication_slot_retained_bytes", *slot)]
        filled = await until(
            lambda: _switched(database, "replication_slots", "wal_directory"),
            lambda f: (*slot, "extended") in f.labels("replication_slot_wal_status"),
        )
        assert filled[("replication_slot_retained_bytes", *slot)] > before
        assert filled["replication_slots_retained_bytes"] >= 32 * 2**20
        assert filled["wal_size_bytes"] >= 32 * 2**20
        assert filled["wal_segments"] * 16 * 2**20 == filled["wal_size_bytes"]
        assert "left_behind" in " ".join(trouble.message for trouble in filled.troubles)
        assert "replication_slot_abandoned" in filled.hints
    finally:
        server.sql(
            "select pg_drop_replication_slot('left_behind'), pg_drop_replication_slot('filled')"
        )
    assert (await ask(database, "replication_slots"))["replication_slots"] == 0


async def test_a_running_vacuum_shows_its_phase(database: Database) -> None:
    await database.execute(
        "create table wide as select n, repeat('x', 500) from generate_series(1, 20000) n",
        "delete from wide",
    )
    async with running(
        database, "set vacuum_cost_delay = 100", "set vacuum_cost_limit = 1", "vacuum wide"
    ):
        found = await until(
            lambda: ask(database, "vacuum_progress"),
            lambda f: bool(f.labels("vacuum_heap_blocks_scanned")),
        )
        (labels,) = found.labels("vacuum_heap_blocks")
        assert labels[0] == database.name
        assert found[("vacuum_heap_blocks", *labels)] > 100
        assert sum(found.values["vacuums"].values()) == 1


async def test_a_subscription_whose_worker_fails_is_stopped(
    server: Cluster, database: Database
) -> None:
    await database.execute(
        f"create subscription orders connection 'host={server.folder} port={server.port}"
        f" user=postgres dbname={database.name}' publication nothing with (connect = false)"
    )
    try:
        labels = ("orders", database.name)
        found = await ask(database, "subscriptions")
        assert found[("subscription_enabled", *labels)] == 0
        assert found.hints == set()
        await database.execute("alter subscription orders enable")
        found = await until(
            lambda: ask(database, "subscriptions"),
            lambda f: "subscription_stopped" in f.hints,
        )
        assert found[("subscription_running", *labels)] == 0
        assert "subscription orders" in found.message("subscription_stopped")
    finally:
        await database.execute(
            "alter subscription orders disable",
            "alter subscription orders set (slot_name = none)",
            "drop subscription orders",
        )


async def test_a_second_superuser_is_named(server: Cluster, database: Database) -> None:
    assert (await ask(database, "superusers")).hints == set()
    server.create_role("root2", "x", "login superuser")
    found = await ask(database, "superusers")
    assert found["superusers"] == 2
    assert found.message("superusers").endswith(": root2")
    server.sql("drop role root2")


# ------------------------------------------------------------------ the database


async def test_tables_beyond_the_cap_are_added_up(database: Database) -> None:
    await database.execute(
        "update account set name = name || '!'",
        "delete from note where id <= 10",
        "analyze",
    )
    target = with_probe(reader(database), tables=1)

    async def look() -> Found:
        return await asked(target, "tables", "table_sizes")

    found = await until(
        look,
        lambda f: (
            f.values.get("table_dead_rows", {}).get(("public", "account")) == 100
            and f.values["table_dead_rows"].get(("", "other")) == 10
        ),
    )
    assert found["tables"] == 2
    assert found["tables_left_out"] == 1
    assert found["table_rows_updated_total", "public", "account"] == 100
    assert found["table_analyzes_total", "public", "account"] == 1
    assert found["table_last_analyze_timestamp_seconds", "public", "account"] > 1.7e9
    assert found["table_size_bytes", "public", "account"] == 16384
    assert found["table_size_bytes", "", "other"] >= 8192
    assert found["oldest_table_transaction_id_age"] > 0
    none = await asked(with_probe(target, tables=0), "tables", "table_sizes", "sequences")
    assert none["tables_left_out"] == 2
    assert none["table_dead_rows", "", "other"] == 110
    assert none.labels("sequence_used_ratio") == set()


async def test_a_table_that_was_never_analyzed_has_no_size(database: Database) -> None:
    await database.execute("create table fresh as select 1 as n")
    found = await ask(database, "table_sizes")
    assert found["tables_never_analyzed"] >= 1
    assert ("public", "fresh") not in found.labels("table_size_bytes")


async def test_nothing_waits_for_a_table_that_is_locked(
    database: Database, other: asyncpg.Connection
) -> None:
    await other.execute(
        "begin; lock table account, note; drop sequence if exists nothing;"
        " alter table account alter column id drop identity"
    )
    found = await ask(
        database, "tables", "table_sizes", "indexes", "sequences", "foreign_keys", "unused_indexes"
    )
    assert found["tables"] == 2
    assert found["sequences_locked"] == 1
    assert found["sequences_unreadable"] == 0


async def test_a_half_used_sequence_is_measured_by_its_column(database: Database) -> None:
    await database.execute(
        "create sequence big",
        "create table narrow (id int default nextval('big'))",
        "select setval('big', 1073741824)",
        "create sequence down increment -1 minvalue -100 maxvalue -1",
        "select setval('down', -25)",
        "create sequence ring maxvalue 10 cycle",
        "select setval('ring', 10)",
        "create sequence untouched",
    )
    found = await ask(database, "sequences")
    used = "sequence_used_ratio"
    assert found[used, "public", "big"] == pytest.approx(0.5)
    assert found[used, "public", "down"] == pytest.approx(0.25)
    assert ("public", "ring") not in found.labels(used)
    assert found[used, "public", "untouched"] == 0
    assert found["sequence_used_ratio_max"] == pytest.approx(0.5)
    assert found["sequences"] == 5
    assert found.hints == set()
    await database.execute("select setval('big', 2000000000)")
    full = await ask(database, "sequences")
    assert "public.big for public.narrow.id (93%)" in full.message("sequence_exhausted")


async def test_sequences_that_may_not_be_read_are_counted_and_not_called_empty(
    database: Database,
) -> None:
    found = await asked(database.target(user="watchdog"), "sequences")
    assert found["sequences_unreadable"] == found["sequences"] == 1
    assert "sequence_used_ratio_max" not in found
    assert "public.account_id_seq" in found.message("blind_sequences")


async def test_an_invalid_index_is_found_but_not_one_that_is_being_built(
    database: Database, other: asyncpg.Connection
) -> None:
    assert (await ask(database, "indexes"))["invalid_indexes"] == 0
    await database.execute("create table twice as select 1 as n from generate_series(1, 2)")
    with pytest.raises(asyncpg.UniqueViolationError):
        await database.execute("create unique index concurrently broken on twice (n)")
    found = await ask(database, "indexes")
    assert found["invalid_indexes"] == 1
    assert found.message("invalid_index").endswith(": public.broken")
    await database.execute("drop index broken")
    await other.execute("begin; insert into twice values (3)")
    async with running(database, "create index concurrently slow on twice (n)"):
        found = await until(lambda: ask(database, "indexes"), lambda f: f["indexes_building"] == 1)
        assert found["invalid_indexes"] == 0
        await other.execute("rollback")


async def test_statements_are_added_up_and_the_dearest_told_by_id(database: Database) -> None:
    target = with_probe(reader(database), statements=3)
    assert (await asked(target, "statements"))["statements_available"] == 0
    await database.execute(
        "create schema extra", "create extension pg_stat_statements schema extra"
    )
    before = await asked(target, "statements")
    assert before["statements_available"] == 1
    await database.execute("select sum(n) from generate_series(1, 200000) n")
    found = await asked(target, "statements")
    assert found["statements_calls"] > before["statements_calls"]
    assert found["statements_execution_seconds"] > before["statements_execution_seconds"]
    assert found["statements_reset_timestamp_seconds"] > 1.7e9
    ids = found.labels("statement_calls_total")
    assert len(ids) == 3
    assert all(queryid.lstrip("-").isdigit() for (queryid,) in ids)
    assert not (await asked(replace(target, probe=reader(database).probe), "statements")).labels(
        "statement_calls_total"
    )


async def test_advice_on_indexes_and_keys_is_given_once_they_are_large(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("unused_indexes", "duplicate_indexes", "foreign_keys")
    await database.execute(
        "create index note_account on note (account_id)",
        "create index note_account_again on note (account_id)",
        "create index note_some on note (account_id) where id > 5",
        "analyze",
    )
    small = await ask(database, *names)
    assert small.hints == set()
    assert "unused_indexes_bytes" not in small  # the statistics are young
    monkeypatch.setattr(unused_indexes, "TELLING", -1.0)
    monkeypatch.setattr(unused_indexes, "LARGE", 1)
    monkeypatch.setattr(duplicate_indexes, "LARGE", 1)
    monkeypatch.setattr(foreign_keys, "LARGE", 1)
    found = await ask(database, *names)
    assert found["unused_indexes_bytes"] == 3 * 16384
    assert found["duplicate_indexes_bytes"] == 16384
    assert found["foreign_keys_without_index"] == 0
    assert "public.note_account_again as public.note_account" in found.message("duplicate_indexes")
    assert "public.note_some" in found.message("unused_indexes")
    await database.execute("drop index note_account, note_account_again")
    bare = await ask(database, *names)
    assert bare["foreign_keys_without_index"] == 1
    assert "note_account_id_fkey of public.note" in bare.message("foreign_key_without_index")


async def test_advice_on_extensions_collations_and_the_public_schema(database: Database) -> None:
    names = ("extensions", "collations", "public_schema")
    since_15 = await _version(database) >= 15  # knows the collation's version; closed the schema
    await database.execute(
        "create extension pg_stat_statements", "revoke create on schema public from public"
    )
    calm = await ask(database, *names)
    assert calm["outdated_extensions"] == calm["public_schema_open"] == 0
    assert calm.get("collation_mismatches") == (0 if since_15 else None)
    await database.execute(
        "update pg_extension set extversion = '1.0' where extname = 'pg_stat_statements'",
        "grant create on schema public to public",
    )
    if since_15:
        await database.execute(
            f"update pg_database set datcollversion = '1' where datname = '{database.name}'"
        )
    found = await ask(database, *names)
    assert found["outdated_extensions"] == found["public_schema_open"] == 1
    assert {"extension_outdated", "public_schema_open"} <= found.hints
    assert "pg_stat_statements 1.0 (now " in found.message("extension_outdated")
    if not since_15:
        return
    assert found["collation_mismatches"] == 1
    assert "collation_mismatch" in found.hints
    await database.execute(
        f"update pg_database set datcollversion = null where datname = '{database.name}'"
    )
