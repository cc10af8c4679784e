"""From trouble to a message: the daemon, Prometheus, Alertmanager and a receiver, all real."""

import pytest

from tests.support.alerting import ALERTMANAGER, PROMETHEUS, Alerting
from tests.support.daemon import Daemon, wait_until
from tests.support.sqlite import make_database

pytestmark = [
    pytest.mark.skipif(
        not (PROMETHEUS and ALERTMANAGER),
        reason="prometheus and alertmanager are not installed (Debian: prometheus-alertmanager)",
    ),
]

PROBE = {"interval": "1s", "timeout": "800ms", "connect_interval": "1s"}


def test_a_trouble_becomes_a_message_that_says_why_and_holds_back_the_rest(
    tmp_path, private_cluster
):
    cluster = private_cluster()
    databases = [cluster.create_database() for _ in range(2)]
    file = make_database(tmp_path / "shop.db", journal_mode="delete")
    (tmp_path / "daemon").mkdir()
    (tmp_path / "daemon" / "no-folder").write_text("")
    configuration = {
        "defaults": {"probe": PROBE},
        "targets": [
            {
                "name": "shop",
                "url": f"sqlite:///{file}",
                # A place for backups that can never be one.
                "backup": {"schedule": "@every 6h", "directory": "no-folder/backups"},
            },
            *(
                {"name": f"db{number}", "url": database.url(), "backup": False}
                for number, database in enumerate(databases)
            ),
        ],
    }
    with (
        Daemon(tmp_path / "daemon", configuration) as daemon,
        Alerting(tmp_path, daemon.url.removeprefix("http://")) as alerting,
    ):
        gone = alerting.wait_alert("BackupDestinationGone", target="shop")
        assert gone["status"]["state"] == "active"
        assert not alerting.alerts("DatabaseDown")

        cluster.stop("immediate")
        file.rename(tmp_path / "elsewhere.db")

        down = alerting.wait_alert("DatabaseDown", target="shop")
        assert down["labels"]["severity"] == "page"
        hint = daemon.target("shop")["hint"]["id"]
        assert hint in down["annotations"]["summary"]
        assert down["annotations"]["summary"].startswith("shop is down (sqlite at stat): ")
        assert down["annotations"]["runbook_url"] == "docs/alerts.md#databasedown"

        for name in ("db0", "db1"):
            down = alerting.wait_alert("DatabaseDown", target=name)
            assert down["labels"]["server"] == f"127.0.0.1:{cluster.port}"
            assert down["annotations"]["summary"] == (
                f"{name} is down (reach at connect): connection_refused"
            )

        held = wait_until(
            lambda: [
                alert
                for alert in alerting.alerts("BackupDestinationGone", target="shop")
                if alert["status"]["state"] == "suppressed"
            ],
            "the rest of the target is held back",
        )
        assert held[0]["status"]["inhibitedBy"]
        assert alerting.alerts("DatabaseDown", target="db0")[0]["status"]["state"] == "active"

        page = wait_until(
            lambda: alerting.receiver.got("/page", lambda body: len(body["alerts"]) == 2),
            "one message comes for both databases of the server",
        )
        assert {alert["labels"]["target"] for alert in page["alerts"]} == {"db0", "db1"}
        assert page["groupLabels"]["server"] == f"127.0.0.1:{cluster.port}"
        assert not alerting.alerts("DatabaseDown", severity="ticket")

        cluster.start()
        (tmp_path / "elsewhere.db").rename(file)
        wait_until(
            lambda: alerting.receiver.got(
                "/page",
                lambda body: (
                    body["status"] == "resolved"
                    and body["groupLabels"].get("server") == f"127.0.0.1:{cluster.port}"
                ),
            ),
            "a message says that it is over",
            60,
        )
        wait_until(
            lambda: (
                alerting.alerts("BackupDestinationGone", target="shop")[0]["status"]["state"]
                == "active"
            ),
            "what is left is told of again",
        )
        assert {(rule["health"], rule.get("lastError")) for rule in alerting.rules()} == {
            ("ok", None)
        }
        assert not alerting.alerts("DbWatchdogStale")
        assert not alerting.alerts("DbWatchdogAbsent")

        daemon.kill()
        absent = alerting.wait_alert("DbWatchdogAbsent", severity="page")
        assert absent["labels"]["instance"] == daemon.url.removeprefix("http://")
