"""A real Prometheus and a real Alertmanager on the shipped configuration, and a receiver.

Only addresses and waiting times are changed: each minute becomes half a
second. The expressions are evaluated as they are shipped.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final, Self

import httpx
import yaml

from tests.support.daemon import ROOT, clean_environment, wait_until
from tests.support.postgres import free_port

SHIPPED: Final = ROOT / "config" / "prometheus"
PROMETHEUS: Final = shutil.which("prometheus")
ALERTMANAGER: Final = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")


def _sooner(duration: re.Match[str]) -> str:
    return f"{duration[1]}{int(duration[2]) * 500}ms"


class Receiver:
    """Takes what Alertmanager's webhooks send; one path a receiver."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, dict[str, Any]]] = []
        messages = self.messages

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                messages.append((self.path, json.loads(body)))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.05])
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def got(self, path: str, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any] | None:
        """Return the first message at *path* that the condition holds for."""
        return next(
            (body for at, body in list(self.messages) if at == path and condition(body)), None
        )

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class Alerting:
    """Prometheus that scrapes *daemon* (``host:port``), and its Alertmanager."""

    def __init__(self, folder: Path, daemon: str) -> None:
        self._folder = folder
        self._daemon = daemon
        self._processes: list[subprocess.Popen[bytes]] = []
        self.receiver = Receiver()
        self.prometheus = f"127.0.0.1:{free_port()}"
        self.alertmanager = f"127.0.0.1:{free_port()}"

    def __enter__(self) -> Self:
        try:
            self._write()
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait(10)
        self.receiver.close()

    # ------------------------------------------------------------------ set-up

    def _write(self) -> None:
        rules = self._folder / "rules"
        rules.mkdir()
        for file in (SHIPPED / "rules").glob("*.yml"):
            text = re.sub(r"^( +for: )(\d+)m$", _sooner, file.read_text(), flags=re.MULTILINE)
            (rules / file.name).write_text(text)
        document = yaml.safe_load((SHIPPED / "prometheus.yml").read_text())
        document["global"] = {
            "scrape_interval": "500ms", "scrape_timeout": "400ms", "evaluation_interval": "500ms"
        }  # fmt: skip
        self._point(document["alerting"]["alertmanagers"], self.alertmanager)
        document["scrape_configs"] = document["scrape_configs"][:1]
        # There is no DNS of a compose project here.
        del document["scrape_configs"][0]["dns_sd_configs"]
        self._point(document["scrape_configs"], self._daemon)
        (self._folder / "prometheus.yml").write_text(yaml.safe_dump(document))
        text = (SHIPPED / "alertmanager.yml").read_text()
        # Its examples, in use.
        text = text.replace("    # ", "    ").replace("http://127.0.0.1:8080", self.receiver.url)
        text = re.sub(r"group_(wait|interval): \w+", r"group_\1: 1s", text)
        (self._folder / "alertmanager.yml").write_text(text)

    @staticmethod
    def _point(places: list[dict[str, Any]], address: str) -> None:
        (place,) = places
        place["static_configs"] = [{"targets": [address]}]

    def _start(self) -> None:
        assert PROMETHEUS
        assert ALERTMANAGER
        commands = [
            [
                PROMETHEUS,
                f"--config.file={self._folder}/prometheus.yml",
                f"--storage.tsdb.path={self._folder}/tsdb",
                f"--web.listen-address={self.prometheus}",
                "--alertmanager.notification-queue-capacity=100",
                "--rules.alert.resend-delay=1s",
            ],
            [
                ALERTMANAGER,
                f"--config.file={self._folder}/alertmanager.yml",
                f"--storage.path={self._folder}/alertmanager",
                f"--web.listen-address={self.alertmanager}",
                "--cluster.listen-address=",
            ],
        ]
        for command in commands:
            with (self._folder / f"{Path(command[0]).name}.log").open("wb") as log:
                self._processes.append(
                    subprocess.Popen(
                        command, env=clean_environment(), stdin=subprocess.DEVNULL, stdout=log,
                        stderr=log,
                    )
                )  # fmt: skip
        for address in (self.prometheus, self.alertmanager):
            wait_until(lambda at=address: self._ready(at), f"{address} is ready", pause=0.1)

    def _ready(self, address: str) -> bool:
        try:
            return httpx.get(f"http://{address}/-/ready", trust_env=False).is_success
        except httpx.TransportError:
            return False

    # ------------------------------------------------------------------ what they say

    def rules(self) -> list[dict[str, Any]]:
        """Return each rule as Prometheus has it: its health, its last error."""
        answer = httpx.get(f"http://{self.prometheus}/api/v1/rules", trust_env=False).json()
        return [rule for group in answer["data"]["groups"] for rule in group["rules"]]

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return the series of an expression now."""
        answer = httpx.get(
            f"http://{self.prometheus}/api/v1/query", params={"query": expression}, trust_env=False
        )
        found: list[dict[str, Any]] = answer.json()["data"]["result"]
        return found

    def alerts(self, name: str, **labels: str) -> list[dict[str, Any]]:
        """Return the alerts that Alertmanager has now."""
        answer = httpx.get(f"http://{self.alertmanager}/api/v2/alerts", trust_env=False).json()
        wanted = {"alertname": name, **labels}.items()
        return [alert for alert in answer if wanted <= alert["labels"].items()]

    def wait_alert(self, name: str, **labels: str) -> dict[str, Any]:
        """Wait for an alert to reach Alertmanager and return it."""
        found: list[dict[str, Any]] = wait_until(
            lambda: self.alerts(name, **labels), f"{name} {labels} fires", 60, pause=0.1
        )
        return found[0]
