"""A file system that a user process passes through, as sshfs does, and whose server may forget.

A FUSE mount of a folder, read only, one level deep. Reading a file whose name
begins with ``stale`` gives ESTALE behind its first page, as of a file server
that was started anew (of EIO SQLite says that the file is malformed). Needs
root and /dev/fuse.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

_MNT_DETACH: Final = 2
_PAGE: Final = 4096
_LARGEST: Final = 1 << 17
_HEADER: Final = struct.Struct("<IIQQIIII")
_ANSWER: Final = struct.Struct("<IiQ")
_ATTRIBUTES: Final = struct.Struct("<6Q10I")
_INIT: Final = struct.Struct("<IIIIHHIIHHI28x")
_SPACE: Final = struct.pack("<5Q4I24x", 1 << 20, 1 << 19, 1 << 19, 99, 99, _PAGE, 255, _PAGE, 0)
_ROOT: Final = 1
_SILENT: Final = frozenset({2, 36, 42})  # FORGET, INTERRUPT, BATCH_FORGET want no answer


class _Server:
    """Answers the kernel's questions about the files of a folder."""

    def __init__(self, descriptor: int, folder: Path) -> None:
        self._descriptor = descriptor
        self._folder = folder
        self._paths = {_ROOT: folder}
        self._handlers: dict[int, Callable[[int, bytes], bytes]] = {
            1: self._look_up,
            3: self._attributes,
            14: self._opened,
            15: self._read,
            17: lambda _node, _data: _SPACE,
            18: lambda _node, _data: b"",
            25: lambda _node, _data: b"",
            26: self._begun,
            27: self._opened,
            28: lambda _node, _data: b"",
            29: lambda _node, _data: b"",
        }

    def serve(self) -> None:
        """Answer until the mount has gone."""
        while True:
            try:
                asked = os.read(self._descriptor, _LARGEST + _PAGE)
            except OSError as error:
                if error.errno in (errno.ENOENT, errno.EINTR):
                    continue
                return
            _, code, unique, node, *_ = _HEADER.unpack_from(asked)
            if code in _SILENT:
                continue
            answer, number = b"", 0
            try:
                handler = self._handlers.get(code)
                if handler is None:
                    raise OSError(errno.ENOSYS, "not known here")
                answer = handler(node, asked[_HEADER.size :])
            except OSError as error:
                number = -(error.errno or errno.EIO)
            said = _ANSWER.pack(_ANSWER.size + len(answer), number, unique) + answer
            try:
                os.write(self._descriptor, said)
            except OSError:
                continue  # whoever asked has gone

    def _begun(self, _node: int, _data: bytes) -> bytes:
        return _INIT.pack(7, 31, _LARGEST, 0, 12, 9, _PAGE, 1, 32, 0, 0)

    def _look_up(self, _node: int, data: bytes) -> bytes:
        path = self._folder / os.fsdecode(data.rstrip(b"\0"))
        seen = path.stat()
        self._paths[seen.st_ino] = path
        return struct.pack("<4Q2I", seen.st_ino, 0, 0, 0, 0, 0) + _packed(seen)

    def _attributes(self, node: int, _data: bytes) -> bytes:
        return struct.pack("<QII", 0, 0, 0) + _packed(self._paths[node].stat())

    def _opened(self, _node: int, _data: bytes) -> bytes:
        return struct.pack("<QII", 0, 1, 0)  # no cache of the kernel's between

    def _read(self, node: int, data: bytes) -> bytes:
        _, offset, size = struct.unpack_from("<QQI", data)
        path = self._paths[node]
        if path.name.startswith("stale") and offset + size > _PAGE:
            raise OSError(errno.ESTALE, "another file server")
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(size)


def _packed(seen: os.stat_result) -> bytes:
    times = [int(seen.st_atime), int(seen.st_mtime), int(seen.st_ctime)]
    rest = [seen.st_mode, 1, seen.st_uid, seen.st_gid, 0, _PAGE, 0]
    blocks = (seen.st_size + 511) // 512
    return _ATTRIBUTES.pack(seen.st_ino, seen.st_size, blocks, *times, 0, 0, 0, *rest)


@contextmanager
def network_mount(place: Path, folder: Path) -> Iterator[Path]:
    """Give *folder*, seen through a mount of the kind ``fuse.sshfs`` in *place*."""
    libc = ctypes.CDLL(None, use_errno=True)
    if os.geteuid() != 0 or not Path("/dev/fuse").exists():
        pytest.skip("only root with /dev/fuse can make such a mount")
    descriptor = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    options = f"fd={descriptor},rootmode=40000,user_id=0,group_id=0,allow_other"
    if libc.mount(b"files.example:/srv", os.fsencode(place), b"fuse.sshfs", 0, options.encode()):
        os.close(descriptor)
        pytest.skip(f"cannot mount: {os.strerror(ctypes.get_errno())}")
    serving = threading.Thread(target=_Server(descriptor, folder).serve, daemon=True)
    serving.start()
    try:
        yield place
    finally:
        libc.umount2(os.fsencode(place), _MNT_DETACH)
        os.close(descriptor)
