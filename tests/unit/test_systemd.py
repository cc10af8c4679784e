"""What the service manager hears, read from a real datagram socket."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from watchdog.systemd import Notifier


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(path)
        receiver.settimeout(1)
        yield receiver, path


def test_ready_reload_and_stop_are_said(listener: tuple[socket.socket, str]) -> None:
    receiver, path = listener
    notifier = Notifier({"NOTIFY_SOCKET": path})
    notifier.ready("2 of 2 up")
    assert receiver.recv(4096) == b"READY=1\nSTATUS=2 of 2 up"
    notifier.reloading()
    assert receiver.recv(4096).startswith(b"RELOADING=1\nMONOTONIC_USEC=")
    notifier.stopping("bye")
    assert receiver.recv(4096) == b"STOPPING=1\nSTATUS=bye"
    notifier.alive()
    assert receiver.recv(4096) == b"WATCHDOG=1"


def test_an_abstract_socket_is_reached() -> None:
    name = f"db-watchdog-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind("\0" + name)
        receiver.settimeout(1)
        Notifier({"NOTIFY_SOCKET": "@" + name}).alive()
        assert receiver.recv(4096) == b"WATCHDOG=1"


def test_without_a_service_manager_nothing_happens() -> None:
    notifier = Notifier({})
    notifier.ready("x")
    assert not notifier.present
    assert notifier.keepalive_interval is None


def test_a_socket_that_has_gone_is_no_reason_to_fail(tmp_path: Path) -> None:
    Notifier({"NOTIFY_SOCKET": str(tmp_path / "gone")}).alive()


@pytest.mark.parametrize(
    ("environ", "interval"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "4711"}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
    ],
)
def test_the_keepalive_is_half_the_period_and_for_our_process_only(
    environ: dict[str, str], interval: float | None
) -> None:
    assert Notifier(environ, pid=4711).keepalive_interval == interval
