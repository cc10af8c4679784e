"""The dashboards: current, understood by Grafana, and asking for what there is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import promql_parser as promql
import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from tests.support import dashboards
from tests.support.dashboards import FOLDER, GRAFANA, Query, fill, panels, variables
from tools.dashboards import boards, render
from watchdog.engines import find_engines
from watchdog.metrics import names
from watchdog.model import Metric, MetricType, Scope

register_default_plugins()

FILES = dashboards.files()
QUERIES = dashboards.queries()
# What Prometheus and its client library say themselves.
OTHERS = {
    "up": (),
    "scrape_duration_seconds": (),
    "scrape_samples_scraped": (),
    "process_start_time_seconds": (),
    "process_resident_memory_bytes": (),
    "process_open_fds": (),
    "process_max_fds": (),
    "process_cpu_seconds_total": (),
    "python_gc_collections_total": ("generation",),
}
# None of these is deprecated.
TYPES = {"stat", "timeseries", "table", "state-timeline"}
VALUES = {
    "job": ".+",
    "instance": ".+",
    "engine": ".+",
    "target": "shop",
    "server": "db:5432",
    "__rate_interval": "1m",
    "__range": "6h",
}


def declared() -> dict[str, set[str]]:
    """Return the labels of every metric that exists."""
    found = {name: set(labels) for name, labels in OTHERS.items()}

    def take(metrics: tuple[Metric, ...], *own: str) -> None:
        found.update({metric.name: {*metric.labels, *own} for metric in metrics})

    take(names.TARGETS + names.AVAILABILITY + names.BACKUP + names.COPIES, "target", "engine")
    take((names.TARGET_INFO,), "target", "engine", "server", "datname", "path")
    take((*names.PROBES, names.ROUND_DURATION), "target", "server", "engine")
    take(names.SERVERS, "server", "engine")
    take(names.PROCESS)
    for engine in find_engines().values():
        for probe in engine.probes.values():
            subject = "server" if probe.scope is Scope.SERVER else "target"
            take(tuple(probe.metrics), subject, "engine")
    return {name: {*labels, "job", "instance"} for name, labels in found.items()}


def counters() -> set[str]:
    engines = find_engines().values()
    own = [m for engine in engines for probe in engine.probes.values() for m in probe.metrics]
    found = {m.name for m in (*names.CORE, *own) if m.type is MetricType.COUNTER}
    return found | {name for name in OTHERS if name.endswith("_total")}


DECLARED = declared()
COUNTERS = counters()


def walk(node: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """Yield every part of an expression with the parts that it is in."""
    yield node, above
    inner = {
        promql.BinaryExpr: lambda: [node.lhs, node.rhs],
        promql.AggregateExpr: lambda: [node.expr, *([node.param] if node.param else [])],
        promql.Call: lambda: list(node.args),
        promql.ParenExpr: lambda: [node.expr],
        promql.UnaryExpr: lambda: [node.expr],
        promql.SubqueryExpr: lambda: [node.expr],
        promql.MatrixSelector: lambda: [node.vector_selector],
        promql.VectorSelector: list,
        promql.NumberLiteral: list,
        promql.StringLiteral: list,
    }[type(node)]()
    for part in inner:
        yield from walk(part, (*above, node))


def selectors(expression: str) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    for node, above in walk(promql.parse(fill(expression, VALUES))):
        if isinstance(node, promql.VectorSelector):
            yield node, above


def every_expression() -> list[Any]:
    """Return each expression of a panel, and each selector that a variable offers values of."""
    asked = [pytest.param(query.expression, id=query.name) for query in QUERIES]
    asked += [
        pytest.param(found[0], id=f"{uid}: ${variable['name']}")
        for uid, board in FILES.items()
        for variable in variables(board).values()
        if (found := dashboards.label_values(variable))
    ]
    asked += [
        pytest.param(mark["expr"], id=f"{uid}: {mark['name']}")
        for uid, board in FILES.items()
        for mark in dashboards.marks(board)
    ]
    return asked


def every_panel(*types: str) -> list[Any]:
    return [
        pytest.param(panel, id=f"{uid}: {panel['title']}")
        for uid, board in FILES.items()
        for panel in panels(board)
        if not types or panel["type"] in types
    ]


every_board = pytest.mark.parametrize("board", FILES.values(), ids=FILES)
each_query = pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.name)
each_panel = pytest.mark.parametrize("panel", every_panel())


def test_the_files_are_current():
    made = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()}
    assert made == render(), "run: make generate"


def test_an_address_of_the_status_page_reaches_every_link():
    for text in render("https://watchdog.example/db").values():
        assert "127.0.0.1" not in text
        (variable,) = [
            v for v in json.loads(text)["templating"]["list"] if v["name"] == "status_page"
        ]
        assert variable["query"] == variable["current"]["value"] == "https://watchdog.example/db"


def test_there_is_a_board_for_each_question():
    assert [board.uid for board in boards()] == [
        "db-watchdog-fleet",
        "db-watchdog-postgresql",
        "db-watchdog-postgresql-work",
        "db-watchdog-sqlite",
        "db-watchdog-backups",
        "db-watchdog-process",
    ]
    assert len({board["title"] for board in FILES.values()}) == 6


# Keys of a mark that belong to the data source: dashboards' own schema does not have them.
OF_THE_DATA_SOURCE = {"titleFormat", "textFormat", "tagKeys", "step", "useValueForTime"}


@every_board
def test_grafana_s_schema_knows_every_key(board):
    read = Dashboard.from_json(json.loads(json.dumps(board)))
    wanted = json.loads(json.dumps(board))
    for mark in dashboards.marks(wanted):
        assert set(mark) >= OF_THE_DATA_SOURCE
        for key in OF_THE_DATA_SOURCE:
            del mark[key]
    assert json.loads(json.dumps(read, cls=JSONEncoder)) == wanted


@every_board
def test_a_mark_says_what_and_where(board):
    found = dashboards.marks(board)
    assert "Configuration taken" in {mark["name"] for mark in found}
    for mark in found:
        assert mark["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert mark["titleFormat"] == mark["name"]
        (label,) = re.findall(r"\{\{(\w+)\}\}", mark["textFormat"])
        assert re.search(rf"\bby \([^)]*\b{label}\b", mark["expr"])
        # Instants are in milliseconds; what lasts is 1 while it does.
        assert mark["expr"].startswith("1000 * ") is mark["useValueForTime"]
        assert ("== bool" in mark["expr"]) is not mark["useValueForTime"]


@every_board
def test_the_round_trip_would_show_a_key_that_grafana_does_not_know(board):
    wrong = json.loads(json.dumps(board))
    next(panels(wrong))["colour"] = "red"
    read = Dashboard.from_json(json.loads(json.dumps(wrong)))
    assert "colour" not in json.dumps(read, cls=JSONEncoder)


@pytest.mark.parametrize("expression", every_expression())
def test_an_expression_asks_for_metrics_and_labels_that_exist(expression):
    found = list(selectors(expression))
    assert found
    for selector, above in found:
        assert selector.name in DECLARED
        labels = DECLARED[selector.name]
        assert {matcher.name for matcher in selector.matchers.matchers} <= labels
        for part in above:
            if isinstance(part, promql.AggregateExpr) and part.modifier is not None:
                assert set(part.modifier.labels) <= DECLARED[selector.name], str(part)


@pytest.mark.parametrize("expression", every_expression())
def test_an_expression_is_narrowed_to_the_chosen_daemons(expression):
    for selector, _ in selectors(expression):
        matched = {matcher.name for matcher in selector.matchers.matchers}
        assert {"job", "instance"} & matched or selector.name == "watchdog_build_info"
        if not expression.startswith("watchdog_build_info"):
            assert {"job", "instance"} <= matched


@each_query
def test_counters_are_looked_at_by_their_growth_and_gauges_are_not(query):
    for selector, above in selectors(query.expression):
        grown = any(
            isinstance(part, promql.Call) and part.func.name in {"rate", "increase"}
            for part in above
        )
        assert grown is (selector.name in COUNTERS), selector.name


@each_query
def test_what_is_not_known_is_never_made_a_zero(query):
    assert "vector(" not in query.expression
    assert "absent(" not in query.expression
    assert "or 0 " not in re.sub(r"or 0 \* count", "", query.expression)


@each_query
def test_a_legend_names_labels_that_the_answer_has(query):
    legend = set(re.findall(r"\{\{(\w+)\}\}", query.target["legendFormat"]))
    kept = re.findall(r"\bby \(([^)]*)\)", query.expression)
    assert legend <= {label.strip() for group in kept for label in group.split(",")}


@each_panel
def test_a_panel_says_what_it_shows(panel):
    assert panel["type"] in TYPES
    assert panel["description"].rstrip().endswith(".")
    assert len(panel["description"].split()) > 3
    assert panel["title"]
    assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])
    for target in panel["targets"]:
        assert target["datasource"] == panel["datasource"]
    defaults = panel["fieldConfig"]["defaults"]
    if panel["type"] in {"stat", "timeseries"}:
        assert defaults["unit"]


@each_panel
def test_thresholds_rise(panel):
    found = [panel["fieldConfig"]["defaults"].get("thresholds")]
    for override in panel["fieldConfig"]["overrides"]:
        found += [p["value"] for p in override["properties"] if p["id"] == "thresholds"]
    for thresholds in filter(None, found):
        values = [step["value"] for step in thresholds["steps"]]
        assert values[0] is None
        assert values[1:] == sorted(set(values[1:]))


@pytest.mark.parametrize("panel", every_panel("table"))
def test_a_table_names_its_columns(panel):
    organized = panel["transformations"][-1]["options"]
    hidden = set(organized["excludeByName"])
    titled = {
        override["matcher"]["options"]
        for override in panel["fieldConfig"]["overrides"]
        if any(p["id"] == "displayName" for p in override["properties"])
    }
    values = {f"Value #{target['refId']}" for target in panel["targets"]}
    assert values <= hidden | titled
    by = [re.match(r".*?\bby \(([^)]*)\)", t["expr"]) for t in panel["targets"]]
    labels = {label.strip() for found in by if found for label in found[1].split(",")}
    assert labels <= hidden | titled
    assert not hidden & titled
    assert set(organized["indexByName"]) == titled


@every_board
def test_panels_fill_the_grid_and_none_covers_another(board):
    taken: dict[tuple[int, int], str] = {}
    for panel in [*panels(board), *(p for p in board["panels"] if p["type"] == "row")]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        for x in range(at["x"], at["x"] + at["w"]):
            for y in range(at["y"], at["y"] + at["h"]):
                assert (x, y) not in taken, f"{panel['title']} covers {taken[x, y]}"
                taken[x, y] = panel["title"]
    for y in {y for _, y in taken}:
        assert {x for x, line in taken if line == y} == set(range(24)), f"a hole in line {y}"
    numbers = [panel["id"] for panel in [*panels(board), *board["panels"]]]
    assert len(set(numbers)) == len(board["panels"])


@every_board
def test_a_board_has_the_choices_that_all_have(board):
    have = variables(board)
    assert list(have)[:3] == ["datasource", "job", "instance"]
    assert have["datasource"]["type"] == "datasource"
    assert have["datasource"]["query"] == "prometheus"
    assert list(have)[-1] == "status_page"
    assert have["status_page"]["type"] == "textbox"
    assert not have["status_page"].get("hide"), "an address that can be changed where it is used"
    used = set(re.findall(r"\$\{?(\w+)", json.dumps(board["panels"])))
    assert {name for name in used if not name.startswith("__")} <= set(have)
    # Each variable is used, here or by one that is.
    assert {name for name in have if name != "datasource"} <= set(
        re.findall(r"\$\{?(\w+)", json.dumps(board))
    )


@every_board
def test_all_means_all_that_are_offered(board):
    """Any value would do only where the series have the label that the offer was narrowed by."""
    for name, variable in variables(board).items():
        if not (asked := dashboards.label_values(variable)) or "allValue" not in variable:
            continue
        narrowed = set(re.findall(r"(\w+)=~?\"\$", asked[0]))
        users = [q.expression for q in QUERIES if FILES[q.board] is board]
        for expression in users:
            for selector, _ in selectors(expression):
                matched = {matcher.name for matcher in selector.matchers.matchers}
                assert name not in matched or narrowed <= matched, expression


def test_all_databases_are_those_of_the_chosen_server():
    target = variables(FILES["db-watchdog-postgresql"])["target"]
    assert 'server="$server"' in target["query"]["query"]
    assert target["includeAll"]
    assert "allValue" not in target


def links(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("url"), str):
            yield value["url"]
        for inner in value.values():
            yield from links(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from links(inner)


@every_board
def test_links_lead_to_boards_and_choices_that_exist(board):
    found = list(links(board))
    assert any(url.startswith("${status_page:raw}") for url in found)
    leads = set()
    for url in found:
        if board_link := re.fullmatch(r"/d/([^?]+)\?(.*)", url):
            leads.add(board_link[1])
            there = set(variables(FILES[board_link[1]]))
            assert set(re.findall(r"var-(\w+)=", url)) <= there
            for name in ("datasource", "job", "instance", "status_page"):
                assert f"${{{name}:queryparam}}" in url
        else:
            assert url.startswith("${status_page:raw}"), url
    assert leads >= set(FILES) - {board["uid"]}


def test_the_overview_leads_to_the_board_of_a_database():
    urls = set(links(FILES["db-watchdog-fleet"]))
    assert any(
        "/d/db-watchdog-postgresql?" in u and "var-server=${__data.fields" in u for u in urls
    )
    assert any("/d/db-watchdog-sqlite?" in u and "var-target=${__data.fields" in u for u in urls)


def test_one_word_has_one_colour():
    colours: dict[str, set[str]] = {}
    for value in re.findall(r'\{"text": "[^"]+", "color": "[^"]+"', json.dumps(FILES)):
        word = json.loads(value + "}")
        if word["text"] not in {"yes", "no", "never"}:  # good or bad by what is asked
            colours.setdefault(word["text"], set()).add(word["color"])
    assert {"up", "down", "ok", "failed"} <= set(colours)
    assert [word for word, seen in colours.items() if len(seen) > 1] == []


def test_grafana_finds_what_it_provisions():
    sources = yaml.safe_load((GRAFANA / "provisioning/datasources/prometheus.yml").read_text())
    (source,) = sources["datasources"]
    assert (source["type"], source["url"]) == ("prometheus", "http://prometheus:9090")
    scrapes = yaml.safe_load((GRAFANA.parent / "prometheus" / "prometheus.yml").read_text())
    assert source["jsonData"]["timeInterval"] == scrapes["global"]["scrape_interval"]
    providers = yaml.safe_load((GRAFANA / "provisioning/dashboards/db-watchdog.yml").read_text())
    (provider,) = providers["providers"]
    assert provider["options"]["path"] == "/etc/db-watchdog/grafana/dashboards"


def test_compose_gives_grafana_these_files_and_lets_no_stranger_in():
    compose = yaml.safe_load((GRAFANA.parents[1] / "docker-compose.yml").read_text())
    grafana = compose["services"]["grafana"]
    settings = dict(line.split("=", 1) for line in grafana["environment"])
    assert "./config/grafana:/etc/db-watchdog/grafana:ro" in grafana["volumes"]
    assert settings["GF_PATHS_PROVISIONING"] == "/etc/db-watchdog/grafana/provisioning"
    home = settings["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert (FOLDER / home.removeprefix("/etc/db-watchdog/grafana/dashboards/")).is_file()
    assert settings["GF_AUTH_ANONYMOUS_ENABLED"] == "false"
    assert settings["GF_USERS_ALLOW_SIGN_UP"] == "false"
    assert grafana["secrets"] == ["grafana-admin-password"]
    assert all(port.startswith("127.0.0.1:") for port in grafana["ports"])


def test_the_queries_were_found():
    assert len(QUERIES) > 100
    assert all(isinstance(query, Query) for query in QUERIES)
