"""The page of one target for `/probe`: its own lines, and PostgreSQL's usual names.

Owns: what a synchronous probe answers in text 0.0.4, without the ``target``
label, which the scraper's relabelling sets. Must not know: HTTP, how the
round was made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from watchdog.metrics import names, postgres_exporter, samples
from watchdog.metrics.aliases import View
from watchdog.metrics.text import Subject, encode, header
from watchdog.model import Kind, Metric, ProbeRun, Sample
from watchdog.results import ServerStatus, Status


@dataclass(frozen=True, slots=True)
class Probed:
    """What a synchronous probe found. ``finished`` is false if its time was over first."""

    status: Status
    server: ServerStatus | None
    finished: bool
    seconds: float

    @property
    def up(self) -> bool:
        """Whether the database answered within the time that was given."""
        return self.finished and self.status.up is True

    def runs(self) -> Iterator[ProbeRun]:
        """Yield the probes that were asked, the server's first; none if nobody answered."""
        if self.up:
            if self.server is not None:
                yield from self.server.probes.values()
            yield from self.status.probes.values()


def page(probed: Probed, description: Mapping[str, str]) -> bytes:
    """Return the page; *description* is what configuration alone tells of the target."""
    status = probed.status
    own = Subject({"engine": status.target.engine})
    page: dict[str, tuple[Metric, list[bytes]]] = {}
    _add(page, own, _of_target(probed))
    info = own.labelled(names.TARGET_INFO.name, 1, description.items())
    page[names.TARGET_INFO.name] = (names.TARGET_INFO, [encode(info)])
    if probed.server is not None and probed.up:
        server = Subject({"server": probed.server.server.name, "engine": status.target.engine})
        _add(page, server, samples.server(probed.server))
        _add(page, server, _of_runs(probed.server.probes.values()))
    if status.target.engine == postgres_exporter.ENGINE:
        _add(page, Subject({}), postgres_exporter.translate(_view(probed, description)))
    return b"".join(header(metric) + b"".join(lines) for metric, lines in page.values())


def _of_target(probed: Probed) -> Iterator[Sample]:
    status = probed.status
    if not probed.finished:
        yield names.UP.sample(0)
        yield names.FAILURE_ACTIVE.sample(1, Kind.TIMEOUT, "")
        return
    yield from samples.state(status)
    if status.round_duration is not None:
        yield from samples.visit(status.phases, status.round_duration)
    if probed.up:
        yield from _of_runs(status.probes.values())


def _of_runs(runs: Iterable[ProbeRun]) -> Iterator[Sample]:
    for run in runs:
        yield from samples.run(run)
        yield from run.answer.samples


def _view(probed: Probed, description: Mapping[str, str]) -> View:
    runs = list(probed.runs())
    found: dict[str, list[Sample]] = {}
    for run in runs:
        for sample in run.answer.samples:
            found.setdefault(sample.metric.name, []).append(sample)
    failed = not probed.up or any(not run.success for run in runs)
    facts = probed.server.facts if probed.server is not None and probed.up else {}
    datname = description.get("datname", "")
    return View(probed.up, failed, probed.seconds, found, facts, datname)


def _add(
    page: dict[str, tuple[Metric, list[bytes]]], subject: Subject, found: Iterable[Sample]
) -> None:
    for name, (metric, lines) in subject.lines(found).items():
        page.setdefault(name, (metric, []))[1].append(lines)
