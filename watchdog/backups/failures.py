"""Failures of our own file work around a backup.

Owns: which errno of a destination means what. What an engine's tool said is
classified by the engine. Must not know: the pipeline.
"""

from __future__ import annotations

import errno
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from watchdog import hints
from watchdog.backups import files
from watchdog.model import Failure, Kind, Phase
from watchdog.secret import mask

NO_SPACE: Final = "backup_no_space"
DESTINATION_MISSING: Final = "destination_missing"
FOLDER_MISSING: Final = "backup_dir_missing"
SILENT: Final = "file_system_hangs"
TRUNCATED: Final = "backup_truncated"
FILE_MISSING: Final = "backup_file_missing"
ZERO_BYTES: Final = "backup_zero_bytes"
DAMAGED: Final = "backup_damaged"
LOCKED: Final = "backup_locked"
TIMED_OUT: Final = "backup_timeout"
TOOL_KILLED: Final = "backup_tool_killed"
FREE: Final = "free"  # the fact that tells what a destination has left

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_UNUSABLE = (errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTCONN)
_ADVICE = {
    errno.EACCES: "let the daemon's user write there (chown, chmod)",
    errno.EPERM: "let the daemon's user write there (chown, chmod)",
    errno.EROFS: "the file system is mounted read-only: mount it for writing",
    errno.ENOENT: "create it or mount it",
    errno.ENOTDIR: "a file is in the way of the folder: give another directory",
    errno.ENOTCONN: "its file server is gone: mount it again",
}


def of_os_error(error: OSError, phase: Phase, path: Path, target: str) -> Failure:
    """Classify an error of the destination's file system."""
    number = error.errno or 0
    code = errno.errorcode.get(number, "")
    reason = error.strerror or str(error)
    where = _whole_name(str(error.filename or path))
    if number in _FULL:
        return no_space(
            f"no space left for the backup of {target} in {where}", phase, path, target, code
        )
    advice = f": {_ADVICE[number]}" if number in _ADVICE else ""
    hint = known(FOLDER_MISSING) if number in _UNUSABLE else ""
    return Failure(
        kind=Kind.BACKUP,
        message=mask(f"cannot use {where} for the backup of {target} ({reason}){advice}"),
        phase=phase,
        code=code,
        hint=hint,
        facts=facts(path, target),
    )


def _whole_name(path: str) -> str:
    """Return *path*, or the folder of one that is written under another name first."""
    folder, _, name = path.rpartition("/")
    return folder if name.startswith(".") and name.endswith(".new") else path


def of_pause(error: OSError, path: Path, target: str) -> Failure:
    """Return the failure to write down that backups of *target* are paused, or no longer."""
    number, where = error.errno or 0, _whole_name(str(error.filename or path))
    advice = f": {_ADVICE[number]}" if number in _ADVICE else ""
    return Failure(
        Kind.BACKUP,
        mask(
            f"what was said of pauses of {target} cannot be written down, so nothing has changed:"
            f" {where}: {error.strerror or error}{advice}"
        ),
        code=errno.errorcode.get(number, ""),
        facts=facts(path, target),
    )


def of_forgetting(error: OSError, path: Path, target: str) -> Failure:
    """Return the failure to write an attempt down, in its folder as well as with us."""
    where, reason = _whole_name(str(error.filename or path)), error.strerror or str(error)
    return Failure(
        Kind.BACKUP,
        mask(
            f"what came of this backup of {target} cannot be written down, a restart will forget"
            f" it: {where}: {reason}"
        ),
        Phase.PUBLISH,
        errno.errorcode.get(error.errno or 0, ""),
        facts=facts(path, target),
    )


def no_space(message: str, phase: Phase, path: Path, target: str, code: str = "ENOSPC") -> Failure:
    """Return the failure of a full destination."""
    return Failure(Kind.BACKUP, mask(message), phase, code, known(NO_SPACE), facts(path, target))


def with_room(failure: Failure, path: Path, target: str) -> Failure:
    """Add to the failure of a full destination what is left there now, and what to do. Blocking."""
    if failure.hint != NO_SPACE or FREE in failure.facts:
        return failure
    try:
        left = files.left(path)
    except OSError as error:
        left = f"how much is free cannot be told ({error.strerror})"
    message = (
        f"{failure.message}; {left} now that what was unfinished is removed: free more there, or"
        " lower keep"
    )
    told = {"target": target, **failure.facts, FREE: left}
    return replace(failure, message=mask(message), facts=told)


def of_backup(
    cause: str, message: str, phase: Phase, path: Path, target: str, code: str = ""
) -> Failure:
    """Return a failure of the family backup with one of its causes."""
    return Failure(Kind.BACKUP, mask(message), phase, code, known(cause), facts(path, target))


def timed_out(target: str, seconds: float, phase: Phase, path: Path) -> Failure:
    """Return the failure of a backup that took longer than it may."""
    return Failure(
        Kind.TIMEOUT,
        f"the backup of {target} was not done after {seconds:g} s: see what holds it up,"
        " or raise backup.timeout",
        phase,
        hint=known(TIMED_OUT),
        facts=facts(path, target),
    )


def facts(path: Path, target: str) -> Mapping[str, str]:
    """Return what fills the steps of a hint."""
    named = {"target": target} if target else {}
    return {"path": str(path), "directory": str(path), **named}


def known(cause: str) -> str:
    """Return *cause* if the catalogue of hints has it, otherwise ""."""
    try:
        hints.family_of(cause)
    except KeyError:
        return ""
    return cause
