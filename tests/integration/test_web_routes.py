"""What each path answers, over a real socket."""

import asyncio
import itertools
import json
from dataclasses import replace

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from tests.support.demo import (
    PASSWORD,
    REFUSED,
    FakeClock,
    busy_day,
    calm_day,
    describe,
    services,
    sqlite,
    visit,
)
from tests.support.web import serving
from watchdog.errors import ConfigurationError
from watchdog.metrics.exposition import Exposition
from watchdog.results import ResultStore
from watchdog.web.services import Health


class Probes:
    """Stands for the rounds that `/probe` asks for; says what was asked."""

    def __init__(self, outcome=True):
        self.asked = []
        self.outcome = outcome

    async def __call__(self, name, seconds):
        self.asked.append((name, seconds))
        if self.outcome is None:
            await asyncio.Event().wait()
        return self.outcome


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def given(clock):
    return services(busy_day(clock), clock)


@pytest.fixture
async def running(given):
    async with serving(given) as running:
        yield running


PATHS = (
    "/",
    "/metrics",
    "/probe?target=notes",
    "/healthz",
    "/readyz",
    "/-/healthy",
    "/-/ready",
    "/api/v1/targets",
    "/api/v1/targets/notes",
    "/api/v1/backups",
    "/static/status.css",
    "/static/status.js",
    "/static/favicon-up.svg",
)


async def test_head_answers_as_get_does_without_the_body(running):
    for path in PATHS:
        got = await running.client.get(path)
        head = await running.client.head(path)
        assert got.status_code == head.status_code == 200, path
        assert head.content == b""
        assert head.headers["content-type"] == got.headers["content-type"]


async def test_every_answer_keeps_browsers_safe_and_says_no_secret(running):
    paths = [*PATHS, "/nothing", "/api/v1/nothing", "/-/reload"]
    for path, method in itertools.product(paths, ("GET", "POST", "DELETE")):
        answer = await running.client.request(method, path)
        assert answer.headers["x-content-type-options"] == "nosniff", path
        assert "script-src 'self'" in answer.headers["content-security-policy"]
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert PASSWORD not in answer.text
        assert "server" not in answer.headers


async def test_the_host_header_is_never_reflected(running):
    for path in (*PATHS, "/nothing", "/static", "/healthz/"):
        answer = await running.client.get(path, headers={"host": "evil.example"})
        assert "evil.example" not in answer.text, path
        assert "evil.example" not in str(answer.headers), path


async def test_other_methods_are_refused(running):
    for path in PATHS:
        answer = await running.client.post(path)
        assert answer.status_code == 405, path
        assert "GET" in answer.headers["allow"]


async def test_what_is_not_there_says_what_is(running):
    answer = await running.client.get("/nothing")
    assert answer.status_code == 404
    assert "/metrics" in answer.text
    answer = await running.client.get("/static/../../secret.py")
    assert answer.status_code == 404
    answer = await running.client.get("/static/page.py")
    assert answer.status_code == 404
    answer = await running.client.get("/api/v1/nothing")
    assert answer.status_code == 404
    assert "error" in answer.json()


# ------------------------------------------------------------------ /metrics


async def test_metrics_in_the_format_that_is_asked_for(running):
    text = await running.client.get("/metrics")
    assert text.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert {family.name for family in parse_text(text.text)} >= {"watchdog_up"}
    accept = {"accept": "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"}
    openmetrics = await running.client.get("/metrics", headers=accept)
    assert openmetrics.headers["content-type"].startswith(
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    )
    assert openmetrics.text.endswith("# EOF\n")
    assert {family.name for family in parse_openmetrics(openmetrics.text)} >= {"watchdog_up"}


async def test_metrics_compressed_and_plain_say_the_same(running):
    plain = await running.client.get("/metrics", headers={"accept-encoding": "identity"})
    packed = await running.client.get("/metrics", headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.text == plain.text
    assert int(packed.headers["content-length"]) < len(plain.content) / 3
    for answer in (plain, packed):
        assert "accept-encoding" in answer.headers["vary"]


async def test_a_scrape_sees_what_came_just_before(running, given, clock):
    target = given.store.status("notes").target
    result = visit(clock, target, failure=REFUSED)
    given.store.put(result)
    given.exposition.on_result(result)
    text = (await running.client.get("/metrics")).text
    assert 'watchdog_up{engine="sqlite",target="notes"} 0.0' in text


# ------------------------------------------------------------------ /probe


async def test_probe_makes_a_round_and_answers_without_the_target_label(given, clock):
    probes = given.probe_now = Probes()
    async with serving(given) as running:
        answer = await running.client.get(
            "/probe?target=billing", headers={"x-prometheus-scrape-timeout-seconds": "3"}
        )
    assert probes.asked == [("billing", 2.5)]
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    samples = [sample for family in parse_text(answer.text) for sample in family.samples]
    assert not [sample for sample in samples if "target" in sample.labels]
    values = {sample.name: sample.value for sample in samples}
    assert values["watchdog_up"] == values["pg_up"] == 1
    assert values["pg_exporter_last_scrape_error"] == 0
    assert values["pg_settings_max_connections"] == 100
    assert "python_info" not in values
    sizes = [s for s in samples if s.name == "pg_database_size_bytes"]
    assert {s.labels["datname"] for s in sizes} >= {"billing", "auth_db"}


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("10", 9.5), ("0.6", 0.3), ("nonsense", 9.5), ("-1", 9.5), ("nan", 9.5), ("1e9", 120)],
)
async def test_the_scrapers_timeout_leaves_time_for_the_way_back(given, header, seconds):
    probes = given.probe_now = Probes()
    async with serving(given) as running:
        headers = {"x-prometheus-scrape-timeout-seconds": header}
        await running.client.get("/probe?target=notes", headers=headers)
    assert probes.asked == [("notes", seconds)]


async def test_a_target_that_is_down_is_an_answer_and_not_an_error(running):
    answer = await running.client.get("/probe?target=auth-service")
    assert answer.status_code == 200
    values = {s.name: s.value for family in parse_text(answer.text) for s in family.samples}
    assert values["watchdog_up"] == values["pg_up"] == 0
    assert values["pg_exporter_last_scrape_error"] == 1
    assert "pg_settings_max_connections" not in values


@pytest.mark.parametrize("outcome", [None, False])
async def test_a_probe_that_takes_too_long_reads_as_down(given, outcome):
    given.probe_now = Probes(outcome)
    async with serving(given) as running:
        headers = {"x-prometheus-scrape-timeout-seconds": "0.3"}
        async with asyncio.timeout(3):
            answer = await running.client.get("/probe?target=billing", headers=headers)
    assert answer.status_code == 200
    samples = [s for family in parse_text(answer.text) for s in family.samples]
    values = {s.name: s.value for s in samples}
    assert values["watchdog_up"] == values["pg_up"] == 0
    active = [s.labels["kind"] for s in samples if s.name == "watchdog_failure_active"]
    assert active == ["timeout"]


async def test_sqlite_has_no_postgresql_names(running):
    text = (await running.client.get("/probe?target=notes")).text
    assert "watchdog_up" in text
    assert "\npg_" not in text


async def test_an_unknown_target_is_404_and_names_the_known_ones(running, given):
    answer = await running.client.get("/probe?target=notse")
    assert answer.status_code == 404
    assert "auth-service" in answer.text
    assert "notse" not in answer.text
    answer = await running.client.get("/probe")
    assert answer.status_code == 400
    assert "target=NAME" in answer.text


# ------------------------------------------------------------------ health and reload


async def test_health_follows_the_rounds(given):
    given.health = lambda: Health(ok=False, details={"targets": 3})
    async with serving(given) as running:
        for path in ("/healthz", "/-/healthy"):
            answer = await running.client.get(path)
            assert answer.status_code == 503
            assert answer.json() == {"status": "failing", "targets": 3}
        assert "stalled" in (await running.client.get("/")).text


async def test_readiness_names_who_is_awaited(given):
    waiting = ["scratch"]
    given.awaited = lambda: waiting
    async with serving(given) as running:
        answer = await running.client.get("/readyz")
        assert answer.status_code == 503
        assert answer.json() == {"status": "waiting", "awaited": ["scratch"]}
        waiting.clear()
        assert (await running.client.get("/-/ready")).status_code == 200


async def test_reload_is_off_unless_enabled(running):
    answer = await running.client.post("/-/reload")
    assert answer.status_code == 403
    assert "SIGHUP" in answer.text
    assert (await running.client.get("/-/reload")).status_code == 405


async def test_reload_says_what_is_wrong(given):
    mistakes = ["watchdog.yaml:3:5: targets.0.url: no such scheme", "watchdog.yaml:9:1: x: unknown"]
    calls = []

    async def reload():
        calls.append(1)
        if mistakes:
            raise ConfigurationError(mistakes)

    given.reload = reload
    async with serving(given) as running:
        answer = await running.client.post("/-/reload")
        assert answer.status_code == 500
        for mistake in mistakes:
            assert mistake in answer.text
        mistakes.clear()
        assert (await running.client.post("/-/reload")).status_code == 200
        from_elsewhere = {"sec-fetch-site": "cross-site"}
        answer = await running.client.post("/-/reload", headers=from_elsewhere)
        assert answer.status_code == 403
    assert len(calls) == 2


async def test_a_defect_is_500_without_a_traceback(given, caplog):
    async def catalogue():
        raise RuntimeError("a detail that is nobody's business")

    given.catalogue = catalogue
    async with serving(given) as running:
        answer = await running.client.get("/api/v1/backups")
        assert answer.status_code == 500
        assert "business" not in answer.text
        assert "Traceback" not in answer.text
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert (await running.client.get("/healthz")).status_code == 200
    assert "a detail that is nobody's business" in caplog.text


# ------------------------------------------------------------------ the JSON API


async def test_targets_are_what_the_contract_says(running):
    document = (await running.client.get("/api/v1/targets")).json()
    by_name = {target["name"]: target for target in document["targets"]}
    assert list(by_name)[:3] == ["agent-runtime", "billing", "sessions"]
    auth = by_name["auth-service"]
    assert auth["engine"] == "postgresql"
    assert auth["url"] == "postgresql://codelab:***@postgres:5432/auth_db"
    assert auth["server"] == "postgres:5432"
    assert auth["up"] is False
    assert auth["since"] == "2026-11-23T11:56:50.000Z"
    assert auth["failure"] == {
        "kind": "auth",
        "phase": "authenticate",
        "code": "28P01",
        "message": 'password authentication failed for user "codelab"',
    }
    assert {"id", "title", "cause", "steps", "documentation"} <= auth["hint"].keys()
    assert auth["hint"]["id"] == "auth_failed"
    notes = by_name["notes"]
    assert (notes["server"], notes["failure"], notes["hint"]) == (None, None, None)
    assert {"name", "success", "duration_seconds"} <= notes["probes"][0].keys()
    assert by_name["scratch"]["up"] is None
    one = (await running.client.get("/api/v1/targets/notes")).json()
    assert one == notes
    missing = await running.client.get("/api/v1/targets/notse")
    assert missing.status_code == 404
    assert "error" in missing.json()


async def test_backups_come_from_the_catalogue(given):
    backup = {"id": "20261123T030000Z-0a1b2c", "target": "notes", "outcome": "ok"}

    async def catalogue():
        return [backup]

    given.catalogue = catalogue
    async with serving(given) as running:
        answer = await running.client.get("/api/v1/backups")
        one = await running.client.get("/api/v1/backups?target=notes")
        other = await running.client.get("/api/v1/backups?target=auth-service")
        unknown = await running.client.get("/api/v1/backups?target=nobody")
    assert answer.json() == one.json() == {"backups": [backup]}
    assert other.json() == {"backups": []}
    assert unknown.status_code == 404


async def test_hints_speak_the_configured_language(given):
    given.language = "ru"
    async with serving(given) as running:
        target = (await running.client.get("/api/v1/targets/auth-service")).json()
        page = await running.client.get("/")
    assert target["hint"]["title"] == "Неверный пароль или пользователь"
    assert '<html lang="ru">' in page.text


# ------------------------------------------------------------------ static files


async def test_static_files_are_kept_by_their_etag(running):
    first = await running.client.get("/static/status.css")
    again = await running.client.get(
        "/static/status.css", headers={"if-none-match": first.headers["etag"]}
    )
    assert again.status_code == 304
    assert again.content == b""
    other = await running.client.get("/static/status.css", headers={"if-none-match": '"old"'})
    assert other.status_code == 200


async def test_the_icon_shows_the_state(running):
    answer = await running.client.get("/favicon.ico")
    assert answer.headers["location"] == "/static/favicon-down.svg"


# ------------------------------------------------------------------ large


async def test_five_hundred_targets_are_still_a_page(clock):
    given = services(calm_day(clock, 500), clock)
    async with serving(given) as running:
        loop = asyncio.get_running_loop()
        began = loop.time()
        page = await running.client.get("/")
        assert loop.time() - began < 3
    assert "All 500 databases answer" in page.text
    assert page.text.count("<details class=") == 500


async def test_nothing_configured_says_what_to_do(clock):
    store = ResultStore(clock)
    given = services(store, clock, exposition=Exposition(store, clock, describe))
    async with serving(given) as running:
        page = (await running.client.get("/")).text
        probe = await running.client.get("/probe?target=x")
    assert "Nothing is watched yet" in page
    assert "DB_URL" in page
    assert "No targets are configured" in probe.text


async def test_names_and_messages_are_escaped(clock):
    store = ResultStore(clock)
    target = sqlite("notes", "/srv/<script>alert(1)</script>.db", labels={"a": '"><b>'})
    store.configure([(target, None)])
    failure = replace(REFUSED, message="<img src=x onerror=alert(1)>", hint="no_such_hint")
    store.put(visit(clock, target, failure=failure))
    given = services(store, clock)
    async with serving(given) as running:
        page = (await running.client.get("/")).text
        document = (await running.client.get("/api/v1/targets")).text
    for sign in ("<script>alert", "<img src=x", '"><b>'):
        assert sign not in page
    assert "&lt;img src=x" in page
    assert json.loads(document)["targets"][0]["hint"] is None
