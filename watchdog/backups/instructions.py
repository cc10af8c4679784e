"""``RESTORE.md`` in each target's folder: the way back without db-watchdog.

Owns: its text, from manifests alone, and that it is always whole. What it
tells to paste are stock commands, and a test pastes them. Blocking: callers
go through a thread. Must not know: engines' code, schedules.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from watchdog import units
from watchdog.backups import catalogue, drills, files, names, pasting
from watchdog.backups.catalogue import Backup
from watchdog.clock import rfc3339

_ENGINES: Final = {"postgresql": pasting.postgresql, "sqlite": pasting.sqlite}

_RUSSIAN: Final = """\
## По-русски

Всё делается обычными командами; db-watchdog для этого не нужен. Вставляйте блоки, которые стоят
выше, в оболочку по порядку и остановитесь на первом, который не удался: резервная копия при этом не
меняется, а старая база до последнего блока остаётся нетронутой.

1. Выбор копии: строки `FILE` и `SHA256` для других копий — в таблице выше."""


def write(folder: Path) -> None:
    """Write the file of *folder* anew, from what lies there. Raises ``OSError``."""
    backups = catalogue.scan_folder(folder).backups
    if backups:
        files.write_text(folder / names.INSTRUCTIONS, text(folder, backups))
    else:
        (folder / names.INSTRUCTIONS).unlink(missing_ok=True)


def refresh(folder: Path) -> None:
    """Write it anew where it is, for what is known of its backups has changed."""
    if (folder / names.INSTRUCTIONS).exists():
        write(folder)


def text(folder: Path, backups: tuple[Backup, ...]) -> str:
    """Return how to restore one of *backups*, newest first, of which there is at least one."""
    chosen = next((backup for backup in backups if backup.good), backups[0])
    lines = [*_head(chosen, backups), *_choice(folder, chosen), *_steps(chosen)]
    return "\n".join([*lines, *_others(backups), "", _RUSSIAN, *_in_russian(chosen), ""])


def _head(chosen: Backup, backups: tuple[Backup, ...]) -> Iterator[str]:
    manifest = chosen.manifest
    yield f"# How to restore {chosen.target} without db-watchdog"
    yield ""
    yield (
        "Stock commands only. Paste the blocks below into a shell, one after the other, and stop at"
        " the first one that fails. Nothing here changes the backup, and nothing touches the old"
        " database before the last block. (По-русски: в конце файла.)"
    )
    yield ""
    yield f"- backup: `{manifest.artefact}`, {units.size(manifest.size_bytes)}{_tables(chosen)}"
    yield f"- its data is of {rfc3339(manifest.recovery_point)}; {_trust(chosen)}"
    yield f"- taken from: `{manifest.url}`"
    yield f"- disk needed for the restored database: {_disk(chosen)}"
    yield f"- time needed: {_time(chosen.folder, backups)}"
    if manifest.details.get("selection"):
        yield f"- **a part only**: `{' '.join(map(str, manifest.details['selection']))}`"
    if manifest.versions:
        listed = ", ".join(f"{name} {value}" for name, value in sorted(manifest.versions.items()))
        yield f"- made with: {listed}"
    for warning in manifest.warnings:
        yield f"- warning: {_one_line(warning)}"


def _choice(folder: Path, chosen: Backup) -> Iterator[str]:
    yield from ("", "## 1. Choose the backup", "")
    yield from _block(
        f"cd {pasting.quoted(str(folder))}",
        f"FILE={pasting.quoted(chosen.manifest.artefact)}",
        f"SHA256={chosen.manifest.sha256}",
    )


def _steps(chosen: Backup) -> Iterator[str]:
    recipe = _ENGINES.get(chosen.manifest.engine)
    if recipe is None:
        yield from ("", f"The engine {chosen.manifest.engine} is not known here.")
        return
    for number, step in enumerate(recipe(chosen.manifest), start=2):
        yield from ("", f"## {number}. {step.title}", "")
        if step.before:
            yield from (step.before, "")
        yield from _block(*step.commands)
        if step.after:
            yield from ("", step.after)


def _in_russian(chosen: Backup) -> Iterator[str]:
    recipe = _ENGINES.get(chosen.manifest.engine)
    for number, step in enumerate(recipe(chosen.manifest) if recipe else (), start=2):
        yield f"{number}. {step.russian}"


def _others(backups: tuple[Backup, ...]) -> Iterator[str]:
    yield from ("", "## All backups, newest first", "")
    yield from (
        "| data of (UTC) | FILE | size | proven | SHA256 |",
        "| --- | --- | --- | --- | --- |",
    )
    for backup in backups:
        manifest = backup.manifest
        yield (
            f"| {rfc3339(manifest.recovery_point)} | `{manifest.artefact}`"
            f" | {units.size(manifest.size_bytes)} | {_level(backup)} | `{manifest.sha256}` |"
        )


def _block(*commands: str) -> Iterator[str]:
    yield from ("```sh", *commands, "```")


# ------------------------------------------------------------------ how it reads


def _trust(backup: Backup) -> str:
    if backup.held:
        reasons = "; ".join(map(_one_line, backup.manifest.suspect))
        return f"**it may be of a different database: {reasons}**"
    if not backup.good:
        return f"**it is not proven: {_one_line(backup.damage) or 'see the table below'}**"
    return f"proven at level {backup.level} of 4"


def _level(backup: Backup) -> str:
    if backup.damage:
        return f"damaged: {_one_line(backup.damage)}"
    return f"level {backup.level}" + (", of a different database?" if backup.held else "")


def _tables(backup: Backup) -> str:
    count = backup.manifest.tables
    if count is None:
        return ""
    return ", 1 table" if count == 1 else f", {count} tables"


def _disk(backup: Backup) -> str:
    size = backup.manifest.identity.get("size_bytes")
    if backup.manifest.engine == "sqlite":
        return units.size(backup.manifest.size_bytes)
    if isinstance(size, int):
        room = units.size(int(size * 1.1) + (8 << 20))
        return f"about {room}, and as much again for a while (WAL)"
    return f"unknown; several times the backup's {units.size(backup.manifest.size_bytes)}"


def _time(folder: Path, backups: tuple[Backup, ...]) -> str:
    """Return how long the last restore took: one by hand, or a drill."""
    known = [
        (backup.verification.restored_at, backup.verification.restore_duration, backup.id)
        for backup in backups
    ]
    known += [(drill.at, drill.restore_duration, drill.backup) for drill in drills.load(folder)]
    measured = [
        (at, seconds, identity)
        for at, seconds, identity in known
        if at is not None and seconds is not None
    ]
    if not measured:
        return "not measured yet"
    at, seconds, identity = max(measured)
    words = f"{seconds / 60:.1f} minutes" if seconds >= 60 else f"{seconds:.1f} seconds"
    return f"{words}, measured at {rfc3339(at)} with `{identity}`"


def _one_line(words: str) -> str:
    return " ".join(words.replace("|", "/").replace("`", "'").split())
