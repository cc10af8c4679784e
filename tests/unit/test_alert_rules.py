"""The alert rules speak of metrics, labels and hints that exist, and their page is current."""

import re
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tools.write_alerts_reference import PAGE, page, rules
from watchdog.engines import find_engines
from watchdog.hints import catalogue
from watchdog.metrics import names
from watchdog.metrics.process import SystemView
from watchdog.model import Kind, Lane, Scope

ROOT = Path(__file__).parents[2]
FOUND = rules()
RULES = [rule for members in FOUND.values() for rule in members]
HINTS = set(catalogue.entries())

# What Prometheus itself adds.
SCRAPED = {"job", "instance"}
OF_PROMETHEUS = {
    "up": SCRAPED,
    "ALERTS": {*SCRAPED, "alertname", "severity", "alertstate", "target", "server", "engine"},
}


def declared():
    """Return the labels of every series of the daemon's `/metrics` by name."""
    found = dict(OF_PROMETHEUS)
    of_target, of_server = {"target", "engine"}, {"server", "engine"}
    sections = [
        (names.TARGETS + names.AVAILABILITY + names.BACKUP + names.COPIES, of_target),
        (names.PROBES, of_target | of_server),
        (names.SERVERS, of_server),
        (names.PROCESS, set()),
    ]
    for engine in find_engines().values():
        for probe in engine.probes.values():
            subject = of_server if probe.scope is Scope.SERVER else of_target
            sections.append((probe.metrics, subject))
    for metrics, subject in sections:
        for metric in metrics:
            found[metric.name] = {*SCRAPED, *subject, *metric.labels}
    found[names.TARGET_INFO.name] |= {"server", "datname", "path"}
    for family in text_string_to_metric_families(SystemView()(False).decode()):
        for sample in family.samples:
            found[sample.name] = {*SCRAPED, *sample.labels}
    return found


DECLARED = declared()
KEYWORDS = {
    "and", "or", "unless", "on", "by", "group_left", "offset", "count", "sum", "min", "max",
    "topk", "time", "absent", "changes", "delta", "increase", "count_over_time", "deriv",
    "last_over_time", "max_over_time", "predict_linear", "rate",
}  # fmt: skip
_LISTS = re.compile(r"\b(?:on|by|group_left)\s*\(([^)]*)\)")
_SELECTOR = re.compile(r"\b([a-zA-Z_:][\w:]*)\s*(?:\{([^}]*)\})?")
_MATCHER = re.compile(r'(\w+)\s*(?:=~|!~|!=|=)\s*("(?:[^"\\]|\\.)*"|%q)')


def selectors(expression):
    """Yield each metric of an expression with its matchers, name and value."""
    bare = re.sub(r"\[[^]]*\]|\boffset \w+", "", _LISTS.sub("", expression))
    for name, matchers in _SELECTOR.findall(bare):
        if name not in KEYWORDS:
            yield name, _MATCHER.findall(matchers)


def grouped(expression):
    """Return the labels by which an expression joins or adds up."""
    return {name.strip() for names_ in _LISTS.findall(expression) for name in names_.split(",")} - {
        ""
    }


def expressions(rule):
    """Yield the expression of a rule and those that its annotations ask for."""
    yield rule["expr"]
    for text in rule["annotations"].values():
        for asked in re.findall(r'printf "((?:[^"\\]|\\.)*)"', text):
            yield asked.replace('\\"', '"')


def ids(rule):
    return f"{rule['alert']}-{rule['labels']['severity']}"


def test_the_page_is_current():
    assert PAGE.read_text(encoding="utf-8") == page(FOUND), (
        "run: python tools/write_alerts_reference.py"
    )


def test_the_page_has_every_file_of_rules():
    folder = ROOT / "config" / "prometheus" / "rules"
    assert {file.stem for file in folder.iterdir()} == set(FOUND)


@pytest.mark.parametrize("rule", RULES, ids=ids)
def test_every_metric_and_label_of_a_rule_exists(rule):
    for expression in expressions(rule):
        used = list(selectors(expression))
        assert used, expression
        known = set()
        for name, matchers in used:
            assert name in DECLARED, f"{name} in {expression}"
            known |= DECLARED[name]
            assert {label for label, _ in matchers} <= DECLARED[name], f"{name} in {expression}"
        assert grouped(expression) <= known, expression


@pytest.mark.parametrize("rule", RULES, ids=ids)
def test_every_closed_word_of_a_rule_exists(rule):
    words = {"hint": HINTS, "kind": set(Kind), "lane": set(Lane)}
    for expression in expressions(rule):
        for _, matchers in selectors(expression):
            for label, value in matchers:
                if label in words and value != "%q":
                    assert set(value.strip('"').split("|")) <= words[label], value


def test_what_does_not_exist_is_found():
    assert list(selectors('sum by (job) (rate_of{kind="x"}[5m] offset 2d) / on (a) b')) == [
        ("rate_of", [("kind", '"x"')]),
        ("b", []),
    ]
    assert grouped("sum by (job, x) (a) * on (y) group_left () b") == {"job", "x", "y"}


@pytest.mark.parametrize("rule", RULES, ids=ids)
def test_an_alert_tells_whom_what_and_where(rule):
    assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
    assert re.fullmatch(r"([A-Z][a-z]+)+", rule["alert"])
    assert rule["alert"] != "Watchdog"  # the name of the alert that always fires
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert set(rule["annotations"]) - {"hints"} == {
        "summary",
        "description",
        "action",
        "runbook_url",
    }
    # Where the summary names hints, there is a link to each.
    summary, links = rule["annotations"]["summary"], rule["annotations"].get("hints", "")
    assert bool(links) == ("watchdog_hint_active" in summary or "$labels.hint" in summary)
    assert not links or "docs/hints.md{{ end }}#{{ $" in links
    anchor = rule["alert"].lower()
    assert rule["annotations"]["runbook_url"].endswith(f"#{anchor}")
    assert f'<a id="{anchor}"></a>' in PAGE.read_text(encoding="utf-8")
    # Plain, for the page has them as well; a number or a name belongs to the summary.
    assert "{{" not in rule["annotations"]["description"] + rule["annotations"]["action"]


@pytest.mark.parametrize("rule", RULES, ids=ids)
def test_an_alert_about_a_target_can_be_grouped_by_its_server(rule):
    if "$labels.target" in rule["annotations"]["summary"] and rule["alert"] != "ProbeFailing":
        assert "watchdog_target_info" in rule["expr"]


def test_no_alert_is_there_twice():
    assert len({ids(rule) for rule in RULES}) == len(RULES)


def test_every_alert_has_a_test_in_which_it_fires():
    tested = "".join(
        file.read_text(encoding="utf-8") for file in (ROOT / "tests" / "prometheus").glob("*.yml")
    )
    for rule in RULES:
        name, severity = rule["alert"], rule["labels"]["severity"]
        if name == "NeverBackedUp":
            continue  # its weeks are tested in a file of their own
        assert f'alertname="{name}",severity="{severity}"' in tested


def test_prometheus_reads_all_rules_and_knows_the_daemon_by_the_name_that_they_use():
    document = yaml.safe_load((ROOT / "config" / "prometheus" / "prometheus.yml").read_text())
    assert document["rule_files"] == ["rules/*.yml"]
    jobs = {job["job_name"] for job in document["scrape_configs"]}
    for rule in RULES:
        assert set(re.findall(r'\bjob="([^"%]+)"', rule["expr"])) <= jobs
