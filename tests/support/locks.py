"""Locks that somebody else holds on a PostgreSQL table: what makes a dump wait."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator

from tests.support.daemon import wait_until
from tests.support.postgres import Cluster


@contextlib.contextmanager
def locked(cluster: Cluster, database: str, table: str = "note") -> Iterator[None]:
    """Hold an ACCESS EXCLUSIVE lock on *table* for the time of the block."""
    command = [cluster.binaries / "psql", "-XAtq", "-v", "ON_ERROR_STOP=1"]
    command += ["-h", cluster.folder, "-p", str(cluster.port), "-U", "postgres", "-d", database]
    with subprocess.Popen(
        [str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    ) as holder:
        assert holder.stdin is not None
        try:
            holder.stdin.write(f"begin; lock table {table} in access exclusive mode;\n")
            holder.stdin.flush()
            wait_until(lambda: _is_locked(cluster, database, table), f"{table} is locked")
            yield
        finally:
            holder.stdin.close()
            holder.wait(10)


def _is_locked(cluster: Cluster, database: str, table: str) -> bool:
    return (
        cluster.sql(
            "select exists (select from pg_locks where mode = 'AccessExclusiveLock' and granted"
            f" and relation = '{table}'::regclass)",
            database,
        )
        == "t"
    )
