"""Hints of a daemon that has a container to itself, read in its log.

It is the first process of its own namespace, under another user than the
files', with the mark of a container and without PostgreSQL's tools.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Final

import pytest

from tests.support.daemon import Daemon, clean_environment
from tests.support.hint_log import Table, wait_told
from tests.support.postgres import Cluster, free_port
from tests.support.sqlite import make_database, open_folder

PROBE: Final = {"interval": "10s", "timeout": "5s"}
BACKUP: Final = {"schedule": "@every 6h", "run_on_start": True}

HINTS: Final[Table] = {
    "localhost_in_container": ("beside", ("localhost", "{closed}", "container")),
    "pg_dump_not_found": ("toolless", ("postgresql-client-{major}", "toolless")),
    "sqlite_cantopen_permission": ("shut", ("{folder}/shut/app.db", "{folder}/shut", "65534")),
}

# What the daemon sees of a container: the mark that podman leaves.
_INSIDE: Final = 'mount -t tmpfs none /run && touch /run/.containerenv && exec "$@"'
_NAMESPACES: Final = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
_NOBODY: Final = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
_CONTAINER: Final = (*_NAMESPACES, "sh", "-c", _INSIDE, "sh", *_NOBODY)


@pytest.fixture(scope="module")
def world(cluster: Cluster) -> Iterator[tuple[Daemon, dict[str, str]]]:
    tried = subprocess.run(
        [*_CONTAINER, sys.executable, "-c", "import watchdog.cli"],
        capture_output=True,
        text=True,
        env=clean_environment(),
        check=False,
    )
    if tried.returncode != 0:
        pytest.skip(f"no container can be had here: {tried.stderr.strip()[-300:]}")
    with open_folder() as folder:
        (folder / "shut").mkdir()
        make_database(folder / "shut" / "app.db")
        (folder / "shut").chmod(0o700)
        for name in ("none", "state"):
            (folder / name).mkdir()
            (folder / name).chmod(0o777)
        cluster.sql("create database toolless_db template watched_template")
        values = {
            "folder": str(folder),
            "closed": str(free_port()),
            "major": cluster.sql("show server_version").split(".")[0],
        }
        targets = [
            {"name": "beside", "url": f"postgresql://app:pw@localhost:{values['closed']}/app"},
            {"name": "shut", "url": f"sqlite:///{folder}/shut/app.db"},
            {
                "name": "toolless",
                "url": cluster.url("owner", "toolless_db"),
                "backup": {**BACKUP, "directory": str(folder / "backups")},
            },
        ]
        daemon = Daemon(
            folder,
            {"targets": [{**target, "probe": PROBE} for target in targets]},
            environment={"DB_WATCHDOG_PG_BIN": str(folder / "none"), "HOME": str(folder)},
            prefix=_CONTAINER,
            ready=False,
        )
        with daemon:
            yield daemon, values


@pytest.mark.parametrize("hint", HINTS)
def test_a_hint_is_read_in_the_log_with_its_values(
    world: tuple[Daemon, dict[str, str]], hint: str
) -> None:
    daemon, values = world
    wait_told(daemon, HINTS, hint, values)
    assert daemon.tracebacks == ""
