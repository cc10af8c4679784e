"""From trouble to a message: the daemon, Prometheus, Alertmanager and a receiver, all real."""

import re
import signal
from contextlib import AsyncExitStack

import pytest

from tests.support.alerting import ALERTMANAGER, PROMETHEUS, Alerting
from tests.support.daemon import Daemon, wait_until
from tests.support.sqlite import crashed_wal, hot_journal, make_database

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
        assert f"docs/hints.md#{hint}" in down["annotations"]["hints"].split()

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


@pytest.mark.lab
@pytest.mark.timeout(300)
async def test_each_trouble_of_a_database_gets_its_own_alert(tmp_path, private_cluster):
    full = private_cluster(max_connections=23)  # 20 of them for ordinary roles
    busy, blind = full.create_database(), private_cluster().create_database()
    hot_journal(tmp_path / "torn.db")
    crashed_wal(tmp_path / "left.db", keep_shm=False)
    backup = {"schedule": "@every 6h", "directory": "backups", "run_on_start": True}
    configuration = {
        "defaults": {"probe": PROBE},
        "targets": [
            {"name": "busy", "url": busy.url(), "backup": False},
            {"name": "refused", "url": busy.url(password="wrong"), "backup": backup},
            {"name": "blind", "url": blind.url(user="plain"), "backup": False},
            {"name": "left", "url": f"sqlite:///{tmp_path}/left.db", "backup": False},
            {"name": "torn", "url": f"sqlite:///{tmp_path}/torn.db", "backup": False},
        ],
    }
    (tmp_path / "daemon").mkdir()
    async with AsyncExitStack() as held:
        for _ in range(18):
            connection = await full.connect(busy.name)
            held.push_async_callback(connection.close)
        with (
            Daemon(tmp_path / "daemon", configuration) as daemon,
            Alerting(tmp_path, daemon.url.removeprefix("http://")) as alerting,
        ):
            seen = alerting.wait_alert("ConnectionsExhausted", severity="page")
            assert seen["labels"]["server"] == f"127.0.0.1:{full.port}"
            assert re.search(
                r"taken: too_many_connections; most by \w+ in \w+.*: \d+$",
                seen["annotations"]["summary"],
            )

            seen = alerting.wait_alert("DatabaseDown", severity="ticket")
            assert seen["labels"]["target"] == "refused"
            assert seen["annotations"]["summary"] == (
                "refused does not let db-watchdog in (auth at authenticate): auth_failed"
            )
            assert not alerting.alerts("DatabaseDown", severity="page", target="refused")

            seen = alerting.wait_alert("SqliteNeedsRecovery", target="left")
            assert seen["status"]["state"] == "active"
            # What cannot be read at all is down, and says why there.
            seen = alerting.wait_alert("SqliteNeedsRecovery", target="torn")
            assert seen["status"]["state"] == "suppressed"
            (seen,) = alerting.alerts("DatabaseDown", severity="page")
            assert seen["annotations"]["summary"].startswith("torn is down (sqlite at ")
            assert seen["annotations"]["summary"].endswith(": sqlite_needs_recovery")

            daemon.configure("targets: [")
            daemon.signal(signal.SIGHUP)
            alerting.wait_alert("ConfigurationReloadFailed", severity="ticket")

            seen = alerting.wait_alert("BackupFailed", target="refused")
            assert seen["status"]["state"] == "suppressed"

            seen = alerting.wait_alert("WatchdogBlind")
            assert seen["annotations"]["summary"].endswith(": blind_role")
            assert all(rule["health"] == "ok" for rule in alerting.rules())
            assert not alerting.alerts("DatabaseDown", target="busy")
