"""From what went wrong to a classified failure.

Owns: the codes and facts of failures of this engine. By result code, never by
text, where SQLite gives one (https://www.sqlite.org/rescode.html). Must not
know: which steps a hint has.
"""

from __future__ import annotations

import errno
import os
import pwd
import sqlite3
from collections.abc import Mapping
from pathlib import Path

from watchdog import hints
from watchdog.database_url import SqliteUrl
from watchdog.engines.sqlite.troubles import SqliteTrouble
from watchdog.model import ActionFailed, Failure, Kind, Phase, Target
from watchdog.secret import mask
from watchdog.slots import StillStuckError

_NEEDS_RECOVERY = "SQLITE_READONLY_ROLLBACK"


def path_of(target: Target) -> str:
    """Return the target's file."""
    if not isinstance(target.url, SqliteUrl):
        raise TypeError(f"{target.name} is not a SQLite target: {target.url.engine}")
    return target.url.path


def classify(
    error: BaseException, phase: Phase | None, target: Target | None, path: str = ""
) -> Failure:
    """Return the failure that *error* is; one that nobody knows is ``internal``.

    *path* is the file where it is not the target's own.
    """
    if isinstance(error, ActionFailed):
        return error.failure
    facts = facts_of(target, path)
    if isinstance(error, TimeoutError):
        code = errno.errorcode.get(error.errno or 0, "")
        return Failure(Kind.TIMEOUT, _text(error), phase, code, facts=facts)
    if isinstance(error, SqliteTrouble):
        facts["component"] = error.component or facts.get("path", "")
        if error.mode:
            facts["mode"] = error.mode
        return _failure(error, phase, error.code, facts, certain=error.hint)
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorname", "")
        if "path" in facts:
            error = type(error)(f"{error}: {facts['path']}")
        return _failure(error, phase, code, facts)
    if isinstance(error, OSError):
        return _failure(error, phase, errno.errorcode.get(error.errno or 0, ""), facts)
    text = f"{type(error).__name__}: {error}"
    return Failure(Kind.INTERNAL, mask(text), phase, facts=facts)


def timed_out(phase: Phase | None, seconds: float, target: Target) -> Failure:
    """Return the failure of a deadline of ours, of *seconds*, that passed in *phase*."""
    doing = {
        Phase.STAT: "looking at the file",
        Phase.OPEN: "opening it",
        Phase.READ: "reading it",
        Phase.COPY: "copying it",
    }.get(phase or Phase.READ, "waiting for it")
    text = f"no answer in {seconds:g} s while {doing}: {path_of(target)}"
    return Failure(Kind.TIMEOUT, mask(text), phase, facts=facts_of(target))


def facts_of(target: Target | None, path: str = "") -> dict[str, str]:
    """Return what fills the placeholders of a hint's steps."""
    facts = {"user": _user(), "uid": str(os.geteuid())}
    if target is not None:
        facts["target"] = target.name
        if not path and isinstance(target.url, SqliteUrl):
            path = target.url.path
    if path:
        facts |= {
            "path": path,
            "directory": str(Path(path).parent),
            "database": Path(path).name,
        }
    return facts


def trouble(
    hint: str,
    text: str,
    code: str,
    target: Target | None,
    phase: Phase = Phase.READ,
    facts: Mapping[str, str] | None = None,
) -> Failure:
    """Return a trouble that does not make the target down, with a hint that is certain.

    *facts* are what its steps name beside the target's own.
    """
    known_facts = {**facts_of(target), **{k: v for k, v in (facts or {}).items() if v}}
    return Failure(family(hint), mask(text), phase, code, known(hint), known_facts)


def family(hint: str) -> Kind:
    """Return the family of a cause; ``sqlite`` for one that the catalogue does not have."""
    try:
        return hints.family_of(hint)
    except (KeyError, NotImplementedError):
        return Kind.SQLITE


def known(hint: str) -> str:
    """Return *hint* if the catalogue has it, "" otherwise."""
    try:
        hints.family_of(hint)
    except (KeyError, NotImplementedError):
        return ""
    return hint


def _failure(
    error: BaseException,
    phase: Phase | None,
    code: str,
    facts: Mapping[str, str],
    certain: str = "",
) -> Failure:
    hint = known(certain) or _best(error, phase, code)
    return Failure(family(hint), _text(error), phase, code, hint, facts)


def _best(error: BaseException, phase: Phase | None, code: str) -> str:
    if code == _NEEDS_RECOVERY:
        return known("sqlite_needs_recovery")  # any other cause would mislead
    evidence = hints.Evidence(
        engine="sqlite", phase=phase, code=code, exception=type(error).__name__, text=str(error)
    )
    try:
        found = hints.match(evidence)
    except NotImplementedError:
        return ""
    return found[0].id if found else ""


def _text(error: BaseException) -> str:
    if isinstance(error, StillStuckError):
        return mask(str(error))
    return mask(str(error) or type(error).__name__)


def _user() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # a container's uid without a name
        return str(os.geteuid())
