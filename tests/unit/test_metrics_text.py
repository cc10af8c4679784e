"""Lines are what prometheus_client would have written, byte for byte."""

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from watchdog.metrics.text import EOF, Subject, header, openmetrics_header
from watchdog.model import Metric, MetricType

TEXT = st.text(alphabet=st.characters(exclude_categories=("Cs",)), max_size=12) | st.sampled_from(
    ['"', "\\", "\n", '\\"\n', "база", "𝕏", "a,b=c{}", "\r", " "]
)
VALUE = st.floats(allow_nan=True, allow_infinity=True) | st.sampled_from(
    [0.0, -0.0, 1e6, 123456.0, 1234567.5, 1e15, 1e16, 1e21, 1e-7, 5e-324, float("nan")]
)


class Family:
    def __init__(self, family):
        self.family = family

    def collect(self):
        return [self.family]


def expected(family, openmetrics):
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Family(family))
    return generate_openmetrics(registry) if openmetrics else generate_latest(registry)


def ours(metric, lines, openmetrics):
    if openmetrics:
        return openmetrics_header(metric) + lines + EOF
    return header(metric) + lines


@given(TEXT, TEXT, TEXT, VALUE, TEXT)
def test_a_gauge_reads_as_the_library_writes_it(target, state, zone, value, documentation):
    metric = Metric("watchdog_x_seconds", MetricType.GAUGE, documentation, ("state", "a_zone"))
    line = Subject({"target": target, "engine": "sqlite"}).line(metric, value, (state, zone))
    family = GaugeMetricFamily(
        "watchdog_x_seconds",
        documentation,
        labels=["target", "engine", "state", "a_zone"],
        unit="seconds",
    )
    family.add_metric([target, "sqlite", state, zone], value)
    for openmetrics in (False, True):
        assert ours(metric, line.encode(), openmetrics) == expected(family, openmetrics)


@given(TEXT, st.floats(min_value=0))
def test_a_counter_reads_as_the_library_writes_it(target, value):
    metric = Metric("watchdog_runs_total", MetricType.COUNTER, "Runs.")
    line = Subject({"target": target}).line(metric, value)
    family = CounterMetricFamily("watchdog_runs", "Runs.", labels=["target"])
    family.add_metric([target], value)
    for openmetrics in (False, True):
        assert ours(metric, line.encode(), openmetrics) == expected(family, openmetrics)


@given(TEXT, TEXT)
def test_an_info_reads_as_the_library_writes_it(target, version):
    metric = Metric("watchdog_server_info", MetricType.INFO, "Server.", ("version",))
    line = Subject({"target": target}).line(metric, 1, (version,))
    family = InfoMetricFamily("watchdog_server", "Server.", labels=["target"])
    family.add_metric([target], {"version": version})
    for openmetrics in (False, True):
        assert ours(metric, line.encode(), openmetrics) == expected(family, openmetrics)


def test_of_two_readings_with_the_same_labels_one_stays():
    metric = Metric("watchdog_x", MetricType.GAUGE, "X.", ("state",))
    found = [metric.sample(1, "a"), metric.sample(2, "b"), metric.sample(3, "a")]
    _, lines = Subject({"target": "t"}).lines(found)["watchdog_x"]
    assert lines == b'watchdog_x{state="a",target="t"} 1.0\nwatchdog_x{state="b",target="t"} 2.0\n'


def test_a_label_of_the_subject_wins_over_one_of_the_same_name():
    metric = Metric("watchdog_x", MetricType.GAUGE, "X.", ("engine", "state"))
    line = Subject({"target": "t", "engine": "sqlite"}).line(metric, 1, ("other", "a"))
    assert line == 'watchdog_x{engine="sqlite",state="a",target="t"} 1.0\n'


def test_an_undecodable_file_name_does_not_break_the_page():
    metric = Metric("watchdog_x", MetricType.GAUGE, "X.", ("path",))
    _, lines = Subject({}).lines([metric.sample(1, "/srv/\udcff.db")])["watchdog_x"]
    assert lines == b'watchdog_x{path="/srv/?.db"} 1.0\n'


def test_a_unit_is_named_only_where_the_name_ends_with_it():
    seconds = Metric("watchdog_down_seconds_total", MetricType.COUNTER, "S.")
    assert b"# UNIT watchdog_down_seconds seconds\n" in openmetrics_header(seconds)
    plain = Metric("watchdog_hints_total", MetricType.COUNTER, "S.")
    assert b"# UNIT" not in openmetrics_header(plain)
