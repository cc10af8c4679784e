"""From an unfinished artefact to a backup: its manifest, its name, and its seal.

Owns: what a manifest says, the order of the last renames, and that nothing
unfinished keeps a finished name. Blocking but for what makes documents: callers
go through a thread. Must not know: the steps before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from watchdog import __version__
from watchdog.backups import files, names, prune
from watchdog.backups.documents import milliseconds
from watchdog.backups.manifest import Manifest, Verification
from watchdog.backups.run import Run
from watchdog.engines import Preflight, Produced, Proof
from watchdog.model import Failure, Kind
from watchdog.secret import mask


@dataclass(frozen=True, slots=True)
class Taken:
    """What was found, dumped or copied, and proven; ``size`` of the artefact in bytes.

    ``identity`` is of the database, ``suspect`` why it may be another one: nothing if it is not.
    """

    preflight: Preflight
    produced: Produced
    proof: Proof
    digest: str
    size: int
    identity: Mapping[str, Any]
    suspect: tuple[str, ...]


def manifest_of(run: Run, taken: Taken, duration: float) -> Manifest:
    """Return the manifest of what *run* has taken in *duration* seconds."""
    preflight, produced, proof = taken.preflight, taken.produced, taken.proof
    said = (*preflight.warnings, *produced.warnings, *proof.remarks)
    measures = {**(produced.measures or {}), **(proof.measures or {})}
    url = run.settings.url or run.target.url
    return Manifest(
        id=run.identity,
        target=run.target.name,
        engine=run.target.engine,
        artefact=names.artefact(run.folder, run.identity, run.engine.suffix).name,
        url=url.masked,
        server=_server(url),
        versions={**preflight.versions, **produced.versions},
        recovery_point=milliseconds(produced.recovery_point),
        taken_at=run.started_at,
        size_bytes=taken.size,
        sha256=taken.digest,
        verified_level=proof.level,
        duration=duration,
        tables=proof.tables if produced.tables is None else produced.tables,
        warnings=tuple(mask(warning) for warning in said),
        details={**(produced.details or {}), "measures": measures},
        tool=f"db-watchdog {__version__}",
        identity=taken.identity,
        suspect=taken.suspect,
        content=produced.content,
    )


def warnings_of(run: Run, manifest: Manifest) -> list[Failure]:
    """Return the warnings of *manifest* as troubles of *run*."""
    return [
        Failure(Kind.BACKUP, warning, run.engine.phase, facts={"target": run.target.name})
        for warning in manifest.warnings
    ]


def reserve(partial: Path) -> None:
    """Make the file before the engine does, so that it is never readable by others."""
    with files.open_private(partial):
        pass


def discard_unfinished(run: Run) -> None:
    """Remove what is unfinished of this run; after a success there is nothing."""
    for path in run.folder.glob(f".{run.identity}.*"):
        prune.discard(path)


def publish(
    folder: Path,
    partial: Path,
    beside: Mapping[str, Path],
    manifest: Manifest,
    verification: Verification,
) -> None:
    """Give the artefact and what is beside it their names and seal it: the manifest comes last.

    Raises ``OSError``; nothing with a finished name is left then.
    """
    artefact = folder / manifest.artefact
    named = {names.artefact(folder, manifest.id, end): path for end, path in beside.items()}
    for path in (partial, *named.values()):
        path.chmod(files.FILE_MODE)
        files.adopt(path)
        files.sync_file(path)
    try:
        # What is cut off between the two is seen: an artefact without a manifest is listed.
        partial.rename(artefact)
        for name, path in named.items():
            path.rename(name)
        files.sync_folder(folder)
        files.write_json(names.verification(folder, manifest.id), verification.document())
        files.write_json(names.manifest(folder, manifest.id), manifest.document())
    except OSError:
        for path in (artefact, *named, names.verification(folder, manifest.id)):
            prune.discard(path)
        raise


def _server(url: Any) -> str:
    hosts = getattr(url, "hosts", ())
    return ",".join(f"{host}:{port}" for host, port in hosts)
