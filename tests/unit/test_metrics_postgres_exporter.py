"""The aliases carry the names, types and labels that postgres_exporter gives them."""

from prometheus_client.parser import text_string_to_metric_families

from tests.support.demo import FakeClock, busy_day
from watchdog.metrics import single
from watchdog.metrics.postgres_exporter import ALIASES, View, translate
from watchdog.model import Metric, MetricType

ACTIVITY = (
    "datname",
    "state",
    "usename",
    "application_name",
    "backend_type",
    "wait_event_type",
    "wait_event",
)
THEIRS = {
    "pg_up": (),
    "pg_exporter_last_scrape_error": (),
    "pg_exporter_last_scrape_duration_seconds": (),
    "pg_static": ("version", "short_version"),
    "pg_replication_is_replica": (),
    "pg_postmaster_start_time_seconds": (),
    "pg_settings_max_connections": (),
    "pg_stat_activity_count": ACTIVITY,
    "pg_database_size_bytes": ("datname",),
}
BY_STATE = Metric("watchdog_postgresql_connections", MetricType.GAUGE, "C.", ("state",))
LIMIT = Metric("watchdog_postgresql_connections_limit", MetricType.GAUGE, "L.")
START = Metric("watchdog_postgresql_start_timestamp_seconds", MetricType.GAUGE, "S.")


def view(up=True, failed=False, facts=None, *samples):
    found = {}
    for sample in samples:
        found.setdefault(sample.metric.name, []).append(sample)
    return View(up, failed, 0.25, found, facts or {})


def read(view):
    return {(s.metric.name, s.labels): s.value for s in translate(view)}


def test_names_and_labels_are_theirs():
    assert {alias.metric.name: alias.metric.labels for alias in ALIASES} == THEIRS
    assert {alias.metric.type for alias in ALIASES} == {MetricType.GAUGE}


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
