"""What `/metrics` says, and when it stops saying it."""

import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from tests.support.demo import (
    CONNECTIONS,
    CROWDED,
    FILE_SIZE,
    NOW,
    WRONG_PASSWORD,
    FakeClock,
    backed_up,
    postgresql,
    run,
    server_round,
    sqlite,
    visit,
)
from watchdog.metrics import names
from watchdog.metrics.exposition import Exposition, lifetime
from watchdog.metrics.process import ProcessState, SystemView
from watchdog.model import Kind, Metric, MetricType, Outcome, Server
from watchdog.results import BackupStatus, ResultStore

SERVER = Server("postgres:5432", "postgresql")
AUTH = postgresql("auth-service", database="auth_db", labels={"team": "codelab"})
BILLING = postgresql("billing")
NOTES = sqlite("notes", backup=backed_up())


class World:
    """A store and an exposition of it, fed as the report feeds them."""

    def __init__(self, *placed, **more):
        self.clock = FakeClock()
        self.store = ResultStore(self.clock)
        self.store.configure(placed)
        self.exposition = Exposition(self.store, self.clock, describe, **more)

    def take(self, result):
        self.store.put(result)
        self.exposition.on_result(result)

    def take_backup(self, name, status):
        self.store.put_backup(name, status)
        self.exposition.on_backup(name)

    def series(self):
        """Every series of the page, parsed from both formats, which must agree."""
        found = {}
        for family in parse_text(self.exposition.page().decode()):
            for sample in family.samples:
                key = (sample.name, frozenset(sample.labels.items()))
                assert key not in found, key
                found[key] = sample.value
        also = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in parse_openmetrics(self.exposition.page(openmetrics=True).decode())
            for sample in family.samples
        }
        moving = {key for key in found if key[0].startswith("process_")}
        assert all(also[key] == found[key] for key in found.keys() - moving)
        assert also.keys() == found.keys()
        return found

    def value(self, metric, **labels):
        """The one value of *metric* whose series has exactly these labels; None if absent."""
        name = metric if isinstance(metric, str) else metric.name
        return self.series().get((name, frozenset(labels.items())))

    def names(self):
        return {name for name, _ in self.series()}


def describe(target):
    if target.engine == "postgresql":
        return {"server": "postgres:5432", "datname": target.url.database}
    return {"path": target.url.path}


NOTES_LABELS = {"target": "notes", "engine": "sqlite"}
AUTH_LABELS = {"target": "auth-service", "engine": "postgresql"}


@pytest.fixture
def world():
    return World((AUTH, SERVER), (BILLING, SERVER), (NOTES, None))


def test_up_is_absent_until_the_first_visit_and_then_always_there(world):
    assert "watchdog_up" not in world.names()
    world.take(visit(world.clock, NOTES))
    assert world.value("watchdog_up", **NOTES_LABELS) == 1
    world.clock.advance(86400)
    assert world.value("watchdog_up", **NOTES_LABELS) == 1
    world.take(visit(world.clock, NOTES, failure=WRONG_PASSWORD))
    assert world.value("watchdog_up", **NOTES_LABELS) == 0


def test_target_info_comes_from_configuration_alone(world):
    assert (
        world.value(
            "watchdog_target_info",
            **AUTH_LABELS,
            server="postgres:5432",
            datname="auth_db",
            label_team="codelab",
        )
        == 1
    )
    assert world.value("watchdog_target_info", **NOTES_LABELS, path="/srv/data/notes.db") == 1


def test_availability_is_exact_at_the_moment_of_the_scrape(world):
    assert world.value("watchdog_observed_seconds_total", **NOTES_LABELS) == 0
    world.take(visit(world.clock, NOTES))
    world.clock.advance(10)
    assert world.value("watchdog_observed_seconds_total", **NOTES_LABELS) == 10
    world.take(visit(world.clock, NOTES, failure=WRONG_PASSWORD))
    world.clock.advance(2.5)
    assert world.value("watchdog_observed_seconds_total", **NOTES_LABELS) == 12.5
    assert world.value("watchdog_down_seconds_total", **NOTES_LABELS) == 2.5
    world.take(visit(world.clock, NOTES))
    world.clock.advance(100)
    assert world.value("watchdog_down_seconds_total", **NOTES_LABELS) == 2.5


def test_values_of_a_probe_expire_by_their_own_age(world):
    world.take(visit(world.clock, NOTES, run(world.clock, "file", FILE_SIZE.sample(4096))))
    finished = world.clock.wall.timestamp()
    world.clock.advance(59)
    assert world.value(FILE_SIZE, **NOTES_LABELS) == 4096
    assert world.value("watchdog_probe_success", **NOTES_LABELS, probe="file") == 1
    world.clock.advance(1)
    assert world.value(FILE_SIZE, **NOTES_LABELS) is None
    assert world.value("watchdog_probe_success", **NOTES_LABELS, probe="file") is None
    for name in ("run", "success"):
        metric = f"watchdog_probe_last_{name}_timestamp_seconds"
        assert world.value(metric, **NOTES_LABELS, probe="file") == finished
    assert world.value("watchdog_probe_interval_seconds", **NOTES_LABELS, probe="file") == 15


def test_the_same_answer_again_lives_on_and_comes_back_after_it_was_too_old(world):
    def answer(value):
        world.take(visit(world.clock, NOTES, run(world.clock, "file", FILE_SIZE.sample(value))))

    answer(4096)
    world.clock.advance(40)
    answer(4096)
    world.clock.advance(59)
    assert world.value(FILE_SIZE, **NOTES_LABELS) == 4096
    world.clock.advance(1)
    assert world.value(FILE_SIZE, **NOTES_LABELS) is None
    answer(4096)
    assert world.value(FILE_SIZE, **NOTES_LABELS) == 4096
    assert world.value("watchdog_probe_success", **NOTES_LABELS, probe="file") == 1
    answer(5)
    assert world.value(FILE_SIZE, **NOTES_LABELS) == 5
    answer(4096)
    assert world.value(FILE_SIZE, **NOTES_LABELS) == 4096


def test_values_of_a_slow_probe_live_three_of_its_intervals(world):
    slow = run(world.clock, "size", FILE_SIZE.sample(1), interval=3600)
    world.take(visit(world.clock, NOTES, slow))
    world.clock.advance(3 * 3600 - 1)
    assert world.value(FILE_SIZE, **NOTES_LABELS) == 1
    world.clock.advance(1)
    assert world.value(FILE_SIZE, **NOTES_LABELS) is None
    assert lifetime(3600) == 10800
    assert lifetime(5) == 60


def test_a_failing_probe_leaves_the_last_values_until_they_are_too_old(world):
    world.take(visit(world.clock, NOTES, run(world.clock, "file", FILE_SIZE.sample(7))))
    first = world.clock.wall.timestamp()
    world.clock.advance(30)
    failed = run(world.clock, "file", success=False, failure=WRONG_PASSWORD)
    world.take(visit(world.clock, NOTES, failed))
    assert world.value(FILE_SIZE, **NOTES_LABELS) == 7
    assert world.value("watchdog_probe_success", **NOTES_LABELS, probe="file") == 0
    last = "watchdog_probe_last_success_timestamp_seconds"
    assert world.value(last, **NOTES_LABELS, probe="file") == first
    world.clock.advance(30)
    assert world.value(FILE_SIZE, **NOTES_LABELS) is None


def test_a_probe_that_answers_less_than_before_leaves_no_ghosts(world):
    two = run(
        world.clock, "connections", CONNECTIONS.sample(3, "idle"), CONNECTIONS.sample(1, "active")
    )
    world.take(server_round(world.clock, SERVER, two))
    labels = {"server": "postgres:5432", "engine": "postgresql"}
    assert world.value(CONNECTIONS, **labels, state="idle") == 3
    world.take(
        server_round(
            world.clock, SERVER, run(world.clock, "connections", CONNECTIONS.sample(2, "active"))
        )
    )
    assert world.value(CONNECTIONS, **labels, state="idle") is None
    assert world.value(CONNECTIONS, **labels, state="active") == 2


def test_a_server_is_there_once_however_many_targets_it_has(world):
    facts = {"version": "17.10", "role": "primary", "system_identifier": "74"}
    world.take(server_round(world.clock, SERVER, run(world.clock, "connections"), facts=facts))
    found = [labels for name, labels in world.series() if name == "watchdog_server_info"]
    assert found == [
        frozenset({"server": "postgres:5432", "engine": "postgresql", **facts}.items())
    ]
    runs = [dict(labels) for name, labels in world.series() if name == "watchdog_probe_success"]
    assert runs == [{"server": "postgres:5432", "engine": "postgresql", "probe": "connections"}]


def test_server_info_may_vanish(world):
    world.take(server_round(world.clock, SERVER, facts={"version": "17.10"}))
    assert "watchdog_server_info" in world.names()
    world.clock.advance(61)
    assert "watchdog_server_info" not in world.names()


def test_a_failure_is_active_only_while_the_target_is_down(world):
    world.take(visit(world.clock, AUTH, failure=WRONG_PASSWORD))
    labels = {**AUTH_LABELS, "kind": "auth", "phase": "authenticate"}
    assert world.value("watchdog_failure_active", **labels) == 1
    assert world.value("watchdog_failures_total", **AUTH_LABELS, kind="auth") == 1
    world.take(visit(world.clock, AUTH))
    assert "watchdog_failure_active" not in world.names()
    assert world.value("watchdog_failures_total", **AUTH_LABELS, kind="auth") == 1


def test_failures_of_every_kind_count_from_zero(world):
    assert {
        labels["kind"]: value
        for (name, pairs), value in world.series().items()
        if name == "watchdog_failures_total" and (labels := dict(pairs))["target"] == "notes"
    } == dict.fromkeys(map(str, Kind), 0)


def test_a_hint_is_there_from_its_first_activation_on(world):
    assert world.value("watchdog_hints", **AUTH_LABELS) == 0
    assert "watchdog_hint_active" not in world.names()
    world.take(visit(world.clock, AUTH, failure=WRONG_PASSWORD))
    labels = {**AUTH_LABELS, "hint": "auth_failed"}
    assert world.value("watchdog_hint_active", **labels) == 1
    assert world.value("watchdog_hints", **AUTH_LABELS) == 1
    world.take(visit(world.clock, AUTH))
    assert world.value("watchdog_hint_active", **labels) == 0
    assert world.value("watchdog_hints_total", **labels) == 1
    assert world.value("watchdog_hints", **AUTH_LABELS) == 0


def test_a_hint_of_a_server_probe_is_active_on_its_targets(world):
    world.take(visit(world.clock, AUTH))
    world.take(visit(world.clock, BILLING))
    world.take(
        server_round(world.clock, SERVER, run(world.clock, "connections", troubles=(CROWDED,)))
    )
    for name in ("auth-service", "billing"):
        labels = {"target": name, "engine": "postgresql", "hint": "too_many_connections"}
        assert world.value("watchdog_hint_active", **labels) == 1
        assert world.value("watchdog_up", target=name, engine="postgresql") == 1


def test_without_backups_there_is_no_series_but_enabled(world):
    found = {
        (name, value)
        for (name, labels), value in world.series().items()
        if "backup" in name and dict(labels).get("target") == "auth-service"
    }
    assert found == {("watchdog_backup_enabled", 0)}


def test_a_backup_that_never_was_reads_as_zero_and_unknown_sizes_are_absent(world):
    world.take_backup("notes", BackupStatus(enabled=True, next_run_at=NOW, destination="/b"))
    assert world.value("watchdog_backup_enabled", **NOTES_LABELS) == 1
    for name in (
        "recovery_point",
        "last_success",
        "last_attempt",
        "last_verified",
        "last_restored",
    ):
        assert world.value(f"watchdog_backup_{name}_timestamp_seconds", **NOTES_LABELS) == 0
    assert world.value(names.BACKUP_NEXT_RUN, **NOTES_LABELS) == NOW.timestamp()
    assert world.value(names.BACKUP_RUNS, **NOTES_LABELS) == 0
    assert world.value(names.BACKUPS, **NOTES_LABELS) == 0
    absent = {
        names.BACKUP_LAST_ATTEMPT_SUCCESSFUL,
        names.BACKUP_LAST_SIZE,
        names.BACKUP_LAST_DURATION,
        names.BACKUP_RESTORE_DURATION,
        names.BACKUP_VERIFIED_LEVEL,
        names.BACKUP_INTERVAL,
        names.DESTINATION_FREE,
    }
    assert not {metric.name for metric in absent} & world.names()


def test_every_gauge_of_a_backup_says_what_the_status_says(world):
    at = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
    world.take_backup(
        "notes",
        BackupStatus(
            enabled=True,
            runs=4,
            failures=1,
            last_attempt_at=at,
            last_attempt_successful=True,
            recovery_point=at,
            last_success_at=at,
            last_verified_at=at,
            last_restored_at=at,
            next_run_at=at,
            interval=86400,
            last_size=1000,
            last_duration=2.5,
            restore_duration=3.5,
            verified_level=2,
            count=3,
            stored_bytes=3000,
            destination="/backups",
            destination_free=5000,
        ),
    )
    for metric, value in (
        (names.BACKUP_RUNS, 4),
        (names.BACKUP_FAILURES, 1),
        (names.BACKUP_LAST_ATTEMPT_SUCCESSFUL, 1),
        (names.BACKUP_RECOVERY_POINT, at.timestamp()),
        (names.BACKUP_LAST_SUCCESS, at.timestamp()),
        (names.BACKUP_LAST_ATTEMPT, at.timestamp()),
        (names.BACKUP_LAST_VERIFIED, at.timestamp()),
        (names.BACKUP_LAST_RESTORED, at.timestamp()),
        (names.BACKUP_INTERVAL, 86400),
        (names.BACKUP_LAST_SIZE, 1000),
        (names.BACKUP_LAST_DURATION, 2.5),
        (names.BACKUP_RESTORE_DURATION, 3.5),
        (names.BACKUP_VERIFIED_LEVEL, 2),
        (names.BACKUPS, 3),
        (names.BACKUP_STORED, 3000),
    ):
        assert world.value(metric, **NOTES_LABELS) == value, metric.name
    free = world.value(names.DESTINATION_FREE, **NOTES_LABELS, destination="/backups")
    assert free == 5000


def test_removed_targets_and_servers_vanish(world):
    world.take(visit(world.clock, AUTH, run(world.clock, "x", FILE_SIZE.sample(1))))
    world.take(server_round(world.clock, SERVER, run(world.clock, "connections")))
    world.store.configure([(NOTES, None)])
    world.exposition.reconfigure()
    text = world.exposition.page().decode()
    assert "auth-service" not in text
    assert "postgres:5432" not in text
    assert 'target="notes"' in text


def test_a_result_of_a_removed_target_brings_nothing_back(world):
    late = visit(world.clock, AUTH, run(world.clock, "x", FILE_SIZE.sample(1)))
    world.store.configure([(NOTES, None)])
    world.exposition.reconfigure()
    world.take(late)
    assert "auth-service" not in world.exposition.page().decode()


def test_a_moved_target_starts_afresh_and_a_relabelled_one_goes_on(world):
    world.take(visit(world.clock, AUTH))
    world.take(visit(world.clock, NOTES))
    moved = sqlite("notes", "/elsewhere/notes.db")
    relabelled = replace(AUTH, labels={"team": "other"})
    world.store.configure([(relabelled, SERVER), (moved, None)])
    world.exposition.reconfigure()
    assert world.value("watchdog_up", **NOTES_LABELS) is None
    assert world.value("watchdog_up", **AUTH_LABELS) == 1
    page = world.exposition.page().decode()
    assert 'label_team="other"' in page
    assert 'label_team="codelab"' not in page
    assert 'path="/elsewhere/notes.db"' in page


def test_a_family_is_written_once_with_its_header(world):
    for target in (AUTH, BILLING, NOTES):
        world.take(visit(world.clock, target, run(world.clock, "x", FILE_SIZE.sample(1))))
    for openmetrics in (False, True):
        page = world.exposition.page(openmetrics=openmetrics).decode().splitlines()
        types = [line for line in page if line.startswith("# TYPE")]
        assert len(types) == len(set(types))
    assert page[-1] == "# EOF"


def test_a_duplicate_reading_never_breaks_the_page(world):
    twice = run(world.clock, "x", FILE_SIZE.sample(1), FILE_SIZE.sample(2))
    world.take(visit(world.clock, NOTES, twice))
    assert world.value(FILE_SIZE, **NOTES_LABELS) == 1


def test_a_page_that_nothing_changed_shares_its_settled_part(world):
    world.take(visit(world.clock, NOTES))
    first = world.exposition.parts()
    world.clock.advance(1)
    second = world.exposition.parts()
    assert second.settled is first.settled
    assert second.moving != first.moving
    world.take(visit(world.clock, AUTH))
    assert world.exposition.parts().settled is not first.settled


def test_deadlines_do_not_pile_up_when_nobody_scrapes(world):
    for _ in range(1000):
        world.take(visit(world.clock, NOTES, run(world.clock, "x", FILE_SIZE.sample(1))))
        world.clock.advance(15)
    assert len(world.exposition._deadlines) < 100


def test_the_process_tells_of_itself():
    clock = FakeClock()
    state = ProcessState(clock)
    more = Metric("watchdog_clock_steps_total", MetricType.COUNTER, "Steps.")
    world = World(
        providers=[state.samples, lambda: [more.sample(2), more.sample(3)]], process=SystemView()
    )
    assert world.value("watchdog_config_last_reload_successful") == 1
    loaded = world.value("watchdog_config_last_reload_success_timestamp_seconds")
    clock.advance(60)
    state.reloaded(successful=False)
    state.lagged(0.25)
    assert world.value("watchdog_config_last_reload_successful") == 0
    assert world.value("watchdog_config_last_reload_success_timestamp_seconds") == loaded
    assert world.value("watchdog_loop_lag_seconds") == 0.25
    assert world.value("watchdog_clock_steps_total") == 2
    state.reloaded(successful=True)
    assert world.value("watchdog_config_last_reload_success_timestamp_seconds") == loaded + 60
    assert {"watchdog_build_info", "process_resident_memory_bytes", "python_info"} <= world.names()


def test_a_cancelled_visit_is_no_verdict_of_its_own_kind(world):
    world.take(replace(visit(world.clock, NOTES), outcome=Outcome.OK))
    assert world.value("watchdog_round_duration_seconds", **NOTES_LABELS) > 0


def test_promtool_finds_nothing_to_say(world):
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian: apt install prometheus)")
    world.exposition.add_provider(ProcessState(world.clock).samples)
    world.take(visit(world.clock, AUTH, failure=WRONG_PASSWORD))
    world.take(visit(world.clock, NOTES, run(world.clock, "file", FILE_SIZE.sample(1))))
    world.take(server_round(world.clock, SERVER, run(world.clock, "c"), facts={"version": "17"}))
    at = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
    world.take_backup(
        "notes",
        BackupStatus(
            enabled=True,
            last_attempt_successful=True,
            interval=1,
            last_size=1,
            last_duration=1,
            restore_duration=1,
            verified_level=2,
            recovery_point=at,
            destination="/b",
            destination_free=1,
        ),
    )
    for openmetrics in (False,):
        done = subprocess.run(
            [promtool, "check", "metrics"],
            input=world.exposition.page(openmetrics=openmetrics),
            capture_output=True,
            check=False,
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
