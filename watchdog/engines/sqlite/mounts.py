"""Which file system a path is on.

Owns: reading ``/proc/self/mountinfo`` (proc(5)) and the list of file systems
over which SQLite's locks and WAL cannot be trusted. Must not know: SQLite's
files. Touches no file of the mount itself, so it cannot hang on it.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

# Remote or passed through by a hypervisor or a user process: shared memory
# between machines does not exist there and locks are often not real.
# fmt: off
_NETWORK: Final = frozenset((
    "nfs", "nfs4", "cifs", "smb3", "smbfs", "smb2", "9p", "virtiofs", "ceph", "glusterfs", "lustre",
    "gfs2", "ocfs2", "afs", "coda", "ncpfs", "beegfs", "gpfs", "vboxsf", "vmhgfs", "prl_fs", "fuse",
    "fuseblk", "fakeowner", "drvfs", "grpcfuse", "osxfs",
))
# fmt: on
_MOUNTINFO: Final = Path("/proc/self/mountinfo")
_KEPT_SECONDS: Final = 15.0
_OCTAL: Final = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class Mount:
    """A mount as the kernel lists it."""

    point: str
    kind: str  # "ext4", "nfs4", "fuse.sshfs"
    source: str
    read_only: bool  # the file system itself: this mount of it may be so for us alone

    @property
    def is_network(self) -> bool:
        """Whether SQLite is only looked at from outside there."""
        return self.kind in _NETWORK or self.kind.startswith("fuse.")


def parse(text: str) -> tuple[Mount, ...]:
    """Return the mounts of a mountinfo *text*, in its order."""
    mounts = []
    for line in text.splitlines():
        fields = line.split(" ")
        try:
            kind, source, options = fields[fields.index("-") + 1 :][:3]
            point = _unescape(fields[4])
            read_only = "ro" in options.split(",")
        except (ValueError, IndexError):
            continue  # a line of a kernel to come
        mounts.append(Mount(point, kind, _unescape(source), read_only))
    return tuple(mounts)


def covering(mounts: tuple[Mount, ...], path: str) -> Mount | None:
    """Return the mount of an absolute, resolved *path*: the longest point, the last mounted."""
    best = None
    for mount in mounts:
        point = mount.point.rstrip("/")
        inside = path == point or path.startswith(point + "/")
        if inside and (best is None or len(mount.point) >= len(best.point)):
            best = mount
    return best


_known: tuple[float, tuple[Mount, ...]] | None = None


def mount_of(path: str) -> Mount | None:
    """Return the mount of a resolved *path*, at most 15 s old; ``None`` without mountinfo."""
    global _known  # noqa: PLW0603 - one mount table per process
    now = time.monotonic()
    if _known is None or now - _known[0] > _KEPT_SECONDS:
        try:
            _known = (now, parse(_MOUNTINFO.read_text(errors="surrogateescape")))
        except OSError:
            _known = (now, ())
    return covering(_known[1], path)


def _unescape(field: str) -> str:
    return _OCTAL.sub(lambda match: chr(int(match[1], 8)), field)
