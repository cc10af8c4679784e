"""A real PgBouncer before a server of the tests' own; skips where it is not installed."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.postgres import PASSWORDS, Cluster, as_server_user, free_port


@contextlib.contextmanager
def pgbouncer(cluster: Cluster, **settings: object) -> Iterator[int]:
    """Run PgBouncer in transaction mode before *cluster*; give its port on 127.0.0.1.

    Every role of the cluster logs in with its own password. ``settings`` are
    those of the section ``[pgbouncer]``.
    """
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if program is None:
        pytest.skip("pgbouncer is not installed (Debian: apt install pgbouncer)")
    folder = Path(tempfile.mkdtemp(prefix="pgbouncer-"))
    port = free_port()
    users = "".join(f'"{name}" "{secret}"\n' for name, secret in PASSWORDS.items())
    (folder / "users.txt").write_text(users)
    options = {
        "listen_addr": "127.0.0.1",
        "listen_port": port,
        "unix_socket_dir": "",
        "auth_type": "scram-sha-256",
        "auth_file": folder / "users.txt",
        "pidfile": folder / "pid",
        "pool_mode": "transaction",
        "default_pool_size": 1,
        "server_tls_sslmode": "disable",
        **settings,
    }
    lines = [f"{name} = {value}" for name, value in options.items()]
    text = f"[databases]\n* = host={cluster.host} port={cluster.port}\n[pgbouncer]\n"
    (folder / "pgbouncer.ini").write_text(text + "\n".join(lines) + "\n")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            as_server_user([program, folder / "pgbouncer.ini"]), stdout=log, stderr=log
        )
    try:
        _wait(process, port, folder / "log")
        yield port
    finally:
        process.terminate()
        process.wait(10)
        shutil.rmtree(folder, ignore_errors=True)


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + 10
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"pgbouncer does not listen: {log.read_text()[-1000:]}")
        time.sleep(0.02)
