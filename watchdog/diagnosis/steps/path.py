"""Which part of a SQLite file's path is wrong, for whom, and what lies there instead.

Source: ``stat`` of each part, ``scandir`` of the folder that should have the
missing one. Nothing is opened.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from watchdog.database_url import SqliteUrl
from watchdog.diagnosis.blocking import aside
from watchdog.diagnosis.case import Case, Found, Step
from watchdog.diagnosis.words import alike, found, listed
from watchdog.model import Finding
from watchdog.units import size

_NAME: Final = "path"
_HINTS: Final = (
    "sqlite_cantopen_missing_dir",
    "sqlite_path_is_folder",
    "sqlite_cantopen_permission",
    "sqlite_readonly_directory",
    "sqlite_readonly",
    "sqlite_notadb",
)
_MOST: Final = 1000
_DATABASES: Final = (".db", ".sqlite", ".sqlite3", ".db3")


async def look(case: Case) -> Found:
    """Walk the path in a thread that may hang."""
    assert isinstance(case.url, SqliteUrl)
    path = case.url.path
    return await aside(f"path {case.target.name}", lambda: _walk(path))


def _walk(path: str) -> Found:
    walked = Path("/")
    for part in Path(path).parts[1:]:
        here = walked / part
        try:
            found_here = here.stat()
        except FileNotFoundError:
            return _missing(here, Path(path))
        except NotADirectoryError:
            return Found((_not_a_folder(walked),))
        except PermissionError:
            return Found((_closed(walked),), {"component": str(walked)})
        except OSError as error:
            reason = error.strerror or str(error)
            return Found((found(_NAME, f"{here}: {reason}", f"{here}: {reason}"),))
        walked = here
    return _present(walked, found_here)


def _present(path: Path, seen: os.stat_result) -> Found:
    if stat.S_ISDIR(seen.st_mode):
        return _folder(path)
    findings = []
    if not os.access(path, os.R_OK):
        findings.append(_owned(path, seen, "may not be read", "нельзя прочитать"))
    elif not os.access(path, os.W_OK):
        findings.append(_owned(path, seen, "may not be written to", "нельзя изменить"))
    parent = path.parent
    if not os.access(parent, os.W_OK | os.X_OK):
        findings.append(
            _owned(parent, parent.stat(), "may not be written to", "недоступен на запись")
        )
    return Found(tuple(findings))


def _missing(here: Path, path: Path) -> Found:
    names = _names(here.parent)
    near = alike(here.name, names)
    findings = []
    if near:
        place = here.parent / near
        findings.append(
            found(
                _NAME,
                f"{here} does not exist; there is {place}{_size(place)}",
                f"{here} не существует; есть {place}{_size(place)}",
            )
        )
        better = place / path.relative_to(here)
        return Found(tuple(findings), {"alike": str(better)})
    what = [name for name in names if name.endswith(_DATABASES)] if here == path else names
    if what:
        findings.append(
            found(
                _NAME,
                f"{here} does not exist; in {here.parent} there are {listed(what)}",
                f"{here} не существует; в {here.parent} есть {listed(what)}",
            )
        )
    else:
        findings.append(
            found(
                _NAME,
                f"{here} does not exist, and {here.parent} {_holds(names, 'en')}",
                f"{here} не существует, а {here.parent} {_holds(names, 'ru')}",
            )
        )
    elsewhere = _other_slashes(path)
    if elsewhere:
        findings.append(
            found(
                _NAME,
                f"there is {elsewhere}{_size(Path(elsewhere))}: three slashes in the URL are"
                " relative, four absolute",
                f"есть {elsewhere}{_size(Path(elsewhere))}: три косые черты в URL — относительный"
                " путь, четыре — абсолютный",
            )
        )
        return Found(tuple(findings), {"alike": elsewhere})
    return Found(tuple(findings))


def _other_slashes(path: Path) -> str:
    """Return the file that another number of slashes would have meant, "" if there is none."""
    here = Path.cwd()
    guesses = [here / path.relative_to("/")]
    guesses += [Path("/", *path.parts[at:]) for at in range(2, len(path.parts) - 1)]
    for guess in guesses:
        try:
            if guess.is_file() and len(guess.parts) > 2:
                return str(guess)
        except OSError:
            continue
    return ""


def _folder(path: Path) -> Found:
    inside = [name for name in _names(path) if name.endswith(_DATABASES)]
    if not inside:
        return Found(
            (
                found(
                    _NAME,
                    f"{path} is a folder: Docker makes one where a file is mounted that does not"
                    " exist on the host",
                    f"{path} — каталог: Docker создаёт его, если монтируемого файла на хосте нет",
                ),
            )
        )
    return Found(
        (
            found(
                _NAME,
                f"{path} is a folder; in it there are {listed(inside)}",
                f"{path} — каталог; в нём есть {listed(inside)}",
            ),
        ),
        {"alike": str(path / inside[0])},
    )


def _closed(folder: Path) -> Finding:
    try:
        return _owned(folder, folder.stat(), "may not be entered", "недоступен")
    except OSError as error:
        reason = error.strerror or str(error)
        return found(_NAME, f"{folder}: {reason}", f"{folder}: {reason}")


def _owned(path: Path, seen: os.stat_result, en: str, ru: str) -> Finding:
    mode = f"{stat.S_IMODE(seen.st_mode):04o}"
    groups = ",".join(str(each) for each in sorted({os.getegid(), *os.getgroups()}))
    return found(
        _NAME,
        f"{path} {en} by us: mode {mode}, owner {seen.st_uid}:{seen.st_gid}, and this process is"
        f" uid {os.geteuid()}, groups {groups}",
        f"{path} {ru} для нас: права {mode}, владелец {seen.st_uid}:{seen.st_gid}, а этот процесс"
        f" — uid {os.geteuid()}, группы {groups}",
    )


def _not_a_folder(path: Path) -> Finding:
    return found(_NAME, f"{path} is a file, not a folder", f"{path} — файл, а не каталог")


def _names(folder: Path) -> list[str]:
    names: list[str] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                names.append(entry.name)
                if len(names) >= _MOST:
                    break
    except OSError:
        return []
    return sorted(names)


def _holds(names: list[str], language: str) -> str:
    if not names:
        return "is empty" if language == "en" else "пуст"
    return f"has {listed(names, 5)}" if language == "en" else f"содержит {listed(names, 5)}"


def _size(path: Path) -> str:
    try:
        seen = path.stat()
    except OSError:
        return ""
    return f" ({size(seen.st_size)})" if stat.S_ISREG(seen.st_mode) else ""


def applies(case: Case) -> bool:
    """Where the file could not be opened as it should be."""
    if not isinstance(case.url, SqliteUrl):
        return False
    return case.failure.hint in _HINTS or case.failure.code.startswith("SQLITE_CANTOPEN")


STEP = Step(_NAME, 60, applies, look, seconds=1.5)
