"""From valid models to ``Config``: targets, passwords, where backups go.

Owns: what follows from several keys together. Must not know: YAML,
pydantic's errors.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Final

from watchdog import schedule
from watchdog.config import models, scalars
from watchdog.config.drill import Drill
from watchdog.config.mistakes import Mark, Mistakes
from watchdog.config.settings import Config, LogSettings
from watchdog.config.tree import Branch
from watchdog.database_url import DatabaseUrl, PostgresqlUrl, SqliteUrl, hidden
from watchdog.model import (
    BackupSettings,
    DrillSettings,
    Keep,
    Objectives,
    ProbeSettings,
    ProofMode,
    Selection,
    SessionMode,
    Target,
)

STATE: Final = "DB_WATCHDOG_STATE_DIRECTORY"
_USUAL_TIMEOUT: Final = 5.0


@dataclass(slots=True)
class Origin:
    """Where a configuration came from; ``tree`` tells where each key was written."""

    source: str
    base_dir: Path
    environ: Mapping[str, str]
    tree: Branch
    file: Path | None = None
    notes: list[str] = field(default_factory=list)


def build(root: models.Root, origin: Origin, mistakes: Mistakes) -> Config:
    """Return the configuration; mistakes that only show now are noted."""
    _unique_names(origin, mistakes)
    state = root.state_directory or _state_directory(origin.environ)
    targets = tuple(
        _target(model, at, state, origin, mistakes) for at, model in enumerate(root.targets)
    )
    _note_equal_urls(targets, origin)
    return Config(
        source=origin.source,
        file=origin.file,
        base_dir=origin.base_dir,
        targets=targets,
        listen=root.listen,
        log=LogSettings(root.log.format, root.log.level, root.log.language),
        reload_over_http=root.web.reload,
        trust_network=root.web.trust_network,
        state_directory=_given_state(root, origin) or state,
        notes=tuple(origin.notes),
    )


def note_mistakes(
    sound: Iterable[tuple[int, models.Target]], origin: Origin, mistakes: Mistakes
) -> None:
    """Note what else is wrong where the whole is not valid: all mistakes are named at once.

    *sound* are the targets that are valid by themselves, each with its place in the list.
    """
    _unique_names(origin, mistakes)
    for at, model in sound:
        _target(model, at, _state_directory(origin.environ), origin, mistakes)


def _given_state(root: models.Root, origin: Origin) -> Path | None:
    """Return what the variable says, which goes before the file; note what the file says then."""
    if not (given := origin.environ.get(STATE)):
        return None
    folder = Path(given).absolute()
    if root.state_directory is not None and root.state_directory != folder:
        origin.notes.append(
            f"state_directory: {root.state_directory} is not used: {STATE}={folder} goes before it"
        )
    return folder


def _state_directory(environ: Mapping[str, str]) -> Path | None:
    first = environ.get("STATE_DIRECTORY", "").split(":")[0]
    return Path(first) if first.startswith("/") else None


def _target(
    model: models.Target, at: int, state: Path | None, origin: Origin, mistakes: Mistakes
) -> Target:
    url: DatabaseUrl = model.url
    password_file = None
    if model.password_file is not None:
        if isinstance(url, SqliteUrl):
            mark, path = _place(origin, at, "password_file")
            mistakes.add(mark, path, "SQLite has no passwords: remove it")
        else:
            password_file = model.password_file.path
            url = _opened(url, model.password_file.password, model, at, origin, mistakes)
        if model.password_file.note:
            origin.notes.append(f"{model.name}: {model.password_file.note}")
    if url.ignored:
        keys = ", ".join(url.ignored)
        origin.notes.append(f"{model.name}: not used from the URL: {keys}")
    return Target(
        name=model.name,
        engine=url.engine,
        url=url,
        labels=MappingProxyType(dict(model.labels)),
        probe=_probe(model.probe),
        backup=_backup(model, url, at, state, origin, mistakes),
        password_file=password_file,
    )


def _opened(
    url: PostgresqlUrl,
    password: str,
    model: models.Target,
    at: int,
    origin: Origin,
    mistakes: Mistakes,
) -> PostgresqlUrl:
    if url.password is not None and not origin.environ.get("PGPASSWORD"):
        mark, path = _place(origin, at, "password_file")
        mistakes.add(mark, path, "the URL has a password, too: remove one of them")
    public = {url.user, url.database, model.name, *(host for host, _ in url.hosts)}
    return url.with_password(hidden(password, public))


def _probe(model: models.Probe) -> ProbeSettings:
    timeout = model.timeout
    if timeout is None:
        timeout = min(_USUAL_TIMEOUT, model.interval * 2 / 3)
    return ProbeSettings(
        interval=model.interval,
        timeout=timeout,
        connect_interval=max(model.connect_interval, model.interval),
        session=SessionMode(model.session),
        tables=model.tables,
        statements=model.statements,
        write_lock=model.write_lock,
    )


def _backup(
    model: models.Target,
    url: DatabaseUrl,
    at: int,
    state: Path | None,
    origin: Origin,
    mistakes: Mistakes,
) -> BackupSettings | None:
    backup = model.backup
    if backup is None:
        return None
    directory = backup.directory or (state / "backups" if state else None)
    if directory is None:
        mark, path = _place(origin, at, "backup", "directory")
        mistakes.add(mark, path, "is missing: write directory: FOLDER, or backup: false")
        directory = origin.base_dir
    for key, chosen in (("include", backup.include), ("exclude", backup.exclude)):
        if url.engine != "postgresql" and any(chosen.model_dump().values()):
            mark, path = _place(origin, at, "backup", key)
            mistakes.add(mark, path, "a SQLite file is copied as a whole: remove it")
    _note_sparse_schedule(model.name, backup, origin)
    direct = backup.url
    if direct is not None and direct.engine != url.engine:
        mark, path = _place(origin, at, "backup", "url")
        mistakes.add(mark, path, f"is not of the engine {url.engine} as the target's url")
        direct = None
    if isinstance(direct, PostgresqlUrl) and direct.password is None:
        assert isinstance(url, PostgresqlUrl)
        direct = direct.with_password(url.password if direct.user == url.user else None)
    return BackupSettings(
        schedule=backup.schedule,
        directory=directory,
        timezone=backup.timezone,
        keep=Keep(**backup.keep.model_dump()),
        url=direct,
        spread=backup.spread,
        run_on_start=backup.run_on_start,
        timeout=backup.timeout,
        no_progress=backup.no_progress,
        yield_after=backup.yield_after,
        role_globals=backup.role_globals,
        include=Selection(tuple(backup.include.schemas), tuple(backup.include.tables)),
        exclude=Selection(
            tuple(backup.exclude.schemas), tuple(backup.exclude.tables), tuple(backup.exclude.data)
        ),
        proof=ProofMode(backup.proof),
        drill=_drill(backup.drill),
        objectives=Objectives(backup.objectives.rpo, backup.objectives.rto),
    )


def _drill(drill: Drill | None) -> DrillSettings | None:
    if drill is None:
        return None
    return DrillSettings(
        schedule=drill.schedule,
        server=drill.server,
        assertions=tuple(drill.assertions),
        directory=drill.directory,
        timeout=drill.timeout,
    )


def _note_sparse_schedule(name: str, backup: models.Backup, origin: Origin) -> None:
    """Say that a schedule cannot meet the objective that goes with it."""
    rpo = backup.objectives.rpo
    if rpo is None:
        return
    gaps = schedule.parse(backup.schedule, backup.timezone).longest_gap(datetime.now(UTC))
    if gaps.total_seconds() >= rpo:
        origin.notes.append(
            f"{name}: objectives.rpo {scalars.span(rpo)} is missed again and again by the schedule"
            f" {backup.schedule!r}, whose slots are up to {scalars.span(gaps.total_seconds())}"
            " apart: write a denser one"
        )


def _unique_names(origin: Origin, mistakes: Mistakes) -> None:
    seen: dict[str, int] = {}
    targets = origin.tree.get("targets")
    for at, target in enumerate(targets if isinstance(targets, list) else ()):
        name = target.get("name") if isinstance(target, Branch) else None
        if not isinstance(name, str) or getattr(name, "broken", False):
            continue  # what is wrong with it has been noted
        if name in seen:
            mark, path = _place(origin, at, "name")
            first, _ = _place(origin, seen[name], "name")
            where = f" (first in line {first.line})" if first.line else ""
            mistakes.add(mark, path, f"two targets are named {name}{where}: rename one")
        seen.setdefault(name, at)


def _note_equal_urls(targets: tuple[Target, ...], origin: Origin) -> None:
    for url, number in Counter(target.url for target in targets).items():
        if number > 1:
            names = ", ".join(target.name for target in targets if target.url == url)
            origin.notes.append(f"the same database is watched {number} times: {names}")


def _place(origin: Origin, at: int, *keys: str) -> tuple[Mark, str]:
    """Return where the key of target number *at* was written, or what is nearest above it."""
    here = origin.tree["targets"][at]
    mark, path = here.mark, here.path
    for key in keys:
        if not isinstance(here, Branch) or key not in here:
            path = f"{path}.{key}"
            continue
        mark, path, here = here.keys_at[key], here.paths[key], here[key]
        mark = getattr(here, "mark", mark)
    return mark, path
