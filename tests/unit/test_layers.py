"""Imports point down only: the rooms of the house, top to bottom."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "watchdog"

# A room may import rooms of later rows, never of its own row (but itself) or of earlier ones.
ROWS = [
    ["__main__"],
    ["cli"],
    ["daemon"],
    ["watch", "backup_watch", "diagnosis_watch", "proof_watch"],
    ["backup_sight"],
    ["backup_plan"],
    ["web"],
    ["metrics"],
    ["report"],
    ["rounds"],
    ["incidents"],
    ["backups"],
    ["diagnosis"],
    ["engines"],
    ["hints"],
    ["scheduling"],
    ["results"],
    ["bygone"],
    ["process"],
    ["config"],
    ["log"],
    ["systemd"],
    ["schedule"],
    ["slots"],
    ["restoration"],
    ["model"],
    ["content"],
    ["database_url"],
    ["errors"],
    ["clock"],
    ["units"],
    ["secret"],
    ["visible"],
]
LEVEL = {room: level for level, rooms in enumerate(ROWS) for room in rooms}
# The bottom of the house: standard library only.
BARE = {
    "model",
    "content",
    "database_url",
    "errors",
    "clock",
    "units",
    "secret",
    "visible",
    "schedule",
    "slots",
    "restoration",
}
# One room owns each of these; the others come to it.
SOLE_IMPORTERS = {
    "apscheduler": {"scheduling"},
    "subprocess": {"process"},
    "asyncpg": {"engines"},
    "aiosqlite": {"engines"},
    "sqlite3": {"engines"},
    "click": {"cli"},
    "rich": {"cli"},
    "starlette": {"web"},
    "uvicorn": {"web"},
    "jinja2": {"web"},
    "yaml": {"config"},
    "pydantic": {"config"},
}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    found = set()
    tree = ast.parse(path.read_text())
    # What only the type checker reads binds nothing at run time.
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down_only(path: Path) -> None:
    room = room_of(path)
    if room == "__init__":
        return
    for name in imports(path):
        parts = name.split(".")
        if parts[0] != "watchdog" or parts[1:2] in ([], ["__version__"], [room]):
            continue
        assert LEVEL[parts[1]] > LEVEL[room], f"{room} must not import {name}"


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_library_has_one_room(path: Path) -> None:
    room = room_of(path)
    for name in imports(path):
        library = name.split(".")[0]
        assert room in SOLE_IMPORTERS.get(library, {room}), f"{room} must not import {library}"


def test_the_bottom_uses_the_standard_library_only() -> None:
    for path in modules():
        if room_of(path) in BARE:
            for name in imports(path):
                library = name.split(".")[0]
                assert library == "watchdog" or library in sys.stdlib_module_names, (path, name)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_module_says_what_it_owns(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text())), path


def imported_by(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; {code}; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


def test_the_daemon_carries_no_library_that_only_commands_need() -> None:
    loaded = imported_by("import watchdog.daemon, watchdog.cli.run")
    assert not loaded & {"rich", "pygments", "obstore", "pyrage", "grafana_foundation_sdk"}


@pytest.mark.parametrize(
    ("engine", "not_needed"),
    [("sqlite", {"asyncpg"}), ("postgresql", {"watchdog.engines.sqlite", "sqlite3"})],
)
def test_an_engine_is_imported_only_where_it_is_used(engine: str, not_needed: set[str]) -> None:
    loaded = imported_by(
        "import watchdog.daemon, watchdog.cli.run; from watchdog.engines import find_engines;"
        f" find_engines()[{engine!r}]"
    )
    assert f"watchdog.engines.{engine}" in loaded
    assert not loaded & not_needed
