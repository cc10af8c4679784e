"""A real Prometheus scrapes `/metrics` and `/probe` and finds nothing wrong with them."""

import asyncio
import json
import shutil
import socket

import httpx
import pytest

from tests.support.demo import FakeClock, busy_day, services
from tests.support.web import serving

PROMETHEUS = shutil.which("prometheus")
CONFIGURATION = """
global: {{scrape_interval: 500ms, scrape_timeout: 400ms}}
scrape_configs:
  - job_name: metrics
    static_configs: [{{targets: ["{address}"]}}]
  - job_name: probe
    metrics_path: /probe
    static_configs: [{{targets: [billing, auth-service, notes]}}]
    relabel_configs:
      - {{source_labels: [__address__], target_label: __param_target}}
      - {{source_labels: [__address__], target_label: target}}
      - {{target_label: __address__, replacement: "{address}"}}
"""


@pytest.mark.skipif(not PROMETHEUS, reason="prometheus is not installed (Debian: prometheus)")
async def test_a_real_prometheus_takes_every_series(tmp_path):
    clock = FakeClock()
    given = services(busy_day(clock), clock)
    for status in given.store.statuses():
        if status.visit is not None:
            given.exposition.on_result(status.visit)
    async with serving(given) as running:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{free.getsockname()[1]}"
        (tmp_path / "prometheus.yml").write_text(
            CONFIGURATION.format(address=running.server.addresses[0])
        )
        process = await asyncio.create_subprocess_exec(
            PROMETHEUS,
            f"--config.file={tmp_path}/prometheus.yml",
            f"--storage.tsdb.path={tmp_path}/data",
            f"--web.listen-address={address}",
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            async with httpx.AsyncClient(base_url=f"http://{address}", trust_env=False) as client:
                targets = await scraped(client)
                assert [target["lastError"] for target in targets] == [""] * 4
                assert len(await query(client, 'watchdog_up{job="metrics"}')) == 7
                assert len(await query(client, 'watchdog_up{job="probe"} == 1')) == 2
                assert await query(client, "watchdog_hints_total > 0")
                assert await query(client, 'pg_up{target="auth-service"} == 0')
                series = await query(client, 'count({job="metrics",__name__=~"watchdog_.*"})')
                said = [
                    line
                    for line in given.exposition.page().decode().splitlines()
                    if not line.startswith("#")
                ]
                assert series[0]["value"][1] == str(len(said))
        finally:
            process.kill()
            await process.wait()


async def scraped(client):
    """Wait until every target has been scraped."""
    async with asyncio.timeout(30):
        while True:
            try:
                answer = (await client.get("/api/v1/targets")).json()
            except (httpx.TransportError, json.JSONDecodeError):
                answer = {}  # still starting
            targets = answer.get("data", {}).get("activeTargets", [])
            if len(targets) == 4 and all(target["health"] != "unknown" for target in targets):
                return targets
            await asyncio.sleep(0.1)


async def query(client, expression):
    answer = await client.get("/api/v1/query", params={"query": expression})
    return answer.json()["data"]["result"]
