"""Which file is read, and in what order things come together.

Owns: the search for the file, ``.env``, and ``load``. Must not know: what the
keys mean.
"""

from __future__ import annotations

import errno
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from watchdog.config import dotenv, environment, models, tree
from watchdog.config.building import Origin, build, note_mistakes
from watchdog.config.fields import Surroundings
from watchdog.config.mistakes import Mark, Mistakes
from watchdog.config.settings import Config
from watchdog.config.validation import sound_targets, validate, web_model
from watchdog.config.variables import Variables
from watchdog.config.web_file import WebFile, files_named_in, read_web_file

VARIABLE: Final = "DB_WATCHDOG_CONFIG"
LOCAL: Final = Path("config/watchdog.yaml")
SYSTEM: Final = Path("/etc/db-watchdog/watchdog.yaml")
_LARGEST: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class WebWanted:
    """That the web configuration file is read; *file* goes before the configuration's own."""

    file: Path | None = None


@dataclass(frozen=True, slots=True)
class _Choice:
    """The file that won; ``shown`` is how a person wrote it, ``where`` the place they did."""

    file: Path | None
    shown: str
    source: str
    where: str = "after --config"


def load(
    path: Path | None,
    *,
    environ: Mapping[str, str],
    cwd: Path,
    env_file: Path | None = None,
    engines: Collection[str] | None = None,
    web: WebWanted | None = None,
) -> Config:
    """Read the whole configuration.

    *path* is what ``-c`` names, *env_file* what ``--env-file`` names; *cwd*
    is the working directory; *engines* the names of those that are
    installed, ``None`` for any; *web* asks for the web configuration file,
    too, for those who serve HTTP. Raises ``ConfigurationError`` with all
    mistakes at once. Reads files: not for the event loop.
    """
    mistakes = Mistakes()
    variables = Variables(environ, _read_env(env_file, environ, cwd, mistakes))
    choice = _choose(path, variables, cwd)
    if choice.file is None:
        root = environment.tree(variables, cwd, mistakes)
        origin = Origin(choice.source, cwd, variables, root.branch, notes=root.notes)
    else:
        text = _read(choice.file, choice.shown, choice.where, mistakes)
        branch = tree.read(text, choice.shown, variables, mistakes) if text is not None else None
        if branch is None:
            mistakes.complain()
            raise AssertionError("a file that cannot be read has a mistake")
        origin = Origin(choice.source, _base_dir(choice.file, cwd), variables, branch, choice.file)
    surroundings = Surroundings(origin.base_dir, variables, engines)
    valid = validate(origin.tree, surroundings, mistakes)
    variables.explain(mistakes)
    served = _served(web, web_model(origin.tree, surroundings), cwd, mistakes)
    if valid is None:
        note_mistakes(sound_targets(origin.tree, surroundings), origin, mistakes)
        mistakes.complain()
        raise AssertionError("what is not valid has a mistake")
    config = build(valid, origin, mistakes)
    mistakes.complain()
    return replace(config, web=served, notes=(*config.notes, *served.notes)) if served else config


def load_web_file(path: Path) -> WebFile:
    """Read the web configuration file alone. Raises ``ConfigurationError``; reads files."""
    mistakes = Mistakes()
    text = _read(path, str(path), "there", mistakes)
    web = read_web_file(path, text, str(path), mistakes) if text is not None else None
    mistakes.complain()
    assert web is not None
    return web


def files_of_web_file(path: Path) -> tuple[Path, ...]:
    """Return the files that the web configuration file is made of, be it good or bad."""
    text = _read(path, str(path), "there", Mistakes())
    return files_named_in(text, path) if text is not None else (path,)


def _served(
    wanted: WebWanted | None, model: models.Web, cwd: Path, mistakes: Mistakes
) -> WebFile | None:
    """Read the web configuration file if it is *wanted* and there is one."""
    if wanted is None:
        return None
    if wanted.file is not None:
        path, shown, where = cwd / wanted.file, str(wanted.file), "after --web.config.file"
    elif model.config_file is not None:
        path, shown, where = model.config_file, str(model.config_file), "into web.config_file"
    else:
        return None
    text = _read(path, shown, where, mistakes)
    return read_web_file(path, text, shown, mistakes) if text is not None else None


def _choose(path: Path | None, variables: Variables, cwd: Path) -> _Choice:
    if path is not None:
        return _Choice(cwd / path, str(path), f"{cwd / path} (--config)")
    named = variables.get(VARIABLE)
    if named:
        return _Choice(cwd / named, named, f"{cwd / named} (${VARIABLE})", f"into {VARIABLE}")
    for candidate in (LOCAL, SYSTEM):
        if (cwd / candidate).exists():
            return _Choice(cwd / candidate, str(candidate), str(cwd / candidate))
    return _Choice(None, "", "environment only (no configuration file)")


def _base_dir(file: Path, cwd: Path) -> Path:
    return cwd if file.resolve() == (cwd / LOCAL).resolve() else file.resolve().parent


def _read(file: Path, shown: str, where: str, mistakes: Mistakes) -> str | None:
    start = Mark(shown, 1, 1)
    try:
        with file.open("rb") as stream:
            content = stream.read(_LARGEST + 1)
    except OSError as error:
        mistakes.add(start, "", _unreadable(error, where))
        return None
    if len(content) > _LARGEST:
        mistakes.add(start, "", "is larger than 1 MiB: is this the configuration?")
        return None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        column = error.start - before.rfind(b"\n")
        mistakes.add(
            Mark(shown, before.count(b"\n") + 1, column), "", "not UTF-8: save it as UTF-8"
        )
        return None


def _unreadable(error: OSError, where: str) -> str:
    if error.errno == errno.ENOENT:
        return f"no such file: write the right path {where}"
    if error.errno == errno.EISDIR:
        return "is a folder: write the path of the file in it"
    if error.errno == errno.EACCES:
        return "cannot be read by this account: give it the right to read"
    return f"cannot be read: {error.strerror}"


def _read_env(
    env_file: Path | None, environ: Mapping[str, str], cwd: Path, mistakes: Mistakes
) -> dotenv.DotEnv:
    file, shown = cwd / (env_file or ".env"), str(env_file or ".env")
    if env_file is None and not file.is_file():
        return dotenv.DotEnv()
    text = _read(file, shown, "after --env-file", mistakes)
    return dotenv.read(text, shown, environ, mistakes) if text is not None else dotenv.DotEnv()
