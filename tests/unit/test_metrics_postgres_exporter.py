"""The aliases carry the names, types and labels that postgres_exporter gives them."""

from collections import defaultdict

from prometheus_client.parser import text_string_to_metric_families

from tests.support.demo import FakeClock, busy_day
from watchdog.engines import find_engines
from watchdog.engines.postgresql.probes import settings
from watchdog.metrics import single
from watchdog.metrics.aliases import View
from watchdog.metrics.postgres_exporter import ALIASES, translate
from watchdog.model import Metric, MetricType

GAUGE, COUNTER = MetricType.GAUGE, MetricType.COUNTER
ACTIVITY = (
    "datname",
    "state",
    "usename",
    "application_name",
    "backend_type",
    "wait_event_type",
    "wait_event",
)
TABLE = ("datname", "schemaname", "relname")
DATABASE = ("datid", "datname")
SLOT = ("slot_name", "slot_type")
# Some of theirs, as the exporter 0.17 has them.
THEIRS = {
    "pg_up": (GAUGE, ()),
    "pg_exporter_last_scrape_error": (GAUGE, ()),
    "pg_static": (GAUGE, ("version", "short_version")),
    "pg_replication_is_replica": (GAUGE, ()),
    "pg_replication_lag_seconds": (GAUGE, ()),
    "pg_replication_slots_active": (GAUGE, ("slot_name", "database")),
    "pg_replication_slots_wal_status": (GAUGE, (*SLOT, "wal_status")),
    "pg_settings_max_connections": (GAUGE, ()),
    "pg_settings_shared_buffers_bytes": (GAUGE, ()),
    "pg_settings_checkpoint_timeout_seconds": (GAUGE, ()),
    "pg_stat_activity_count": (GAUGE, ACTIVITY),
    "pg_stat_archiver_failed_count": (COUNTER, ()),
    "pg_stat_bgwriter_checkpoint_write_time_total": (COUNTER, ()),
    "pg_stat_checkpointer_num_timed_total": (COUNTER, ()),
    "pg_stat_database_xact_commit": (COUNTER, DATABASE),
    "pg_stat_database_blk_read_time": (COUNTER, DATABASE),
    "pg_stat_database_conflicts_confl_lock": (COUNTER, DATABASE),
    "pg_stat_database_numbackends": (GAUGE, DATABASE),
    "pg_database_size_bytes": (GAUGE, ("datname",)),
    "pg_locks_count": (GAUGE, ("datname", "mode")),
    "pg_stat_user_tables_n_dead_tup": (GAUGE, TABLE),
    "pg_stat_user_tables_seq_scan": (COUNTER, TABLE),
    "pg_stat_user_tables_table_size_bytes": (GAUGE, TABLE),
    "pg_stat_statements_calls_total": (COUNTER, ("user", "datname", "queryid")),
    "pg_wal_size_bytes": (GAUGE, ()),
}
BY_STATE = Metric("watchdog_postgresql_connections", MetricType.GAUGE, "C.", ("state",))
LIMIT = Metric("watchdog_postgresql_connections_limit", MetricType.GAUGE, "L.")
START = Metric("watchdog_postgresql_start_timestamp_seconds", MetricType.GAUGE, "S.")


REASONS = ("bufferpin", "deadlock", "lock", "snapshot", "tablespace")
# Enough labels for every metric: those with a closed list of words have each of them.
LABELS = [
    defaultdict(lambda: "x", {"reason": REASONS[n % len(REASONS)], "name": name})
    for n, name in enumerate(settings.NAMES)
]


def view(up=True, failed=False, facts=None, *samples):
    found = {}
    for sample in samples:
        found.setdefault(sample.metric.name, []).append(sample)
    return View(up, failed, 0.25, found, facts or {})


def read(view):
    return {(s.metric.name, s.labels): s.value for s in translate(view)}


def test_names_types_and_labels_are_theirs():
    ours = {alias.metric.name: (alias.metric.type, alias.metric.labels) for alias in ALIASES}
    assert {name: ours.get(name) for name in THEIRS} == THEIRS
    assert len(ours) == len(ALIASES)
    assert all(name.startswith("pg_") for name in ours)


def test_every_alias_reads_a_metric_that_exists():
    declared = {
        metric.name: metric
        for probe in find_engines()["postgresql"].probes.values()
        for metric in probe.metrics
    }
    everything = [
        metric.sample(1.7e9, *(labels[label] for label in metric.labels))
        for metric in declared.values()
        for labels in LABELS
    ]
    facts = {"version": "17.10", "role": "standby"}
    found = {name for name, _ in read(view(True, False, facts, *everything))}
    assert found == {alias.metric.name for alias in ALIASES}


def test_units_and_spellings_are_theirs():
    def metric(name, *labels):
        return Metric(f"watchdog_postgresql_{name}", GAUGE, "M.", labels)

    samples = (
        metric("database_block_read_seconds_total", "datname").sample(1.5, "shop"),
        metric("locks", "datname", "mode").sample(2, "shop", "AccessShareLock"),
        metric("table_size_bytes", "schemaname", "relname").sample(8192, "public", "note"),
        metric("table_toast_size_bytes", "schemaname", "relname").sample(100, "public", "note"),
        metric("table_size_bytes", "schemaname", "relname").sample(9e9, "", "other"),
        metric("setting_bytes", "name").sample(5, "work_mem"),
        metric("setting_bytes", "name").sample(7, "shared_buffers"),
        metric("conflicts_cancelled_total", "datname", "reason").sample(3, "shop", "lock"),
        metric("replication_slot_active", *SLOT, "datname").sample(1, "s", "logical", "shop"),
        metric("statement_calls_total", "queryid").sample(4, "-17"),
    )
    found = read(View(True, False, 0.0, sorted_by_name(samples), {}, "shop"))
    assert {key: value for key, value in found.items() if "exporter" not in key[0]} == {
        ("pg_up", ()): 1,
        ("pg_stat_database_blk_read_time", ("", "shop")): 1500,
        ("pg_locks_count", ("shop", "accesssharelock")): 2,
        ("pg_stat_user_tables_table_size_bytes", ("shop", "public", "note")): 8292,
        ("pg_settings_work_mem_bytes", ()): 5,
        ("pg_settings_shared_buffers_bytes", ()): 7,
        ("pg_stat_database_conflicts_confl_lock", ("", "shop")): 3,
        ("pg_replication_slots_active", ("s", "shop")): 1,
        ("pg_replication_slots_slot_is_active", ("s", "logical")): 1,
        ("pg_stat_statements_calls_total", ("", "shop", "-17")): 4,
    }


def sorted_by_name(samples):
    found = {}
    for sample in samples:
        found.setdefault(sample.metric.name, []).append(sample)
    return found


def test_values_are_those_of_our_probes():
    found = read(
        view(
            True,
            False,
            {"version": "17.10 (Debian 17.10-1)", "role": "standby"},
            BY_STATE.sample(3, "idle"),
            BY_STATE.sample(1, "active"),
            LIMIT.sample(100),
            START.sample(1.5e9),
        )
    )
    nothing = ("",) * 5
    assert found == {
        ("pg_up", ()): 1,
        ("pg_exporter_last_scrape_error", ()): 0,
        ("pg_exporter_last_scrape_duration_seconds", ()): 0.25,
        ("pg_static", ("17.10 (Debian 17.10-1)", "17.10")): 1,
        ("pg_replication_is_replica", ()): 1,
        ("pg_settings_max_connections", ()): 100,
        ("pg_stat_activity_count", ("", "idle", *nothing)): 3,
        ("pg_stat_activity_count", ("", "active", *nothing)): 1,
        ("pg_postmaster_start_time_seconds", ()): 1.5e9,
    }


def test_what_is_not_known_is_absent():
    found = read(view(False, True))
    assert {name for name, _ in found} == {
        "pg_up",
        "pg_exporter_last_scrape_error",
        "pg_exporter_last_scrape_duration_seconds",
    }
    assert found["pg_up", ()] == 0


def test_the_page_of_one_target_has_no_family_twice():
    store = busy_day(FakeClock())
    for status in store.statuses():
        server = store.server(status.server.name) if status.server else None
        for finished in (True, False):
            text = single.page(single.Probed(status, server, finished, 0.1), {}).decode()
            types = [line for line in text.splitlines() if line.startswith("# TYPE")]
            assert len(types) == len(set(types))
            assert list(text_string_to_metric_families(text))
