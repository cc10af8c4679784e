"""Targets from variables alone, where there is no file.

Owns: which variables become targets and their names. Must not know: how
values are validated: it writes the tree that a file would have been.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from watchdog import database_url
from watchdog.config.mistakes import Mark, Mistakes
from watchdog.config.tree import Branch, Items, Text, text_at
from watchdog.config.variables import Variables
from watchdog.database_url import DatabaseUrl, DatabaseUrlError, PostgresqlUrl

EXCLUDE: Final = "DB_WATCHDOG_EXCLUDE"
BACKUPS: Final = "DB_WATCHDOG_BACKUP_DIRECTORY"
_SUFFIX: Final = re.compile(r"(?P<prefix>.*?)_*(?:DATABASE_URL|DB_URL)")
_NOT_OURS: Final = frozenset({"TEST", "SHADOW"})
_KEYS: Final = {
    "DB_WATCHDOG_LISTEN": ("listen",),
    "DB_WATCHDOG_LOG_FORMAT": ("log", "format"),
    "DB_WATCHDOG_LOG_LEVEL": ("log", "level"),
    "DB_WATCHDOG_LANGUAGE": ("log", "language"),
    "DB_WATCHDOG_WEB_CONFIG_FILE": ("web", "config_file"),
    "DB_WATCHDOG_TRUST_NETWORK": ("web", "trust_network"),
    BACKUPS: ("defaults", "backup", "directory"),
}


@dataclass(slots=True)
class Found:
    """The tree that stands for a file, and what to say at start."""

    branch: Branch
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Candidate:
    variable: str
    name: str
    url: DatabaseUrl
    named: bool  # by its prefix, not by its database


def tree(variables: Variables, base_dir: Path, mistakes: Mistakes) -> Found:
    """Return the configuration that the environment alone stands for."""
    here = Mark("environment")
    found = Found(Branch(here, ""))
    for variable, keys in _KEYS.items():
        if variables.get(variable):
            _put(found.branch, keys, _text(variables, variable))
    candidates = _merged(_candidates(variables, base_dir, mistakes, found.notes), found.notes)
    targets = Items(here, "targets")
    for name, candidate in _named(candidates, mistakes, variables).items():
        target = Branch(here, candidate.variable)
        target.put("name", text_at(name, here, candidate.variable), here, candidate.variable)
        target.put("url", _text(variables, candidate.variable), here, candidate.variable)
        targets.append(target)
        found.notes.append(f"{name}: found in {candidate.variable}")
    if not targets and not mistakes.found:
        mistakes.add(
            here,
            "",
            "no configuration file, and no variable that ends in DATABASE_URL or DB_URL holds a "
            "database's URL: write config/watchdog.yaml or set DATABASE_URL",
        )
    found.branch.put("targets", targets or _already_noted(here), here, "targets")
    if not variables.get(BACKUPS):
        found.notes.append(f"backups are off: set {BACKUPS} to a folder to turn them on")
    return found


def _text(variables: Variables, variable: str) -> Text:
    return text_at(variables[variable], variables.place(variable), variable, (variable,))


def _already_noted(mark: Mark) -> Text:
    nothing = text_at("", mark, "targets")
    nothing.broken = True
    return nothing


def _put(branch: Branch, keys: tuple[str, ...], value: Text) -> None:
    for key in keys[:-1]:
        if key not in branch:
            branch.put(key, Branch(value.mark, key), value.mark, key)
        branch = branch[key]
    branch.put(keys[-1], value, value.mark, value.path)


def _candidates(
    variables: Variables, base_dir: Path, mistakes: Mistakes, notes: list[str]
) -> list[_Candidate]:
    excluded = {_slug(word) for word in re.split(r"[\s,]+", variables.get(EXCLUDE, "")) if word}
    found, names = [], set()
    for variable in sorted(variables):
        match = _SUFFIX.fullmatch(variable)
        family = database_url.family_of(variables[variable]) if match else None
        if match is None or family is None:
            continue
        name = _slug(match["prefix"])
        names |= {name, _slug(variable)}
        reason = _left_out(variable, name, family, excluded)
        given = None if reason else _parsed(variable, variables, base_dir, mistakes)
        if given is not None and not name:
            name = _slug(_database(given)) or "database"
            names.add(name)
            reason = _left_out(variable, name, family, excluded)
        if reason:
            notes.append(f"{variable} is left out: {reason}")
        elif given is not None:
            found.append(_Candidate(variable, name, given, bool(match["prefix"].strip("_"))))
    unused = sorted(excluded - names)
    notes.extend(f"{EXCLUDE} names {name}, which is not there" for name in unused)
    return found


def _left_out(variable: str, name: str, family: str, excluded: Collection[str]) -> str:
    """Return why *variable* is no target, "" if it is one."""
    if _slug(variable) in excluded or name in excluded:
        return f"{EXCLUDE} names it"
    if _NOT_OURS & set(variable.upper().split("_")):
        return "it is for tests"
    if family not in ("postgresql", "sqlite"):
        return f"{family}:// is neither PostgreSQL nor SQLite"
    return ""


def _parsed(
    variable: str, variables: Variables, base_dir: Path, mistakes: Mistakes
) -> DatabaseUrl | None:
    try:
        return database_url.parse(variables[variable], environ=variables, base_dir=base_dir)
    except DatabaseUrlError as error:
        advice = f"{error} (or name it in {EXCLUDE})"
        mistakes.add(variables.place(variable), variable, advice)
        return None


def _merged(candidates: list[_Candidate], notes: list[str]) -> list[_Candidate]:
    """Leave one of those that are the same database, by preference one that has a name."""
    groups: dict[DatabaseUrl, list[_Candidate]] = defaultdict(list)
    for candidate in candidates:
        groups[candidate.url].append(candidate)
    kept = []
    for group in groups.values():
        first, *others = sorted(group, key=lambda one: (not one.named, one.variable))
        kept.append(first)
        if others:
            same = ", ".join(other.variable for other in others)
            notes.append(f"{first.name}: {first.variable} is the same database as {same}")
    return sorted(kept, key=lambda one: one.variable)


def _named(
    candidates: Collection[_Candidate], mistakes: Mistakes, variables: Variables
) -> dict[str, _Candidate]:
    """Return the candidates by name; those that share one are told apart by their databases."""
    groups: dict[str, list[_Candidate]] = defaultdict(list)
    for candidate in candidates:
        groups[candidate.name].append(candidate)
    named: dict[str, _Candidate] = {}
    for name, group in groups.items():
        for candidate in group:
            own = name if len(group) == 1 else _slug(f"{name}-{_database(candidate.url)}")
            if own in named:
                mistakes.add(
                    variables.place(candidate.variable),
                    candidate.variable,
                    f"its target would be named {own}, as that of {named[own].variable}: "
                    f"rename one of the variables or name one in {EXCLUDE}",
                )
            named.setdefault(own, candidate)
    return named


def _database(url: DatabaseUrl) -> str:
    return url.database if isinstance(url, PostgresqlUrl) else Path(url.path).stem


def _slug(text: str) -> str:
    """Return *text* as a target's name may be: ``AGENT_RUNTIME`` is ``agent-runtime``."""
    return re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-.")[:63]
