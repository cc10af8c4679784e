"""The files of a SQLite database, seen from outside.

Owns: what ``stat`` tells about the database, its ``-wal``, ``-shm`` and
``-journal``, which component of a path is wrong, and the ``file:`` URI.
Opens nothing. Blocking: a hung mount blocks whoever calls it.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from watchdog.engines.sqlite.mounts import Mount, mount_of
from watchdog.engines.sqlite.troubles import SqliteTrouble

_KINDS: Final = (
    (stat.S_ISFIFO, "a named pipe (FIFO)"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a character device"),
    (stat.S_ISBLK, "a block device"),
)


@dataclass(frozen=True, slots=True)
class FileFacts:
    """One file; ``mtime_ns`` is nanoseconds since the epoch."""

    device: int
    inode: int
    size: int
    mtime_ns: int
    owner: int
    group: int
    mode: int

    @property
    def identity(self) -> tuple[int, int]:
        """What stays the same while it is the same file."""
        return self.device, self.inode


@dataclass(frozen=True, slots=True)
class Files:
    """A database and what lies beside it; ``path`` has its symlinks resolved, as SQLite does."""

    path: str
    main: FileFacts
    wal: FileFacts | None
    shm: FileFacts | None
    journal: FileFacts | None
    mount: Mount | None

    @property
    def signature(self) -> tuple[object, ...]:
        """Whatever a writer would change: equal before and after means that nobody wrote."""
        return self.main, self.wal, self.journal, self.shm is not None

    @property
    def on_network(self) -> bool:
        """Whether the file is on a network file system, where it is only looked at from outside."""
        return self.mount is not None and self.mount.is_network


def uri(path: str, **parameters: str) -> str:
    """Return the ``file:`` URI of an absolute *path*, for any bytes a name may have."""
    query = "&".join(f"{key}={value}" for key, value in parameters.items())
    return f"file://{quote(os.fsencode(path))}" + (f"?{query}" if query else "")


def survey(path: str) -> Files:
    """Stat the database at *path* and what lies beside it.

    Raises ``SqliteTrouble`` if it is not a regular file that can be reached.
    """
    if "\x00" in path:
        raise SqliteTrouble(
            "a path cannot hold a NUL character", code="SQLITE_CANTOPEN", component=path
        )
    real = os.path.realpath(path)
    return _stat(real, path, mount_of(real))


def again(files: Files) -> Files:
    """Stat the same files once more. Raises as ``survey`` does."""
    return _stat(files.path, files.path, files.mount)


def unreachable(error: OSError, path: str) -> SqliteTrouble:
    """Say which part of *path* an *error* of the operating system is about."""
    code = errno.errorcode.get(error.errno or 0, "")
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return _missing(path, code)
    if error.errno in (errno.EACCES, errno.EPERM):
        return _forbidden(str(error.filename or path), code)
    text = f"{error.strerror or error}: {path}"
    hint = "sqlite_ioerr" if error.errno in (errno.EIO, errno.ESTALE, errno.ENXIO) else ""
    return SqliteTrouble(text, code=code, hint=hint, component=path)


def _stat(real: str, path: str, mount: Mount | None) -> Files:
    try:
        main = _regular(real, path)
        wal, shm, journal = (_beside(real + end) for end in ("-wal", "-shm", "-journal"))
    except OSError as error:
        raise unreachable(error, path) from error
    return Files(real, main, wal, shm, journal, mount)


def _regular(real: str, path: str) -> FileFacts:
    found = os.stat(real)  # noqa: PTH116 - names may be any bytes
    mode = found.st_mode
    if stat.S_ISDIR(mode):
        raise SqliteTrouble(
            f"{path} is a directory, not a database file",
            code="SQLITE_CANTOPEN_ISDIR",
            hint="sqlite_path_is_folder",
            component=path,
        )
    for test, name in _KINDS:
        if test(mode):
            raise SqliteTrouble(
                f"{path} is {name}, not a database file",
                code="SQLITE_NOTADB",
                hint="sqlite_notadb",
                component=path,
            )
    return _facts(found)


def _beside(path: str) -> FileFacts | None:
    try:
        return _facts(os.stat(path))  # noqa: PTH116
    except FileNotFoundError:
        return None


def _facts(found: os.stat_result) -> FileFacts:
    return FileFacts(
        found.st_dev,
        found.st_ino,
        found.st_size,
        found.st_mtime_ns,
        found.st_uid,
        found.st_gid,
        stat.S_IMODE(found.st_mode),
    )


def _missing(path: str, code: str) -> SqliteTrouble:
    absolute = os.path.abspath(path)  # noqa: PTH100 - must not resolve symlinks
    component = absolute
    parent = os.path.dirname(component)  # noqa: PTH120
    while parent != component and not os.path.lexists(parent):
        component, parent = parent, os.path.dirname(parent)  # noqa: PTH120
    if os.path.islink(component):  # noqa: PTH114
        text = f"{component} is a symlink to {os.readlink(component)}, which does not exist"  # noqa: PTH115
    elif not os.path.isdir(parent):  # noqa: PTH112
        component, text = parent, f"{parent} is not a directory"
        if os.path.islink(parent):  # noqa: PTH114
            text = f"{parent} is a symlink to {os.readlink(parent)}, which is not a directory"  # noqa: PTH115
    elif component == absolute:
        text = f"the file {component} does not exist (its directory does)"
    else:
        text = f"the directory {component} does not exist"
    return SqliteTrouble(text, code=code, hint="sqlite_cantopen_missing_dir", component=component)


def _forbidden(path: str, code: str) -> SqliteTrouble:
    component = path
    directory = os.path.dirname(os.path.abspath(path))  # noqa: PTH100, PTH120
    walked = "/"
    for name in directory.split("/"):
        walked = os.path.join(walked, name)  # noqa: PTH118
        if not os.access(walked, os.X_OK):
            component = walked
            break
    what = "directory may not be entered" if component != path else "file may not be read"
    text = f"permission denied: the {what} by uid {os.geteuid()}: {component}"
    mode = ""
    with suppress(OSError):
        found = os.stat(component)  # noqa: PTH116
        mode = f"{stat.S_IMODE(found.st_mode):04o}"
        text += f" (mode {mode}, owner {found.st_uid}, group {found.st_gid})"
    return SqliteTrouble(
        text, code=code, hint="sqlite_cantopen_permission", component=component, mode=mode
    )
