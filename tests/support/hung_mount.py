"""A file system that never answers: whoever touches it waits.

A FUSE mount whose server does not exist, as a dead NFS server is for its
clients. Needs root and /dev/fuse.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_MNT_FORCE = 1
_MNT_DETACH = 2


@contextmanager
def hung_mount(folder: Path) -> Iterator[Path]:
    """Give a mount in *folder* that hangs until the block ends; skip where there is no FUSE."""
    libc = ctypes.CDLL(None, use_errno=True)
    if os.geteuid() != 0 or not Path("/dev/fuse").exists():
        pytest.skip("only root with /dev/fuse can make a mount that hangs")
    descriptor = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    options = f"fd={descriptor},rootmode=40000,user_id=0,group_id=0"
    place = os.fsencode(folder)
    if libc.mount(b"hung", place, b"fuse.hung", 0, options.encode()) != 0:
        os.close(descriptor)
        pytest.skip(f"cannot mount: {os.strerror(ctypes.get_errno())}")
    try:
        yield folder
    finally:
        os.close(descriptor)  # whoever waits gets ENOTCONN
        libc.umount2(place, _MNT_FORCE | _MNT_DETACH)
